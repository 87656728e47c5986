"""``compute.yaml`` written by the commands that fit it: one section anew, the others as they are."""

from pathlib import Path
from typing import Any, Literal

from breakeven.catalogue.constants import Fit
from breakeven.catalogue.load import FOLDER
from breakeven.files import whole_file

FILE = FOLDER / "compute.yaml"
HEADER = (
    "# Constants of the compute models (docs/serving-model.md, docs/training-model.md).\n"
    "# Each section is written whole by its fit command; change the rows it is fitted to, not the numbers.\n"
)


def write_section(section: Literal["serving", "training"], fit: Fit, source: str, file: Path = FILE) -> None:
    """
    Put a fitted section into the file; nothing else in it changes. A new file starts as a copy of the shipped one.

    Parameters
    ----------
    source : str
        Key of the fit's source under ``sources:`` of the file.

    Raises
    ------
    BreakevenError
        The file cannot be written.
    """
    data = _read(file)
    data[section] = {"source": source} | fit.model_dump(exclude={"source"}, exclude_defaults=True)
    _write(data, file)


def write_numbers(section: Literal["training", "measured"], fit: Fit, file: Path = FILE) -> None:
    """
    Put what was fitted into a section; its source, and figures taken from sources, stay as they are.

    Raises
    ------
    BreakevenError
        The file cannot be written.
    """
    data = _read(file)
    fitted = fit.model_dump(include={"fitted", "rows", "constants", "bands", "errors"}, exclude_defaults=True)
    data[section] |= fitted
    _write(data, file)


def _read(file: Path) -> dict[str, Any]:
    import yaml

    data: dict[str, Any] = yaml.safe_load((file if file.exists() else FILE).read_text(encoding="utf-8"))
    return data


def _write(data: dict[str, Any], file: Path) -> None:
    import yaml

    text = yaml.dump(plain(data), Dumper=compact(), sort_keys=False, allow_unicode=True, width=119)
    with whole_file(file, "--out") as part:
        part.write_text(HEADER + text, encoding="utf-8")


def plain(value: object) -> object:
    """Tuples as lists, all the way down."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def compact() -> type:
    """A YAML dumper that writes mappings of numbers and names on one line."""
    import yaml

    class Compact(yaml.SafeDumper):
        """Block style outside, flow style for mappings without mappings or lists in them."""

        def represent_mapping(self, tag, mapping, flow_style=None):  # type: ignore[no-untyped-def]
            """A mapping; on one line where it only holds scalars and belongs to a list or to constants."""
            flat = all(not isinstance(each, dict | list) for each in mapping.values())
            return super().represent_mapping(tag, mapping, flow_style=flat and "title" not in mapping)

    return Compact
