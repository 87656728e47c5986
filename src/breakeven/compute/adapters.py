"""Memory of LoRA adapters: two narrow matrices beside each adapted one."""

from breakeven.catalogue.hardware import OpenModel

BYTES = 2
"""Adapters are kept at 16 bits. [bytes/parameter]"""


def adapter_gb(model: OpenModel, rank: int) -> float | None:
    """
    Memory of one adapter of the attention matrices, and of the feed-forward ones of a dense model; else None. [GB]

    ``rank * (inputs + outputs)`` parameters for each adapted matrix (Hu et al. 2021, arXiv 2106.09685). The width of
    the feed-forward layer follows from the parameters that attention and embeddings leave. Experts are not adapted.
    """
    if not (model.layers and model.hidden and model.heads and model.kv_heads and model.head_dim):
        return None
    hidden, width, keys = model.hidden, model.heads * model.head_dim, model.kv_heads * model.head_dim
    sizes = 2 * (hidden + width) + 2 * (hidden + keys)
    if model.experts is None and model.embedding_params_b is not None:
        layer = (model.params_b - model.embedding_params_b) * 1e9 / model.layers
        attention = 2 * hidden * width + 2 * hidden * keys
        sizes += 3 * (hidden + round(max(0.0, layer - attention) / (3 * hidden)))
    return BYTES * rank * sizes * model.layers / 1e9
