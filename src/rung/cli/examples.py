"""What each command's help ends with: lines to type, the shortest first. A test parses every one of them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "advise": (
        ("rung advise", "what the workload here has earned"),
        ("rung advise --measured load.json --adr", "with what was measured, and written down as a decision"),
    ),
    "check": (
        ("rung check", "the workload.py of this folder"),
        ("rung check shop/workload.py --strict", "as a pipeline asks: warnings fail too"),
    ),
    "dev": (
        ("rung dev", "the workload.py of this folder, at http://127.0.0.1:8000"),
        ("rung dev shop/workload.py --port 8080", "another file, another port"),
    ),
    "diff": (
        ("rung diff staging prod", "two environments, part by part"),
        ("rung diff prod", "what the workload file says and the files on disk do not"),
    ),
    "eject": (("rung eject", "every environment, beside the workload file"),),
    "estimate": (
        ("rung estimate", "the bill of production"),
        ("rung estimate --compare box host fargate", "what other rungs would cost"),
        ("rung estimate --explain db", "where the quantities of one node come from"),
    ),
    "events": (
        ("rung events match workload.py event.json", "which rules take this event"),
        ("rung events replay events --from 2h", "put the events of the last two hours once more"),
    ),
    "explain": (
        ("rung explain R0142", "why a finding matters, and how to mend it"),
        ("rung explain", "every code with its title"),
    ),
    "explain-access": (
        ("rung explain-access api", "what the service may do, and who may reach it"),
        ("rung explain-access db --env staging", "the same of a database, in staging"),
    ),
    "forecast": (
        ("rung forecast --spike 20:00", "a day of production with a spike in the evening"),
        ("rung forecast --fault failover@12:00 --report day.html", "a day on which the database fails over"),
    ),
    "import": (
        ("rung import compose docker-compose.yml --out workload.py", "from a compose file"),
        ("rung import copilot . --out workload.py", "from the folder that holds copilot/"),
    ),
    "load": (
        ("rung load", "the traffic of the workload.py of this folder, against rung dev"),
        ("rung load --users 10000 --think 10s", "1,000 requests per second from 10,000 connections"),
        ("rung load --spike 10x@30s+60s --report load.html", "a spike of a minute, with plots"),
        ("rung load --rate 500 --journey shop.journeys:flash_sale", "other journeys, at a fixed rate"),
    ),
    "migrate": (
        ("rung migrate migrations --url postgresql://owner@localhost/shop", "apply what is new"),
        ("rung migrate check workload.py --against origin/main", "what a branch adds, judged"),
    ),
    "prices": (
        ("rung prices list ec2 t4g on-demand", "rows that hold every word"),
        ("rung prices update --region eu-west-1", "read AWS's public offer files"),
    ),
    "queue": (
        ("rung queue status", "every queue and lane of the running rung dev"),
        ("rung queue status --queue orders --url redis://localhost:6379", "one queue on a server of your own"),
    ),
    "redrive": (
        ("rung redrive orders", "list the dead letters"),
        ("rung redrive orders --all", "send all of them back"),
        ("rung redrive orders --url amqp://user@broker/ --file workload.py", "on a RabbitMQ, lane by lane"),
    ),
    "review": (
        ("rung review", "production, as a reviewer would see it"),
        ("rung review --env prod --measured load.json --fail-on high", "as a pipeline asks"),
    ),
    "synth": (
        ("rung synth --env prod", "beside the workload file"),
        ("rung synth shop/workload.py --env staging --out /tmp/shop", "elsewhere, to look at"),
    ),
    "tenants": (
        ("rung tenants check --serving-role shop_app", "what does not keep tenants apart"),
        ("rung tenants move acme --to schema:acme", "the plan first; add --yes to do it"),
        ("rung tenants export acme --to acme.zip", "everything of one tenant"),
    ),
    "trace": (
        ("rung trace --slowest", "the slowest user actions"),
        ("rung trace 4f9c1d0b --file workloads/shop/workload.py", "one of them as a tree"),
    ),
    "webhooks": (
        ("rung webhooks replay stripe --since 2026-11-17", "what would be sent again"),
        ("rung webhooks replay stripe --since 2026-11-17 --apply", "send it"),
    ),
    "workflow": (
        ("rung workflow list --state failed", "the newest runs that failed"),
        ("rung workflow show onboarding onboarding-7", "everything that one run did"),
        ("rung workflow resume onboarding onboarding-7", "go on with it"),
    ),
}


def examples_of(command: str) -> str:
    """The examples of a command, as its help shows them."""
    width = max(len(line) for line, _ in EXAMPLES[command])
    if width > 48:
        return "\n".join(["examples:", *(f"  {line}\n      {what}" for line, what in EXAMPLES[command])])
    return "\n".join(["examples:", *(f"  {line:<{width}}   {what}" for line, what in EXAMPLES[command])])
