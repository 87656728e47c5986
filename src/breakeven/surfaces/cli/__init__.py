"""The command line. Commands are imported only when they are called, so that ``--help`` is instant."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from breakeven import __version__
from breakeven.surfaces.visible import visible

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

HELP = "Does fine-tuning a model save money against paying for API calls, at your usage?"

COMMANDS = {
    "finetune": (
        "breakeven.surfaces.cli.finetune:command",
        "Fine-tune, or keep paying? From six numbers, a file or a log.",
    ),
    "cost": ("breakeven.surfaces.cli.questions:cost", "What your usage costs on every listed model."),
    "switch": ("breakeven.surfaces.cli.questions:switch", "Move to another model, or stay? One or several at once."),
    "optimize": ("breakeven.surfaces.cli.questions:optimize", "The cheapest combination of the changes you allow."),
    "pipeline": (
        "breakeven.surfaces.cli.questions:pipeline",
        "What a flow of several steps costs, and which step to change first.",
    ),
    "route": (
        "breakeven.surfaces.cli.questions:route",
        "What routing each call to the model it needs saves: tiers, or an evaluation.",
    ),
    "training": (
        "breakeven.surfaces.cli.training:command",
        "What is wrong with a fine-tuning file, and what training on it costs.",
    ),
    "selfhost": (
        "breakeven.surfaces.cli.selfhost:command",
        "What it takes to serve your calls on GPUs of your own.",
    ),
    "logs": (
        "breakeven.surfaces.cli.logs:command",
        "Read logs of real calls: their cost, and the decision per task.",
    ),
    "cube": (
        "breakeven.surfaces.cli.cube:app",
        "Logs as a small file of sums, read everywhere a log is: build, merge, show.",
    ),
    "offers": ("breakeven.surfaces.cli.offers:offers", "Fine-tuning offers: prices, who may buy until when, sources."),
    "prices": ("breakeven.surfaces.cli.prices:app", "List prices: show a model's, or fetch newer ones."),
    "serve": ("breakeven.surfaces.cli.serve:serve", "Answer in a browser and over a JSON API, on this machine."),
    "mcp": ("breakeven.surfaces.cli.mcp:mcp", "Answer an assistant over MCP, on standard input and output."),
}
"""Command -> where it lives, and what it does. Each is imported only when it is called."""


SERVERS = ("serve", "mcp")
"""Commands that Ctrl-C ends as it should."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command. Returns the exit code: 0, or 2 after one line on standard error for anything the user can mend.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] in ("--help", "-h", "--version"):
        print(__version__ if arguments[:1] == ["--version"] else _help())
        return 0
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from cyclopts import CycloptsError

    try:
        _app()(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return _complain(_one_line(error, arguments))
    except BrokenPipeError:
        # The reader of our output has gone, e.g. `breakeven offers | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        if arguments[0] not in SERVERS:
            print("breakeven: interrupted; no half-written file is left", file=sys.stderr)
        return 130
    except Exception as error:
        from breakeven.errors import BreakevenError

        if isinstance(error, BreakevenError):
            return _complain(str(error))
        raise
    return 0


def _app() -> "App":
    """All commands, none of them imported yet."""
    from cyclopts import App

    app = App(
        name="breakeven",
        help=HELP,
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, (home, _) in COMMANDS.items():
        app.command(home, name=name)
    return app


def _help() -> str:
    """The first page of help, written without loading anything."""
    lines = [HELP, "", "Usage: breakeven COMMAND [OPTIONS]", "", "Commands:"]
    lines += [f"  {name:<10}{words}" for name, (_, words) in COMMANDS.items()]
    return "\n".join([*lines, "", "See also: breakeven COMMAND --help, breakeven --version"])


def run() -> None:
    """Entry point of the ``breakeven`` program."""
    # Starting makes many objects that live to the end; looking for rubbish among them takes a sixth of the time.
    gc.set_threshold(200_000)
    sys.exit(main())


def _one_line(error: "CycloptsError", arguments: Sequence[str]) -> str:
    """A parsing fault as one plain line with the next step."""
    from breakeven.errors import nearest

    if arguments[0] not in COMMANDS:
        close = nearest(arguments[0], COMMANDS)
        return f"No command {arguments[0]!r}.{close} Commands: {', '.join(COMMANDS)}"
    return f"{' '.join(str(error).split())} See: breakeven {arguments[0]} --help"


def _complain(message: str) -> int:
    print(f"breakeven: {visible(message)}", file=sys.stderr)
    return 2
