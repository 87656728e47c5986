"""Prompts of a Spark frame: hashed on its workers by our SQL, so that none of their text comes here."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import duckdb

from breakeven.errors import LogError
from breakeven.usage.checks import MACROS
from breakeven.usage.frame_cube import fault_of
from breakeven.usage.spark import no_word_of_pandas


def hashed_tables(frame: Any, query: str) -> Iterator[Any]:
    """
    Arrow tables of a Spark frame's rows, some thousand at a time, with their prompts hashed.

    Parameters
    ----------
    frame : PySpark DataFrame
        With canonical columns and ``prompt``.
    query : str
        What a worker asks of each batch, which it calls ``chunk``, in DuckDB.

    Raises
    ------
    LogError
        PyArrow is missing here; a worker lacks it, or DuckDB of our version, or fails.
    """
    try:
        arrow = import_module("pyarrow")
    except ModuleNotFoundError:
        raise LogError("Prompts of a Spark frame need PyArrow here and on the workers: pip install pyarrow") from None
    try:
        with no_word_of_pandas():
            packed = frame.mapInArrow(_hasher(query, MACROS, duckdb.__version__), "rows binary").toLocalIterator()
        for (rows,) in packed:
            yield arrow.ipc.open_stream(bytes(rows)).read_all()
        return
    except Exception as error:
        fault = fault_of(error)
    raise LogError(
        f"Spark could not hash the prompts ({fault}); its workers need the packages pyarrow and"
        f" duckdb=={duckdb.__version__}, and memory for some thousand prompts each"
    )


def _hasher(query: str, macros: tuple[str, ...], version: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What a worker does with the batches of a partition: a function that names nothing of this package."""

    def hashed(batches: Iterator[Any]) -> Iterator[Any]:
        from importlib import import_module

        import duckdb

        pa = import_module("pyarrow")

        if duckdb.__version__ != version:
            raise RuntimeError(f"duckdb {duckdb.__version__} hashes otherwise than {version}")
        with duckdb.connect(config={"threads": 1}) as engine:
            for macro in macros:
                engine.execute(f"CREATE TEMP MACRO {macro}")
            for batch in batches:
                engine.register("chunk", pa.Table.from_batches([batch]))
                made = engine.sql(query).to_arrow_table()
                engine.unregister("chunk")
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, made.schema) as writer:
                    writer.write_table(made)
                yield pa.RecordBatch.from_pydict({"rows": pa.array([sink.getvalue().to_pybytes()], pa.binary())})

    return hashed
