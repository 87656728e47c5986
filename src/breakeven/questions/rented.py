"""The fields that questions share about GPUs rented by the hour; ``options.selfhost.Rental`` reads them."""

from typing import Annotated, Any

from pydantic import StringConstraints

from breakeven.questions.fields import field, name, usd

GPUS = "Rented GPUs"

GpuName = Annotated[str, StringConstraints(max_length=99)]


def gpu_field() -> Any:
    """Kinds of GPU that can be rented; () for all."""
    return name(
        (), GPUS, "Kind of GPU you can rent, e.g. h100-sxm; may be given several times. All if not given.",
        title="GPUs", max_length=30,
    )  # fmt: skip


def gpu_price_field() -> Any:
    """Price of the one kind of GPU named, None for the catalogue's."""
    return usd(None, GPUS, "Your price of a GPU; the catalogue's if not given.", "USD/h", title="GPU price")


def peak_field() -> Any:
    """Calls at the peak over their mean, None for the assumption."""
    return field(
        None, "Calls at the peak over their mean, for rented GPUs; 3 if not given.", unit="ratio", group=GPUS, ge=1,
        le=20,
    )  # fmt: skip


def latency_field() -> Any:
    """Longest time between two tokens, None for the assumption."""
    return field(
        None, "Longest time between two tokens of a call on rented GPUs; 100 if not given.", unit="ms", group=GPUS,
        gt=0, le=60_000,
    )  # fmt: skip


def check_gpu_price(gpu: tuple[str, ...], gpu_usd_hour: float | None) -> None:
    """Raise ValueError where a price is given without the one kind of GPU it is for."""
    if gpu_usd_hour is not None and len(gpu) != 1:
        raise ValueError("--gpu-usd-hour is the price of one kind of GPU; name it with --gpu")
