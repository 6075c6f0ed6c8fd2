"""What botocore raises, as what an application can act on."""

from __future__ import annotations

import os

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
)
from botocore.exceptions import ConnectionError as ConnectingError

from rung.errors import ApplicationError
from rung.runtime.errors import BindingError, OverloadedError, UnavailableError

_THROTTLED = {
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "OverLimit",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "ProvisionedThroughputExceededException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "KMS.AccessDeniedException", "KmsAccessDenied"}
_MISSING = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
    "NoSuchBucket",
}


def code_of(error: BaseException) -> str:
    """The code that AWS gave, as `AccessDenied`; empty for what is not an answer of AWS."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def translate(error: Exception, action: str, resource: str) -> ApplicationError:
    """The error of the runtime that `error` means. `action` as policies write it: `sqs:SendMessage`."""
    match error:
        case ClientError():
            return _answered(error, action, resource)
        case HTTPClientError() | ConnectingError() | CredentialRetrievalError() | MetadataRetrievalError():
            return UnavailableError(f"{action} on {resource}: no answer ({type(error).__name__})")
        case BotoCoreError():  # no credentials, no region, a parameter that AWS would refuse
            return BindingError(f"{action} on {resource}: {error}")
        case _:
            return UnavailableError(f"{action} on {resource}: {type(error).__name__}")


def _answered(error: ClientError, action: str, resource: str) -> ApplicationError:
    code, said = code_of(error), str(error.response.get("Error", {}).get("Message", ""))[:300]
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if code in _THROTTLED or status == 429:
        return OverloadedError(f"{action} on {resource}: AWS throttles ({code})")
    if code in _DENIED:
        node = os.environ.get("RUNG_NODE") or "NODE"
        return BindingError(
            f"AWS does not let this process call {action} on {resource}: {said} "
            f"(rung explain-access {node} prints what the graph allows)"
        )
    if code in _MISSING:
        return BindingError(f"{action}: there is no {resource} ({code}): apply the environment's infrastructure")
    return UnavailableError(f"{action} on {resource}: {code} {said}".rstrip())
