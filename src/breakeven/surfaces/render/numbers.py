"""Numbers as printed, by their unit. The only place where they are rounded."""

from breakeven.questions.tables import Cell, Unit

UNKNOWN = "?"


def money(usd: float | None, *, unknown: str = "unknown") -> str:
    """Money as printed. None is ``unknown``."""
    if usd is None:
        return unknown
    sign, size = ("-" if usd < -0.005 else ""), abs(usd)
    if 0 < size < 0.01:
        return f"{'-' if usd < 0 else ''}${size:.2g}"
    return f"{sign}${size:,.2f}" if size < 10_000 else f"{sign}${size:,.0f}"


def calls_of(number: object) -> str:
    """A number of calls as printed; ``?`` for 0, which stands for a number that the log does not say."""
    return f"{number:,}" if number else UNKNOWN


def months(value: float | None) -> str:
    """Months as printed, "never" for none."""
    return "never" if value is None else f"{value:.1f}"


def shown(value: Cell, unit: Unit) -> str:
    """One value of a table as printed; ``?`` where it is not known."""
    if value is None:
        return "" if unit == "text" else UNKNOWN
    if isinstance(value, str):
        return value
    match unit:
        case "usd":
            return small_money(value)
        case "usd_per_mtok":
            return f"${value:,.4g}" if value < 1000 else f"${value:,.0f}"
        case "share":
            return f"{value:.1%}"
        case "signed_share":
            return f"{value:+.1%}"
        case "months":
            return f"{value:.1f}"
        case "tokens" | "count":
            return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else f"{value:,.3g}"
        case "rough":
            return f"{float(f'{value:.2g}'):,.{0 if value >= 10 else 1 if value >= 1 else 2}f}"
        case "ratio" | "score":
            return f"{value:.4g}"
        case _:
            return str(value)


def small_money(usd: float) -> str:
    """Money; below one dollar with three digits that count, cents at least."""
    if not 0 < abs(usd) < 1:
        return money(usd)
    digits = f"{abs(usd):.3g}"
    return f"{'-' if usd < 0 else ''}${digits + '0' if len(digits) == 3 else digits}"


def is_number(unit: Unit) -> bool:
    """Whether a column of this unit is set to the right."""
    return unit != "text"
