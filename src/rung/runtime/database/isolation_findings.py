"""What is said of each hole between tenants. Each function takes a row of its query in isolation_sql."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rung.errors import Finding

Named = tuple[str, Finding]

#: The first releases without the known leaks through row-level security, by major version: CVE-2025-8713 (planner
#: statistics show hidden rows), and for 18 those fixed until 18.6 (CVE-2026-14676). https://www.postgresql.org/support/security/,
#: 2026-11-21.
FIXED_VERSIONS: dict[int, int] = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6, 18: 6}
#: pgvector below it may put other relations' pages into a parallel HNSW build (CVE-2026-3172).
FIXED_VECTOR = (0, 8, 2)
#: The iterative scans of pgvector's indexes (its README, "Iterative Index Scans", 2026-11-21).
_ITERATIVE = {"hnsw": "strict_order", "ivfflat": "relaxed_order"}
KINDS = {"v": "view", "m": "materialized view", "f": "foreign table"}


def of_table(table: Any, column: str) -> Iterator[Named]:
    """R0411 without protection, R0412 a policy about something else, R0413 a foreign table, R0414 no index."""
    name = table["name"]
    if table["kind"] == "f":
        yield name, view(name, "f", column)
        return
    wanted = (
        ("ENABLE ROW LEVEL SECURITY", table["enabled"]),
        ("FORCE ROW LEVEL SECURITY", table["forced"]),
        ("a policy", table["policies"]),
    )
    if lacking := [word for word, there in wanted if not there]:
        yield name, _unprotected(name, column, lacking)
    if table["foreign_policies"]:
        yield name, _foreign_policy(name, table["foreign_policies"])
    if not table["indexed"]:
        yield name, _unindexed(name, column)


def of_view(row: Any, column: str) -> Iterator[Named]:
    """R0413."""
    yield row["name"], view(row["name"], row["kind"], column)


def of_foreign_key(row: Any, column: str) -> Iterator[Named]:
    """R0419."""
    finding = Finding(
        code="R0419",
        severity="error",
        message=f"a foreign key of {row['child']} can point at another tenant's row of {row['parent']}",
        found=f"{row['name']}: {row['said']}",
        effect="foreign keys ask no policy: a child takes any tenant's parent, and learns that it exists",
        help=f"put {column} into both sides: foreign key ({column}, ...) references "
        f"{row['parent']} ({column}, ...)",
    )
    yield row["child"], finding


def of_unique_key(row: Any, column: str) -> Iterator[Named]:
    """R0430."""
    what = "primary key" if row["is_primary"] else "unique key"
    columns = ", ".join(row["columns"]) or "an expression"
    finding = Finding(
        code="R0430",
        severity="error",
        message=f"the {what} {row['name']} of {row['table']} is not per tenant",
        found=f"unique over ({columns}), without {column}",
        effect="a duplicate is refused across tenants: who inserts learns what another tenant has",
        help=f"make it ({column}, {columns}); where it must hold across tenants, say why: "
        f"comment on index {row['name']} is 'rung: across tenants: ...'",
    )
    yield row["name"], finding


def of_function(row: Any, column: str) -> Iterator[Named]:
    """R0431."""
    del column
    finding = Finding(
        code="R0431",
        severity="error",
        message=f"the function {row['name']} runs as {row['owner']} and looks names up where its caller says",
        found=f"{row['name']}({row['arguments']}): security definer without a pinned search_path",
        effect="a caller who can make objects puts a table of its own in the way, and runs with its rights",
        help=f"alter function {row['name']}({row['arguments']}) set search_path = ''; name every object in full, "
        "and filter by the tenant explicitly",
    )
    yield row["name"], finding


def of_grant(row: Any, column: str) -> Iterator[Named]:
    """R0432."""
    del column
    privileges = ", ".join(row["privileges"])
    finding = Finding(
        code="R0432",
        severity="error",
        message=f"{row['role']} has rights on {row['table']} that ask no policy",
        found=privileges,
        effect="TRUNCATE empties the table of every tenant; REFERENCES tells whether a row exists; a TRIGGER runs "
        "as whoever writes next",
        help=f"revoke {privileges.lower()} on {row['table']} from {row['role'].lower()}",
    )
    yield row["table"], finding


def of_vector(row: Any, column: str) -> Iterator[Named]:
    """R0433."""
    del column
    version = row["extversion"]
    parts = tuple(int(part) for part in version.split(".") if part.isdecimal())
    if parts < FIXED_VECTOR:
        finding = Finding(
            code="R0433",
            severity="warning",
            message=f"pgvector {version} has a known leak",
            found="CVE-2026-3172: a parallel build of an HNSW index may hold data of other relations",
            effect="an index may show one tenant's data to another",
            help=f"upgrade to {'.'.join(map(str, FIXED_VECTOR))}, then: alter extension vector update; reindex",
        )
        yield "vector", finding


def of_approximate(row: Any, column: str) -> Iterator[Named]:
    """R0440."""
    name, method = row["name"], row["method"]
    finding = Finding(
        code="R0440",
        severity="warning",
        message=f"the index {name} of {row['table']} looks for the nearest vectors of all tenants together",
        found=f"{method}: the policy leaves those of one tenant of the few that it finds",
        effect="a small tenant is shown too few rows, and not its nearest, without an error",
        help=f"alter database ... set {method}.iterative_scan = {_ITERATIVE[method]}; or partition the table by "
        f"{column}; or drop the index, which an exact scan of up to some thousand rows of a tenant beats",
    )
    yield name, finding


def of_role(row: Any) -> Iterator[Named]:
    """R0415."""
    powers = [power for power, has in (("superuser", row["rolsuper"]), ("BYPASSRLS", row["rolbypassrls"])) if has]
    powers += [f"owner of {table}" for table in row["owned"]]
    if not row["rolsuper"]:  # who may become everybody anyway
        powers += [f"may become {role}" for role in row["becomes"]]
    if powers:
        finding = Finding(
            code="R0415",
            severity="error",
            message=f"requests run as {row['name']}, who can step around row-level security",
            found=", ".join(powers),
            effect="tenants are kept apart by the application's conditions alone",
            help="connect as a role made by create_serving_role, and keep the owner for migrations",
        )
        yield row["name"], finding


def of_server(version: Any) -> Iterator[Named]:
    """R0416. `version` is asyncpg's: 17.6 is (17, 0, 6)."""
    floor = FIXED_VERSIONS.get(version.major)
    if version.major < min(FIXED_VERSIONS) or (floor is not None and version.micro < floor):
        yield "", old_server(f"{version.major}.{version.micro}", floor)


