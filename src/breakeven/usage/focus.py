"""
Priced usage as a FOCUS 1.0 cost and usage file: one charge per month, model, task and token bucket.

Columns after the FinOps Open Cost and Usage Specification 1.0 (focus.finops.org), all of them, in the order of its
sample data; empty is null. What a log does not know is null: accounts, regions, resources, commitments.

Billed, effective, contracted and list cost are the same amount: tokens at the price the answer used. ``ListUnitPrice``
x ``PricingQuantity`` is ``ListCost``, and all ``BilledCost`` together are the cost of the answer, both exactly. Calls
without a price are not in it: a charge of zero would say that they were free.
"""

import csv
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path
from zoneinfo import ZoneInfo

from breakeven.catalogue.prices import TokenRates
from breakeven.catalogue.table import PriceTable
from breakeven.errors import InputError
from breakeven.files import whole_file
from breakeven.usage.calls import GATEWAY_CACHE
from breakeven.usage.cells import Cell
from breakeven.usage.cube import Cube
from breakeven.usage.cuts import EPOCH
from breakeven.usage.fields import literal
from breakeven.usage.price import DIGITS, Bill

COLUMNS = tuple(
    "AvailabilityZone BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd"
    " BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargeFrequency ChargePeriodEnd"
    " ChargePeriodStart CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName"
    " CommitmentDiscountStatus CommitmentDiscountType ConsumedQuantity ConsumedUnit ContractedCost"
    " ContractedUnitPrice EffectiveCost InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingQuantity"
    " PricingUnit ProviderName PublisherName RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory"
    " ServiceName SkuId SkuPriceId SubAccountId SubAccountName Tags".split()
)
COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
NUMBERS = (*COSTS, "ContractedUnitPrice", "ListUnitPrice", "ConsumedQuantity", "PricingQuantity")
TIMES = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")

BUCKETS = {
    "input": ("input_tokens", "input tokens"),
    "cache_read": ("cache_read_tokens", "cached input tokens"),
    "cache_write_short": ("cache_write_short_tokens", "input tokens written to a cache"),
    "cache_write_long": ("cache_write_long_tokens", "input tokens written to a cache for an hour or longer"),
    "output": ("output_tokens", "output tokens"),
    "reasoning": ("reasoning_tokens", "reasoning tokens"),
    "request": ("calls", "requests"),
}
"""Bucket of ``TokenRates`` -> count of a cell, and how it is called."""

MILLION = 1_000_000
DECIMAL_DIGITS = 38
"""Most digits of a decimal in Parquet."""

Row = Mapping[str, str | Decimal | dt.datetime | None]


@dataclass(frozen=True)
class _Charge:
    """What charges are added up by."""

    month: dt.date
    timed: bool
    task: str
    model: str
    priced_as: str
    variant: str
    bucket: str
    usd_per_unit: Decimal


def charges(cube: Cube, bill: Bill, table: PriceTable, as_of: dt.date) -> list[Row]:
    """
    The rows, by month, model, task and bucket.

    Parameters
    ----------
    as_of : date
        Calls without a time are charged in its month, as they are priced on it; their tags say so.
    """
    units: dict[_Charge, int] = defaultdict(int)
    zone = ZoneInfo(cube.billing_zone)
    with localcontext() as context:
        context.prec = DIGITS
        for cell, rates, priced_as in zip(cube.cells, bill.rates, bill.priced_as, strict=True):
            if rates is not None:
                for charge, count in _of_cell(cell, rates, priced_as, as_of, zone):
                    units[charge] += count
        order = sorted(
            units, key=lambda c: (c.month, c.priced_as, c.model, c.task, c.variant, [*BUCKETS].index(c.bucket))
        )
        return [_row(charge, units[charge], table, zone) for charge in order]


def write_focus(cube: Cube, bill: Bill, table: PriceTable, as_of: dt.date, file: Path) -> int:
    """
    Write the charges whole or not at all, as Parquet or CSV by the file's name. Returns how many there are.

    Raises InputError where a cost has more digits than Parquet has, or the name ends in neither.
    """
    ending = file.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise InputError(f"--focus {file}: the name must end in .csv or .parquet", "focus")
    rows = charges(cube, bill, table, as_of)
    with whole_file(file, "--focus") as part:
        if ending == ".csv":
            with part.open("w", newline="", encoding="utf-8") as handle:
                writer = csv.writer(handle)
                writer.writerow(COLUMNS)
                writer.writerows([_text(row.get(name)) for name in COLUMNS] for row in rows)
        else:
            _write_parquet(rows, file, part)
    return len(rows)


