"""Reports of SES come through SNS: what SNS has not signed, for our topic, changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from rung.runtime.errors import UnavailableError
from rung.runtime.webhooks import SignatureRefusedError
from track.mails.sns import Sent, Topic

TOPIC = "arn:aws:sns:eu-west-1:123456789012:track-mail"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
REPORT = '{"eventType": "Open", "mail": {"messageId": "1"}}'


def _sent(body: bytes) -> Sent:
    return msgspec.json.decode(body, type=Sent)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "a subject\nof two lines"}])
async def test_both_versions_are_verified_with_one_fetch_of_the_certificate(
    signing_sns: Any, version: str, more: dict[str, str]
) -> None:
    topic = Topic(TOPIC, signing_sns.fetch)
    signing_sns.asked.clear()
    for message in ("one", "two"):
        await topic.verify(_sent(signing_sns.posted(version=version, Message=message, **more)))
    assert signing_sns.asked == [CERTIFICATE]


@pytest.mark.parametrize(
    "changed",
    [
        {"SigningCertURL": CERTIFICATE.replace(".com", ".com.evil.example")},
        {"SigningCertURL": CERTIFICATE.replace("https://", "https://sns.eu-west-1.amazonaws.com@evil.example/")},
        {"SigningCertURL": CERTIFICATE.replace("https://", "http://")},
        {"SigningCertURL": CERTIFICATE.replace("eu-west-1", "us-east-1")},
        {"SigningCertURL": f"{HOST}/bucket/evil.pem"},
        {"SigningCertURL": f"{HOST}/SimpleNotificationService-00000000.pem"},
        {"TopicArn": TOPIC + "-of-others"},
        {"SignatureVersion": "3"},
        {"Signature": "bm9uc2Vuc2U="},
        {"Signature": "not base64!"},
    ],
)  # fmt: skip
async def test_what_points_elsewhere_is_refused(signing_sns: Any, changed: dict[str, str]) -> None:
    signing_sns.asked.clear()
    with pytest.raises(SignatureRefusedError):
        await Topic(TOPIC, signing_sns.fetch).verify(_sent(signing_sns.posted(**changed)))
    assert all(each.startswith(f"{HOST}/SimpleNotificationService-") for each in signing_sns.asked)


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp"])
async def test_what_was_changed_on_the_way_is_refused(signing_sns: Any, field: str) -> None:
    body = msgspec.json.decode(signing_sns.posted(Subject="a"))
    with pytest.raises(SignatureRefusedError):
        await Topic(TOPIC, signing_sns.fetch).verify(_sent(msgspec.json.encode({**body, field: "other"})))


async def test_another_key_and_an_old_certificate_are_refused(signing_sns: Any) -> None:
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    with pytest.raises(SignatureRefusedError, match="not signed"):
        await Topic(TOPIC, signing_sns.fetch).verify(_sent(signing_sns.posted(key=stranger)))

    async def old(_: str, __: Any) -> tuple[int, bytes]:
        return 200, signing_sns.certificate_until(-1)

    with pytest.raises(SignatureRefusedError, match="not valid now"):
        await Topic(TOPIC, old).verify(_sent(signing_sns.posted()))


async def test_when_sns_does_not_answer_it_is_asked_to_come_again(signing_sns: Any) -> None:
    async def away(_: str, __: Any) -> tuple[int, bytes]:
        raise TimeoutError

    with pytest.raises(UnavailableError):
        await Topic(TOPIC, away).verify(_sent(signing_sns.posted()))


async def test_a_subscription_is_confirmed_for_our_topic_alone(track: Any, sns: Any) -> None:
    from track.mails.feedback import token

    path, browser = f"/api/feedback/{token()}", track.browser()
    offer = {"Type": "SubscriptionConfirmation", "Token": "abc", "SubscribeURL": "https://evil.example/confirm"}
    other = sns.posted(**offer, TopicArn=TOPIC + "2")
    assert (await browser.request("POST", path, raw=other)).status == 403
    assert sns.asked == []
    assert (await browser.request("POST", path, raw=sns.posted(**offer))).status == 200
    asked = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC.replace(':', '%3A')}&Token=abc"
    assert sns.asked == [CERTIFICATE, asked], "never the address that the message gives"


async def test_without_a_topic_or_a_signature_nothing_is_believed(
    track: Any, sns: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from track.mails.feedback import token

    path, browser = f"/api/feedback/{token()}", track.browser()
    bare = msgspec.json.encode({"Type": "Notification", "Message": REPORT})
    assert (await browser.request("POST", path, raw=bare)).status == 422
    posted = sns.posted(Message=REPORT)
    assert (await browser.request("POST", path, raw=posted)).status == 200
    monkeypatch.delenv("TRACK_SES_TOPIC")
    assert (await browser.request("POST", path, raw=posted)).json["code"] == "no_topic"
