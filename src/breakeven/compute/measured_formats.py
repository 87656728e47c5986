"""
Serving benchmarks by the tool that wrote them: whose a record is, and which of its fields means what.

Fields as in vLLM ``vllm/benchmarks/serve.py`` (2026), GuideLLM ``benchmark/schemas`` (report versions 1 and 2), AIPerf
``common/models/export_models.py`` (schema 1.3 and before) and genai-perf ``export_data/json_exporter.py``.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from breakeven.compute.measured_fields import Fields, MeasuredPoint
from breakeven.errors import InputError

SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "millisecond": 1e-3,
    "milliseconds": 1e-3, "us": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6, "ns": 1e-9, "nanosecond": 1e-9,
    "nanoseconds": 1e-9,
}  # fmt: skip
"""Units of time, and seconds in each."""

PER_SECOND = ("/s", "/sec", "/second", "per second", "per sec")
"""How units of a rate end."""

LITTLE = "concurrency was not recorded: requests per second times mean latency"


def is_vllm(record: Mapping[str, Any]) -> bool:
    """Flat, with throughputs as numbers."""
    return "output_throughput" in record and "request_throughput" in record


def read_vllm(record: Mapping[str, Any], run: str) -> list[MeasuredPoint]:
    """One run of ``vllm bench serve``; without ``e2el`` the mean latency is first token + others."""
    fields = Fields(record, run)
    completed = fields.number("completed")
    output = fields.number("total_output_tokens") / completed
    requests_s = fields.number("request_throughput")
    first_s, token_s = fields.number("mean_ttft_ms") / 1e3, fields.number("mean_tpot_ms") / 1e3
    whole_ms, last = fields.optional("mean_e2el_ms"), fields.optional("p99_ttft_ms")
    latency_s = first_s + token_s * (output - 1) if not whole_ms else whole_ms / 1e3
    offered, failed = fields.optional("max_concurrency"), fields.optional("failed")
    return [
        MeasuredPoint(
            run=run,
            tool="vllm bench serve",
            model=fields.text("model_id"),
            day=_day(record.get("date")),
            concurrency=offered or requests_s * latency_s,
            input_tokens=fields.number("total_input_tokens") / completed,
            output_tokens=output,
            requests_s=requests_s,
            output_tokens_s=fields.number("output_throughput"),
            token_s=token_s,
            first_token_s=first_s,
            first_token_s_p99=None if last is None else last / 1e3,
            latency_s=latency_s,
            completed=int(completed),
            failed=None if failed is None else int(failed),
            notes=() if offered else (LITTLE,),
        )
    ]


def is_guidellm(record: Mapping[str, Any]) -> bool:
    """A report: a list of benchmarks with metrics."""
    return isinstance(record.get("benchmarks"), list)


def read_guidellm(record: Mapping[str, Any], run: str) -> list[MeasuredPoint]:
    """Every benchmark of a GuideLLM report; requests cut off by its end are not failures."""
    points = []
    report = Fields(record, run)
    several = len(record["benchmarks"]) > 1
    for place, benchmark in enumerate(record["benchmarks"], 1):
        name = f"{run}, benchmark {place}" if several else run
        if not isinstance(benchmark, dict):
            raise InputError(f"{name}: is no object; give a GuideLLM report, not cut short")
        points.append(_guidellm_point(Fields(benchmark, name), report))
    return points


def _guidellm_point(fields: Fields, report: Fields) -> MeasuredPoint:
    def mean(metric: str) -> float:
        return fields.number(f"metrics.{metric}.successful.mean")

    made = ("metrics.request_totals", "scheduler_metrics.requests_made", "run_stats.requests_made")
    failed = fields.optional(*(f"{path}.errored" for path in made))
    last = fields.optional("metrics.time_to_first_token_ms.successful.percentiles.p99")
    models = ("config.backend.model", "config.model", "worker.backend_model", "args.model", "args.backend.model")
    times = ("start_time", "scheduler_metrics.start_time", "run_stats.start_time")
    return MeasuredPoint(
        run=fields.run,
        tool="GuideLLM",
        model=fields.text(*models) or report.text("args.model", "args.backend.model", "config.model"),
        day=_day(fields.optional(*times)),
        concurrency=mean("request_concurrency"),
        input_tokens=mean("prompt_token_count"),
        output_tokens=mean("output_token_count"),
        requests_s=mean("requests_per_second"),
        output_tokens_s=mean("output_tokens_per_second"),
        token_s=mean("inter_token_latency_ms") / 1e3,
        first_token_s=mean("time_to_first_token_ms") / 1e3,
        first_token_s_p99=None if last is None else last / 1e3,
        latency_s=mean("request_latency"),
        completed=int(fields.number(*(f"{path}.successful" for path in made))),
        failed=None if failed is None else int(failed),
    )


def is_aiperf(record: Mapping[str, Any]) -> bool:
    """Metrics as objects with a unit, at the top or (early AIPerf) under ``records``."""
    inner = record.get("records")
    holder = inner if isinstance(inner, dict) else record
    return isinstance(holder.get("request_throughput"), dict)


def read_aiperf(record: Mapping[str, Any], run: str) -> list[MeasuredPoint]:
    """One run of AIPerf or genai-perf, in whatever units it names."""
    inner = record.get("records")
    fields = Fields(inner if isinstance(inner, dict) else record, run)
    whole = Fields(record, run)
    requests_s, latency_s = _rate(fields, "request_throughput"), _seconds(fields, "request_latency")
    offered = _offered(record.get("input_config"))
    early = "records" in record or "aiperf_version" in record or "schema_version" in record
    return [
        MeasuredPoint(
            run=run,
            tool="AIPerf" if early or "was_cancelled" in record or "error_summary" in record else "genai-perf",
            model=whole.text(
                "input_config.model",
                "input_config.model_names",
                "input_config.endpoint.model_names",
                "input_config.formatted_model_name",
            ),
            day=_day(record.get("start_time")),
            concurrency=offered or requests_s * latency_s,
            input_tokens=fields.number("input_sequence_length.avg", "isl.avg"),
            output_tokens=fields.number("output_sequence_length.avg", "osl.avg"),
            requests_s=requests_s,
            output_tokens_s=_rate(fields, "output_token_throughput"),
            token_s=_seconds(fields, "inter_token_latency", "itl"),
            first_token_s=_seconds(fields, "time_to_first_token", "ttft"),
            first_token_s_p99=_seconds_at(fields, "p99", "time_to_first_token", "ttft"),
            latency_s=latency_s,
            completed=int(fields.number("request_count.avg")),
            failed=_failed(fields, record),
            notes=() if offered else (LITTLE,),
        )
    ]


def _seconds(fields: Fields, *metrics: str) -> float:
    """The mean of the first metric that is there, in seconds. Raises InputError where none is."""
    found = _seconds_at(fields, "avg", *metrics)
    if found is None or found <= 0:
        fields.number(*(f"{metric}.avg" for metric in metrics))
        raise InputError(f"{fields.run}: {metrics[0]}.avg is missing; give a file of a streamed benchmark")
    return found


def _seconds_at(fields: Fields, statistic: str, *metrics: str) -> float | None:
    """A statistic of the first metric that has it, in seconds. Raises InputError where its unit is not known."""
    for metric in metrics:
        value = fields.optional(f"{metric}.{statistic}")
        if value is not None:
            unit = fields.get(f"{metric}.unit")
            if not isinstance(unit, str) or unit.strip().lower() not in SECONDS:
                said = f"{unit!r} is no unit of time" if unit else "is missing"
                raise InputError(f"{fields.run}: {metric}.unit {said}; use one of {', '.join(SECONDS)}")
            return value * SECONDS[unit.strip().lower()]
    return None


def _rate(fields: Fields, metric: str) -> float:
    """The mean of a rate per second. Raises InputError where its unit is another."""
    unit = fields.get(f"{metric}.unit")
    if unit is not None and not str(unit).strip().lower().endswith(PER_SECOND):
        raise InputError(f"{fields.run}: {metric}.unit {unit!r} is no rate per second")
    return fields.number(f"{metric}.avg")


def _failed(fields: Fields, record: Mapping[str, Any]) -> int | None:
    """Requests that failed, null where the file does not say."""
    counted = fields.optional("error_request_count.avg")
    if counted is not None:
        return int(counted)
    summary = record.get("error_summary")
    if not isinstance(summary, list):
        return None
    return sum(int(each.get("count") or 0) for each in summary if isinstance(each, dict))


def _offered(config: Any) -> float | None:
    """The concurrency asked for: the first number called so anywhere in the tool's settings."""
    if isinstance(config, dict):
        value = config.get("concurrency")
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        config = list(config.values())
    if isinstance(config, list):
        return next((found for each in config if (found := _offered(each)) is not None), None)
    return None


def _day(stamp: Any) -> dt.date | None:
    """The day of ``20261124-101500``, an ISO time, or seconds since 1970; null where it is none of these."""
    try:
        if isinstance(stamp, float):
            return dt.datetime.fromtimestamp(stamp, dt.UTC).date()
        text = str(stamp)[:10]
        return dt.date.fromisoformat(text[:8] if text[:8].isdigit() else text)
    except (ValueError, OverflowError, OSError):
        return None


READERS: tuple[
    tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any], str], list[MeasuredPoint]]], ...
] = ((is_guidellm, read_guidellm), (is_aiperf, read_aiperf), (is_vllm, read_vllm))
"""Whether a record is in a format, and what reads it; AIPerf before vLLM, whose names are the same but are numbers."""
