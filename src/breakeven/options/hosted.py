"""Pay per token: what a workload costs at given token prices, and at a listed model's prices."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.prices import BATCH, ListModel, TokenRates, mean_token_rates
from breakeven.catalogue.query import check_day, model_retirement, months_until
from breakeven.catalogue.records import Source
from breakeven.options.lines import CostLine, Option, Workload
from breakeven.projection.paths import SEARCH_MONTHS

MTOK = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """
    Prices of one model, every bucket filled. [USD per 1M tokens; ``request`` in USD per call]

    None means that the price is not known. ``cached_input`` and ``cache_write`` equal ``input`` where the seller has
    no price of their own for them. ``batch`` is None where no batch price is published.
    ``origin`` says where each price comes from, in words, by bucket; key "" is for those not named.
    """

    input: float | None
    cached_input: float | None
    output: float | None
    cache_write: float | None = None
    request: float = 0.0
    batch: "TokenPrices | None" = None
    origin: tuple[tuple[str, str], ...] = ()

    def source_of(self, bucket: str) -> str:
        """Where the price of one bucket comes from."""
        origin = dict(self.origin)
        return origin.get(bucket, origin.get("", ""))

    def times(self, factor: float, source: str) -> "TokenPrices":
        """Every price multiplied, e.g. by a tuning premium."""

        def scaled(usd: float | None) -> float | None:
            return None if usd is None else usd * factor

        return TokenPrices(
            input=scaled(self.input),
            cached_input=scaled(self.cached_input),
            cache_write=scaled(self.cache_write),
            output=scaled(self.output),
            request=self.request * factor,
            batch=self.batch.times(factor, source) if self.batch else None,
            origin=(("", source),),
        )


def token_lines(workload: Workload, prices: TokenPrices) -> tuple[CostLine, ...]:
    """
    The lines of an average call. Batch calls cost the standard price where no batch price is published.

    Input tokens are split into uncached, cached and cache-write ones; the three add up to ``input_tokens``.
    """
    lines: list[CostLine] = []
    for share, of, suffix in (
        (1.0 - workload.batch_share, prices, ""),
        (workload.batch_share, prices.batch or prices, ", batch" if prices.batch else ", batch at standard price"),
    ):
        if share <= 0:
            continue
        cached = workload.input_tokens * workload.cached_share
        written = workload.input_tokens * workload.cache_write_share
        parts = (
            ("Input tokens", workload.input_tokens - cached - written, of.input, "input"),
            ("Cached input tokens", cached, of.cached_input, "cached_input"),
            ("Cache write tokens", written, of.cache_write, "cache_write"),
            ("Output tokens", workload.output_tokens, of.output, "output"),
        )
        lines += [
            CostLine(name + suffix, share * tokens / MTOK, "1M tokens", usd, "per call", part, of.source_of(part))
            for name, tokens, usd, part in parts
            if tokens > 0
        ]
        if of.request:
            source = of.source_of("")
            lines.append(CostLine("Requests" + suffix, share, "call", of.request, "per call", "request", source))
    return tuple(lines)


@lru_cache(maxsize=4096)
def list_prices(
    catalogue: Catalogue, model: ListModel, day: dt.date, request_input_tokens: int
) -> tuple[TokenPrices, Source]:
    """
    A listed model's prices on a day, and their source.

    Where the price depends on the time of day, calls are taken to be spread evenly over 24 hours.
    Raises PriceNotFoundError where the model has no price for input or output tokens.
    """
    table = catalogue.prices
    at = dt.datetime.combine(day, dt.time(12), dt.UTC)
    since = model.rates(at)["input_tokens"].since if "input_tokens" in model.rates(at) else None
    dated = f", since {since}" if since else ""
    if model.yours:
        source = Source(title=f"your price file {model.yours}", url=model.yours, seen=str(day), confidence="yours")
        origin = f"{model.id}, {model.yours}{dated}"
    else:
        source = catalogue.price_source(day).model_copy(update={"url": table.url(model.provider) or ""})
        origin = f"{model.id}, list price{dated}"
    if len(model.day_parts()) > 1:
        origin += ", mean over 24 hours"

    def prices(rates: TokenRates, batch: TokenPrices | None, words: str) -> TokenPrices:
        return TokenPrices(
            input=float(rates.input * MTOK),
            cached_input=float(rates.cache_read * MTOK),
            cache_write=float(rates.cache_write_short * MTOK),
            output=float(rates.output * MTOK),
            request=float(rates.request),
            batch=batch,
            origin=(("", words),),
        )

    batch = None
    if model.has_variant(at, BATCH):
        rates = mean_token_rates(model, day, request_input_tokens, BATCH)
        batch = prices(rates, None, f"{origin}, batch")
    standard = mean_token_rates(model, day, request_input_tokens)
    return prices(standard, batch, origin), source


def month_start(as_of: dt.date, month: int) -> dt.date:
    """First day of month 1, 2, ... of the projection: ``as_of`` moved on by whole calendar months."""
    years, index = divmod(as_of.month - 1 + month - 1, 12)
    year, month_of_year = as_of.year + years, index + 1
    first_of_next = dt.date(year + month_of_year // 12, month_of_year % 12 + 1, 1)
    return dt.date(year, month_of_year, min(as_of.day, (first_of_next - dt.timedelta(days=1)).day))


def announced_changes(
    model: ListModel, as_of: dt.date, lines_on: Callable[[dt.date], tuple[CostLine, ...]]
) -> tuple[tuple[int, tuple[CostLine, ...]], ...]:
    """
    The lines of an option after each price change its model has announced.

    Returns (month, lines from then on): a month is billed at the price in force on its first day.
    """
    days = sorted({entry.since for entry in (*model.entries, *model.variants) if entry.since and entry.since > as_of})
    changes: list[tuple[int, tuple[CostLine, ...]]] = []
    for day in days:
        month = next((m for m in range(2, SEARCH_MONTHS + 1) if month_start(as_of, m) >= day), None)
        if month is not None:
            changes.append((month, lines_on(month_start(as_of, month))))
    return tuple(changes)


def listed_option(
    catalogue: Catalogue, model: ListModel, workload: Workload, as_of: dt.date, *, option_id: str = ""
) -> Option:
    """
    A listed model serving the calls, untuned, with its announced price changes and its announced end.

    Token counts are taken as they are: convert them beforehand where the model's tokenizer counts otherwise. Raises
    PriceNotFoundError where the model has no price for input or output tokens, or none yet on that day.
    """
    # What an average call costs does not depend on how many there are.
    return _listed(catalogue, model, replace(workload, calls_per_month=0.0), as_of, option_id or model.id)


@lru_cache(maxsize=8192)
def _listed(catalogue: Catalogue, model: ListModel, workload: Workload, as_of: dt.date, option_id: str) -> Option:
    def prices_on(day: dt.date) -> tuple[TokenPrices, Source]:
        return list_prices(catalogue, model, day, workload.request_input_tokens)

    check_day(catalogue, model, as_of)
    prices, source = prices_on(as_of)
    end = model_retirement(catalogue, model)
    return Option(
        id=option_id,
        label=model.id,
        kind="untuned",
        lines=token_lines(workload, prices),
        later=announced_changes(model, as_of, lambda day: token_lines(workload, prices_on(day)[0])),
        life_months=None if end is None else months_until(catalogue, as_of, end.day),
        notes=(f"retired on {end.day}",) if end else (),
        sources=(source,),
    )
