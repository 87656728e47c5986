"""
Tokens of examples, by OpenAI's published rules.

References
----------
.. [1] OpenAI Cookbook, "Data preparation and analysis for chat model fine-tuning",
   https://github.com/openai/openai-cookbook/blob/main/examples/Chat_finetuning_data_prep.ipynb: text, roles and names
   of each message, 3 tokens around it, 1 for a name, and 3 an example.
.. [2] OpenAI Cookbook, "How to count tokens with tiktoken", section 7,
   https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb: definitions of
   tools.
"""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from breakeven.training_files.example import Example
from breakeven.training_files.facts import MOST_LINES, Counted
from breakeven.usage.prompt_file import Around
from breakeven.usage.tokens import Vocabulary, counter

KEPT_TEXTS = 4096
"""Texts whose count is remembered: system prompts and definitions of tools come again in every example."""


class ToolTokens(NamedTuple):
    """What definitions of tools add to their texts [2]_. [tokens]"""

    function: int
    properties: int = 3
    property: int = 3
    choices: int = -3
    choice: int = 3
    end: int = 12


TOOL_TOKENS: Mapping[Vocabulary, ToolTokens] = {"o200k_base": ToolTokens(7), "cl100k_base": ToolTokens(10)}
"""Of gpt-4o and gpt-4o-mini, and of gpt-3.5-turbo and gpt-4 [2]_."""


class ExampleTokens(NamedTuple):
    """Tokens of one example; see ``Counted``."""

    text: int
    trained: int
    roles: int
    tools: int
    schema: int
    length: int


class Tally:
    """
    Tokens of many examples in one vocabulary.

    Raises InputError, saying what to install, where the package that counts is missing.
    """

    def __init__(self, vocabulary: Vocabulary, around: Around) -> None:
        self.vocabulary = vocabulary
        self.around = around
        self.count = _remembering(counter(vocabulary))
        self.sums = [0] * len(ExampleTokens._fields)
        self.lengths: Counter[int] = Counter()
        self.trained_lengths: Counter[int] = Counter()
        self.longest: list[tuple[int, int]] = []

    def add(self, line: int, example: Example) -> None:
        """One example more, and its line."""
        found = self.tokens(example)
        heapq.heappush(self.longest, (found.length, -line))
        if len(self.longest) > MOST_LINES:
            heapq.heappop(self.longest)
        for place, tokens in enumerate(found):
            self.sums[place] += tokens
        self.lengths[found.length] += 1
        self.trained_lengths[found.trained] += 1

    def tokens(self, example: Example) -> ExampleTokens:
        """Those of one example."""
        text = trained = roles = messages = names = 0
        for turn in example.turns:
            here = sum(map(self.count, turn.texts)) + (self.count(turn.name) if turn.name else 0)
            text += here
            trained += here if turn.trained else 0
            if turn.role:
                messages += 1
                names += bool(turn.name)
                roles += self.count(turn.role)
        tools = self.tool_tokens(example.tools)
        schema = sum(self.count(_as_json(tool)) for tool in example.tools)
        rule = self.around
        around = round(messages * rule.message + names * rule.name + rule.reply) if messages else 0
        return ExampleTokens(text, trained, roles, tools, schema, text + roles + tools + around)

    def tool_tokens(self, tools: tuple[Mapping[str, Any], ...]) -> int:
        """
        Definitions of tools [2]_. [tokens]

        A tool costs ``function``, its ``name:description``, ``properties`` where it has any, and for each of them
        ``property`` and its ``name:type:description``; a list of allowed values ``choices``, and each of them
        ``choice`` and its text. ``end`` comes once.
        """
        if not tools:
            return 0
        rule = TOOL_TOKENS[self.vocabulary]
        total = rule.end
        for tool in tools:
            total += rule.function + self.count(f"{tool.get('name', '')}:{_described(tool)}")
            parameters = tool.get("parameters")
            properties = parameters.get("properties") if isinstance(parameters, dict) else None
            if not isinstance(properties, dict) or not properties:
                continue
            total += rule.properties
            for name, schema in properties.items():
                schema = schema if isinstance(schema, dict) else {}
                total += rule.property
                if isinstance(schema.get("enum"), list):
                    total += rule.choices
                    total += sum(rule.choice + self.count(str(value)) for value in schema["enum"])
                total += self.count(f"{name}:{schema.get('type', '')}:{_described(schema)}")
        return total

    def counted(self) -> Counted:
        """The sums."""
        sums = ExampleTokens(*self.sums)
        return Counted(
            self.vocabulary,
            text_tokens=sums.text,
            trained_tokens=sums.trained,
            role_tokens=sums.roles,
            tool_tokens=sums.tools,
            schema_tokens=sums.schema,
            lengths=tuple(sorted(self.lengths.items())),
            trained_lengths=tuple(sorted(self.trained_lengths.items())),
            longest=tuple((-line, tokens) for tokens, line in sorted(self.longest, reverse=True)),
        )


def _described(value: Mapping[str, Any]) -> str:
    description = value.get("description")
    return description.removesuffix(".") if isinstance(description, str) else ""


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _remembering(count: Callable[[str], int]) -> Callable[[str], int]:
    """A counter that remembers the first ``KEPT_TEXTS`` texts it met."""
    known: dict[str, int] = {}

    def tokens(text: str) -> int:
        found = known.get(text)
        if found is None:
            found = count(text)
            if len(known) < KEPT_TEXTS:
                known[text] = found
        return found

    return tokens
