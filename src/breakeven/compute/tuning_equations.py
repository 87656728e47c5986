"""
Tokens per second of a training step as array equations: numbers in, numbers out.

One body serves the fit over all measured rows and one prediction. Constants are those of ``catalogue/compute.yaml``.
Arithmetic per token is 2 FLOP per weight and pass (Kaplan et al. 2020, arXiv 2001.08361), causal attention
``6 * width * layers * sequence`` on top; the shares of the peak and everything beside it are fitted.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from breakeven.catalogue.training import TrainingConstants

Array = NDArray[np.float64]


class Work(NamedTuple):
    """
    Training jobs as numbers: each a float, or an array with one entry per job.

    weight_flops : arithmetic with the weights per token. [FLOP/token]
    forward_flops : of one more forward pass where activations are recomputed, else 0. [FLOP/token]
    attention_flops : causal attention, forward and backward. [FLOP/token]
    activation_units : layers times hidden size. expert_units : layers times experts per token, 0 for dense models.
    quantised : weights kept at 4 bits, 0 unless QLoRA. gathered : bytes of weights that cross the link.
    launched : layers whose kernels are launched one by one, 0 unless eager.
    flops, flops_bf16 : peak at the precision of the weights and at 16 bits. [FLOP/s]
    bandwidth, link : of memory and between GPUs of a machine, one way. [bytes/s]
    across : 1 where the GPUs are in several machines. amd, fp4 : 1 where so.
    tokens : of one micro-batch on one GPU.
    """

    weight_flops: Array
    forward_flops: Array
    attention_flops: Array
    activation_units: Array
    expert_units: Array
    quantised: Array
    gathered: Array
    launched: Array
    flops: Array
    flops_bf16: Array
    bandwidth: Array
    link: Array
    across: Array
    amd: Array
    fp4: Array
    tokens: Array


def stack(works: list[Work]) -> Work:
    """Jobs side by side, as arrays."""
    return Work(*(np.array(column, float) for column in zip(*works, strict=True)))


def token_s(work: Work, constants: TrainingConstants) -> Array:
    """Time per token on one GPU that grows with the tokens: matrix products, attention, memory traffic. [s]"""
    maker = np.where(work.amd > 0, constants.amd_share, 1.0) * constants.arithmetic_share
    mixed = np.where(work.fp4 > 0, constants.fp4_speed, 1.0)
    weights = (work.weight_flops + constants.recompute_share * work.forward_flops) / (work.flops * maker * mixed)
    attention = work.attention_flops / (work.flops_bf16 * maker * constants.attention_share)
    traffic = constants.activation_bytes * work.activation_units + constants.expert_bytes * work.expert_units
    return np.asarray(weights + attention + traffic / work.bandwidth)


def batch_s(work: Work, constants: TrainingConstants) -> Array:
    """Time per micro-batch whatever its size: dequantising, gathering sharded weights, launching kernels. [s]"""
    between = np.minimum(work.link, constants.node_bytes_s)
    link = np.where(work.across > 0, between, work.link)
    return np.asarray(
        constants.dequantise_bytes * work.quantised / work.bandwidth
        + constants.gather_passes * work.gathered / link
        + constants.layer_s * work.launched
    )


def tokens_s_gpu(work: Work, constants: TrainingConstants) -> Array:
    """Tokens per second of each GPU while steps run, start-up and evaluation apart. [tokens/s]"""
    return np.asarray(work.tokens / (work.tokens * token_s(work, constants) + batch_s(work, constants)))
