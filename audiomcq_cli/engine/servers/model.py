"""One model of the recipe: its capabilities, and its addresses, opened when first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from io import BytesIO

from audiomcq_cli import audio as clips
from audiomcq_cli.contracts import (
    Audio,
    BackendKind,
    Capabilities,
    Clip,
    Encoder,
    Identity,
    Model,
    Need,
)
from audiomcq_cli.engine import keys
from audiomcq_cli.engine.servers.clock import MACHINE, Clock
from audiomcq_cli.engine.servers.concurrency import HIGHEST, Auto, Fixed
from audiomcq_cli.engine.servers.endpoint import Endpoint
from audiomcq_cli.engine.servers.endpoints import Endpoints
from audiomcq_cli.engine.servers.quota import Quota, QuotaOwner
from audiomcq_cli.engine.servers.traffic import Traffic
from audiomcq_cli.errors import CapabilityMissing, InputError, Interrupted, RecipeError


class ModelHandle:
    """One model of the recipe: its capabilities, and its addresses, opened when first used."""

    def __init__(self, model: Model, kind: BackendKind[object], clock: Clock = MACHINE) -> None:
        self.model = model
        self._clock = clock
        self.capabilities: Capabilities = kind.capabilities(model)
        self.takes_likely = kind.takes_likely
        self._kind = kind
        self._endpoints: Endpoints | None = None

    @property
    def backend_name(self) -> str:
        """Name of the backend for manifests: the same for every way to reach the model."""
        return self._kind.another_way_to or self.model.backend

    @cached_property
    def identity(self) -> Identity:
        """Identity of the model, wherever it runs."""
        if self._kind.identify:
            return self._kind.identify(self.model)
        return Identity(self.model.model, self.model.revision)

    @property
    def concurrency(self) -> int:
        """Most calls in flight over all its addresses."""
        each = HIGHEST if self.model.concurrency == "auto" else self.model.concurrency
        return each * max(1, len(self.model.base_url))

    def endpoints(self, encode: Encoder, say: Callable[[str], None], traffic: Traffic) -> Endpoints:
        """Return its addresses, each with its own backend and limits, opened at the first use."""
        if self._endpoints is None:
            auto = self.model.concurrency == "auto"
            self._endpoints = Endpoints(
                self.model.name,
                [self._open(url, encode, say) for url in self.model.base_url or ("",)],
                traffic=traffic,
                look=self._kind.look if auto else None,
                absent_after=self.model.absent_after,
                clock=self._clock,
            )
        return self._endpoints

    def _open(self, url: str, encode: Encoder, say: Callable[[str], None]) -> Endpoint:
        model = self.model
        backend = self._kind.open(replace(model, base_url=(url,) if url else ()), self._limit(encode))
        limiter = Auto() if model.concurrency == "auto" else Fixed(model.concurrency)
        quota = Quota(QuotaOwner(model.requests_per_minute, model.tokens_per_minute, self._clock))
        return Endpoint(model.name, url or model.backend, backend, limiter, quota, say, self._clock)

    def is_too_long(self, seconds: float) -> bool:
        """Return whether audio of this length is longer than the model's window, so that the model would cut it."""
        window = self.model.audio_window
        return window is not None and seconds > window

    def refuse_length(self, clip: Clip, seconds: float) -> InputError:
        """Return the error about a clip that is longer than the model's window."""
        message = f"{seconds:g} s, and model {self.model.name!r} hears {self.model.audio_window:g} s at once"
        return InputError(message, file=clip.path)

    def _limit(self, encode: Encoder) -> Encoder:
        """Return an encoder that refuses a clip longer than the model's window, if only its bytes tell the length."""

        async def encode_heard(audio: Audio, *, rate: int, format: str) -> bytes:
            data = await encode(audio, rate=rate, format=format)
            if isinstance(audio, Clip) and audio.length is None:
                seconds = clips.read_length(BytesIO(data))
                if self.is_too_long(seconds):
                    raise self.refuse_length(audio, seconds)
            return data

        return encode_heard

    def stop(self, reason: Interrupted) -> None:
        """Send nothing more."""
        if self._endpoints is not None:
            self._endpoints.stop(reason)

    async def close(self) -> None:
        """Release connections and memory; the next use opens them again."""
        endpoints, self._endpoints = self._endpoints, None
        if endpoints is not None:
            await endpoints.close()


def check_capabilities(stage: str, need: Need, model: Model, offered: Capabilities) -> None:
    """Check that a model can do what a stage needs of it; raises ``CapabilityMissing`` naming both."""
    for name in sorted(need.capabilities):
        if not getattr(offered, name):
            hint = f"name another model under [{stage}]"
            if name == "audio":
                hint = f"if the model hears, say audio = true under [models.{model.name}]; else {hint}"
            if need.instead:
                hint += f", or {need.instead}"
            raise CapabilityMissing(
                f"stage {stage} needs {name} of model {model.name!r}, which does not offer it"
                f" (backend {model.backend!r})",
                hint=hint,
            )


def check_distinct(stage: str, needs: Sequence[Need], handles: Mapping[str, ModelHandle]) -> None:
    """Refuse models that must be distinct and are the same model with the same sampling; raises ``RecipeError``."""
    seen: dict[bytes, str] = {}
    for need in needs:
        if not need.distinct:
            continue
        handle = handles[need.model]
        who = keys.digest([asdict(handle.identity), keys.plain_numbers(handle.model.sampling), need.way])
        if who in seen:
            raise RecipeError(
                f"stage {stage}: {seen[who]!r} and {need.model!r} are one model with one sampling: its reply would"
                " count as two",
                hint="name different models, or give them different sampling",
            )
        seen[who] = need.model
