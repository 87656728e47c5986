"""Fields of the question "what does training on this file cost?"."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from breakeven.catalogue.records import Buyer
from breakeven.questions.fields import Count, Number, Question, field, name, tokens

FILE, RUN, OWN, SPAN = "Your training file", "The run", "GPUs of your own", "Time"

Text = Annotated[str, StringConstraints(max_length=400)]
Whole = Annotated[Count, Field(ge=0, le=10**15)]
Length = tuple[Whole, Whole]


class Part(BaseModel):
    """Base of what a file's counts are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Invalid(Part):
    """A line that cannot be trained on, from 1, and why."""

    line: Whole
    reason: Text


class Found(Part):
    """Something found in some lines: what, in how many, and the first of them."""

    what: Text
    count: Whole
    lines: tuple[Whole, ...] = Field(default=(), max_length=100)


class FileTokens(Part):
    """
    Tokens of the valid lines in one vocabulary, o200k_base or cl100k_base.

    text_tokens : of texts, names and calls of tools; trained_tokens : of them, what the model learns to write.
    role_tokens : of roles. tool_tokens, schema_tokens : definitions of tools by OpenAI's rule, and as JSON.
    lengths : [tokens, examples] of each length by OpenAI's rule. trained_lengths : the same of what is learned.
    longest : [line, tokens] of the longest examples.
    """

    vocabulary: Annotated[str, StringConstraints(max_length=40)]
    text_tokens: Whole
    trained_tokens: Whole
    role_tokens: Whole = 0
    tool_tokens: Whole = 0
    schema_tokens: Whole = 0
    lengths: tuple[Length, ...] = Field(max_length=200_000)
    trained_lengths: tuple[Length, ...] = Field(default=(), max_length=200_000)
    longest: tuple[Length, ...] = Field(default=(), max_length=100)


class TrainingFile(Part):
    """
    What was counted in a training file. Its valid and its invalid lines are all of its lines.

    form : chat, preference, prompt-completion, text, bedrock-conversation, gemini or question-answer.
    invalid : the first invalid lines with reasons; reasons : of all of them.
    """

    name: Text = "training file"
    form: Annotated[str, StringConstraints(max_length=40)] = "chat"
    lines: Whole
    blank: Whole = 0
    valid: Whole
    invalid_lines: Whole = 0
    messages: Whole = 0
    names: Whole = 0
    trained_messages: Whole = 0
    repeated: Found = Found(what="lines that repeat one before", count=0)
    same_prompt: Found = Found(what="prompts that come again with another answer", count=0)
    invalid: tuple[Invalid, ...] = Field(default=(), max_length=1000)
    reasons: tuple[Found, ...] = Field(default=(), max_length=1000)
    other_forms: tuple[Found, ...] = Field(default=(), max_length=20)
    warnings: tuple[Found, ...] = Field(default=(), max_length=200)
    left_out: tuple[Found, ...] = Field(default=(), max_length=20)
    personal: tuple[Found, ...] = Field(default=(), max_length=20)
    notes: tuple[Text, ...] = Field(default=(), max_length=20)
    counts: tuple[FileTokens, ...] = Field(default=(), max_length=2)


class Shared(Part):
    """What a validation file shares with its training file: whole lines, and prompts with another answer."""

    examples: Found
    prompts: Found


class Fewer(Part):
    """
    Output tokens a call as logged and in the file, and the share by which the latter are fewer, with its bounds.

    counted_in : vocabulary. exact : whether it is the logged model's own.
    """

    counted_in: Annotated[str, StringConstraints(max_length=40)]
    exact: bool
    logged_mean: float
    logged_median: float
    file_mean: float
    file_median: float
    mean: float
    mean_low: float
    mean_high: float
    median: float
    median_low: float
    median_high: float


class BuiltFile(Part):
    """
    A training file made of a log: its calls are examples of either file, or were dropped for a reason.

    undated : examples without a time, which come first.
    """

    task: Text
    model: Text | None = None
    calls: Whole
    train: Whole
    validation: Whole = 0
    dropped: tuple[Found, ...] = Field(default=(), max_length=1000)
    undated: Whole = 0
    output: Fewer | None = None


