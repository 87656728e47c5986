"""
The user's own names for tasks that were found: a YAML file of ``name: [found names or patterns]``.

``*`` stands for any characters and ``?`` for one. A found name that no line names keeps its own.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

import yaml

from breakeven.errors import LogError, nearest

LONGEST = 100
EXAMPLE = "a line is 'name: [found names or patterns]'"


@dataclass(frozen=True, slots=True)
class TaskNames:
    """The lines of a tasks file: its name without folders, and name -> patterns."""

    file: str
    patterns: Mapping[str, tuple[str, ...]]


def read_task_names(file: Path) -> TaskNames:
    """Read a tasks file. Raises LogError, in one line, for the first thing in it that is wrong."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LogError(f"--tasks {file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LogError(f"--tasks {file}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        raise LogError(f"--tasks {file}{place}: is not YAML; {EXAMPLE}") from None
    if not isinstance(document, dict) or not document:
        raise LogError(f"--tasks {file}: holds no names; {EXAMPLE}")
    patterns = {}
    owners: dict[str, str] = {}
    for name, given in document.items():
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST or not name.isprintable():
            raise LogError(f"--tasks {file}: a name must be text of at most {LONGEST} characters on one line")
        listed = [given] if isinstance(given, str) else given
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) and each for each in listed):
            raise LogError(f"--tasks {file}: {name!r} needs found names or patterns; {EXAMPLE}")
        for each in listed:
            if owners.setdefault(each, name) != name:
                raise LogError(f"--tasks {file}: {each!r} is in both {owners[each]!r} and {name!r}; keep one")
        patterns[name.strip()] = tuple(listed)
    return TaskNames(file.name, patterns)


def renamed(names: TaskNames, found: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """
    Found name -> name of the user's, for those that have one, and a sentence for each pattern that matches none.

    Raises
    ------
    LogError
        One found name falls to two names, or nothing of the file matches anything.
    """
    chosen: dict[str, str] = {}
    notes = []
    for name, patterns in names.patterns.items():
        for pattern in patterns:
            matching = [each for each in found if each == pattern or fnmatchcase(each, pattern)]
            for each in matching:
                if chosen.setdefault(each, name) != name:
                    raise LogError(
                        f"{names.file}: task {each!r} falls to both {chosen[each]!r} and {name!r} (by {pattern!r});"
                        " make the patterns apart"
                    )
            if not matching:
                notes.append(f"{names.file}: {pattern!r} is no task of this log.{nearest(pattern, found)}")
    if not chosen:
        shown = ", ".join(list(found)[:12])
        raise LogError(f"{names.file}: none of its names is a task of this log. Tasks: {shown}")
    return chosen, notes


class Described(Protocol):
    """A task with the found names it was merged from, and a description without any text of a prompt."""

    @property
    def task(self) -> str:
        """Its name."""

    @property
    def members(self) -> Sequence[str]:
        """The found names."""

    @property
    def description(self) -> str:
        """What it is like."""


def starting_file(tasks: Iterable[Described]) -> str:
    """A tasks file to begin with, which changes nothing: every task with the names it has now."""
    lines = [
        "# Tasks of a log, for: breakeven logs FILE --tasks THIS_FILE",
        "# name: [found names or patterns]. Change the names on the left; to merge tasks, list several in one line.",
    ]
    for each in tasks:
        members = ", ".join(json.dumps(_exactly(name), ensure_ascii=False) for name in each.members)
        lines += [f"# {each.description}", f"{json.dumps(each.task, ensure_ascii=False)}: [{members}]"]
    return "\n".join(lines) + "\n"


def _exactly(name: str) -> str:
    """A pattern that matches a name alone."""
    return re.sub(r"([*?\[])", r"[\1]", name)
