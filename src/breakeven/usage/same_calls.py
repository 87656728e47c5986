"""
One call logged several times: twice in one file, piece by piece as it streamed, by two tracers, in several files.

Providers give every response an id of its own, which many formats keep. Rows with one id are one call, and one of them
counts: of the first of the files in the order given, the row with the most output, then the most input. The others are
rejected, with a reason that says so.

Ids are compared as 64-bit hashes. Most logs repeat none, so whether any is repeated is found first, by sorting; only
then are the rows themselves looked at.
"""

from collections.abc import Mapping, MutableSequence, Sequence
from typing import Any

import duckdb
import numpy as np

from breakeven.usage.calls import GATEWAY_CACHE, INPUT_BUCKETS
from breakeven.usage.checks import NO_COUNTS
from breakeven.usage.nesting import ELSEWHERE, REPEATED
from breakeven.usage.sources import Source

MOST_ROWS = 1_000_000
"""
Rows with ids, of files that the engine reads itself, beyond which one id in ``SHARE`` is looked at first, and the
others only if one of these repeats: to sort all of them would be felt.
"""

SHARE = 16

PART_ROWS = 10_000_000
"""How many ids are sorted at a time, each of eight bytes."""

MOST_INPUTS = 4
"""An id that stands beside more different input sizes in one file is no response's own."""

SAME, AGAIN = "same_calls", "calls_again"

BILLED = f"NOT faulty AND service_tier IS DISTINCT FROM '{GATEWAY_CACHE}'"
"""An answer that a gateway gave again has the id of the first one, and is a call that was not billed."""


def count_logged_twice_once(
    engine: duckdb.DuckDBPyConnection,
    with_ids: Mapping[int, tuple[int, str] | None],
    queries: MutableSequence[str],
    sources: Sequence[Source],
) -> list[str]:
    """
    Reject rows whose response is that of another row.

    Parameters
    ----------
    with_ids : mapping
        As ``scan.Scan.with_ids``.
    queries : list of str
        As ``scan.Scan.queries``; those of files in which there are such rows are replaced.

    Returns a note where ids are repeated that cannot be those of responses.
    """
    with_ids = {number: where for number, where in with_ids.items() if number < len(sources)}
    lazy = dict(where for where in with_ids.values() if where)
    parts = {place: f"({query})" for place, query in lazy.items()}
    if len(lazy) < len(with_ids):
        parts[-1] = "calls"
    ids = " UNION ALL ".join(f"SELECT response FROM {part}" for part in parts.values())
    if not parts:
        return []
    again = repeated(engine, ids, sum(sources[number].rows for number in with_ids), exactly=not lazy)
    if not len(again):
        return []
    _rows_of(engine, parts, again)
    notes = _leave_doubtful(engine)
    engine.execute(
        f"CREATE TEMP TABLE {AGAIN} AS SELECT part, place,"
        f" CASE WHEN file = counted THEN '{REPEATED}' ELSE '{ELSEWHERE}' END AS why"
        f" FROM (SELECT *, first_value(file) OVER best AS counted, row_number() OVER best AS number FROM {SAME}"
        " WINDOW best AS (PARTITION BY response ORDER BY file, output DESC, input DESC, task IS NULL, place))"
        " WHERE number > 1"
    )
    engine.execute(f"DROP TABLE {SAME}")
    if -1 in parts:
        engine.execute(
            f"UPDATE calls SET faulty = true, reason = why FROM {AGAIN} WHERE part = -1 AND calls.rowid = place"
        )
        _name_pieces(engine)
    for place, query in lazy.items():
        found = f"{SAME}_{place}"  # found once: the view may be asked many times
        engine.execute(f"CREATE TEMP TABLE {found} AS SELECT place AS line, why FROM {AGAIN} WHERE part = {place}")
        if _count(engine, found):
            queries[place] = (
                "SELECT * EXCLUDE (response, why) REPLACE (faulty OR why IS NOT NULL AS faulty,"
                f" coalesce(why, reason) AS reason) FROM (FROM ({query}) LEFT JOIN {found} USING (line))"
            )
        else:
            engine.execute(f"DROP TABLE {found}")
    engine.execute(f"DROP TABLE {AGAIN}")
    return notes


