"""Starts one of the two emulators, mended: `python -m tests.terraform.emulator.serve moto|ministack PORT`.

moto is AWS for most services, ministack for those that it does better (see cloud.py). What either lacks for
Terraform's provider is put right before it starts; nothing of that is part of rung.
"""

from __future__ import annotations

import os
import sys

HOST = "127.0.0.1"


def moto(port: int) -> None:
    """moto's server. It knows AWS's managed policies only when it is told to load them."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto.server import main
    from tests.terraform.emulator.mends import mend

    mend()
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
    configuration = Config()
    configuration.bind = [f"{HOST}:{port}"]
    configuration.loglevel = "WARNING"
    asyncio.run(serve(app, configuration))


if __name__ == "__main__":
    {"moto": moto, "ministack": ministack}[sys.argv[1]](int(sys.argv[2]))
