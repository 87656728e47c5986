"""YAML files and list prices to one Catalogue. Every fault of every file is reported at once, with file and place."""

import datetime as dt
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError

from breakeven.catalogue import constants, genai, hardware, records, training
from breakeven.catalogue.constants import ComputeFile
from breakeven.catalogue.hardware import Gpu, GpuFile, OpenModel, OpenModelFile
from breakeven.catalogue.prices import BATCH, Entry, ListModel, Rate
from breakeven.catalogue.records import (
    Assumption,
    AssumptionFile,
    ModelFile,
    ModelLife,
    Offer,
    OfferFile,
    OpenFamily,
    OpenWeightsFile,
    OwnFile,
    OwnPrice,
    Record,
    Source,
    TokenizerFamily,
    TokenizerFile,
    TrainingFileRules,
)
from breakeven.catalogue.table import PriceTable
from breakeven.errors import CatalogueError, UnknownModelError

FOLDER = Path(__file__).parent
OWN_PROVIDER = "yours"
TOKENS_PER_PRICE = 1_000_000

AnyFile = TypeVar("AnyFile", bound=Record)


class Shipped(NamedTuple):
    """The YAML files of this folder."""

    offers: tuple[OfferFile, ...]
    models: ModelFile
    assumptions: AssumptionFile
    tokenizers: TokenizerFile
    open_weights: OpenWeightsFile
    gpus: GpuFile
    open_models: OpenModelFile
    compute: ComputeFile


SINGLE: Mapping[str, type[Record]] = {
    "models.yaml": ModelFile,
    "assumptions.yaml": AssumptionFile,
    "tokenizers.yaml": TokenizerFile,
    "open_weights.yaml": OpenWeightsFile,
    "gpus.yaml": GpuFile,
    "open_models.yaml": OpenModelFile,
    "compute.yaml": ComputeFile,
}
"""Files beside the offers, in the order of ``Shipped``."""


@dataclass(frozen=True, eq=False, repr=False)
class Catalogue:
    """
    What things cost, since when, says who. Two catalogues are equal only if they are the same one.

    prices : list prices, the user's own laid over them.
    offers : fine-tuning terms by offer id, a user's own included.
    sellers : provider id -> name as people write it.
    training_files : provider id -> how it takes and counts training files, where that was established.
    lives : ``provider/model`` -> retirement of a listed model.
    assumptions : numbers that are not prices, by id.
    tokenizers : families of models that count tokens alike; the last fits every name.
    open_weights : families of models whose weights can be downloaded.
    gpus : what GPUs can do and what an hour of one costs, by id.
    open_models : shapes of models whose weights can be downloaded, by id.
    compute : fitted constants of the serving and training models, with their bands.
    own_file : name of the user's price file, "" without one.
    """

    prices: PriceTable
    offers: Mapping[str, Offer]
    sellers: Mapping[str, str]
    training_files: Mapping[str, TrainingFileRules]
    lives: Mapping[str, ModelLife]
    assumptions: Mapping[str, Assumption]
    tokenizers: tuple[TokenizerFamily, ...]
    open_weights: tuple[OpenFamily, ...]
    gpus: Mapping[str, Gpu]
    open_models: Mapping[str, OpenModel]
    compute: ComputeFile
    own_file: str = ""
    own_offers: frozenset[str] = field(default_factory=frozenset)

    def assume(self, name: str) -> float:
        """The value of one assumption, in the unit its record states."""
        return float(self.assumptions[name].value)

    def price_source(self, as_of: dt.date) -> Source:
        """The list-price package as a source; ``seen`` is its newest price change up to ``as_of``, or its refresh."""
        table = self.prices
        refreshed = table.document["refreshed"]
        newest = max((day for day in table.since_days if day <= as_of), default=as_of)
        return Source(
            title=f"genai-prices {table.version}" + (f", refreshed {refreshed}" if refreshed else ""),
            url="https://github.com/pydantic/genai-prices",
            seen=str(refreshed or newest),
            confidence="secondary",
            note="list prices; the day is that of the newest price change it holds",
        )


def load_catalogue(own: Path | str | None = None, *, refreshed: bool = True) -> Catalogue:
    """
    Read the catalogue that ships with the package, and a user's price file over it.

    Parameters
    ----------
    own : path, optional
        A YAML file of the shape ``records.OwnFile``: negotiated prices, own models, own offers.
    refreshed : bool
        Use prices fetched by ``breakeven prices refresh``, if there are any.

    Raises
    ------
    CatalogueError
        Listing every fault found, one per line, with file and place.
    """
    shipped = _shipped()
    offers = {offer.id: offer for file in shipped.offers for offer in file.offers}
    own_models: dict[str, ListModel] = {}
    own_offers: dict[str, Offer] = {}
    table = PriceTable(genai.load_document(refreshed=refreshed))
    if own is not None:
        file = read(Path(own), OwnFile)
        own_models = _own_models(file, table, Path(own).name)
        own_offers = {offer.id: offer for offer in file.offers}
        table = PriceTable(table.document, own_models)
    return Catalogue(
        prices=table,
        offers=offers | own_offers,
        sellers={file.provider: file.name for file in shipped.offers},
        training_files={file.provider: file.training_file for file in shipped.offers if file.training_file},
        lives={life.model: life for life in shipped.models.models},
        assumptions={assumption.id: assumption for assumption in shipped.assumptions.assumptions},
        tokenizers=shipped.tokenizers.families,
        open_weights=shipped.open_weights.families,
        gpus={gpu.id: gpu for gpu in shipped.gpus.gpus},
        open_models={model.id: model for model in shipped.open_models.models},
        compute=shipped.compute,
        own_file=Path(own).name if own is not None else "",
        own_offers=frozenset(own_offers),
    )


