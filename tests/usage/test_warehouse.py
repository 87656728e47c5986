"""SQL text for warehouses: every dialect is written and parses. What its result gives is in test_sums.py."""

import datetime as dt
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from engines import arrow, in_ibis
from test_engines import LOG, TYPED

from breakeven.catalogue.load import Catalogue
from breakeven.surfaces.cli import main
from breakeven.usage.frames import canonical_frame
from breakeven.usage.instants import DIALECTS
from breakeven.usage.warehouse import TYPES, warehouse_statement

AS_OF = dt.date(2026, 11, 23)
FIRST = dt.date(2024, 1, 1)

COLUMNS = {
    "task": "task",
    "model": "model",
    "provider": "provider",
    "timestamp": "timestamp",
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cached_tokens",
    "cache_write_short_tokens": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_tokens:float64",
    "batch": "batch",
    "service_tier": "service_tier",
    "status": "status:int64",
    "cost_usd": "cost",
}

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", ["timestamptz", "string", "int64"])
def test_every_dialect_is_written(dialect: str, kind: str, catalogue: Catalogue) -> None:
    sqlglot = pytest.importorskip("sqlglot")
    columns = COLUMNS | {"timestamp": f"timestamp:{kind}", "input_tokens": "input_tokens:string"}
    sql = warehouse_statement("db.calls", columns, dialect, catalogue.prices, first=FIRST, last=AS_OF, zone="UTC")
    (parsed,) = sqlglot.parse(sql, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    assert len(list(parsed.find_all(sqlglot.exp.Group))) == 6  # cells, two sizes, hours, rejected rows, costs of 0
    exp = sqlglot.exp
    assert parsed.find(exp.Join, exp.Window, exp.Quantile, exp.ApproxQuantile, exp.PercentileCont) is None
    assert parsed.find(exp.DateTrunc, exp.TimestampTrunc) is None
    if dialect != "postgres":  # where logarithms are those of decimals, far more exact than a bucket is wide
        assert not any(kind.is_type(exp.DataType.Type.DECIMAL) for kind in parsed.find_all(exp.DataType))


def test_sql_from_the_command_line(capsys: Captured, tmp_path: Path) -> None:
    columns = [f"--column={name}={column}" for name, column in COLUMNS.items()]
    command = [
        "logs",
        "--engine",
        "sql",
        "--dialect",
        "snowflake",
        "--table",
        "DB.CALLS",
        *columns,
        "--as-of",
        "2026-11-23",
    ]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert printed.count(";\n") == 1
    file = tmp_path / "cells.sql"
    assert main([*command, "--output", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == printed


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--engine sql", "--engine sql needs --table NAME"),
        ("--engine sql --table x", "--engine sql needs --dialect NAME to print SQL, or --connection URL to run it"),
        ("--engine sql --table x --dialect bigqery", "No SQL dialect 'bigqery'. Did you mean bigquery?"),
        ("--engine sql --table x --dialect bigquery", "the table's columns are not known: name them"),
        ("--engine sql --table a.b.c.d --dialect trino --column input_tokens=a", "it must be TABLE, SCHEMA.TABLE or"),
        ("--engine sql --table x --dialect trino --column input_tokens=a:strng", "has no type 'strng'. Did you mean"),
        ("x.csv --engine sql --table x --dialect trino", "give --table NAME and no files"),
        ("x.csv --master local", "--master goes with --engine spark"),
        ("x.csv --engine spark --rejects r.csv", "--rejects is for files that are read here, not for --engine spark"),
        ("--engine sql --table x --dialect trino --focus f.csv", "--focus needs the sums, and --dialect only prints"),
        ("--engine sql --table x --connection nosuch://me:secret@host/db", "--connection nosuch: cannot be opened"),
        ("--engine sql --table x --connection sqlite://", "--connection sqlite: sums are not known to be exact there"),
        ("--engine sql --table x --dialect trino --column prompt=a", "a printed statement adds counts up and looks at"),
        ("--engine spark --table x --dialect trino", "--dialect goes with --engine sql"),
    ],
)
def test_faults_are_one_line(flags: str, message: str, capsys: Captured) -> None:
    assert main(["logs", *flags.split()]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert "secret" not in err


def test_a_warehouse_that_can_be_reached(capsys: Captured, tmp_path: Path) -> None:
    """Ibis on a DuckDB file stands for any connection."""
    in_ibis(arrow(LOG, TYPED), tmp_path)  # for what it makes of warnings
    with duckdb.connect(tmp_path / "w.duckdb") as engine:
        engine.execute(f"CREATE TABLE calls AS FROM '{tmp_path / 'ibis.parquet'}'")
    url = f"duckdb://{tmp_path / 'w.duckdb'}"
    assert main(["logs", "--engine", "sql", "--connection", url, "--table", "calls", "--as-of", "2026-11-23"]) == 0
    assert "27 rows read = 14 priced + 2 unpriced + 11 rejected" in capsys.readouterr().out
    assert main(["logs", "--engine", "sql", "--connection", url, "--table", "none"]) == 2
    assert "--table none: cannot be read on this connection" in capsys.readouterr().err


def test_types_a_user_may_name_are_types(catalogue: Catalogue) -> None:
    ibis = pytest.importorskip("ibis")
    for kind in TYPES.values():
        ibis.dtype(kind)
    table = ibis.table({"i": "int64", "o": "int64", "at": "timestamp"}, name="x")
    assert canonical_frame(table, {"input_tokens": "i", "output_tokens": "o"}, dialect="trino").engine == "ibis"


FAR = ("infinity", "-infinity", "4713-01-01 BC", "1970-01-01")
"""Times that PostgreSQL holds and no log has."""


@pytest.fixture(scope="module")
def postgres(database: str) -> str:
    """A server whose zone is New York, with the log in the table ``calls``, and with what only it can hold."""
    import psycopg

    kinds = {"text": "text", "instant": "timestamptz", "int32": "integer", "int64": "bigint", "bool": "boolean"}
    kinds["float"] = "double precision"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER DATABASE postgres SET timezone TO 'America/New_York'")
        columns = ", ".join(f'"{name}" {kinds[kind]}' for name, kind in TYPED.items())
        connection.execute(f"CREATE TABLE calls ({columns})")
        with connection.cursor().copy("COPY calls FROM STDIN") as copy:
            for row in LOG:
                copy.write_row([row.get(name) for name in TYPED])
        for kind in ("timestamptz", "timestamp", "date"):
            connection.execute(
                f"CREATE TABLE far_{kind} AS SELECT 1 AS input_tokens, 1 AS output_tokens, at::{kind} AS timestamp"
                f" FROM unnest(%s::text[]) AS t(at)",
                [list(FAR)],
            )
        connection.execute(
            "CREATE TABLE large AS SELECT * FROM (VALUES ('1e999', 'NaN'::numeric, 1), (repeat('9', 400), 1, 1),"
            " ('1', '1e30'::numeric, 1), ('1', 1, 'Infinity'::float), ('7', 2, 2))"
            " AS t(input_tokens, output_tokens, reasoning_tokens)"
        )
    return database


def asked(postgres: str, table: str, *flags: str) -> list[str]:
    return ["logs", "--engine", "sql", "--connection", postgres, "--table", table, "--as-of", "2026-11-23", *flags]


def test_a_real_server_gives_what_the_file_gives(
    postgres: str, capsys: Captured, tmp_path: Path, catalogue: Catalogue
) -> None:
    """By the connection, and by the result of the printed statement."""
    import psycopg

    pq.write_table(arrow(LOG, TYPED), tmp_path / "log.parquet")
    sql = warehouse_statement("calls", COLUMNS, "postgres", catalogue.prices, first=FIRST, last=AS_OF)
    result = tmp_path / "result.csv"
    copied = f"COPY ({sql}) TO STDOUT WITH (FORMAT csv, HEADER)"
    with psycopg.connect(postgres) as connection, connection.cursor().copy(copied) as rows, result.open("wb") as file:
        file.writelines(rows)
    answers = []
    here = ["logs", str(tmp_path / "log.parquet"), "--as-of", "2026-11-23"]
    for command in (here, asked(postgres, "calls"), ["logs", str(result), *here[2:]]):
        assert main([*command, "--format", "json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    filed, live, imported = answers
    assert {name for name in filed if filed[name] != live[name]} <= {"files", "rejects"}
    # of a cell some of whose calls state a cost, sums do not tell what the others cost
    assert {name for name in filed if filed[name] != imported[name]} <= {"files", "rejects", "price_check"}
    assert live["reject_counts"]


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
def test_times_no_log_has(postgres: str, capsys: Captured, kind: str) -> None:
    assert main(asked(postgres, f"far_{kind}", "--zone", "UTC")) == 0
    out = capsys.readouterr().out
    assert "4 rows read = 0 priced + 0 unpriced + 4 rejected" in out
    assert "rejected 4: unreadable time, or outside 2000 to 2099" in out


def test_numbers_no_integer_holds(postgres: str, capsys: Captured) -> None:
    assert main(asked(postgres, "large", "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == {"in": 5, "priced": 0, "unpriced": 1, "rejected": 4}


def test_prompts_of_a_warehouse_are_fetched_up_to_a_limit(
    postgres: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(asked(postgres, "calls", "--column", "prompt=model", "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == {"in": 27, "priced": 14, "unpriced": 2, "rejected": 11}
    assert found["rejects"] == []
    monkeypatch.setattr("breakeven.usage.frame_prompts.MOST_FETCHED", 26)
    assert main(asked(postgres, "calls", "--column", "prompt=model")) == 2
    assert "fetched from a warehouse for 26 rows at most, and there are more" in capsys.readouterr().err


def test_a_table_that_is_not_there(postgres: str, capsys: Captured) -> None:
    assert main(asked(postgres, "cals")) == 2
    err = capsys.readouterr().err
    assert err == "breakeven: --table cals: cannot be read on this connection (TableNotFound). Did you mean calls?\n"
