"""A finetune answer as the rows of its charts: plain lists that the browser and the exporter draw alike."""

import math
from collections.abc import Iterable
from typing import Any

from breakeven.questions.break_even_map import BreakEvenMap
from breakeven.questions.cost_paths import CostPath
from breakeven.questions.finetune import FinetuneAnswer
from breakeven.surfaces.render.chart_words import PARTS, describe_map, short_usd
from breakeven.surfaces.render.chart_words import describe as describe

Row = dict[str, Any]
Rows = dict[str, list[Row]]

WORDS = {
    "clear_win": "clear win",
    "worth_considering": "worth considering",
    "not_worth_it": "not worth it",
    "never": "\N{MULTIPLICATION SIGN} never",
    "unknown": "? not known",
}
"""Verdicts of the map's cells as its legend names them."""

LONGEST_LABEL = 28
"""Longest label of a legend. [characters]"""

FAR_DEARER = 4.0
"""An option that costs more than this many times both staying and the leading option would flatten all other lines."""


def rows(answer: FinetuneAnswer, break_even: BreakEvenMap | None) -> Rows:
    """Every named dataset of the charts, ready for JSON; without a map its datasets are empty."""
    found, mapped = path_rows(answer), map_rows(break_even)
    return found | mapped | {"described": found["described"] + mapped["described"]}


def path_rows(answer: FinetuneAnswer) -> Rows:
    """Datasets of the charts of costs and of their parts."""
    paths, left_out = drawn(answer.paths)
    labels = short_labels([path.label for path in paths])
    months = len(paths[0].cumulative_usd) - 1
    return {
        "lines": [_line(path, label, slot) for path, label, slot in _slots(paths, labels)],
        "paths": [row for path, label, slot in _slots(paths, labels) for row in _path(path, label, slot)],
        "crossings": _crossings(paths, months),
        "retirements": _retirements(paths, labels, months),
        "bars": [_bar(path, label, place) for place, (path, label) in enumerate(zip(paths, labels, strict=True))],
        "parts": [row for place, path in enumerate(paths) for row in _parts(path, labels[place], place)],
        "part_names": _part_names(paths),
        "left_out": [{"text": f"Not drawn, far dearer: {path.label}"} for path in left_out],
        "described": [{"chart": name, "text": text} for name, text in describe(answer, None).items() if text],
    }


def map_rows(break_even: BreakEvenMap | None) -> Rows:
    """Datasets of the break-even map."""
    if break_even is None:
        return {"cells": [], "words": [], "here": [], "described": []}
    return {
        "cells": _cells(break_even),
        "words": _words(break_even),
        "here": [_here(break_even)],
        "described": [{"chart": "map", "text": describe_map(break_even)}],
    }


def drawn(paths: list[CostPath]) -> tuple[list[CostPath], list[CostPath]]:
    """Paths that share a scale, and those left out for being ``FAR_DEARER``; the first of each role always stays."""
    first = {path.role: path for path in reversed(paths)}
    most = FAR_DEARER * max(path.cumulative_usd[-1] for path in first.values())
    kept = [path for path in paths if path.cumulative_usd[-1] <= most or path in first.values()]
    return kept, [path for path in paths if path not in kept]


def short_labels(labels: list[str]) -> list[str]:
    """Labels short enough for a legend, long ones without their middle, all different."""
    short: list[str] = []
    for label in labels:
        tail = (LONGEST_LABEL - 1) // 2
        cut = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1 - tail]}…{label[-tail:]}"
        same = sum(each == cut or each.startswith(f"{cut} (") for each in short)
        short.append(f"{cut} ({same + 1})" if same else cut)
    return short


def _slots(paths: list[CostPath], labels: list[str]) -> Iterable[tuple[CostPath, str, str]]:
    """Each path with its label and its place in the scale of colours: stay, best_untuned, option_1, option_2, ..."""
    options = 0
    for path, label in zip(paths, labels, strict=True):
        options += path.role == "option"
        yield path, label, f"option_{options}" if path.role == "option" else path.role


def _line(path: CostPath, label: str, slot: str) -> Row:
    month = len(path.cumulative_usd) - 1
    usd = path.cumulative_usd[-1]
    return {"slot": slot, "label": label, "id": path.id, "role": path.role, "month": month, "usd": usd}


