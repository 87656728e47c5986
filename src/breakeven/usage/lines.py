"""
Text files, plain or gzip: their beginning, and their rows with the line each begins on.

Rows come in chunks, so that a file of any size is read in little memory. A line or record that cannot be a row
comes back with the reason; its text is never part of a reason or of an error.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, cast

from breakeven.errors import LogError
from breakeven.usage.readers.reader import header
from breakeven.usage.spend_table import SpendTable

HEAD_BYTES = 64 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 16 * 1024 * 1024
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
    """

    texts: dict[str, list[str]]
    lines: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


def open_log(file: Path | SpendTable) -> IO[bytes]:
    """The file's bytes, decompressed where it is gzip. Raises LogError where it is missing, a folder or unreadable."""
    if isinstance(file, SpendTable):
        return file.open()
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


def read_head(file: Path | SpendTable) -> bytes:
    """The first 64 KiB of a file, or more where its first line that is not blank is longer than that."""
    with open_log(file) as handle, readable(file):
        head = handle.read(HEAD_BYTES)
        while b"\n" not in head.lstrip(BLANK) and len(head) < MAX_LINE_BYTES:
            more = handle.read(len(head))
            if not more:
                break
            head += more
    return head


def json_chunks(file: Path | SpendTable) -> Iterator[Chunk]:
    """The lines of a file, in column ``raw``; blank lines are not rows. Raises LogError for damaged gzip."""
    with open_log(file) as handle, readable(file):
        for first, texts in _Lines(handle).blocks():
            chunk = Chunk({"raw": []})
            for number, text in enumerate(texts, first):
                if isinstance(text, Fault):
                    chunk.faults.append((number, text.reason))
                elif stripped := text.strip():
                    chunk.texts["raw"].append(stripped)
                    chunk.lines.append(number)
            yield chunk


def expanded(chunk: Chunk, expand: Callable[[str], Sequence[str]]) -> Chunk:
    """JSON lines with each replaced by the rows it holds, which keep its number."""
    rows = [(line, row) for line, text in zip(chunk.lines, chunk.texts["raw"], strict=True) for row in expand(text)]
    return Chunk({"raw": [row for _, row in rows]}, [line for line, _ in rows], chunk.faults)


def csv_names(head: bytes) -> list[str]:
    """Column names of a delimited text; an empty or repeated one is made unique by its position."""
    names: list[str] = []
    for position, name in enumerate(header(head)[1], 1):
        names.append(name if name and name not in names else f"{name or 'column'} ({position})")
    return names


def csv_chunks(file: Path | SpendTable, head: bytes, wanted: Sequence[str]) -> Iterator[Chunk]:
    """The records of a delimited text after its header, the ``wanted`` columns only. Raises as ``json_chunks``."""
    csv.field_size_limit(MAX_LINE_BYTES)
    names = csv_names(head)
    places = [names.index(name) for name in wanted]
    with open_log(file) as handle, readable(file):
        source = _Lines(handle)
        records = csv.reader(source.lines(), delimiter=header(head)[0], strict=True)
        chunk, values = Chunk({}), list[str]()
        below_header, ended = False, False
        while not ended:
            line, fault, record = records.line_num + 1, "", list[str]()
            try:
                record = next(records)
            except StopIteration:
                ended = True
            except csv.Error:
                fault = BAD_QUOTES
            if source.faults:
                fault = source.fault_of(records.line_num) or fault
            if record and not fault and len(record) != len(names):
                fault = f"{len(record)} fields where the header has {len(names)}"
            if fault and below_header:
                chunk.faults.append((line, fault))
            elif record and below_header:
                chunk.lines.append(line)
                values += [record[place] for place in places]
            below_header = below_header or bool(record or fault)
            if source.fresh or ended:
                source.fresh = False
                chunk.texts = {name: values[place :: len(wanted)] for place, name in enumerate(wanted)}
                yield chunk
                chunk, values = Chunk({}), []


@dataclass(frozen=True, slots=True)
class Fault:
    """Stands for a line whose text cannot be had."""

    reason: str


class _Lines:
    """
    The lines of a file, a block of them at a time.

    faults : number of a line -> what is wrong with it, as met by ``lines``.
    fresh : whether ``lines`` has gone on to another block since this was last set to False.
    """

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle
        self.faults: dict[int, str] = {}
        self.fresh = False

    def blocks(self) -> Iterator[tuple[int, list[str | Fault]]]:
        """Number of the first line of each block, from 1, and its lines without their ends."""
        number, rest, skipping = 1, b"", False
        while block := self.handle.read(CHUNK_BYTES):
            rest = rest + block if rest or number > 1 or skipping else block.removeprefix(BOM)
            if skipping:
                _, end, rest = rest.partition(b"\n")
                skipping, number = not end, number + len(end)
            end_of_last = rest.rfind(b"\n")
            if end_of_last >= 0:
                lines = _texts(rest[:end_of_last])
                yield number, lines
                number, rest = number + len(lines), rest[end_of_last + 1 :]
            if len(rest) > MAX_LINE_BYTES:
                yield number, [Fault(TOO_LONG)]
                rest, skipping = b"", True
        if rest:
            yield number, _texts(rest)

    def lines(self) -> Iterator[str]:
        """Every line with its end, as the csv module wants it; a line with a fault is empty and noted in ``faults``."""
        return chain.from_iterable(map(self._noted, self.blocks()))

    def fault_of(self, last: int) -> str:
        """The first fault met up to a line, "" where there is none; those up to it are then forgotten."""
        met = [self.faults.pop(number) for number in sorted(self.faults) if number <= last]
        return met[0] if met else ""

    def _noted(self, block: tuple[int, list[str | Fault]]) -> list[str]:
        first, texts = block
        self.fresh = True
        self.faults |= {number: text.reason for number, text in enumerate(texts, first) if isinstance(text, Fault)}
        return [text + "\n" if isinstance(text, str) else "\n" for text in texts]


def _texts(block: bytes) -> list[str | Fault]:
    """The lines of some bytes."""
    try:
        return [*block.decode().split("\n")]
    except UnicodeDecodeError:
        return [_text(line) for line in block.split(b"\n")]


def _text(line: bytes) -> str | Fault:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return Fault(NOT_UTF8)


@contextmanager
def readable(file: Path | SpendTable) -> Iterator[None]:
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
