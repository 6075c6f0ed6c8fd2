"""How values become bytes: JSON by default, msgspec types when named, or bytes as they are."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec


class Codec(Protocol):
    """Between a value and its bytes. `name` is part of every key, so that codecs never read each other's."""

    @property
    def name(self) -> str:
        """Short, stable, distinct."""
        ...

    def encode(self, value: Any) -> bytes:
        """The bytes to store."""
        ...

    def decode(self, data: bytes) -> Any:
        """The value again; raises ValueError (msgspec's errors are one) when the bytes are not one."""
        ...


class JsonCodec:
    """JSON by msgspec. With a type, what is read is checked against it: a changed type is a miss, not a crash."""

    def __init__(self, type: Any = Any) -> None:  # noqa: A002
        self.name = "json" if type is Any else f"json-{getattr(type, '__name__', type)}"
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(type)

    def encode(self, value: Any) -> bytes:
        """UTF-8 JSON. Raises TypeError for what JSON cannot carry."""
        return self._encoder.encode(value)

    def decode(self, data: bytes) -> Any:
        """Raises msgspec.MsgspecError (a ValueError) for anything else than that type."""
        return self._decoder.decode(data)


class RawCodec:
    """Bytes in, the same bytes out: for pages and JSON that were rendered already."""

    name = "raw"

    def encode(self, value: bytes) -> bytes:
        """The bytes themselves."""
        return value

    def decode(self, data: bytes) -> bytes:
        """The bytes themselves."""
        return data


JSON = JsonCodec()
RAW = RawCodec()
