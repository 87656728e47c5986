"""Sentences of a pipeline's answer: its headline, and what is not known of it."""

from typing import TYPE_CHECKING

from breakeven.catalogue.load import Catalogue
from breakeven.questions.pipeline_costs import Priced, StepCost

if TYPE_CHECKING:
    from breakeven.questions.pipeline import PipelineQuestion


def headline(usd_per_run: float, monthly_usd: float, runs: float, dearest: StepCost, tune: str | None) -> str:
    """What a run and a month cost, and which step to begin with."""
    start = f"A run costs {_usd(usd_per_run)}: {_usd(monthly_usd)} a month for {runs:,.0f} runs"
    if not dearest.share:
        return f"{start}."
    first = f"{start}. The step {dearest.step} is {dearest.share:.0%} of it: cheapen it first."
    if tune is None:
        return first
    which = "it" if tune == dearest.step else f"the step {tune}"
    return f"{first} Tuning {which} saves most of all tunings and pays back within a year, if its quality suffices."


def unknowns(
    question: "PipelineQuestion",
    origins: dict[str, str],
    priced: Priced,
    costs: list[StepCost],
    straight: bool,
    drawn: bool,
    catalogue: Catalogue,
) -> list[str]:
    """What a reader should know before taking the numbers for more than they are."""
    found = [origins[name] for name in ("steps", "runs_per_month") if origins[name].startswith("your log")]
    if question.success_rate is None:
        found.append("how many results are right is not given (--success-rate), so a successful run has no cost")
    if not any(leaf.call.input_cv or leaf.call.output_cv for leaf in priced.leaves):
        found.append(
            "all calls of a step are taken to be of one size; the spread comes from branches, loops and failures alone"
        )
    if not straight:
        found.append(
            "sizes vary across a change of price, so the mean and the spread are sums over classes of lognormal sizes"
        )
    if question.draws and not drawn:
        found.append("a run has too many calls to draw runs by chance; percentiles are left out")
    assumed = [leaf.call for leaf in priced.leaves if leaf.call.cache != "none"]
    if any(call.cache_minimum_tokens is None for call in assumed):
        least = catalogue.assumptions["cache_minimum_prompt_tokens"]
        found.append(
            f"beginnings shorter than {least.value:,} tokens are taken not to be cached; providers ask for"
            f" {least.low:,} to {least.high:,}"
        )
    found += [
        f"{cost.step}: a call of {cost.largest_input_tokens:,.0f} input tokens does not fit the {cost.context_tokens:,}"
        f" of {cost.model}"
        for cost in costs
        if cost.context_tokens and cost.largest_input_tokens > cost.context_tokens
    ]
    found += [f"{cost.step}: {cost.model} retires on {cost.retires}" for cost in costs if cost.retires]
    if question.try_models:
        found.append("quality of other models is not compared; their token counts are estimated from one corpus")
    return found


def _usd(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 10 or not usd else f"${usd:,.3g}"
