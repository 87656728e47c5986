"""Every question that surfaces offer. A new question adds its name here, and all surfaces gain it."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from breakeven.questions.kind import Kind

NAMES = ("finetune", "cost", "switch", "optimize", "pipeline", "route", "training", "selfhost")
"""Modules of this folder that hold a ``KIND``, in the order in which they are offered."""


class Questions(Mapping[str, Kind]):
    """Name -> question; a module is imported when its question is first asked for."""

    def __getitem__(self, name: str) -> Kind:
        if name not in NAMES:
            raise KeyError(name)
        kind: Kind = import_module(f"breakeven.questions.{name}").KIND
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


QUESTIONS = Questions()