class TrainingQuestion(Question):
    """What does training on this file cost, at every offer and on GPUs of your own, and what is wrong with it?"""

    command: ClassVar[str] = "training"
    front: ClassVar[tuple[str, ...]] = (
        "training_tokens", "examples", "model", "offer", "epochs", "base_model", "buyer",
    )  # fmt: skip
    hidden: ClassVar[tuple[str, ...]] = ("training_file", "validation_file", "leaks", "built")
    example: ClassVar[Mapping[str, Any]] = {"training_tokens": "1M", "examples": "1000", "counted_in": "gpt-4o"}

    # fmt: off
    training_tokens: Number | None = tokens(
        None, FILE, "Tokens of one pass over your training file, in place of the file.", 1e15)
    examples: Count | None = field(
        None, "Examples of your training file, in place of the file.", unit="examples", group=FILE, ge=1, le=10**12)
    validation_tokens: Number | None = tokens(
        None, FILE, "Tokens of one pass over your validation file, in place of the file.", 1e15)
    counted_in: str | None = name(
        None, FILE, "Model whose tokens are given; others are converted. As given if left out.", max_length=99)
    training_file: TrainingFile | None = name(None, FILE, "Counts of a training file, as the command makes them.")
    validation_file: TrainingFile | None = name(
        None, FILE, "Counts of a validation file, as the command makes them.")
    leaks: Shared | None = name(None, FILE, "What both files share, as the command finds it.")
    built: BuiltFile | None = name(None, FILE, "How the training file was made of a log, as the command makes it.")
    model: str | None = name(None, RUN, "Base model you want to tune; all offers if not given.", max_length=99)
    offer: str | None = name(None, RUN, "Offer whose bill leads (breakeven offers).", max_length=99)
    epochs: Number | None = field(
        None, "Passes over the file; each provider's default if not given.", unit="epochs", group=RUN, gt=0, le=1000)
    evaluations: Number | None = field(
        None, "Passes over the validation file, where a provider bills them.", unit="evaluations", group=RUN, ge=0,
        le=100_000)
    max_tokens: Count | None = field(
        None, "Longest example that is trained on; longer ones are cut.", unit="tokens", group=RUN, ge=1,
        le=100_000_000)
    packed: bool = name(True, RUN, "Whether short examples share a row, where a provider lets you choose.")
    base_model: str | None = name(
        None, OWN, "Open-weights model to tune on GPUs of your own, e.g. llama-3.1-8b.", max_length=99)
    methods: tuple[Literal["lora", "qlora", "full"], ...] = name(
        (), OWN, "Methods to look at: lora, qlora, full; all if not given.", max_length=3)
    gpus: tuple[Annotated[str, StringConstraints(max_length=99)], ...] = name(
        (), OWN, "GPUs to look at, e.g. h100-sxm; all if not given.", title="GPUs", max_length=50)
    buyer: Buyer = name("new", SPAN, "What you are to the provider.", title="You are a customer")
    as_of: dt.date = name(
        ..., SPAN, "Day of prices and offers.", title="As of", ge=dt.date(2000, 1, 1), le=dt.date(2100, 1, 1))
    # fmt: on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.training_file is None and self.training_tokens is None:
            raise ValueError("Give a training file, or --training-tokens and --examples in its place")
        for place, file in (("training_file", self.training_file), ("validation_file", self.validation_file)):
            if file is not None and file.valid + file.invalid_lines != file.lines:
                raise ValueError(f"{place}: valid and invalid_lines do not add up to lines")
        built = self.built
        if built and built.train + built.validation + sum(each.count for each in built.dropped) != built.calls:
            raise ValueError("built: train, validation and dropped do not add up to calls")
        if self.training_file is not None:
            for given in ("training_tokens", "examples", "counted_in"):
                if getattr(self, given) is not None:
                    raise ValueError(f"--{given.replace('_', '-')} is given in place of a training file; give one")
        if self.validation_file is not None and (self.training_file is None or self.validation_tokens is not None):
            raise ValueError("A validation file needs a training file, and no --validation-tokens")
        return self
