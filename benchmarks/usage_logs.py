"""
Seeded logs of calls for the benchmarks.

realistic : 24 tasks, each on one or two of ten models: some thousand cells in a year.
worst : 500 tasks and 40 models drawn independently of each other, both after Zipf: some hundred thousand.

Sizes are log-normal, a third of the calls has cached input, 10 % are in batches, 2 % failed.
"""

from pathlib import Path

import duckdb

YEAR_SECONDS = 31_536_000

MODELS = (
    "gpt-5-mini",
    "gpt-5",
    "gpt-4o-mini",
    "gpt-4.1",
    "claude-haiku-4-5",
    "claude-sonnet-4-5",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "mistral-large-latest",
    "a-model-nobody-lists",
)

MORE_MODELS = (
    *MODELS,
    *("gpt-5-nano", "gpt-4o", "gpt-4.1-mini", "gpt-4.1-nano", "o3", "o4-mini", "o1", "gpt-3.5-turbo", "gpt-4-turbo"),
    *("claude-opus-4-1", "claude-opus-4-5", "claude-3-5-haiku-latest", "claude-sonnet-4-0", "claude-3-haiku-20240307"),
    *("gemini-2.0-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash-lite", "gemini-1.5-pro", "gemini-1.5-flash"),
    *("mistral-small-latest", "mistral-medium-latest", "codestral-latest", "ministral-8b-latest", "grok-4", "grok-3"),
    *("grok-3-mini", "another-model-nobody-lists", "command-r", "command-r-plus", "llama-3.3-70b-versatile"),
)

TASKS = {"realistic": 24, "worst": 500}


def query(rows: int, kind: str) -> str:
    """SQL of a year of calls."""
    models = MODELS if kind == "realistic" else MORE_MODELS
    names = ", ".join(f"'{model}'" for model in models)
    many = TASKS[kind]
    task = f"floor({many} * pow(u5, 2))" if kind == "realistic" else f"floor(exp(u5 * ln({many + 1})) - 1e-9)"
    model = f"(task + (h4 % 7 = 0)::INT) % {len(models)}"
    if kind == "worst":
        model = f"CAST(floor(exp(u6 * ln({len(models) + 1})) - 1e-9) AS INTEGER) - 1"
    return f"""
        SELECT TIMESTAMPTZ '2025-11-01 00:00:00+00' + to_seconds(i * {YEAR_SECONDS} // {rows}) AS timestamp,
            'task ' || task AS task, ([{names}])[1 + greatest({model}, 0)] AS model,
            CAST(exp(6.5 + 1.1 * z1) AS INTEGER) + cached AS input_tokens, cached AS cached_tokens,
            CAST(exp(5 + 0.8 * z2) AS INTEGER) AS output_tokens, h4 % 10 = 1 AS batch,
            CASE WHEN h4 % 50 = 2 THEN 'error' ELSE 'success' END AS status
        FROM (
            SELECT i, CAST({task} AS INTEGER) AS task, h4, u6,
                sqrt(-2 * ln(u1)) * cos(2 * pi() * u2) AS z1, sqrt(-2 * ln(u3)) * cos(2 * pi() * u2) AS z2,
                CASE WHEN h4 % 3 = 0 THEN 1024 * (1 + h4 % 4) ELSE 0 END AS cached
            FROM (
                SELECT i, (hash(i, 1) % 1000003 + 1) / 1000004 AS u1, (hash(i, 2) % 1000003 + 1) / 1000004 AS u2,
                    (hash(i, 3) % 1000003 + 1) / 1000004 AS u3, CAST(hash(i, 4) % 1000000 AS INTEGER) AS h4,
                    (hash(i, 5) % 1000003) / 1000004 AS u5, (hash(i, 6) % 1000003) / 1000004 AS u6
                FROM range({rows}) AS t(i)
            )
        )"""


def make_log(file: Path, rows: int, kind: str) -> None:
    """Write a log: Parquet, or JSON lines where the name ends in .jsonl."""
    options = "FORMAT json" if file.suffix == ".jsonl" else "FORMAT parquet"
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(f"COPY ({query(rows, kind)}) TO '{file}' ({options})")
