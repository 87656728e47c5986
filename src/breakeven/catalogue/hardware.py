"""GPUs and open-weights models: what decides how fast one serves or trains the other, and what an hour costs."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from breakeven.catalogue.records import Cited, Figure, Record, Source

Precision = Literal["bf16", "fp8", "int8", "int4", "fp4", "mxfp4"]
"""How a weight is stored; ``fp4`` is NVFP4."""

Generation = Literal["ampere", "ada", "hopper", "blackwell", "cdna3", "cdna4"]
"""Family of a GPU's design."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Tflops(Record):
    """Peak dense rate by arithmetic width, null where the GPU has no native arithmetic of that width. [TFLOP/s]"""

    bf16: Positive
    fp8: Positive | None = None
    fp4: Positive | None = None


class Link(Record):
    """How GPUs of one machine are joined: ``gb_per_s`` in one direction per GPU, ``gpus`` joined at that speed."""

    kind: str
    gb_per_s: Positive
    gpus: int = Field(ge=1)


class Gpu(Cited):
    """
    One kind of GPU.

    memory_gb : what the driver reports, decimal. [GB]
    memory_gb_per_s : bandwidth of its memory, decimal. [GB/s]
    usd_per_hour : rented on demand, per GPU; null where no such price was found. [USD/h]
    usd_per_hour_reserved : contract of a year. [USD/h]
    caution : what a reader should know before renting it, "" for nothing.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    name: str
    maker: Literal["nvidia", "amd"]
    generation: Generation
    tflops: Tflops
    memory_gb: Positive
    memory_gb_per_s: Positive
    power_w: Positive
    link: Link
    usd_per_hour: Figure | None = None
    usd_per_hour_reserved: Figure | None = None
    caution: str = ""


class GpuFile(Record):
    """``gpus.yaml``."""

    sources: dict[str, Source]
    gpus: tuple[Gpu, ...]


class OpenModel(Cited):
    """
    The shape of a model whose weights can be downloaded. Parameters in billions, text part only.

    active_params_b : used per token, without a separate input embedding, which is a look-up.
    dense_params_b : read at every step; expert_params_b : of all routed experts, null for a dense model.
    kv_layers : layers whose cache grows with the context, null where not established.
    kv_bytes_per_token : keys and values of all of them at 16 bits, windows not counted. [bytes/token]
    attention : ``mla`` keeps one latent vector per token instead of keys and values per head.
    attention_width : heads times their size as attention arithmetic counts them, null for ``heads * head_dim``.
    windowed_layers, window_tokens : layers that see only the last tokens, and how many.
    also : further names of models of the same shape, lower case.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    repository: str
    params_b: Positive
    active_params_b: Positive
    dense_params_b: Positive | None = None
    embedding_params_b: Positive | None = None
    expert_params_b: Positive | None = None
    layers: int | None = Field(default=None, ge=1)
    hidden: int | None = Field(default=None, ge=1)
    heads: int | None = Field(default=None, ge=1)
    kv_heads: int | None = Field(default=None, ge=1)
    head_dim: int | None = Field(default=None, ge=1)
    kv_layers: int | None = Field(default=None, ge=1)
    kv_bytes_per_token: Positive | None = None
    attention: Literal["heads", "mla"] = "heads"
    attention_width: int | None = Field(default=None, ge=1)
    experts: int | None = Field(default=None, ge=2)
    experts_per_token: int | None = Field(default=None, ge=1)
    windowed_layers: int = Field(default=0, ge=0)
    window_tokens: int | None = Field(default=None, ge=1)
    vocabulary: int | None = Field(default=None, ge=1)
    context_tokens: int = Field(ge=1)
    licence: str
    served_as: tuple[Precision, ...] = Field(min_length=1)
    also: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> "OpenModel":
        if (self.experts is None) != (self.experts_per_token is None):
            raise ValueError("experts and experts_per_token come together")
        if self.active_params_b > self.params_b:
            raise ValueError("active_params_b exceeds params_b")
        if self.windowed_layers and self.window_tokens is None:
            raise ValueError("windowed_layers need window_tokens")
        return self


class OpenModelFile(Record):
    """``open_models.yaml``."""

    sources: dict[str, Source]
    models: tuple[OpenModel, ...]
