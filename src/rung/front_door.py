"""Packages whose names are imported on first use, so that a process pays only for what it asks for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType


def open_on_use(package: str, home_of: Mapping[str, str]) -> None:
    """Let `package` find each name of `home_of` in the module given there, when it is first asked for.

    A name always means the object, also where a module or package of the same name has been imported since:
    Python would bind that over it. `from package.name import X` still reads from the module.
    """

    class FrontDoor(ModuleType):
        def __getattr__(self, name: str) -> object:
            home = home_of.get(name)
            if home is None:
                there = ", ".join(sorted(home_of))
                raise AttributeError(f"module {package!r} has no attribute {name!r}; it has {there}")
            value: object = getattr(importlib.import_module(home), name)
            vars(self)[name] = value
            return value

        def __setattr__(self, name: str, value: object) -> None:
            if not (name in home_of and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return sorted(home_of)

    sys.modules[package].__class__ = FrontDoor
