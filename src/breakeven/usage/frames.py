"""
Any frame a Python user holds, in the canonical columns that its rows would have in a log file.

The frame may be a Polars DataFrame or LazyFrame, a pandas DataFrame, a PyArrow Table, a DuckDB relation, an Ibis
table or a PySpark DataFrame. Its rows stay in its engine: expressions turn them into the canonical columns of
``calls.py``, with the rules of ``checks.py``, and only sums come back. Prompts are not looked at here.
"""

import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from breakeven.errors import LogError, nearest
from breakeven.usage.calls import ALL_TASKS, GATEWAY_CACHE, NO_TASK, TOKENS, ZERO_COST
from breakeven.usage.checks import CACHES, MAX_COST_USD
from breakeven.usage.cube import MAY_BE_ABSENT
from breakeven.usage.expressions import (
    Frame,
    added,
    choose,
    false,
    known,
    masked,
    numbers,
    only,
    succeeded,
    text,
    tier_name,
    truth,
    wholes,
)
from breakeven.usage.instants import with_instants
from breakeven.usage.readers import table

NAMES = ("line", *(name for name in table.NAMES if name not in ("prompt", "completion", "response_id")))
"""What ``columns`` may name; ``line`` is a number of the row, for the list of rejected ones."""

COUNTS = (*TOKENS, "calls")

MAX_INT64 = 2**63 - 1

WORDS = ("at", "batch", "ok", "status", "service_tier")
"""Columns that may be text and are then compared in lower case, as numbers are."""


@dataclass(frozen=True)
class FrameLog:
    """
    A frame in canonical columns, nothing of it computed yet.

    rows : columns of ``calls.TYPES`` but ``file``; ``line`` only where the frame has one, and ``ZERO_COST`` only where
        it states costs.
    absent : columns of ``cube.MAY_BE_ABSENT`` that the frame lacks.
    engine : name of the engine that holds it.
    """

    rows: nw.LazyFrame[Any]
    absent: frozenset[str]
    engine: str


def canonical_frame(
    frame: Any,
    columns: Mapping[str, str] | None = None,
    *,
    zone: str | None = None,
    task_by: str | None = None,
    dialect: str | None = None,
    prompt: str | None = None,
) -> FrameLog:
    """
    The canonical columns of a frame.

    Parameters
    ----------
    frame : native frame
        Anything that Narwhals takes.
    columns : mapping, optional
        Name of ``NAMES`` -> the frame's own column, or ``column.field`` of a structure; those not named are found by
        the names of ``readers.table``.
    zone : str, optional
        "UTC", an offset such as "+02:00", or an IANA name, of times that have none; see ``zones.py``.
    task_by : str, optional
        Column that names the task.
    dialect : str, optional
        SQL dialect of an Ibis table that belongs to no connection.
    prompt : str, optional
        Column of prompts, which is passed on as ``prompt``, not looked at.

    Raises
    ------
    LogError
        It is no frame; a column is missing, unknown or of a type that cannot hold what it should; times are naive
        and no zone is declared.
    """
    given = opened(frame)
    schema = given.collect_schema()
    own = _columns([name for name in schema.names() if isinstance(name, str)], columns or {}, task_by)
    if prompt is not None and prompt not in schema.names():
        raise LogError(f"The frame has no column {prompt!r}.{nearest(prompt, schema.names())}")
    raw = _selected(given, own if prompt is None else own | {"prompt": prompt})
    if task_by:
        task = text(nw.col("task"))
        raw = raw.with_columns(task=choose(known(task) & false(task != ""), task, nw.lit(NO_TASK)))
    raw = raw.collect() if isinstance(raw, nw.LazyFrame) and raw.implementation.is_pandas() else raw
    if isinstance(raw, nw.DataFrame) and "line" not in own:
        raw = raw.with_row_index("line").with_columns(nw.col("line").cast(nw.Int64) + 1)
    engine = raw.implementation.value
    with warnings.catch_warnings():
        # pandas, which works at once, warns of groups in a pattern; other engines do not know groups without a number
        warnings.filterwarnings("ignore", "This pattern is interpreted as a regular expression", UserWarning)
        rows = _checked(raw, own, zone, dialect)
    present = {"reported_cost_nano" if name == "cost_usd" else name for name in own}
    absent = frozenset(name for name in MAY_BE_ABSENT if name not in present)
    return FrameLog(rows.lazy(), absent, engine)


def opened(frame: Any) -> Frame:
    """The frame as Narwhals sees it. Raises LogError where it is none, or several of its columns have one name."""
    try:
        given: Frame = nw.from_native(frame)
    except nw.exceptions.DuplicateError:
        twice = [name for name, count in Counter(map(str, frame.columns)).items() if count > 1]
        raise LogError(f"The frame has several columns named {' or '.join(map(repr, twice))}; rename them") from None
    except TypeError:
        kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__name__}"
        raise LogError(
            f"A {kind} is no frame; give one of Polars, pandas, PyArrow, DuckDB, Ibis or PySpark,"
            " and files to read_usage"
        ) from None
    return given


