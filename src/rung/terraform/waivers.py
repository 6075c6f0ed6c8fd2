"""The rules of Checkov that our files break on purpose, each with its reason: `.checkov.yaml` of a generated tree.

A rule that is waived is waived everywhere: `docs/reference/policy-waivers.md` shows the same table.
"""

from __future__ import annotations

#: Rule -> why what it asks for is not done.
WAIVERS = {
    "CKV2_AWS_5": "Checkov does not follow a security group from one module into another: each is attached there",
    "CKV2_AWS_8": "the backup plan names its clusters by reference, which a plan cannot show before they exist",
    "CKV2_AWS_35": "the route to the internet belongs to the public subnets, where nothing but entrances stands",
    "CKV2_AWS_47": "the firewall has the group against known bad inputs; Checkov loses it between two modules",
    "CKV2_AWS_57": "passwords of roles are replaced by a deployment, keys of other companies by a person, who is"
    " reminded; neither needs a function of its own",
    "CKV2_AWS_62": "nobody waits for events of these buckets",
    "CKV2_AWS_65": "CloudFront delivers its access log through an access control list: that one bucket takes them",
    "CKV2_AWS_71": "one certificate for the domain and what is below it: a host that is added needs no new one",
    "CKV_AWS_19": "every bucket is encrypted; by which algorithm follows from its key, which no plan knows",
    "CKV_AWS_21": "access logs are written once and deleted after 90 days: there is nothing to go back to",
    "CKV_AWS_115": "the batches of its queues limit a worker; a reserve would take from the account's quota",
    "CKV_AWS_116": "SQS starts the function: what fails goes to the dead-letter queue of its queue",
    "CKV_AWS_117": "a function is in the network when it uses something there, and outside of it else",
    "CKV_AWS_144": "a copy in another region is a decision of the business, which pays for it",
    "CKV_AWS_145": "log delivery and CloudFront's own reading work with S3's keys alone; the data have ours",
    "CKV_AWS_158": "the firewall's log is in us-east-1, where the environment has no key of its own",
    "CKV_AWS_224": "the log of sessions is encrypted; Checkov asks for a second setting without effect on Fargate",
    "CKV_AWS_259": "the header is set: Checkov reads another attribute than the provider has",
    "CKV_AWS_260": "port 80 of a machine or a load balancer answers with the way to HTTPS and nothing else",
    "CKV_AWS_272": "the function is an image, whose tag never moves; Lambda checks signatures of archives alone",
    "CKV_AWS_310": "there is one origin of each kind: a second one would be a second environment",
    "CKV_AWS_338": "firewall logs are for the weeks after an attack, not for a year",
    "CKV_AWS_341": "containers on a machine ask it for its role: their requests take one hop more",
    "CKV_AWS_374": "no country is shut out by default: say blocked countries where the law asks for it",
    "CKV_AWS_378": "TLS ends at the load balancer; inside the VPC the security groups let nobody else in",
}


def checkov_configuration() -> str:
    """`.checkov.yaml`, which Checkov reads by itself where it is started."""
    lines = ["# The rules that these files break on purpose, each with its reason. `rung synth` writes this file."]
    lines += ["framework:", "  - terraform_plan", "skip-download: true", "skip-check:"]
    for rule, reason in WAIVERS.items():
        lines += [f"  # {reason}", f"  - {rule}"]
    return "\n".join(lines) + "\n"
