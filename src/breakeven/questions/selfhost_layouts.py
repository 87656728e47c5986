"""Rows of the ``selfhost`` answer: every layout with what it does and costs, or why it cannot be used."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from breakeven.catalogue.load import Catalogue
from breakeven.compute.layout import Lengths, Server
from breakeven.compute.layouts import Layout, curve, layouts
from breakeven.compute.serving import Served
from breakeven.options.lines import Fleet, Workload
from breakeven.options.selfhost import Terms, calls_per_replica, lengths_of, price_of
from breakeven.questions.statement import part
from breakeven.questions.tables import Cell, Column, Table

if TYPE_CHECKING:
    from breakeven.questions.selfhost_measured import MeasuredServer

NO_PRICE = "no price known; give --gpu and --gpu-usd-hour"


@part
class Band:
    """A predicted number and the band in which 80 % of measured runs lie that took no part in the fit."""

    low: float
    mid: float
    high: float


@part
class LayoutRow:
    """
    One way to serve the model. What it does is null where it cannot be used, money where no price is known.

    gpu, gpus, weights : kind and number of GPUs of one replica, and how weights are stored.
    throughput_tokens_s : output tokens of one replica at its capacity. [tokens/s]
    concurrency_limit : calls whose cache fits into memory; concurrency : those in flight at its capacity.
    ms_per_token : between two tokens of one call, at its capacity. [ms]
    first_token_ms_at_least : arithmetic of one prompt; queueing comes on top. [ms]
    replicas : for the load of month 1; low and high with throughput at the upper and lower end of its band.
    usd_per_mtok_output, usd_per_mtok_total : at the expected use; of output tokens, and of all tokens. [USD per 1M]
    usd_per_mtok_output_full : were every replica busy all the time. [USD per 1M]
    idle_share : of the capacity paid for.
    label : measured, calibrated or estimated.
    """

    gpu: str
    gpu_name: str
    gpus: int
    weights: str
    feasible: bool
    why_not: str
    label: str
    throughput_tokens_s: Band | None
    concurrency_limit: float | None
    concurrency: float | None
    ms_per_token: float | None
    first_token_ms_at_least: float | None
    usd_gpu_hour: float | None
    replicas: int | None
    replicas_low: int | None
    replicas_high: int | None
    monthly_usd: float | None
    monthly_low_usd: float | None
    monthly_high_usd: float | None
    usd_per_mtok_output: float | None
    usd_per_mtok_total: float | None
    usd_per_mtok_output_full: float | None
    idle_share: float | None
    warnings: list[str]


@part
class CurvePoint:
    """A replica at one number of calls in flight: tokens of all calls, and the time between two tokens of one."""

    concurrency: float
    throughput_tokens_s: Band
    ms_per_token: float


class Sized(NamedTuple):
    """A layout that carries the load, its row of the answer, and its staircase of replicas."""

    layout: Layout
    row: LayoutRow
    fleet: Fleet | None


def sized(
    catalogue: Catalogue, model_id: str, workload: Workload, terms: Terms, measured: "MeasuredServer | None" = None
) -> list[Sized]:
    """
    Every layout, the cheapest first, then those without a price, then those that cannot be used.

    ``measured`` is the user's own benchmark of the one server that ``terms`` choose.
    """
    lengths = lengths_of(workload)
    found = layouts(catalogue, model_id, terms.choice, lengths, terms.step_s_limit)
    if measured is not None:
        found = [measured.layout(each.server, lengths, terms.step_s_limit) for each in found]
    made = [_sized(catalogue, each, lengths, workload, terms) for each in found]

    def place(each: Sized) -> tuple[bool, float, int, str, str]:
        row = each.row
        usd = math.inf if row.monthly_usd is None else row.monthly_usd
        # Of the layouts that cannot be used, the one with most memory came nearest.
        room = -each.layout.server.gpu.memory_gb * row.gpus if not row.feasible else 0.0
        return not row.feasible, usd if row.feasible else room, row.gpus * (row.replicas or 1), row.gpu, row.weights

    return sorted(made, key=place)


def _sized(catalogue: Catalogue, layout: Layout, lengths: Lengths, workload: Workload, terms: Terms) -> Sized:
    server, served = layout.server, layout.served
    usd = price_of(server.gpu, terms)
    if served is None:
        return Sized(layout, _row(server, None, usd, layout.why_not), None)
    band = scaled(served, terms)
    ends = [
        Fleet(
            calls_per_unit=calls_per_replica(catalogue, tokens_s, lengths, terms.target_use),
            usd_per_unit=catalogue.assume("hours_per_month") * server.gpus * (usd or 0.0),
            counted=0,
            profile=((terms.peak_factor, 1.0),),
            least=terms.least,
            spare=terms.spare,
        )
        for tokens_s in (band.high, band.mid, band.low)
    ]
    low, replicas, high = (int(each.units(workload.calls_per_month)) for each in ends)
    fleet = replace(ends[1], counted=replicas)
    full = ends[1].calls_per_unit / terms.target_use
    row = replace(
        _row(server, served, usd, ""),
        throughput_tokens_s=band,
        ms_per_token=1000 * served.step_s / terms.speed,
        replicas=replicas,
        replicas_low=low,
        replicas_high=high,
        idle_share=1 - workload.calls_per_month / (full * replicas) if replicas else None,
    )
    if usd is None:
        return Sized(layout, replace(row, why_not=NO_PRICE), None)
    unit = fleet.usd_per_unit
    output = workload.calls_per_month * lengths.output_tokens / 1e6
    every = workload.calls_per_month * (lengths.output_tokens + workload.input_tokens) / 1e6
    row = replace(
        row,
        monthly_usd=replicas * unit,
        monthly_low_usd=low * unit,
        monthly_high_usd=high * unit,
        usd_per_mtok_output=replicas * unit / output,
        usd_per_mtok_total=replicas * unit / every,
        usd_per_mtok_output_full=1e6 * server.gpus * usd / (3600 * band.mid),
    )
    return Sized(layout, row, fleet)


def scaled(served: Served, terms: Terms) -> Band:
    """Predicted throughput with the user's own factors."""
    return Band(
        low=served.low_output_tokens_s * terms.speed,
        mid=served.output_tokens_s * terms.speed,
        high=served.high_output_tokens_s * terms.speed,
    )


