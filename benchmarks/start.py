"""CPU time of starting the program and of one answer, against the limits in the design."""

import datetime as dt
import os
import resource
import statistics
import subprocess
import sys
import time

from breakeven.catalogue.load import load_catalogue
from breakeven.questions.fields import ask
from breakeven.questions.finetune import FinetuneQuestion, answer

SIX = "finetune --model gpt-5-mini --calls-per-month 50k --input-tokens 800 --output-tokens 400 --training-usd 500"
COMMANDS = {"--help": 0.2, SIX: 0.6, f"{SIX} --format json": 0.6, "offers": 0.6, "prices show gpt-5-mini": 0.6}
"""Command -> CPU limit. [s]"""

RUNS = 9


def cpu_seconds(command: str) -> float:
    """Median CPU time of a process that runs the command, its start included. [s]"""
    taken = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "breakeven", *command.split()], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(taken)


def answer_milliseconds() -> float:
    """CPU time of one answer with every offer as a candidate, catalogue loaded. [ms]"""
    catalogue = load_catalogue()
    fields = {"model": "gpt-5-mini", "calls_per_month": 50_000, "input_tokens": 800, "output_tokens": 400}
    question = ask(FinetuneQuestion, fields | {"as_of": dt.date(2026, 11, 23), "training_usd": 500})
    answer(question, catalogue)
    started = time.process_time()
    for _ in range(50):
        answer(question, catalogue)
    return (time.process_time() - started) / 50 * 1000


def main() -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    print(f"{'start, CPU seconds, median of ' + str(RUNS):<60}{'taken':>8}{'limit':>8}")
    for command, limit in COMMANDS.items():
        print(f"breakeven {command[:48]:<50}{cpu_seconds(command):>8.3f}{limit:>8.1f}")
    print(f"{'one answer, every offer a candidate [ms CPU]':<60}{answer_milliseconds():>8.1f}{1.0:>8.1f}")


if __name__ == "__main__":
    main()
