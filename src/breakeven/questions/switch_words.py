"""The answer of ``switch`` in sentences and as tables."""

from typing import TYPE_CHECKING

from breakeven.catalogue.families import exact_vocabulary
from breakeven.catalogue.load import Catalogue
from breakeven.questions.switch_answer import Forced, Move, Staying, SwitchAnswer, SwitchWord
from breakeven.questions.tables import Cell, Column, Table
from breakeven.questions.words import number, paid_back, usd

if TYPE_CHECKING:
    from breakeven.questions.switch import SwitchQuestion
    from breakeven.questions.switch_targets import Candidates

WORDS: dict[SwitchWord, str] = {
    "clear_win": "clear win",
    "worth_considering": "worth considering",
    "not_worth_it": "not worth it on cost alone",
    "never": "never pays back",
    "unavailable": "unavailable",
    "unknown": "unknown",
    "forced": "forced",
}


def headline(question: "SwitchQuestion", stay: Staying, forced: Forced | None, moves: list[Move]) -> str:
    """The leading move against staying, in one or two sentences."""
    first, span = moves[0], f"{question.horizon_months} months"
    if first.verdict == "unavailable":
        return f"Stay on {stay.model}: {first.model} cannot be moved to: {first.why_unavailable}."
    more = first.monthly_saving_usd < 0
    share = "" if first.saving_share is None else f" ({abs(first.saving_share):.0%})"
    change = f"{usd(abs(first.monthly_saving_usd))} a month {'more' if more else 'less'} than today{share}"
    quality = "" if first.success_rate is not None else ", if its quality suffices"
    if forced is not None:
        return _forced(stay, forced, first, len(moves), change, span)
    if first.verdict == "never":
        why = f"{first.model} costs {change}"
        if not more:
            why += f", which does not repay {usd(first.upfront_usd)}"
            why += " before it is retired itself" if first.life_months is not None else ""
        others = ", and the other models cost more" if any(not move.why_unavailable for move in moves[1:]) else ""
        return f"Stay on {stay.model}: {why}{others}."
    judged = f"{WORDS[first.verdict]}{quality}"
    if first.verdict == "clear_win":
        judged = f"a {judged}"
    once = f"{usd(first.upfront_usd)} to move, paid back {paid_back(first.break_even_months or 0.0)}"
    once = once if first.upfront_usd else "nothing counted for the move itself"
    saved = f"{usd(first.saving_usd)} saved in {span}"
    start = f"Move to {first.model}" if first.verdict != "not_worth_it" else f"Stay on {stay.model}"
    what = "it" if start.endswith(first.model) else first.model
    return f"{start}: {what} costs {change}; {once}; {saved}: {judged}."


def _forced(stay: Staying, forced: Forced, first: Move, count: int, change: str, span: str) -> str:
    """Where staying ends: the least of the moves, and whether to wait."""
    when = "was" if forced.over else "is"
    left = "" if forced.over else f", in {number(forced.months_left)} months"
    least = "the cheapest move" if count > 1 else "the move"
    text = (
        f"The move is forced: {stay.model} {when} retired on {forced.retires}{left}. {least.capitalize()}, to"
        f" {first.model}, costs {change}, and {usd(first.horizon_usd)} in {span}"
        f"{f', {usd(first.upfront_usd)} of it for the move' if first.upfront_usd else ''}."
    )
    if first.wait_horizon_usd is None:
        return text
    later = first.wait_horizon_usd - first.horizon_usd
    if abs(later) < 0.005:
        return text
    return f"{text} Moving on the last day instead costs {usd(abs(later))} {'more' if later > 0 else 'less'}."


