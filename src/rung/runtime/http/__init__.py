"""HTTP for applications: what every public service needs and nobody should write again.

Names are imported on first use: the process that only watches over workers needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.front_door import open_on_use

if TYPE_CHECKING:
    from rung.runtime.http.body import json_body as json_body
    from rung.runtime.http.body import json_value as json_value
    from rung.runtime.http.body import read_body as read_body
    from rung.runtime.http.page import Page as Page
    from rung.runtime.http.page import PageCodec as PageCodec
    from rung.runtime.http.page import pages_first as pages_first
    from rung.runtime.http.problem import HttpError as HttpError
    from rung.runtime.http.problem import Problem as Problem
    from rung.runtime.http.protect import Protected as Protected
    from rung.runtime.http.protect import protect as protect
    from rung.runtime.http.settings import HttpSettings as HttpSettings
    from rung.runtime.http.settings import settings_from_environment as settings_from_environment
    from rung.runtime.http.state import ServerState as ServerState

_HOME_OF = {
    "HttpError": "rung.runtime.http.problem",
    "HttpSettings": "rung.runtime.http.settings",
    "Page": "rung.runtime.http.page",
    "PageCodec": "rung.runtime.http.page",
    "Problem": "rung.runtime.http.problem",
    "Protected": "rung.runtime.http.protect",
    "ServerState": "rung.runtime.http.state",
    "json_body": "rung.runtime.http.body",
    "json_value": "rung.runtime.http.body",
    "pages_first": "rung.runtime.http.page",
    "protect": "rung.runtime.http.protect",
    "read_body": "rung.runtime.http.body",
    "settings_from_environment": "rung.runtime.http.settings",
}


open_on_use(__name__, _HOME_OF)
