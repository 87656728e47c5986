"""LiteLLM's live spend table: the same rows as its file, streamed; a real server where there is one."""

import datetime as dt
import json
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from usage_logs import LOGS

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.surfaces.cli import main
from breakeven.usage import Usage, read_usage
from breakeven.usage.spend_table import SpendTable

AS_OF = dt.date(2026, 11, 23)
SPEND = LOGS / "litellm" / "spend-logs.jsonl"
SECRET = "p%40ss"
URL = f"postgresql://litellm:{SECRET}@db.example:5432/proxy?sslmode=disable"


def read(catalogue: Catalogue, url: str) -> Usage:
    return read_usage(url, table=catalogue.prices, as_of=AS_OF)


class Column:
    """What a cursor says of a column."""

    def __init__(self, name: str) -> None:
        self.name = name


class Cursor:
    """Stands for a cursor of psycopg: it knows one table."""

    def __init__(self, server: "Server", name: str | None) -> None:
        self.server, self.name, self.itersize = server, name, 0

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *fault: object) -> None:
        return None

    def execute(self, query: str) -> None:
        self.server.queries.append(query)
        quoted = '"' + self.server.table.replace('"', '""') + '"'
        if "information_schema" not in query and quoted not in query:
            raise self.server.psycopg.errors.UndefinedTable

    @property
    def description(self) -> list[Column]:
        return [Column(name) for name in self.server.names]

    def fetchall(self) -> list[tuple[str]]:
        return [(self.server.table,)]

    def __iter__(self) -> Iterator[tuple[str]]:
        assert self.name, "rows must come by a server-side cursor"
        assert 0 < self.itersize < 100_000
        for row in self.server.rows:
            self.server.sent += 1
            yield (json.dumps(row),)


class Server:
    """Stands for psycopg and a server with one table."""

    def __init__(self, rows: list[dict[str, Any]], table: str = "LiteLLM_SpendLogs") -> None:
        self.rows, self.table, self.queries, self.sent = rows, table, list[str](), 0
        self.names = [*dict.fromkeys(key for row in rows for key in row), "messages", "response"]
        self.read_only = False
        self.url = ""
        self.open = 0
        made: Any = types.ModuleType("psycopg")
        made.Error = type("Error", (Exception,), {})
        made.OperationalError = type("OperationalError", (made.Error,), {})
        made.errors = types.SimpleNamespace(UndefinedTable=type("UndefinedTable", (made.Error,), {}))
        made.sql = types.ModuleType("psycopg.sql")
        made.sql.Identifier = lambda *names: Text(".".join('"' + name.replace('"', '""') + '"' for name in names))
        made.sql.SQL = Text
        made.connect = self.connect
        self.psycopg = made

    def connect(self, url: str, **_: object) -> "Server":
        self.url = url
        return self

    def __enter__(self) -> "Server":
        self.open += 1
        return self

    def __exit__(self, *fault: object) -> None:
        self.open -= 1

    def cursor(self, name: str | None = None) -> Cursor:
        return Cursor(self, name)

    def rollback(self) -> None:
        return None


class Text(str):
    """Composed SQL."""

    def format(self, *parts: object, **_: object) -> "Text":
        return Text(super().format(*parts))

    def join(self, parts: Any) -> "Text":
        return Text(super().join(parts))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server([json.loads(line) for line in SPEND.read_text().splitlines()])
    monkeypatch.setitem(sys.modules, "psycopg", made.psycopg)
    monkeypatch.setitem(sys.modules, "psycopg.sql", made.psycopg.sql)
    return made


def test_the_table_gives_what_its_file_gives(catalogue: Catalogue, server: Server) -> None:
    live = read(catalogue, URL)
    filed = read_usage(SPEND, table=catalogue.prices, as_of=AS_OF)
    assert (live.rows, live.cost_usd, live.reported_cost_usd) == (filed.rows, filed.cost_usd, filed.reported_cost_usd)
    assert [cell[:17] for cell in live.cube.cells] == [cell[:17] for cell in filed.cube.cells]
    source = live.sources[0]
    assert (source.name, source.reader, source.rows) == ("LiteLLM_SpendLogs", "litellm", len(server.rows))
    assert server.read_only
    assert server.open == 0, "every connection is closed"


