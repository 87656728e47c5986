"""A question's fields from a YAML scenario file."""

from pathlib import Path
from typing import Any

import yaml

from breakeven.errors import InputError


def read_scenario(file: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """
    The fields of a scenario file, and where each one stands, e.g. ``scenario.yaml line 3``; those of objects in a list
    by their path, e.g. ``steps.2.model``.

    Raises InputError, in one line, where the file is missing or is not a mapping of fields.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"--file {file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--file {file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--file {file}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        raise InputError(f"--file {file}: expected one 'field: value' per line, e.g. calls_per_month: 50000")
    places: dict[str, str] = {}
    _find_places(node, "", file, places)
    fields = {str(name): value for name, value in values.items() if value is not None}
    return fields, places


def _find_places(node: yaml.Node, path: str, file: Path, places: dict[str, str]) -> None:
    """Where each field stands, those inside lists of objects by their path. Raises InputError for one given twice."""
    if isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            places[f"{path}{number}"] = f"{file.name} line {each.start_mark.line + 1}"
            _find_places(each, f"{path}{number}.", file, places)
    elif isinstance(node, yaml.MappingNode):
        names = [str(key.value) for key, _ in node.value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"--file {file}: {path}{twice} is given twice")
        for key, value in node.value:
            places[f"{path}{key.value}"] = f"{file.name} line {key.start_mark.line + 1}"
            _find_places(value, f"{path}{key.value}.", file, places)
