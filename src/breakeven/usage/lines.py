"""
Text files, plain or gzip: their beginning, and their rows with the line each begins on.

Rows come in chunks, so that a file of any size is read in little memory. A line or record that cannot be a row
comes back with the reason; its text is never part of a reason or of an error.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from breakeven.errors import LogError
from breakeven.usage.readers.reader import header

HEAD_BYTES = 64 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 16 * 1024 * 1024
CHUNK_ROWS = 100_000
BOM = b"\xef\xbb\xbf"
BLANK = BOM + b" \r\n\t"

TOO_LONG = f"longer than {MAX_LINE_BYTES // 2**20} MiB"
NOT_UTF8 = "not UTF-8 text"
BAD_QUOTES = "its quotes do not match"


@dataclass
class Chunk:
    """
    Some rows of a file.

    texts : column -> one text per row; for JSON lines the only column is ``raw``.
    lines : the line each row begins on, from 1.
    faults : (line, reason) of what cannot be a row.
    size : bytes read for it.
    """

    texts: dict[str, list[str]]
    lines: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time for another one."""
        return self.size > CHUNK_BYTES or len(self.lines) >= CHUNK_ROWS


def open_log(file: Path) -> IO[bytes]:
    """The file's bytes, decompressed where it is gzip. Raises LogError where it is missing, a folder or unreadable."""
    if file.is_dir():
        raise LogError(f"{file}: is a folder; give the log files in it")
    if not file.is_file():
        raise LogError(f"{file}: no such file")
    try:
        handle = file.open("rb")
        packed = handle.read(2) == b"\x1f\x8b"
        handle.seek(0)
        if packed:
            handle.close()
            handle = io.BufferedReader(cast(io.RawIOBase, gzip.open(file)), 1 << 20)  # noqa: SIM115
    except OSError as error:
        raise LogError(f"{file}: cannot be opened: {error.strerror}") from None
    return handle


def read_head(file: Path) -> bytes:
    """The first 64 KiB of a file, or more where its first line that is not blank is longer than that."""
    with open_log(file) as handle, _readable(file):
        head = handle.read(HEAD_BYTES)
        while b"\n" not in head.lstrip(BLANK) and len(head) < MAX_LINE_BYTES:
            more = handle.read(len(head))
            if not more:
                break
            head += more
    return head


def json_chunks(file: Path) -> Iterator[Chunk]:
    """The lines of a file, in column ``raw``; blank lines are not rows. Raises LogError for damaged gzip."""
    with open_log(file) as handle, _readable(file):
        chunk = Chunk({"raw": []})
        for number, line in _lines(handle):
            chunk.size += len(line or b"")
            text = line.strip() if line is not None else None
            if text:
                try:
                    chunk.texts["raw"].append(text.decode())
                    chunk.lines.append(number)
                except UnicodeDecodeError:
                    chunk.faults.append((number, NOT_UTF8))
            elif text is None:
                chunk.faults.append((number, TOO_LONG))
            if chunk.full:
                yield chunk
                chunk = Chunk({"raw": []})
        yield chunk


def csv_names(head: bytes) -> list[str]:
    """Column names of a delimited text; an empty or repeated one is made unique by its position."""
    names: list[str] = []
    for position, name in enumerate(header(head)[1], 1):
        names.append(name if name and name not in names else f"{name or 'column'} ({position})")
    return names


def csv_chunks(file: Path, head: bytes, wanted: Sequence[str]) -> Iterator[Chunk]:
    """The records of a delimited text after its header, the ``wanted`` columns only. Raises as ``json_chunks``."""
    csv.field_size_limit(MAX_LINE_BYTES)
    names = csv_names(head)
    places = [(name, names.index(name)) for name in wanted]
    with open_log(file) as handle, _readable(file):
        text = _Text(handle)
        records = csv.reader(text, delimiter=header(head)[0], strict=True)
        chunk = Chunk({name: [] for name in wanted})
        below_header = False
        while True:
            line, fault, record = records.line_num + 1, "", None
            try:
                record = next(records)
            except StopIteration:
                break
            except csv.Error:
                fault = BAD_QUOTES
            if record == [] and not text.fault:
                continue
            if below_header:
                fault = text.fault or fault
                if record is not None and not fault and len(record) != len(names):
                    fault = f"{len(record)} fields where the header has {len(names)}"
                if fault or record is None:
                    chunk.faults.append((line, fault))
                else:
                    chunk.lines.append(line)
                    for name, place in places:
                        chunk.texts[name].append(record[place])
            below_header = True
            chunk.size, text.size, text.fault = chunk.size + text.size, 0, ""
            if chunk.full:
                yield chunk
                chunk = Chunk({name: [] for name in wanted})
        yield chunk


class _Text:
    """Lines of a file as text, for the csv module; remembers what was wrong with those last given."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.lines = _lines(handle)
        self.fault = ""
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        _, line = next(self.lines)
        if line is None:
            self.fault = TOO_LONG
            return "\n"
        self.size += len(line)
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.fault = NOT_UTF8
            return line.decode("utf-8", "replace")


def _lines(handle: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1; None for one that is too long to hold."""
    number = 0
    while line := handle.readline(MAX_LINE_BYTES):
        number += 1
        whole = len(line) < MAX_LINE_BYTES or line.endswith(b"\n")
        yield number, (line.removeprefix(BOM) if number == 1 else line) if whole else None
        while not whole:
            rest = handle.readline(MAX_LINE_BYTES)
            whole = len(rest) < MAX_LINE_BYTES or rest.endswith(b"\n")


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn damaged gzip and read errors into one clear line."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error):
        fault = "is damaged: its gzip data ends early or does not decompress"
    except OSError as error:
        fault = f"cannot be read: {error.strerror or type(error).__name__}"
    else:
        return
    raise LogError(f"{file}: {fault}")