def _columns(names: Sequence[str], given: Mapping[str, str], task_by: str | None) -> dict[str, str]:
    """Name of ``NAMES`` -> the frame's own column. Raises LogError for a name that is unknown or a column missing."""
    for name in given:
        if name not in NAMES:
            raise LogError(f"No column {name!r} to name.{nearest(name, NAMES)} Known: {', '.join(NAMES)}")
    found = {name: column for name, column in table.known(names).items() if name in NAMES}
    if "input_uncached_tokens" in given:
        found.pop("input_tokens", None)
    if task_by:
        found["task"] = task_by
    own = {**found, **given}
    if "input_tokens" in own:
        own.pop("input_uncached_tokens", None)
    by_lower = {name.lower(): name for name in reversed(names)}
    for name, column in own.items():
        own[name] = column if column in names else by_lower.get(column.lower(), column)
        if own[name] not in names and own[name].partition(".")[0] not in names:
            raise LogError(f"The frame has no column {column!r}.{nearest(column, names)}")
    missing = [name for name in ("input_tokens", "output_tokens") if name not in own]
    if "input_uncached_tokens" in own:
        missing = [name for name in missing if name != "input_tokens"]
    if missing:
        raise LogError(
            f"The frame has no column for {' or '.join(missing)}. Name it: columns={{'{missing[0]}': 'COLUMN'}}"
            f" (--column {missing[0]}=COLUMN)"
        )
    return own


def _selected(given: Frame, own: Mapping[str, str]) -> Frame:
    """The named columns under canonical names; ``timestamp`` as ``at``, an exclusive input as ``input_tokens``."""
    names = given.collect_schema().names()
    renamed = {"timestamp": "at", "input_uncached_tokens": "input_tokens"}
    chosen = []
    for name, column in own.items():
        expr = nw.col(column if column in names else column.partition(".")[0])
        if column not in names:
            for field in column.split(".")[1:]:
                expr = expr.struct.field(field)
        chosen.append(expr.alias(renamed.get(name, name)))
    try:
        selected = given.select(*chosen)
        selected.collect_schema()
    except Exception as error:
        paths = [column for column in own.values() if column not in names]
        if not paths:
            raise
        raise LogError(f"The frame has no column {' or '.join(map(repr, paths))} ({type(error).__name__})") from None
    if selected.implementation.is_pandas():
        return _typed(selected)
    if selected.implementation.is_pyarrow():
        return _decoded(selected)
    coded = [name for name, dtype in selected.collect_schema().items() if dtype in (nw.Categorical, nw.Enum)]
    return added(selected, *(nw.col(name).cast(nw.String) for name in coded))


def _decoded(frame: Frame) -> Frame:
    """A PyArrow table whose columns hold their values themselves, and none above 63 bits, which it cannot compare."""
    arrow, compute = import_module("pyarrow"), import_module("pyarrow.compute")
    native = frame.to_native()
    for place, field in enumerate(native.schema):
        kind, column = str(field.type), native.column(place)
        if kind.startswith("dictionary<"):
            native = native.set_column(place, field.name, column.cast(field.type.value_type))
        elif kind.startswith("run_end_encoded<"):
            native = native.set_column(place, field.name, compute.run_end_decode(column))
        elif kind == "uint64":
            capped = compute.min_element_wise(column, arrow.scalar(MAX_INT64, kind), skip_nulls=False)
            native = native.set_column(place, field.name, capped.cast("int64"))
    made: Frame = nw.from_native(native)
    return made


def _typed(frame: Frame) -> Frame:
    """A pandas frame with types that have a null of their own; objects that are of no one type become text."""
    native = frame.to_native()
    plain = [name for name, dtype in native.dtypes.items() if isinstance(dtype, np.dtype) and dtype.kind in "Oifub"]
    native = native.assign(**{name: native[name].convert_dtypes() for name in plain})
    kinds = {name: str(dtype) for name, dtype in native.dtypes.items()}
    words = [name for name, kind in kinds.items() if kind in ("object", "category") or kind.startswith("dictionary<")]
    large = [name for name, kind in kinds.items() if kind == "uint64[pyarrow]"]
    made: Frame = nw.from_native(native.astype(dict.fromkeys(words, "string") | dict.fromkeys(large, "UInt64")))
    return made


