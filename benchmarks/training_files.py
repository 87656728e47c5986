"""
Speed of checking and counting a training file, in lines and MB a second of one processor.

    python benchmarks/training_files.py [--lines 20000]

Lines are made up: a system prompt, a question and an answer of random words, so that no text comes twice.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from breakeven.training_files.checks import read_training_file
from breakeven.usage.prompt_file import Around
from breakeven.usage.tokens import VOCABULARIES

WORDS = ("card", "transfer", "please", "account", "Bonn", "two", "why", "not", "receipt", "42", "tomorrow", "thanks")


def made_up(lines: int, seed: int = 1) -> str:
    """A training file of so many lines."""
    draw = random.Random(seed)
    rows = []
    for _ in range(lines):
        user, answer = (" ".join(draw.choices(WORDS, k=count)) for count in (200, 60))
        texts = (("system", "Answer the customer."), ("user", user), ("assistant", answer))
        rows.append(json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]}))
    return "\n".join(rows) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=20_000)
    lines = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.jsonl"
        file.write_text(made_up(lines), encoding="utf-8")
        start = time.process_time()
        found = read_training_file(file, Around(3, 1, 3), vocabularies=VOCABULARIES[:1]).train
        seconds = time.process_time() - start
        size = file.stat().st_size / 1e6
    print(f"{found.valid:,} lines, {size:.1f} MB: {found.valid / seconds:,.0f} lines/s, {size / seconds:.1f} MB/s")


if __name__ == "__main__":
    main()
