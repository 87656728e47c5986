"""Logs with prompts of known tasks: rows of LiteLLM's spend table, each with the task it was made for."""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from typing import Any

GENERIC = "You are a helpful assistant."
START = dt.datetime(2026, 5, 1)

SUBJECTS = ("my card", "the parcel", "an invoice", "your app", "a refund", "the shop", "my password", "this order",
            "the lamp", "a booking", "our contract", "the new phone")  # fmt: skip
VERBS = ("has not come", "was charged twice", "does not work", "is much too late", "cannot be found", "looks broken",
         "needs a change", "arrived wet", "was cancelled", "keeps asking for a code")  # fmt: skip
OPENINGS = ("Hi, ", "I think ", "Please help: ", "Since Monday ", "Why is it that ", "Last week ", "Could you see why ",
            "It seems that ", "Good day. ", "What can I do if ", "My wife says ", "Nobody told me that ", "Once more: ",
            "As I wrote, ", "Sorry, but ")  # fmt: skip

Labelled = list[tuple[str, dict[str, Any]]]


class Writer:
    """Texts as users write them, and rows around them, the same for the same seed."""

    def __init__(self, seed: int, system: str | None = GENERIC) -> None:
        self.seeded = random.Random(seed)
        self.system = system
        self.rows = 0

    def text(self) -> str:
        """What a user might write: two short sentences that begin in one of many ways."""
        said = [f"{self.pick(SUBJECTS)} {self.pick(VERBS)}" for _ in range(self.seeded.randint(2, 5))]
        return f"{self.pick(OPENINGS)}{' and '.join(said)}, {self.seeded.choice('abcdefgh') * 3}."

    def pick(self, of: Sequence[str]) -> str:
        return self.seeded.choice(of)

    def row(self, *users: str, **changes: Any) -> dict[str, Any]:
        """A call with the system prompt, if there is one, and messages of the user."""
        messages = [{"role": "user", "content": each} for each in users]
        if self.system is not None:
            messages.insert(0, {"role": "system", "content": self.system})
        self.rows += 1
        whole = {"spend": 0.001, "prompt_tokens": 500, "completion_tokens": 20, "model": "gpt-4o-mini"}
        whole |= {"startTime": (START + dt.timedelta(minutes=self.rows)).isoformat(), "status": "success"}
        return whole | {"messages": messages} | changes

    def log(self, calls: int, **tasks: Callable[[], str]) -> Labelled:
        """So many calls of each task, in any order; a task says what its user message is."""
        rows = [(task, self.row(says())) for task, says in tasks.items() for _ in range(calls)]
        self.seeded.shuffle(rows)
        return rows
