"""Does fine-tuning a model save money against paying for API calls, at your usage?"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from breakeven.catalogue.load import Catalogue, load_catalogue
    from breakeven.questions.finetune import FinetuneAnswer, FinetuneQuestion
    from breakeven.questions.logs import LogsAnswer
    from breakeven.usage import Usage, read_usage

__version__ = "0.1.0"

_HOMES = {
    "Catalogue": "breakeven.catalogue.load",
    "load_catalogue": "breakeven.catalogue.load",
    "FinetuneAnswer": "breakeven.questions.finetune",
    "FinetuneQuestion": "breakeven.questions.finetune",
    "LogsAnswer": "breakeven.questions.logs",
    "Usage": "breakeven.usage",
    "read_usage": "breakeven.usage",
}

__all__ = ["Catalogue", "FinetuneAnswer", "FinetuneQuestion", "LogsAnswer", "Usage", "load_catalogue", "read_usage"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'breakeven' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
