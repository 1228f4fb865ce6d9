"""Sends request files to a provider's batch API and fetches the results.

Every step is recorded before the next one (``store.py``): a request file, then its upload, then the batch. Only
beginning a batch costs money; a run that was killed during that step finds the batch again by its token. Missing
results (expired, cut short, the provider's own failures) are requested in the next round, up to the model's
``attempts``.

The greatest possible cost of a batch is reserved from before it begins until it has ended. A batch that does not fit
the budget waits for others, which mostly cost less than was reserved; if no batch is open any more, the run ends.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from audiomcq_cli.contracts import BatchBackend, BatchState, Completion
from audiomcq_cli.engine.batch.store import Batch, BatchStore, Refusal, Requests
from audiomcq_cli.engine.batch.watch import Watch, Yield, read_name
from audiomcq_cli.engine.progress import Progress
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.budget import Reserved
from audiomcq_cli.engine.servers.endpoint import LONGEST_RETRY_AFTER
from audiomcq_cli.engine.servers.route import FIRST_BACKOFF, LONGEST_BACKOFF
from audiomcq_cli.errors import (
    BudgetReached,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    ModelError,
)

T = TypeVar("T")

FIRST_LOOK_SECONDS = 5.0
UNREACHABLE_SECONDS = 3_600.0
"""Seconds for which the provider may be unreachable while a batch is waited for."""

DELIVERED_AT_ONCE = 500


class Transfer:
    """The open batches of one stage, of all its models.

    Attributes:
        in_flight: Keys of the calls that were noted for a batch or are in one.
        given_up: Calls for which no attempt in this run brought a reply.
    """

    def __init__(
        self, stage: str, store: BatchStore, runtime: Runtime, progress: Progress, backends: Mapping[str, BatchBackend]
    ) -> None:
        self.in_flight: set[bytes] = set()
        self.given_up: dict[bytes, Refusal] = {}
        self._stage = stage
        self._store = store
        self._runtime = runtime
        self._progress = progress
        self._backends = backends
        self._open: dict[str, Watch] = {}
        self._attempts: Counter[bytes] = Counter()

    @property
    def waits(self) -> bool:
        """True if batches are open."""
        return bool(self._open)

    async def settle(self) -> None:
        """Continue what an earlier run left: send batches that did not arrive, and check those that did."""
        for batch in sorted(self._store.list_open(), key=lambda batch: not batch.id):  # first what costs money already
            if batch.model not in self._backends:
                self._say(batch, "is left alone: its model is not reached by batch in this run")
                continue
            if not batch.file and not self._store.path_of(batch).is_file():
                self._store.end(batch)  # it never left this machine, and its requests are not here
                continue
            self.in_flight |= batch.keys
            watch = self._watch(batch)
            if batch.id:
                self._reserve(watch)
                self._say(batch, f"of {len(batch.keys):,} requests is waited for")
            elif not (batch.file and await self._find_begun(watch)):
                await self._launch(watch)
        for watch in list(self._open.values()):
            await self._look(watch, ours=False)

    async def send(self, model: str, requests: Requests) -> None:
        """Make a batch from a request file, which is taken over; the batch may begin later.

        Raises:
            BudgetReached: The batch does not fit the budget, and no open batch could leave some of its reserve.
        """
        await self._launch(self._watch(self._store.begin(model, requests)))

    async def wait(self) -> None:
        """Wait until all batches have ended and their results are stored.

        Raises:
            Interrupted: The run is to end; the batches go on at the provider, and the next run waits for them.
            BudgetReached: As in ``send``.
            ModelError: A batch was refused or cancelled, or the provider cannot be reached.
        """
        pause = FIRST_LOOK_SECONDS
        while self._open:
            longest = min(self._backends[watch.batch.model].terms.poll_seconds for watch in self._open.values())
            await self._runtime.pause(min(pause, longest))
            pause *= 1.5
            for watch in list(self._open.values()):
                await self._look(watch, ours=True)

    def tell_open(self) -> None:
        """Report batches whose results are not needed any more."""
        for watch in self._open.values():
            self._say(watch.batch, "goes on; nothing waits for it now, and its replies are taken by the next run")

    # --------------------------------------------------------------------------------------------- on the way out

    async def _launch(self, watch: Watch) -> None:
        """Begin a batch that has not begun, if it fits the budget now; its file is uploaded first."""
        batch, backend = watch.batch, self._backends[watch.batch.model]
        if not self._fits(batch):
            watch.tell_short(lambda text: self._say(batch, text))
            return
        self._reserve(watch)
        size = ""
        if not batch.file:
            path = self._store.path_of(batch)
            size = f", {path.stat().st_size / 1e6:,.1f} MB"

            async def upload(_: int) -> str:
                return await self._runtime.unless_stopping(backend.upload(path))

            batch = watch.batch = self._store.note_file(batch, await self._insist(batch, "the upload", upload))

        async def begin(attempt: int) -> str:
            found = await self._find(backend, batch) if attempt > 1 else ""
            return found or await backend.submit(batch.file, batch.token)

        self._runtime.raise_if_stopping()
        self._note_begun(watch, await self._insist(batch, "the batch", begin))
        self._say(watch.batch, f"of model {batch.model!r} submitted: {len(batch.keys):,} requests{size}")

    async def _find_begun(self, watch: Watch) -> bool:
        """Return whether a batch that an earlier run was about to begin has begun."""
        batch = watch.batch

        async def find(_: int) -> str:
            return await self._find(self._backends[batch.model], batch)

        found = await self._insist(batch, "the search for a batch", find)
        if found:
            self._reserve(watch)
            self._note_begun(watch, found)
            self._say(watch.batch, f"of {len(batch.keys):,} requests is waited for")
        return bool(found)

    def _note_begun(self, watch: Watch, id_: str) -> None:
        watch.batch = self._store.note_id(watch.batch, id_)
        self._runtime.usage.calls[watch.batch.model] += len(watch.batch.keys)

    def _fits(self, batch: Batch) -> bool:
        """Return whether a batch fits the budget now; if it never will, the run ends."""
        purse, model = self._runtime.purse, self._runtime.model(batch.model).model
        reason = purse.find_shortage(
            model, batch.prompt_tokens, batch.completion_tokens, f"batch of model {batch.model!r}"
        )
        if not reason or purse.holds:
            return not reason
        self._forget(batch)
        error = BudgetReached(f"{reason}; a smaller requests_per_file makes smaller batches")
        self._runtime.stop(error)
        raise error

    def _reserve(self, watch: Watch) -> None:
        batch, model = watch.batch, self._runtime.model(watch.batch.model).model
        watch.hold(self._runtime.purse.reserve(model, batch.prompt_tokens, batch.completion_tokens))

    async def _find(self, backend: BatchBackend, batch: Batch) -> str:
        """Return the id of a batch that may have begun; raises ``ModelError`` if the provider does not say."""
        try:
            return await backend.find(batch.token, batch.begun)
        except CallRefused as error:
            raise ModelError(
                f"model {batch.model!r}: whether a batch has begun cannot be found out: {error}",
                hint=f"removing {self._store.folder} gives up what is under way",
            ) from error

    async def _insist(self, batch: Batch, what: str, work: Callable[[int], Awaitable[T]]) -> T:
        """Do some work, and repeat it while the provider cannot answer; ``work`` receives the number of the attempt."""
        attempts = self._runtime.model(batch.model).model.attempts
        attempt = 1
        while True:
            try:
                return await work(attempt)
            except CallUnavailable as error:
                if attempt == attempts:
                    hint = "the same command goes on where this run ended"
                    raise EndpointUnreachable(
                        f"model {batch.model!r}: {what} did not work: {error}", hint=hint
                    ) from error
                usual = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (attempt - 1))
                asked = min(LONGEST_RETRY_AFTER, error.retry_after or 0.0)
                await self._runtime.pause(max(asked, usual))
            except CallRefused as error:
                self._forget(batch)
                raise ModelError(
                    f"model {batch.model!r}: {what} of {len(batch.keys):,} requests was refused: {error}",
                    hint="when that is mended (are requests_per_file or bytes_per_file too large?), the same command"
                    " asks again for what did not come",
                ) from error
            attempt += 1

    def _watch(self, batch: Batch) -> Watch:
        watch = self._open[batch.token] = Watch(batch)
        return watch

    # -------------------------------------------------------------------------------------------- on the way back

    async def _look(self, watch: Watch, *, ours: bool) -> None:
        """Check a batch and fetch its results if it has ended; ``ours``: this run has checked it before."""
        if not watch.batch.id:
            await self._try_again(watch)
            return
        state = await self._poll(watch)
        if state is None:
            return
        if not state.ended:
            watch.tell(state, self._runtime.clock.now(), lambda text: self._say(watch.batch, text))
        elif state.problem:
            self._refused(watch, state, ours=ours)
        else:
            await self._collect(watch, state)

    async def _poll(self, watch: Watch) -> BatchState | None:
        """Return the state of a batch; None if the provider cannot be reached now."""
        batch = watch.batch
        try:
            state = await self._runtime.unless_stopping(self._backends[batch.model].poll(batch.id))
        except CallUnavailable as error:
            now = self._runtime.clock.now()
            if watch.unreachable_since is None:
                watch.unreachable_since = now
                self._say(batch, f"cannot be looked at now: {error}")
            if now - watch.unreachable_since > UNREACHABLE_SECONDS:
                hint = "batches go on at the provider; the same command goes on waiting"
                raise EndpointUnreachable(f"model {batch.model!r}: batch {batch.id}: {error}", hint=hint) from error
            return None
        except CallRefused as error:
            raise ModelError(
                f"model {batch.model!r}: {error}",
                hint="does the key belong to the account that began it?"
                f" Removing {self._store.folder} gives up all batches of this stage that are under way",
            ) from error
        watch.unreachable_since = None
        return state

    def _refused(self, watch: Watch, state: BatchState, *, ours: bool) -> None:
        """Handle a batch that was refused: nothing of it was done or paid."""
        batch = watch.batch
        others = any(other.batch.id for other in self._open.values() if other is not watch)
        watch.refusals += 1
        if state.later and (others or watch.refusals < self._runtime.model(batch.model).model.attempts):
            self._say(batch, f"is not taken now and will be begun again: {state.problem}")
            del self._open[batch.token]
            watch.free()
            watch.batch = self._store.renew(batch)
            seconds = self._backends[batch.model].terms.poll_seconds * 2**watch.refusals
            watch.not_before = self._runtime.clock.now() + min(seconds, UNREACHABLE_SECONDS)
            self._open[watch.batch.token] = watch
            return
        self._forget(batch)
        if not ours:  # of an earlier run: what was wrong then may be mended
            self._say(batch, f"was refused and is asked again: {state.problem}")
            return
        raise ModelError(
            f"model {batch.model!r}: batch {batch.id} of {len(batch.keys):,} requests was refused: {state.problem}",
            hint="nothing of it was done; when that is mended, the same command begins it again",
        )

    async def _try_again(self, watch: Watch) -> None:
        """Begin a batch that was refused or did not fit, when its time has come or another batch has ended."""
        if self._runtime.clock.now() < watch.not_before:
            return
        await self._launch(watch)
        if watch.batch.id and watch.refusals:
            self._runtime.usage.traffic.retries[watch.batch.model] += len(watch.batch.keys)

    async def _collect(self, watch: Watch, state: BatchState) -> None:
        """Fetch the results of a batch that has ended; its other calls are requested again."""
        batch = watch.batch

        async def download(_: int) -> Yield:
            return await self._runtime.unless_stopping(self._download(batch, state))

        came = await self._insist(batch, f"the download of batch {batch.id}", download)
        spent = Completion(prompt_tokens=came.prompt_tokens, completion_tokens=came.completion_tokens)
        self._runtime.purse.spend(self._runtime.model(batch.model).model, spent)
        self._runtime.usage.uncounted[batch.model] += came.uncounted
        self._runtime.tell_uncounted(batch.model)
        self._count_missing(batch, came)
        self._forget(batch)
        for other in self._open.values():
            other.not_before, other.refusals = 0.0, 0  # there may be room now
        hours = (time.time() - batch.begun) / 3600
        answered = len(batch.keys) - len(came.missing)
        rest = f"; {len(came.missing):,} are to be asked again" if came.missing else ""
        strange = f"; {came.strange:,} lines belong to no request" if came.strange else ""
        self._say(batch, f"{state.status} after {hours:.1f} h: {answered:,} answered{rest}{strange}")
        if came.error is not None:
            raise came.error
        if state.cancelled:
            raise ModelError(
                f"model {batch.model!r}: batch {batch.id} was cancelled at the provider",
                hint="what it had done is kept; the same command asks for the rest",
            )

    async def _download(self, batch: Batch, state: BatchState) -> Yield:
        calls = max(1, len(batch.keys))
        each = Reserved(batch.prompt_tokens / calls, batch.completion_tokens / calls)
        came = Yield(dict.fromkeys(batch.keys), each)
        ready: list[tuple[bytes, Completion | Refusal]] = []
        async for result in self._backends[batch.model].fetch(state):
            key = read_name(result.name)
            if key not in batch.keys:
                came.strange += 1
            elif key in came.missing and (reply := came.take(key, result.outcome)):  # of two the first counts
                ready.append((key, reply))
            if len(ready) == DELIVERED_AT_ONCE:
                self._store.deliver(ready)
                ready.clear()
        self._store.deliver([*ready, *came.settle_denied()])
        return came

    def _count_missing(self, batch: Batch, came: Yield) -> None:
        attempts = self._runtime.model(batch.model).model.attempts
        for key, error in came.missing.items():
            self._attempts[key] += 1
            if self._attempts[key] >= attempts:
                code, detail = (error.code, str(error)) if error else ("no_result", "the batch had no result for it")
                self.given_up[key] = Refusal(code, detail)
            else:
                self._runtime.usage.traffic.retries[batch.model] += 1

    def _forget(self, batch: Batch) -> None:
        self._store.end(batch)
        self.in_flight -= batch.keys
        self._open.pop(batch.token).free()

    def _say(self, batch: Batch, text: str) -> None:
        self._progress.say(f"{self._stage}: batch {batch.id or batch.token} {text}")
