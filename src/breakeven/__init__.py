"""Does fine-tuning a model save money against paying for API calls, at your usage?"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breakeven.catalogue.load import Catalogue, load_catalogue
    from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion
    from breakeven.questions.logs import LogsAnswer
    from breakeven.surfaces.notebook import finetune
    from breakeven.usage import Usage, read_usage
    from breakeven.usage.of_frame import usage_of
    from breakeven.usage.of_frame import usage_of as usage

__version__ = "0.1.0"

_HOMES = {
    "Catalogue": "breakeven.catalogue.load",
    "load_catalogue": "breakeven.catalogue.load",
    "FinetuneAnswer": "breakeven.questions.finetune",
    "FinetuneQuestion": "breakeven.questions.finetune",
    "LogsAnswer": "breakeven.questions.logs",
    "finetune": "breakeven.surfaces.notebook",
    "Usage": "breakeven.usage",
    "read_usage": "breakeven.usage",
    "usage_of": "breakeven.usage.of_frame",
}

__all__ = [
    "Catalogue",
    "FinetuneAnswer",
    "FinetuneQuestion",
    "LogsAnswer",
    "Usage",
    "finetune",
    "load_catalogue",
    "read_usage",
    "usage",
    "usage_of",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    from importlib import import_module

    if name == "usage":
        return import_module("breakeven.usage")
    if name not in _HOMES:
        raise AttributeError(f"module 'breakeven' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext breakeven``: answers display themselves."""
    from breakeven.surfaces.notebook import register

    register(ipython)


if "IPython" in sys.modules and (_shell := sys.modules["IPython"].get_ipython()) is not None:
    load_ipython_extension(_shell)
