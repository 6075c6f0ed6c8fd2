"""What runs without a machine of one's own: Lambda functions, what starts them, and the API before them.

What a forecast reads of a function: one request (or one batch) at a time in each execution environment, so that
`reserved_concurrency` is the most that is under way at once and `provisioned_concurrency` what is warm from the
beginning; `memory_mib` gives the vCPU (`vcpus_of_memory`), `timeout_seconds` the longest that one takes. A request
that finds every environment busy waits for a new one: a cold start, whose length follows from `packaging`. Lambda
adds 1,000 environments for each function in ten seconds (AWS, "Lambda scaling behavior"); what is beyond
`reserved_concurrency` is refused with 429, or left in its queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rung.parts.compute import Architecture, Mount, Variable
from rung.parts.edge import Forward

#: Memory with which a function has one whole vCPU. Source: AWS, "Configure Lambda function memory".
MIB_PER_VCPU = 1_769


def vcpus_of_memory(memory_mib: float) -> float:
    """The vCPU that a function of so much memory has: in proportion, six with the most."""
    return memory_mib / MIB_PER_VCPU


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """Lambda receives from the queue part `queue` and starts the function with up to `batch_size` messages.

    It is a lane of the workload's queue `node`, with `share` of its messages (lanes are taken to be alike).
    `most_batches` (2 at least) are under way at once. It waits `window_seconds` for a batch to fill. What fails is
    reported one by one, so that a batch with one bad message is not tried again whole.
    """

    queue: str
    node: str
    share: float = 1.0
    batch_size: int = 10
    window_seconds: int = 0
    most_batches: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaFunction:
    """A function in the workload's image.

    Each of its execution environments answers one request, or one batch, at a time. `role` is what starts it: a
    visitor by way of the API, a queue, a schedule, somebody, or a deployment. A `web` function runs a `command`
    that listens on `port`, behind the Lambda Web Adapter; the others run `handler`, or a `command` that ends.
    `reserved_concurrency` keeps so much of the account's quota for it and is its limit, None for no limit;
    `provisioned_concurrency` environments are always warm, and always paid for.
    `in_network`: it has an address in the VPC, to reach what is there; without, it reaches AWS and the internet.
    """

    kind: Literal["lambda_function"] = "lambda_function"
    name: str
    node: str
    why: str = ""
    role: Literal["web", "worker", "schedule", "job", "migration"]
    handler: str | None = None
    command: tuple[str, ...] = ()
    image: str = "images"
    packaging: Literal["image", "zip"] = "image"
    variables: tuple[Variable, ...] = ()
    mounts: tuple[Mount, ...] = ()
    port: int | None = None
    health_path: str | None = None
    architecture: Architecture = "arm64"
    memory_mib: int = 1_024
    ephemeral_mib: int = 512
    timeout_seconds: int = 30
    #: How long one run usually takes, where the workload says so: a message, not a batch.
    usual_seconds: float | None = None
    reserved_concurrency: int | None = None
    provisioned_concurrency: int = 0
    sources: tuple[QueueSource, ...] = ()
    in_network: bool = False
    log_days: int = 30

    @property
    def most_at_once(self) -> int | None:
        """The most environments that run at once, None without a limit: what its database must have room for."""
        if self.sources:
            return sum(source.most_batches for source in self.sources)
        return self.reserved_concurrency


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """An HTTP API of API Gateway: requests for a path go to a function, `timeout_seconds` (30 at most) each.

    Beyond `requests_per_second` (a bucket of `burst`) it answers 429. A request may have 10 MB, and 6 MB where a
    function answers it. `certificate` None: CloudFront stands before it, or it has AWS's own name.
    """

    kind: Literal["http_api"] = "http_api"
    name: str = "http-api"
    node: str = "@workload"
    why: str = ""
    forwards: tuple[Forward, ...] = ()
    certificate: str | None = None
    domain: str | None = None
    timeout_seconds: int = 30
    requests_per_second: int = 10_000
    burst: int = 5_000
    log_days: int = 30
