"""Starts one of the two emulators, mended: `python -m tests.terraform.emulator.serve moto|ministack PORT`.

moto is AWS for most services, ministack for those that it does better (see cloud.py). What either lacks for
Terraform's provider is put right before it starts; nothing of that is part of rung.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from threading import Lock
from typing import Any

HOST = "127.0.0.1"


class OneByOne:
    """A WSGI application that answers one request at a time, and a request that is repeated as it did before.

    moto changes its lists without locks, and Terraform asks thirty things at once. On a busy machine an answer is
    lost now and then; the SDK asks again, under the same id, and what was created once must not be there already.
    """

    def __init__(self, application: Any) -> None:
        self.application, self.lock = application, Lock()
        self.told: dict[str, tuple[str, list[tuple[str, str]], bytes]] = {}

    def __call__(self, server: Any, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer, or say again what was answered to the same invocation unless that was a fault of the server."""
        name = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        begun: list[Any] = []
        with self.lock:
            answer = self.told.get(name)
            if answer is None:
                pieces = self.application(server, environ, lambda *given: begun.append(given))
                body = b"".join(pieces)
                answer = (begun[-1][0], list(begun[-1][1]), body)
                if name and not answer[0].startswith("5"):
                    self.told[name] = answer
        start_response(answer[0], answer[1])
        return [answer[2]]


def moto(port: int) -> None:
    """moto's server. It knows AWS's managed policies only when it is told to load them.

    A certificate is issued as soon as it is asked for.
    """
    os.environ |= {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ACM_VALIDATION_WAIT": "0"}
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from moto.server import main
    from tests.terraform.emulator.mends import mend

    mend()
    serial = OneByOne(DomainDispatcherApplication.__call__)
    setattr(DomainDispatcherApplication, "__call__", lambda *given: serial(*given))  # noqa: B010
    main(["-H", HOST, "-p", str(port)])


def ministack(port: int) -> None:
    """ministack's server. It looks for the load balancer of a VPC origin in itself, and moto has that."""
    # It would listen for devices and files too, on every address.
    os.environ |= {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    import asyncio

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app
    from ministack.services import cloudfront

    cloudfront._vpc_origin_endpoint_error = lambda arn: None
    _tell_no_empty_lists(cloudfront)
    configuration = Config()
    configuration.bind = [f"{HOST}:{port}"]
    configuration.loglevel = "WARNING"
    # Terraform asks again after five seconds, which is when a connection would be closed: an answer would be lost.
    configuration.keep_alive_timeout = 600
    asyncio.run(serve(app, configuration))


def _tell_no_empty_lists(cloudfront: Any) -> None:
    """Of a policy of headers without custom or removed ones it tells an empty list, where AWS tells nothing."""
    build = cloudfront._build_rhp_config_xml

    def build_without(parent: Any, configuration: Any) -> None:
        build(parent, configuration)
        for name, key in (("CustomHeadersConfig", "CustomHeaders"), ("RemoveHeadersConfig", "RemoveHeaders")):
            if not configuration[key]:
                parent.remove(parent.find(name))

    cloudfront._build_rhp_config_xml = cloudfront._RHP_SPEC["build_config"] = build_without


if __name__ == "__main__":
    {"moto": moto, "ministack": ministack}[sys.argv[1]](int(sys.argv[2]))