def view(name: str, kind: str, column: str) -> Finding:
    """R0413."""
    return Finding(
        code="R0413",
        severity="error",
        message=f"{KINDS[kind]} {name} shows the rows of all tenants",
        found=f"it reads tables with the column {column}, and row-level security does not reach through it",
        effect="whoever may read it reads every tenant",
        help=f"alter view {name} set (security_invoker = true)"
        if kind == "v"
        else "make it a table with the tenant column and a policy, or keep it where nobody may read it",
    )


def _unprotected(name: str, column: str, lacking: Sequence[str]) -> Finding:
    return Finding(
        code="R0411",
        severity="error",
        message=f"table {name} has the column {column} and does not keep tenants apart",
        found=f"without {', '.join(lacking)}",
        effect="a query that forgets its condition reads or writes every tenant's rows",
        help=f"add the statements of `rung tenants policies {name}` to a new migration",
    )


def _foreign_policy(name: str, policies: Sequence[str]) -> Finding:
    return Finding(
        code="R0412",
        severity="error",
        message=f"a policy of table {name} is not about the tenant",
        found=f"permissive without app.tenant_id: {', '.join(policies)}",
        effect="permissive policies are joined by OR: this one lets rows of other tenants through",
        help="drop it, make it `as restrictive`, or add the tenant to its condition",
    )


def _unindexed(name: str, column: str) -> Finding:
    return Finding(
        code="R0414",
        severity="warning",
        message=f"no index of table {name} leads with {column}",
        effect="every statement of one tenant reads the rows of all",
        help=f"lead the primary key with it: primary key ({column}, id)",
    )


def old_server(version: str, floor: int | None) -> Finding:
    """R0416."""
    major = version.split(".", maxsplit=1)[0]
    return Finding(
        code="R0416",
        severity="warning",
        message=f"Postgres {version} has known holes in row-level security",
        found="CVE-2025-8713 and others: planner statistics show hidden rows",
        effect="a tenant who can run expensive operators may learn values of another",
        help=f"upgrade to {major}.{floor}" if floor else "upgrade to a supported major version",
    )
