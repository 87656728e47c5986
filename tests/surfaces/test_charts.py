"""Charts: colours that readers can tell apart, rows that hold the answer's figures, files, and notebooks."""

import datetime as dt
import itertools
import os
import re
import struct
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from breakeven.catalogue.load import Catalogue
from breakeven.questions.break_even_map import break_even_map
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion, answer
from breakeven.surfaces.render.chart_files import chart_spec, svg, whole_svg
from breakeven.surfaces.render.chart_rows import Rows, drawn, rows, short_labels
from breakeven.surfaces.render.chart_theme import THEMES, ThemeName
from breakeven.surfaces.render.chart_words import PARTS, short_usd
from breakeven.surfaces.render.charts import DASHES

FIELDS: dict[str, Any] = {
    "model": "gpt-4.1",
    "calls_per_month": 50_000,
    "input_tokens": 1800,
    "output_tokens": 400,
    "tuned_model": "azure/gpt-4.1-nano-2025-04-14",
    "input_reduction": 0.5,
    "training_usd": 300,
    "people_usd": 1500,
    "hosting_usd_month": 40,
    "as_of": dt.date(2026, 11, 23),
}
FLAGS = [part for name, value in FIELDS.items() for part in ("--" + name.replace("_", "-"), str(value))]


def asked(catalogue: Catalogue, **changes: Any) -> tuple[FinetuneQuestion, FinetuneAnswer]:
    question = ask(FinetuneQuestion, FIELDS | changes)
    return question, answer(question, catalogue)


def all_rows(catalogue: Catalogue, **changes: Any) -> Rows:
    question, found = asked(catalogue, **changes)
    return rows(found, break_even_map(question, found, catalogue))


# Colours


