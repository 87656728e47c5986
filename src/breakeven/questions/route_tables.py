"""The answer on routing as tables."""

from collections.abc import Sequence

from breakeven.questions.route_evaluation import Evaluated, Measured
from breakeven.questions.route_tiers import Mix, TierCost, TunedTier
from breakeven.questions.tables import Cell, Column, Table

KINDS = {
    "rule": "can be followed",
    "assumed": "rests on an assumed judge or router",
    "bound": "a bound: uses results that no router can know",
}


def mix_tables(mix: Mix, tiers: Sequence[TierCost], tuned: Sequence[TunedTier], target: float) -> list[Table]:
    """The tiers, the bill, tuned tiers, and the months."""
    tier_rows: list[list[Cell]] = [
        [each.name, each.label, each.share, each.usd_per_call, each.monthly_usd, each.premium_monthly_usd, _of(each)]
        for each in tiers
    ]
    share = "not reachable" if mix.leaving_share_needed is None else f"{mix.leaving_share_needed:.1%}"
    left = "" if mix.leaving_share is None else f"{mix.leaving_share:.1%} of the premium bill leaves it; "
    bill_rows: list[list[Cell]] = [
        ["premium model for all", mix.premium_monthly_usd, None if mix.saving_share is None else 0.0],
        ["the mix, before its router", mix.mix_monthly_usd - mix.router_monthly_usd, mix.gross_saving_share],
        ["the mix and its router", mix.mix_monthly_usd, mix.saving_share],
    ]
    found = [
        Table(
            name="bill",
            title="The bill of month 1",
            columns=[
                Column(title="Bill"),
                Column(title="a month", unit="usd"),
                Column(title="saving", unit="signed_share"),
            ],
            rows=bill_rows,
            note=f"{left}a saving of {target:.0%} in these proportions takes: {share}. Over the horizon the mix"
            f" {'saves' if mix.saving_usd >= 0 else 'costs'} ${abs(mix.saving_usd):,.2f}"
            f" {'against' if mix.saving_usd >= 0 else 'more than'} the premium model, upfront included.",
        ),
        Table(
            name="tiers",
            title="The tiers",
            columns=[
                Column(title="Tier"),
                Column(title="Model"),
                Column(title="calls", unit="share"),
                Column(title="per call", unit="usd"),
                Column(title="a month", unit="usd"),
                Column(title="on premium", unit="usd"),
                Column(title="Notes"),
            ],
            rows=tier_rows,
            note="A month holds hosting and escalated calls.",
        ),
    ]
    if tuned:
        found.append(
            Table(
                name="tuned",
                title="Adding a tuned tier",
                columns=[
                    Column(title="Tier"),
                    Column(title="In place of"),
                    Column(title="a month", unit="usd"),
                    Column(title="instead", unit="usd"),
                    Column(title="upfront", unit="usd"),
                    Column(title="Break-even"),
                    Column(title="Calls a month needed"),
                ],
                rows=[
                    [
                        each.tier,
                        each.instead,
                        each.monthly_usd,
                        each.instead_monthly_usd,
                        each.upfront_usd,
                        "never" if each.break_even_months is None else f"{each.break_even_months:.1f} months",
                        "no volume"
                        if each.break_even_calls_per_month is None
                        else f"{each.break_even_calls_per_month:,.0f}",
                    ]
                    for each in tuned
                ],
                note="In place of: the cheapest other tier at least as good, as if the tuned one were not there. Calls"
                " needed: of the whole mix, to repay it within the horizon.",
            )
        )
    months: list[list[Cell]] = [
        [f"month {number}", *both]
        for number, both in enumerate(zip(mix.months_usd, mix.premium_months_usd, strict=True), 1)
    ]
    found.append(
        Table(
            name="months",
            title="Month by month",
            columns=[
                Column(title="Month"),
                Column(title="mix", unit="usd"),
                Column(title="premium for all", unit="usd"),
            ],
            rows=months,
            folded=True,
        )
    )
    return found


def _of(tier: TierCost) -> str:
    """What a reader should see beside a tier."""
    notes = []
    if tier.dominated_by:
        notes.append(f"dominated: {tier.dominated_by} would serve these calls for no more")
    if tier.why_unavailable:
        notes.append(f"cannot be ordered: {tier.why_unavailable}")
    return "; ".join([*notes, *tier.notes[:2]])


