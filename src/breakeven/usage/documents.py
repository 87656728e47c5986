"""
JSON that is not one object per line: an array of objects, or objects printed over several lines.

Each object of an outermost array, or standing by itself, becomes one row, with the line on which it begins. A file is
read a piece at a time, and only one object of it is held. Where the text stops being JSON nothing after it can be
told apart, so there the rows end with one fault.
"""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path

from breakeven.usage.inputs import LogFile
from breakeven.usage.lines import BLANK, MAX_LINE_BYTES, NOT_UTF8, TOO_LONG, Chunk, open_log, readable
from breakeven.usage.streams import Damaged

PIECE_BYTES = 1024 * 1024
CHUNK_CHARS = 16 * 1024 * 1024
HEAD_ROWS = 100

BROKEN = "not JSON from here on"

SPACE = re.compile(r"[\s,\[\]\ufeff]*")
"""What lies between two objects of an array, or of several."""

STRAY = re.compile("[\udc80-\udcff]")
"""A byte that is not UTF-8, as the decoder passes it on."""


def is_document(head: bytes) -> bool:
    """Whether a file that begins so is such JSON: its first line is an array's beginning, or a lone brace."""
    first = head.lstrip(BLANK).split(b"\n", 1)[0].strip()
    return first.startswith(b"[") or first == b"{"


def document_head(file: Path | LogFile) -> bytes:
    """The first objects of a file of such JSON, one per line; empty where it begins with none."""
    rows = next(document_chunks(file), Chunk({"raw": []})).texts["raw"][:HEAD_ROWS]
    return "\n".join(json.dumps(json.loads(row)) for row in rows).encode()


def document_chunks(file: Path | LogFile) -> Iterator[Chunk]:
    """
    The objects of a file, in column ``raw``. The first chunk holds at least one, unless the file does not.

    Raises LogError as ``lines.json_chunks``.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text, line, chunk, size, enough = "", 1, Chunk({"raw": []}), 0, 0
    ended, fault = False, ""
    with open_log(file) as handle, readable(file):
        while not ended and not fault:
            damage = ""
            try:
                piece = handle.read(PIECE_BYTES)
            except Damaged as damaged:
                piece, damage = b"", str(damaged)
            ended = not piece
            text += decoder.decode(piece, final=ended)
            if len(text) < enough and not ended:
                continue
            place = 0
            for start, end in _objects(text):
                line += text.count("\n", place, start)
                row = text[start:end]
                if not row.isascii() and STRAY.search(row):
                    chunk.faults.append((line, NOT_UTF8))
                else:
                    chunk.texts["raw"].append(row)
                    chunk.lines.append(line)
                line += text.count("\n", start, end)
                place, size = end, size + end - start
            start = _after_space(text, place)
            line += text.count("\n", place, start)
            text = text[start:]
            enough = 2 * len(text)
            if damage:
                fault = damage
            elif text:
                fault = BROKEN if ended or text[0] != "{" else TOO_LONG if len(text) > MAX_LINE_BYTES else ""
            if fault:
                chunk.faults.append((line, fault))
            if size > CHUNK_CHARS or ended or fault:
                yield chunk
                chunk, size = Chunk({"raw": []}), 0


def _objects(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the whole objects at the beginning of a text, up to the first that is none."""
    decode = json.JSONDecoder().raw_decode
    place = 0
    while True:
        start = _after_space(text, place)
        if text[start : start + 1] != "{":
            return
        try:
            _, place = decode(text, start)
        except (ValueError, RecursionError):
            return
        yield start, place


def _after_space(text: str, place: int) -> int:
    found = SPACE.match(text, place)
    return found.end() if found else place
