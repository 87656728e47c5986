"""Pages of a provider's usage or cost report: time buckets that each hold results, one result a row."""

import json
from collections.abc import Iterator
from typing import Any

from breakeven.usage.readers.reader import json_object


def results(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The results of a page, of a bucket, or the result that the row itself is; each with the fields of its bucket."""
    if isinstance(row.get("data"), list):
        for bucket in row["data"]:
            if isinstance(bucket, dict):
                yield from results(bucket)
    elif isinstance(row.get("results"), list):
        shared = {name: value for name, value in row.items() if name != "results"}
        for result in row["results"]:
            yield shared | result if isinstance(result, dict) else {"broken": True}
    else:
        yield row


def expand(text: str) -> list[str]:
    """A line as one line for each of its results; a bucket without any is no row."""
    row = json_object(text)
    return [text] if row is None else [json.dumps(result) for result in results(row)]
