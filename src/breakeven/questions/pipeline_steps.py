"""The steps of a pipeline: their fields, and the flow of priced loops that they make."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import ListModel
from breakeven.catalogue.query import check_day
from breakeven.errors import PriceNotFoundError, UnknownModelError
from breakeven.options.hosted import MTOK
from breakeven.options.tiers import Row, Tiers, listed_tiers
from breakeven.projection.flows import Flow, FlowStep, Group
from breakeven.projection.loops import Loop
from breakeven.questions.fields import Count, Number, field, share, tokens, usd, usd_per_mtok
from breakeven.questions.fields import name as word

WHAT, HOW, CACHE, FAIL, PRICE = "What a call holds", "How often", "Cache", "Failures", "Prices"

MOST_TURNS = 200
"""Turns of a loop, and rounds of a group, at most."""

Name = Annotated[str, StringConstraints(max_length=99, min_length=1)]


class Part(BaseModel):
    """What a call and a group of calls have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # fmt: off
    name: Name = word(..., HOW, "What the step is called; no two alike.")
    probability: Number = share(1.0, HOW, "Share of runs that come by which need the step.")
    calls_per_run: Number = field(
        1.0, "How often it is then begun, for each time its group is; a fraction is the probability of one more.",
        unit="times", group=HOW, ge=0, le=1000)
    parallel: bool = word(False, HOW, "All begun at once; they cannot read what each other writes to the cache.")
    alongside: bool = word(False, HOW, "Begun together with the step before it, so paid even where that one fails.")
    turns: Number = field(
        1.0, "Turns, one after another; the most of them where repeat_probability is given.", unit="turns", group=HOW,
        ge=1, le=MOST_TURNS)
    repeat_probability: Number | None = share(None, HOW, "Probability that a turn is followed by another, up to turns.")
    error_rate: Number = share(0.0, FAIL, "Share of attempts at a turn that fail.")
    retries: Count = field(
        0, "Further attempts at a turn that failed, at most.", unit="attempts", group=FAIL, ge=0, le=10)
    on_failure: Literal["stop", "go_on"] = word(
        "stop", FAIL, "Whether the run ends where the last attempt failed, or goes on without the step.")
    # fmt: on


class Call(Part):
    """A step of calls: of a model, or of anything else that has a price."""

    # fmt: off
    model: str | None = word(
        None, WHAT, "Model that is called, e.g. gpt-5-mini; none for other services.", max_length=99)
    prompt_tokens: Number = tokens(
        0, WHAT, "Instructions and tools at the head of every call, in every run the same.", 1e7)
    input_tokens: Number = tokens(0, WHAT, "Input of this run, read in every turn.", 1e7)
    output_tokens: Number = tokens(0, WHAT, "Output of a turn, reasoning included.", 1e7)
    tool_tokens: Number = tokens(0, WHAT, "Results of tools after a turn, read in the turns that follow.", 1e7)
    carried_share: Number = share(
        1.0, WHAT, "Share of a turn's output that the turns after it read; reasoning often is not.")
    history_most_tokens: Number | None = tokens(
        None, WHAT, "Most tokens kept of earlier turns, the oldest going first; all if left out.", 1e8)
    input_cv: Number = field(
        0.0, "Standard deviation of input and tool tokens over their mean.", unit="ratio", group=WHAT, ge=0, le=10)
    output_cv: Number = field(
        0.0, "Standard deviation of output_tokens over their mean.", unit="ratio", group=WHAT, ge=0, le=10)
    cache: Literal["none", "prompt", "history"] = word(
        "none", CACHE, "What the provider caches: nothing, the prompt, or the prompt and all turns so far.")
    warm_share: Number = share(0.0, CACHE, "Share of first turns that find the prompt cached by an earlier run.")
    hit_share: Number = share(1.0, CACHE, "Share of later turns that find the cache before it expires.")
    cache_minimum_tokens: Number | None = tokens(
        None, CACHE, "Shortest beginning that is cached; the usual one if left out.", 1e6)
    cached_share: Number = share(0.0, CACHE, "Share of input read from the cache, where measured; instead of cache.")
    cache_write_share: Number = share(0.0, CACHE, "Share of input written to the cache, where measured.")
    failed_cost_share: Number = share(1.0, FAIL, "Share of a call's cost that a failed attempt is billed.")
    batch_share: Number = share(0.0, PRICE, "Share of calls sent through the batch interface.")
    usd_per_call: Number = usd(
        0.0, PRICE, "Price of a call beside its tokens: a search, an hour of a tool or a person.", "USD/call")
    usd_month: Number = usd(0.0, PRICE, "Paid each month whatever the runs, such as a search service.", "USD/month")
    price_input: Number | None = usd_per_mtok(
        PRICE, "Your price for input tokens, in place of the list price.", "Input price")
    price_cached: Number | None = usd_per_mtok(PRICE, "Your price for cached input tokens.", "Cached input price")
    price_cache_write: Number | None = usd_per_mtok(
        PRICE, "Your price for tokens written to the cache.", "Cache write price")
    price_output: Number | None = usd_per_mtok(
        PRICE, "Your price for output tokens, in place of the list price.", "Output price")
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.cached_share + self.cache_write_share > 1:
            raise ValueError("cached_share and cache_write_share add up to more than all input tokens")
        if (self.cached_share or self.cache_write_share) and self.cache != "none":
            raise ValueError("give cache, or the shares that were measured (cached_share, cache_write_share), not both")
        if self.model is None:
            needed = {
                "price_input": self.prompt_tokens or self.input_tokens or (self.tool_tokens and self.turns > 1),
                "price_output": self.output_tokens,
            }
            missing = [key for key, count in needed.items() if count and getattr(self, key) is None]
            if missing:
                raise ValueError(f"tokens need a model, or {' and '.join(missing)}")
        return self

    @property
    def tokens_billed(self) -> bool:
        """Whether it is a call of a model."""
        return self.model is not None or self.price_input is not None or self.price_output is not None


