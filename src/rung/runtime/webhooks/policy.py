"""Where this process may deliver to: public addresses on 443; on a developer's machine, that machine too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_network

from rung.runtime.webhooks.guard import PUBLIC, Policy

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
#: `rung dev` says "local" here.
ENVIRONMENT_VARIABLE = "RUNG_ENVIRONMENT"
#: `1` lets endpoints be plain http on port 80.
PLAIN_HTTP_VARIABLE = "RUNG_WEBHOOKS_PLAIN_HTTP"


def policy_of_environment(environment: Mapping[str, str] | None = None) -> Policy:
    """The policy of this process. Under `rung dev`: this machine too, on any port, and by http."""
    variables = os.environ if environment is None else environment
    return _policy(variables.get(ENVIRONMENT_VARIABLE) == "local", variables.get(PLAIN_HTTP_VARIABLE) == "1")


@lru_cache(maxsize=4)
def _policy(is_local: bool, plain_http: bool) -> Policy:
    if is_local:
        return Policy(ports=(), schemes=("https", "http"), allowed=LOOPBACK)
    return PUBLIC.with_plain_http() if plain_http else PUBLIC
