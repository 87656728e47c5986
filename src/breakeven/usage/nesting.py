"""
Rows of tracers lie inside one another: an agent around a chain around a call. Here each call is counted once.

A tracer writes token counts on a call, often again on what is around it, and may write a row more than once. Ids say
which row lies in which:

- of rows with one id the latest counts, whatever file it is in;
- a row around a counted call only repeats it, however far out, so of nested calls the innermost count;
- but a tool that a call asked for is no part of that call, and the calls inside the tool are calls of their own;
- calls inside a judge's row are the judge's, and their task says so.

Nothing that was rejected before becomes a call here. Rows without an id are left alone.
"""

import duckdb

from breakeven.usage.calls import BUCKETS, JUDGE

NOT_A_CALL = "not a model call"
TOTAL = "token counts of an agent or a chain, without the calls they are the sum of"
AROUND = "its tokens are counted in the calls inside it"
REPLACED = "another row of the same id replaces it"

ELSEWHERE = "the same call, by the id of its response, is counted in another file"
REPEATED = "the same call, by the id of its response, is counted in another row"
PIECE = "a piece of a stream, whose counts are in another row"

BENIGN = (NOT_A_CALL, AROUND, REPLACED, ELSEWHERE, REPEATED, PIECE)
"""Reasons that lose nothing."""

COUNTED = f"NOT faulty AND {' + '.join(BUCKETS)} > 0"


def count_each_call_once(engine: duckdb.DuckDBPyConnection, *, name_judges: bool) -> None:
    """
    Reject the rows of table ``calls`` that repeat others.

    Parameters
    ----------
    engine : connection
        With the table, whose columns include ``SPAN_COLUMNS``.
    name_judges : bool
        Whether to put "judge: " and the name of the judge in place of the task of the calls inside one.
    """
    engine.execute(
        f"""
UPDATE calls SET faulty = true, reason = '{REPLACED}' WHERE rowid IN (
    SELECT rowid FROM calls SEMI JOIN (SELECT span FROM calls GROUP BY 1 HAVING count(*) > 1) USING (span)
    QUALIFY row_number() OVER (
        PARTITION BY span ORDER BY version DESC NULLS LAST, faulty, output_tokens DESC, rowid DESC) > 1
) AND reason IS DISTINCT FROM '{NOT_A_CALL}'"""
    )
    engine.execute(
        f"""
WITH RECURSIVE around(span) AS (
    SELECT parent FROM calls WHERE parent <> span AND {COUNTED}
    UNION
    SELECT parent FROM calls JOIN around USING (span) WHERE parent IS NOT NULL AND span_kind IS DISTINCT FROM 'tool'
)
UPDATE calls SET faulty = true, reason = '{AROUND}'
WHERE span IN (SELECT span FROM around) AND coalesce(reason, '') NOT IN ('{NOT_A_CALL}', '{REPLACED}')"""
    )
    if name_judges:
        engine.execute(
            f"""
WITH RECURSIVE inside(span, judge) AS (
    SELECT span, task FROM calls WHERE span_kind = 'judge' AND span IS NOT NULL
    UNION
    SELECT calls.span, judge FROM calls JOIN inside ON parent = inside.span WHERE calls.span IS NOT NULL
)
UPDATE calls SET task = concat('{JUDGE}', judged.judge)
FROM (SELECT span, coalesce(min(judge), '') AS judge FROM inside GROUP BY 1) AS judged
WHERE calls.span = judged.span AND NOT faulty"""
        )
