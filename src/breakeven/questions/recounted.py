"""From the texts of a log, counted again, to how many tokens another model makes of them."""

from collections.abc import Sequence
from typing import Any

from breakeven.catalogue.families import conversion, exact_vocabulary
from breakeven.catalogue.load import Catalogue
from breakeven.usage.recount import Recount, Side

SIDES = ("input", "output")


def terms_from(
    counted: Recount, catalogue: Catalogue, today: str, to: Sequence[str]
) -> tuple[list[dict[str, Any]], str]:
    """
    What the field ``by_model`` gains for each model whose vocabulary is known and counted, and what was done, in words.

    Where today's vocabulary is known too, the ratio is that of the two counts of the same texts. Otherwise it is the
    new count over the logged tokens; a ratio that no tokenizer explains, because images, tools or hidden text are
    billed beside the texts, is then not used, and tokens are scaled as without texts.
    """
    own = exact_vocabulary(catalogue, today)
    terms: list[dict[str, Any]] = []
    said: list[str] = []
    for model in to:
        vocabulary = exact_vocabulary(catalogue, model)
        if vocabulary is None or vocabulary == own:
            continue
        band = conversion(catalogue, today, model)
        ratios: dict[str, float] = {}
        for name, side in zip(SIDES, (counted.asked, counted.answered), strict=True):
            base = side.counted.get(own, 0) if own else side.logged_tokens
            if not side.calls or not base or not side.counted.get(vocabulary):
                said.append(f"{name} of {model} scaled: the log holds no texts of it")
                continue
            ratio = side.counted[vocabulary] / base
            if own is None and not band.low <= ratio <= band.high:
                said.append(
                    f"{name} of {model} scaled: its texts make {side.counted[vocabulary]:,} tokens of"
                    f" {side.logged_tokens:,} logged ones, so they are not all that was billed"
                )
                continue
            ratios[name] = ratio
        if ratios:
            calls = min(side.calls for name, side in _sides(counted) if name in ratios)
            terms.append(
                {"model": model, "recounted_calls": calls, "recounted": "both" if len(ratios) > 1 else min(ratios)}
                | {f"{name}_ratio": ratio for name, ratio in ratios.items()}
            )
            said.insert(0, f"{' and '.join(ratios)} of {model} recounted in {vocabulary}")
    return terms, "; ".join([f"your log: {counted.calls:,} calls", *said, *_cover(counted, own)])


def _sides(counted: Recount) -> list[tuple[str, Side]]:
    return list(zip(SIDES, (counted.asked, counted.answered), strict=True))


def _cover(counted: Recount, own: str | None) -> list[str]:
    """How much of the logged tokens the texts are, where today's vocabulary says so, and what is no text."""
    said = []
    if own:
        for name, side in _sides(counted):
            if side.calls and side.logged_tokens:
                share = side.counted.get(own, 0) / side.logged_tokens
                said.append(f"the texts are {share:.1%} of the logged {name} tokens")
    if counted.left_out:
        said.append(f"no text, so scaled alike: {', '.join(counted.left_out)}")
    return said