def _row(server: Server, served: Served | None, usd: float | None, why_not: str) -> LayoutRow:
    return LayoutRow(
        gpu=server.gpu.id,
        gpu_name=server.gpu.name,
        gpus=server.gpus,
        weights=server.weights,
        feasible=served is not None,
        why_not=why_not,
        label=served.label if served else "estimated",
        throughput_tokens_s=None,
        concurrency_limit=served.sequences_limit if served else None,
        concurrency=served.sequences if served else None,
        ms_per_token=None,
        first_token_ms_at_least=1000 * served.first_token_s_at_least if served else None,
        usd_gpu_hour=usd,
        replicas=None,
        replicas_low=None,
        replicas_high=None,
        monthly_usd=None,
        monthly_low_usd=None,
        monthly_high_usd=None,
        usd_per_mtok_output=None,
        usd_per_mtok_total=None,
        usd_per_mtok_output_full=None,
        idle_share=None,
        warnings=[*served.warnings, *([server.gpu.caution] if server.gpu.caution else [])] if served else [],
    )


def curve_of(
    catalogue: Catalogue, best: Sized, workload: Workload, terms: Terms, measured: "MeasuredServer | None" = None
) -> list[CurvePoint]:
    """What a replica does as more calls are in flight, up to those that fit into memory."""
    server, lengths = best.layout.server, lengths_of(workload)
    points = curve(server, lengths, catalogue.compute.serving)
    if measured is not None:
        points = [measured.served(server, lengths, each.sequences) for each in points]
    return [
        CurvePoint(
            concurrency=point.sequences,
            throughput_tokens_s=scaled(point, terms),
            ms_per_token=1000 * point.step_s / terms.speed,
        )
        for point in points
    ]


def layout_tables(rows: list[LayoutRow]) -> list[Table]:
    """The cheapest layout of each kind of GPU: what it costs, how fast it is; and why others cannot be used."""
    first: dict[str, LayoutRow] = {}
    for row in rows:
        first.setdefault(row.gpu, row)
    usable = [row for row in first.values() if row.monthly_usd is not None]
    costs = [
        Column(title="A replica"),
        Column(title="replicas", unit="count"),
        Column(title="a month", unit="usd"),
        Column(title="1M output tokens", unit="usd"),
        Column(title="at full use", unit="usd"),
        Column(title="idle", unit="share"),
        Column(title="Notes"),
    ]
    cost_rows: list[list[Cell]] = [
        [
            words(row),
            row.replicas,
            row.monthly_usd,
            row.usd_per_mtok_output,
            row.usd_per_mtok_output_full,
            row.idle_share,
            notes(row),
        ]
        for row in usable
    ]
    speeds = [
        Column(title="A replica at its capacity"),
        Column(title="tokens/s, low", unit="rough"),
        Column(title="predicted", unit="rough"),
        Column(title="high", unit="rough"),
        Column(title="ms per token", unit="rough"),
        Column(title="calls in flight", unit="rough"),
        Column(title="that fit", unit="rough"),
        Column(title="first token, ms, at least", unit="rough"),
    ]
    speed_rows: list[list[Cell]] = [
        [
            words(row),
            row.throughput_tokens_s.low if row.throughput_tokens_s else None,
            row.throughput_tokens_s.mid if row.throughput_tokens_s else None,
            row.throughput_tokens_s.high if row.throughput_tokens_s else None,
            row.ms_per_token,
            row.concurrency,
            row.concurrency_limit,
            row.first_token_ms_at_least,
        ]
        for row in usable
    ]
    out: list[list[Cell]] = [[words(row), row.why_not] for row in first.values() if row.monthly_usd is None]
    note = f"The cheapest layout of each kind of GPU; the JSON holds all {len(rows)} that were looked at."
    found = [
        Table(name="layouts", title="Layouts, the cheapest first", columns=costs, rows=cost_rows, note=note),
        Table(name="speed", title="What they can do", columns=speeds, rows=speed_rows),
    ]
    found = found if usable else []
    if out:
        columns = [Column(title="A replica"), Column(title="Why not")]
        found.append(Table(name="cannot", title="What cannot be used, or not be priced", columns=columns, rows=out))
    return found


def words(row: LayoutRow) -> str:
    """A replica in a few words."""
    return f"{row.gpus} x {row.gpu}, {row.weights}"


def notes(row: LayoutRow) -> str:
    """What a reader should see beside a layout."""
    said = []
    if row.throughput_tokens_s is not None and row.replicas_low != row.replicas_high:
        said.append(f"{row.replicas_low} to {row.replicas_high} replicas")
    return "; ".join([*said, *row.warnings])
