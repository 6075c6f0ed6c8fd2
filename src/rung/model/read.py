"""A workload file, executed alone and frozen: `load_workload(path) -> Graph`.

The application is never imported. Every mistake in the file becomes a finding with its line, never a traceback.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType, TracebackType

from rung.errors import Finding, Location, ModelError, RungError
from rung.model.builder import Workload
from rung.model.graph import Graph
from rung.model.sources import display_path, forget, line_of
from rung.model.tenants import tenant_columns

MODULE_NAME = "rung_workload_file"


def load_workload(path: str | Path) -> Graph:
    """The graph that a workload file (`.py`) or a graph document (`.json`) describes.

    Raises ModelError with every finding (R02xx) when the file cannot be read, does not run, or makes mistakes.
    """
    file = Path(path)
    forget()
    if file.suffix == ".json":
        from rung.model.codec import decode

        return decode(_read(file), file=display_path(str(file)))
    source = _read(file)
    workload = _only_workload(file, _execute(file, source))
    graph = replace(workload.freeze(), root=str(file.parent))
    _refuse_missing_folders(graph)
    return replace(graph, tenant_columns=tenant_columns(graph))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except IsADirectoryError:
        reason = "it is a folder"
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 text (byte {error.start})"
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
    beside = sorted(each.name for each in file.parent.glob("*.py")) if file.parent.is_dir() else []
    raise ModelError(
        Finding(
            code="R0201",
            severity="error",
            message=f"{file} cannot be read: {reason}",
            found=f"beside it: {', '.join(beside)}" if beside else "",
            help="name the workload file: rung check path/to/workload.py",
        )
    )


def _execute(file: Path, source: str) -> dict[str, object]:
    code = _compile(file, source)
    namespace: dict[str, object] = {"__name__": MODULE_NAME, "__file__": str(file), "__builtins__": __builtins__}
    before = set(sys.modules)
    try:
        with _folder_importable(file.parent), contextlib.redirect_stdout(sys.stderr):
            exec(code, namespace)  # noqa: S102 - the user's own file, at the user's own request
    except RungError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the user reads a finding
        raise ModelError(*_problems_so_far(namespace), _exception_finding(file, error)) from None
    finally:
        loaded = set(sys.modules) - before
        imported = _forget_modules(file.parent, loaded)
    _refuse_application(file, namespace, imported)
    return namespace


def _compile(file: Path, source: str) -> CodeType:
    try:
        return compile(source, str(file), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ModelError(
            Finding(
                code="R0202",
                severity="error",
                message=f"the workload file is not Python: {getattr(error, 'msg', None) or error}",
                location=line_of(str(file), line),
                effect="nothing can be read from it",
                help="mend the line; the mistake may also stand at the end of the line before",
            )
        ) from None


@contextlib.contextmanager
def _folder_importable(folder: Path) -> Iterator[None]:
    """Modules beside the workload file may be imported by it, and by nobody else afterwards."""
    entry, bytecode = str(folder.resolve()), sys.dont_write_bytecode
    sys.path.append(entry)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        with contextlib.suppress(ValueError):
            sys.path.remove(entry)


def _forget_modules(folder: Path, loaded: set[str]) -> frozenset[str]:
    """Take the modules of the folder out of the interpreter again; their names are returned."""
    root, found = str(folder.resolve()), set()
    for name in loaded:
        origin = getattr(sys.modules.get(name), "__file__", None) or ""
        if origin.startswith(root) and "site-packages" not in origin:
            found.add(name)
            del sys.modules[name]
    return frozenset(found)


def _only_workload(file: Path, namespace: dict[str, object]) -> Workload:
    workloads = {id(value): (name, value) for name, value in namespace.items() if isinstance(value, Workload)}
    if len(workloads) == 1:
        return next(iter(workloads.values()))[1]
    if workloads:
        names = ", ".join(f"{name} ({workload.name!r})" for name, workload in workloads.values())
        raise ModelError(
            Finding(
                code="R0205",
                severity="error",
                message=f"{display_path(str(file))} describes {len(workloads)} workloads",
                location=list(workloads.values())[1][1].location,
                found=names,
                effect="it is not clear which one is meant",
                help="give each workload a file of its own",
            )
        )
    raise ModelError(
        Finding(
            code="R0204",
            severity="error",
            message=f"{display_path(str(file))} describes no workload",
            location=line_of(str(file), 1),
            found="no variable of the file holds a Workload",
            help='begin with: from rung import Workload, then shop = Workload("shop")',
        )
    )


def _problems_so_far(namespace: dict[str, object]) -> tuple[Finding, ...]:
    return tuple(
        problem for value in namespace.values() if isinstance(value, Workload) for problem in value.problems
    )


def _exception_finding(file: Path, error: BaseException) -> Finding:
    location = _line_in(file, error.__traceback__)
    if isinstance(error, TypeError) and _raised_at_call(file, error.__traceback__):
        return _argument_finding(error, location)
    text = str(error)
    return Finding(
        code="R0203",
        severity="error",
        message=f"the workload file fails: {type(error).__name__}{f': {text}' if text else ''}{_near_name(error)}",
        location=location,
        effect="what stands below this line was not read",
        help=_import_help(error) or "the file is ordinary Python: mend the line",
    )


def _argument_finding(error: TypeError, location: Location | None) -> Finding:
    text = str(error).removeprefix("Workload.")
    return Finding(
        code="R0206",
        severity="error",
        message=f"the call does not fit: {text}{_near_parameter(text)}",
        location=location,
        found=_parameters_in_words(text),
        effect="what stands below this line was not read",
        help="docs/reference/workload-file.md lists every call with its parameters",
    )


def _near_name(error: BaseException) -> str:
    """For something that an object does not have, the nearest that it has: `shop.qeue`, `orders.sned`."""
    from rung.near import suggestion

    if not isinstance(error, AttributeError) or not error.name:
        return ""
    return suggestion(error.name, [name for name in dir(error.obj) if not name.startswith("_")])


def _near_parameter(text: str) -> str:
    """For an unknown keyword, the nearest parameter of the call that was meant."""
    import re

    from rung.near import suggestion

    found = re.search(r"got an unexpected keyword argument '(\w+)'", text)
    return "" if found is None else suggestion(found[1], _parameters(text))


def _parameters_in_words(text: str) -> str:
    names = _parameters(text)
    return f"it takes {', '.join(names)}" if names else ""


def _parameters(text: str) -> list[str]:
    """The parameters of the call that a TypeError speaks of; none when it is not one of the model's."""
    import inspect
    import re

    from rung.model import nodes

    found = re.match(r"(\w+)(?:\.__init__)?\(\)", text)
    called = found and (getattr(Workload, found[1], None) or getattr(nodes, found[1], None))
    return [each for each in inspect.signature(called).parameters if each != "self"] if called else []


