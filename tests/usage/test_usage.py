"""What a log says, against numbers worked out by hand."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from usage_logs import LOGS, chat, write_lines

from breakeven.catalogue.load import Catalogue
from breakeven.errors import LogError
from breakeven.usage import Usage, read_usage
from breakeven.usage.cube import ZERO_BUCKET, middle
from breakeven.usage.cuts import cut_instants
from breakeven.usage.price import price_cube, reprice, what_if
from breakeven.usage.sizes import INPUT, OUTPUT, Histograms

AS_OF = dt.date(2026, 11, 23)

HEADER = "timestamp,model,input_tokens,cached_tokens,output_tokens,batch,status,service_tier,calls,task,cost\n"


def read(catalogue: Catalogue, *files: Path, **options: object) -> Usage:
    return read_usage(files, table=catalogue.prices, as_of=AS_OF, **options)  # type: ignore[arg-type]


def table(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "calls.csv"
    file.write_text(HEADER + "".join(row + "\n" for row in rows))
    return file


def test_cost_of_one_cached_call(tmp_path: Path, catalogue: Catalogue) -> None:
    # gpt-4o-mini: 0.15, cached 0.075, output 0.60 USD per million; (1500 - 1024) fresh tokens:
    # 476 x 0.15 + 1024 x 0.075 + 200 x 0.60 = 71.4 + 76.8 + 120 = 268.2 millionths
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", [chat(1500, 200, 1024)]))
    assert usage.cost_usd == Decimal("0.0002682")
    (profile,) = usage.profiles
    assert profile.priced_as == "openai/gpt-4o-mini"
    assert profile.cost_usd == Decimal("0.0002682")
    assert profile.cached_share == 1024 / 1500
    assert [(month.month, month.calls, month.cost_usd) for month in profile.months] == [
        ("2025-03", 1, Decimal("0.0002682"))
    ]


def test_a_model_without_a_price_of_output_prices_the_calls_that_have_none(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    rows = (
        ",text-embedding-3-small,1000000,,0,,,,,,",
        ",text-embedding-3-small,1000000,,0,,,,,,",
        ",text-embedding-3-small,1000000,,5,,,,,odd,",
    )
    file = table(tmp_path, *(row.replace("text-", "openai/text-") for row in rows))
    usage = read(catalogue, file)
    assert (usage.rows.priced, usage.rows.unpriced) == (2, 1)
    assert usage.cost_usd == Decimal("0.04")  # 0.02 USD per million
    (reason,) = {reason for reason in usage.bill.reasons if reason}
    assert "no list price for output tokens" in reason
    model = catalogue.prices.find("openai/text-embedding-3-small")
    bills = what_if(usage.cube, catalogue.prices, AS_OF, [model])
    alone = reprice(usage.cube, catalogue.prices, AS_OF, model)
    assert bills[model.id].total_usd == alone.total_usd == Decimal("0.04")
    assert bills[model.id].unpriced_rows == alone.unpriced_rows == 1


def test_calls_kept_in_the_united_states_are_said_to_have_a_price_of_their_own(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    counted = {"input_tokens": 10, "output_tokens": 1, "service_tier": "standard"}
    row = {"type": "message", "model": "claude-haiku-4-5", "usage": counted | {"inference_geo": "us"}}
    (note, *_) = read(catalogue, write_lines(tmp_path / "log.jsonl", [row])).notes
    assert "served in tier 'us-inference'; no price for that is on record" in note


def test_reported_cost_is_met_to_the_last_digit_and_zeros_are_unknown(catalogue: Catalogue) -> None:
    usage = read(catalogue, LOGS / "litellm" / "agent-calls.jsonl", task_by="component")
    by_model = {(profile.task, profile.model): profile for profile in usage.profiles}
    for profile in by_model.values():
        if profile.reported_calls == profile.calls:
            assert profile.cost_usd == profile.reported_cost_usd
    missed = by_model["agent", "anthropic/claude-haiku-4-5"]
    assert (missed.calls, missed.reported_calls, missed.reported_cost_usd) == (4, 0, None)
    # claude-haiku-4-5: 1 and 5 USD per million
    tokens = missed.tokens
    assert missed.cost_usd == Decimal(tokens.input + 5 * tokens.output) / 1_000_000 > 0


def test_a_field_that_no_row_has_names_no_task(tmp_path: Path, catalogue: Catalogue) -> None:
    file = write_lines(tmp_path / "log.jsonl", [chat(10, 1), {**chat(20, 2), "feature": "x"}])
    assert {each.task for each in read(catalogue, file, task_by="feature").profiles} == {"x", "(none)"}
    with pytest.raises(LogError, match=r"^--task-by featur: no row that can be counted has this field; breakeven logs"):
        read(catalogue, file, task_by="featur")


def test_batch_price_where_one_is_on_record_and_a_note_where_none_is(tmp_path: Path, catalogue: Catalogue) -> None:
    # gpt-4.1-mini: 0.40 and 1.60 USD per million; in batches 0.20 and 0.80, on record since 2026-10-14
    file = table(
        tmp_path,
        "2026-10-13T23:59:59Z,gpt-4.1-mini,1000000,0,1000000,yes,,,,early,",
        "2026-10-14T00:00:00Z,gpt-4.1-mini,1000000,0,1000000,yes,,,,late,",
    )
    usage = read(catalogue, file)
    assert {profile.task: profile.cost_usd for profile in usage.profiles} == {"early": Decimal(2), "late": Decimal(1)}
    assert len(usage.notes) == 1
    assert usage.notes[0].startswith("1 calls priced as openai/gpt-4.1-mini were sent in batches; no price for that")
    assert usage.profiles[0].batch_share == 1


def test_long_requests_cost_their_tier_from_one_token_above(tmp_path: Path, catalogue: Catalogue) -> None:
    # gemini-2.5-pro: up to 200,000 tokens 1.25 and 10 USD per million, above 2.50 and 15
    file = table(
        tmp_path,
        "2026-05-01,gemini-2.5-pro,200000,0,10,,,,,at,",
        "2026-05-01,gemini-2.5-pro,200001,0,10,,,,,above,",
        "2026-05-01,gemini-2.5-pro,400002,0,20,,,,2,two above,",
        "2026-05-01,gemini-2.5-pro,400000,0,20,,,,2,two at,",
    )
    cost = {profile.task: profile.cost_usd for profile in read(catalogue, file).profiles}
    assert cost["at"] == Decimal("0.2501")
    assert cost["above"] == Decimal("0.5001525") + Decimal("0")
    assert cost["two above"] == 2 * Decimal("0.5001525")
    assert cost["two at"] == 2 * Decimal("0.2501")


def test_hours_of_the_day_have_their_price(tmp_path: Path, catalogue: Catalogue) -> None:
    # deepseek-chat costs less from 16:30 to 00:30 UTC
    model = catalogue.prices.find("deepseek-chat")
    day = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    dear, cheap = (model.rates(day.replace(hour=hour))["input_tokens"].usd for hour in (12, 20))
    assert dear > cheap
    times = {"00:29:59": cheap, "00:30:00": dear, "16:29:59": dear, "16:30:00": cheap, "23:59:59": cheap}
    file = table(tmp_path, *(f"2026-05-01 {time},deepseek-chat,1000000,0,0,,,,,{time}," for time in times))
    assert {profile.task: profile.cost_usd for profile in read(catalogue, file).profiles} == times


def test_a_new_price_holds_from_its_day(tmp_path: Path, catalogue: Catalogue) -> None:
    model = catalogue.prices.find("deepseek-v4-flash")
    before, after = (dt.datetime(2026, 9, day, 20, tzinfo=dt.UTC) for day in (9, 10))
    old, new = (model.rates(at)["input_tokens"].usd for at in (before, after))
    assert old != new
    file = table(
        tmp_path,
        "2026-09-09 23:59:59,deepseek-v4-flash,1000000,0,0,,,,,old,",
        "2026-09-10 00:00:00,deepseek-v4-flash,1000000,0,0,,,,,new,",
    )
    assert {profile.task: profile.cost_usd for profile in read(catalogue, file).profiles} == {"old": old, "new": new}


def test_service_tiers_have_their_price_or_a_note(tmp_path: Path, catalogue: Catalogue) -> None:
    file = table(
        tmp_path,
        "2026-11-01,gpt-5,1000000,0,0,,,flex,,flex,",
        "2026-11-01,gpt-5,1000000,0,0,,,default,,standard,",
        "2026-11-01,gpt-5,1000000,0,0,,,scale,,scale,",
        "2026-11-01,gpt-5,1000000,0,0,,,provisioned_throughput,,hourly,",
    )
    usage = read(catalogue, file)
    cost = {profile.task: profile.cost_usd for profile in usage.profiles}
    # gpt-5: 1.25 USD per million, flex half of it
    assert cost == {"flex": Decimal("0.625"), "standard": Decimal("1.25"), "scale": Decimal("1.25"), "hourly": None}
    assert [note for note in usage.notes if "'scale'" in note] == list(usage.notes)
    assert usage.rows.unpriced == 1


def test_calls_without_a_time_are_priced_as_of_the_day_asked_for(tmp_path: Path, catalogue: Catalogue) -> None:
    file = table(tmp_path, ",deepseek-v4-flash,1000000,0,0,,,,3,a,", ",gpt-4o-mini,10,0,0,,,,,b,")
    costs = {}
    for day in (dt.date(2026, 8, 1), dt.date(2026, 9, 20)):
        usage = read_usage(file, table=catalogue.prices, as_of=day)
        assert usage.notes == (f"4 calls without a time were priced as of {day}",)
        profile = next(profile for profile in usage.profiles if profile.task == "a")
        assert (profile.first, profile.span_days, profile.months) == (None, None, ())
        costs[day] = profile.cost_usd
    assert len(set(costs.values())) == 2


def test_failed_calls_without_tokens_cost_nothing_and_those_with_tokens_do(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    file = table(
        tmp_path,
        "2026-05-01,,,,,,failed,,,none,",
        "2026-05-01,gpt-4o-mini,1000000,0,0,,500,,,some,",
    )
    usage = read(catalogue, file)
    assert usage.rows.priced == 2
    assert {(p.task, p.calls, p.failed, p.cost_usd) for p in usage.profiles} == {
        ("none", 1, 1, Decimal(0)),
        ("some", 1, 1, Decimal("0.15")),
    }


def test_answers_of_a_gateway_cost_nothing_whatever_the_model(tmp_path: Path, catalogue: Catalogue) -> None:
    row = {"spend": 0.0, "prompt_tokens": 900, "completion_tokens": 40, "startTime": "2026-04-23", "model": "nobody"}
    rows = [row | {"cache_hit": "True"}, row | {"model": "gpt-4o-mini", "spend": 0.1}, row | {"cache_hit": "False"}]
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", rows))
    assert (usage.rows.priced, usage.rows.unpriced) == (2, 1)
    profile = next(profile for profile in usage.profiles if profile.model == "nobody")
    assert (profile.calls, profile.gateway_cached, profile.unpriced_calls) == (2, 1, 1)
    assert profile.input.mean == 900
    assert profile.cost_usd is None, "the one call with tokens has no price"


def test_rows_are_not_calls(tmp_path: Path, catalogue: Catalogue) -> None:
    file = table(
        tmp_path,
        "2026-05-01,gpt-4o-mini,1000,0,100,,,,10,a,0.001",
        "2026-05-01,nobody,1000,0,100,,,,7,a,",
        "2026-05-01,gpt-4o-mini,1,0,x,,,,5,a,",
    )
    usage = read(catalogue, file)
    assert (usage.rows.read, usage.rows.priced, usage.rows.unpriced, usage.rows.rejected) == (3, 1, 1, 1)
    assert usage.calls == 17
    known = next(profile for profile in usage.profiles if profile.model == "gpt-4o-mini")
    assert (known.calls, known.input.mean, known.input.p50, known.reported_calls) == (10, 100, 101, 10)
    assert known.reported_cost_usd == Decimal("0.001")


def test_mean_median_and_spread_leave_out_calls_that_were_not_answered(tmp_path: Path, catalogue: Catalogue) -> None:
    outputs = [10] * 90 + [20] * 10
    rows = [f"2026-05-01,gpt-4o-mini,100,0,{output},,,,,a," for output in outputs]
    usage = read(catalogue, table(tmp_path, *rows, *["2026-05-01,gpt-4o-mini,0,0,0,,failed,,,a,"] * 50))
    (profile,) = usage.profiles
    assert (profile.calls, profile.failed) == (150, 50)
    assert profile.output.mean == (90 * 10 + 10 * 20) / 100
    assert (profile.output.p50, profile.output.p95, profile.output_spread) == (10, 20, 2)


def test_first_last_span_and_months(tmp_path: Path, catalogue: Catalogue) -> None:
    file = table(
        tmp_path,
        "2026-02-28T23:59:59.999999Z,gpt-4o-mini,1,0,0,,,,,a,",
        "2026-03-01T00:00:00Z,gpt-4o-mini,1,0,0,,,,,a,",
        "2026-03-10T11:59:59.999999Z,gpt-4o-mini,1,0,0,,,,,a,",
    )
    (profile,) = read(catalogue, file).profiles
    assert [(month.month, month.calls) for month in profile.months] == [("2026-02", 1), ("2026-03", 2)]
    assert profile.first == dt.datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=dt.UTC)
    assert profile.span_days == 9.5


def test_shared_prefix_of_prompts(tmp_path: Path, catalogue: Catalogue) -> None:
    # two prompts of 100 characters share 64; one of 50 shares nothing, nor does one of 200 in another task
    file = tmp_path / "prompts.csv"
    prompts = [("a", "x" * 64 + "a" * 36), ("a", "x" * 64 + "b" * 36), ("a", "y" * 50), ("b", "x" * 200)]
    lines = "".join(f"gpt-4o-mini,1,1,{task},{prompt}\n" for task, prompt in prompts)
    file.write_text("model,input_tokens,output_tokens,task,prompt\n" + lines)
    share = {profile.task: profile.prefix_share for profile in read(catalogue, file).profiles}
    assert share == {"a": (64 + 64) / 250, "b": 0}
    # three equal prompts of 300 characters share 256 each
    file.write_text("model,input_tokens,output_tokens,prompt\n" + f"gpt-4o-mini,1,1,{'é' * 300}\n" * 3)
    assert read(catalogue, file).profiles[0].prefix_share == 256 / 300


def test_no_prompts_no_prefix(tmp_path: Path, catalogue: Catalogue) -> None:
    assert read(catalogue, write_lines(tmp_path / "log.jsonl", [chat(), chat()])).profiles[0].prefix_share is None


def test_another_model_is_priced_from_the_cells_alone(tmp_path: Path, catalogue: Catalogue) -> None:
    file = table(
        tmp_path,
        "2026-05-01,gpt-4o,1000000,400000,100000,,,,,a,",
        "2026-05-01,nobody,1000000,0,0,,,,,a,",
        "2026-05-01,,,,,,failed,,,a,",
    )
    cube = read(catalogue, file).cube
    bill = reprice(cube, catalogue.prices, AS_OF, catalogue.prices.find("gpt-4o-mini"))
    # 0.6 x 0.15 + 0.4 x 0.075 + 0.1 x 0.60 = 0.18, and 0.15 for the model without a price
    assert bill.total_usd == Decimal("0.33")
    assert set(bill.priced_as) == {"openai/gpt-4o-mini", ""}
    hourly = reprice(cube, catalogue.prices, AS_OF, catalogue.prices.find("deepseek-chat"))
    assert "spread evenly over the day" in hourly.notes[0]


def test_prices_that_change_elsewhere_need_a_new_reading(tmp_path: Path, catalogue: Catalogue) -> None:
    usage = read(catalogue, table(tmp_path, "2026-05-01,gpt-4o,10,0,1,,,,,a,", "2026-11-01,gpt-4o,10,0,1,,,,,a,"))
    assert price_cube(usage.cube, catalogue.prices, AS_OF).uncut == ()
    batches = usage.cube.cells.with_column(
        since_us=np.zeros(2, np.int64), batch=np.array([True, True]), model=np.zeros(2, np.int64)
    )
    bill = price_cube(replace(usage.cube, cells=batches), catalogue.prices, AS_OF)
    assert [(each.model, each.where, each.calls) for each in bill.uncut] == [("openai/gpt-4o", "2026-10-14", 2)]
    assert (bill.usd, bill.unpriced_rows) == ((None,), 2)


def test_sources_hold_names_and_not_folders(tmp_path: Path, catalogue: Catalogue) -> None:
    one, two = (write_lines(tmp_path / name, [chat()]) for name in ("one.jsonl", "two.jsonl"))
    usage = read(catalogue, one, two)
    assert [(source.name, source.reader, source.rows) for source in usage.sources] == [
        ("one.jsonl", "openai-response", 1),
        ("two.jsonl", "openai-response", 1),
    ]
    assert usage.notes[0] == "two.jsonl has the same content as one.jsonl; both are counted"
    assert str(tmp_path) not in repr(usage)


def test_formats_may_be_mixed(catalogue: Catalogue) -> None:
    files = [LOGS / "tensorzero" / "haiku.jsonl", LOGS / "litellm" / "spend-logs.csv", LOGS / "table" / "groups.tsv"]
    usage = read(catalogue, *files)
    assert [source.rows for source in usage.sources] == [5, 4, 3]
    assert usage.cost_usd == sum(read(catalogue, file).cost_usd for file in files)


def test_names_that_differ_by_blanks_are_one(tmp_path: Path, catalogue: Catalogue) -> None:
    rows = [chat(model=" gpt-4o-mini "), chat(metadata={"task": " all "}), chat(model="gpt-4o-mini")]
    usage = read(catalogue, write_lines(tmp_path / "log.jsonl", rows))
    assert {(profile.task, profile.model): profile.calls for profile in usage.profiles} == {
        ("all", "gpt-4o-mini"): 2,
        ("all", "gpt-4o-mini-2024-07-18"): 1,
    }


def test_no_file_is_an_error(catalogue: Catalogue) -> None:
    with pytest.raises(LogError, match="No log file"):
        read(catalogue)


def test_buckets_hold_whole_numbers_and_their_middle() -> None:
    assert middle(ZERO_BUCKET) == 0
    assert middle(0) == 1
    # bucket 94 holds 1.05^94 = 98.1 to 103.04: whole numbers 99 to 103
    assert middle(94) == 101


def test_the_call_of_a_rank_is_in_the_first_bucket_that_reaches_it() -> None:
    # 5 + 5 calls: half of them are reached with the first bucket, 51 % with the second only
    rows = [
        ("a", None, INPUT, ZERO_BUCKET, 5),
        ("a", None, INPUT, 0, 5),
        ("a", "m", OUTPUT, 3, 0),
        ("b", "m", OUTPUT, 9, 1),
    ]
    assert Histograms.of_rows(rows).quantiles((0.5, 0.51)) == {
        ("a", None, INPUT): (10, (ZERO_BUCKET, 0)),
        ("b", "m", OUTPUT): (1, (9, 9)),
    }
    assert Histograms.of_rows(()).quantiles((0.5,)) == {}


def test_cuts_are_month_starts_and_price_days_within_the_span() -> None:
    day_us = 86_400_000_000
    first, last = 20_500 * day_us + 5, 20_530 * day_us  # 2026-02-16 and 2026-03-18
    days = [dt.date(2026, 1, 31), dt.date(2026, 2, 10), dt.date(2026, 3, 18), dt.date(2026, 3, 19)]
    cuts = [dt.date(1970, 1, 1) + dt.timedelta(days=cut // day_us) for cut in cut_instants(first, last, days)]
    assert cuts == [dt.date(2026, 2, 1), dt.date(2026, 2, 10), dt.date(2026, 3, 1), dt.date(2026, 3, 18)]
    assert cut_instants(None, None, days) == ()
