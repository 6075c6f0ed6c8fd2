"""The same workload with more or less of one thing: what every trigger and every wobble is made of. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Literal

from rung.model.graph import Graph
from rung.model.nodes import Postgres, Queue, QueueRate, Traffic
from rung.model.shapes import build


def with_traffic(graph: Graph, factor: float) -> Graph:
    """The workload with `factor` times its visitors and messages; rates are exact, people are whole."""
    traffic = graph.traffic
    if traffic is None or factor == 1.0:
        return graph
    changed = _more(traffic, factor)
    return replace(graph, nodes=tuple(changed if node is traffic else node for node in graph.nodes))


def _more(traffic: Traffic, factor: float) -> Traffic:
    rate = traffic.requests_per_second() * factor
    users = max(1, round(traffic.concurrent_users * factor))
    values: dict[str, object] = {each.name: getattr(traffic, each.name) for each in fields(traffic)}
    values["concurrent_users"] = users
    values["think_time_seconds"] = users / rate if rate else traffic.think_time_seconds
    values["messages"] = tuple(
        QueueRate(queue=each.queue, messages_per_second=each.messages_per_second * factor)
        for each in traffic.messages
    )
    changed: Traffic = build(Traffic, values)
    return changed


def with_brokers(graph: Graph, broker: Literal["postgres", "sqs"]) -> Graph:
    """The workload with every queue that leaves its broker open on this one; the same graph when there is none."""
    if not graph.of(Postgres) or not any(queue.broker is None for queue in graph.of(Queue)):
        return graph
    nodes = tuple(
        replace(node, broker=broker) if isinstance(node, Queue) and node.broker is None else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)
