"""
The bytes of a log as they are meant: gzip and Zstandard unpacked, whatever the file is called.

Damage ends a stream late: everything that could be unpacked before it is handed on first.
"""

import io
import zlib
from typing import IO, Any

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
SKIPPABLE = b"\x2a\x4d\x18"
"""Bytes 2 to 4 of a Zstandard frame without content, with which some writers begin."""

PACKED_BYTES = {"gzip": 64 * 1024, "Zstandard": 4 * 1024}
"""What is unpacked at a time. Four bytes of Zstandard may stand for 128 KiB, one of gzip for 1 KiB. [bytes]"""


class Damaged(Exception):  # noqa: N818
    """The packed data of a log end early or do not unpack; the message is a reason, without any text of the log."""


class Unpacked(io.RawIOBase):
    """
    A log's bytes, unpacked where they are gzip or Zstandard, of several members too.

    Parameters
    ----------
    raw : binary file
        Closed with this one.

    Raises
    ------
    Damaged
        By ``read``, once all that could be unpacked has been read.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self.rest = raw.read(4)
        """Bytes taken from ``raw`` that are not handed on yet: packed ones, or the beginning of a plain file."""
        self.kind = "gzip" if self.rest[:2] == GZIP else "Zstandard" if is_zstd(self.rest) else ""
        self.member: Any = None
        self.ready = b""
        """Unpacked bytes that are not handed on yet."""
        self.fault = ""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as bytes go. Returns how many there were, 0 at the end."""
        view = memoryview(buffer)
        filled = 0
        while filled < len(view):
            if not (self.kind or self.rest or self.ready):
                return filled + (self.raw.readinto(view[filled:]) or 0)  # type: ignore[attr-defined]
            piece = self._next()
            if not piece:
                break
            count = min(len(piece), len(view) - filled)
            view[filled : filled + count] = piece[:count]
            self.ready = piece[count:]
            filled += count
        if not filled and len(view) and self.fault:
            raise Damaged(self.fault)
        return filled

    def close(self) -> None:
        """Close the file too."""
        self.raw.close()
        super().close()

    def _next(self) -> bytes:
        """The next bytes, at least one; none at the end or where the data are damaged."""
        piece, self.ready = self.ready, b""
        if not self.kind and not piece:
            piece, self.rest = self.rest, b""
        while self.kind and not piece and not self.fault:
            packed = self.rest or self.raw.read(PACKED_BYTES[self.kind])
            self.rest = b""
            if not packed:
                if self.member is not None:
                    self.fault = f"its {self.kind} data end early"
                break
            if self.member is None:
                packed = packed.lstrip(b"\0") if self.kind == "gzip" else packed
                self.member = _member(self.kind) if packed else None
            if packed:
                piece = self._unpack(packed)
        return piece

    def _unpack(self, packed: bytes) -> bytes:
        try:
            piece: bytes = self.member.decompress(packed)
        except Exception as error:
            if not isinstance(error, zlib.error) and "zstd" not in type(error).__name__.lower():
                raise
            self.fault = f"its {self.kind} data do not decompress from here"
            return b""
        if self.member.eof:
            self.rest, self.member = self.member.unused_data, None
        return piece


def is_zstd(head: bytes) -> bool:
    """Whether the first four bytes of a file are those of Zstandard data."""
    return head == ZSTD or (head[1:] == SKIPPABLE and head[0] & 0xF0 == 0x50)


def _member(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(wbits=31)
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()
