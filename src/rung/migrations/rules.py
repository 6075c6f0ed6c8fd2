"""What each kind of statement locks, for how long, whom it breaks, and how to do it instead.

Sources: PostgreSQL 18's manual, "Explicit Locking" and ALTER TABLE (notes), read 2026-11-21; squawk's rules,
https://squawkhq.com/docs/rules. Times are in kind: "a scan" grows with the table, "a moment" does not.
"""

from __future__ import annotations

from dataclasses import dataclass

LOCKS, REWRITES, BREAKS, REQUIRED, OTHER = "R0420", "R0421", "R0422", "R0425", "R0428"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a statement does. `effect`: the lock, its time and whom it stops; `help`: the recipe that does not."""

    code: str
    message: str
    effect: str
    help: str
    is_error: bool = True


_GONE = "code of the versions before, which runs during the deployment and after a rollback, fails on it"
_CONTRACT = (
    "stop using it, release that, and take it away in a file that says `-- phase: contract after NNNN`, "
    "where NNNN is the newest migration of that release"
)
_RENAME = "add the new one beside it, write both, release, move readers over, release, then contract the old one"
_OTHER_HELP = "see https://squawkhq.com/docs/rules for the safe way"


def _breaks(message: str, recipe: str = _CONTRACT, effect: str = _GONE) -> Rule:
    return Rule(code=BREAKS, message=message, effect=effect, help=recipe)


#: By squawk's name of the rule. What is not here and not ignored is reported as R0428, in squawk's words.
RULES: dict[str, Rule] = {
    "require-concurrent-index-creation": Rule(
        code=LOCKS,
        message="an index is built while nobody may write",
        effect="SHARE on the table for a scan and a sort of it: every insert, update and delete waits",
        help="`create index concurrently if not exists` in a file of its own with `-- rung: no transaction`",
    ),
    "require-concurrent-index-deletion": Rule(
        code=LOCKS,
        message="an index is dropped while nobody may read or write",
        effect="ACCESS EXCLUSIVE on the table for a moment, after every transaction on it has ended",
        help="`drop index concurrently if exists` in a file of its own with `-- rung: no transaction`",
        is_error=False,
    ),
    "adding-foreign-key-constraint": Rule(
        code=LOCKS,
        message="a foreign key is checked while nobody may write",
        effect="SHARE ROW EXCLUSIVE on both tables for a scan of the referencing one: writers of both wait",
        help="add it `not valid`; in the next file `validate constraint`, which lets writers through",
    ),
    "constraint-missing-not-valid": Rule(
        code=LOCKS,
        message="a constraint is checked under an exclusive lock",
        effect="ACCESS EXCLUSIVE on the table for a scan of it: everybody waits, readers too",
        help="add it `not valid`; in the next file `validate constraint`, which lets writers through",
    ),
    "disallowed-unique-constraint": Rule(
        code=LOCKS,
        message="a unique constraint builds its index under an exclusive lock",
        effect="ACCESS EXCLUSIVE on the table for a scan and a sort of it: everybody waits, readers too",
        help="build the unique index concurrently; then `add constraint ... unique using index`: a moment",
    ),
    "adding-not-nullable-field": Rule(
        code=LOCKS,
        message="a column is made NOT NULL under an exclusive lock",
        effect="ACCESS EXCLUSIVE on the table for a scan of it; and versions before that leave it out fail",
        help="`add constraint ... check (c is not null) not valid`; next file: validate it, then `set not null`, "
        "which trusts the check, then drop the check; only when every version writes the column",
    ),
    "changing-column-type": Rule(
        code=REWRITES,
        message="a column gets another type",
        effect="ACCESS EXCLUSIVE while the table and its indexes are written anew (but for a wider varchar or "
        "numeric): everybody waits; and versions before send the old type",
        help="add a column of the new type, write both, copy in batches, release; read it, release; contract",
    ),
    "adding-field-with-default": Rule(
        code=REWRITES,
        message="a column whose default differs per row is added",
        effect="ACCESS EXCLUSIVE while the table is written anew: everybody waits, readers too",
        help="add the column without a default, then set the default, then fill old rows in batches",
    ),
    "adding-serial-primary-key-field": Rule(
        code=REWRITES,
        message="a column that counts is added",
        effect="ACCESS EXCLUSIVE while the table is written anew and the index built: everybody waits",
        help="add it nullable, fill it in batches, build the unique index concurrently, add it `using index`",
    ),
    "adding-required-field": Rule(
        code=REQUIRED,
        message="a new column is NOT NULL without a default",
        effect="it fails on a table with rows; and inserts of versions before, which leave it out, fail for ever",
        help="give it a constant default, which costs a moment; or add it nullable and require it later",
    ),
    "ban-drop-column": _breaks("a column is dropped"),
    "ban-drop-table": _breaks("a table is dropped"),
    "ban-drop-view": _breaks("a view is dropped"),
    "ban-drop-function": _breaks("a function is dropped"),
    "ban-drop-type": _breaks("a type is dropped"),
    "ban-drop-default": _breaks(
        "a default is dropped", effect="inserts of versions before that leave the column out fail, or write null"
    ),
    "renaming-column": _breaks("a column is renamed", _RENAME),
    "renaming-table": _breaks("a table is renamed", _RENAME),
    "renaming-object": _breaks("something is renamed", _RENAME),
    "ban-set-schema": _breaks("something moves to another schema", _RENAME),
    "ban-drop-not-null": Rule(
        code=OTHER,
        message="a column may be null from now on",
        effect="versions before did not expect null when they read it",
        help="release code that reads null first",
        is_error=False,
    ),
    "ban-alter-domain-with-add-constraint": Rule(
        code=LOCKS,
        message="a constraint is added to a domain",
        effect="SHARE on every table that uses the domain, for a scan of each: their writers wait",
        help="put a check on the columns instead: `not valid`, then validate it in the next file",
    ),
    "ban-truncate-cascade": _breaks("tables are emptied, and those that refer to them too"),
    "ban-drop-database": _breaks("a database is dropped"),
    "ban-drop-schema": _breaks("a schema is dropped"),
    "syntax-error": Rule(
        code=OTHER,
        message="the statement is not SQL that Postgres reads",
        effect="the migration will fail, and with it the deployment",
        help="mend it; if Postgres takes it, tell squawk's authors",
    ),
}

#: Matters of taste, what rung does itself (lock_timeout, one transaction per file), and what R0409 says better.
IGNORED = frozenset({
    "ban-char-field",
    "ban-concurrent-index-creation-in-transaction",
    "ban-create-domain-with-constraint",
    "ban-drop-constraint",
    "ban-uncommitted-transaction",
    "identifier-too-long",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamptz",
    "require-enum-value-ordering",
    "require-lock-timeout",
    "require-statement-timeout",
    "require-table-schema",
    "transaction-nesting",
})  # fmt: skip

ADDS_VALUE = Rule(
    code="R0429",
    message="an enum gets a value that versions before do not know",
    effect="their code reads it as soon as newer code has written it, and may fail on it",
    help="release code that can read it first; a text column with a check constraint changes more easily",
    is_error=False,
)

WRITES_ALL = Rule(
    code="R0426",
    message="a migration writes every row of a table in one transaction",
    effect="each row stays locked until the file ends, and the table grows by a copy of itself",
    help="fill in batches, in a job that can be stopped and goes on where it was",
    is_error=False,
)


def rule_of(name: str, message: str) -> Rule:
    """Our rule for squawk's; one in squawk's words where we have none."""
    return RULES.get(name) or Rule(
        code=OTHER, message=message, effect=f"squawk: {name}", help=_OTHER_HELP, is_error=False
    )
