"""Imports point back along the chain only; projection knows numbers and nothing else."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "breakeven"
CHAIN = ["catalogue", "usage", "projection", "compute", "training_files", "options", "questions", "surfaces"]
"""Each folder may import itself and those before it."""


def imports(path: Path) -> set[str]:
    """Modules of this project that a file imports, at its top or inside a function; type-checking imports aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for node in ast.walk(branch)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("breakeven"):
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("breakeven")}
    return found


def test_imports_point_back_along_the_chain() -> None:
    wrong = []
    for path in SOURCE.rglob("*.py"):
        folder = path.relative_to(SOURCE).parts[0]
        if folder not in CHAIN:
            continue
        allowed = CHAIN[: CHAIN.index(folder) + 1]
        for module in imports(path):
            part = module.split(".")[1] if "." in module else ""
            if part in CHAIN and part not in allowed:
                wrong.append(f"{path.relative_to(SOURCE)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_projection_knows_numbers_only() -> None:
    wrong = [
        f"{path.name} imports {module}"
        for path in (SOURCE / "projection").glob("*.py")
        for module in imports(path)
        if not module.startswith(("breakeven.projection", "breakeven.errors"))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_clock_below_the_surfaces() -> None:
    wrong = []
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).parts
        if parts[0] in ("surfaces", "usage") or parts == ("catalogue", "genai.py"):
            continue
        text = path.read_text(encoding="utf-8")
        wrong += [f"{path.relative_to(SOURCE)}: {call}" for call in (".today()", ".now(", "time.time") if call in text]
    assert not wrong, "\n".join(wrong)


def test_modules_stay_short() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}: {lines} lines"
        for path in SOURCE.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    ]
    assert not wrong, "\n".join(wrong)