def _checked(raw: Frame, own: Mapping[str, str], zone: str | None, dialect: str | None) -> Frame:
    """Canonical columns from raw ones, step by step, so that no expression is written out inside another many times."""
    schema = raw.collect_schema()
    col = nw.col
    inclusive = "input_uncached_tokens" not in own
    counts = [name for name in COUNTS if name in schema]
    amounts = [name for name in (*COUNTS, "cost_usd") if name in schema]
    for name in amounts:
        if not (schema[name].is_numeric() or schema[name] in (nw.String, nw.Unknown)):
            raise LogError(f"Column {own.get(name, name)!r} is of type {schema[name]}, which holds no numbers")
    if "line" in schema and not schema["line"].is_integer():
        raise LogError(f"Column {own['line']!r} is of type {schema['line']}, which does not number rows")
    words = [name for name in (*amounts, *WORDS) if name in schema and schema[name] in (nw.String, nw.Unknown)]
    if "service_tier" in schema:
        words.append("service_tier")
    raw = added(raw, *(text(col(name)).str.to_lowercase().alias(name) for name in dict.fromkeys(words)))
    if "at" in schema:
        raw = with_instants(raw, zone, own["timestamp"], dialect)
    raw = numbers(raw, amounts)
    raw = masked(raw, {name: "Int64" if schema[name].is_integer() else "Float64" for name in amounts})
    raw = wholes(raw, {name: 1 if name == "calls" else 0 for name in counts})
    made: dict[str, nw.Expr] = {}
    if "cost_usd" in schema:
        usd = col("cost_usd").cast(nw.Float64)
        outside = false((usd < 0) | (usd > MAX_COST_USD))
        made |= {"usd": only(~outside, usd), "cost_usd_bad": col("cost_usd_bad") | outside}
    batch = truth("batch", schema["batch"], False) if "batch" in schema else nw.lit(False)
    ok = truth("ok", schema["ok"], True) if "ok" in schema else nw.lit(True)
    if "service_tier" in schema:
        batch = batch | false(col("service_tier") == "batch")
        made["tier"] = tier_name("service_tier")
    if "status" in schema:
        ok = ok & succeeded("status", schema["status"])
    made |= {"batch": batch, "ok": ok}
    for name in ("task", "model", "provider"):
        made[name] = col(name).cast(nw.String) if name in schema else nw.lit(None, nw.String)
    if "task" not in schema:
        made["task"] = nw.lit(ALL_TASKS)
    return _judged(raw.with_columns(**made), counts, schema, inclusive=inclusive)


def _judged(rows: Frame, counts: Sequence[str], schema: Collection[str], *, inclusive: bool) -> Frame:
    """Checked values to canonical columns, with the first fault of each row."""
    col = nw.col
    zero, none = nw.lit(0), only(nw.lit(False), col("input_tokens"))
    caches = [name for name in CACHES if name in counts]
    cached = nw.lit(0, nw.Int64)
    for name in caches:
        cached = cached + col(name).fill_null(zero)
    rows = rows.with_columns(cached=cached)
    no_input, no_output = col("input_tokens").is_null(), col("output_tokens").is_null()
    faults = [
        (col(f"{name}_bad"), f"{name} is not a whole number from {1 if name == 'calls' else 0} to 10^12")
        for name in counts
    ]
    faults += [
        (col("ok") & no_input & no_output, "no token counts"),
        (col("ok") & no_input, "no input_tokens"),
        (col("ok") & no_output, "no output_tokens"),
    ]
    if "reasoning_tokens" in counts:
        exceed = false(col("reasoning_tokens") > col("output_tokens"))
        faults.append((exceed, "reasoning_tokens exceed the output_tokens that hold them"))
    if caches and inclusive:
        exceed = false(col("cached") > col("input_tokens"))
        faults.append((exceed, "cached tokens exceed the input_tokens that hold them"))
    if "at_zoneless" in rows.collect_schema():
        faults.append((col("at_zoneless"), "a time without a time zone, and none is declared"))
    if "at" in schema:
        faults.append((col("at_bad"), "unreadable time, or outside 2000 to 2099"))
    if "cost_usd" in schema:
        faults.append((col("cost_usd_bad"), f"cost is not a number from 0 to {MAX_COST_USD:,}"))
    reason = nw.lit(None, nw.String)
    for condition, words in reversed(faults):
        reason = choose(condition, nw.lit(words), reason)
    fresh = col("input_tokens") - col("cached") if caches and inclusive else col("input_tokens")
    billed = true = nw.lit(True)
    if "service_tier" in schema:
        billed = ~false(col("tier") == GATEWAY_CACHE)
    amounts = {name: (fresh if name == "input_tokens" else col(name)) for name in TOKENS if name in counts}
    final: dict[str, nw.Expr] = {
        name: col(name)
        for name in ("task", "model", "provider", "batch", "ok", "line", "prompt")
        if name in schema or name not in ("line", "prompt")
    }
    for name in TOKENS:
        count = amounts[name].fill_null(zero) if name in amounts else zero
        final[name] = count if billed is true or name not in amounts else choose(billed, count, zero)
    final["calls"] = col("calls").fill_null(nw.lit(1)) if "calls" in counts else nw.lit(1)
    final["at_us"] = col("at_us") if "at" in schema else none
    final["service_tier"] = col("tier") if "service_tier" in schema else nw.lit(None, nw.String)
    final["reported_cost_nano"] = none
    if "cost_usd" in schema:
        tokens = col("input_tokens").fill_null(zero) + col("output_tokens").fill_null(zero) + col("cached")
        final[ZERO_COST] = billed & false(col("usd") == 0.0) & (tokens > 0)
        stated = known(col("usd")) & ~final[ZERO_COST]
        nano = (choose(stated, col("usd"), nw.lit(0.0)) * 1e9 + 0.5).floor().cast(nw.Int64)
        final["reported_cost_nano"] = only(stated, nano)
    final["reason"] = reason
    rows = rows.select(**final)
    return rows.with_columns(faulty=known(col("reason")))
