"""The documents are true: commands run, printed answers are printed, tables equal the code, links resolve."""

import importlib.util
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_core import PydanticUndefined

from breakeven import __version__
from breakeven.catalogue import records
from breakeven.catalogue.load import Catalogue, load_catalogue
from breakeven.projection import closed_form, paths
from breakeven.questions.fields import unit_of
from breakeven.questions.finetune import FinetuneQuestion
from breakeven.questions.registry import QUESTIONS
from breakeven.surfaces.cli import main

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LOG = ROOT / "examples" / "tensorzero-haiku.jsonl.gz"

NOT_RUN = {
    "breakeven prices refresh": "fetches from the network",
    "breakeven logs s3a://bucket/calls/ --engine spark --master spark://host:7077": "needs a cluster",
    "breakeven logs --engine spark --table lake.calls --column input_tokens=tokens_in --zone UTC": "needs a table",
    "breakeven logs --engine sql --connection bigquery://project/data --table calls --as-of 2026-11-23": "needs access",
}
"""Commands of the documents that no test may run, and why."""

REGISTRIES = ("pypi" + ".org", "python" + "hosted", "npmjs", "index-url", "conda-forge", "proxy.golang")
FOLDERS = re.compile(r"(src|tests|docs|examples|tools|requirements)/[\w./-]+")
MACHINE_PATH = re.compile(r"(?<![\w.~/])/(work|home|Users|tmp|opt|root|mnt|srv|var)/|[A-Z]:\\\\")

Captured = pytest.CaptureFixture[str]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(text: str) -> Iterator[str]:
    """Every ``breakeven`` command of the shell blocks, continued lines joined."""
    for block in blocks(text, "(?:sh|bash|shell|console)"):
        for line in block.replace("\\\n", " ").splitlines():
            command = " ".join(shlex.split(line.removeprefix("$ "), comments=True))
            if command.startswith(("breakeven ", ".venv/bin/breakeven ")):
                yield " ".join(line.removeprefix("$ ").removeprefix(".venv/bin/").split())


