"""
One call in canonical columns: what every reader's rows become, whatever the format they came in.

========================  ========  ===========================================================================
column                    type      meaning
========================  ========  ===========================================================================
file                      INTEGER   position of its file among those read, from 0
line                      BIGINT    line in that file, from 1; for CSV where the record begins, for Parquet the row
task                      VARCHAR   what the call was made for
model                     VARCHAR   as logged; null where the log does not say
provider                  VARCHAR   who served it, as logged or as its format implies; null where unknown
at_us                     BIGINT    when, in UTC microseconds since 1970; null where unknown
input_tokens              BIGINT    input neither read from nor written to a cache [tokens]
cache_read_tokens         BIGINT    input read from the provider's cache [tokens]
cache_write_short_tokens  BIGINT    input written to the cache for minutes, or for an unstated time [tokens]
cache_write_long_tokens   BIGINT    input written to the cache for an hour or longer [tokens]
output_tokens             BIGINT    output, reasoning included [tokens]
reasoning_tokens          BIGINT    the part of the output that is reasoning [tokens]
calls                     BIGINT    how many calls the row stands for; its tokens are their total; 0 where a bill or a
                                    report does not say
batch                     BOOLEAN   sent through a batch interface
service_tier              VARCHAR   tier that served it, lower case; null for the standard one
ok                        BOOLEAN   it succeeded
reported_cost_nano        BIGINT    cost the log states, rounded [nano-USD]; null where it states none
reason                    VARCHAR   why the row cannot be counted; null for a good row
faulty                    BOOLEAN   whether there is such a reason
========================  ========  ===========================================================================

The five counts ``BUCKETS`` are disjoint: each billed token is in exactly one. ``reasoning_tokens`` lies inside
``output_tokens``. Prompts are columns only while a file is read; of them, ``PROMPT_COLUMNS`` alone are kept, whole
numbers: counts of characters, 64-bit hashes, and answers to yes or no as 1 or 0. All are null without a prompt.

====================  =========================================================================================
prompt_chars          length of the prompt [characters]
prefix_64 ...         hash of its first 64, 128, ... characters, null where it is shorter
prompt_hash           hash of all of it
first_hash            hash of the system prompt, or of the first message; the same in every version of the engine
first_chars           length of that [characters]
first_is_system       whether it is known to be a system prompt
tools_hash            hash of the tool definitions, null without any; the same in every version of the engine
tools_chars, tools    their length [characters] and number
json_output           whether the call asked for JSON
judge_like            whether the prompt asks to judge another answer, by ``prompt_columns.JUDGING``
next_chars            length of what follows the system prompt, or of the first message without one [characters]
next_end              hash of its last 256 characters
next_8, _16, _40      hash of its first 8, 16 and 40 characters, digits left out; null where it is shorter
next_inner            hash of 32 characters after its first colon or line break, likewise
next_tail             hash of the first 8 characters of its last line; null where it has but one line
====================  =========================================================================================
"""

BUCKETS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_short_tokens",
    "cache_write_long_tokens",
    "output_tokens",
)
"""The disjoint counts a call is billed by."""

INPUT_BUCKETS = BUCKETS[:4]
"""Those of ``BUCKETS`` that add up to what the model read."""

TOKENS = (*BUCKETS, "reasoning_tokens")

TYPES = {
    "file": "INTEGER",
    "line": "BIGINT",
    "task": "VARCHAR",
    "model": "VARCHAR",
    "provider": "VARCHAR",
    "at_us": "BIGINT",
    **dict.fromkeys(TOKENS, "BIGINT"),
    "calls": "BIGINT",
    "batch": "BOOLEAN",
    "service_tier": "VARCHAR",
    "ok": "BOOLEAN",
    "reported_cost_nano": "BIGINT",
    "reason": "VARCHAR",
    "faulty": "BOOLEAN",
}
"""Canonical column -> DuckDB type, in the order of the table above."""

PREFIX_LENGTHS = tuple(2**power for power in range(6, 18))
"""Lengths at which prompts are compared, 64 to 131072. [characters]"""

PREFIX_COLUMNS = ("prompt_chars", *(f"prefix_{length}" for length in PREFIX_LENGTHS))

SPAN_COLUMNS = {"span": "UBIGINT", "parent": "UBIGINT", "span_kind": "VARCHAR", "version": "VARCHAR"}
"""Column that only the rows of tracers fill, and that is dropped once ``nesting`` has used it -> DuckDB type."""

TASK_COLUMNS = (
    "prompt_hash",
    "first_hash",
    "first_chars",
    "first_is_system",
    "tools_hash",
    "tools_chars",
    "tools",
    "json_output",
    "judge_like",
    "next_chars",
    "next_end",
    "next_8",
    "next_16",
    "next_40",
    "next_inner",
    "next_tail",
)

PROMPT_COLUMNS = (*PREFIX_COLUMNS, *TASK_COLUMNS)
"""Whole numbers kept of a prompt."""

ZERO_COST = "zero_cost"
"""Column kept beside ``TYPES`` while files are read: the log states a cost of 0 for tokens, which is not free."""

MAX_TOKENS = 10**12
"""More tokens than this in one row is a fault of the log, not a call. [tokens]"""

EARLIEST_US, LATEST_US = 946_684_800_000_000, 4_102_444_799_999_999
"""From 2000 to 2099: a time outside is a wrong unit. [us]"""

GATEWAY_CACHE = "gateway-cache"
"""``service_tier`` of an answer that a gateway kept and gave again: no provider was asked, nothing was billed."""

COST_ONLY = "cost-only"
"""``service_tier`` of a row that states a cost and no token counts: it is known what it cost, not what for."""

LONG_CONTEXT = "long-context"
"""``service_tier`` of a row of unknown requests that the report says are of a model's long-context size."""

ALL_TASKS = "all"
"""Task of every call where the format has no task key."""

JUDGE = "judge: "
"""Before the name of the task of calls that judge the answers of others."""

NO_TASK = "(none)"
"""Task of a call that lacks the field named by ``task_by``."""
