"""The question "what does it take to serve these calls on GPUs of my own?": its fields, and its answer."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import check_any_price
from breakeven.catalogue.records import Source
from breakeven.compute.adapters import adapter_gb
from breakeven.compute.layouts import Choice
from breakeven.compute.serving import unknown_shape
from breakeven.errors import InputError
from breakeven.options.hosted import listed_option
from breakeven.options.lines import Workload
from breakeven.options.selfhost import Terms, find_open_model, known_gpus, too_long
from breakeven.questions.flips import volume_of_fleet
from breakeven.questions.kind import Kind
from breakeven.questions.selfhost_fields import SelfhostQuestion
from breakeven.questions.selfhost_fleet import Autoscaled, Shared, Step, autoscaled, fleet_tables, shared, steps
from breakeven.questions.selfhost_layouts import Band, CurvePoint, LayoutRow, Sized, curve_of, layout_tables, sized
from breakeven.questions.selfhost_measured import MeasuredServer, check_server
from breakeven.questions.statement import Cited, cite, part
from breakeven.questions.tables import Cell, Column, Plot, Table, echo, origins_of, price_list


@part
class ByApi:
    """
    The same calls at a listed model's prices. Quality is not compared. [USD]

    break_even_calls_per_month : the fewest calls at which own machines cost no more; null where none do.
    """

    model: str
    monthly_usd: float
    saving_monthly_usd: float | None
    break_even_calls_per_month: float | None


@part
class SelfhostAnswer:
    """
    The cheapest layout that carries the load, and all others. Null throughout where none can be used.

    label : measured, calibrated or estimated.
    monthly_usd, usd_per_mtok_output : a fleet that is always up, at the expected use.
    steps : how many replicas carry how many calls. curve : one replica at rising concurrency.
    autoscaled : a fleet that follows the load. shared : several adapters on one fleet.
    """

    schema: Literal["breakeven/selfhost/1"] = "breakeven/selfhost/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    label: str
    throughput_tokens_s: Band | None
    replicas: int | None
    monthly_usd: float | None
    usd_per_mtok_output: float | None
    best: LayoutRow | None
    layouts: list[LayoutRow]
    curve: list[CurvePoint]
    steps: list[Step]
    autoscaled: Autoscaled | None
    shared: Shared | None
    by_api: ByApi | None
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/selfhost/1``."""
        return dataclasses.asdict(self)

    def tables(self) -> list[Table]:
        """The layouts, how costs grow with the calls, the load, and a replica's curve."""
        cost, *rest = layout_tables(self.layouts)
        found = [cost]
        if self.by_api is not None and self.monthly_usd is not None:
            rows: list[list[Cell]] = [["own GPUs", self.monthly_usd], [self.by_api.model, self.by_api.monthly_usd]]
            columns = [Column(title="Way"), Column(title="a month", unit="usd")]
            calls = self.by_api.break_even_calls_per_month
            if calls is None:
                note = "Own GPUs cost more at any volume: a full replica costs more than its calls by API."
            else:
                note = f"Own GPUs cost no more from about {float(f'{calls:.2g}'):,.0f} calls a month on."
            note += " Quality is not compared."
            found.append(Table(name="by_api", title="Against calls by API", columns=columns, rows=rows, note=note))
        fleets = fleet_tables(self.steps, self.autoscaled, self.shared)
        return [*found, *fleets[:1], *_curve_table(self.curve), *fleets[1:], *rest]


def _curve_table(points: list[CurvePoint]) -> list[Table]:
    if not points:
        return []
    rows: list[list[Cell]] = [
        [
            round(point.concurrency, 1),
            point.throughput_tokens_s.low,
            point.throughput_tokens_s.mid,
            point.throughput_tokens_s.high,
            point.ms_per_token,
        ]
        for point in points
    ]
    columns = [
        Column(title="Calls in flight", unit="count"),
        Column(title="tokens/s, low", unit="rough"),
        Column(title="predicted", unit="rough"),
        Column(title="high", unit="rough"),
        Column(title="ms per token", unit="rough"),
    ]
    plot = Plot(
        y=2, low=1, high=3, x_title="calls in flight", y_title="output tokens a second of one replica", log_x=True
    )
    title = "One replica as more calls are in flight"
    return [Table(name="curve", title=title, columns=columns, rows=rows, plot=plot)]


