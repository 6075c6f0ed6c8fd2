"""What no workload file and no price list says, and a choice needs: hours, outages, and what they cost.

Each value has its unit and its reason; `rung advise --assume NAME=VALUE` puts another in its place. Where a value
was set so that the whole agrees with what others published, the reason says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.model.assumed import Assumptions, assumption

_OURS = "our estimate"
_GUIDE = "From Idea to Production, llm.learnbeneficial.com/blog/idea-to-production"
_TABLE = f"set so that EC2 with Docker takes less than Fargate and that less than EKS, as in {_GUIDE}"
_ADMIN = "routine administration of one server: cybrary.it, Manpower Requirements, 2016"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(Assumptions):
    """Each field's metadata holds its unit and why its default."""

    # People
    engineer_hour_usd: float = assumption(
        65.0, unit="USD/hour", why="mean wage of software developers, US Bureau of Labor Statistics, May 2023"
    )
    machine_hours: float = assumption(1.0, unit="hours/month", why=f"patches, reboots, disk, logs; {_ADMIN}")
    database_by_hand_hours: float = assumption(
        1.0, unit="hours/month", why=f"dumps that are checked and restored, upgrades; {_ADMIN}"
    )
    container_by_hand_hours: float = assumption(
        0.25, unit="hours/month", why=f"an entry in one compose file; {_OURS}"
    )
    host_group_hours: float = assumption(
        1.0, unit="hours/month", why=f"a new image each month, machines that are replaced; {_TABLE}"
    )
    extra_machine_hours: float = assumption(
        1.0, unit="hours/month", why=f"room on each machine beyond two, planned by hand; {_OURS}"
    )
    container_on_hosts_hours: float = assumption(
        0.5, unit="hours/month", why=f"releases, limits, alarms of one process on shared machines; {_TABLE}"
    )
    fargate_hours: float = assumption(
        1.5, unit="hours/month", why=f"task definitions, roles, quotas, scaling policies, the base image; {_TABLE}"
    )
    task_hours: float = assumption(
        0.75, unit="hours/month", why=f"releases, sizes, scaling, alarms of one service on Fargate; {_TABLE}"
    )
    cluster_hours: float = assumption(
        0.25, unit="hours/month", why=f"a cluster in which jobs and migrations run and nothing else; {_OURS}"
    )
    job_hours: float = assumption(0.1, unit="hours/month", why=f"one that ran, or did not; {_OURS}")
    eks_hours: float = assumption(
        20.0, unit="hours/month",
        why="three minor versions a year, since EKS supports each for 14 months, a week's work each with add-ons "
        f"and a rehearsal, and weekly patches; {_OURS}",
    )  # fmt: skip
    shared_eks_hours: float = assumption(
        3.0,
        unit="hours/month",
        why=f"the share of one team where the organisation runs Kubernetes anyway; {_OURS}",
    )
    node_pool_hours: float = assumption(1.0, unit="hours/month", why=f"images and drains of the nodes; {_OURS}")
    pod_hours: float = assumption(
        0.25, unit="hours/month", why=f"one more release of a chart that all services share; {_OURS}"
    )
    function_hours: float = assumption(0.35, unit="hours/month", why=f"releases and limits, no scaling; {_OURS}")
    function_with_database_hours: float = assumption(
        1.0, unit="hours/month", why=f"and its connections, its addresses in the network; {_OURS}"
    )
    api_with_database_hours: float = assumption(
        2.0, unit="hours/month",
        why="and cold starts and time limits in front of visitors; set so that functions are for events and tasks "
        "for APIs, as in AWS Cloud Architecture: Patterns for Production-Grade Infrastructure, 2026",
    )  # fmt: skip
    crowd_hours: float = assumption(
        1.25, unit="hours/month",
        why="for each process beyond crowd_begins without a platform that does the same for all of them; set so "
        f"that Kubernetes begins to pay near 20 processes, where others see it ({_GUIDE})",
    )  # fmt: skip
    crowd_begins: float = assumption(10.0, unit="processes", why=f"what one team keeps in its head; {_OURS}")
    second_platform_hours: float = assumption(
        16.0, unit="hours/month", why=f"pipelines and on-call for a way of running that only this one has; {_OURS}"
    )
    managed_database_hours: float = assumption(0.5, unit="hours/month", why=f"versions, parameters, room; {_OURS}")
    network_hours: float = assumption(0.5, unit="hours/month", why=f"NAT, endpoints, flow logs; {_OURS}")
    door_hours: float = assumption(
        0.25, unit="hours/month", why=f"each load balancer, API, distribution, cache; {_OURS}"
    )
    firewall_hours: float = assumption(0.5, unit="hours/month", why=f"rules that refuse customers; {_OURS}")
    queue_hours: float = assumption(0.1, unit="hours/month", why=f"dead letters that somebody reads; {_OURS}")
    audit_hours: float = assumption(
        4.0, unit="hours/month for each regime",
        why="proving that machines were patched; on Fargate and Lambda AWS patches them (AWS, shared "
        f"responsibility model for Amazon ECS); {_OURS}",
    )  # fmt: skip
    nonproduction_share: float = assumption(
        0.25, unit="share of the hours", why=f"a copy of what production has taught already; {_OURS}"
    )
    # Outages
    downtime_factor: float = assumption(
        25.0, unit="hours of revenue for an hour of outage",
        why="half of the one published figure: in one of 3 hours 2 of 10 customers asked for their month back, 49 "
        f"hours of revenue for each hour ({_GUIDE}); a shop whose visitors come back loses 1",
    )  # fmt: skip
    support_hours: float = assumption(
        0.4, unit="hours for a customer and an outage",
        why=f"47 messages from 10 customers after one ({_GUIDE}), five minutes each",
    )  # fmt: skip
    noticed_minutes: float = assumption(
        30.0, unit="minutes", why=f"an outage that every customer notices and writes about; {_OURS}"
    )
    notice_minutes: float = assumption(
        60.0, unit="minutes", why=f"fewer than three people: nobody is on call at night; {_OURS}"
    )
    rota_notice_minutes: float = assumption(15.0, unit="minutes", why=f"three people and a rota; {_OURS}")
    machine_failures: float = assumption(
        0.3, unit="a year", why=f"a machine that is retired or fails every three years; {_OURS}"
    )
    rebuild_minutes: float = assumption(45.0, unit="minutes", why=f"a new machine from its files; {_OURS}")
    restore_gib_per_hour: float = assumption(50.0, unit="GiB/hour", why=f"a dump into a small machine; {_OURS}")
    box_troubles: float = assumption(
        4.0, unit="a year",
        why=f"disk, memory or network that everything shares: a third of one a month ({_GUIDE}), since rotation, "
        "alarms and backups come with the rung",
    )  # fmt: skip
    patch_minutes: float = assumption(2.0, unit="minutes/month", why=f"a reboot for the kernel; {_OURS}")
    zone_losses: float = assumption(0.1, unit="a year", why=f"an availability zone, for three hours; {_OURS}")
    bad_releases: float = assumption(
        12.0, unit="a year", why="5 % of 240 releases; DORA's better teams, Accelerate State of DevOps 2023"
    )
    box_rollback_minutes: float = assumption(20.0, unit="minutes", why=f"by hand, in place; {_OURS}")
    host_rollback_minutes: float = assumption(15.0, unit="minutes", why=f"by hand, machine by machine; {_OURS}")
    task_rollback_minutes: float = assumption(
        4.0,
        unit="minutes",
        why="the deployment circuit breaker; '< 5 min' in the failure table of a reference platform",
    )
    function_rollback_minutes: float = assumption(2.0, unit="minutes", why=f"an alias goes back; {_OURS}")
    database_failovers: float = assumption(
        2.0, unit="a year", why=f"a version, a failure, a size that changes; {_OURS}"
    )
    standby_seconds: float = assumption(
        90.0, unit="seconds", why="RDS Multi-AZ, 60 to 120 seconds (AWS, RDS user guide)"
    )
    reader_seconds: float = assumption(30.0, unit="seconds", why="Aurora with a reader (AWS, Aurora user guide)")
    alone_minutes: float = assumption(10.0, unit="minutes", why=f"a managed database without a copy; {_OURS}")
    # Speed
    alarm_seconds: float = assumption(
        180.0, unit="seconds", why="target tracking acts after three minutes above its target (AWS)"
    )
    pod_alarm_seconds: float = assumption(15.0, unit="seconds", why="the HPA looks every 15 seconds (Kubernetes)")
    task_start_seconds: float = assumption(45.0, unit="seconds", why="place, pull, start, pass health checks")
    machine_start_seconds: float = assumption(
        180.0, unit="seconds", why="boot, pull every image, join; four tasks' time"
    )
    cold_start_seconds: float = assumption(
        0.8,
        unit="seconds",
        why="an image of Python with its imports; an empty handler takes 0.2 (maxday/lambda-perf)",
    )
    network_ms: float = assumption(2.0, unit="ms", why="load balancer and zones, there and back")
    # Moving
    move_hours: float = assumption(
        24.0, unit="hours for one rung", why=f"a rehearsal, the data, the switch, the way back; {_OURS}"
    )
    payback_months: float = assumption(
        12.0, unit="months", why=f"a move that has not paid for itself by then is not worth its risk; {_OURS}"
    )
