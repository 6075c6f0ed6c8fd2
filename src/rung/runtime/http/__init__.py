"""HTTP for applications: what every public service needs and nobody should write again."""

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
