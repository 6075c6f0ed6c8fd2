"""What the graph allows is allowed, what it does not is denied; dropping an edge takes exactly its access."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rungs.conftest import brokered, everything
from tests.rungs.samples import durable, eventful
from tests.rungs.simulation import access, allowed, only, reachable, without

from rung import load_workload
from rung.model.edges import Edge
from rung.model.graph import Graph
from rung.model.nodes import (
    Bus,
    Cache,
    Files,
    Job,
    Node,
    Postgres,
    Queue,
    Rule,
    Schedule,
    Secret,
    Service,
    Worker,
    Workflow,
)
from rung.parts.compute import EcsJob, EcsService
from rung.parts.data import SecretPart
from rung.parts.design import Design
from rung.parts.values import references_in
from rung.rungs import place

WORKLOADS = Path(__file__).parents[2] / "workloads"
GRAPHS: dict[str, Graph] = {
    **{file.parent.name: load_workload(file) for file in sorted(WORKLOADS.glob("*/workload.py"))},
    "atlas": everything(),
    "cottage": everything(small=True),
    "studio": durable(),
    "post": brokered(),
    "market": eventful(),
}
RUNNING = (Service, Worker, Schedule, Job, Workflow)
RULES = {rule.name for graph in GRAPHS.values() for rule in graph.of(Rule)}
#: What a process asks of AWS because of a verb: action, output of the node's part, and what follows it. Written
#: anew from the documentation of each service: the table under test is not its own judge.
ASKS: dict[tuple[str, str], list[tuple[str, str]]] = {
    ("bucket", "read"): [("s3:GetObject", "arn/key")],
    ("bucket", "write"): [("s3:PutObject", "arn/key")],
    ("bucket", "delete"): [("s3:DeleteObject", "arn/key")],
    ("bucket", "list"): [("s3:ListBucket", "arn")],
    ("table", "read"): [("dynamodb:GetItem", "arn"), ("dynamodb:Query", "arn/index/by-date")],
    ("table", "write"): [("dynamodb:PutItem", "arn"), ("dynamodb:DeleteItem", "arn")],
    ("bus", "publish"): [("events:PutEvents", "arn")],
    ("secret", "read"): [("secretsmanager:GetSecretValue", "arn")],
    ("job", "run"): [("ecs:RunTask", "task_definition_arn"), ("iam:PassRole", "task_role_arn")],
    ("files", "read"): [("elasticfilesystem:ClientMount", "arn")],
    ("files", "write"): [("elasticfilesystem:ClientWrite", "arn")],
    ("queue", "send"): [("sqs:SendMessage", "arn")],
    ("queue", "consume"): [
        ("sqs:ReceiveMessage", "arn"), ("sqs:DeleteMessage", "arn"), ("sqs:ChangeMessageVisibility", "arn"),
        ("sqs:SendMessage", "dead_letter_arn"),
    ],
    ("postgres", "read"): [],
    ("postgres", "write"): [],
    ("cache", "read"): [],
    ("cache", "write"): [],
    ("service", "call"): [],
    ("external", "connect"): [],
}  # fmt: skip
PORTS = {"postgres": 5432, "cache": 6379, "files": 2049, "service": 8000}


def uses(graph: Graph) -> list[tuple[Edge, Node]]:
    """The edges that start at something that runs, with what they lead to."""
    return [
        (edge, graph.by_name[edge.target])
        for edge in graph.edges
        if isinstance(graph.by_name[edge.source], RUNNING) and edge.verb != "deliver"
    ]


def parts_of(design: Design, node: Node, source: Node | None = None) -> list[str]:
    """The parts of a node; of a queue, the lanes that a worker takes."""
    if not isinstance(node, Queue):
        return [node.name]
    lanes = source.lanes if isinstance(source, Worker) else ()
    return [part.name for part in design.parts if part.kind == "sqs_queue" and part.node == node.name
            and (not lanes or part.lane in lanes)]  # fmt: skip


def context_of(action: str, part: str, region: str) -> dict[str, str]:
    """What AWS knows of such a request."""
    return {
        "kms:ViaService": f"{action.partition(':')[0]}.{region}.amazonaws.com",
        "elasticfilesystem:AccessPointArn": f"{part}.access_point_arn",
        "ecs:cluster": "cluster.arn",
        "iam:PassedToService": "ecs-tasks.amazonaws.com",
    }


@pytest.mark.parametrize("name", ["shop", "atlas"])
def test_what_an_edge_asks_for_is_allowed(name: str) -> None:
    graph = GRAPHS[name]
    design = place(graph, "prod")
    for edge, target in uses(graph):
        for part in parts_of(design, target, graph.by_name[edge.source]):
            for action, rest in ASKS[target.kind, edge.verb]:
                context = context_of(action, part, design.region)
                assert allowed(design, edge.source, action, f"{part}.{rest}", context), (edge, action)
        if target.kind in PORTS:
            ways = {(each.source, each.target, each.port) for each in design.connections}
            assert (edge.source, target.name, PORTS[target.kind]) in ways, edge


@pytest.mark.parametrize("name", ["shop", "atlas"])
def test_what_no_edge_asks_for_is_denied(name: str) -> None:
    """Every process against every verb of every node, allowed only where the graph has the edge."""
    graph = GRAPHS[name]
    design = place(graph, "prod")
    edges = {(edge.source, edge.target, edge.verb) for edge in graph.edges}
    ways = {(each.source, each.target) for each in design.connections}
    asked = 0
    for process in (node for node in graph.nodes if isinstance(node, RUNNING)):
        for (kind, verb), asks in ASKS.items():
            for target in (node for node in graph.nodes if node.kind == kind and node is not process):
                if (process.name, target.name, verb) in edges:
                    continue
                for part in parts_of(design, target):
                    for action, rest in asks:
                        if _is_given_otherwise(edges, process.name, target.name, action, rest):
                            continue
                        context = context_of(action, part, design.region)
                        given = allowed(design, process.name, action, f"{part}.{rest}", context)
                        assert not given, (process.name, part)
                        asked += 1
                reached = any((process.name, target.name, each) in edges for each in ("read", "write", "call"))
                if kind in PORTS and not reached:
                    assert (process.name, target.name) not in ways
    assert asked > 20


def _is_given_otherwise(
    edges: set[tuple[str, str, str]], process: str, target: str, action: str, rest: str
) -> bool:
    """Writing to a file system includes mounting it; who consumes hands messages back, which is sending them."""
    if action == "sqs:SendMessage" and (process, target, "consume") in edges:
        return True
    return action == "elasticfilesystem:ClientMount" and (process, target, "write") in edges


@pytest.mark.parametrize("name", ["shop", "atlas"])
def test_a_task_reads_its_own_secrets_and_no_other(name: str) -> None:
    graph = GRAPHS[name]
    design = place(graph, "prod")
    named = {(edge.source, edge.target) for edge, target in uses(graph) if isinstance(target, Secret)}
    for part in design.of(SecretPart):
        for process in (node.name for node in graph.nodes if isinstance(node, RUNNING)):
            own = part.node == process if part.generated else (process, part.name) in named
            statement = allowed(design, process, "secretsmanager:GetSecretValue", f"{part.name}.arn")
            assert bool(statement) == own, (process, part.name)


def test_a_key_is_of_no_use_to_a_stolen_role() -> None:
    """Decrypting works through the service that holds the data, and not for whoever calls KMS itself."""
    design = place(GRAPHS["shop"], "prod")
    through = {"kms:ViaService": "sqs.eu-west-1.amazonaws.com"}
    assert allowed(design, "api", "kms:GenerateDataKey", "keys.data_key_arn", through)
    assert not allowed(design, "api", "kms:Decrypt", "keys.data_key_arn")
    assert not allowed(
        design, "api", "kms:Decrypt", "keys.data_key_arn", {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
    )
    assert not allowed(design, "api", "kms:Decrypt", "keys.log_key_arn", through)


@pytest.mark.parametrize("name", ["shop", "atlas"])
def test_stores_are_reached_by_their_callers_alone(name: str) -> None:
    graph = GRAPHS[name]
    design = place(graph, "prod")
    for node in graph.nodes:
        if isinstance(node, Postgres | Cache | Files):
            callers = {edge.source for edge in graph.edges_to(node.name)}
            jobs = {f"{node.name}-migrate"} if isinstance(node, Postgres) else set()
            assert {each.source for each in design.connections if each.target == node.name} == callers | jobs


def test_visitors_reach_routed_services_through_the_one_door() -> None:
    design = place(GRAPHS["atlas"], "prod")
    assert {each.target for each in design.connections if each.source in ("internet", "cloudfront")} == {
        "load-balancer"
    }
    assert not [each for each in design.connections if each.source == "internet"]
    behind = {part for part, _ in reachable(design, "cloudfront")}
    assert {"front", "back", "db"} <= behind
    assert not behind & {"mailer", "bulk", "tidy", "tick", "render", "db-migrate"}


def test_only_those_who_use_an_external_host_can_leave() -> None:
    design = place(GRAPHS["atlas"], "prod")
    assert {(each.source, each.host, each.port) for each in design.egress} == {("front", "api.example.com", 8443)}
    assert not [each for each in design.connections if each.target == "internet"]
    assert not place(GRAPHS["shop"], "prod").egress


@pytest.mark.parametrize("rung", ["box", "host", "fargate"])
def test_no_wildcards_but_those_that_aws_makes_us_write(rung: str) -> None:
    graph = GRAPHS["cottage" if rung == "box" else "atlas"]
    for statement in place(graph, "prod", rung=rung).statements:
        assert not any("*" in action for action in statement.actions)
        assert statement.edge is not None or statement.why
        for resource in statement.resources:
            if isinstance(resource, str):
                assert resource == "*"
                assert statement.sid in ("SignInToRegistry", "BeManaged", "PublishMetrics")
            else:
                assert resource.suffix in ("", "/*", "/index/*", ":*")


def edges_of(rung: str) -> list[tuple[str, str, Edge]]:
    """Every edge of every workload that the rung can hold in its production (a box: its first environment)."""
    names = ["cottage", "studio", "post"] if rung == "box" else [name for name in GRAPHS if name != "cottage"]
    return [(rung, name, edge) for name in names for edge in GRAPHS[name].edges]


@pytest.mark.parametrize(
    ("rung", "name", "edge"),
    [case for rung in ("fargate", "host", "box") for case in edges_of(rung)],
    ids=lambda value: value if isinstance(value, str) else f"{value.source}-{value.verb}-{value.target}",
)
def test_dropping_an_edge_takes_exactly_its_access(rung: str, name: str, edge: Edge) -> None:
    """Before, after, and what the edge alone would give: the difference is that, less what others give too."""
    graph = GRAPHS[name]
    before, after = (access(place(each, "prod", rung=rung)) for each in (graph, without(graph, edge)))
    # A rule does nothing until it both hears a bus and leads somewhere: its edges give together.
    with_it = [each for each in graph.edges if each != edge and _of_one_rule(edge, each)]
    bare, alone = (
        access(place(only(graph, *with_it, *own), "prod", rung=rung)) for own in ((), (edge,))
    )  # fmt: skip
    assert not after - before, "dropping an edge gives nobody anything"
    gone = before - after
    assert gone == (alone - bare) - after
    if not is_shared(graph, edge, rung):
        assert gone


def _of_one_rule(edge: Edge, other: Edge) -> bool:
    if edge.verb != "deliver" or other.verb != "deliver":
        return False
    return bool({edge.source, edge.target} & {other.source, other.target} & RULES)


def is_shared(graph: Graph, edge: Edge, rung: str) -> bool:
    """Whether dropping the edge may change nothing: something else gives the same, or the machine shares it."""
    source, target = graph.by_name[edge.source], graph.by_name[edge.target]
    same = [
        each for each in graph.edges if (each.source, each.target) == (edge.source, edge.target) and each != edge
    ]
    if edge.verb == "deliver" or isinstance(target, Bus):
        return edge.verb == "deliver"
    if edge.verb == "route":
        others = [each for each in graph.edges if each.verb == "route" and each.target != edge.target]
        doors = [each for each in others if isinstance(graph.by_name[each.target], Service)]
        # The balancer reaches a machine's proxy, whatever services there are behind it.
        return rung == "box" or not isinstance(target, Service) or (rung == "host" and bool(doors))
    if isinstance(target, Cache | Files) and same:
        return True
    if edge.verb == "send" and any(each.verb == "consume" for each in same):
        return True
    if isinstance(target, Queue) and target.broker in ("redis", "rabbitmq"):
        beside = [graph.by_name[each.target] for each in graph.edges_from(edge.source) if each != edge]
        if any(isinstance(each, Queue) and each.broker == target.broker for each in beside):
            return True  # one broker carries all queues of its kind
    on_machine = rung == "box" or (rung == "host" and isinstance(source, Service | Worker | Workflow))
    return on_machine and not isinstance(target, Postgres)


def test_a_rule_that_hears_nothing_is_no_part() -> None:
    graph = GRAPHS["atlas"]
    rule = [edge for edge in graph.edges if edge.verb == "deliver"]
    assert len(rule) == 2
    for edge in rule:
        design = place(without(graph, edge), "prod")
        assert "signed-up" not in design.by_name
    unheard = place(without(graph, *[edge for edge in rule if edge.target == "mails"]), "prod")
    assert not [part for part in unheard.parts if getattr(part, "rules", ())]


@pytest.mark.parametrize("rung", ["host", "fargate"])
def test_execution_and_task_are_two_roles(rung: str) -> None:
    """Nothing of the graph is granted to a role that ECS itself uses, and no statement names one."""
    design = place(GRAPHS["atlas"], "prod", rung=rung)
    running = {part.name for part in (*design.of(EcsService), *design.of(EcsJob))}
    for statement in design.statements:
        if statement.principal in running:
            assert not [action for action in statement.actions if action.startswith(("ecr:", "logs:"))]


def test_two_edges_with_one_need_are_one_statement() -> None:
    design = place(GRAPHS["shop"], "prod")
    words = [(each.principal, each.actions, each.resources, each.conditions) for each in design.statements]
    assert len(words) == len(set(words))


def test_bindings_are_the_edges_and_nothing_else() -> None:
    graph = GRAPHS["atlas"]
    design = place(graph, "prod")
    for part in (*design.of(EcsService), *design.of(EcsJob)):
        if part.name != part.node:
            continue
        bound = {each.name.removeprefix("RUNG_BINDING_") for each in part.container.variables
                 if each.name.startswith("RUNG_BINDING_")}  # fmt: skip
        targets = {target.name.upper().replace("-", "_") for edge, target in uses(graph)
                   if edge.source == part.name and not isinstance(target, Files)}  # fmt: skip
        assert bound == targets


def test_no_secret_is_in_a_variable() -> None:
    """Whatever a variable names late is an address, a name or the ARN of a secret: never its value."""
    design = place(GRAPHS["atlas"], "prod")
    for part in (*design.of(EcsService), *design.of(EcsJob)):
        outputs = {reference.output for reference in references_in(part.container.variables)}
        assert not outputs & {"password", "secret_string", "value"}