def linear(colour: str) -> Any:
    """A colour as linear light, 0 to 1."""
    value = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2."""
    bright, dark = sorted((float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


SEEN_AS = {
    "full colour": np.eye(3),
    # Vienot, Brettel, Mollon 1999: linear light as seen without red or without green cones.
    "without red": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "without green": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
    "no colour": np.array([[0.2126, 0.7152, 0.0722]] * 3),
}


def lightness_and_hue(colour: str, seen: Any) -> Any:
    """A colour in Oklab (Ottosson 2020), as a reader sees it."""
    light = np.clip(seen @ linear(colour), 0, 1)
    to_cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    to_lab = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ light)


@pytest.mark.parametrize("name", THEMES)
def test_text_and_lines_stand_out(name: ThemeName) -> None:
    theme = THEMES[name]
    for colour in (theme.ink, theme.muted):
        assert contrast(colour, theme.page) >= 4.5
    for fill, text in theme.words.values():
        assert contrast(fill, text) >= 4.5
    for slot, colour in theme.lines.items():
        assert contrast(colour, theme.page) >= 3, slot


@pytest.mark.parametrize("seen", SEEN_AS)
@pytest.mark.parametrize("name", THEMES)
def test_lines_differ_in_colour_or_in_their_dashes(name: ThemeName, seen: str) -> None:
    """Two lines are alike only where both colour and dashes are; never colour alone."""
    places = {slot: lightness_and_hue(colour, SEEN_AS[seen]) for slot, colour in THEMES[name].lines.items()}
    for one, other in itertools.combinations(places, 2):
        if DASHES[one] == DASHES[other] and seen != "no colour":
            assert np.linalg.norm(places[one] - places[other]) > 0.1, (one, other)
        else:
            assert DASHES[one] != DASHES[other] or {one, other} == {"stay", "option_1"}


@pytest.mark.parametrize("name", THEMES)
def test_parts_beside_each_other_are_told_apart(name: ThemeName) -> None:
    """Bars also say their parts in words when pointed at; neighbours differ for every reader with some colour."""
    fills = [THEMES[name].parts[part] for part in PARTS.values()]
    for seen in ("full colour", "without red", "without green"):
        places = [lightness_and_hue(fill, SEEN_AS[seen]) for fill in fills]
        for one, other in itertools.pairwise(places):
            assert np.linalg.norm(one - other) > 0.08, seen


# Rows


def test_rows_hold_the_figures_of_the_answer(catalogue: Catalogue) -> None:
    _, found = asked(catalogue)
    data = all_rows(catalogue)
    stay = [row["usd"] for row in data["paths"] if row["role"] == "stay"]
    # 50,000 x (1,800 x $2 + 400 x $8) / 1M = $340 a month
    assert stay == pytest.approx([340 * month for month in range(13)])
    assert [row["usd"] for row in data["bars"]] == pytest.approx([path.cumulative_usd[12] for path in found.paths])
    for bar in data["bars"]:
        parts = [row for row in data["parts"] if row["place"] == bar["place"]]
        assert sum(row["usd"] for row in parts) == pytest.approx(bar["usd"])
        assert parts[-1]["end"] == pytest.approx(bar["usd"])


def test_the_crossing_lies_on_both_lines(catalogue: Catalogue) -> None:
    _, found = asked(catalogue)
    crossing = all_rows(catalogue)["crossings"][0]
    stay, leading = found.paths[0], next(path for path in found.paths if path.role == "option")
    assert crossing["month"] == leading.break_even_months
    before = int(crossing["month"])
    for path in (stay, leading):
        low, high = path.cumulative_usd[before : before + 2]
        assert crossing["usd"] == pytest.approx(low + (crossing["month"] - before) * (high - low), rel=1e-6)


def test_the_retirement_of_the_base_and_of_todays_model_is_drawn(catalogue: Catalogue) -> None:
    labels = {row["label"]: row["month"] for row in all_rows(catalogue)["retirements"]}
    # gpt-4.1 ends on 2027-01-14, 52 days after 2026-11-23: 52 / 30.4375
    assert labels["openai/gpt-4.1 retired"] == pytest.approx(52 / 30.4375, abs=0.05)
    assert any(label.startswith("GPT-4.1 nano") for label in labels)


def test_far_dearer_options_are_named_and_not_drawn(catalogue: Catalogue) -> None:
    _, found = asked(catalogue, tuned_model=None, hosting_usd_month=None)
    kept, left_out = drawn(found.paths)
    named = " ".join(row["text"] for row in all_rows(catalogue, tuned_model=None, hosting_usd_month=None)["left_out"])
    assert len(kept) + len(left_out) == len(found.paths)
    assert all(path.label in named for path in left_out)


def test_labels_are_short_and_all_different() -> None:
    long = "A name that is much longer than a legend has room for"
    found = short_labels(["stay", long, long, f"{long}!"])
    assert len(set(found)) == 4
    assert found[0] == "stay"


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "$0"), (0.051, "$0.051"), (9.4, "$9.4"), (940, "$940"), (12_300, "$12.3k"), (-2e6, "-$2M"), (9_990, "$9,990")],
)
def test_money_in_few_characters(usd: float, text: str) -> None:
    assert short_usd(usd) == text


# Images


def texts_of(image: bytes) -> str:
    return " ".join(each.text or "" for each in ElementTree.fromstring(image).iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [290, 700])
def test_each_chart_is_drawn_with_its_words(catalogue: Catalogue, theme: ThemeName, width: int) -> None:
    data = all_rows(catalogue)
    for name in ("costs", "map", "parts"):
        image = svg(chart_spec(name, data, theme, width))
        root = ElementTree.fromstring(image)
        assert float(root.attrib["width"]) <= width + 1
        assert root.attrib["role"] == "img"
        assert len(root.attrib["aria-label"]) > 40
        assert not re.search(r"\b(nan|infinity|null|undefined)\b", texts_of(image), re.IGNORECASE)


def test_names_from_a_price_file_are_escaped(catalogue: Catalogue) -> None:
    data = all_rows(catalogue)
    image = whole_svg(data, 'Is "<script>" & co dear?')
    assert "<script" not in image.decode()
    assert 'Is "<script>" & co dear?' in texts_of(image)


# The command line


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "breakeven", "finetune", *FLAGS, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


def test_charts_are_written_beside_the_answer(tmp_path: Path, catalogue: Catalogue) -> None:
    files = [tmp_path / f"out.{ending}" for ending in ("svg", "png", "html")]
    done = run(*(part for file in files for part in ("--chart", str(file))))
    assert done.returncode == 0, done.stderr
    assert done.stdout == run().stdout
    _, found = asked(catalogue)
    image, picture, page = (file.read_bytes() for file in files)
    assert "month 6.3" in texts_of(image)
    assert " ".join(texts_of(image).split()).startswith(found.verdict.headline[:60])
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">I", picture[16:20])[0] == 2 * int(float(ElementTree.fromstring(image).attrib["width"]))
    assert re.findall(rb"(?:src|href)=[\"']?(?:https?:)?//", page) == []
    assert escape(found.verdict.headline).encode() in page
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize(
    ("name", "said"),
    [("out.pdf", "must end in .svg, .png, .html"), ("out", "must end in"), ("no/such/\0/out.svg", "")],
)
def test_a_chart_that_cannot_be_written_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    if "\0" in name:
        (tmp_path / "no").write_text("a file where a folder is wanted")
        name, said = "no/out.svg", "cannot be written"
    done = run("--chart", str(tmp_path / name))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


# Notebooks


def test_an_answer_displays_itself_in_a_notebook() -> None:
    shell = InteractiveShell.instance()
    arguments = ", ".join(f"{name}={str(value)!r}" for name, value in FIELDS.items())
    try:
        shell.run_cell("%load_ext breakeven", silent=True)
        found = shell.run_cell(f"import breakeven\nfound = breakeven.finetune({arguments})", silent=True)
        assert found.success, found.error_in_exec
        shown, _ = shell.display_formatter.format(shell.user_ns["found"])
    finally:
        InteractiveShell.clear_instance()
    headline = shell.user_ns["found"].verdict.headline
    assert headline[:60] in shown["text/plain"]
    assert headline[:60] in shown["text/html"]
    assert '<img alt="Line chart of costs' in shown["text/html"]
    assert "<script" not in shown["text/html"]