def _path(path: CostPath, label: str, slot: str) -> list[Row]:
    same = {"label": label, "role": path.role, "id": path.id, "slot": slot}
    return [{"month": month, "usd": usd} | same for month, usd in enumerate(path.cumulative_usd)]


def _crossings(paths: list[CostPath], months: int) -> list[Row]:
    """Where the leading option has paid back against staying, if that is inside the drawn months."""
    leading = next((path for path in paths if path.role == "option"), None)
    at = None if leading is None else leading.break_even_months
    if at is None or at > months:
        return []
    usd = _at(paths[0].cumulative_usd, at)
    text = f"break-even\nagainst staying,\n{f'month {at:.1f}' if at >= 0.1 else 'at once'}"
    return [{"month": at, "usd": usd, "text": text, "side": _side(at, months)}]


def _at(cumulative_usd: list[float], month: float) -> float:
    """A path's value between two months, linear."""
    before = min(int(month), len(cumulative_usd) - 2)
    return cumulative_usd[before] + (month - before) * (cumulative_usd[before + 1] - cumulative_usd[before])


def _side(month: float, months: int) -> str:
    """On which side of a month its text has room."""
    return "left" if month > months / 2 else "right"


def _retirements(paths: list[CostPath], labels: list[str], months: int) -> list[Row]:
    """Days on which options stop being served, those of one month on one row of text."""
    ending: dict[float, list[str]] = {}
    for path, label in zip(paths, labels, strict=True):
        if path.life_months is not None and path.life_months <= months:
            name = label.removeprefix("stay on ") if path.role == "stay" else label
            ending.setdefault(round(path.life_months, 1), []).append(name)
    return [
        {"month": month, "label": f"{', '.join(names)} retired", "row": row, "side": _side(month, months)}
        for row, (month, names) in enumerate(sorted(ending.items()))
    ]


def _cells(found: BreakEvenMap) -> list[Row]:
    """One row per cell; ``text`` for wide cells, ``short`` for narrow ones."""
    cells = []
    for reduction, months_row, words_row in zip(
        found.output_reduction, found.break_even_months, found.words, strict=True
    ):
        for calls, months, word in zip(found.calls_per_month, months_row, words_row, strict=True):
            texts = _cell_texts(months, word)
            cells.append({"calls": calls, "reduction": reduction, "months": months, "word": word, **texts})
    return cells


def _cell_texts(months: float | None, word: str) -> dict[str, str]:
    if months is None:
        sign = "\N{MULTIPLICATION SIGN}" if word == "never" else "?"
        return {"text": "never" if word == "never" else "?", "short": sign}
    if months >= 99.5:
        return {"text": f"{months:.0f}", "short": "…"}
    return {"text": f"{months:.1f}" if months >= 0.1 else "<0.1", "short": f"{months:.0f}"}


def _words(found: BreakEvenMap) -> list[Row]:
    """The verdicts on the map, best first."""
    used = {word for words in found.words for word in words}
    return [{"word": word, "label": label} for word, label in WORDS.items() if word in used]


def _here(found: BreakEvenMap) -> Row:
    """The cell nearest to the question."""
    calls, reduction = found.here
    return {
        "calls": min(found.calls_per_month, key=lambda each: abs(math.log(each / calls))),
        "reduction": min(found.output_reduction, key=lambda each: abs(each - reduction)),
    }


def _bar(path: CostPath, label: str, place: int) -> Row:
    usd = sum(part.usd for part in path.parts)
    return {"place": place, "label": label, "usd": usd, "text": f"{label}: {short_usd(usd)}"}


def _parts(path: CostPath, label: str, place: int) -> list[Row]:
    """The parts of one choice, each from where the one before it ends."""
    order = list(PARTS)
    stacked = []
    start = 0.0
    for part in sorted(path.parts, key=lambda part: order.index(part.part)):
        if part.usd:
            row = {"place": place, "label": label, "part": PARTS[part.part], "order": order.index(part.part)}
            stacked.append(row | {"usd": part.usd, "start": start, "end": start + part.usd})
            start += part.usd
    return stacked


def _part_names(paths: list[CostPath]) -> list[Row]:
    used = {part.part for path in paths for part in path.parts if part.usd}
    return [{"part": name} for part, name in PARTS.items() if part in used]
