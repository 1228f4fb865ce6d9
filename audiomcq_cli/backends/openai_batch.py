"""The batch API of OpenAI and of compatible servers, through the openai SDK: files of requests, replies within a day.

Formats and limits: https://platform.openai.com/docs/guides/batch and the reference of ``/v1/batches``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from audiomcq_cli.backends._answers import read_completion
from audiomcq_cli.backends._openai import (
    OPENAI,
    choose_format,
    find_capabilities,
    hide,
    insist,
    list_instead,
    read_key,
    translate,
    write_body,
)
from audiomcq_cli.backends._problems import clean
from audiomcq_cli.backends._proxy import unusable_proxy
from audiomcq_cli.contracts import (
    BackendKind,
    BatchResult,
    BatchState,
    BatchTerms,
    Call,
    Completion,
    Encoder,
    Model,
    option,
)
from audiomcq_cli.errors import AudiomcqError, CallRefused, CallUnavailable, EndpointUnreachable, ModelNotServed

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

ENDPOINT: Final = "/v1/chat/completions"
TOKEN = "audiomcq"
"""Key of our token in a batch's metadata."""

ENDED = ("completed", "failed", "expired", "cancelled")
LATER = ("token_limit_exceeded", "rate_limit_exceeded")
"""Reasons for refusing a batch that pass once other batches have ended."""

RETRIES = 4
"""Retries by the SDK of requests that change nothing at the provider."""

CLOCK_SECONDS = 86_400
"""Largest difference between the provider's clock and ours, in seconds."""

PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class OpenAIBatchOptions:
    """Options that this backend adds to the ``[models.NAME]`` table of a recipe."""

    requests_per_file: int = option(50_000, "requests in one batch, at most", minimum=1, maximum=50_000)
    bytes_per_file: int = option(190_000_000, "bytes of one batch, at most; OpenAI takes 200 MB", minimum=10_000)
    completion_window: str = option("24h", "time that the provider has for a batch; OpenAI accepts only 24h")
    poll_seconds: float = option(60.0, "seconds between two checks of a batch", minimum=0.01)
    ask_online_below: int = option(
        0, "a round of fewer requests than this is asked call by call, at the price of that", minimum=0
    )


