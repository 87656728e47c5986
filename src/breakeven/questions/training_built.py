"""How a training file was made of a log, as an answer shows it."""

from breakeven.questions.statement import part
from breakeven.questions.tables import Cell, Column, Table
from breakeven.questions.training_fields import BuiltFile, Fewer
from breakeven.questions.training_report import FoundLines


@part
class OutputReduction:
    """
    Output tokens a call as logged, reasoning included, and of the file's answers; the share by which those are fewer.

    The bounds hold with 95 % confidence. counted : exact where ``counted_in`` is the logged model's own vocabulary.
    """

    counted_in: str
    counted: str
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


@part
class BuildReport:
    """
    Calls of a task: ``calls == train + validation`` and the sum of ``dropped``.

    model : whose calls were taken, null for all models. undated : examples without a time, taken as the oldest.
    """

    task: str
    model: str | None
    calls: int
    train: int
    validation: int
    dropped: list[FoundLines]
    undated: int
    output: OutputReduction | None


def build_report(built: BuiltFile | None) -> BuildReport | None:
    """How a file was made, None where it was not."""
    if built is None:
        return None
    return BuildReport(
        task=built.task,
        model=built.model,
        calls=built.calls,
        train=built.train,
        validation=built.validation,
        dropped=[FoundLines(what=each.what, count=each.count, lines=[]) for each in built.dropped],
        undated=built.undated,
        output=None if built.output is None else _output(built.output),
    )


def _output(fewer: Fewer) -> OutputReduction:
    values = fewer.model_dump(exclude={"exact"})
    return OutputReduction(counted="exact" if fewer.exact else "estimated", **values)


def build_tables(built: BuildReport | None) -> list[Table]:
    """Where the calls went, and how much shorter the file's answers are."""
    if built is None:
        return []
    rows: list[list[Cell]] = [["written to train on", built.train], ["written to validate", built.validation]]
    rows += [[f"left out: {each.what}", each.count] for each in built.dropped]
    rows.append(["all calls of the task", built.calls])
    undated = f"{built.undated:,} examples have no time and count as the oldest." if built.undated else ""
    found = [
        Table(
            name="built",
            title=f"What became of the calls of task {built.task}",
            columns=[Column(title="Calls"), Column(title="", unit="count")],
            rows=rows,
            note=undated,
        )
    ]
    output = built.output
    if output is not None:
        found.append(
            Table(
                name="output",
                title="Output tokens a call, as logged and as the file answers",
                columns=[
                    Column(title="Output tokens"),
                    Column(title="as logged", unit="tokens"),
                    Column(title="in the file", unit="tokens"),
                    Column(title="fewer by", unit="signed_share"),
                    Column(title="at least", unit="signed_share"),
                    Column(title="at most", unit="signed_share"),
                ],
                rows=[
                    ["mean", output.logged_mean, output.file_mean, output.mean, output.mean_low, output.mean_high],
                    [
                        "median", output.logged_median, output.file_median, output.median, output.median_low,
                        output.median_high,
                    ],
                ],
                note=f"Logged tokens hold reasoning; the file's are counted in {output.counted_in}, {output.counted}.",
            )
        )  # fmt: skip
    return found
