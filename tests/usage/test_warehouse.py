"""SQL text for warehouses: every dialect is written and parses. What its result gives is in test_sums.py."""

import datetime as dt
from pathlib import Path

import duckdb
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
    assert parsed.find(sqlglot.exp.Join) is None


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
