"""The READMEs of the roots: what each is, how it is planned, and what to do when an apply was interrupted."""

from __future__ import annotations

from rung.parts.design import Design
from rung.parts.operations import DeployIdentity

_RECOVERY = """\
## When something was interrupted

**The lock is held** (`Error acquiring the state lock`). The message names who holds it, since when, and an id. Ask
them; a pipeline that was cancelled holds it too. When nobody is running any more, and only then:

    terraform force-unlock <the id that was printed>

**The apply ended half-way** (a cancelled job, a closed laptop). What was made is in the state, but for what was
being made at that moment. Plan again: the next plan shows what is left to do, and an apply does it. Where a plan
wants to make what is already there (`already exists`), take it over: `terraform import <address> <id>`.

**`errored.tfstate` lies here.** Terraform could not write the state to the bucket at the end. It holds everything
that the bucket's state lacks: `terraform state push errored.tfstate`, then plan. Do not delete it before.

**The state is lost, old or broken.** The bucket keeps every version of it for {days} days. List them, see which is
the last good one (the largest `serial`), and bring it back:

    aws s3api list-object-versions --bucket {bucket} --prefix {key}
    aws s3api copy-object --bucket {bucket} --key {key} --copy-source '{bucket}/{key}?versionId=<id>'

Then plan, and read the plan: what was made after that version shows as missing. `terraform state push` refuses a
state of another `lineage`, or with a smaller `serial` than the bucket's: that is a protection, and it cannot push
over a state that was cut off, because it reads what is there first.
"""


def environment(design: Design) -> str:
    """The README beside the root module of one environment."""
    key = f"{design.workload}/{design.environment}.tfstate"
    bucket = f"{design.workload}-state-<account id>"
    runbooks = "" if design.of(DeployIdentity) else " -var runbooks_url=<where runbooks/ can be read>"
    recovery = _RECOVERY.format(days=90, bucket=bucket, key=key)
    production = (
        "production: an apply needs an approval" if design.production else "a copy: nothing here is production"
    )
    return f"""\
# {design.workload} in {design.environment}

{design.workload} on the rung {design.rung}, in {design.region}; {production}.
Plain Terraform (1.11 or later) with one provider, hashicorp/aws. `rung synth` wrote these files from the workload
file; the line in each comment says which of its lines asks for what follows. The modules lie in `../modules`;
`../modules.lock.json` says what is in them.

| file | question |
|---|---|
| `terraform.tf` | where is the state, and what plans this |
| `network.tf` | where does it run, and what can it reach without leaving |
| `data.tf` | what is kept, how is it encrypted and backed up |
| `services.tf` | what runs, how large, when, and what is it told |
| `async.tf` | which messages start work |
| `edge.tf` | where do visitors arrive |
| `grants.tf` | who may talk to whom, and who may do what |
| `observability.tf` | what is watched, and who is told |
| `outputs.tf` | what is there to work with |

## Plan and apply

    export TF_CLI_ARGS_init=-backend-config=bucket={bucket}
    terraform init
    terraform plan -var image_tag=<commit>{runbooks}

The account id is that of the AWS account. `../bootstrap` makes the bucket, once.

A safe deployment here is a rolling one: the circuit breaker and the alarms of a service bring its last version
back.
Blue/green and canary deployments of ECS need version 6.4 of the provider or later.

{recovery}"""


def bootstrap(design: Design, environments: tuple[str, ...]) -> str:
    """The README of the root that comes first."""
    bucket = f"{design.workload}-state-<account id>"
    return f"""\
# Before everything else

Made once for each AWS account by a person who may: the bucket that keeps the states of
{", ".join(environments)}, with the key that encrypts them, and the roles that the pipeline assumes (GitHub's own
identity, no stored credentials).

    terraform init
    terraform apply
    terraform output state_bucket

The state of this root is a file at first. Move it into the bucket, so that nobody has to keep a file: add

    terraform {{
      backend "s3" {{
        bucket       = "{bucket}"
        key          = "{design.workload}/bootstrap.tfstate"
        region       = "{design.region}"
        use_lockfile = true
      }}
    }}

in a file `backend.tf` and run `terraform init -migrate-state`.

Roles appear here for each environment that names its repository: `environment(..., repository="owner/name")`.
"""
