"""The answer on a training file as tables."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from breakeven.questions.tables import Cell, Column, Table
from breakeven.questions.training_compute import ComputeRow
from breakeven.questions.training_offers import OfferBill
from breakeven.questions.training_report import FileReport, LeakReport, Lines

if TYPE_CHECKING:
    from breakeven.questions.training import TrainingAnswer

SHOWN_LINES = 8
"""Line numbers that a table names for each thing found."""


def tables_of(answer: "TrainingAnswer") -> list[Table]:
    """Lines that cannot be trained on, offers, GPUs, what else was found, lengths; closed offers folded."""
    offers = answer.offers
    found = _invalid(answer.lines)
    found.append(_offers([row for row in offers if row.available]))
    if answer.compute:
        found += _compute(answer.compute)
    found += _reports(answer.file, answer.validation, answer.leaks)
    if answer.file is not None and any(row.cut_examples for row in offers):
        found.append(_longest(answer.file))
    closed = [row for row in offers if not row.available]
    if closed:
        found.append(_closed(closed))
    return found


def _longest(file: FileReport) -> Table:
    return Table(
        name="longest",
        title="The longest examples, the first to be cut",
        columns=[Column(title="Line"), Column(title="tokens", unit="tokens")],
        rows=[[f"line {each.line}", each.tokens] for each in file.longest],
    )


def _invalid(lines: Lines) -> list[Table]:
    if not lines.invalid_lines:
        return []
    rows: list[list[Cell]] = [[f"line {each.line}", each.reason] for each in lines.invalid]
    by_reason: list[list[Cell]] = [[each.what, each.count, _numbers(each.lines)] for each in lines.reasons]
    more = lines.invalid_lines - len(lines.invalid)
    return [
        Table(
            name="reasons",
            title="Why lines cannot be trained on",
            columns=[Column(title="Reason"), Column(title="lines", unit="count"), Column(title="Which")],
            rows=by_reason,
            folded=len(by_reason) == len(rows),
        ),
        Table(
            name="invalid",
            title="Lines that cannot be trained on",
            columns=[Column(title="Line"), Column(title="Why not")],
            rows=rows,
            note=f"And {more:,} more; they are counted by reason." if more else "",
        ),
    ]


def _offers(offers: Sequence[OfferBill]) -> Table:
    rows: list[list[Cell]] = [
        [
            row.id, row.epochs, row.billed_tokens, row.usd_per_mtok, row.usd, row.usd_low, row.usd_high, _about(row),
        ]
        for row in offers
    ]  # fmt: skip
    return Table(
        name="offers",
        title="Training it at a provider",
        columns=[
            Column(title="Offer"),
            Column(title="epochs", unit="count"),
            Column(title="billed tokens", unit="tokens"),
            Column(title="per 1M", unit="usd_per_mtok"),
            Column(title="a run", unit="usd"),
            Column(title="at least", unit="usd"),
            Column(title="at most", unit="usd"),
            Column(title="Notes"),
        ],
        rows=rows,
        note="One run, without hosting of the tuned model. Counts that are not exact are of text tokens, because the"
        " provider's own are not published; at most adds tokens around messages as OpenAI counts them.",
    )


def _about(row: OfferBill) -> str:
    """What sets an offer apart, in a few words."""
    said = ["exact"] if row.counted == "exact" else []
    said += ["minimum charge"] if row.minimum_applied else []
    said += [f"convert to {' or '.join(row.convert_to)}"] if row.convert_to else []
    said += [f"{row.cut_examples:,} examples are cut"] if row.cut_examples else []
    return "; ".join([*said, *row.unknowns])


def _compute(compute: Sequence[ComputeRow]) -> list[Table]:
    fitting = [row for row in compute if row.hours is not None]
    failing = [row for row in compute if row.hours is None]
    rows: list[list[Cell]] = [
        [
            f"{row.gpus} x {row.gpu}, {row.method}", row.hours, row.hours_low, row.hours_high, row.usd, row.usd_low,
            row.usd_high, row.note,
        ]
        for row in fitting
    ]  # fmt: skip
    found = [
        Table(
            name="compute",
            title="Training it on GPUs of your own",
            columns=[
                Column(title="GPUs and method"),
                Column(title="hours", unit="ratio"),
                Column(title="at least", unit="ratio"),
                Column(title="at most", unit="ratio"),
                Column(title="a run", unit="usd"),
                Column(title="at least", unit="usd"),
                Column(title="at most", unit="usd"),
                Column(title="Notes"),
            ],
            rows=rows,
            note="Estimated from published runs; GPUs are rented by the hour while the run lasts.",
        )
    ]
    if failing:
        found.append(
            Table(
                name="not_fitting",
                title="GPUs and methods that do not fit",
                columns=[Column(title="GPU and method"), Column(title="Why not")],
                rows=[[f"{row.gpu}, {row.method}", row.why_not] for row in failing],
                folded=True,
            )
        )
    return found


def _closed(offers: Sequence[OfferBill]) -> Table:
    rows: list[list[Cell]] = [[row.id, row.usd, row.why_not] for row in offers]
    return Table(
        name="closed",
        title="Offers that are not open to you",
        columns=[Column(title="Offer"), Column(title="a run", unit="usd"), Column(title="Why not")],
        rows=rows,
        folded=True,
    )


def _reports(file: FileReport | None, validation: FileReport | None, leaks: LeakReport | None) -> list[Table]:
    """What was found in both files, and how long their examples are."""
    reports = [("the file", file), ("validation", validation)]
    facts: list[list[Cell]] = []
    things: list[list[Cell]] = []
    for name, each in reports:
        if each is None:
            continue
        facts.append(
            [each.name, each.form, each.examples, each.messages, each.tokens, each.trained_share, each.longest_tokens]
        )
        found = [each.repeated, each.same_prompt, *each.other_forms, *each.warnings, *each.left_out, *each.personal]
        things += [[one.what, name, one.count, _numbers(one.lines)] for one in found if one.count]
        things += [[note, name, None, ""] for note in each.notes]
    if leaks is not None:
        both = (leaks.examples, leaks.prompts)
        things += [[one.what, "validation", one.count, _numbers(one.lines)] for one in both if one.count]
    tables = []
    if facts:
        tables.append(
            Table(
                name="files",
                title="What was read",
                columns=[
                    Column(title="File"),
                    Column(title="Form"),
                    Column(title="examples", unit="count"),
                    Column(title="messages", unit="count"),
                    Column(title="tokens of a pass", unit="tokens"),
                    Column(title="trained on", unit="share"),
                    Column(title="longest", unit="tokens"),
                ],
                rows=facts,
                note=f"Counted in {file.vocabulary} by OpenAI's rule." if file is not None and file.vocabulary else "",
            )
        )
    if things:
        tables.append(
            Table(
                name="found",
                title="Worth a look",
                columns=[
                    Column(title="What"), Column(title="Where"), Column(title="lines", unit="count"),
                    Column(title="Which"),
                ],
                rows=things,
                note="Personal data is matched by pattern: that nothing was found is no proof that there is none.",
            )
        )  # fmt: skip
    if file is not None and file.bins:
        tables.append(
            Table(
                name="lengths",
                title="How long the examples are",
                columns=[
                    Column(title="Tokens"),
                    Column(title="examples", unit="count"),
                    Column(title="by what is trained on", unit="count"),
                ],
                rows=[[f"{each.low:,} to {each.high:,}", each.examples, each.trained_examples] for each in file.bins],
            )
        )
    return tables


def _numbers(lines: Iterable[int]) -> str:
    """The first line numbers, in words."""
    listed = list(lines)
    more = ", ..." if len(listed) > SHOWN_LINES else ""
    return ", ".join(f"{line}" for line in listed[:SHOWN_LINES]) + more
