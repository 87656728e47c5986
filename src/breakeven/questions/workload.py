"""The usage fields that most questions share, as the calls that options are priced for."""

from typing import Protocol

from breakeven.options.lines import Workload


class UsageFields(Protocol):
    """Fields of a question under "Your usage"; tokens of an average call, shares 0 to 1."""

    @property
    def calls_per_month(self) -> float: ...
    @property
    def input_tokens(self) -> float: ...
    @property
    def output_tokens(self) -> float: ...
    @property
    def cached_share(self) -> float: ...
    @property
    def cache_write_share(self) -> float: ...
    @property
    def batch_share(self) -> float: ...


def workload_of(question: UsageFields) -> Workload:
    """The calls of a question, as it states them."""
    return Workload(
        calls_per_month=question.calls_per_month,
        input_tokens=question.input_tokens,
        output_tokens=question.output_tokens,
        cached_share=question.cached_share,
        cache_write_share=question.cache_write_share,
        batch_share=question.batch_share,
    )