def evaluation_tables(study: Evaluated) -> list[Table]:
    """Strategies, tasks, the frontier, models, added models, and what was left out."""
    if not study.strategies:
        return [_models(study), _rows(study)]
    floor = f"Floor: a mean score of {study.floor_score:.4g}. Chosen on {study.first_items:,} items, measured on"
    needed = ""
    if study.accuracy_needed:
        needed = f" A router by item must be right in {study.accuracy_needed:.0%} of the items to reach the floor."
    found = [
        Table(
            name="strategies",
            title="Ways of serving the calls",
            columns=[*_columns("Way"), Column(title="Floor")],
            rows=[[*_row(each), each.floor_met] for each in study.strategies],
            note=f"{floor} {study.second_items:,} others; 95 % intervals over items.{needed}",
        )
    ]
    found.append(
        Table(
            name="ways",
            title="What each way is",
            columns=[Column(title="Way"), Column(title="Kind"), Column(title="What is sent where")],
            rows=[[each.name, KINDS[each.kind], each.how] for each in study.strategies],
        )
    )
    if study.tasks_named:
        found += [
            Table(
                name="tasks",
                title="By task",
                columns=[
                    Column(title="Task"),
                    Column(title="Model"),
                    Column(title="items", unit="count"),
                    Column(title="per call", unit="usd"),
                    Column(title="premium", unit="usd"),
                    Column(title="score", unit="score"),
                    Column(title="premium", unit="score"),
                    Column(title="Change of score"),
                ],
                rows=[
                    [
                        each.task,
                        each.model,
                        each.items,
                        each.usd_per_call,
                        each.premium_usd_per_call,
                        each.score,
                        each.premium_score,
                        each.verdict
                        if each.verdict == "same model"
                        else f"{each.verdict} ({each.score_change_low:+.3f} to {each.score_change_high:+.3f})",
                    ]
                    for each in study.tasks
                ],
                note="Measured on the second half. Not proven: the interval holds no change.",
            ),
        ]
    found.append(
        Table(
            name="frontier",
            title="Cost against quality",
            columns=_columns("Point"),
            rows=[_row(each) for each in study.frontier],
            note="Each point: tasks assigned at least cost above one floor on the first half, measured on the second."
            " The JSON says what is sent where.",
        )
    )
    if study.added:
        found.append(
            Table(
                name="added",
                title="Adding a tuned model",
                columns=[
                    Column(title="Model"),
                    Column(title="with it", unit="usd"),
                    Column(title="without it", unit="usd"),
                    Column(title="upfront", unit="usd"),
                    Column(title="Break-even"),
                    Column(title="Serves"),
                ],
                rows=[
                    [
                        each.model,
                        each.with_monthly_usd,
                        each.without_monthly_usd,
                        each.upfront_usd,
                        f"{_months(each.break_even_months)} ({_months(each.break_even_low_months)} to"
                        f" {_months(each.break_even_high_months)})",
                        ", ".join(each.tasks) or "nothing",
                    ]
                    for each in study.added
                ],
                note="Tasks assigned at the same floor with and without it; a month, hosting counted.",
            )
        )
    return [*found, _models(study), _rows(study)]


def _models(study: Evaluated) -> Table:
    """Each model alone."""
    return Table(
        name="models",
        title="Each model alone",
        columns=[
            Column(title="Model"),
            Column(title="per call", unit="usd"),
            Column(title="score", unit="score"),
            Column(title="95 %"),
            Column(title="Notes"),
        ],
        rows=[
            [
                each.model,
                each.usd_per_call,
                each.score,
                "" if each.score_low is None else f"{each.score_low:.3f} to {each.score_high:.3f}",
                "dominated" if each.dominated else "",
            ]
            for each in study.models
        ],
        note="Dominated: another costs no more and scores no less.",
        folded=len(study.models) > 8 and bool(study.strategies),
    )


def _rows(study: Evaluated) -> Table:
    """What became of the rows."""
    rows: list[list[Cell]] = [["used", study.rows["used"]]]
    rows += [[reason, count] for reason, count in study.left_out.items()]
    return Table(
        name="rows",
        title=f"Rows of the table: {study.rows['in']:,}",
        columns=[Column(title="Became"), Column(title="rows", unit="count")],
        rows=rows,
    )


def _columns(first: str) -> list[Column]:
    return [
        Column(title=first),
        Column(title="per call", unit="usd"),
        Column(title="a month", unit="usd"),
        Column(title="saving", unit="signed_share"),
        Column(title="95 %"),
        Column(title="score", unit="score"),
        Column(title="95 %"),
    ]


def _row(each: Measured) -> list[Cell]:
    return [
        each.name,
        each.usd_per_call,
        each.monthly_usd,
        each.saving_share,
        f"{each.saving_share_low:+.1%} to {each.saving_share_high:+.1%}",
        each.score,
        f"{each.score_low:.3f} to {each.score_high:.3f}",
    ]


def _months(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"
