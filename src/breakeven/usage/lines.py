"""
Text files, plain or packed: their beginning, and their rows with the line each begins on.

Rows come in chunks, so that a file of any size is read in little memory. A line or record that cannot be a row
comes back with the reason, so does the place where packed data break off; its text is never part of a reason or of
an error.
"""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, cast

from breakeven.errors import LogError, NoLogError
from breakeven.usage.inputs import LogFile, as_log
from breakeven.usage.readers.reader import BOM, header
from breakeven.usage.streams import Damaged, Unpacked

HEAD_BYTES = 64 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 16 * 1024 * 1024
BLANK = BOM + b" \r\n\t"

TOO_LONG = f"longer than {MAX_LINE_BYTES // 2**20} MiB"
NOT_UTF8 = "not UTF-8 text"
UTF16 = "UTF-16 text, which is not read; save it as UTF-8"
BAD_QUOTES = "its quotes do not match"


def _is_utf16(head: bytes) -> bool:
    """Whether a text is UTF-16, by its byte order mark or by every other of its first bytes being zero."""
    return head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or b"\0\0" in (head[0:4:2], head[1:4:2])


@dataclass
class Chunk:
    """
    Some rows of a file.

    texts : column -> one text per row; for JSON lines the only column is ``raw``.
    lines : the line each row begins on, from 1.
    faults : (line, reason) of what cannot be a row.
    blank : lines of JSON lines that hold nothing.
    """

    texts: dict[str, list[str]]
    lines: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    blank: int = 0


def open_log(file: Path | LogFile) -> IO[bytes]:
    """
    The bytes of a log, unpacked. Its ``read(n)`` may give fewer than n before the end.

    Raises LogError where it is missing, a folder or unreadable, ``Damaged`` while reading.
    """
    return cast(IO[bytes], Unpacked(as_log(file).open()))


def has_line(head: bytes) -> bool:
    """Whether a line that is not blank ends in the beginning of a file."""
    return b"\n" in head.lstrip(BLANK)


def read_head(file: Path | LogFile, enough: Callable[[bytes], bool] = has_line) -> bytes:
    """
    The first 64 KiB of a file, or as much more as it takes, up to 64 MiB, until that is ``enough``.

    Raises LogError where not a byte can be had, or it is no UTF-8 text.
    """
    head, fault = b"", ""
    with open_log(file) as handle, readable(file):
        while len(head) < HEAD_BYTES or (len(head) < MAX_LINE_BYTES and not enough(head)):
            try:
                more = handle.read(max(HEAD_BYTES - len(head), min(len(head), MAX_LINE_BYTES)))
            except Damaged as damaged:
                fault = str(damaged)
                break
            if not more:
                break
            head += more
    if fault and not head:
        raise NoLogError(f"{file}: is damaged: {fault}", fault)
    if _is_utf16(head):
        raise NoLogError(f"{file}: is {UTF16}", UTF16)
    return head


def json_chunks(file: Path | LogFile) -> Iterator[Chunk]:
    """The lines of a file, in column ``raw``; blank lines are not rows."""
    with open_log(file) as handle, readable(file):
        for first, texts in _Lines(handle).blocks():
            chunk = Chunk({"raw": []})
            for number, text in enumerate(texts, first):
                if isinstance(text, Fault):
                    chunk.faults.append((number, text.reason))
                elif stripped := text.strip():
                    chunk.texts["raw"].append(stripped)
                    chunk.lines.append(number)
                else:
                    chunk.blank += 1
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


def csv_chunks(file: Path | LogFile, head: bytes, wanted: Sequence[str]) -> Iterator[Chunk]:
    """The records of a delimited text after its header, the ``wanted`` columns only."""
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
        self.damage = ""

    def blocks(self) -> Iterator[tuple[int, list[str | Fault]]]:
        """Number of the first line of each block, from 1, and its lines without their ends."""
        number, rest, skipping = 1, b"", False
        while block := self._read():
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
        if self.damage and not skipping:
            yield number, [Fault(self.damage)]
        elif rest:
            yield number, _texts(rest)

    def _read(self) -> bytes:
        """The next block; none at the end, or where damage ends the file early."""
        try:
            return self.handle.read(CHUNK_BYTES)
        except Damaged as damaged:
            self.damage = str(damaged)
            return b""

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
def readable(file: Path | LogFile) -> Iterator[None]:
    """Turn read errors into one clear line."""
    try:
        yield
    except OSError as error:
        fault = error.strerror or type(error).__name__
    except (LogError, Damaged):
        raise
    except Exception as error:
        if not isinstance(file, LogFile) or file.path is not None:
            raise
        fault = type(error).__name__  # whatever the packages of an object store may raise
    else:
        return
    raise LogError(f"{file}: cannot be read: {fault}")
