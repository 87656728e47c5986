"""The question "what does it save to send each call to the model it needs?": the hybrid, tiered approach."""

import dataclasses
from typing import Literal

from breakeven.catalogue.load import Catalogue
from breakeven.questions.kind import Kind
from breakeven.questions.route_evaluation import Evaluated, evaluated
from breakeven.questions.route_fields import RouteQuestion
from breakeven.questions.route_tables import evaluation_tables, mix_tables
from breakeven.questions.route_tiers import Mix, TierCost, TunedTier, mixed
from breakeven.questions.statement import Cited, cite, part
from breakeven.questions.tables import Table, echo, origins_of, price_list


@part
class RouteAnswer:
    """
    What routing saves: from shares and prices (``mix``, ``tiers``, ``tuned``), from an evaluation (``evaluation``).

    Either part is null or empty where it was not asked for. The rows of the evaluation are not repeated in
    ``question``.
    """

    schema: Literal["breakeven/route/1"] = "breakeven/route/1"
    question: dict[str, object]
    origins: dict[str, str]
    headline: str
    mix: Mix | None
    tiers: list[TierCost]
    tuned: list[TunedTier]
    evaluation: Evaluated | None
    unknowns: list[str]
    sources: list[Cited]
    prices: dict[str, str | None]

    def to_dict(self) -> dict[str, object]:
        """The answer as the JSON document of schema ``breakeven/route/1``."""
        return dataclasses.asdict(self)

    def target(self) -> float:
        """The saving to reach. [1]"""
        return float(str(self.question["target_saving"]))

    def tables(self) -> list[Table]:
        """The evaluation's strategies, or the bill of the mix, first."""
        found = [] if self.evaluation is None else evaluation_tables(self.evaluation)
        return found + ([] if self.mix is None else mix_tables(self.mix, self.tiers, self.tuned, self.target()))


def answer(question: RouteQuestion, catalogue: Catalogue, origins: dict[str, str] | None = None) -> RouteAnswer:
    """
    Answer the question with one catalogue. Pure: no clock, no file, no network.

    Raises
    ------
    InputError
        Shares above 1, a tier whose price is not known, a model or an offer that the catalogue or the evaluation does
        not know, an evaluation too small to be split.
    """
    study = evaluated(question, catalogue) if question.evaluation else None
    shares = any(tier.share is not None for tier in question.tiers)
    bill = mixed(question, catalogue) if question.tiers and (shares or study is None) else None
    unknowns = list(bill.unknowns) if bill else []
    if study is not None:
        unknowns += ["a call of yours is taken to cost what an item of the evaluation costs, and to need the same"]
        unknowns += study.notes
    return RouteAnswer(
        question=echo(question) | ({"evaluation": [], "evaluation_left_out": []} if study else {}),
        origins=origins_of(question, origins or {}),
        headline=" ".join(
            [*([_measured(question, study)] if study else []), *([_billed(question, bill.mix)] if bill else [])]
        ),
        mix=bill.mix if bill else None,
        tiers=bill.tiers if bill else [],
        tuned=bill.tuned if bill else [],
        evaluation=study,
        unknowns=unknowns,
        sources=cite(bill.sources if bill else []),
        prices=price_list(catalogue, question.as_of),
    )


def _billed(question: RouteQuestion, mix: Mix) -> str:
    """The mix in one sentence."""
    bill = (
        f"The mix costs ${mix.mix_monthly_usd:,.2f} a month where {mix.premium} for all costs"
        f" ${mix.premium_monthly_usd:,.2f}"
    )
    if mix.saving_share is None:
        return f"{bill}."
    if mix.saving_monthly_usd < 0:
        return f"{bill}: {-mix.saving_share:.1%} more."
    words = f"{bill}: {mix.saving_share:.1%} less, the router counted"
    if not mix.upfront_usd:
        return f"{words}."
    if mix.break_even_months is None:
        return f"{words}, which never repays ${mix.upfront_usd:,.2f} upfront."
    return f"{words}; ${mix.upfront_usd:,.2f} upfront are repaid after {mix.break_even_months:.1f} months."


def _measured(question: RouteQuestion, study: Evaluated) -> str:
    """The chosen strategy in one sentence."""
    chosen = next((each for each in study.strategies if each.name == study.chosen), None)
    if not study.strategies:
        good = [each for each in study.models if not each.dominated]
        return f"{len(good)} of {len(study.models)} models are not dominated; the cheapest of them is {good[0].model}."
    if chosen is None:
        return "No way of serving the calls reached the floor on the half it was chosen on."
    change = f"{chosen.saving_share:.1%} less" if chosen.saving_share >= 0 else f"{-chosen.saving_share:.1%} more"
    ends = f"({chosen.saving_share_low:.1%} to {chosen.saving_share_high:.1%})"
    floor = {"yes": "keeps", "no": "misses", "not proven": "may keep"}[chosen.floor_met]
    return (
        f"{chosen.name[:1].upper()}{chosen.name[1:]} costs {change} than {study.premium} for all {ends}: measured on"
        f" {study.second_items:,} items that it was not chosen on. It scores {chosen.score:.4g} and {floor} the floor"
        f" of {study.floor_score:.4g}."
    )


KIND = Kind(
    name="route",
    title="What does it save to send each call to the model it needs?",
    short="Routing",
    question=RouteQuestion,
    document=RouteAnswer,
    answer=answer,
)
