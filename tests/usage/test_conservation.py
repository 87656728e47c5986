"""Whatever happens to a log, every row of every file is counted once, or one line says why the file cannot be read."""

import copy
import csv
import datetime as dt
import gzip
import json
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from usage_logs import LOGS, chat, samples, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import BreakevenError, LogError
from breakeven.usage import Usage, read_usage
from breakeven.usage.calls import MAX_TOKENS, TOKENS
from breakeven.usage.documents import is_document
from breakeven.usage.readers.reader import json_object

AS_OF = dt.date(2026, 11, 23)
TEXTS = [file for file in samples() if file.suffix in (".json", ".jsonl", ".csv", ".tsv")]
ONE_ROW_A_LINE = ("litellm", "openai-response", "provider-response", "tensorzero")
PACKINGS = {"": bytes, ".gz": gzip.compress, ".zst": lambda data: zstandard.ZstdCompressor().compress(data)}


def read(catalogue: Catalogue, *files: Path, **options: object) -> Usage:
    return read_usage(files, table=catalogue.prices, as_of=AS_OF, **options)  # type: ignore[arg-type]


def conserved(usage: Usage) -> None:
    for file in usage.files:
        assert file.rows == file.priced + file.unpriced + file.rejected
        assert min(file.priced, file.unpriced, file.rejected) >= 0
        assert sum(rows for _, rows in file.reasons) == file.unpriced + file.rejected
    rows = usage.rows
    assert rows.read == rows.priced + rows.unpriced + rows.rejected == sum(file.rows for file in usage.files)
    assert rows.rejected == sum(file.rejected for file in usage.files)
    assert rows.unpriced == sum(file.unpriced for file in usage.files)


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """Cuts, changed bytes and inserted ones, each at a share of the length."""
    kinds = st.sampled_from(["cut", "change", "insert", "drop"])
    place = st.floats(0, 1, exclude_max=True)
    return draw(st.lists(st.tuples(kinds, place, st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))


def damaged(data: bytes, ways: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, new in ways:
        at = int(share * len(data))
        if kind == "cut":
            data = data[:at]
        elif kind == "insert":
            data = data[:at] + new + data[at:]
        else:
            data = data[:at] + (new if kind == "change" else b"") + data[at + len(new) :]
    return data


@settings(max_examples=120)
@given(sample=st.sampled_from(TEXTS), packing=st.sampled_from(list(PACKINGS)), ways=damages(), inside=st.booleans())
@example(sample=LOGS / "openai-response" / "mixed.jsonl", packing=".gz", ways=[("cut", 0.9, b"x")], inside=False)
@example(sample=LOGS / "openai-response" / "mixed.jsonl", packing=".zst", ways=[("change", 0.5, b"xyz")], inside=False)
@example(sample=LOGS / "azure" / "event-hub.jsonl", packing="", ways=[("change", 0.3, b"}")], inside=True)
@example(sample=LOGS / "azure" / "query.json", packing="", ways=[("cut", 0.8, b"x")], inside=True)
def test_a_corrupted_log_conserves_its_rows(
    tmp_path: Path, catalogue: Catalogue, sample: Path, packing: str, ways: list[tuple[str, float, bytes]], inside: bool
) -> None:
    data = sample.read_bytes()
    data = PACKINGS[packing](damaged(data, ways)) if inside else damaged(PACKINGS[packing](data), ways)
    file = tmp_path / f"log{packing}"
    file.write_bytes(data)
    good = write_lines(tmp_path / "good.jsonl", [chat()] * 2)
    alone, fault = None, ""
    try:
        alone = read(catalogue, file)
    except LogError as error:
        fault = str(error)
    if alone is None:
        assert fault.count("\n") == 0
        beside = read(catalogue, file, good)
        assert len(beside.skipped) == 1
        assert beside.rows.read == 2
    else:
        beside = read(catalogue, file, good)
        assert not beside.skipped
        assert beside.rows.read == alone.rows.read + 2
        conserved(alone)
        if not packing and sample.parent.name in ONE_ROW_A_LINE and sample.suffix == ".jsonl" and not is_document(data):
            assert alone.rows.read == sum(bool(line.strip(b" \t\r\xef\xbb\xbf")) for line in data.split(b"\n"))
    conserved(beside)


ODD = (
    *(None, True, False, "", "NaN", "x", "-1", " 7 ", "1e400", "9999-12-31T23:59:59Z", "\0", "[/red]", "\x1b[2J"),
    *(0, -3, 1.5, 10**12, 10**12 + 1, 2**63, 10**40, 1e-320, 1e300, [], {}, [[]], [None], {"": {}}, {"usage": []}),
)
"""Values that may stand anywhere in JSON, wanted or not."""


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside another."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from leaves(inner, (*path, key))


JSON_ROWS = [
    (file.parent.name, row)
    for file in TEXTS
    if file.suffix == ".jsonl"
    for row in map(json_object, file.read_text("utf-8", "replace").split("\n"))
    if row is not None
]


@st.composite
def odd_rows(draw: st.DrawFn) -> tuple[str, list[Any]]:
    """A reader's name, and a row of one of its samples three times, with up to four values replaced or left out."""
    reader, row = draw(st.sampled_from(JSON_ROWS))
    rows = [copy.deepcopy(row) for _ in range(3)]
    for each in rows:
        for _ in range(draw(st.integers(1, 4))):
            *places, last = draw(st.sampled_from(list(leaves(each)) or [("new",)]))
            holder = reduce(getitem, places, each)
            if draw(st.booleans()):
                holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
            elif last in holder or isinstance(holder, list):
                del holder[last]
    return reader, rows


@settings(max_examples=60)
@given(odd=odd_rows())
def test_odd_values_anywhere_in_a_row_are_counted(
    tmp_path: Path, catalogue: Catalogue, odd: tuple[str, list[Any]]
) -> None:
    reader, rows = odd
    usage, fault = None, ""
    try:
        usage = read(catalogue, write_lines(tmp_path / "log.jsonl", rows), reader=reader)
    except LogError as error:
        fault = str(error)
    if usage is None:
        assert fault.count("\n") == 0
        return
    conserved(usage)
    for cell in usage.cube.cells:
        assert all(0 <= getattr(cell, name) <= MAX_TOKENS * cell.rows for name in TOKENS)
        assert cell.reasoning_tokens <= cell.output_tokens
    assert usage.cost_usd >= 0


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_packed_log_cut_short_loses_only_its_end(tmp_path: Path, catalogue: Catalogue, packing: str) -> None:
    rows = [chat(id=f"{number:x}" * 9) for number in range(20_000)]
    data = write_lines(tmp_path / "whole", rows).read_bytes()
    file = tmp_path / f"log{packing}"
    packed = PACKINGS[packing](data)
    file.write_bytes(packed[: len(packed) * 3 // 4])
    usage = read(catalogue, file)
    conserved(usage)
    assert usage.rows.rejected == 1
    assert 10_000 < usage.rows.priced < 20_000
    (reject,) = usage.rejects
    assert reject.line == usage.rows.read
    assert reject.reason in ("its gzip data end early", "its Zstandard data end early")


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_packed_array_cut_short_loses_only_its_end(tmp_path: Path, catalogue: Catalogue, packing: str) -> None:
    rows = [chat(id=f"{number:x}" * 9) for number in range(20_000)]
    packed = PACKINGS[packing](json.dumps(rows).encode())
    file = tmp_path / f"log{packing}"
    file.write_bytes(packed[: len(packed) * 3 // 4])
    usage = read(catalogue, file)
    conserved(usage)
    assert usage.rows.rejected == 1
    assert 10_000 < usage.rows.priced < 20_000


def test_lines_of_ten_megabytes_and_a_last_line_cut_short(tmp_path: Path, catalogue: Catalogue) -> None:
    long = json.dumps(chat(choices=[{"message": {"content": "x" * 10_000_000}}]))
    file = write_lines(tmp_path / "log.jsonl", [chat(), long, long[:-2], chat()])
    file.write_bytes(file.read_bytes()[:-30])
    usage = read(catalogue, file)
    conserved(usage)
    assert (usage.rows.priced, usage.rows.rejected) == (2, 2)


def test_rejects_are_written_whole_without_any_text_of_the_rows(tmp_path: Path, catalogue: Catalogue) -> None:
    broken = write_lines(tmp_path / "b.jsonl", [chat(), *["secret words"] * 1500, chat(usage=None)])
    table = tmp_path / "c.csv"
    table.write_text("model,input_tokens,output_tokens\nm,1,1\nsecret,1\nm,secret,1\n")
    (tmp_path / "d.txt").write_text("secret\n")
    written = tmp_path / "rejects.csv"
    usage = read(catalogue, broken, table, tmp_path / "d.txt", rejects=written)
    text = written.read_text()
    found = list(csv.reader(text.splitlines()))
    assert found[0] == ["file", "line", "reason"]
    assert len(found) == 1 + usage.rows.rejected + 1
    assert found[1:4] == [["b.jsonl", str(line), "not a JSON object"] for line in (2, 3, 4)]
    assert found[-4:] == [
        ["b.jsonl", "1502", "no token counts"],
        ["c.csv", "3", "2 fields where the header has 3"],
        ["c.csv", "4", "input_tokens is not a whole number from 0 to 10^12"],
        ["d.txt", "", "no reader knows this format"],
    ]
    assert "secret" not in text
    assert not list(tmp_path.glob("*.part"))


def test_rejects_are_not_written_where_they_cannot_be(tmp_path: Path, catalogue: Catalogue) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat()])
    with pytest.raises(BreakevenError, match=r"--rejects .*: cannot be written: No such file"):
        read(catalogue, file, rejects=tmp_path / "none" / "r.csv")
