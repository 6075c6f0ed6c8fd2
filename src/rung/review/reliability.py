"""Reliability: every rule of the pillar, with what happens, how likely and how bad it is.

The rules themselves are in `capacity.py` (load), `failures.py` (what breaks) and `keeping.py` (what is kept).
"""

from __future__ import annotations

from rung.review import capacity, failures, keeping
from rung.review.advice import Rule

RULES = (
    Rule(
        code="R1421", pillar="reliability", title="a spike is over before there are more tasks",
        likelihood="often", harm="severe", find=capacity.spike_before_scaling, taxonomy="unprepared spike",
        effect="visitors of the best minutes of the month are refused, and those who stay come again at once",
    ),
    Rule(
        code="R1422", pillar="reliability", title="the peak is more than every task can serve",
        likelihood="often", harm="severe", find=capacity.peak_above_the_most, taxonomy="unprepared spike",
        effect="scaling ends below the need: the rest is refused or waits for as long as the peak lasts",
    ),
    Rule(
        code="R1423", pillar="reliability", title="the loss of a zone leaves too little", likelihood="sometimes",
        harm="serious", find=capacity.zone_lost, taxonomy="zone loss",
        effect="the tasks that are left are overloaded and fail their health checks, and then there are fewer",
    ),
    Rule(
        code="R1424", pillar="reliability", title="the database is too small for the peak", likelihood="often",
        harm="severe", find=capacity.database_below_the_peak, taxonomy="unprepared spike",
        effect="queries queue, connections run out, and more tasks make it worse",
    ),
    Rule(
        code="R1425", pillar="reliability", title="the database does not survive a cold cache",
        likelihood="sometimes", harm="serious", find=capacity.cold_cache, taxonomy="thundering herd",
        effect="after a failover or a flush every read falls on the database at once, and the cache cannot fill",
    ),
    Rule(
        code="R1426", pillar="reliability", title="a deployment at the peak exhausts the connections",
        likelihood="sometimes", harm="serious", find=capacity.deployment_at_the_peak,
        taxonomy="connection exhaustion",
        effect="new tasks cannot connect, never become healthy, and the deployment ends in a rollback at the peak",
    ),
    Rule(
        code="R1427", pillar="reliability", title="messages of a spike wait for tasks that are being started",
        likelihood="often", harm="serious", find=capacity.worker_behind_the_spike, taxonomy="unprepared spike",
        effect="work is done, but later than was promised, and the alarm rings at every spike",
    ),
    Rule(
        code="R1428", pillar="reliability", title="the API refuses a part of the peak", likelihood="often",
        harm="severe", find=capacity.api_refuses, taxonomy="unprepared spike",
        effect="visitors get 429 while the functions behind it are idle",
    ),
    Rule(
        code="R1431", pillar="reliability", title="one failure of a database takes much of the promise",
        likelihood="sometimes", harm="severe", find=failures.no_standby, taxonomy="single point of failure",
        effect="until a new one is made or restored nothing can be bought, and people do it by hand",
    ),
    Rule(
        code="R1432", pillar="reliability", title="every way out is in one zone", likelihood="seldom",
        harm="severe", find=failures.way_out_in_one_zone, taxonomy="zone loss",
        effect="tasks of the healthy zones run, and can reach no host outside: payments stop everywhere",
    ),
    Rule(
        code="R1433", pillar="reliability", title="one machine cannot keep the promise", likelihood="sometimes",
        harm="severe", find=failures.one_machine, taxonomy="single point of failure",
        effect="a broken disk, a full one or a bad update is an outage until a person has built the next machine",
    ),
    Rule(
        code="R1434", pillar="reliability", title="the loss of the machine loses hours", likelihood="seldom",
        harm="severe", find=keeping.hours_lost, taxonomy="untested restore",
        effect="orders that customers have paid for are not in the restored database",
    ),
    Rule(
        code="R1435", pillar="reliability", title="messages are given up before a failover is over",
        likelihood="sometimes", harm="serious", find=failures.gives_up_too_soon, taxonomy="retry storm",
        effect="every message of those seconds becomes a dead letter and waits for a person to send it back",
    ),
    Rule(
        code="R1436", pillar="reliability", title="messages do not last a long weekend", likelihood="seldom",
        harm="severe", find=keeping.gone_after_a_weekend, taxonomy="Friday deploy",
        effect="a worker that breaks on Friday evening is mended on Monday, and what waited is deleted by then",
    ),
    Rule(
        code="R1437", pillar="reliability", title="a service hangs with somebody else's", likelihood="sometimes",
        harm="severe", find=failures.hangs_with_others, taxonomy="retry storm",
        effect="every slot waits for one host, requests that do not need it are refused, and clients try again",
    ),
    Rule(
        code="R1438", pillar="reliability", title="the edge gives up before the service", likelihood="sometimes",
        harm="serious", find=failures.edge_gives_up_first, taxonomy="retry storm",
        effect="the visitor sees 504 and tries again while the first is still at work: everything is done twice",
    ),
    Rule(
        code="R1439", pillar="reliability", title="a full cache refuses writes", likelihood="sometimes",
        harm="serious", find=keeping.full_cache_refuses, taxonomy="disk full",
        effect="sessions and cached pages fail together at the moment with the most visitors",
    ),
    Rule(
        code="R1440", pillar="reliability", title="a disk cannot grow", likelihood="sometimes", harm="severe",
        find=keeping.disk_cannot_grow, taxonomy="disk full",
        effect="a database without disk refuses to write, and then to start",
    ),
    Rule(
        code="R1441", pillar="reliability", title="a disk alarm rings too late", likelihood="sometimes",
        harm="serious", find=keeping.disk_alarm_too_late, taxonomy="disk full",
        effect="the machine is full before anybody has opened a terminal",
    ),
    Rule(
        code="R1442", pillar="reliability", title="nobody has tried to restore a backup", likelihood="seldom",
        harm="severe", find=keeping.restore_never_tried, taxonomy="untested restore",
        effect="whether the backups can be read is found out on the day on which they are all there is",
    ),
    Rule(
        code="R1443", pillar="reliability", title="what is overwritten in a bucket is gone",
        likelihood="sometimes", harm="serious", find=keeping.overwritten_for_good, taxonomy="untested restore",
        effect="a wrong key, a faulty job or a stolen role replaces files, and there is nothing to go back to",
    ),
    Rule(
        code="R1444", pillar="reliability", title="a single task that others wait for", likelihood="often",
        harm="serious", find=failures.single_task_inside, taxonomy="single point of failure",
        effect="one crash there is an outage of every service that calls it, however many tasks those have",
    ),
    Rule(
        code="R1445", pillar="reliability", title="one region cannot keep the promise", likelihood="seldom",
        harm="severe", find=failures.more_than_a_region, taxonomy="region loss",
        effect="a regional incident of one hour breaks the promise for a year, and nothing here can prevent it",
    ),
    Rule(
        code="R1446", pillar="reliability", title="the cache is a single node", likelihood="sometimes",
        harm="serious", find=failures.single_cache_node, taxonomy="thundering herd",
        effect="its loss signs everybody out and puts every read on the database at once",
    ),
    Rule(
        code="R1447", pillar="reliability", title="a group of one machine", likelihood="sometimes",
        harm="serious", find=failures.one_host, taxonomy="single point of failure",
        effect="each update and each broken machine is an outage of some minutes",
    ),
    Rule(
        code="R1448", pillar="reliability", title="one tenant can hold up all others", likelihood="sometimes",
        harm="serious", find=failures.one_lane_for_all, taxonomy="noisy neighbour",
        effect="an import of one customer stands before the password mail of another",
    ),
)  # fmt: skip