@pytest.fixture
def copied_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like this one, as the current one: what a command writes stays in it."""
    for each in ROOT.iterdir():
        (tmp_path / each.name).symlink_to(each)
    monkeypatch.chdir(tmp_path)
    return tmp_path


RUN = [(path.name, command) for path in DOCS for command in commands(path.read_text(encoding="utf-8"))]


def run(command: str, capsys: Captured) -> str:
    """What a command prints; it must succeed and say nothing on standard error."""
    code = main(shlex.split(command, comments=True)[1:])
    out, err = capsys.readouterr()
    assert (code, err) == (0, ""), f"{command}: exit code {code}: {err}"
    return out


def rows(text: str) -> list[list[str]]:
    """Cells of every table row whose first cell is in backticks."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(text: str) -> set[str]:
    """What stands in backticks, fenced blocks aside."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)))


@pytest.mark.parametrize(("document", "command"), [each for each in RUN if each[1] not in NOT_RUN])
def test_commands_run(document: str, command: str, capsys: Captured, copied_tree: Path) -> None:
    assert not {"|", ">", "<", ";", "&&"} & set(shlex.split(command)), f"{document}: {command} does more"
    assert run(command, capsys).strip()


def test_commands_are_found_and_few_are_left_out() -> None:
    found = {command for _, command in RUN}
    assert len(found) > 15
    assert {document for document, _ in RUN} >= {"README.md", "finetune.md", "logs.md", "prices-and-offers.md"}
    assert NOT_RUN.keys() <= found


def test_readme_shows_what_its_command_prints(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    before, _, after = text_of("README.md").partition("<!-- verdict -->\n")
    command = list(commands(before))[-1]
    assert "--as-of " in command
    printed = [line.rstrip() for line in run(command, capsys).strip().splitlines()]
    shown = blocks(after, "text")[0].splitlines()
    at = 0
    for part in "\n".join(shown).split("\n...\n"):
        lines = part.splitlines()
        starts = [i for i in range(at, len(printed)) if printed[i : i + len(lines)] == lines]
        assert starts, f"not printed by {command}:\n{part}\n\nbut:\n" + "\n".join(printed)
        assert at or starts[0] == 0, "the block must begin where the answer begins"
        at = starts[0] + len(lines)
    assert len(shown) > 10


def test_python_of_the_engines_page_prints_what_it_shows(capsys: Captured) -> None:
    pytest.importorskip("polars")
    page = text_of("docs/engines.md")
    exec(blocks(page, "python")[0], {})
    assert capsys.readouterr().out == blocks(page.partition("<!-- prints -->")[2], "text")[0]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_field_tables_equal_the_fields(kind: str) -> None:
    def default(name: str, value: Any) -> str:
        if name == "as_of":
            return "today"
        if value is PydanticUndefined:
            return "needed"
        return "" if value in (None, ()) else f"{value:g}" if isinstance(value, int | float) else str(value)

    wanted = {
        f"`{name}`": [unit_of(info), default(name, info.default), str(info.description)]
        for name, info in QUESTIONS[kind].question.model_fields.items()
    }
    section = text_of(f"docs/{kind}.md").partition("## Fields")[2].partition("\n## ")[0]
    found = {name: cells for name, *cells in rows(section)}
    wrong = [
        f"{name}: {found.get(name)} instead of {wanted.get(name)}"
        for name in wanted | found
        if found.get(name) != wanted.get(name)
    ]
    assert not wrong, "\n".join(wrong)


def keys(value: Any, data: tuple[str, ...] = ("origins", "reject_counts")) -> Iterator[tuple[str, Any]]:
    """Every key of a JSON document with its value; keys inside ``data`` are data, not names."""
    for item in value if isinstance(value, list) else []:
        yield from keys(item, data)
    for key, inner in value.items() if isinstance(value, dict) else []:
        yield key, inner
        if key not in data:
            yield from keys(inner, data)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Any]]:
    """Keys and values of real answers: growing, estimated, unknown, from a log, from a log with bad rows."""
    folder = tmp_path_factory.mktemp("answers")
    bad = folder / "bad.csv"
    bad.write_text("model,input_tokens,output_tokens,date,cost\ngpt-5,1,2,2026-11-01,1\nx,1,2,,\ngpt-5,-1,2,,\n")
    day = ["--as-of", "2026-11-23", "--format", "json"]
    usage = ["--calls-per-month", "1M", "--input-tokens", "2000", "--output-tokens", "400"]
    asked = [
        ["finetune", "--file", str(ROOT / "examples" / "scenario.yaml"), "--success-rate", "90%"],
        ["finetune", "--model", "gpt-4o", *usage, "--growth-month", "5%", "--discount-rate-year", "8%"],
        ["finetune", "--model", "gpt-4o", *usage, "--tuned-model", "vertex/gemini-2.5-flash"],
        ["logs", str(LOG), "--calls-per-month", "500k"],
        ["logs", str(bad)],
    ]
    found: list[tuple[str, Any]] = []
    for number, arguments in enumerate(asked):
        file = folder / f"{number}.json"
        assert main([*arguments, *day, "--output", str(file)]) == 0
        found += keys(json.loads(file.read_text(encoding="utf-8")))
    return found


def test_every_json_key_is_documented(answers: list[tuple[str, Any]]) -> None:
    pages = names(
        text_of("docs/finetune.md") + text_of("docs/logs.md") + text_of("docs/tasks.md") + text_of("docs/glossary.md")
    )
    missing = {key for key, _ in answers} - pages
    assert not missing, sorted(missing)


def test_glossary_holds_every_quantity(answers: list[tuple[str, Any]]) -> None:
    glossary = {name for first, *_ in rows(text_of("docs/glossary.md")) for name in names(first)}
    counted = {key for key, value in answers if isinstance(value, int | float) and not isinstance(value, bool)}
    fields = {name for name, info in FinetuneQuestion.model_fields.items() if unit_of(info)}
    arguments = {
        argument
        for module in (closed_form, paths)
        for function in vars(module).values()
        if inspect.isfunction(function) and function.__module__ == module.__name__
        for argument in inspect.signature(function).parameters
    }
    missing = (counted | fields | arguments) - glossary
    assert not missing, sorted(missing)


def test_glossary_names_are_used() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    known = set(re.findall(r"\w+", code))
    unused = {name for first, *_ in rows(text_of("docs/glossary.md")) for name in names(first)} - known
    assert not unused, sorted(unused)


def test_price_file_example_has_every_key(tmp_path: Path) -> None:
    example = blocks(text_of("docs/prices-and-offers.md").partition("<!-- every key -->")[2], "yaml")[0]
    file = tmp_path / "my.yaml"
    file.write_text(example, encoding="utf-8")
    loaded = load_catalogue(file)
    assert loaded.own_offers == {"house/small-tuned", "house/large"}
    assert loaded.prices.find("gpt-5-mini").yours == "my.yaml"
    shapes = ("OwnFile", "OwnPrice", "Source", "Offer", "Training", "Inference", "Hosting", "Window", "Figure", "Day")
    wanted = {name for shape in shapes for name in getattr(records, shape).model_fields}
    missing = wanted - {key for key, _ in keys(yaml.safe_load(example), data=())}
    assert not missing, sorted(missing)


def test_article_check_is_what_its_tool_prints(catalogue: Catalogue) -> None:
    path = ROOT / "tools" / "article_check.py"
    spec = importlib.util.spec_from_file_location("article_check", path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = tool.page(load_catalogue(refreshed=False))
    assert text_of("docs/article-check.md") == page, "run: make docs"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_between_documents_resolve(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    inside = [link.partition("#")[0] for link in links if not link.startswith(("http://", "https://", "#"))]
    broken = [link for link in inside if link and not (path.parent / link).exists()]
    assert not broken, broken


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_registry_and_no_machine_path(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = [word for word in REGISTRIES if word in text] + [match[0] for match in MACHINE_PATH.finditer(text)]
    assert not found, found


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    for path in DOCS:
        text = path.read_text(encoding="utf-8")
        code = "\n".join([*blocks(text, "sh"), *names(text)])
        named = set(re.findall(r"\bmake ([a-z]+)", code))
        assert named <= targets, f"{path.name}: {sorted(named - targets)}"


def test_paths_in_documents_exist() -> None:
    wrong = []
    for path in DOCS:
        paths_named = {each for each in names(path.read_text(encoding="utf-8")) if FOLDERS.fullmatch(each)}
        wrong += [f"{path.name}: {each}" for each in paths_named if "NAME" not in each and not (ROOT / each).exists()]
    assert not wrong, "\n".join(wrong)


def test_changelog_names_this_version() -> None:
    assert f"## [{__version__}]" in text_of("CHANGELOG.md")


def test_fields_of_a_step_equal_the_fields() -> None:
    from breakeven.questions.pipeline_steps import Step

    section = text_of("docs/pipeline.md").partition("## Fields of a step")[2].partition("\n## ")[0]
    found = {name: (unit, meaning) for name, unit, _, meaning in rows(section)}
    assert found == {f"`{name}`": (unit_of(info), info.description) for name, info in Step.model_fields.items()}
