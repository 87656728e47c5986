"""What the answer of ``switch`` is made of."""

import dataclasses
from typing import Literal

from breakeven.questions.statement import Cited, Line, Word, part
from breakeven.questions.tables import Table

SwitchWord = Word | Literal["forced"]


@part
class Staying:
    """
    Today's model. [USD]

    monthly_usd : month 1. horizon_usd : the horizon, null where it is retired within it: staying is then impossible.
    until_retired_usd : what it costs while it is served, within the horizon.
    """

    model: str
    monthly_usd: float
    horizon_usd: float | None
    until_retired_usd: float
    usd_per_call: float
    usd_per_successful_call: float | None
    lines: list[Line]


@part
class Forced:
    """Why the move is forced: the day today's model stops being served, and how far it is. ``over``: it has passed."""

    retires: str
    months_left: float
    over: bool
    source: str


@part
class Move:
    """
    Moving to one model, now. Money for month 1 unless the name says otherwise. [USD]

    verdict : against staying, while both models are served; "forced" where staying ends before the move pays back.
    counts : where its token counts come from.
    input_ratio, output_ratio : its tokens over today's, of the same text; output_change : of the answers' length.
    monthly_low_usd, monthly_high_usd : band of estimated token counts, null where nothing is estimated.
    verdict_low, verdict_high : the verdict at either end of that band.
    saving_usd : against staying over the horizon, while both are served, upfront cost taken off.
    horizon_usd : the whole horizon, moved now, upfront cost included. wait_horizon_usd : the same, moved on the last
        day of today's model; null where the move is not forced.
    calls_to_break_even : calls until the upfront cost is repaid; null where a call saves nothing.
    failure_usd_at_parity, success_rate_at_parity : what makes a month cost the same as staying, all else as given;
        null where nothing does, or rates are not given.
    """

    model: str
    verdict: SwitchWord
    why_unavailable: str | None
    break_even_months: float | None
    monthly_usd: float
    monthly_low_usd: float | None
    monthly_high_usd: float | None
    verdict_low: SwitchWord | None
    verdict_high: SwitchWord | None
    monthly_saving_usd: float
    saving_share: float | None
    upfront_usd: float
    saving_usd: float
    horizon_usd: float
    wait_horizon_usd: float | None
    calls_to_break_even: float | None
    counts: str
    input_ratio: float
    output_ratio: float
    output_change: float
    input_tokens: float
    output_tokens: float
    usd_per_call: float
    success_rate: float | None
    usd_per_successful_call: float | None
    failure_usd_at_parity: float | None
    success_rate_at_parity: float | None
    retires: str | None
    life_months: float | None
    sold_checked: bool
    months_usd: list[float]
    notes: list[str]
    lines: list[Line]


@part
class SwitchAnswer:
    """Moving to each model against staying; the moves that can be made first, the least cost over the horizon first."""

    schema: Literal["breakeven/switch/1"] = "breakeven/switch/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    verdict: SwitchWord
    forced: Forced | None
    stay: Staying
    moves: list[Move]
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/switch/1``."""
        return dataclasses.asdict(self)

    def tables(self) -> list[Table]:
        """Moves, what differs, and the leading move's months and cost lines."""
        from breakeven.questions.switch_words import switch_tables

        return switch_tables(self)
