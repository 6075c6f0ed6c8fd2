"""HTTP for applications: what every public service needs and nobody should write again.

Names are imported on first use: the process that only watches over workers needs none of them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rung.runtime.http.body import json_body as json_body
    from rung.runtime.http.body import json_value as json_value
    from rung.runtime.http.body import read_body as read_body
    from rung.runtime.http.problem import HttpError as HttpError
    from rung.runtime.http.problem import Problem as Problem
    from rung.runtime.http.protect import Protected as Protected
    from rung.runtime.http.protect import protect as protect
    from rung.runtime.http.settings import HttpSettings as HttpSettings
    from rung.runtime.http.settings import settings_from_environment as settings_from_environment
    from rung.runtime.http.state import ServerState as ServerState

_HOME_OF = {
    "HttpError": "problem",
    "HttpSettings": "settings",
    "Problem": "problem",
    "Protected": "protect",
    "ServerState": "state",
    "json_body": "body",
    "json_value": "body",
    "protect": "protect",
    "read_body": "body",
    "settings_from_environment": "settings",
}


class _FrontDoor(ModuleType):
    """Keeps Python from binding the just imported module `protect` over the function of the same name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(_HOME_OF)}")
    value: object = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOME_OF)