def _shipped() -> Shipped:
    """
    The YAML files of this folder, checked; kept in the user's cache folder once checked, because that takes a while.

    The kept copy is used while no file's name, size or time of change differs.
    """
    files = shipped_files()
    schemas = (Path(str(module.__file__)) for module in (records, hardware, constants, training))
    kept = genai.cache_folder() / f"catalogue-{genai.stamp(*files, *schemas)}.pickle"
    try:
        shipped: Shipped = pickle.loads(kept.read_bytes())
    except Exception:
        # Nothing kept, or kept by another version of a library: read the files themselves.
        shipped = read_files(files)
        with suppress(OSError):
            genai.write_whole(kept, pickle.dumps(shipped))
    return shipped


def shipped_files() -> list[Path]:
    """The YAML files of this folder, offers first."""
    return [*sorted((FOLDER / "offers").glob("*.yaml")), *(FOLDER / name for name in SINGLE)]


def read_files(files: Sequence[Path]) -> Shipped:
    """
    Catalogue files as checked records, in the order of ``shipped_files``.

    Raises CatalogueError listing the faults of all files, one per line.
    """
    faults: list[str] = []
    read_ones: list[Record] = []
    for file in files:
        try:
            read_ones.append(read(file, SINGLE.get(file.name, OfferFile)))
        except CatalogueError as error:
            faults.append(str(error))
    if faults:
        raise CatalogueError("\n".join(faults))
    count = len(read_ones) - len(SINGLE)
    return Shipped(cast(Any, tuple(read_ones[:count])), *cast(Any, read_ones[count:]))


def read(path: Path, shape: type[AnyFile]) -> AnyFile:
    """
    One YAML file as a checked record.

    Raises CatalogueError with one line per fault: ``file: place: what is wrong``.
    """
    import yaml

    try:
        with path.open(encoding="utf-8") as stream:
            data = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise CatalogueError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path.name}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise CatalogueError(f"{path.name}: expected keys {', '.join(shape.model_fields)} at the top")
    faults: list[str] = []
    sources: dict[str, Source] = {}
    raw_sources = data.get("sources") or {}
    for key, source in raw_sources.items() if isinstance(raw_sources, dict) else ():
        try:
            sources[key] = Source.model_validate(source)
        except ValidationError as error:
            faults += _faults(path, error, f"sources.{key}.", data)
    try:
        record = shape.model_validate(data, context={"sources": sources})
    except ValidationError as error:
        faults += _faults(path, error, "", data)
    if faults:
        raise CatalogueError("\n".join(dict.fromkeys(faults)))
    return record


def _faults(path: Path, error: ValidationError, prefix: str, data: Any) -> list[str]:
    """One line per fault; list positions are replaced by the id or model found there."""
    lines = []
    for fault in error.errors():
        place: list[str] = []
        here: Any = data if not prefix else None
        for part in fault["loc"]:
            here = here[part] if _has(here, part) else None
            name = (here.get("id") or here.get("model")) if isinstance(here, dict) and isinstance(part, int) else None
            place.append(str(name or part))
        lines.append(f"{path.name}: {prefix}{'.'.join(place)}: {fault['msg']}")
    return lines


def _has(container: Any, part: Any) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list) and isinstance(part, int) and part < len(container)


def _own_models(file: OwnFile, table: PriceTable, file_name: str) -> dict[str, ListModel]:
    """
    A user's prices by every name they are asked for.

    A listed model keeps its list price until ``since`` and its identity; any other name becomes a model of its own.
    """
    models: dict[str, ListModel] = {}
    for price in file.prices:
        known = models.get(price.model.lower())
        if known is None:
            try:
                known = table.find(price.model)
            except UnknownModelError:
                known = ListModel(OWN_PROVIDER, price.model, price.model, entries=())
        rates, batch = _own_rates(price)
        entry = Entry(rates=rates, since=price.since)
        listed = known.entries if price.since is not None else ()
        variants = (Entry(rates=batch, since=price.since, when=BATCH), *known.variants) if batch else known.variants
        model = ListModel(
            provider=known.provider,
            model=known.model,
            name=known.name,
            entries=(*listed, entry),
            variants=variants if listed or batch else (),
            yours=file_name,
        )
        models |= {price.model.lower(): model, model.id.lower(): model, model.model.lower(): model}
    return models


def _own_rates(price: OwnPrice) -> tuple[dict[str, Rate], dict[str, Rate]]:
    """Standard and batch rates of one of the user's prices."""

    def rates(units: dict[str, Decimal | None]) -> dict[str, Rate]:
        return {
            unit: Rate(usd=usd, per=TOKENS_PER_PRICE, since=price.since)
            for unit, usd in units.items()
            if usd is not None
        }

    standard = {
        "input_tokens": price.input,
        "output_tokens": price.output,
        "cache_read_tokens": price.cached_input,
        "cache_write_tokens": price.cache_write,
    }
    batch = {
        "input_tokens": price.batch_input,
        "output_tokens": price.batch_output,
        "cache_read_tokens": price.batch_cached_input,
    }
    return rates(standard), rates(batch)
