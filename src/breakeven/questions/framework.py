"""
The article's decision framework: five questions, and the lists of when each side wins, each with its evidence.

Thresholds are the article's and stand in ``assumptions.yaml``; what the article leaves unsaid is answered "unknown".
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from breakeven.catalogue.load import Catalogue
from breakeven.catalogue.query import offers_for_model, why_unavailable
from breakeven.questions.candidates import Candidates
from breakeven.questions.statement import Check, OptionAnswer
from breakeven.questions.words import usd

if TYPE_CHECKING:
    from breakeven.questions.finetune import FinetuneQuestion

Answer = Literal["yes", "no", "unknown"]


def _answer(holds: bool | None) -> Answer:
    return "unknown" if holds is None else "yes" if holds else "no"


def _not(holds: bool | None) -> bool | None:
    return None if holds is None else not holds


def framework(
    question: "FinetuneQuestion",
    found: Candidates,
    options: list[OptionAnswer],
    catalogue: Catalogue,
    origins: Mapping[str, str],
) -> list[Check]:
    """The five questions, in the article's order. ``origins`` says of fields read from a log where they came from."""
    leading = options[0] if options else None
    volume = catalogue.assume("article_calls_framework")
    wanted = catalogue.assume("article_output_reduction_framework")
    reduction, reduction_words = _reduction(found, question, origins)
    tunable, tunable_words = _tunable(question, found, catalogue)
    budget, budget_words = _budget(question, leading, origins)
    return [
        Check(
            question=f"Do I make {volume:,.0f} or more calls a month?",
            answer=_answer(question.calls_per_month >= volume),
            evidence=_volume(question, origins),
            consequence="if no: the article says stay on the API; volume alone cannot turn a loss into a saving",
        ),
        Check(
            question="Is my prompt structure consistent?",
            answer=_answer(question.consistent_prompts),
            evidence=_consistency(question, origins),
            consequence="if no: use retrieval or prompt engineering",
        ),
        Check(
            question=f"Does tuning cut my output tokens by {wanted:.0%} or more?",
            answer=_answer(None if reduction is None else reduction >= wanted),
            evidence=reduction_words,
            consequence="if no: little is saved on output; a smaller model or fewer input tokens may still pay",
        ),
        Check(
            question="Does the model I use support fine-tuning?",
            answer=_answer(tunable),
            evidence=tunable_words,
            consequence="if no: tune another model, or use retrieval and prompt engineering",
        ),
        Check(
            question="Can I afford the upfront cost?",
            answer=_answer(budget),
            evidence=budget_words,
            consequence="if no: start on the API and tune later",
        ),
    ]


def wins(
    question: "FinetuneQuestion", found: Candidates, catalogue: Catalogue, origins: Mapping[str, str]
) -> list[Check]:
    """The article's "when fine-tuning wins", each held against this workload."""
    high = catalogue.assume("article_calls_high_volume")
    heavy = catalogue.assume("article_output_heavy_low")
    reduction, reduction_words = _reduction(found, question, origins)
    better = _better_quality(question)
    return [
        _condition(
            f"High volume ({high:,.0f} or more calls a month)",
            question.calls_per_month >= high,
            f"{question.calls_per_month:,.0f} calls a month",
        ),
        _condition("Consistent prompt structure", question.consistent_prompts, _consistency(question, origins)),
        _condition(
            f"Output-heavy: tuning cuts output tokens by {heavy:.0%} or more",
            None if reduction is None else reduction >= heavy,
            reduction_words,
        ),
        _condition("Quality matters more than cost: the tuned model succeeds more often", better, _quality(question)),
        _condition(
            "Latency: fewer output tokens answer faster",
            None if reduction is None else reduction > 0,
            reduction_words,
        ),
    ]


