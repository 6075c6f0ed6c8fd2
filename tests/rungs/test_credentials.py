"""Each process has a role of its own in the database: its user name, and a password that nobody has seen."""

from __future__ import annotations

import pytest

from rung.model.graph import Graph
from rung.parts.data import SecretPart
from rung.rungs import place


@pytest.mark.parametrize("rung", ["host", "fargate"])
def test_every_generated_secret_names_the_role_it_belongs_to(atlas: Graph, rung: str) -> None:
    generated = [part for part in place(atlas, "prod", rung=rung).of(SecretPart) if part.generated]
    users = [part.generated_username for part in generated]
    assert "atlas_front" in users, "a server may hold the roles of several workloads"
    assert None not in users, "a database's credentials are a user name and a password"
    assert len(users) == len(set(users)), "two processes with one role could not be told apart"
