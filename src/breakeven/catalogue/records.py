"""
The schema of every YAML file in the catalogue: frozen records, exact decimals, a source beside each figure.

One schema serves the files in this folder and a user's own ``--prices`` file. Sources are written once per
file under ``sources:`` and named by key; ``load.py`` passes that mapping as validation context.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

Confidence = Literal["primary", "secondary", "single-source", "yours"]
Buyer = Literal["new", "existing", "invitation"]


class Record(BaseModel):
    """Base of all records: frozen, no unknown keys. Checking code is built when a file is first checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Source(Record):
    """
    Where a figure comes from.

    ``seen`` is the day (or month, or year) of the page or data, ``YYYY[-MM[-DD]]``, not of our file.
    ``confidence``: primary = the provider's page, repository or a dated copy; secondary = a third party quoting
    it, or a maintained price package; single-source = one source, or not established; yours = a user's file.
    """

    title: str
    url: str
    seen: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
    confidence: Confidence
    note: str = ""


def _named_source(value: Any, info: ValidationInfo) -> Any:
    """Resolve the key of a source against the file's ``sources:`` mapping."""
    if not isinstance(value, str):
        return value
    known = (info.context or {}).get("sources", {})
    if value not in known:
        raise ValueError(f"no source {value!r} under sources: (known: {', '.join(sorted(known)) or 'none'})")
    return known[value]


SourceRef = Annotated[Source, BeforeValidator(_named_source)]


class Cited(Record):
    """Something with a source; ``seen`` and ``confidence`` given here replace the source's own."""

    source: SourceRef
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _own_day_and_confidence(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict) or not {"seen", "confidence"} & data.keys():
            return data
        data = dict(data)
        source = _named_source(data.get("source"), info)
        fields = source.model_dump() if isinstance(source, Source) else dict(source or {})
        fields |= {key: str(data.pop(key)) for key in ("seen", "confidence") if key in data}
        return data | {"source": fields}


class Figure(Cited):
    """
    One number with its source. The unit is in the name of the field that holds it.

    ``low`` and ``high`` bound it where the source gives a range; ``estimated`` marks what nobody published.
    """

    value: Decimal = Field(ge=0, allow_inf_nan=False)
    low: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    high: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    estimated: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "Figure":
        if (self.low is not None and self.low > self.value) or (self.high is not None and self.high < self.value):
            raise ValueError(f"value {self.value} lies outside low {self.low} .. high {self.high}")
        return self

    @property
    def band(self) -> tuple[float, float]:
        """Low and high as multiples of the value, both 1 where the source gives no range."""
        if not self.value:
            return 1.0, 1.0
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return float(low / self.value), float(high / self.value)

    @property
    def words(self) -> str:
        """Where it comes from, in a few words."""
        return f"{self.source.title}, seen {self.source.seen}, {self.source.confidence}"


class Day(Cited):
    """A dated fact, e.g. a retirement. ``earliest`` marks a "not before" day that announces nothing."""

    day: dt.date
    earliest: bool = False


class Window(Cited):
    """When one kind of buyer may order: from ``first_day`` to ``last_day``, both included; null = open."""

    first_day: dt.date | None = None
    last_day: dt.date | None = None

    def holds(self, day: dt.date) -> bool:
        """Whether an order can be placed on ``day``."""
        return (self.first_day or day) <= day <= (self.last_day or day)


