"""``breakeven cost --prompt-file``: input tokens counted from a prompt."""

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from breakeven.catalogue.load import Catalogue
from breakeven.errors import InputError
from breakeven.surfaces.cli.fields import More
from breakeven.surfaces.counted import around

if TYPE_CHECKING:
    from breakeven.surfaces.cli.from_log import LogRead
    from breakeven.usage.prompt_file import PromptCount

HELP = "Text, or chat messages as JSON: its tokens are counted for each model, in place of --input-tokens."

OPTIONS = (
    inspect.Parameter(
        "prompt_file",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[Path | None, Parameter(help=HELP)],
    ),
)


def more(options: dict[str, Any], catalogue: Catalogue) -> More:
    """The fields ``input_tokens`` and ``text_tokens``, counted from a prompt file where one was given."""

    def fields(given: dict[str, Any], log: "LogRead | None") -> tuple[dict[str, Any], dict[str, str]]:
        file: Path | None = options.get("prompt_file")
        if file is None:
            return {}, {}
        twice = [name for name in ("input_tokens", "text_tokens") if given.get(name) is not None and log is None]
        if twice:
            raise InputError("Give either --prompt-file or --input-tokens, not both", "input_tokens")
        from breakeven.usage.prompt_file import count_prompt_file

        count = count_prompt_file(file, around(catalogue))
        words = _words(count, file.name)
        text_tokens = [{"vocabulary": name, "input_tokens": tokens} for name, tokens in count.tokens.items()]
        return (
            {"input_tokens": count.tokens["o200k_base"], "text_tokens": text_tokens},
            {"input_tokens": words, "text_tokens": words},
        )

    return fields


def _words(count: "PromptCount", name: str) -> str:
    """What was counted, in one line."""
    if not count.messages:
        return f"counted in {name}, as plain text: a chat adds a few tokens for each message"
    left_out = f"; not counted: {', '.join(count.left_out)}" if count.left_out else ""
    messages = "1 message" if count.messages == 1 else f"{count.messages} messages"
    return f"counted in {name}: {messages}, {count.around} tokens around them by OpenAI's rule{left_out}"
