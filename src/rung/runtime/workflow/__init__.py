"""Durable workflows: code whose steps are recorded, so that it goes on where it was after every wait and crash.

`docs/how-to/run-a-workflow.md` begins at the beginning; `docs/explanation/workflows.md` says how it works.
"""

from rung.runtime.workflow.calls import Attempt as Attempt
from rung.runtime.workflow.calls import current_attempt as current_attempt
from rung.runtime.workflow.client import RunHandle as RunHandle
from rung.runtime.workflow.client import Workflow as Workflow
from rung.runtime.workflow.client import workflow as workflow
from rung.runtime.workflow.context import WorkflowContext as WorkflowContext
from rung.runtime.workflow.errors import Failure as Failure
from rung.runtime.workflow.errors import RunFailedError as RunFailedError
from rung.runtime.workflow.errors import StepFailedError as StepFailedError
from rung.runtime.workflow.errors import WaitTimeoutError as WaitTimeoutError
from rung.runtime.workflow.errors import WorkflowError as WorkflowError
from rung.runtime.workflow.postgres.schema import install_workflows as install_workflows
from rung.runtime.workflow.retry import Retry as Retry
from rung.runtime.workflow.versions import Versions as Versions
from rung.runtime.workflow.waits import Approval as Approval
from rung.runtime.workflow.waits import ApprovalRequest as ApprovalRequest