class Step(Call):
    """A step, or a group of steps that are gone through together: ``turns`` are then rounds of them all."""

    steps: tuple[Call, ...] = word((), HOW, "Steps of a group, which has no calls of its own.", max_length=30)

    @model_validator(mode="after")
    def _group_or_call(self) -> Self:
        kinds = {name: info for name, info in Call.model_fields.items() if name not in Part.model_fields}
        own = [name for name, info in kinds.items() if getattr(self, name) != info.default]
        if self.steps and own:
            raise ValueError(f"a group of steps has no {own[0]} of its own; give it to one of its steps")
        return self


class Leaf(NamedTuple):
    """One step of calls: where it stands, and the group it is in, "" for none."""

    path: str
    group: str
    call: Call


def all_leaves(steps: tuple[Step, ...]) -> Iterator[Leaf]:
    """Every step of calls, in order."""
    for place, step in enumerate(steps):
        for inner, call in enumerate(step.steps):
            yield Leaf(f"steps.{place}.steps.{inner}", step.name, call)
        if not step.steps:
            yield Leaf(f"steps.{place}", "", step)


def find_models(steps: tuple[Step, ...], catalogue: Catalogue, as_of: dt.date) -> dict[str, ListModel]:
    """
    The listed model of each step that names one, by step.

    Raises UnknownModelError naming the step at fault, PriceNotFoundError for a model without a price yet on that day.
    """
    found = {}
    for leaf in all_leaves(steps):
        if leaf.call.model is not None:
            try:
                model = catalogue.prices.find(leaf.call.model)
            except UnknownModelError as error:
                raise UnknownModelError(f"{leaf.path}.model ({leaf.call.name}): {error}", "steps") from None
            check_day(catalogue, model, as_of)
            found[leaf.call.name] = model
    return found


def price_tiers(call: Call, model: ListModel | None, catalogue: Catalogue, day: dt.date) -> Tiers:
    """
    A step's prices on a day: its model's, the user's own laid over them.

    Raises PriceNotFoundError naming the step where its model has no price for input or output tokens.
    """
    own = [
        None if price is None else price / MTOK
        for price in (call.price_input, call.price_cached, call.price_cache_write, call.price_output)
    ]
    if model is None:
        fresh = own[0] or 0.0
        cached, written = (fresh if price is None else price for price in own[1:3])
        return Tiers((), ((fresh, cached, written, own[3] or 0.0, 0.0),), "your price", None)
    try:
        found = listed_tiers(catalogue, model, day, call.batch_share)
    except PriceNotFoundError as error:
        raise PriceNotFoundError(f"step {call.name}: {error}", "steps") from None
    if not any(price is not None for price in own):
        return found
    rows = tuple(_overlaid(row, own) for row in found.rows)
    return found._replace(rows=rows, origin=f"your price, else {found.origin}")


def _overlaid(row: Row, own: list[float | None]) -> Row:
    fresh, cached, written, output = (listed if mine is None else mine for listed, mine in zip(row, own, strict=False))
    return fresh, cached, written, output, row[4]


def build_flow(steps: tuple[Step, ...], tiers: Mapping[str, Tiers], catalogue: Catalogue) -> Flow:
    """The flow of a pipeline, each step of calls at its prices."""

    def flow_step(part: Step | Call) -> FlowStep:
        body: Loop | Group
        if isinstance(part, Step) and part.steps:
            body = Group(
                steps=tuple(map(flow_step, part.steps)),
                turns=part.turns,
                repeat_probability=part.repeat_probability,
                error_rate=part.error_rate,
                retries=part.retries,
            )
        else:
            body = loop_of(part, tiers[part.name], catalogue)
        return FlowStep(
            name=part.name,
            body=body,
            probability=part.probability,
            calls_per_run=part.calls_per_run,
            parallel=part.parallel,
            stops=part.on_failure == "stop",
            alongside=part.alongside,
        )

    return tuple(map(flow_step, steps))


def loop_of(call: Call, tiers: Tiers, catalogue: Catalogue) -> Loop:
    """One step of calls as numbers."""
    minimum = call.cache_minimum_tokens
    return Loop(
        prompt_tokens=call.prompt_tokens,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        tool_tokens=call.tool_tokens,
        carried_share=call.carried_share,
        history_most_tokens=call.history_most_tokens,
        turns=call.turns,
        repeat_probability=call.repeat_probability,
        cache=call.cache,
        cache_minimum_tokens=catalogue.assume("cache_minimum_prompt_tokens") if minimum is None else minimum,
        warm_share=call.warm_share,
        hit_share=call.hit_share,
        cached_share=call.cached_share,
        cache_write_share=call.cache_write_share,
        error_rate=call.error_rate,
        retries=call.retries,
        failed_cost_share=call.failed_cost_share,
        input_cv=call.input_cv,
        output_cv=call.output_cv,
        usd_per_call=call.usd_per_call,
        above=tiers.above,
        prices=tiers.rows,
    )
