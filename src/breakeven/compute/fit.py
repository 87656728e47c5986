"""Constants of the serving equations fitted to measured runs, and what they predict for runs left out of the fit."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from breakeven.catalogue.constants import ServingConstants
from breakeven.catalogue.load import Catalogue
from breakeven.compute import equations
from breakeven.compute.layout import Array, Case, case_of, stack
from breakeven.compute.rows import NEEDED, Run, run_of
from breakeven.compute.serving import too_large, unknown_shape
from breakeven.errors import InputError

FREE: Mapping[str, float] = {
    "paged_output_share": 0.956, "even_tail": 0.5, "uneven_tail": 1.0, "bandwidth_share": 0.95,
    "expert_bandwidth_share.bf16": 0.6, "expert_bandwidth_share.fp8": 0.5, "expert_bandwidth_share.fp4": 0.5,
    "expert_bandwidth_share.mxfp4": 0.5, "amd_share": 0.8, "routing_spread": 0.4, "arithmetic_share.bf16": 0.6,
    "arithmetic_share.fp8": 0.6, "arithmetic_share.fp4": 0.4, "expert_arithmetic_share": 0.6,
    "grouped_arithmetic_share": 1.0, "attention_share": 0.6, "message_s": 1.8e-6, "link_share": 0.3, "layer_s": 6e-5,
    "launch.ampere": 1.0, "launch.ada": 1.0, "launch.blackwell": 1.0, "launch.cdna3": 1.0, "launch.cdna4": 1.0,
    "expert_layers": 1.5, "latent_layers": 1.0, "sequence_s": 7e-6, "engine_speed.vllm": 0.95,
    "engine_speed.sglang": 0.8, "engine_speed.other": 1.0,
}  # fmt: skip
"""
Constants that are fitted, and where their search starts; a dot reaches into a mapping.

The speed of TensorRT-LLM and the launches of Hopper are 1, which sets the scales.
"""

SAME = {
    "expert_bandwidth_share.int8": "expert_bandwidth_share.fp8",
    "expert_bandwidth_share.int4": "expert_bandwidth_share.fp4",
}
"""Constants no row tells anything about, and whose value they take."""

AT_MOST_ONE = ("paged_output_share", "bandwidth_share", "amd_share")
SPREAD = 0.1
"""Log residual beyond which a row pulls with constant force (soft L1)."""
PULL = 0.3
"""Weight of each constant's log distance from its start, which decides those the rows say nothing about."""

FoldBy = Literal["model", "gpu", "series"]


class Table(NamedTuple):
    """Measured rows as arrays of shape (rows,): servers, load per replica, replicas, measured tokens/s."""

    case: Case
    concurrency: Array
    requests: Array
    uneven: Array
    replicas: Array
    measured: Array
    rows: tuple[Mapping[str, str], ...]
    runs: tuple[Run, ...]

    def part(self, keep: NDArray[np.bool_]) -> "Table":
        """The rows where ``keep``."""
        return Table(
            case=Case(*(column[keep] for column in self.case)),
            concurrency=self.concurrency[keep],
            requests=self.requests[keep],
            uneven=self.uneven[keep],
            replicas=self.replicas[keep],
            measured=self.measured[keep],
            rows=tuple(row for row, kept in zip(self.rows, keep, strict=True) if kept),
            runs=tuple(run for run, kept in zip(self.runs, keep, strict=True) if kept),
        )


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file, gzip or plain. Raises InputError naming a column that is needed and missing."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    lacking = [
        name for name in (*NEEDED, "series", "output_tok_s", "in_fit_scope") if name not in (reader.fieldnames or ())
    ]
    if lacking:
        raise InputError(f"{path}: no column {', '.join(lacking)}; the fit needs them")
    return list(reader)


def table(rows: Iterable[Mapping[str, str]], catalogue: Catalogue) -> Table:
    """
    The rows that can be fitted: in scope, of a model whose shape is known, and with weights that fit as stated.

    Raises InputError at a row that cannot be read.
    """
    constants = catalogue.compute.serving.constants
    pairs = [(row, run_of(row, catalogue)) for row in rows if row["in_fit_scope"] == "yes"]
    pairs = [(row, run) for row, run in pairs if not unknown_shape(run.server.model)]
    pairs = [(row, run) for row, run in pairs if not too_large(run.server, constants)]
    if not pairs:
        raise InputError("no row has in_fit_scope yes, a known model and a known GPU; nothing to fit")
    return Table(
        case=stack([case_of(run.server, run.lengths) for _, run in pairs]),
        concurrency=np.array([run.concurrency for _, run in pairs]),
        requests=np.array([run.requests for _, run in pairs]),
        uneven=np.array([float(run.uneven) for _, run in pairs]),
        replicas=np.array([run.replicas for _, run in pairs]),
        measured=np.array([float(row["output_tok_s"]) for row, _ in pairs]),
        rows=tuple(row for row, _ in pairs),
        runs=tuple(run for _, run in pairs),
    )


def predicted(data: Table, constants: ServingConstants) -> Array:
    """Output tokens/s of each row."""
    offered = equations.offered(data.concurrency, data.requests, constants)
    running = equations.sequences(data.case, offered, constants)
    steady = running / equations.step_s(data.case, running, constants)
    return data.replicas * steady * equations.drained(running, data.requests, data.uneven, constants)


def log_ratio(data: Table, constants: ServingConstants) -> Array:
    """Natural logarithm of predicted over measured."""
    ratios: Array = np.log(predicted(data, constants) / data.measured)
    return ratios


def with_values(constants: ServingConstants, found: Mapping[str, float]) -> ServingConstants:
    """``constants`` with the named ones replaced, and those that follow them (``SAME``)."""
    numbers: dict[str, Any] = constants.model_dump()
    for name, value in (dict(found) | {name: found[like] for name, like in SAME.items() if like in found}).items():
        section, _, key = name.partition(".")
        if key:
            numbers[section][key] = float(value)
        else:
            numbers[section] = float(value)
    return ServingConstants.model_construct(**numbers)


def fitted(data: Table, constants: ServingConstants, free: Mapping[str, float] = FREE) -> ServingConstants:
    """
    Constants that bring predictions closest to the measured runs; those not in ``free`` stay as they are.

    Least squares of log ratios with a soft L1 loss, in the logarithm of each constant so that all stay above 0.
    """
    first = np.log(list(free.values()))
    most = np.array([0.0 if name in AT_MOST_ONE else np.inf for name in free])

    def residuals(found: Array) -> Array:
        tried = with_values(constants, dict(zip(free, np.exp(found), strict=True)))
        return np.concatenate([log_ratio(data, tried), PULL * (found - first)])

    bounds = (np.full(len(first), -np.inf), most)
    solution = least_squares(residuals, first, bounds=bounds, loss="soft_l1", f_scale=SPREAD, max_nfev=100)
    return with_values(constants, dict(zip(free, np.exp(solution.x), strict=True)))


def left_out(data: Table, constants: ServingConstants, by: FoldBy) -> Array:
    """``log_ratio`` of each row by a fit without any row of its model, GPU or series; series in ten groups."""
    labels = np.array([row[by] for row in data.rows])
    if by == "series":
        order = {label: place % 10 for place, label in enumerate(dict.fromkeys(labels.tolist()))}
        labels = np.array([order[label] for label in labels.tolist()])
    found = np.empty(len(labels))
    for label in np.unique(labels):
        out = labels == label
        found[out] = log_ratio(data.part(out), fitted(data.part(~out), constants))
    return found
