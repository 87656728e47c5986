"""Templates to HTML: one environment for all pages, everything escaped, a name that is not given is an error."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from breakeven import __version__
from breakeven.questions.fields import label_of
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.asking import FLAG
from breakeven.surfaces.render.numbers import money, months


def with_field(query: str, name: str, value: str) -> str:
    """A query with one field set."""
    kept = [pair for pair in query.split("&") if pair and not pair.startswith(f"{name}=")]
    return "&".join([*kept, f"{name}={quote(value, safe=',/:')}"])


def capital(text: str) -> str:
    """A sentence with its first letter large, unless it begins with a name such as ``openai/gpt-5``."""
    first = text.split(" ", 1)[0]
    return text if "/" in first or any(letter.isdigit() for letter in first) else text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """A note of the answer as a sentence of a page: fields by the names the form has for them, one full stop."""
    named = FLAG.sub(lambda flag: LABELS.get(flag[1].replace("-", "_"), flag[0]), text)
    return capital(named).rstrip(".") + "."


LABELS = {
    name: f"\N{LEFT DOUBLE QUOTATION MARK}{label_of(name, info)}\N{RIGHT DOUBLE QUOTATION MARK}"
    for kind in QUESTIONS.values()
    for name, info in kind.question.model_fields.items()
}

environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
environment.globals |= {"kinds": list(QUESTIONS.values()), "version": __version__}
environment.filters |= {
    "money": money,
    "months": months,
    "capital": capital,
    "sentence": sentence,
    "with_field": with_field,
}


def draw(template: str, **names: Any) -> str:
    """One template filled in."""
    return environment.get_template(template).render(names)
