"""Sweeps over every YAML file of the catalogue; each test lists all offenders at once."""

import datetime as dt
from pathlib import Path

import pytest
import yaml

from breakeven.catalogue.load import FOLDER, Catalogue, load_catalogue, read, read_files, shipped_files
from breakeven.catalogue.records import Cited, OfferFile, Record
from breakeven.errors import CatalogueError

FILES = shipped_files()


def cited(record: Record) -> list[Cited]:
    """Every cited figure, day or window inside a record."""
    found = [record] if isinstance(record, Cited) else []
    for name in type(record).model_fields:
        value = getattr(record, name)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for part in parts:
            if isinstance(part, Record):
                found += cited(part)
    return found


def test_every_file_follows_the_schema() -> None:
    read_files(FILES)


def test_every_figure_has_an_address_and_a_day() -> None:
    offers, *others = read_files(FILES)
    records = [*offers, *others]
    figures = [each for record in records for each in cited(record)]
    wrong = [each.source.url for each in figures if not each.source.url.startswith("https://") or not each.source.seen]
    assert len(figures) > 300
    assert not wrong, "\n".join(wrong)


def test_files_name_their_provider_and_are_sorted() -> None:
    wrong = []
    for path in (FOLDER / "offers").glob("*.yaml"):
        file = read(path, OfferFile)
        ids = [offer.id for offer in file.offers]
        if ids != sorted(ids):
            wrong.append(f"{path.name}: offers are not sorted by id")
        wrong += [
            f"{path.name}: {each} does not begin with {file.provider}/"
            for each in ids
            if not each.startswith(f"{file.provider}/")
        ]
    models = [entry["model"] for entry in yaml.safe_load((FOLDER / "models.yaml").read_text())["models"]]
    if models != sorted(models):
        wrong.append("models.yaml: models are not sorted")
    assert not wrong, "\n".join(wrong)


def test_offer_ids_are_unique_and_bases_have_list_prices(catalogue: Catalogue) -> None:
    ids = [offer.id for path in (FOLDER / "offers").glob("*.yaml") for offer in read(path, OfferFile).offers]
    assert len(ids) == len(set(ids))
    listed = {model.id for model in catalogue.prices}
    wrong = [o.id for o in catalogue.offers.values() if o.list_model is not None and o.list_model not in listed]
    wrong += [life for life in catalogue.lives if life not in listed]
    assert not wrong, "\n".join(wrong)


def test_rows_that_cannot_be_tuned_say_why_and_what_instead(catalogue: Catalogue) -> None:
    none = [offer for offer in catalogue.offers.values() if offer.kind == "none"]
    assert len(none) >= 10
    assert all(offer.why_not and offer.alternatives and offer.finding for offer in none)


@pytest.mark.parametrize(
    "model",
    ["gpt-4o-mini", "gpt-5-mini", "gpt-5", "gpt-5.5", "deepseek-v4", "llama-4", "claude-sonnet-5", "gemini-3.5-flash"],
)
def test_every_model_of_the_articles_table_has_a_row(catalogue: Catalogue, model: str) -> None:
    from breakeven.catalogue.query import offers_for_model

    assert offers_for_model(catalogue, model), model


def test_assumptions_the_code_asks_for_exist(catalogue: Catalogue) -> None:
    import re

    source = FOLDER.parent
    asked = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r'assum(?:e|ptions)[\[(]"([a-z0-9_]+)"', path.read_text())
    }
    assert asked
    assert asked <= catalogue.assumptions.keys(), asked - catalogue.assumptions.keys()


def test_all_faults_of_a_file_are_listed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        """
provider: x
name: X
sources:
  page: {title: Page, url: "https://x.example", seen: "2026-13-1x", confidence: rumour}
offers:
  - id: x/one
    base_model: one
    label: One
    kind: tokens
    training: {usd_per_mtok: {value: -3, source: page}}
  - id: x/two
    base_model: two
    label: Two
    kind: none
    colour: blue
"""
    )
    with pytest.raises(CatalogueError) as caught:
        read(file, OfferFile)
    message = str(caught.value)
    for part in ("sources.page.seen", "sources.page.confidence", "x/one", "usd_per_mtok", "x/two", "colour"):
        assert part in message, f"{part} is missing from:\n{message}"
    assert all(line.startswith("bad.yaml: ") for line in message.splitlines())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("a: [1", "not YAML"),
        ("- 1", "expected keys"),
        ("prices: [{model: m, input: 1, output: -2}]", "prices.m.output"),
        ("prices: [{model: m, input: .nan, output: 2}]", "prices.m.input"),
        ("price: []", "price: Extra inputs"),
    ],
)
def test_a_bad_price_file_is_refused_in_plain_words(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "my.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CatalogueError, match=words):
        load_catalogue(file)


def test_a_changed_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from breakeven.catalogue import genai

    file = tmp_path / "a.yaml"
    file.write_text("a")
    first = genai.stamp(file)
    file.write_text("ab")
    assert genai.stamp(file) != first


def test_no_retirement_before_its_release(catalogue: Catalogue) -> None:
    wrong = [
        life.model
        for life in catalogue.lives.values()
        if life.released and life.retires and life.retires.day <= life.released.day
    ]
    assert not wrong
    assert max(life.released.day for life in catalogue.lives.values() if life.released) < dt.date(2026, 11, 24)
