"""What is in a cube, as a document and as text."""

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from breakeven.surfaces.render.numbers import calls_of, money
from breakeven.usage import Usage
from breakeven.usage.cells import UNKNOWN_TIME
from breakeven.usage.cuts import EPOCH

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_TASKS = 30


def cube_document(name: str, size_bytes: int, usage: Usage) -> dict[str, Any]:
    """A cube as the JSON document of schema ``breakeven/cube-contents/1``."""
    cube = usage.cube
    cells = cube.cells
    known = cells.columns["first_us"] != UNKNOWN_TIME
    first, last = (cells.columns[name][known] for name in ("first_us", "last_us"))
    return {
        "schema": "breakeven/cube-contents/1",
        "name": name,
        "size_bytes": size_bytes,
        "cells": len(cells),
        "rows": {"in": usage.rows.read, "priced": usage.rows.priced, "unpriced": usage.rows.unpriced}
        | {"rejected": usage.rows.rejected},
        "reject_counts": dict(cube.reject_counts),
        "calls": usage.calls,
        "first": _moment(int(first.min())) if len(first) else None,
        "last": _moment(int(last.max())) if len(last) else None,
        "billing_zone": cube.billing_zone,
        "cuts": [_moment(cut) for cut in cube.cuts_us],
        "day_edges_utc": [_moment(edge)[11:19] for edge in cube.day_edges_us],
        "thresholds": list(cube.thresholds),
        "cost_usd": float(usage.cost_usd),
        "tasks": [
            {"task": each.task, "model": each.model, "calls": each.calls}
            | {"cost_usd": None if each.cost_usd is None else float(each.cost_usd)}
            for each in usage.profiles
        ],
        "sources": [dataclasses.asdict(source) for source in cube.sources],
        "skipped": [dataclasses.asdict(each) for each in usage.skipped],
        "rescan": [dataclasses.asdict(each) for each in usage.bill.uncut],
        "notes": list(usage.notes),
    }


def draw_cube(document: dict[str, Any], console: "Console") -> None:
    """The document as text."""
    from rich.table import Table

    rows = document["rows"]
    lines = [
        f"{document['name']}: {document['cells']:,} cells, {document['size_bytes']:,} bytes",
        f"Rows in {rows['in']:,} = priced {rows['priced']:,} + unpriced {rows['unpriced']:,}"
        f" + rejected {rows['rejected']:,}; calls {calls_of(document['calls'])}",
        *(f"  rejected {count:,}: {reason}" for reason, count in document["reject_counts"].items()),
        f"From {document['first'] or 'an unknown time'} to {document['last'] or 'an unknown time'};"
        f" months of {document['billing_zone']}",
        f"Cuts: instants {len(document['cuts']):,}, request sizes {len(document['thresholds']):,},"
        f" times of day {len(document['day_edges_utc']):,}",
        f"Cost {money(document['cost_usd'])}{' at least' if rows['unpriced'] else ''}",
        *(f"Note: {note}" for note in document["notes"]),
        *(
            f"Source {source['name']}: {source['rows']:,} rows, {source['reader']}, sha256 {source['sha256'][:12]}"
            for source in document["sources"]
        ),
        *(f"Not read: {each['file']}: {each['reason']}" for each in document["skipped"]),
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    table = Table("task", "model", box=None, pad_edge=False)
    for name in ("calls", "cost"):
        table.add_column(name, justify="right")
    for each in document["tasks"][:SHOWN_TASKS]:
        table.add_row(
            each["task"], each["model"] or "?", calls_of(each["calls"]), money(each["cost_usd"], unknown="no price")
        )
    console.print(table, markup=False)
    if len(document["tasks"]) > SHOWN_TASKS:
        console.print(f"and {len(document['tasks']) - SHOWN_TASKS:,} more tasks and models")


def _moment(at_us: int) -> str:
    return (EPOCH + dt.timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%SZ")
