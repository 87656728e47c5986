"""Engines that a frame may live in, for tests: each makes a frame of an Arrow table."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from breakeven.usage.frames import NAMES
from breakeven.usage.readers.table import known

ZONE = "America/New_York"
"""Zone of the session of every engine that has one: no result may depend on it."""

KINDS = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "instant": pa.timestamp("us", "UTC"),
    "naive": pa.timestamp("us"),
    "day": pa.date32(),
}

Rows = list[dict[str, Any]]


def arrow(rows: Rows, types_: dict[str, str]) -> pa.Table:
    """Rows as an Arrow table."""
    schema = pa.schema([(name, KINDS[kind]) for name, kind in types_.items()])
    return pa.Table.from_pylist([{name: row.get(name) for name in types_} for row in rows], schema=schema)


def instant(text: str) -> dt.datetime:
    """A time in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


Make = Callable[[pa.Table, Path], tuple[Any, dict[str, Any]]]
"""A frame of a table, with the arguments of ``canonical_frame`` and ``frame_cube`` it needs."""


def in_polars(table: pa.Table, _: Path) -> tuple[Any, dict[str, Any]]:
    polars = pytest.importorskip("polars")
    return polars.from_arrow(table), {}


def in_polars_lazy(table: pa.Table, _: Path) -> tuple[Any, dict[str, Any]]:
    polars = pytest.importorskip("polars")
    return polars.from_arrow(table).lazy(), {}


def in_pandas(table: pa.Table, _: Path) -> tuple[Any, dict[str, Any]]:
    pytest.importorskip("pandas")
    return table.to_pandas(), {}


def in_pandas_arrow(table: pa.Table, _: Path) -> tuple[Any, dict[str, Any]]:
    pandas = pytest.importorskip("pandas")
    return table.to_pandas(types_mapper=pandas.ArrowDtype), {}


def in_arrow(table: pa.Table, _: Path) -> tuple[Any, dict[str, Any]]:
    return table, {}


def in_duckdb(table: pa.Table, _: Path) -> tuple[Any, dict[str, Any]]:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{ZONE}'")
    return connection.from_arrow(table), {}


def in_ibis(table: pa.Table, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Ibis on DuckDB. Its reader of Arrow wants a package that does nothing on any Arrow of the last years."""
    ibis = pytest.importorskip("ibis")
    sys.modules.setdefault("pyarrow_hotfix", types.ModuleType("pyarrow_hotfix"))
    warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)  # Ibis 12 beside DuckDB 2
    file = folder / "ibis.parquet"
    pq.write_table(table, file)
    connection = ibis.duckdb.connect()
    connection.raw_sql(f"SET TimeZone = '{ZONE}'")
    connection.raw_sql(f"CREATE TABLE calls AS FROM '{file}'")
    return connection.table("calls"), {}


def in_spark(table: pa.Table, folder: Path) -> tuple[Any, dict[str, Any]]:
    file = folder / "spark.parquet"
    pq.write_table(table, file)
    return spark().read.parquet(str(file)), {}


DECLARED = {
    "int": "int64",
    "uint": "int64",
    "double": "float64",
    "string": "string",
    "bool": "boolean",
    "timestamp[us, tz=UTC]": "timestamptz",
    "timestamp[us]": "timestamp",
    "date": "date",
    "decimal": "decimal",
    "dictionary": "string",
}
"""Type of Arrow, or the word it begins with -> what a user tells of it who has SQL printed."""


def declared(table: pa.Table) -> dict[str, str]:
    """The columns of a table with their types, as ``--column`` takes them."""

    def kind(type_: pa.DataType) -> str:
        return DECLARED.get(str(type_)) or DECLARED[re.match("[a-z]+", str(type_))[0]]  # type: ignore[index]

    names = {key: own for key, own in known(table.column_names).items() if key in NAMES}
    return {key: f"{own}:{kind(table.schema.field(own).type)}" for key, own in names.items()}


def in_clickhouse(table: pa.Table, folder: Path) -> tuple[Any, dict[str, Any]]:
    """SQL text in ClickHouse's dialect, run by chdb."""
    session = pytest.importorskip("chdb.session")
    warehouse = pytest.importorskip("breakeven.usage.warehouse")
    file = folder / "clickhouse.parquet"
    pq.write_table(table, file)
    if not SESSIONS.get("chdb"):
        SESSIONS["chdb"] = session.Session()
    chdb = SESSIONS["chdb"]
    chdb.query(f"SET session_timezone = '{ZONE}'")
    chdb.query("DROP TABLE IF EXISTS calls")
    chdb.query(f"CREATE TABLE calls ENGINE = Memory AS SELECT * FROM file('{file}', Parquet)")

    def fetch(query: Any) -> list[tuple[Any, ...]]:
        made = chdb.query(warehouse.sql_of(query, "clickhouse"), "ArrowTable")
        return [tuple(row.values()) for row in made.to_pylist()]

    frame, _ = warehouse.unbound_table("calls", declared(table))
    return frame, {"dialect": "clickhouse", "fetch": fetch}


def in_databricks(table: pa.Table, folder: Path) -> tuple[Any, dict[str, Any]]:
    """SQL text in Databricks' dialect, run by Spark, which knows nearly all of it."""
    pytest.importorskip("ibis")
    from breakeven.usage import warehouse

    in_spark(table, folder)[0].createOrReplaceTempView("calls")

    def fetch(query: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in spark().sql(warehouse.sql_of(query, "databricks")).collect()]

    frame, _ = warehouse.unbound_table("calls", declared(table))
    return frame, {"dialect": "databricks", "fetch": fetch}


SESSIONS: dict[str, Any] = {}


def spark() -> Any:
    """One Spark session for all tests, in a JVM of its own."""
    if "spark" not in SESSIONS:
        pytest.importorskip("pyspark")
        find_java()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("breakeven tests").master("local[2]")
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.codegen.wholeStage": "false",  # for a few rows, compiling takes longer than running
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.session.timeZone": ZONE,
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
        }
        for name, value in settings.items():
            builder = builder.config(name, value)
        SESSIONS["spark"] = builder.getOrCreate()
    return SESSIONS["spark"]


def find_java() -> None:
    """A JVM; installed by apt where it is missing and that is allowed."""
    if shutil.which("java") or os.environ.get("JAVA_HOME"):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing a Java runtime for the Spark tests", file=sys.stderr)
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "default-jre-headless"]):
            subprocess.run(
                command, check=False, capture_output=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            )
    if not shutil.which("java"):
        pytest.fail("The Spark tests need Java 17 or newer: install a JRE, or name it in JAVA_HOME", pytrace=False)


@contextmanager
def sessions() -> Iterator[None]:
    """Ends what tests have started."""
    yield
    if "spark" in SESSIONS:
        SESSIONS.pop("spark").stop()
    if "chdb" in SESSIONS:
        SESSIONS.pop("chdb").close()


ENGINES: dict[str, Make] = {
    "duckdb": in_duckdb,
    "polars": in_polars,
    "polars-lazy": in_polars_lazy,
    "pandas": in_pandas,
    "pandas-arrow": in_pandas_arrow,
    "pyarrow": in_arrow,
    "ibis": in_ibis,
    "clickhouse": in_clickhouse,
    "spark": in_spark,
}
