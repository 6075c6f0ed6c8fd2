"""What the runtime raises inside a running application.

ApplicationError            (rung.errors)
├── OverloadedError         refused before work began; answer 503 with Retry-After
├── UnavailableError        a dependency cannot be reached; answer 503 with Retry-After
├── DeadlineExceededError   the caller's time is up; answer 504
├── TenantError             no tenant, or a tenant id that is not one; answer 404, never 403
├── BindingError            the process was started without a binding it asks for; our caller's bug
└── MessageError            a message cannot be sent: too large, unknown lane, bad delay
"""

from __future__ import annotations

from rung.errors import ApplicationError


class OverloadedError(ApplicationError):
    """Refused before any work was done; safe to send again after `retry_after_seconds`."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(ApplicationError):
    """A dependency cannot be reached. Whether the work was done is unknown unless the caller knows better."""

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceededError(ApplicationError):
    """The time that the caller gave is up."""


class TenantError(ApplicationError):
    """No tenant where one is needed, or an id that cannot be one."""


class BindingError(ApplicationError):
    """The process has no binding of that name: the graph has no such edge."""


class MessageError(ApplicationError):
    """The message cannot be sent as asked."""
