"""What can be changed about a workload without changing who serves it: Workload in, Workload out."""

from dataclasses import replace

from breakeven.options.lines import Workload


def with_fewer_tokens(workload: Workload, *, input_reduction: float, output_reduction: float) -> Workload:
    """
    The same calls with a share of their tokens gone.

    Removed input tokens are taken in proportion from cached and uncached ones; pass a lower ``cached_share`` with
    ``with_cache`` where the removed instructions are the cached ones.
    """
    return replace(
        workload,
        input_tokens=workload.input_tokens * (1.0 - input_reduction),
        output_tokens=workload.output_tokens * (1.0 - output_reduction),
    )


def with_cache(workload: Workload, *, cached_share: float) -> Workload:
    """The same calls with this share of their input tokens read from the provider's cache."""
    return replace(
        workload, cached_share=cached_share, cache_write_share=min(workload.cache_write_share, 1.0 - cached_share)
    )


def with_batch(workload: Workload, *, batch_share: float) -> Workload:
    """The same calls with this share of them sent through the batch interface."""
    return replace(workload, batch_share=batch_share)
