"""The key that the tokens of approvals are signed with: a file under `rung dev`, a secret on AWS."""

from __future__ import annotations

from pathlib import Path

from rung.runtime.bindings import WorkflowBinding
from rung.runtime.errors import BindingError
from rung.runtime.workflow.errors import WorkflowError

KEY_BYTES_MIN = 16


def approval_key(found: WorkflowBinding) -> bytes:
    """The key's bytes. Raises WorkflowError R0538 when the binding names none, or one that is too short."""
    if not found.approval_key:
        raise WorkflowError("R0538", "this workflow asks for approvals, and its binding has no approval_key")
    if found.approval_key.startswith("arn:"):
        from rung.runtime.aws.secrets import SECRETS

        key = SECRETS.read(found.approval_key).strip().encode()
    else:
        try:
            key = Path(found.approval_key).read_bytes().strip()
        except OSError as error:
            raise BindingError(f"the key of approvals cannot be read: {error.strerror}") from error
    if len(key) < KEY_BYTES_MIN:
        raise WorkflowError("R0538", f"the key of approvals has {len(key)} bytes, {KEY_BYTES_MIN} are the fewest")
    return key