def answer(question: SelfhostQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> SelfhostAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Raises
    ------
    InputError
        A model, GPU or listed model that the catalogue does not know; adapters of a model whose shape is not known.
    """
    check_any_price(catalogue, question.as_of)
    model = find_open_model(catalogue, question.model)
    unknown = unknown_shape(catalogue.open_models[model])
    if unknown:
        raise InputError(f"--model: {unknown}, so its speed cannot be predicted", "model")
    terms, used, said = terms_of(question, catalogue, model)
    workload = workload_of_own(question)
    long = too_long(catalogue, model, workload)
    if long:
        raise InputError(f"--input-tokens: {long}", "input_tokens")
    measured = None
    if question.measured:
        check_server(question)
        measured = MeasuredServer(question, catalogue)
    found = sized(catalogue, model, workload, terms, measured)
    best = next((each for each in found if each.row.monthly_usd is not None), None)
    by_api = _by_api(question, catalogue, best) if question.api_model else None
    follows = autoscaled(question, catalogue, best, terms) if best else None
    together = shared(question, catalogue, model, terms, workload, best) if best and question.adapters else None
    sources = [("selfhost", source) for source in _sources(catalogue, model, best, used)]
    return SelfhostAnswer(
        question=echo(question) | used,
        origins=origins_of(question, origins or {}) | said,
        headline=_headline(model, found, best, by_api),
        label=best.row.label if best else "estimated",
        throughput_tokens_s=best.row.throughput_tokens_s if best else None,
        replicas=best.row.replicas if best else None,
        monthly_usd=best.row.monthly_usd if best else None,
        usd_per_mtok_output=best.row.usd_per_mtok_output if best else None,
        best=best.row if best else None,
        layouts=[each.row for each in found],
        curve=curve_of(catalogue, best, workload, terms, measured) if best else [],
        steps=steps(best) if best else [],
        autoscaled=follows,
        shared=together,
        by_api=by_api,
        unknowns=_unknowns(catalogue, best),
        sources=cite(sources),
        prices=price_list(catalogue, question.as_of),
    )


def workload_of_own(question: SelfhostQuestion) -> Workload:
    """The calls as a server of one's own sees them."""
    return Workload(
        calls_per_month=question.calls_per_month,
        input_tokens=question.input_tokens,
        output_tokens=question.output_tokens,
        cached_share=question.cached_share,
    )


def terms_of(
    question: SelfhostQuestion, catalogue: Catalogue, model: str
) -> tuple[Terms, dict[str, object], dict[str, str]]:
    """How machines are run; fields that were filled in from assumptions, and where those came from."""
    used: dict[str, object] = {}
    said: dict[str, str] = {}

    def filled(field_name: str) -> float:
        given = getattr(question, field_name)
        if given is not None:
            return float(given)
        assumed = catalogue.assumptions[field_name]
        used[field_name] = float(assumed.value)
        said[field_name] = f"assumption: {assumed.what} ({assumed.low:g} to {assumed.high:g})"
        return float(assumed.value)

    if question.peak_factor is None and question.hourly_load:
        busiest = max(question.hourly_load) * len(question.hourly_load) / sum(question.hourly_load)
        burst = catalogue.assumptions["burst_factor"]
        peak = busiest * float(burst.value)
        used["peak_factor"] = peak
        said["peak_factor"] = f"busiest hour {busiest:.2f} x the mean, times {burst.what}: {burst.value:g}"
    else:
        peak = filled("peak_factor")
    filled("cold_start_minutes")
    speed, gb = 1.0, 0.0
    if question.adapters:
        one = adapter_gb(catalogue.open_models[model], question.adapter_rank)
        if one is None:
            raise InputError(f"--adapters: the shape of {model} is not known, so neither is their memory", "adapters")
        speed, gb = catalogue.assume("adapter_throughput"), question.adapters * one
    terms = Terms(
        peak_factor=peak,
        target_use=filled("target_use"),
        step_s_limit=filled("ms_per_token") / 1000 * speed,
        least=max(question.min_replicas, 1),
        spare=question.spare_replicas,
        gpu_usd_hour=question.gpu_usd_hour,
        speed=speed,
        choice=Choice(
            gpus=known_gpus(catalogue, question.gpu),
            counts=question.gpus,
            weights=question.weights,
            kv_cache=question.kv_cache,
            engine=question.engine,
            max_sequences=question.max_sequences,
            adapter_gb=gb,
        ),
    )
    return terms, used, said


def _by_api(question: SelfhostQuestion, catalogue: Catalogue, best: Sized | None) -> ByApi:
    listed = catalogue.prices.find(question.api_model or "")
    per_call = listed_option(catalogue, listed, workload_of_own(question), question.as_of).at_least("per call")
    usd_month = question.calls_per_month * per_call
    saving = calls = None
    if best is not None and best.fleet is not None and best.row.monthly_usd is not None:
        saving = usd_month - best.row.monthly_usd
        calls = volume_of_fleet(best.fleet, [1.0], [question.calls_per_month], usd_month, 0.0)
    return ByApi(
        model=listed.id,
        monthly_usd=usd_month,
        saving_monthly_usd=saving,
        break_even_calls_per_month=calls,
    )


def _headline(model: str, found: list[Sized], best: Sized | None, by_api: ByApi | None) -> str:
    if best is None or best.row.throughput_tokens_s is None or best.row.monthly_usd is None:
        nearest_miss = found[0].row
        how = f"{nearest_miss.gpus} x {nearest_miss.gpu}: {nearest_miss.why_not}"
        return f"No layout can be priced for {model}: {how}."
    row = best.row
    replicas = "one replica" if row.replicas == 1 else f"{row.replicas} replicas"
    start = (
        f"{model} takes {replicas} of {row.gpus} x {row.gpu_name} for ${row.monthly_usd:,.0f} a month:"
        f" ${_cents(row.usd_per_mtok_output)} per 1M output tokens, {row.idle_share or 0:.0%} of the capacity idle"
    )
    if by_api is None or by_api.saving_monthly_usd is None:
        return f"{start}."
    more = "less" if by_api.saving_monthly_usd > 0 else "more"
    return f"{start}, ${abs(by_api.saving_monthly_usd):,.0f} {more} than calls of {by_api.model}."


def _cents(usd: float | None) -> str:
    return f"{usd or 0:,.2f}" if (usd or 0) < 100 else f"{usd:,.0f}"


def _unknowns(catalogue: Catalogue, best: Sized | None) -> list[str]:
    unknowns = ["the work of running the servers is not counted"]
    if best is not None:
        row = best.row
        band = f"; that is {row.replicas_low} to {row.replicas_high} replicas"
        words = {
            "estimated": "throughput is predicted, not measured: 80 % of measured runs lie in its band",
            "calibrated": "throughput is predicted and corrected by your benchmark",
            "measured": "throughput is interpolated between your measured runs",
        }[row.label]
        unknowns.append(words + (band if row.replicas_low != row.replicas_high else ""))
        if row.label == "estimated":
            unknowns[-1] += "; give a benchmark of yours with --benchmark"
        unknowns.append("the time to the first token has a lower bound only; queueing comes on top")
        unknowns += best.row.warnings
    return unknowns


def _sources(catalogue: Catalogue, model: str, best: Sized | None, used: Mapping[str, object]) -> list[Source]:
    sources = [catalogue.compute.serving.source, catalogue.open_models[model].source]
    if best is not None:
        gpu = best.layout.server.gpu
        sources += [gpu.source, *([gpu.usd_per_hour.source] if gpu.usd_per_hour else [])]
    return sources + [catalogue.assumptions[each].source for each in used if each in catalogue.assumptions]


KIND = Kind(
    name="selfhost",
    title="What does it take to serve these calls on GPUs of your own?",
    short="Own GPUs",
    question=SelfhostQuestion,
    document=SelfhostAnswer,
    answer=answer,
)