def repeated(
    engine: duckdb.DuckDBPyConnection, ids: str, rows: int, *, exactly: bool
) -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """
    Hashes that occur more than once, ascending.

    Parameters
    ----------
    ids : str
        Query of the column ``response``; nulls do not count.
    rows : int
        How many rows it has, about.
    exactly : bool
        If not, beyond ``MOST_ROWS`` a few repeated ids may go unseen: all k of them by a chance of
        (1 - 1 / ``SHARE``)^k.
    """
    if not exactly and rows > MOST_ROWS and not len(_sorted_out(engine, ids, SHARE, [0])):
        return np.array([], np.uint64)
    if rows <= PART_ROWS:
        return _sorted_out(engine, ids, 1)
    engine.execute(f"CREATE TEMP TABLE {SAME} AS {ids}")
    found = _sorted_out(engine, f"SELECT response FROM {SAME}", -(-rows // PART_ROWS))
    engine.execute(f"DROP TABLE {SAME}")
    return found


def _sorted_out(
    engine: duckdb.DuckDBPyConnection, ids: str, parts: int, only: Sequence[int] | None = None
) -> "np.ndarray[Any, np.dtype[np.uint64]]":
    """The hashes that occur more than once, of all or of some parts of them; a part is a remainder."""
    found = []
    for part in only or range(parts):
        of_part = f" AND response % {parts} = {part}" if parts > 1 else ""
        column = engine.execute(f"SELECT response FROM ({ids}) WHERE response IS NOT NULL{of_part}").fetchnumpy()
        hashes = np.sort(np.asarray(column["response"], np.uint64))
        found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
    return np.concatenate(found)


def _rows_of(
    engine: duckdb.DuckDBPyConnection, parts: Mapping[int, str], again: "np.ndarray[Any, np.dtype[np.uint64]]"
) -> None:
    """Make the table ``SAME`` of the billed rows that have these ids."""
    engine.register("again", {"response": again})
    rows = " UNION ALL ".join(
        f"SELECT response, {part} AS part, {'line' if part >= 0 else 'rowid'} AS place, file, task,"
        f" output_tokens AS output, {' + '.join(INPUT_BUCKETS)} AS input FROM {rows} SEMI JOIN again USING (response)"
        f" WHERE {BILLED}"
        for part, rows in parts.items()
    )
    engine.execute(f"CREATE TEMP TABLE {SAME} AS {rows}")
    engine.unregister("again")


def _leave_doubtful(engine: duckdb.DuckDBPyConnection) -> list[str]:
    """Take rows with ids that cannot be those of responses out of the table ``SAME``; a note where there are any."""
    before = _count(engine, SAME)
    engine.execute(
        f"DELETE FROM {SAME} WHERE response IN (SELECT response FROM {SAME} GROUP BY response, file"
        f" HAVING count(DISTINCT input) > {MOST_INPUTS})"
    )
    left = before - _count(engine, SAME)
    if not left:
        return []
    return [
        f"{left:,} rows have ids of responses that more than {MOST_INPUTS} different inputs share; such an id tells"
        " no call from another, and each of these rows counts"
    ]


def _name_pieces(engine: duckdb.DuckDBPyConnection) -> None:
    """Of pieces of a stream without counts say so where another piece of it, in the same file, is counted."""
    engine.execute(
        f"""UPDATE calls SET reason = '{REPEATED}' FROM (
    SELECT DISTINCT file, response FROM calls SEMI JOIN (
        SELECT file, response FROM calls WHERE reason = '{NO_COUNTS}' AND response IS NOT NULL
    ) USING (file, response) WHERE {BILLED}) AS counted
WHERE calls.reason = '{NO_COUNTS}' AND calls.file = counted.file AND calls.response = counted.response"""
    )


def _count(engine: duckdb.DuckDBPyConnection, table: str) -> int:
    rows: int = engine.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    return rows
