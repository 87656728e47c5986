"""
One call logged in several files: by an application and by a gateway, or by exports that overlap.

Providers give every response an id of its own, which many formats keep. Where rows of several files have one id, those
of the first of these files in the order given count, and those of the others are rejected, with a reason that says so.
What a file says alone is unchanged by that: rows of one file with one id are left as they are.
"""

from collections.abc import Mapping, MutableSequence, Sequence

import duckdb

from breakeven.usage.calls import GATEWAY_CACHE
from breakeven.usage.nesting import ELSEWHERE
from breakeven.usage.sources import Source

MOST_ROWS = 20_000_000
"""Rows with ids beyond which they are not compared: each takes some tens of bytes in the engine."""

SAME = "same_calls"

BILLED = f"NOT faulty AND service_tier IS DISTINCT FROM '{GATEWAY_CACHE}'"
"""An answer that a gateway gave again has the id of the first one, and is a call that was not billed."""


def count_logged_twice_once(
    engine: duckdb.DuckDBPyConnection,
    with_ids: Mapping[int, tuple[int, str] | None],
    queries: MutableSequence[str],
    sources: Sequence[Source],
) -> list[str]:
    """
    Reject rows whose response is that of a row in an earlier file.

    Parameters
    ----------
    with_ids : mapping
        As ``scan.Scan.with_ids``.
    queries : list of str
        As ``scan.Scan.queries``; those of files in which there are such rows are replaced.

    Returns a note where there are too many rows to compare them.
    """
    with_ids = {number: where for number, where in with_ids.items() if number < len(sources)}
    if len(with_ids) < 2:
        return []
    rows = sum(sources[number].rows for number in with_ids)
    if rows > MOST_ROWS:
        return [
            f"The ids of responses were not compared across files: {rows:,} rows have some, at most {MOST_ROWS:,} are"
            " compared; a call that is logged in several files is counted in each"
        ]
    own = [f"({where[1]})" for where in with_ids.values() if where]
    if len(own) < len(with_ids):
        own.append("calls")
    ids = f"WHERE response IS NOT NULL AND {BILLED}"
    parts = " UNION ALL ".join(f"SELECT response, file FROM {part} {ids}" for part in own)
    engine.execute(
        f"CREATE TEMP TABLE {SAME} AS SELECT response, min(file) AS first FROM ({parts}) GROUP BY response"
        " HAVING min(file) <> max(file)"
    )
    lazy = [where for where in with_ids.values() if where]
    if not engine.execute(f"SELECT count(*) FROM {SAME}").fetchall()[0][0]:
        lazy = []
    elif "calls" in own:
        engine.execute(
            f"UPDATE calls SET faulty = true, reason = '{ELSEWHERE}' FROM {SAME}"
            f" WHERE calls.response = {SAME}.response AND file <> first AND {BILLED}"
        )
    for place, query in lazy:
        again = f"first IS NOT NULL AND file <> first AND {BILLED}"
        queries[place] = (
            f"SELECT * EXCLUDE (response, first) REPLACE ({again} OR faulty AS faulty,"
            f" CASE WHEN {again} THEN '{ELSEWHERE}' ELSE reason END AS reason)"
            f" FROM (FROM ({query}) LEFT JOIN {SAME} USING (response))"
        )
    if not lazy:
        engine.execute(f"DROP TABLE {SAME}")
    return []
