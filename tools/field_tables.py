"""The field tables of a question's page, to be pasted under its heading "Fields": python tools/field_tables.py cost."""

import sys

from pydantic_core import PydanticUndefined

from breakeven.questions.fields import group_of, unit_of
from breakeven.questions.registry import QUESTIONS


def main(name: str) -> None:
    """Print one table per heading of the form."""
    heading = ""
    for field, info in QUESTIONS[name].question.model_fields.items():
        if group_of(info) != heading:
            heading = group_of(info)
            print(f"\n### {heading}\n\n| field | unit | default | meaning |\n|---|---|---|---|")
        value = info.default
        default = "" if value is None or value == () else f"{value:g}" if isinstance(value, int | float) else str(value)
        if value is PydanticUndefined:
            default = "today" if field == "as_of" else "needed"
        print(f"| `{field}` | {unit_of(info)} | {default} | {info.description} |")


if __name__ == "__main__":
    main(sys.argv[1])
