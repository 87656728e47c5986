"""How far a query is, is told while it runs; bytes and rows of a file are told once each."""

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from usage_logs import chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.usage import following, whole_json
from breakeven.usage.following import followed
from breakeven.usage.gather import gather
from breakeven.usage.inputs import find_logs
from breakeven.usage.models import Finder
from breakeven.usage.scan import open_engine


class Engine:
    """Says how far it is, one number after the other."""

    def __init__(self, percents: list[float]) -> None:
        self.percents = percents
        self.over = threading.Event()

    def execute(self, sql: str) -> None:
        assert sql.startswith("SET enable_progress_bar")

    def query_progress(self) -> float:
        if not self.percents:
            self.over.set()
            return -1.0
        return self.percents.pop(0)


class Watched:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.bytes = self.counted = 0
        self.parts: list[float] = []

    def total(self, size: int | None) -> None:
        self.size = size

    def read(self, name: str, count: int) -> None:
        assert count >= 0
        self.bytes += count

    def rows(self, count: int) -> None:
        assert count >= 0
        self.counted += count

    def step(self, words: str) -> None:
        self.words = words

    def part(self, share: float) -> None:
        self.parts.append(share)


def test_a_query_is_told_as_far_as_it_is_and_never_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EVERY_S", 0.001)
    told, engine = list[float](), Engine([-1, 0, 10, 5, 10, 40, 30, 120])
    with followed(engine, told.append):  # type: ignore[arg-type]
        assert engine.over.wait(10)
    assert told == [0.1, 0.4, 1.0, 1.0]


def test_a_query_that_fails_is_not_told_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EVERY_S", 0.001)
    told, engine = list[float](), Engine([50])

    def fails() -> None:
        with followed(engine, told.append):  # type: ignore[arg-type]
            assert engine.over.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert told == [0.5]
    assert threading.active_count() == len([each for each in threading.enumerate() if "ask" not in each.name])


def test_nobody_is_told_nothing() -> None:
    with followed(Engine([]), None):  # type: ignore[arg-type]
        pass


def test_the_engine_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(following, "EVERY_S", 0.01)
    told = list[float]()
    with open_engine() as engine:
        engine.execute(f"COPY (SELECT range AS n FROM range(4000000)) TO '{tmp_path / 'n.parquet'}' (FORMAT parquet)")
        with followed(engine, told.append):
            engine.execute(f"SELECT max(md5(CAST(n AS VARCHAR))) FROM '{tmp_path / 'n.parquet'}'").fetchall()
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("kind", ["in place", "with prompts", "JSON lines", "packed"])
def test_every_row_and_byte_is_told_once(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(whole_json, "LEAST_BYTES", 0)
    file = tmp_path / ("log.jsonl.gz" if kind == "packed" else "log.jsonl" if "JSON" in kind else "log.parquet")
    if file.suffix == ".parquet":
        prompt = ", 'hello' AS prompt" if kind == "with prompts" else ""
        rows = f"SELECT 'gpt-4o' AS model, 5 AS input_tokens, 7 AS output_tokens{prompt} FROM range(3000)"
        duckdb.sql(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")
    else:
        write_lines(file, [chat(number) for number in range(3000)])
    watched: Any = Watched()
    with open_engine() as engine:
        got = gather(engine, find_logs([file]), Finder(catalogue.prices), watch=watched)
    assert got.cube.rows_in == watched.counted == 3000
    assert watched.parts == sorted(watched.parts)
    assert watched.parts[-1] == 1.0
    if kind == "in place":
        assert watched.bytes <= file.stat().st_size
    else:
        assert watched.bytes == watched.size == file.stat().st_size
