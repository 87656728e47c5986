"""
Uploaded logs to an answer, in a process of its own.

A file from anywhere is read by native code: there it can be stopped at any moment, its memory is limited and comes
back whole, and a crash ends no server. What it says about a fault never quotes a log.
"""

import asyncio
import datetime as dt
import logging
import os
import pickle
import re
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from breakeven.errors import BreakevenError, LogError

if TYPE_CHECKING:
    from breakeven.catalogue.load import Catalogue

MAX_TASKS = 500
"""Most tasks that are answered: each takes about 20 ms, and a field that names every call apart makes millions."""

MEMORY_BYTES = 4 << 30
"""Most address space of the process; its engine takes 1 GB at most."""

TASKS_FILE = "tasks.yaml"

UPLOAD = re.compile(r"\bupload-(\d+)\b")

log = logging.getLogger("breakeven.web")


@dataclass(frozen=True, kw_only=True)
class Order:
    """
    What is to be read.

    files, names : the logs, and what each is called in the answer.
    as_of : day of offers, and of calls without a time.
    task_by, reader, columns : as in ``read_usage``.
    tasks : text of a file of names for tasks, see ``task_names.py``.
    """

    files: Sequence[Path]
    names: Sequence[str]
    catalogue: "Catalogue"
    as_of: dt.date
    task_by: str | None
    reader: str | None
    columns: Mapping[str, str]
    tasks: str | None = None

    def answered(self) -> bytes:
        """The JSON document of the answer; called in the process that reads."""
        return _answer(self)


class Ordered(Protocol):
    """What is to be read, and how."""

    @property
    def names(self) -> Sequence[str]:
        """What the client calls each file."""

    @property
    def catalogue(self) -> "Catalogue":
        """Prices and offers."""

    def answered(self) -> bytes:
        """The JSON document of the answer; called in the process that reads."""


async def answer_of(order: Ordered) -> bytes:
    """
    The JSON document of some files. On cancellation the process is killed.

    What does not fit into memory is put beside the logs, to be removed with them.

    Raises
    ------
    LogError
        As ``read_usage``, or the process came to grief over a file.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
    )
    try:
        fresh = replace(cast(Any, order), catalogue=_forgetful(order.catalogue))
        said, _ = await process.communicate(pickle.dumps(fresh))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return said
    if process.returncode == 2:
        raise LogError(said.decode())
    log.error("Reading an upload ended with code %s %s", process.returncode, said.decode(errors="replace"))
    raise LogError("The upload could not be read: reading it failed or took too much memory")


def _forgetful(catalogue: "Catalogue") -> "Catalogue":
    """The same catalogue without the models it has looked up: with them it takes far longer to hand over."""
    prices = catalogue.prices
    return replace(catalogue, prices=type(prices)(prices.document, prices.own))


def main() -> int:
    """Read the order on standard input; write the answer, or one line on what is wrong, to standard output."""
    order: Ordered = pickle.load(sys.stdin.buffer)
    try:
        _limit_memory()
        said, code = order.answered(), 0
    except BreakevenError as error:
        said, code = renamed(str(error), order.names).encode(), 2
    except Exception as error:
        # Its message and the values in its frames may hold text of a log.
        places = ", ".join(
            f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
        )
        said, code = f"{type(error).__name__} at {places}".encode(), 1
    sys.stdout.buffer.write(said)
    return code


def _answer(order: Order) -> bytes:
    """What the logs say, as JSON."""
    from pydantic_core import to_json

    from breakeven.questions.logs import answer_logs
    from breakeven.usage import read_usage
    from breakeven.usage.task_names import read_task_names

    folder = order.files[0].parent
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    names = None
    if order.tasks is not None:
        place = Path(TASKS_FILE)
        place.write_text(order.tasks, encoding="utf-8")
        names = read_task_names(place)
    usage = read_usage(
        [file.name for file in order.files],
        table=order.catalogue.prices,
        as_of=order.as_of,
        task_by=order.task_by,
        reader=order.reader,
        columns=order.columns,
        tasks=names,
    )
    count = len(usage.profiles)
    if count > MAX_TASKS:
        note = f"only the {MAX_TASKS} dearest of {count:,} tasks are listed; all are counted in the sums"
        usage = replace(usage, profiles=usage.profiles[:MAX_TASKS], notes=(note, *usage.notes))
    found = answer_logs(usage, order.catalogue, {})
    called = order.names
    found = replace(
        found,
        files=[file | {"name": renamed(str(file["name"]), called)} for file in found.files],
        rejects=[replace(reject, file=renamed(reject.file, called)) for reject in found.rejects],
        skipped=[replace(each, file=renamed(each.file, called)) for each in found.skipped],
        notes=[renamed(note, called) for note in found.notes],
    )
    return to_json(found)


def renamed(text: str, names: Sequence[str]) -> str:
    """A text with the files called what the client calls them."""
    return UPLOAD.sub(lambda found: names[int(found[1]) - 1] if 0 < int(found[1]) <= len(names) else found[0], text)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    sys.exit(main())