class OpenAIBatch:
    """One model behind one batch API."""

    def __init__(self, model: Model, encode: Encoder) -> None:
        self._model = model
        self._encode = encode
        self._settings: OpenAIBatchOptions = model.settings
        self._key = read_key(model)
        self._url = (model.base_url or (OPENAI,))[0].rstrip("/")
        self._format = choose_format(model, "wav")  # every provider takes wav: a refusal would come a day later
        self._sdk: openai.AsyncOpenAI | None = None

    @property
    def terms(self) -> BatchTerms:
        """Return the terms in the model's table."""
        return BatchTerms(
            requests=self._settings.requests_per_file,
            bytes=self._settings.bytes_per_file,
            poll_seconds=self._settings.poll_seconds,
            ask_online_below=self._settings.ask_online_below,
        )

    async def check(self) -> None:
        """Ask for the list of models. A model that is not listed is refused: its first reply would come a day later.

        Raises:
            EndpointUnreachable, AuthenticationFailed, ModelNotServed: The error names the address.
        """
        try:
            with self._translating():
                listed = [read_text(model, "id") async for model in self._client().models.list()]
        except CallUnavailable as error:
            raise EndpointUnreachable(
                f"model {self._model.name!r} at {self._url}: nothing answers: {error}",
                hint="is base_url right (it usually ends in /v1), and is there a network?",
            ) from error
        served = [hide(self._key, name.encode()).decode() for name in listed if name]
        if self._model.check_models and (instead := list_instead(self._model, served)):
            raise ModelNotServed(
                f"model {self._model.name!r} at {self._url}: the server does not list {self._model.model!r}",
                hint=f"it lists {instead} (check_models = false in its table leaves the list alone)",
            )

    async def send(self, call: Call) -> Completion:
        """Send one chat at once; raises as ``OpenAICompatible.send``."""
        body = await write_body(self._model, call, self._encode, self._format)
        with self._translating(one=True):  # the raw body: the SDK's objects may not be valid JSON any more
            reply = await self._client(retries=0).post("/chat/completions", body=body, cast_to=bytes)
        return read_completion(hide(self._key, reply))

    async def write(self, name: str, call: Call) -> bytes:
        """Return one line of a file of requests."""
        body = await write_body(self._model, call, self._encode, self._format)
        line = {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    async def upload(self, path: Path) -> str:
        """Upload a file of requests; the remains of a broken upload are not charged."""
        with path.open("rb") as file, self._translating():
            uploaded = await self._client().files.create(file=(path.name, file), purpose="batch")
        return uploaded.id

    async def submit(self, file: str, token: str) -> str:
        """Begin a batch. The request is sent once: after a broken connection ``find`` shows whether the batch has
        begun.
        """
        with self._translating():
            batch = await self._client(retries=0).batches.create(
                input_file_id=file,
                endpoint=ENDPOINT,
                completion_window=self._settings.completion_window,  # type: ignore[arg-type]  # other providers have other windows
                metadata={TOKEN: token},
            )
        return batch.id

    async def find(self, token: str, since: float) -> str:
        """Find a batch by its token among those of the account, newest first."""
        with self._translating():
            async for batch in self._client().batches.list(limit=100):
                if (batch.metadata or {}).get(TOKEN) == token:
                    return batch.id
                if batch.created_at < since - CLOCK_SECONDS:
                    break
        return ""

    async def poll(self, batch: str) -> BatchState:
        """Return the state of a batch."""
        with self._translating(f"batch {batch}"):
            found = await self._client().batches.retrieve(batch)
        return self._read_state(found, batch)

    async def fetch(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """Download the output file and the error file."""
        for file in state.results:
            async for line in self._lines(file):
                if result := self._read_line(line):
                    yield result

    async def close(self) -> None:
        """Close the connections."""
        if self._sdk is not None:
            await self._sdk.close()

    # -------------------------------------------------------------------------------------------------- the SDK

    def _client(self, *, retries: int = RETRIES) -> openai.AsyncOpenAI:
        if self._sdk is None:
            import openai

            timeout = openai.Timeout(self._model.timeout, connect=self._model.connect_timeout)
            try:
                # A redirected POST would arrive as a GET, and the list that it returns would pass for a batch.
                http = openai.DefaultAsyncHttpxClient(base_url=self._url, timeout=timeout, follow_redirects=False)
            except (ValueError, ImportError):  # its message holds the proxy's address, which may hold a password
                raise unusable_proxy(self._model) from None
            self._sdk = openai.AsyncOpenAI(
                api_key=self._key or "none",
                base_url=self._url,
                max_retries=RETRIES,
                timeout=timeout,
                http_client=http,
            )
        return self._sdk if retries == RETRIES else self._sdk.with_options(max_retries=retries)

    @contextmanager
    def _translating(self, wanted: str = "", *, one: bool = False) -> Iterator[None]:
        """Translate errors of the SDK. A 404 means that ``wanted`` does not exist; without it, that the model does not.

        Only errors about ``one`` call may be about that call alone.

        The SDK's errors are not kept as causes: they hold what the server sent, which may include the key.
        """
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            raise CallUnavailable(f"no answer within {self._model.timeout:g} s", code="timeout") from error
        except openai.APIStatusError as error:
            body = hide(self._key, error.response.content)
            if wanted and error.status_code == 404:
                raise CallRefused(f"there is no {wanted} at {self._url}", code="status_404") from None
            meant = self._translate(error.status_code, body, error.response.headers)
            raise meant if one else insist(meant) from None
        except (openai.APIConnectionError, openai.APIResponseValidationError) as error:
            cause = type(error.__cause__ or error).__name__
            raise CallUnavailable(f"connection failed: {cause}", code="connection") from None

    def _translate(self, status: int, body: bytes, headers: Mapping[str, str]) -> AudiomcqError:
        return translate(self._model, self._url, status, body, headers, keyed=bool(self._key))

    async def _lines(self, file: str) -> AsyncIterator[bytes]:
        """Yield the lines of a file, split at line feeds only: JSON may hold other line separators of Unicode."""
        rest = b""
        with self._translating(f"file {file}"):
            async with self._client().files.with_streaming_response.content(file) as response:
                try:
                    async for piece in response.iter_bytes(PIECE):
                        *lines, rest = (rest + piece).split(b"\n")
                        for line in lines:
                            yield line
                except Exception as error:  # noqa: BLE001 - of whichever HTTP library this SDK uses
                    raise CallUnavailable(f"download cut short: {type(error).__name__}", code="connection") from None
        if rest:
            yield rest

    # ------------------------------------------------------------------------------------------------- answers

    def _read_state(self, batch: Batch, batch_id: str) -> BatchState:
        counts = batch.request_counts
        found = getattr(batch.errors, "data", None)
        problems = found if isinstance(found, list) else []
        texts = [
            ": ".join(filter(None, (read_text(problem, "code"), read_text(problem, "message"))))
            for problem in problems[:3]
        ]
        status = read_text(batch, "status")
        refused = status == "failed"
        problem = clean(hide(self._key, "; ".join(texts).encode("utf-8", "replace")).decode()) or "no reason given"
        files = (read_text(batch, "output_file_id"), read_text(batch, "error_file_id"))
        return BatchState(
            id=batch_id,
            status=clean(status),
            done=read_number(counts, "completed"),
            failed=read_number(counts, "failed"),
            total=read_number(counts, "total"),
            ended=status in ENDED,
            results=tuple(file for file in files if file),
            cancelled=status == "cancelled",
            problem=problem if refused else "",
            later=refused and bool(problems) and all(read_text(problem, "code") in LATER for problem in problems),
        )

    def _read_line(self, line: bytes) -> BatchResult | None:
        """Read one line of an output or an error file; None if it is not the result of a request."""
        try:
            result = orjson.loads(hide(self._key, line))
            name, response, problem = str(result["custom_id"]), result.get("response"), result.get("error")
            status, body = (_read_status(response["status_code"]), response["body"]) if response else (0, None)
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        return BatchResult(name, self._read_outcome(status, body, problem))

    def _read_outcome(self, status: int, body: Any, problem: Any) -> Completion | AudiomcqError:
        text = orjson.dumps(body)
        if status == 200:
            try:
                return read_completion(text)
            except CallUnavailable as error:
                return error
        if status:
            return self._translate(status, text, {})
        known = problem if isinstance(problem, dict) else {}
        code = clean(str(known.get("code") or "no_response"), 60)
        return CallUnavailable(clean(str(known.get("message") or "the batch gave no response to it")), code=code)


def _read_status(value: Any) -> int:
    """Return an HTTP status; raises ``ValueError`` for other values."""
    if not isinstance(value, int) or not 100 <= value <= 599:
        raise ValueError("no status of HTTP")
    return value


def read_text(found: object, name: str) -> str:
    """Return a text attribute of an SDK object, whose types are not checked; empty if it is not a text."""
    value = getattr(found, name, None)
    return value if isinstance(value, str) else ""


def read_number(found: object, name: str) -> int:
    """Return a count attribute of an SDK object; 0 if it is not one."""
    value = getattr(found, name, None)
    return value if isinstance(value, int) and value >= 0 else 0


BACKEND: BackendKind[OpenAIBatchOptions] = BackendKind(
    help="OpenAI's batch API: all requests of a stage at once, replies within a day, at a lower price",
    options=OpenAIBatchOptions,
    capabilities=find_capabilities,
    open=OpenAIBatch,
    another_way_to="openai-compatible",
    takes_likely=True,
)