class EpochRule(Cited):
    """
    Epochs by the number of examples, where a job is given none.

    ``target``, unless the file would then be seen fewer than ``fewest`` or more than ``most`` examples' worth: then as
    many whole epochs as keep within, from ``least`` to ``limit``.
    """

    target: int = Field(ge=1)
    fewest: int = Field(ge=1)
    most: int = Field(ge=1)
    least: int = Field(ge=1)
    limit: int = Field(ge=1)

    def epochs(self, examples: int) -> int:
        """Of a file of so many examples, 1 or more."""
        if examples * self.target < self.fewest:
            return min(self.limit, self.fewest // examples)
        if examples * self.target > self.most:
            return max(self.least, self.most // examples)
        return self.target


class ChatRule(Cited):
    """That messages are counted by OpenAI's rule: ``chat_tokens_per_message``, ``_name`` and ``_reply``."""


class TrainingFileRules(Cited):
    """
    How a provider takes and counts training files; null where that was not established.

    forms : names of forms in ``training_files.forms`` that it takes, by the page of ``source``; () not established.
    minimum_examples : fewest that a job takes.
    chat : tokens around messages; null counts texts alone.
    epochs : default by number of examples. default_epochs : whatever that number; an offer's own goes before both.
    default_evaluations : passes over the validation file that are billed where none is asked for.
    unpacked_rows_padded : without packing, each example is billed at the longest length of the job.
    """

    forms: tuple[str, ...] = ()
    minimum_examples: Figure | None = None
    chat: ChatRule | None = None
    epochs: EpochRule | None = None
    default_epochs: Figure | None = None
    default_evaluations: Figure | None = None
    unpacked_rows_padded: bool = False


class Training(Record):
    """
    What a training run costs. Null means looked for and not established; it is never zero.

    Billed tokens are ``training_tokens * epochs`` plus, where ``validation_billed``, the validation tokens.
    ``max_tokens_per_example``: longer examples are cut there. ``forms``: of files, in place of the provider's.
    """

    usd_per_mtok: Figure | None = None
    usd_per_hour: Figure | None = None
    minimum_usd: Figure | None = None
    validation_billed: bool = False
    default_epochs: Figure | None = None
    max_tokens_per_example: Figure | None = None
    forms: tuple[str, ...] = ()


class Inference(Record):
    """
    Price of the tuned model per token [USD per 1M tokens]; ``base_multiple`` where it is set by rule.

    With ``base_multiple`` each price is that multiple of the base model's list price on the day.
    """

    base_multiple: Figure | None = None
    input: Figure | None = None
    cached_input: Figure | None = None
    output: Figure | None = None
    batch_input: Figure | None = None
    batch_cached_input: Figure | None = None
    batch_output: Figure | None = None


class Hosting(Record):
    """
    Charges that run whether or not a call is made.

    units : GPUs or deployments that must stay up, where ``gpus`` does not say what a unit is.
    gpus : kinds of GPU that ``usd_per_hour`` rents, as in ``gpus.yaml``: how many are needed is then computed.
    """

    usd_per_hour: Figure | None = None
    units: int = Field(default=1, ge=1)
    gpus: tuple[str, ...] = ()
    storage_usd_month: Figure | None = None


class Offer(Record):
    """
    One provider's fine-tuning terms for one base model, or the finding that there are none.

    kind : ``tokens`` pays per token (hosting may come on top); ``hours`` pays only for the time its GPUs are up;
        ``none`` cannot be tuned, ``why_not`` says why and ``alternatives`` what to do instead.
    base_model : the vendor's own name.
    list_model : ``provider/model`` of the base in the list-price table, null where it has no list price.
    open_model : the base in ``open_models.yaml``, for an offer of several the one that is counted; null where the
        weights are not open or the shape is not known.
    answers_for : model names whose users this row answers ("can I tune Claude?"), as lower-case prefixes.
    sold_to : who may order, by kind of buyer. A missing kind cannot order.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9.:-]+$")]
    base_model: str
    label: str
    kind: Literal["tokens", "hours", "none"]
    methods: tuple[str, ...] = ()
    list_model: str | None = None
    open_model: str | None = None
    answers_for: tuple[str, ...] = ()
    sold_to: dict[Buyer, Window] = Field(default_factory=dict)
    training: Training = Training()
    inference: Inference = Inference()
    hosting: Hosting = Hosting()
    base_retires: Day | None = None
    tuned_retires: Day | None = None
    why_not: str = ""
    finding: Cited | None = None
    alternatives: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> "Offer":
        if self.kind == "none" and not (self.why_not and self.alternatives and self.finding):
            raise ValueError("an offer of kind none needs why_not, finding (its source) and alternatives")
        if self.kind == "hours" and self.hosting.usd_per_hour is None and not self.notes:
            raise ValueError("an offer of kind hours without usd_per_hour needs a note saying what was found")
        if self.kind != "none" and not self.sold_to:
            raise ValueError("an offer that can be tuned needs sold_to")
        return self


class OfferFile(Record):
    """``offers/<provider>.yaml``."""

    provider: str
    name: str
    sources: dict[str, Source]
    training_file: TrainingFileRules | None = None
    offers: tuple[Offer, ...]


class ModelLife(Record):
    """
    When a listed model was released and stops being served. Its list price stands in the package after that.

    ``checked`` is the last day on which it was seen among the models that are sold.
    """

    model: Annotated[str, Field(pattern=r"^[a-z0-9_-]+/.+$")]
    released: Day | None = None
    retires: Day | None = None
    checked: Day | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ModelLife":
        if self.released is None and self.retires is None and self.checked is None:
            raise ValueError("needs released, retires or checked")
        return self


class ModelFile(Record):
    """``models.yaml``: release and retirement days of models that have a list price."""

    sources: dict[str, Source]
    models: tuple[ModelLife, ...]


class TokenizerFamily(Figure):
    """
    Models that count tokens alike; ``value`` is their count of a text over that of the o200k vocabulary.

    begins : how names of its models begin, lower case; () fits every name.
    vocabulary : the published vocabulary that counts exactly, null where there is none.
    """

    name: str
    begins: tuple[str, ...]
    vocabulary: Literal["o200k_base", "cl100k_base"] | None = None


class TokenizerFile(Record):
    """``tokenizers.yaml``; the last family fits every name."""

    sources: dict[str, Source]
    families: tuple[TokenizerFamily, ...]

    @model_validator(mode="after")
    def _ends_with_all(self) -> "TokenizerFile":
        if not self.families or self.families[-1].begins or not all(each.begins for each in self.families[:-1]):
            raise ValueError("the last family, and no other, must fit every name (begins: [])")
        return self


class OpenFamily(Cited):
    """Models whose weights can be downloaded, by how their names begin, lower case."""

    name: str
    begins: tuple[str, ...] = Field(min_length=1)


class OpenWeightsFile(Record):
    """``open_weights.yaml``."""

    sources: dict[str, Source]
    families: tuple[OpenFamily, ...]


class Assumption(Figure):
    """A number that is not a price: what it means, its unit, its range, its source."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    what: str
    unit: str
    low: Decimal = Field(allow_inf_nan=False)
    high: Decimal = Field(allow_inf_nan=False)


class AssumptionFile(Record):
    """``assumptions.yaml``."""

    sources: dict[str, Source]
    assumptions: tuple[Assumption, ...]


class OwnPrice(Record):
    """
    A user's price for a model: negotiated terms for a listed one, or a model of their own.

    Prices in USD per 1M tokens. ``since`` is the first day it holds; null = always.
    """

    model: str
    input: Decimal = Field(ge=0, allow_inf_nan=False)
    output: Decimal = Field(ge=0, allow_inf_nan=False)
    cached_input: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    cache_write: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    batch_input: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    batch_cached_input: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    batch_output: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    since: dt.date | None = None
    note: str = ""


class OwnFile(Record):
    """A user's ``--prices`` file: negotiated prices, own models, own offers."""

    sources: dict[str, Source] = Field(default_factory=dict)
    prices: tuple[OwnPrice, ...] = ()
    offers: tuple[Offer, ...] = ()
