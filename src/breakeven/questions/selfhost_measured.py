"""A measured server in ``selfhost``: the user's own benchmark in place of the prediction."""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from breakeven.catalogue.load import Catalogue
from breakeven.compute.calibration import Calibration, calibrate
from breakeven.compute.layout import Lengths, Server
from breakeven.compute.layouts import Layout
from breakeven.compute.measured_fields import MeasuredPoint
from breakeven.compute.serving import Served, serve, why_not
from breakeven.errors import InputError
from breakeven.questions.fields import Number

if TYPE_CHECKING:
    from breakeven.questions.selfhost_fields import SelfhostQuestion


class MeasuredRun(BaseModel):
    """One run of a benchmark of your server."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run: str = Field(default="", max_length=500, description="What to call it in messages.")
    concurrency: Number = Field(gt=0, le=1e6, description="Calls in flight.")
    input_tokens: Number = Field(gt=0, le=1e7, description="Input tokens of a call.")
    output_tokens: Number = Field(ge=1, le=1e7, description="Output tokens of a call.")
    output_tokens_s: Number = Field(gt=0, le=1e9, description="Output tokens a second of all calls together.")
    ms_per_token: Number = Field(gt=0, le=1e6, description="Between two tokens of one call, in ms.")


def check_server(question: "SelfhostQuestion") -> None:
    """Raise InputError where the server that was measured is not named."""
    lacking = [name for name in ("gpu", "gpus", "weights") if len(getattr(question, name)) != 1]
    if lacking:
        flags = ", ".join(f"--{name}" for name in lacking)
        raise InputError(
            f"measured runs do not say on what they ran: give {flags} once each, of the server measured", lacking[0]
        )


class MeasuredServer:
    """
    The server of the user's benchmark, by what was measured on it.

    Raises InputError where the runs do not fit a server, see ``calibrate``.
    """

    def __init__(self, question: "SelfhostQuestion", catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.points = [_point(run, place) for place, run in enumerate(question.measured)]

    def served(self, server: Server, lengths: Lengths, concurrency: float) -> Served:
        """What the server does at one concurrency."""
        predicted = serve(server, lengths, concurrency, self.catalogue.compute.serving)
        running = predicted.sequences
        speed = self._found(server).output_tokens_s(max(1.0, lengths.input_tokens), lengths.output_tokens, running)
        return predicted._replace(
            low_output_tokens_s=speed.low,
            output_tokens_s=speed.middle,
            high_output_tokens_s=speed.high,
            step_s=running / speed.middle,
            label=speed.label,
        )

    def layout(self, server: Server, lengths: Lengths, step_s_limit: float | None) -> Layout:
        """The server at the most calls in flight within the latency, or why it cannot be used."""
        why = why_not(server, self.catalogue.compute.serving)
        if why is not None:
            return Layout(server, None, why)
        most = self.served(server, lengths, float("inf"))
        if step_s_limit is None or most.step_s <= step_s_limit:
            return Layout(server, most, "")
        alone = self.served(server, lengths, 1.0)
        if alone.step_s > step_s_limit:
            slow_ms, most_ms = 1000 * alone.step_s, 1000 * step_s_limit
            return Layout(server, None, f"one request alone takes {slow_ms:.3g} ms per token, more than {most_ms:g} ms")
        fast, slow = 1.0, float(int(most.sequences) + 1)
        while slow - fast > 1:
            middle = float(int((fast + slow) / 2))
            within = self.served(server, lengths, middle).step_s <= step_s_limit
            fast, slow = (middle, slow) if within else (fast, middle)
        return Layout(server, self.served(server, lengths, fast), "")

    def _found(self, server: Server) -> Calibration:
        def predicted(input_tokens: float, output_tokens: float, concurrency: float) -> float:
            lengths = Lengths(input_tokens, output_tokens)
            return serve(server, lengths, concurrency, self.catalogue.compute.serving).output_tokens_s

        return calibrate(self.points, predicted, self.catalogue.compute.measured)


def _point(run: MeasuredRun, place: int) -> MeasuredPoint:
    """A run as the benchmark readers give it; what is not asked of users is not used."""
    return MeasuredPoint(
        run=run.run or f"measured.{place}",
        tool="",
        model=None,
        day=None,
        concurrency=run.concurrency,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        requests_s=run.output_tokens_s / run.output_tokens,
        output_tokens_s=run.output_tokens_s,
        token_s=run.ms_per_token / 1000,
        first_token_s=0.0,
        first_token_s_p99=None,
        latency_s=0.0,
        completed=0,
        failed=None,
    )