def unknowns(question: "SwitchQuestion", found: "Candidates", moves: list[Move], catalogue: Catalogue) -> list[str]:
    """What is not known, or taken for granted."""
    said = []
    if found.forced is not None and found.forced.over:
        said.append(f"{found.today.id} is no longer served; staying is priced as if it still were")
    elif found.life_months is None:
        said.append(f"no last day of {found.today.id} is on record; give --retires-on if you know one")
    for target in found.targets:
        said += _token_words(target.model.id, found, moves, catalogue) if target.estimated else []
    flat = [target.model.id for target in found.targets if not target.output_known]
    if flat:
        said.append(
            f"answers of {_listed(flat)} are taken to be as long as today's, reasoning included; give --output-change"
        )
    if not any(move.upfront_usd for move in moves):
        said.append(
            "rewriting prompts, evaluation and people's time are counted as 0; give --rewriting-usd, --evaluation-usd"
            " and --people-usd"
        )
    said += _quality_words(question, found)
    others = {target.model.provider for target in found.targets} - {found.today.provider}
    if (question.cached_share or question.cache_write_share) and others:
        said.append("the same share of the input is taken to be cached at other providers, whose rules differ")
    return said


def _token_words(model: str, found: "Candidates", moves: list[Move], catalogue: Catalogue) -> list[str]:
    """How far estimated token counts can move an answer."""
    move = next(each for each in moves if each.model == model)
    target = next(each for each in found.targets if each.model.id == model)
    ratio = target.input_ratio if target.input_ratio.low != target.input_ratio.high else target.output_ratio
    words = (
        f"{model} makes an estimated {ratio.ratio:.3g} tokens of each of today's ({ratio.low:.3g} to {ratio.high:.3g});"
        f" give --token-ratio{', or a log that holds prompts' if exact_vocabulary(catalogue, model) else ''}"
    )
    ends = {move.verdict_low, move.verdict, move.verdict_high}
    if len(ends) > 1 and move.verdict_low and move.verdict_high:
        words += f"; over that band it goes from {WORDS[move.verdict_low]} to {WORDS[move.verdict_high]}"
    return [words]


def _quality_words(question: "SwitchQuestion", found: "Candidates") -> list[str]:
    if question.success_rate is None:
        return ["quality is not compared; give --success-rate, --new-success-rate and --failure-usd"]
    own = {target.model.id for target in found.targets if target.terms and target.terms.success_rate is not None}
    taken = [target.model.id for target in found.targets if target.model.id not in own]
    said = []
    if question.new_success_rate is None and taken:
        said.append(f"calls of {_listed(taken)} are taken to succeed as often as today's; give --new-success-rate")
    if not question.failure_usd:
        said.append("a failed call is taken to cost nothing but itself; give --failure-usd")
    return said


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def switch_tables(answer: SwitchAnswer) -> list[Table]:
    """Moves; what differs at each model; the leading move's months and month 1 line by line."""
    stay, first, months = answer.stay, answer.moves[0], answer.question["horizon_months"]
    end = answer.forced
    found = [
        Table(
            name="moves",
            title=f"Moves, the least cost over {months} months first",
            columns=[
                Column(title="Model"),
                Column(title="a month", unit="usd"),
                Column(title="saves", unit="usd"),
                Column(title="share", unit="signed_share"),
                Column(title="to move", unit="usd"),
                Column(title="pays back", unit="months"),
                Column(title="saved", unit="usd"),
                Column(title=f"{months} months", unit="usd"),
                Column(title="Verdict"),
            ],
            rows=[*map(_move_row, answer.moves), _stay_row(stay, end)],
            note=_moves_note(answer),
        ),
        Table(
            name="differences",
            title="What differs at each model",
            columns=[
                Column(title="Model"),
                Column(title="input tokens", unit="tokens"),
                Column(title="output tokens", unit="tokens"),
                Column(title="x input", unit="ratio"),
                Column(title="x output", unit="ratio"),
                Column(title="Counts"),
                Column(title="longer answers", unit="signed_share"),
                Column(title="Notes"),
            ],
            rows=[
                [
                    move.model,
                    move.input_tokens,
                    move.output_tokens,
                    move.input_ratio,
                    move.output_ratio,
                    move.counts,
                    move.output_change,
                    _notes(move),
                ]
                for move in answer.moves
            ],
            note=_counts_note(answer),
        ),
    ]
    if any(move.success_rate is not None for move in answer.moves):
        found.append(_quality_table(answer))
    if end is not None and not end.over:
        found.append(_moment_table(answer, str(months)))
    found += [
        Table(
            name="months",
            title=f"Moving to {first.model}, month by month",
            columns=[Column(title="Month"), Column(title="cost", unit="usd")],
            rows=[[f"month {place}", each] for place, each in enumerate(first.months_usd, start=1)],
            folded=True,
        ),
        Table(
            name="lines",
            title=f"{first.model}, line by line",
            columns=[Column(title="Line"), Column(title="quantity", unit="count"), Column(title="Unit"),
                     Column(title="USD", unit="usd"), Column(title="When"), Column(title="Source")],
            rows=[[line.name, line.quantity, line.unit, line.usd, line.when, line.source] for line in first.lines],
            folded=True,
        ),
    ]  # fmt: skip
    return found


