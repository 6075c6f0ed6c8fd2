"""Mail by Amazon SES (API v2).

SES knows no idempotency key (docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html, 2026-11): the key
travels as a message tag, and comes back with everything that SES reports about the mail.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from track.mails.provider import Failed, Outcome, Outgoing, Refused, Sent, Unknown
from track.resources import key_of

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
THREADS = 16
#: What no repetition mends.
_REFUSED = ("MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException", "NotFoundException")


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What the secret `ses-credentials` holds: of an IAM user who may send from one identity, and nothing else."""

    access_key_id: str
    secret_access_key: str


class SesProvider:
    """Sends through one SES client, a few at a time, each in a thread of its own."""

    remembers_keys = False

    def __init__(self, client: Any, *, configuration_set: str | None = None) -> None:
        self._client = client
        self._configuration_set = configuration_set
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ses")

    @classmethod
    def of_this_environment(cls) -> SesProvider:
        """With the secret `ses-credentials`, in AWS_REGION, reporting to the set TRACK_SES_CONFIGURATION."""
        given = msgspec.json.decode(key_of("ses-credentials"), type=Credentials)
        client = make_client(
            region_name=os.environ.get("AWS_REGION", "eu-west-1"),
            aws_access_key_id=given.access_key_id,
            aws_secret_access_key=given.secret_access_key,
        )
        return cls(client, configuration_set=os.environ.get("TRACK_SES_CONFIGURATION"))

    async def send(self, mails: Sequence[Outgoing]) -> list[Outcome]:
        """Deliver; one outcome for each, in order."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._threads, self._send, mail) for mail in mails))

    def _send(self, mail: Outgoing) -> Outcome:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

        more = {"ConfigurationSetName": self._configuration_set} if self._configuration_set else {}
        try:
            answer = self._client.send_email(
                FromEmailAddress=mail.sender,
                Destination={"ToAddresses": [mail.recipient]},
                Content={"Raw": {"Data": mail.content}},
                EmailTags=[{"Name": "track-key", "Value": mail.key}],
                **more,
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            return Refused(str(error)[:300]) if code in _REFUSED else Failed(str(error)[:300])
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            return Failed(type(error).__name__)
        except BotoCoreError as error:
            return Unknown(type(error).__name__)
        return Sent(str(answer["MessageId"]))

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)


def make_client(**options: Any) -> Any:
    """An SES client whose calls end in time and are never repeated by themselves: that might send twice."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 1},
        max_pool_connections=THREADS,
    )
    return boto3.client("sesv2", config=config, **options)
