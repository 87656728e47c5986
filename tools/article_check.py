"""
Hold every figure and rule of the article that started this project against the engine.

Prints docs/article-check.md (``make docs``); a test keeps the file equal to what this prints. The article: "Fine-Tuning
vs API Calls: When Does Fine-Tuning Actually Save Money?", getapipulse.com, 2026-05-27.
"""

import datetime as dt
import math
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.catalogue.query import offers_for_model, why_unavailable
from breakeven.projection.closed_form import calls_to_break_even
from breakeven.projection.routing import blended_usd, leaving_share
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion, answer
from breakeven.questions.route import RouteAnswer
from breakeven.questions.route import answer as route_answer
from breakeven.questions.route_fields import RouteQuestion
from breakeven.questions.selfhost import answer as own_answer
from breakeven.questions.selfhost_fields import SelfhostQuestion
from breakeven.surfaces.render.numbers import money

ARTICLE_DAY = dt.date(2026, 5, 27)
CHECK_DAY = dt.date(2026, 11, 23)
ROWS = {10_000: (480, 520, -40), 50_000: (2400, 1760, 640), 100_000: (4800, 3200, 1600), 500_000: (24000, 16000, 8000)}
"""The article's table: calls a month -> API cost, tuned cost, saving. [USD/month]"""

PROVIDERS = (
    ("gpt-4o-mini", "GPT-4o mini", "$100-500", "~2x", "Yes (OpenAI)"),
    ("gpt-5-mini", "GPT-5 mini", "$300-1,500", "~2x", "Yes (OpenAI)"),
    ("gpt-5", "GPT-5", "$1,000-5,000", "~2x", "Yes (OpenAI)"),
    ("gpt-5.5", "GPT-5.5", "$5,000+", "~2x", "Yes (OpenAI)"),
    ("deepseek-v4", "DeepSeek V4", "$50-500", "0% (self-host)", "Yes (Together.ai)"),
    ("llama-4", "Llama 4", "$50-500", "0% (self-host)", "Yes (Together.ai)"),
    ("claude-sonnet-4-5", "Claude (any)", "N/A", "N/A", "No"),
    ("gemini-2.5-flash", "Gemini (any)", "N/A", "N/A", "No"),
)
"""The article's provider table: name to look up, its name, training cost, premium, availability."""


SAME_MODEL = "groq/llama-3.1-8b-instant"
"""An open-weights model sold by the token, beside which the same one on GPUs of one's own is put."""


