"""In a network namespace of its own: a metadata service at its true address, a name server that lies, the guard.

Prints how often the service was connected to without the guard (`control`) and with it (`connects`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

import aiohttp

from rung.runtime.webhooks import AddressRefusedError
from rung.runtime.webhooks.guard import Policy, guarded_client

METADATA = "169.254.169.254"
POLICY = Policy(ports=(), schemes=("http",))
FORMS = [METADATA, "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]"]
#: The name server's answers: plainly the service, first a public address and then the service, both at once.
NAMES = {"metadata.evil.test": [[METADATA]], "rebind.evil.test": [["198.41.0.4"], [METADATA]],
         "both.evil.test": [["198.41.0.4", METADATA]], "container.evil.test": [["169.254.170.2"]],
         "inside.evil.test": [["127.0.0.1"]]}  # fmt: skip


class NameServer(asyncio.DatagramProtocol):
    """Answers A questions from NAMES, one list after the other, with a lifetime of zero; nothing else."""

    def __init__(self) -> None:
        self.lookups = 0
        self._left = {name: list(answers) for name, answers in NAMES.items()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        name, end = _question(data)
        kind = struct.unpack("!H", data[end : end + 2])[0]
        answers: list[str] = []
        if kind == 1 and name in self._left:
            self.lookups += 1
            left = self._left[name]
            answers = left.pop(0) if len(left) > 1 else left[0]
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, len(answers), 0, 0)
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(each) for each in answers
        )
        self._transport.sendto(head + data[12 : end + 4] + records, address)  # type: ignore[attr-defined]


def _question(data: bytes) -> tuple[str, int]:
    labels, place = [], 12
    while data[place]:
        labels.append(data[place + 1 : place + 1 + data[place]].decode())
        place += data[place] + 1
    return ".".join(labels).lower(), place + 1


async def main() -> None:
    """Everything is tried once; names twice."""
    connected = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret")
        writer.close()

    await asyncio.start_server(take, "0.0.0.0", 80)
    loop = asyncio.get_running_loop()
    _, names = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.53", 53))
    async with aiohttp.ClientSession() as session, session.get(f"http://{METADATA}/") as answer:
        assert await answer.text() == "secret"
    control, connected = connected, 0
    tried = refused = 0
    async with guarded_client(POLICY, timeout_seconds=3) as session:
        for host in [*FORMS, *NAMES, *NAMES]:
            tried += 1
            try:
                await session.get(f"http://{host}/latest/meta-data/")
            except (AddressRefusedError, aiohttp.InvalidURL):
                refused += 1
            except (TimeoutError, aiohttp.ClientConnectorError):
                refused += host == "rebind.evil.test"  # went to the public address, which is not here
    print(json.dumps({"control": control, "connects": connected, "tried": tried, "refused": refused,
                      "lookups": names.lookups}))  # fmt: skip


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in (METADATA, "169.254.170.2"):
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    with tempfile.NamedTemporaryFile("w") as resolv:
        resolv.write("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
        resolv.flush()
        Path(resolv.name).chmod(0o644)
        subprocess.run(["mount", "--bind", resolv.name, "/etc/resolv.conf"], check=True)
        asyncio.run(main())