def _of_cell(
    cell: Cell, rates: TokenRates, priced_as: str, as_of: dt.date, zone: ZoneInfo
) -> list[tuple[_Charge, int]]:
    timed = cell.since_us is not None
    day = as_of
    if cell.since_us is not None:
        day = (EPOCH + dt.timedelta(microseconds=cell.since_us)).astimezone(zone).date()
    variant = "batch" if cell.batch else cell.service_tier or ""
    found = []
    for bucket, (name, _) in BUCKETS.items():
        count: int = getattr(cell, name) - (cell.reasoning_tokens if bucket == "output" else 0)
        usd: Decimal = getattr(rates, bucket)
        if count and (usd or bucket != "request") and cell.service_tier != GATEWAY_CACHE:
            key = _Charge(day.replace(day=1), timed, cell.task, cell.model or "", priced_as, variant, bucket, usd)
            found.append((key, count))
    return found


def _row(charge: _Charge, count: int, table: PriceTable, zone: ZoneInfo) -> Row:
    request = charge.bucket == "request"
    per = 1 if request else MILLION
    usd = count * charge.usd_per_unit
    following = (charge.month + dt.timedelta(days=32)).replace(day=1)
    start, end = (dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in (charge.month, following))
    provider, _, model = charge.priced_as.partition("/")
    seller = table.provider_name(provider)
    sku = "/".join(part for part in (charge.priced_as, charge.bucket, charge.variant) if part)
    words = BUCKETS[charge.bucket][1]
    tags = {"task": charge.task, "model": charge.model, "bucket": charge.bucket}
    if charge.variant:
        tags["service_tier"] = charge.variant
    if not charge.timed:
        tags["time"] = "unknown"
    return {
        **dict.fromkeys(COSTS, usd),
        "BillingCurrency": "USD",
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{model}, {words}" + (f", {charge.variant}" if charge.variant else ""),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "ConsumedQuantity": Decimal(count),
        "ConsumedUnit": "Requests" if request else "Tokens",
        "ContractedUnitPrice": charge.usd_per_unit * per,
        "InvoiceIssuerName": seller,
        "ListUnitPrice": charge.usd_per_unit * per,
        "PricingCategory": "Standard",
        "PricingQuantity": Decimal(count) / per,
        "PricingUnit": "Requests" if request else "1M tokens",
        "ProviderName": seller,
        "PublisherName": seller,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{seller} API",
        "SkuId": sku,
        "SkuPriceId": f"{sku}@{_text(charge.usd_per_unit * per)}",
        "Tags": json.dumps(tags, ensure_ascii=False),
    }


def _text(value: str | Decimal | dt.datetime | None) -> str:
    """A value in CSV: numbers without an exponent and without zeros at the end, times in UTC, "" for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value


def _write_parquet(rows: list[Row], file: Path, part: Path) -> None:
    import duckdb

    types = {name: _decimal([row[name] for row in rows if name in row], name, file) for name in NUMBERS}
    types |= dict.fromkeys(TIMES, "TIMESTAMP WITH TIME ZONE")
    declared = ", ".join(f'"{name}" {types.get(name, "VARCHAR")}' for name in COLUMNS)
    with duckdb.connect() as engine:
        engine.execute(f"SET TimeZone = 'UTC'; CREATE TABLE charges ({declared})")
        marks = ", ".join("?" for _ in COLUMNS)
        texts = [[_text(row.get(name)) or None for name in COLUMNS] for row in rows]
        if texts:
            engine.executemany(f"INSERT INTO charges VALUES ({marks})", texts)
        engine.execute(f"COPY charges TO {literal(str(part))} (FORMAT parquet)")


def _decimal(values: list[str | Decimal | dt.datetime | None], name: str, file: Path) -> str:
    """The decimal type that holds some numbers exactly."""
    texts = [_text(value) for value in values]
    whole = max((len(text.partition(".")[0]) for text in texts), default=1)
    scale = max((len(text.partition(".")[2]) for text in texts), default=0)
    if whole + scale > DECIMAL_DIGITS:
        raise InputError(f"--focus {file}: {name} has more digits than Parquet can hold; write to a .csv file", "focus")
    return f"DECIMAL({DECIMAL_DIGITS}, {max(scale, min(9, DECIMAL_DIGITS - whole))})"