class Check:
    """Asks the engine and collects lines of Markdown."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.lines: list[str] = []

    def say(self, *lines: str) -> None:
        self.lines += lines

    def ask(self, **fields: object) -> FinetuneAnswer:
        article = {"price_input": 0.25, "price_output": 2.0, "input_tokens": 800, "output_tokens": 400}
        return answer(ask(FinetuneQuestion, article | {"as_of": ARTICLE_DAY} | fields), self.catalogue)


def page(catalogue: Catalogue) -> str:
    """The whole page."""
    check = Check(catalogue)
    check.say(
        "# The article, checked",
        "",
        "<!-- Written by tools/article_check.py (make docs). Do not edit. -->",
        "",
        'The article "Fine-Tuning vs API Calls: When Does Fine-Tuning Actually Save Money?" (getapipulse.com, 2026-05-27)',
        "gave this project its formula and its rules. Its figures are claims; here each is held against the engine.",
        f"Prices: genai-prices {catalogue.prices.version}; offers as of {ARTICLE_DAY} (the article) and {CHECK_DAY}.",
    )
    _formula(check)
    _table(check)
    _payback(check)
    _variables(check)
    _providers(check)
    _own_gpus(check)
    _lists(check)
    _framework(check)
    _hybrid(check)
    return "\n".join(check.lines) + "\n"


def _formula(check: Check) -> None:
    found = check.ask(calls_per_month=50_000, tuned_price_input=0.1, tuned_price_output=1, training_usd=150)
    option = found.options[0]
    growing = check.ask(
        calls_per_month=50_000, tuned_price_input=0.1, tuned_price_output=1, training_usd=150, growth_month=0.1
    ).options[0]
    hosted = check.ask(
        calls_per_month=50_000, tuned_price_input=0.1, tuned_price_output=1, training_usd=150, hosting_usd_month=20
    ).options[0]
    check.say(
        "",
        "## The formula",
        "",
        "**Holds, for level costs.** Break-even months = training cost / monthly saving. With a saving of"
        f" {money(option.monthly_saving_usd)} a month and {money(option.upfront_usd)} upfront the engine gives"
        f" {option.break_even_months:.2f} months; the formula gives {option.simple_break_even_months:.2f}.",
        "",
        "It is incomplete where costs are not level. The same case with calls growing 10 % a month breaks even after"
        f" {growing.break_even_months:.2f} months; with $20 a month of hosting after {hosted.break_even_months:.2f}. It also"
        " leaves out data, people, retraining and the day on which the model is retired.",
        "",
        "**Kept as verdict words:** below 6 months a clear win, 6 to 12 worth considering, above 12 not worth it on cost.",
    )


def _table(check: Check) -> None:
    check.say(
        "",
        "## The table of monthly costs",
        "",
        "GPT-5 mini at $0.25 / $2.00 per 1M tokens, 800 input and 400 output tokens, premium 2x, 30 % shorter output.",
        "",
        "| calls a month | article: API | engine: API | article: tuned | engine: tuned | article: saving | engine: saving |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    )
    for calls, (api, tuned, saving) in ROWS.items():
        found = check.ask(calls_per_month=calls, premium=2, output_reduction=0.3, training_usd=500)
        option = found.options[0]
        check.say(
            f"| {calls:,} | {money(api)} | {money(found.stay.monthly_usd)} | {money(tuned)} | {money(option.monthly_usd)} |"
            f" {money(saving)} | {money(option.monthly_saving_usd)} |"
        )
    times = ROWS[50_000][0] / check.ask(calls_per_month=50_000).stay.monthly_usd
    per_call = {calls: tuned / calls for calls, (_, tuned, _) in ROWS.items()}
    words = ", ".join(f"${usd:.4f} at {calls:,}" for calls, usd in per_call.items())
    check.say(
        "",
        f"**Does not hold.** Every API figure is {times:.0f} times too high. The tuned figures imply a price per call that"
        f" changes with volume ({words}), although no price of the article does. A saving that is the same for every call"
        " cannot change its sign with volume: with these prices tuning loses at 10,000 calls and loses 50 times as much at"
        " 500,000.",
        "",
        f"**What would make the API column true:** {times:.0f} times the tokens per call ({800 * times:,.0f} in,"
        f" {400 * times:,.0f} out), or {times:.0f} times the price (${0.25 * times:.0f} / ${2 * times:.0f} per 1M tokens).",
    )


def _payback(check: Check) -> None:
    found = check.ask(calls_per_month=50_000, premium=2, output_reduction=0.3, training_usd=500)
    option = found.options[0]
    free = check.ask(calls_per_month=50_000, premium=0, training_usd=500).options[0]
    half = check.ask(calls_per_month=50_000, premium=1, output_reduction=0.3, training_usd=500).options[0]
    check.say(
        "",
        '## "At 50K calls a month with a $500 training cost, break-even is under 1 month"',
        "",
        f"**Does not hold.** {option.reasons[0].capitalize()}. Even a tuned model that cost nothing per call would save"
        f" {money(free.monthly_saving_usd)} a month and pay back after {free.break_even_months:.0f} months. At no premium the"
        f" saving is {money(half.monthly_saving_usd)} a month: {half.break_even_months:.0f} months.",
        "",
        "**What would make it true:** a saving of $500 a month, which these calls cannot give at any premium or reduction,"
        f" because they cost {money(found.stay.monthly_usd)}. For break-even within 12 months at 30 % shorter output the tuned"
        f" price may be {option.flips.premium:.2f} x today's price at most; no output reduction alone does it"
        f" ({'none found' if option.flips.output_reduction is None else f'{option.flips.output_reduction:.0%}'}).",
        "",
        '## "At 10K calls a month, fine-tuning actually costs more"',
        "",
        "**Holds, for another reason.** It costs more at every volume at a premium of 2x: the premium outweighs 30 % shorter"
        " output whatever the number of calls.",
    )


def _variables(check: Check) -> None:
    catalogue = check.catalogue
    better = check.ask(calls_per_month=10_000, premium=0.5, output_reduction=0.3, training_usd=500).options[0]
    check.say(
        "",
        "## The three variables that matter",
        "",
        '1. **Volume.** Holds only where a call is cheaper after tuning; then volume pays the fixed cost. "Below 10K calls'
        " almost never\": with half of today's price, 30 % shorter output and $500 of training, 12 months need"
        f" {better.flips.calls_per_month:,.0f} calls a month of this size. The number depends on tokens and prices, so no one"
        " volume is a rule.",
    )
    check.say(
        "2. **Output token reduction.** No source for the article's figures was found. They are kept as labelled presets:"
    )
    for name in ("classification", "generation", "extraction"):
        preset = catalogue.assumptions[f"output_reduction_{name}"]
        check.say(
            f"   - {name}: {preset.value:.0%} ({preset.low:.0%} to {preset.high:.0%}), {preset.source.confidence}"
        )
    least = check.ask(calls_per_month=50_000, premium=2, training_usd=0).options[0]
    shares = check.ask(calls_per_month=50_000).stay.lines
    output_share = (shares[1].usd or 0) / sum(line.usd or 0 for line in shares)
    check.say(
        f"   Output is {output_share:.0%} of this workload's bill. To offset a premium of 2x by output alone, with training"
        f" free, {'no reduction suffices' if least.flips.output_reduction is None else f'{least.flips.output_reduction:.1%} are needed'}.",
        '3. **Inference premium.** "Roughly 2x" holds for OpenAI\'s small models only. Tuned price over base price, from the'
        " catalogue (output tokens):",
        "",
        "| offer | tuned / base | hosting per hour |",
        "|---|---:|---:|",
    )
    for offer in catalogue.offers.values():
        ratio = _premium(catalogue, offer.id)
        if ratio is not None:
            hourly = offer.hosting.usd_per_hour
            check.say(f"| {offer.id} | {ratio:.2f} | {'?' if hourly is None else f'${hourly.value:f}'} |")


def _premium(catalogue: Catalogue, offer_id: str) -> float | None:
    """Tuned over base price of output tokens, None where one of them is not known."""
    offer = catalogue.offers[offer_id]
    if offer.inference.base_multiple is not None:
        return float(offer.inference.base_multiple.value)
    if offer.inference.output is None or offer.list_model is None:
        return None
    model = catalogue.prices.find(offer.list_model)
    rates = model.rates(dt.datetime.combine(ARTICLE_DAY, dt.time(12), dt.UTC))
    return float(offer.inference.output.value / rates["output_tokens"].usd)


def _providers(check: Check) -> None:
    check.say(
        "",
        "## The provider table",
        "",
        f"| model | article | new customer, {ARTICLE_DAY} | existing customer, {ARTICLE_DAY} | new customer, {CHECK_DAY} |",
        "|---|---|---|---|---|",
    )
    for name, label, cost, premium, available in PROVIDERS:
        cells = [
            _sold(check.catalogue, name, day, buyer)
            for day, buyer in ((ARTICLE_DAY, "new"), (ARTICLE_DAY, "existing"), (CHECK_DAY, "new"))
        ]
        check.say(f"| {label} | {available}; {cost}; {premium} | " + " | ".join(cells) + " |")
    mini = check.ask(
        model="gpt-4o-mini",
        calls_per_month=50_000,
        tuned_model="openai/gpt-4o-mini-2024-07-18",
        buyer="existing",
        price_input=None,
        price_output=None,
    ).options[0]
    check.say(
        "",
        f"**Training costs do not hold as amounts to pay a provider.** {mini.label}: {mini.lines[-1].quantity:.2f}M billed"
        f" tokens cost {money(mini.upfront_usd)} ({money(mini.upfront_low_usd)} to {money(mini.upfront_high_usd)}, estimated"
        " from 500 examples and 3 epochs). Labels, evaluation and hosting are usually the larger part.",
    )


def _own_gpus(check: Check) -> None:
    """The 0 % premium of a model one hosts oneself, as what a call costs over the same model by API."""
    by_api = check.catalogue.prices.find(SAME_MODEL)
    check.say(
        "",
        '## "0 % (self-host)": the premium of GPUs of your own',
        "",
        f"Llama 3.1 8B on the cheapest layout that carries the article's call (800 + 400 tokens), against {by_api.id} by the"
        f" token on {CHECK_DAY}; estimated, with the replicas at either end of the band of the throughput.",
        "",
        "| calls a month | GPUs | a month | by API | own over API |",
        "|---:|---|---:|---:|---:|",
    )
    usage = {"input_tokens": 800, "output_tokens": 400, "as_of": CHECK_DAY, "api_model": by_api.id}
    for calls in (50_000, 500_000, 5_000_000, 50_000_000, 500_000_000):
        fields = usage | {"model": "llama-3.1-8b", "calls_per_month": calls}
        found = own_answer(ask(SelfhostQuestion, fields), check.catalogue)
        row, api = found.best, found.by_api
        assert row is not None
        assert api is not None
        assert row.monthly_usd is not None
        few, many = row.replicas_low, row.replicas_high
        band = "" if few == many else f" ({few} to {many})"
        ratio = row.monthly_usd / api.monthly_usd
        check.say(
            f"| {calls:,} | {row.replicas}{band} x {row.gpus} {row.gpu_name} | {money(row.monthly_usd)} |"
            f" {money(api.monthly_usd)} | {ratio:,.2f} |"
        )
    check.say(
        "",
        "**A premium of 0 % does not hold at the article's volumes.** GPUs are whole and idle at night: a call on a few of them"
        " costs many times its price by API; only a large fleet comes near it. The work of running the servers comes on top.",
    )


def _sold(catalogue: Catalogue, name: str, day: dt.date, buyer: str) -> str:
    """Who sells tuning of a model to this buyer on this day, in one cell."""
    offers = offers_for_model(catalogue, name)
    open_ones = [offer.id for offer in offers if why_unavailable(offer, day, buyer) is None]  # type: ignore[arg-type]
    return f"yes: {', '.join(open_ones)}" if open_ones else "no"


def _lists(check: Check) -> None:
    yes = check.ask(calls_per_month=100_000, premium=2, output_reduction=0.3, training_usd=500, consistent_prompts=True)
    option = yes.options[0]
    check.say(
        "",
        '## "When fine-tuning wins" and "when the API wins"',
        "",
        "The engine shows which conditions hold for a workload; it does not decide by them. The article's own example at"
        f" 100,000 calls meets {sum(check_.answer == 'yes' for check_ in yes.wins)} of its 5 conditions for tuning and"
        f" {sum(check_.answer == 'yes' for check_ in yes.loses)} against, and still loses"
        f" {money(-(option.monthly_saving_usd or 0))} a month.",
        "",
        "- High volume, output-heavy, consistent prompts: **hold as directions**, not as thresholds.",
        '- "Output tokens are where most of the cost is": true here, not where prompts are long or reasoning is not billed.',
        '- "Using Claude or Gemini: no fine-tuning available": see the table above. Claude 3 Haiku could be tuned on'
        " Bedrock until 2026-09-10; Gemini can be tuned on Google Cloud.",
        '- "If you can\'t afford $500+": provider bills start at a few dollars; see above.',
    )


def _framework(check: Check) -> None:
    found = check.ask(
        model="gpt-5-mini",
        calls_per_month=50_000,
        premium=2,
        output_reduction=0.3,
        training_usd=500,
        budget_usd=500,
        consistent_prompts=True,
        price_input=None,
        price_output=None,
    )
    check.say(
        "",
        "## The five questions, for the article's own example",
        "",
        "| question | answer | evidence |",
        "|---|---|---|",
    )
    for row in found.framework:
        check.say(f"| {row.question} | {row.answer} | {row.evidence} |")
    check.say("", f"The engine's verdict on the same numbers: **{found.verdict.word}**. {found.verdict.headline}")


CHEAP = (("gpt-4o-mini", "GPT-4o mini"), ("gemini-2.5-flash", "Gemini 2.5 Flash"))
BEST = (("gpt-5", "GPT-5"), ("claude-sonnet-4-5", "Claude Sonnet 4.5"))
TUNED = "openai/gpt-4o-mini-2024-07-18"
"""The models that the article names for its three tiers."""

TARGETS = (0.4, 0.6)
STEPS = 10
"""Parts that the shares of the tiers are counted in."""


def _hybrid(check: Check) -> None:
    def route(premium: str, cheap: str, shares: tuple[float, float, float], **fields: object) -> RouteAnswer:
        tiers = (
            {"name": "simple", "share": shares[0], "model": cheap},
            {"name": "moderate", "share": shares[1], "tuned_model": TUNED, "upfront_usd": 0},
            {"name": "complex", "share": shares[2], "model": premium},
        )
        asked = {"calls_per_month": 100_000, "input_tokens": 800, "output_tokens": 400, "buyer": "existing"}
        asked |= {"model": premium, "tiers": tiers, "as_of": ARTICLE_DAY}
        return route_answer(ask(RouteQuestion, asked | fields), check.catalogue)

    thirds = (1 / 3, 1 / 3, 1 - 2 / 3)
    example = route("gpt-5", "gpt-4o-mini", thirds)
    simple, moderate, _ = (tier.monthly_usd / tier.share for tier in example.tiers)
    premium = example.mix.premium_monthly_usd
    least, most = (1 - leaving_share(target, 1 - (simple + moderate) / 2 / premium) for target in reversed(TARGETS))
    check.say(
        "",
        '## The hybrid approach: "can save 40-60 % compared to using a single premium model"',
        "",
        f"100,000 calls of 800 + 400 tokens cost {money(premium)} on GPT-5, {money(simple)} on GPT-4o mini and {money(moderate)}"
        f" on tuned GPT-4o mini. A third of the calls on each costs {money(example.mix.mix_monthly_usd)}: {example.mix.saving_share:.0%}"
        f" less than GPT-5 for all. **Holds where {least:.0%} to {most:.0%} of the calls stay on GPT-5**, at a quality that the"
        " article does not compare: with fewer there it saves more, with more it saves less.",
        "",
        "The saving is the share of the bill that leaves the premium model, times one minus the price of what replaces it over"
        " the premium price, less the router. For the models that the article names, its calls and list prices, training and"
        " routing free:",
        "",
        "| cheap | premium | cheap / premium | tuned mini / premium | saving, a third on each | premium share for 60 % | for 40 % | mixes below 40 % | 40-60 % | above |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    )
    for cheap, cheap_name in CHEAP:
        for best, best_name in BEST:
            found = route(best, cheap, thirds)
            ratios = [tier.monthly_usd / tier.premium_monthly_usd for tier in found.tiers]
            mean = 1 - (ratios[0] + ratios[1]) / 2
            stays = [1 - leaving_share(target, mean) for target in reversed(TARGETS)]
            below, within, above = _region(ratios)
            check.say(
                f"| {cheap_name} | {best_name} | {ratios[0]:.3f} | {ratios[1]:.3f} | {found.mix.saving_share:.0%} | {stays[0]:.0%} |"
                f" {stays[1]:.0%} | {below} | {within} | {above} |"
            )
    ratios = [tier.monthly_usd / tier.premium_monthly_usd for tier in example.tiers]
    check.say(
        "",
        f"Mixes: all {(STEPS + 1) * (STEPS + 2) // 2} ways of giving the three tiers shares in steps of {1 / STEPS:.0%}. For GPT-4o mini and"
        " GPT-5, by the share of calls that stay on GPT-5:",
        "",
        "| on GPT-5 | saving, the rest on GPT-4o mini | the rest on tuned GPT-4o mini | 40-60 %? |",
        "|---:|---:|---:|---|",
    )
    for stay in range(STEPS + 1):
        rest = 1 - stay / STEPS
        savings = [rest * (1 - ratio) for ratio in ratios[:2]]
        inside = [TARGETS[0] <= saving <= TARGETS[1] for saving in savings]
        words = (
            "yes"
            if all(inside)
            else "in part"
            if any(inside)
            else "no, less"
            if savings[0] < TARGETS[0]
            else "no, more"
        )
        check.say(f"| {stay / STEPS:.0%} | {savings[0]:.0%} | {savings[1]:.0%} | {words} |")
    check.say(
        "",
        "For any models, the share of calls that may stay on the premium model, by the mean price of what replaces it:",
        "",
        "| price over premium | for 60 % | for 40 % |",
        "|---:|---:|---:|",
    )
    for ratio in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6):
        cells = [leaving_share(target, 1 - ratio) for target in reversed(TARGETS)]
        words = ["not reachable" if not math.isfinite(cell) else f"{max(0.0, 1 - cell):.0%}" for cell in cells]
        check.say(f"| {ratio:.2f} | {words[0]} | {words[1]} |")
    routed = route("gpt-5", "gpt-4o-mini", thirds, router_model="gpt-5-nano", router_output_tokens=10)
    hosted = check.catalogue.offers["azure/gpt-4o-mini-2024-07-18"].hosting.usd_per_hour
    hours = check.catalogue.assume("hours_per_month")
    hosting = float(hosted.value) * hours if hosted else 0.0
    check.say(
        "",
        f"- **The router** is small change: GPT-5 nano reading every call costs {money(routed.mix.router_monthly_usd)} a month and leaves"
        f" {routed.mix.saving_share:.0%} of {example.mix.gross_saving_share:.0%}.",
        f"- **Hosting is not**: tuned GPT-4o mini on Azure costs {money(hosting)} a month whatever the"
        f" calls; here that is {hosting / premium:.1f} times the whole premium bill, so the mix loses money up to"
        f" {calls_to_break_even(hosting, example.mix.saving_monthly_usd / 100_000):,.0f} calls a month of this size.",
        f'- "Fine-tuned small model: 30 % cost reduction": tuning GPT-4o mini costs {moderate / simple:.1f} times as much per'
        " token as GPT-4o mini itself; it saves only against a larger model.",
        "- **Quality** decides how many calls can leave. It has to be measured: `breakeven route --evaluation` chooses on one half of"
        " the items and reports on the other.",
    )


def _region(ratios: list[float]) -> tuple[int, int, int]:
    """Mixes in steps whose saving is below the two targets, between them, and above, from price ratios to premium."""
    counts = [0, 0, 0]
    for simple in range(STEPS + 1):
        for moderate in range(STEPS + 1 - simple):
            shares = [simple / STEPS, moderate / STEPS, (STEPS - simple - moderate) / STEPS]
            saving = round(1 - float(blended_usd(shares, ratios)), 9)
            counts[(saving >= TARGETS[0]) + (saving > TARGETS[1])] += 1
    return counts[0], counts[1], counts[2]


if __name__ == "__main__":
    print(page(load_catalogue(refreshed=False)), end="")