def test_prompts_and_answers_are_not_fetched(catalogue: Catalogue, server: Server) -> None:
    read(catalogue, URL)
    (query, *_) = [query for query in server.queries if "row_to_json" in query]
    assert '"messages"' not in query
    assert "to_jsonb(\"response\") -> 'usage'" in query


def test_another_table_is_named_in_the_address_and_libpq_is_not_told(catalogue: Catalogue, server: Server) -> None:
    server.table, server.names = 'my"logs', ["startTime", "completion_tokens", "model"]
    with pytest.raises(LogError, match="is no LiteLLM spend table: it has no column spend, prompt_tokens"):
        read(catalogue, URL + "&table=my%22logs")
    assert server.url == f"postgresql://litellm:{SECRET}@db.example:5432/proxy?sslmode=disable"


def test_rows_are_streamed_and_not_all_fetched_before_the_first_is_read(server: Server) -> None:
    server.rows = server.rows * 10_000
    with SpendTable(URL).open() as rows:
        rows.read(1000)
    assert 0 < server.sent < len(server.rows) / 2
    assert server.open == 0


def test_a_missing_table_names_the_nearest(catalogue: Catalogue, server: Server) -> None:
    server.table = "LiteLLM_SpendLog"
    with pytest.raises(LogError, match=r"no such table\. Did you mean LiteLLM_SpendLog\b.*\?table=NAME"):
        read(catalogue, URL)


@pytest.mark.parametrize("kind", ["OperationalError", "Error"])
def test_errors_hold_neither_the_password_nor_a_row(
    catalogue: Catalogue, server: Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise getattr(server.psycopg, kind)("FATAL: no entry for p@ss" if kind == "OperationalError" else "canary")

    monkeypatch.setattr(server.psycopg, "connect", fail)
    with pytest.raises(LogError) as fault:
        read(catalogue, URL)
    for error in (fault.value, fault.value.__context__, fault.value.__cause__):
        assert not any(word in repr(error) for word in ("p@ss", SECRET, "canary"))
    assert str(fault.value).startswith("postgresql://db.example:5432/proxy LiteLLM_SpendLogs: cannot be re")


def test_without_psycopg_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert main(["logs", URL]) == 2
    out, err = capsys.readouterr()
    assert "pip install 'breakeven[postgres]'" in err
    assert SECRET not in out + err


def test_a_real_server(catalogue: Catalogue, database: str) -> None:
    import psycopg

    rows = [json.loads(line) for line in SPEND.read_text().splitlines()]
    names = list(dict.fromkeys(key for row in rows for key in row))
    kinds = {"spend": "double precision", "startTime": "timestamp(3)", "metadata": "jsonb", "request_tags": "jsonb"}
    kinds |= {"prompt_tokens": "integer", "completion_tokens": "integer", "total_tokens": "integer"}
    with psycopg.connect(database) as connection:
        columns = ", ".join(f'"{name}" {kinds.get(name, "text")}' for name in names if name != "response")
        connection.execute(f'CREATE TABLE "LiteLLM_SpendLogs" ({columns}, response jsonb)')
        for row in rows:
            connection.execute(
                'INSERT INTO "LiteLLM_SpendLogs" SELECT * FROM'
                ' jsonb_populate_record(NULL::"LiteLLM_SpendLogs", %s::jsonb)',
                [json.dumps(row)],
            )
    live, filed = read(catalogue, database), read_usage(SPEND, table=catalogue.prices, as_of=AS_OF)
    assert (live.rows, live.cost_usd, live.reported_cost_usd) == (filed.rows, filed.cost_usd, filed.reported_cost_usd)
    with pytest.raises(LogError, match="no such table"):
        read(catalogue, database + "&table=nothing")
