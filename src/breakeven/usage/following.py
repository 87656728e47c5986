"""How far a query of the engine is, told while it runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from breakeven.usage.inputs import LogFile

EVERY_S = 0.1

Tell = Callable[[float], None]
"""Told the share of a query that is done, never less than before. [1]"""


@contextmanager
def followed(engine: duckdb.DuckDBPyConnection, tell: Tell | None) -> Iterator[None]:
    """Tell how far the query is that runs inside the block, and 1 at its end; not at all where it is told nobody."""
    if tell is None:
        yield
        return
    engine.execute("SET enable_progress_bar = true")
    engine.execute("SET enable_progress_bar_print = false")
    ended = threading.Event()

    def ask() -> None:
        told = 0.0
        while not ended.wait(EVERY_S):
            share = min(1.0, engine.query_progress() / 100)  # below 0 where it is not known
            if share > told:
                told = share
                tell(share)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join()
    tell(1.0)


def reading(file: LogFile, rows: int = 0) -> Tell | None:
    """Tell the watch of a file, as far as a query over it is, of its bytes and rows; nobody where nobody watches."""
    watch = file.watch
    if watch is None:
        return None
    counted = 0

    def tell(share: float) -> None:
        nonlocal counted
        place, done = int((file.size or 0) * share), int(rows * share)
        if place > file.told:
            watch.read(file.name, place - file.told)
            file.told = place
        watch.rows(done - counted)
        counted = done

    return tell
