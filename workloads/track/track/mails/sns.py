"""Messages of Amazon SNS: signed by SNS, about the one topic that is configured.

Source: docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html and
.../sns-message-and-json-formats.html (read 2026-11-21). The certificate is fetched from SNS's own host in the
topic's region, whatever address a message gives; a subscription is confirmed by a call that is put together here.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from rung.runtime.errors import UnavailableError
from rung.runtime.log import logger
from rung.runtime.webhooks import SignatureRefusedError
from track.outside import Fetch, calling

#: The topic that SES reports to: `arn:aws:sns:eu-west-1:123456789012:track-mail`.
TOPIC_VARIABLE = "TRACK_SES_TOPIC"
CERTIFICATES_MAX = 8
_TOPIC = re.compile(r"arn:aws:sns:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?", re.ASCII)
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem", re.ASCII)
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
log = logger(__name__)


class Sent(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What SNS posts."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature_version: str
    signature: str
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(name="SubscribeURL", default=None)

    def signed_text(self) -> bytes:
        """The fields that SNS signs, in its order; what is not there is left out."""
        names: Sequence[str] = _NOTIFICATION if self.type == "Notification" else _CONFIRMATION
        values = {
            "Message": self.message,
            "MessageId": self.message_id,
            "Subject": self.subject,
            "SubscribeURL": self.subscribe_url,
            "Timestamp": self.timestamp,
            "Token": self.token,
            "TopicArn": self.topic_arn,
            "Type": self.type,
        }
        return "".join(f"{name}\n{values[name]}\n" for name in names if values[name] is not None).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Certificate:
    key: rsa.RSAPublicKey
    since: datetime
    until: datetime


class Topic:
    """One topic, and the certificates that its messages are signed with."""

    def __init__(self, arn: str, fetch: Fetch | None = None) -> None:
        found = _TOPIC.fullmatch(arn)
        if found is None:
            raise ValueError(f"{TOPIC_VARIABLE} is not the ARN of a topic: {arn!r}")
        self.arn = arn
        self.host = f"sns.{found[1]}.amazonaws.com"
        self._fetch = fetch or calling((self.host,))
        self._certificates: OrderedDict[str, _Certificate] = OrderedDict()

    async def verify(self, sent: Sent) -> None:
        """Raises SignatureRefusedError for what SNS has not signed for this topic, UnavailableError."""
        if sent.topic_arn != self.arn:
            raise SignatureRefusedError("it is of another topic")
        algorithm = _HASHES.get(sent.signature_version)
        if algorithm is None:
            raise SignatureRefusedError("the version of the signature is neither 1 nor 2")
        certificate = await self._certificate(sent.signing_cert_url)
        if not certificate.since <= datetime.now(UTC) <= certificate.until:
            raise SignatureRefusedError("the certificate is not valid now")
        try:
            signature = base64.b64decode(sent.signature, validate=True)
            certificate.key.verify(signature, sent.signed_text(), padding.PKCS1v15(), algorithm())
        except (InvalidSignature, binascii.Error, ValueError):
            raise SignatureRefusedError("SNS has not signed this") from None

    async def confirm(self, sent: Sent) -> None:
        """Confirm the subscription that a verified message offers. Raises UnavailableError."""
        asked = {"Action": "ConfirmSubscription", "TopicArn": self.arn, "Token": sent.token or ""}
        status, _ = await self._call(f"https://{self.host}/?{urlencode(asked)}")
        if status != 200:
            raise UnavailableError(f"SNS answers {status} to a confirmation")
        log.info("the subscription to reports of SES is confirmed", topic=self.arn)

    async def _certificate(self, address: str) -> _Certificate:
        parts = urlsplit(address)
        is_theirs = parts.scheme == "https" and parts.netloc == self.host and not parts.query
        if not is_theirs or _CERTIFICATE_PATH.fullmatch(parts.path) is None:
            raise SignatureRefusedError("the certificate is not at SNS")
        found = self._certificates.get(parts.path)
        if found is None:
            found = await self._read(parts.path)
            self._certificates[parts.path] = found
            if len(self._certificates) > CERTIFICATES_MAX:
                self._certificates.popitem(last=False)
        return found

    async def _read(self, path: str) -> _Certificate:
        status, body = await self._call(f"https://{self.host}{path}")
        if status in (403, 404):
            raise SignatureRefusedError("SNS has no such certificate")
        if status != 200:
            raise UnavailableError(f"SNS answers {status} to a request for its certificate")
        try:
            certificate = x509.load_pem_x509_certificate(body)
            key = certificate.public_key()
        except ValueError:
            raise SignatureRefusedError("the certificate cannot be read") from None
        if not isinstance(key, rsa.RSAPublicKey):
            raise SignatureRefusedError("the certificate has no RSA key")
        return _Certificate(key=key, since=certificate.not_valid_before_utc, until=certificate.not_valid_after_utc)

    async def _call(self, address: str) -> tuple[int, bytes]:
        try:
            return await self._fetch(address, None)
        except (OSError, TimeoutError) as error:
            raise UnavailableError(f"SNS cannot be asked: {type(error).__name__}") from error


def configured() -> Topic | None:
    """The topic of this installation; None where there is none, and nothing is believed."""
    arn = os.environ.get(TOPIC_VARIABLE, "")
    return _topic(arn) if arn else None


@lru_cache(maxsize=4)
def _topic(arn: str) -> Topic:
    return Topic(arn)