def _import_help(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return 'a workload file needs only rung; name handlers as text, such as handler="shop.carts:expire"'
    if isinstance(error, NameError) and error.name:
        return f"declare {error.name} above this line, and pass the object it returned"
    return ""


def _line_in(file: Path, traceback: TracebackType | None) -> Location | None:
    """The deepest line of the file itself on the way to the mistake."""
    found = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(file):
            found = line_of(str(file), traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _raised_at_call(file: Path, traceback: TracebackType | None) -> bool:
    """Whether the exception comes from a call in the file that Python refused to make."""
    last: FrameType | None = None
    while traceback is not None:
        last, traceback = traceback.tb_frame, traceback.tb_next
    return last is not None and last.f_code.co_filename == str(file)


def _refuse_application(file: Path, namespace: dict[str, object], imported: frozenset[str]) -> None:
    packages = {
        target.partition(":")[0].partition(".")[0]
        for value in namespace.values()
        if isinstance(value, Workload)
        for target in value.handlers()
    }
    tops = sorted({name.partition(".")[0] for name in imported} & packages)
    if tops:
        raise ModelError(*(_application_finding(file, name) for name in tops))


def _application_finding(file: Path, package: str) -> Finding:
    lines = file.read_text(encoding="utf-8").splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if "import" in line and package in line]
    return Finding(
        code="R0209",
        severity="error",
        message=f'the workload file imports the application ("{package}")',
        location=line_of(str(file), numbers[0] if numbers else 1),
        effect="every check, plan and deployment would need the application and all it depends on",
        help=f'name what is meant as text: app="{package}.module:object"',
    )


def _refuse_missing_folders(graph: Graph) -> None:
    from rung.model.nodes import Postgres

    findings = [
        Finding(
            code="R0212",
            severity="error",
            message=f'the migrations folder of postgres "{database.name}" does not exist',
            location=graph.location(database.name),
            found=f"migrations={database.migrations!r}, looked for in {Path(graph.root, database.migrations)}",
            effect="the database would start empty, and the first query would fail",
            help="create the folder, or mend the path: it is relative to the workload file",
        )
        for database in graph.of(Postgres)
        if database.migrations is not None and not Path(graph.root, database.migrations).is_dir()
    ]
    if findings:
        raise ModelError(*findings)
