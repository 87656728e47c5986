"""How reading goes on, on standard error: only where that is a terminal, and only for what takes over a second."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from breakeven.usage.inputs import Watch
from breakeven.usage.lines import HEAD_BYTES

if TYPE_CHECKING:
    from rich.progress import Progress

AFTER_S = 1.0


@contextmanager
def reading() -> Iterator[Watch | None]:
    """Something that shows progress while a block runs; None where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = Bar()
    try:
        yield bar
    finally:
        bar.end()


class Bar:
    """A progress bar that appears after ``AFTER_S``, with bytes and rows a second; gone at the end."""

    def __init__(self) -> None:
        self.size: int | None = None
        self.done = self.counted = 0
        self.words = "reading"
        self.share: float | None = None
        self.progress: Progress | None = None
        self.lock = threading.Lock()
        self.ended = False
        self.timer = threading.Timer(AFTER_S, self._begin)
        self.timer.daemon = True
        self.timer.start()

    def total(self, size: int | None) -> None:
        """Bytes of all logs together."""
        self.size = size

    def read(self, name: str, count: int) -> None:
        """So many bytes of a log more."""
        self.done += count
        self.words = f"reading {name}"
        self._show()

    def rows(self, count: int) -> None:
        """So many rows more."""
        self.counted += count
        self._show()

    def step(self, words: str) -> None:
        """What is done after reading; only in steps is it known how far it is."""
        self.words, self.size, self.share = words, None, 0.0
        self._show()

    def part(self, share: float) -> None:
        """So much of the step is done. [1]"""
        self.share = share
        self._show()

    def end(self) -> None:
        """Take the bar away."""
        self.timer.cancel()
        with self.lock:
            self.ended = True
            if self.progress is not None:
                self.progress.stop()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            ProgressColumn,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.text import Text

        bar = self

        class Rate(ProgressColumn):
            def render(self, task: object) -> Text:
                seconds = getattr(task, "elapsed", None)
                if not seconds:
                    return Text("")
                seconds += AFTER_S
                rows = f"{bar.counted / seconds:,.0f} rows/s"
                if bar.done <= HEAD_BYTES:  # of Parquet that is read where it is, bytes are not counted
                    return Text(rows)
                return Text(f"{bar.done / seconds / 1e6:,.1f} MB/s, {rows}")

        with self.lock:
            if self.ended:
                return
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                Rate(),
                TimeElapsedColumn(),
            )
            self.progress = Progress(*columns, console=Console(stderr=True), transient=True)
            total, completed = self._state()
            self.progress.add_task(self.words, total=total, completed=completed)
            self.progress.start()

    def _show(self) -> None:
        if self.progress is not None:
            task = self.progress.task_ids[0]
            total, completed = self._state()
            self.progress.update(task, description=self.words, total=total, completed=completed)

    def _state(self) -> tuple[int | None, int]:
        """What there is to do and what is done: bytes while logs are read, then hundredths of adding them up."""
        if self.share is None:
            return self.size, self.done
        return 100, round(100 * self.share)
