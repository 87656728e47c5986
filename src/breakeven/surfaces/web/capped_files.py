"""
Files as they arrive, within caps.

What packed data unpack to is measured, and every line of a text, before anything reads them; Parquet is taken as it
is.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from starlette.exceptions import HTTPException

from breakeven.errors import LogError
from breakeven.usage.streams import GZIP, PACKED_BYTES, is_zstd

UNPACKED_BYTES = 1 << 20
"""Most that gzip data are unpacked to at a time."""

MAX_FILES = 50
NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Caps:
    """
    What an upload may be.

    text_bytes : all its texts together, unpacked.
    line_bytes : one line of a text; Parquet has none.
    """

    text_bytes: int
    line_bytes: int


@dataclass
class Upload:
    """
    What a request brought.

    files : where the logs are.
    names : what the client calls each: to be shown, never used as a path.
    inputs : the field of the form that each came in, "" for a whole body.
    fields : the other fields of its form.
    """

    files: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


def in_megabytes(size: int) -> str:
    """A cap as people read it."""
    return f"{size / 1e6:,.6g} MB"


def shown_name(name: str) -> str:
    """A file name of a client for display: without folders and control characters, of limited length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(letter for letter in last if letter.isprintable()).strip()
    return printable[:NAME_LENGTH] or "log"


class Intake:
    """Writes one file after the other to a folder; raises HTTPException(413) where a cap is exceeded."""

    def __init__(self, upload: Upload, folder: Path, caps: Caps) -> None:
        self.upload, self.folder, self.caps = upload, folder, caps
        self.handle: BinaryIO | None = None
        self.head = b""
        self.pieces: Callable[[bytes], Iterator[bytes]] | None = None
        self.line, self.line_bytes, self.text_bytes = 1, 0, 0

    def begin(self, name: str, field_name: str = "") -> None:
        """Start the next file."""
        self.end()
        if len(self.upload.files) == MAX_FILES:
            raise HTTPException(413, f"More than {MAX_FILES} files; join them, or upload them in several turns")
        file = self.folder / f"upload-{len(self.upload.files) + 1}"
        self.upload.files.append(file)
        self.upload.names.append(shown_name(name))
        self.upload.inputs.append(field_name)
        self.handle = file.open("xb")
        self.head, self.pieces, self.line, self.line_bytes = b"", None, 1, 0

    def write(self, data: bytes) -> None:
        """The next bytes of the file."""
        assert self.handle is not None
        self.handle.write(data)
        if self.pieces is None:
            self.head += data
            if len(self.head) < 4:
                return
            data, self.pieces = self.head, _pieces_of(self.head, self.upload.names[-1])
        for piece in self.pieces(data):
            self.text_bytes += len(piece)
            if self.text_bytes > self.caps.text_bytes:
                most = in_megabytes(self.caps.text_bytes)
                raise HTTPException(413, f"The files hold more than {most} of text, unpacked; send them in parts")
            self._measure(piece)

    def end(self) -> None:
        """Close the file."""
        if self.handle is not None:
            self.handle.close()
            self.handle = None

    def _measure(self, piece: bytes) -> None:
        """Count lines and their lengths."""
        lengths = [*map(len, piece.split(b"\n") if len(piece) > self.caps.line_bytes else _ends(piece))]
        lengths[0] += self.line_bytes
        for number, length in enumerate(lengths, self.line):
            if length > self.caps.line_bytes:
                longest = in_megabytes(self.caps.line_bytes)
                raise HTTPException(413, f"{self.upload.names[-1]}: line {number:,} is longer than {longest}")
        self.line += piece.count(b"\n")
        self.line_bytes = lengths[-1]


def _ends(piece: bytes) -> list[bytes]:
    """What stands before the first line end and after the last; those between are shorter than the piece."""
    first, end, rest = piece.partition(b"\n")
    return [first, rest[rest.rfind(b"\n") + 1 :]] if end else [first]


def _pieces_of(head: bytes, name: str) -> Callable[[bytes], Iterator[bytes]]:
    """How the text of a file is got from its bytes; Parquet has none."""
    if head.startswith(b"PAR1"):
        return lambda data: iter(())
    if head.startswith(GZIP):
        return _Gunzip(name).pieces
    if is_zstd(head[:4]):
        return _Unzstd(name).pieces
    return lambda data: iter((data,))


class _Gunzip:
    """Unpacks gzip data as they come, of several members too."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.member, self.fresh = zlib.decompressobj(wbits=31), False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes unpack to. Raises LogError, as the reader would, for what is not gzip."""
        while data := data.lstrip(b"\0") if self.fresh else data:
            try:
                piece = self.member.decompress(data, UNPACKED_BYTES)
            except zlib.error:
                raise LogError(f"{self.name}: is damaged: its gzip data do not decompress") from None
            self.fresh = self.member.eof
            data = self.member.unused_data if self.fresh else self.member.unconsumed_tail
            if self.fresh:
                self.member = zlib.decompressobj(wbits=31)
            yield piece


class _Unzstd:
    """Unpacks Zstandard data as they come, of several frames too."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frame: Any = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes unpack to. Raises LogError, as the reader would, for what is not Zstandard."""
        import zstandard

        step = PACKED_BYTES["Zstandard"]
        while data:
            self.frame = self.frame or zstandard.ZstdDecompressor().decompressobj()
            packed, data = data[:step], data[step:]
            try:
                piece = self.frame.decompress(packed)
            except zstandard.ZstdError:
                raise LogError(f"{self.name}: is damaged: its Zstandard data do not decompress") from None
            if self.frame.eof:
                data, self.frame = self.frame.unused_data + data, None
            yield piece
