"""`python -m rung.runtime.start --database db -- gunicorn shop.wsgi`: give a program its URLs, then become it.

For programs that are not rung's: on AWS their bindings name secrets, which they cannot read. This reads them and
puts what such programs know into their environment: `DATABASE_URL` and `<NAME>_URL` with user and password,
`REDIS_URL` where the cache has a password or none, `<NAME>_FILE` for each secret. Then the program takes this
one's place, with its process id, its signals and its exit status.

The URL holds the password of the moment: after a rotation the program must be started again. A cache that takes
the process's role for a password gets no URL, because such a password lasts a quarter of an hour.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec

from rung.errors import ApplicationError
from rung.runtime.bindings import Binding, CacheBinding, PostgresBinding, SecretBinding
from rung.runtime.database.login import CA_BUNDLE, Login, login_of
from rung.runtime.errors import BindingError
from rung.runtime.log import configure_logging, logger

log = logger("rung.runtime.start")
PREFIX = "RUNG_BINDING_"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns only when the program cannot be started: 1, or 127 when there is no such."""
    parser = argparse.ArgumentParser(prog="python -m rung.runtime.start", description=__doc__)
    parser.add_argument("--database", metavar="NODE", help="whose URL DATABASE_URL is")
    parser.add_argument("--cache", metavar="NODE", help="whose URL REDIS_URL is")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- and the program with its arguments")
    options = parser.parse_args(arguments)
    configure_logging(node=os.environ.get("RUNG_NODE", "start"))
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        parser.error("which program? -- and its words")
    try:
        told = urls_of(os.environ)
    except ApplicationError as error:
        log.error("the program is not started", found=str(error))
        return 1
    for name, node, suffix in (("DATABASE_URL", options.database, "_URL"), ("REDIS_URL", options.cache, "_URL")):
        if node is not None and (url := told.get(_variable(node) + suffix)) is not None:
            told[name] = url
    return become(words, {**os.environ, **told})


def become(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Replace this process by the program. Returns 127 when there is no such program, as a shell does."""
    try:
        os.execvpe(words[0], list(words), dict(environment))  # noqa: S606 - the words are the workload's own
    except OSError as error:
        log.error("the program cannot be started", program=words[0], found=error.strerror)
        return 127


def urls_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The plain variables of every binding that has one. Raises BindingError, UnavailableError for a secret."""
    told: dict[str, str] = {}
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        try:
            binding = msgspec.json.decode(environment[name], type=Binding)
        except msgspec.MsgspecError:
            continue  # of a kind that no plain variable stands for
        node = name.removeprefix(PREFIX)
        match binding:
            case PostgresBinding():
                told[f"{node}_URL"] = database_url(binding, environment)
            case CacheBinding():
                if (url := cache_url(binding)) is not None:
                    told[f"{node}_URL"] = url
            case SecretBinding():
                told[f"{node}_FILE"] = _file(binding, node)
            case _:
                continue
    return told


def database_url(binding: PostgresBinding, environment: Mapping[str, str]) -> str:
    """The URL with user and password, and with the authorities by which the server is checked."""
    parts = urlsplit(binding.url)
    query = dict(parse_qsl(parts.query))
    bundle = environment.get(CA_BUNDLE)
    if bundle and query.get("sslmode", "").startswith("verify") and "sslrootcert" not in query:
        query["sslrootcert"] = bundle
    login = _login(binding, environment)
    host = parts.netloc.rpartition("@")[2]
    netloc = (
        parts.netloc if login is None else f"{quote(login.user, safe='')}:{quote(login.password, safe='')}@{host}"
    )
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query, safe="/")))


def _login(binding: PostgresBinding, environment: Mapping[str, str]) -> Login | None:
    """Who signs in: of the secret, or of the file that PostgreSQL's own programs read; None: the URL says it."""
    if binding.credentials_secret is not None:
        return login_of(_read(binding.credentials_secret))
    parts = urlsplit(binding.url)
    user, file = unquote(parts.username or ""), environment.get("PGPASSFILE")
    if parts.password is not None or not user or not file:
        return None
    wanted = (parts.hostname or "", str(parts.port or 5432), parts.path.lstrip("/"), user)
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        fields = _fields(line)
        if len(fields) == 5 and all(each in ("*", want) for each, want in zip(fields, wanted, strict=False)):
            return Login(user, fields[4])
    raise BindingError(f"no line of {file} is for {user} at {wanted[0]}:{wanted[1]}/{wanted[2]}")


def _fields(line: str) -> list[str]:
    """The fields of a line of a password file: `:` between them, and `\\` before one that is meant."""
    marked = line.replace("\\\\", "\0").replace("\\:", "\1")
    return [each.replace("\1", ":").replace("\0", "\\") for each in marked.split(":")]


def cache_url(binding: CacheBinding) -> str | None:
    """The URL with its password; None where the password is the process's role."""
    if binding.user is not None and binding.credentials_secret is None:
        return None
    if binding.credentials_secret is None:
        return binding.url
    from rung.runtime.cache.credentials import login_of_cache

    *user, password = login_of_cache(_read(binding.credentials_secret))
    parts = urlsplit(binding.url)
    words = ":".join([quote(each, safe="") for each in (*(user or [""]), password)])
    return urlunsplit(parts._replace(netloc=f"{words}@{parts.netloc.rpartition('@')[2]}"))


def _file(binding: SecretBinding, node: str) -> str:
    """A file that only this process's user reads, in a folder of its own: as under `rung dev`."""
    if binding.source == "file":
        return binding.path
    folder = Path(tempfile.mkdtemp(prefix="rung-secret-"))
    path = folder / node.lower()
    path.touch(mode=0o600)
    path.write_text(_read(binding.arn, binding.region), encoding="utf-8")
    return str(path)


def _read(arn: str, region: str | None = None) -> str:
    from rung.runtime.aws.secrets import SECRETS

    return SECRETS.read(arn, region=region)


def _variable(node: str) -> str:
    return node.upper().replace("-", "_")


if __name__ == "__main__":
    sys.exit(main())
