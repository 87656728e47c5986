"""Constants of the fine-tuning model: section ``training`` of ``compute.yaml``."""

from typing import Literal

from breakeven.catalogue.hardware import Positive
from breakeven.catalogue.records import Figure, Record

Method = Literal["lora", "qlora", "full"]
"""LoRA on 16-bit weights, LoRA on 4-bit weights, or all weights."""

Stack = Literal["megatron", "fsdp", "eager"]
"""
What runs the training.

megatron : matrices split over the GPUs, kernels launched ahead (Megatron, NeMo).
fsdp : weights sharded and gathered layer by layer, kernels launched ahead (LLM Foundry, NeMo AutoModel).
eager : the same sharding, each kernel launched from Python (Hugging Face trainer, DeepSpeed, torchtune, TRL).
"""


class TrainingConstants(Record):
    """
    Constants of ``compute/tuning_equations.py``, where each is used and explained.

    arithmetic_share : of the dense peak that matrix products reach.
    attention_share : of that, what attention reaches; always at 16 bits.
    fp4_speed : how much faster matrix products get where fp8 and fp4 are mixed.
    amd_share : of the above on AMD GPUs.
    recompute_share : of a second forward pass that activation checkpointing adds.
    activation_bytes : memory traffic per token, layer and unit of hidden size, beside the matrix products. [bytes]
    expert_bytes : cost of sending a token to one expert of one layer, as memory traffic. [bytes]
    dequantise_bytes : memory traffic per 4-bit weight in each pass over a micro-batch, QLoRA. [bytes]
    gather_passes : how often the sharded weights cross the link for one micro-batch.
    node_bytes_s : what one GPU gets of the link between machines. [bytes/s]
    layer_s : launching the kernels of one layer for one micro-batch, ``eager`` only. [s]
    """

    arithmetic_share: Positive
    attention_share: Positive
    fp4_speed: Positive
    amd_share: Positive
    recompute_share: Positive
    activation_bytes: Positive
    expert_bytes: Positive
    dequantise_bytes: Positive
    gather_passes: Positive
    node_bytes_s: Positive
    layer_s: Positive


class TrainingFigures(Record):
    """
    Figures of the fine-tuning model that are not fitted, each with its source.

    overhead : time on top of the steps, for start-up, evaluation and checkpoints. [share of the step time]
    memory_margin : memory to have over memory counted. [ratio]
    reserved_gb : of each GPU, for the driver and its buffers. [GB]
    weight_gb : weights, gradients and optimiser states per 1B parameters, by method. [GB]
    logit_bytes : per token and vocabulary entry, where the loss is computed. [bytes]
    example_tokens : length of an example where examples are not packed and nothing else is known. [tokens]
    """

    overhead: Figure
    memory_margin: Figure
    reserved_gb: Figure
    weight_gb: dict[Method, Figure]
    logit_bytes: Figure
    example_tokens: Figure