def loses(
    question: "FinetuneQuestion",
    found: Candidates,
    options: list[OptionAnswer],
    catalogue: Catalogue,
    origins: Mapping[str, str],
) -> list[Check]:
    """The article's "when the API wins", each held against this workload."""
    low = catalogue.assume("article_calls_framework")
    every = question.retrain_every_months
    tunable, tunable_words = _tunable(question, found, catalogue)
    budget, budget_words = _budget(question, options[0] if options else None, origins)
    return [
        _condition(
            f"Low volume (under {low:,.0f} calls a month)",
            question.calls_per_month < low,
            f"{question.calls_per_month:,.0f} calls a month",
        ),
        _condition("Variable prompts", _not(question.consistent_prompts), _consistency(question, origins)),
        _condition("A model that cannot be tuned", _not(tunable), tunable_words),
        _condition(
            "Rapidly evolving requirements: the model must be retrained often",
            None if every is None else every <= catalogue.assume("rapid_change_months"),
            "not given: --retrain-every-months" if every is None else f"retrained every {every} months",
        ),
        _condition("Budget: the upfront cost cannot be paid", _not(budget), budget_words),
    ]


def _condition(text: str, holds: bool | None, evidence: str) -> Check:
    return Check(question=text, answer=_answer(holds), evidence=evidence, consequence="")


def _consistency(question: "FinetuneQuestion", origins: Mapping[str, str]) -> str:
    given = question.consistent_prompts
    if given is None:
        return origins.get("consistent_prompts", "not given: --consistent-prompts")
    return origins.get("consistent_prompts", f"you said {'yes' if given else 'no'}")


def _volume(question: "FinetuneQuestion", origins: Mapping[str, str]) -> str:
    words = f"{question.calls_per_month:,.0f} calls a month"
    origin = origins.get("calls_per_month")
    return f"{words} ({origin})" if origin else words


def _reduction(found: Candidates, question: "FinetuneQuestion", origins: Mapping[str, str]) -> tuple[float | None, str]:
    """The output reduction and where it came from; None while nobody has given one."""
    if "output_reduction" in question.model_fields_set:
        return question.output_reduction, f"{question.output_reduction:.0%}, given by you"
    if question.task:
        return found.reductions[1], f"{found.reductions[1]:.0%}, a rule of thumb for {question.task}"
    words = "not known; 0 % is used until you measure it: --output-reduction"
    seen = origins.get("output_reduction")
    return None, f"{words}; {seen}" if seen else words


def _tunable(question: "FinetuneQuestion", found: Candidates, catalogue: Catalogue) -> tuple[bool | None, str]:
    """Whether this buyer can order tuning of today's model on the day, with the offers that say so."""
    if question.model is None:
        return None, "no model given"
    name = found.today.id if found.today else question.model
    offers = offers_for_model(catalogue, question.model) or offers_for_model(catalogue, name)
    if not offers:
        return None, f"the catalogue has no record of tuning for {name}"
    reasons = [(offer, why_unavailable(offer, question.as_of, question.buyer)) for offer in offers]
    sold = [offer.id for offer, reason in reasons if reason is None]
    words = [f"{offer.id}: {reason or 'can be ordered'}" for offer, reason in reasons]
    return bool(sold), "; ".join(words)


def _budget(
    question: "FinetuneQuestion", leading: OptionAnswer | None, origins: Mapping[str, str]
) -> tuple[bool | None, str]:
    if leading is None or leading.upfront_usd is None:
        return None, "the upfront cost is not known"
    if question.budget_usd is None:
        words = f"{usd(leading.upfront_usd)} is needed upfront; your budget is not given: --budget-usd"
        seen = origins.get("budget_usd")
        return None, f"{words}; {seen}" if seen else words
    return leading.upfront_usd <= question.budget_usd, (
        f"{usd(leading.upfront_usd)} is needed upfront, {usd(question.budget_usd)} is there"
    )


def _better_quality(question: "FinetuneQuestion") -> bool | None:
    if question.success_rate is None or question.tuned_success_rate is None:
        return None
    return question.tuned_success_rate > question.success_rate


def _quality(question: "FinetuneQuestion") -> str:
    if question.success_rate is None or question.tuned_success_rate is None:
        return "not given: --success-rate and --tuned-success-rate"
    return f"{question.success_rate:.0%} of calls succeed today, {question.tuned_success_rate:.0%} tuned"
