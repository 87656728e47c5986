"""Fleets of the ``selfhost`` answer: replicas over the volume, a fleet that follows the load, shared adapters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from breakeven.catalogue.load import Catalogue
from breakeven.compute.adapters import adapter_gb
from breakeven.compute.load_shape import day_of, follow, hours_of
from breakeven.options.lines import Workload
from breakeven.options.selfhost import Terms, deployments
from breakeven.questions.selfhost_layouts import Sized
from breakeven.questions.statement import part
from breakeven.questions.tables import Cell, Column, Table

if TYPE_CHECKING:
    from breakeven.questions.selfhost_fields import SelfhostQuestion

FURTHER_STEPS = 3
MOST_ROWS = 8


@part
class Step:
    """So many replicas carry up to so many calls a month, at such a cost. [USD]"""

    replicas: int
    calls_per_month: float
    monthly_usd: float
    usd_per_1000_calls_full: float


@part
class Autoscaled:
    """
    A fleet that follows the load, against one that is always up for the peak.

    hours : calls of each hour over the mean, of a day or a week, without bursts inside the hour.
    measured : whether the hours are yours; else they are one smooth wave a day.
    mean_replicas, most_replicas : over the hours. starts_month : replicas started. [1/month]
    cold_start_usd_month : paid while starting. monthly_usd : all of it. saving_monthly_usd : against always up.
    """

    hours: list[float]
    measured: bool
    burst_factor: float
    mean_replicas: float
    most_replicas: int
    starts_month: float
    cold_start_usd_month: float
    monthly_usd: float
    saving_monthly_usd: float
    idle_share: float


@part
class Shared:
    """
    Several tuned models as adapters on one fleet, against a fleet for each. Calls are spread evenly over them.

    adapter_mb : memory of one adapter. [MB]
    throughput_factor : of the server with adapters over that without, with its band.
    """

    adapters: int
    adapter_mb: float
    throughput_factor: dict[str, float]
    shared_replicas: int
    shared_monthly_usd: float
    separate_replicas: int
    separate_monthly_usd: float


def steps(best: Sized) -> list[Step]:
    """The staircase: from one replica to a few beyond those needed; of many, the last ones."""
    fleet, needed = best.fleet, best.row.replicas
    if fleet is None or needed is None:
        return []
    first = fleet.least + fleet.spare
    counts = list(range(first, max(needed, first) + 1 + FURTHER_STEPS))
    peak = fleet.profile[0][0]
    made = []
    for count in counts[-MOST_ROWS:]:
        calls = (count - fleet.spare) * fleet.calls_per_unit / peak
        usd = count * fleet.usd_per_unit
        made.append(
            Step(replicas=count, calls_per_month=calls, monthly_usd=usd, usd_per_1000_calls_full=1000 * usd / calls)
        )
    return made


def autoscaled(question: "SelfhostQuestion", catalogue: Catalogue, best: Sized, terms: Terms) -> Autoscaled | None:
    """The cheapest layout as a fleet that follows the load."""
    fleet, full_usd = best.fleet, best.row.monthly_usd
    if fleet is None or full_usd is None:
        return None
    burst = min(catalogue.assume("burst_factor"), terms.peak_factor)
    measured = bool(question.hourly_load)
    hours = hours_of(question.hourly_load) if measured else day_of(terms.peak_factor / burst)
    if measured and question.peak_factor is not None:
        burst = max(1.0, question.peak_factor / float(hours.max()))
    load = question.calls_per_month / fleet.calls_per_unit
    scaled = follow(hours * burst, load, question.min_replicas, terms.spare)
    month_hours = catalogue.assume("hours_per_month")
    starts = scaled.starts * month_hours / hours.size
    minutes = question.cold_start_minutes
    cold = (catalogue.assume("cold_start_minutes") if minutes is None else minutes) / 60
    cold_usd = starts * cold / month_hours * fleet.usd_per_unit
    mean = float(scaled.units.mean())
    total = mean * fleet.usd_per_unit + cold_usd
    capacity = fleet.calls_per_unit / terms.target_use * mean
    return Autoscaled(
        hours=hours.tolist(),
        measured=measured,
        burst_factor=burst,
        mean_replicas=mean,
        most_replicas=int(scaled.units.max()),
        starts_month=starts,
        cold_start_usd_month=cold_usd,
        monthly_usd=total,
        saving_monthly_usd=full_usd - total,
        idle_share=max(0.0, 1 - question.calls_per_month / capacity) if capacity else 0.0,
    )


def shared(
    question: "SelfhostQuestion", catalogue: Catalogue, model: str, terms: Terms, workload: Workload, best: Sized
) -> Shared | None:
    """Adapters on one fleet against a merged model on a fleet of its own for each."""
    count = question.adapters
    one = adapter_gb(catalogue.open_models[model], question.adapter_rank)
    alone = replace(
        terms,
        speed=1.0,
        step_s_limit=None if terms.step_s_limit is None else terms.step_s_limit / terms.speed,
        choice=replace(terms.choice, adapter_gb=0.0),
    )
    each = replace(workload, calls_per_month=workload.calls_per_month / count)
    found = next(iter(deployments(catalogue, model, each, alone, most=1)), None)
    if one is None or found is None or best.row.replicas is None or best.row.monthly_usd is None:
        return None
    factor = catalogue.assumptions["adapter_throughput"]
    return Shared(
        adapters=count,
        adapter_mb=1000 * one,
        throughput_factor={"low": float(factor.low), "mid": float(factor.value), "high": float(factor.high)},
        shared_replicas=best.row.replicas,
        shared_monthly_usd=best.row.monthly_usd,
        separate_replicas=count * found.replicas,
        separate_monthly_usd=count * found.monthly_usd,
    )


def fleet_tables(stairs: list[Step], follows: Autoscaled | None, together: Shared | None) -> list[Table]:
    """The staircase, the fleet that follows the load, and adapters."""
    found = []
    if stairs:
        rows: list[list[Cell]] = [
            [f"{each.replicas}", each.calls_per_month, each.monthly_usd, each.usd_per_1000_calls_full]
            for each in stairs
        ]
        columns = [
            Column(title="Replicas"),
            Column(title="calls a month, up to", unit="rough"),
            Column(title="a month", unit="usd"),
            Column(title="1,000 calls when full", unit="usd"),
        ]
        found.append(Table(name="steps", title="The next replica", columns=columns, rows=rows))
    if follows is not None:
        found.append(_follows_table(follows))
    if together is not None:
        rows = [
            [f"{together.adapters} adapters on one fleet", together.shared_replicas, together.shared_monthly_usd],
            [f"{together.adapters} models, a fleet each", together.separate_replicas, together.separate_monthly_usd],
        ]
        columns = [Column(title="Way"), Column(title="replicas", unit="count"), Column(title="a month", unit="usd")]
        factor: Mapping[str, float] = together.throughput_factor
        note = (
            f"{together.adapter_mb:,.0f} MB per adapter; throughput with adapters is taken as {factor['mid']:g} x that"
            f" without ({factor['low']:g} to {factor['high']:g}). Calls are spread evenly over them."
        )
        found.append(Table(name="adapters", title="LoRA adapters", columns=columns, rows=rows, note=note))
    return found


def _follows_table(follows: Autoscaled) -> Table:
    rows: list[list[Cell]] = [
        ["replicas on average", follows.mean_replicas],
        ["replicas at most", follows.most_replicas],
        ["starts a month", follows.starts_month],
        ["a month, USD", round(follows.monthly_usd, 2)],
        ["of it while starting, USD", round(follows.cold_start_usd_month, 2)],
        ["saved against always up, USD", round(follows.saving_monthly_usd, 2)],
    ]
    whose = "your calls by hour" if follows.measured else "one smooth wave a day, as no calls by hour are given"
    note = f"Rests on {whose}, and on a busiest minute {follows.burst_factor:.3g} x the mean of its hour."
    columns = [Column(title="A fleet that follows the load"), Column(title="in month 1", unit="count")]
    return Table(name="autoscaled", title="Following the load", columns=columns, rows=rows, note=note)
