"""The table of all list prices: which model a name means, with a user's own prices laid over the list."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from breakeven.catalogue.genai import Document
from breakeven.catalogue.prices import Entry, ListModel, Rate
from breakeven.errors import UnknownModelError, nearest


class PriceTable:
    """
    All list prices, with a user's own laid over them.

    Parameters
    ----------
    document : dict
        As made by ``genai.load_document``.
    own : mapping, optional
        Models of a user's price file by the name they are asked for; they win over the list.
    """

    def __init__(self, document: Document, own: Mapping[str, ListModel] | None = None) -> None:
        self.document = document
        self.own = {name.lower(): model for name, model in (own or {}).items()}
        self._providers: dict[str, dict[str, Any]] = {provider["id"]: provider for provider in document["providers"]}
        self._models: dict[tuple[str, int], ListModel] = {}
        self._read: dict[str, list[dict[str, Any]]] = {}
        self._found: dict[tuple[str, str | None], ListModel] = {}

    @property
    def version(self) -> str:
        """Version of the package the prices come from."""
        return str(self.document["version"])

    @cached_property
    def units(self) -> Mapping[str, frozenset[tuple[str, str]]]:
        """Dimensions of each billable unit; a unit contains another whose dimensions include its own."""
        return {key: frozenset(unit["dimensions"].items()) for key, unit in self.document["units"].items()}

    def containers(self, unit: str) -> list[str]:
        """The units that count ``unit`` too, itself included: ``cache_read_tokens`` -> also ``input_tokens``."""
        return [other for other, dimensions in self.units.items() if dimensions <= self.units[unit]]

    @cached_property
    def since_days(self) -> list[dt.date]:
        """Every day on which some list price begins, ascending."""
        own = {entry.since for model in self.own.values() for entry in model.entries if entry.since}
        return sorted(own | {dt.date.fromisoformat(day) for day in self.document["since_days"]})

    @cached_property
    def day_edges(self) -> list[dt.time]:
        """Every UTC time of day at which some list price changes, ascending; midnight is not listed."""
        return [dt.time.fromisoformat(edge) for edge in self.document["day_edges"]]

    @property
    def thresholds(self) -> list[int]:
        """Every number of input tokens above which some list price changes, ascending."""
        return list(self.document["thresholds"])

    def find(self, name: str, provider: str | None = None) -> ListModel:
        """
        The model a name means: ``gpt-5-mini``, ``openai/gpt-5-mini``, or a dated or gateway spelling of it.

        Parameters
        ----------
        name : str
            A user's own model, ``provider/model``, or a name some provider claims.
        provider : str, optional
            The provider, where a log says it.

        Raises
        ------
        UnknownModelError
            Naming the nearest models, or the providers to choose from where several sell it.
        """
        key = (name.strip().lower(), provider.lower() if provider else None)
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def of_provider(self, provider: str) -> list[ListModel]:
        """Every model one provider lists, in the package's order."""
        seller = self._providers.get(provider)
        return [self._model(seller, index) for index in range(len(self._raw(seller)))] if seller else []

    def sellers(self, model: str) -> list[ListModel]:
        """Every provider's model of exactly this id, in the package's order."""
        return [each for provider in self._providers for each in self._of_id(provider, model)]

    def _of_id(self, provider: str, model: str) -> list[ListModel]:
        seller = self._providers[provider]
        return [self._model(seller, index) for index, raw in enumerate(self._raw(seller)) if raw["id"] == model]

    def __iter__(self) -> Iterator[ListModel]:
        for provider in self._providers:
            yield from self.of_provider(provider)

    def names(self) -> list[str]:
        """Every name worth suggesting: own models, plain ids, and ``provider/model`` ids."""
        listed = [
            (provider["id"], model["id"]) for provider in self._providers.values() for model in self._raw(provider)
        ]
        plain = {model: None for _, model in listed}
        return [*self.own, *plain, *(f"{provider}/{model}" for provider, model in listed)]

    def url(self, provider: str) -> str:
        """The provider's price page, "" where the package names none."""
        return str(self._providers[provider]["url"]) if provider in self._providers else ""

    def provider_name(self, provider: str) -> str:
        """A provider's name as people write it, its id where the package names none."""
        return str(self._providers[provider]["name"]) if provider in self._providers else provider

    def _find(self, name: str, provider: str | None) -> ListModel:
        if name in self.own:
            return self.own[name]
        model = None
        if provider:
            seller = self._provider_by_id(provider)
            model = self._in_provider(seller, name) if seller else None
        if model is None and "/" in name:
            prefix, rest = name.split("/", 1)
            seller = self._provider_by_id(prefix)
            model = self._in_provider(seller, rest) if seller else None
        if model is None:
            claims = (p for p in self._providers.values() if _matches(p["model_match"], name))
            seller = next(claims, None)
            model = self._in_provider(seller, name) if seller else None
        if model is None:
            model = self._sold_as(name)
        if model is None:
            raise UnknownModelError(
                f"No model {name!r} in the price table ({self.version}).{nearest(name, self.names())}"
                " See: breakeven prices show NAME, or give its prices with --prices FILE",
                "model",
            )
        return self.with_own(model)

    def with_own(self, model: ListModel) -> ListModel:
        """The user's terms for a listed model, or the model as listed."""
        return self.own.get(model.id.lower(), model)

    def _sold_as(self, name: str) -> ListModel | None:
        """The one provider that lists exactly this id; an error naming them where there are several."""
        sellers = [p for p in self._providers.values() if any(m["id"].lower() == name for m in self._raw(p))]
        if len(sellers) > 1:
            choices = ", ".join(f"{seller['id']}/{name}" for seller in sellers[:6])
            raise UnknownModelError(f"Several providers sell {name!r}; write which: {choices}", "model")
        return self._in_provider(sellers[0], name) if sellers else None

    def _provider_by_id(self, provider: str) -> dict[str, Any] | None:
        if provider in self._providers:
            return self._providers[provider]
        claims = (
            p for p in self._providers.values() if p["provider_match"] and _matches(p["provider_match"], provider)
        )
        return next(claims, None)

    def _in_provider(self, provider: dict[str, Any], name: str) -> ListModel | None:
        """First model of this provider, or of those it resells, that the name matches; a compact date is retried.

        Some ids of the package match no rule of its own; such a name is taken as the id it is.
        """
        dated = re.sub(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)", r"-\1-\2-\3", name)
        for spelling in dict.fromkeys((name, dated)):
            for seller_id in (provider["id"], *provider["fallbacks"]):
                seller = self._providers.get(seller_id)
                for index, model in enumerate(self._raw(seller) if seller else ()):
                    if seller and _matches(model["match"], spelling):
                        return self._model(seller, index)
        ids = [model["id"].lower() for model in self._raw(provider)]
        return self._model(provider, ids.index(name)) if name in ids else None

    def _raw(self, provider: dict[str, Any]) -> list[dict[str, Any]]:
        """A provider's models as the document has them, read when first asked for."""
        if provider["id"] not in self._read:
            self._read[provider["id"]] = json.loads(provider["models"])
        return self._read[provider["id"]]

    def _model(self, provider: dict[str, Any], index: int) -> ListModel:
        key = (provider["id"], index)
        if key not in self._models:
            raw = self._raw(provider)[index]
            self._models[key] = ListModel(
                provider=provider["id"],
                model=raw["id"],
                name=raw["name"],
                entries=tuple(self._entry(entry) for entry in raw["prices"]),
                variants=tuple(self._entry(entry) for entry in raw["variants"]),
                minimums=raw["minimums"],
                deprecated=raw["deprecated"],
                context_tokens=raw["context"],
            )
        return self._models[key]

    def _entry(self, raw: dict[str, Any]) -> Entry:
        since = dt.date.fromisoformat(raw["since"]) if raw["since"] else None
        rates = {
            unit: Rate(
                usd=Decimal(base),
                per=self.document["units"][unit]["per"],
                tiers=tuple((above, Decimal(usd)) for above, usd in tiers),
                since=since,
            )
            for unit, (base, tiers) in raw["usd"].items()
        }
        start, end = raw["daily"] or (None, None)
        daily = (dt.time.fromisoformat(start), dt.time.fromisoformat(end)) if start and end else None
        return Entry(rates=rates, since=since, daily=daily, when=raw.get("when", {}))


def _matches(clause: list[Any] | None, text: str) -> bool:
    """Whether a match clause of the document holds for lower-case text."""
    if clause is None:
        return False
    kind, value = clause
    if kind == "or":
        return any(_matches(part, text) for part in value)
    if kind == "and":
        return all(_matches(part, text) for part in value)
    if kind == "regex":
        return re.search(value, text) is not None
    found: bool = {
        "equals": text == value,
        "starts_with": text.startswith(value),
        "ends_with": text.endswith(value),
        "contains": value in text,
    }[kind]
    return found