def _move_row(move: Move) -> list[Cell]:
    if move.why_unavailable is not None:
        return [move.model, move.monthly_usd, None, None, None, None, None, None, WORDS["unavailable"]]
    never: Cell = "never" if move.break_even_months is None else move.break_even_months
    return [
        move.model,
        move.monthly_usd,
        move.monthly_saving_usd,
        move.saving_share,
        move.upfront_usd,
        "-" if move.verdict == "forced" else never,
        move.saving_usd,
        move.horizon_usd,
        WORDS[move.verdict],
    ]


def _stay_row(stay: Staying, forced: Forced | None) -> list[Cell]:
    cost: Cell = "not possible" if forced else stay.horizon_usd
    until = f"{'retired' if forced.over else 'retires'} {forced.retires}" if forced else "today"
    return [f"stay: {stay.model}", stay.monthly_usd, 0.0, 0.0, 0.0, "-", "-" if forced else 0.0, cost, until]


def _moves_note(answer: SwitchAnswer) -> str:
    note = (
        "saves, share: of month 1. pays back: in months. saved: against staying over"
        f" {answer.question['horizon_months']} months, while both models are served, less what is paid to move."
    )
    if answer.forced is not None:
        note += (
            f" Staying ends on {answer.forced.retires} ({answer.forced.source}), so cost over the whole span decides,"
            " and what is paid to move is paid in any case."
        )
    return note


def _counts_note(answer: SwitchAnswer) -> str:
    """What was recounted in a log, or why nothing was."""
    origin = answer.origins.get("by_model", "")
    return "" if origin in ("", "yours", "default") else f"{origin[:1].upper()}{origin[1:]}."


def _notes(move: Move) -> str:
    notes = list(move.notes)
    if move.monthly_low_usd is not None and move.monthly_high_usd is not None:
        notes.insert(0, f"est. {usd(move.monthly_low_usd)} to {usd(move.monthly_high_usd)} a month")
    return "; ".join(notes)


def _quality_table(answer: SwitchAnswer) -> Table:
    stay = answer.stay
    rate = answer.question["success_rate"]
    today = float(rate) if isinstance(rate, int | float) else None
    rows: list[list[Cell]] = [
        [
            move.model,
            move.success_rate,
            move.usd_per_successful_call,
            "-" if move.success_rate_at_parity is None else move.success_rate_at_parity,
            "-" if move.failure_usd_at_parity is None else move.failure_usd_at_parity,
        ]
        for move in answer.moves
    ]
    rows.append([f"stay: {stay.model}", today, stay.usd_per_successful_call, "-", "-"])
    return Table(
        name="quality",
        title="Quality",
        columns=[
            Column(title="Model"),
            Column(title="calls succeed", unit="share"),
            Column(title="per success", unit="usd"),
            Column(title="same cost at success", unit="share"),
            Column(title="same cost at a failure of", unit="usd"),
        ],
        rows=rows,
        note="The last two columns: at which share of successes, or at which cost of a failed call, a month costs the"
        " same as staying, all else as given.",
    )


def _moment_table(answer: SwitchAnswer, months: str) -> Table:
    rows: list[list[Cell]] = [
        [move.model, move.horizon_usd, move.wait_horizon_usd, (move.wait_horizon_usd or 0.0) - move.horizon_usd]
        for move in answer.moves
        if move.why_unavailable is None
    ]
    return Table(
        name="moment",
        title="When to move",
        columns=[
            Column(title="Model"),
            Column(title=f"now: {months} months", unit="usd"),
            Column(title="on the last day", unit="usd"),
            Column(title="waiting costs", unit="usd"),
        ],
        rows=rows,
    )
