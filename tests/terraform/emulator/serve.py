"""moto's server with what it lacks for Terraform's AWS provider, mended before it starts.

Run as `python -m tests.terraform.emulator.serve --host 127.0.0.1 --port N`. Each mend says what the provider asks
for and does not get. What is mended here is reported upstream; when moto has it, the mend goes.
"""

from __future__ import annotations

import sys

from moto.server import main
from tests.terraform.emulator.mends import mend

if __name__ == "__main__":
    mend()
    main(sys.argv[1:])
