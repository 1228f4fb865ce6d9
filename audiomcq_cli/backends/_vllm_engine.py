"""One loaded vLLM and its thread; models of a recipe with the same weights and settings share it.

Calling vLLM with one batch after another would wait for the longest reply of each. Instead, waiting requests are added
before each of its steps, and finished ones are returned after it. So every step works on all rows in flight, a reply is
in the journal as soon as it is written, and a run can be stopped between two steps.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from audiomcq_cli.backends._vllm_guard import Guard
from audiomcq_cli.errors import AudiomcqError, CallRefused, ModelError, ModelNotServed, RecipeError

INSTALL = 'pip install ".[vllm]" in a checkout of audiomcq'

ENVIRONMENT = {
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # stdout is data
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # a fork of a process with threads may hang
}
"""Settings of vLLM that the user's environment may override; vLLM reads them when it is imported."""

ADDING_SECONDS = 0.2
"""Seconds for adding calls (rendering, tokenising, decoding audio) before replies are checked again."""

CLOSE_SECONDS = 30.0
"""Seconds that the end of a run waits for vLLM to free its memory; its processes end with this one in any case."""

Enqueue = Callable[[Any], Sequence[str]]
"""Adds one request to an ``LLM`` and returns the names of what it added, like its ``enqueue`` methods."""


@dataclass(frozen=True, slots=True)
class Work:
    """One waiting request and its caller."""

    enqueue: Enqueue
    future: asyncio.Future[Any]

    def settle(self, outcome: Any) -> None:
        """Deliver a result or an error from the engine's thread; the caller may have gone."""
        with suppress(RuntimeError):  # the loop is closed: the run has ended meanwhile
            self.future.get_loop().call_soon_threadsafe(_settle, self.future, outcome)


class Engine:
    """An ``LLM`` and the only thread that may touch it."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        """Prepare an engine without loading it; ``arguments`` are those of ``vllm.LLM``."""
        self.arguments = arguments
        self.users = 0
        self._inbox: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._running: dict[str, Work] = {}
        self._loaded: concurrent.futures.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="vllm", daemon=True)
        self._llm: Any = None

    async def load(self) -> None:
        """Load the model, once; raises ``ModelNotServed``."""
        if self._loaded is None:
            self._loaded = concurrent.futures.Future()
            self._thread.start()
        await asyncio.shield(asyncio.wrap_future(self._loaded))

    async def run(self, enqueue: Enqueue) -> Any:
        """Have one request answered; return the ``RequestOutput``.

        Raises:
            CallRefused: vLLM cannot take this request.
            ModelError: vLLM takes no more requests.
        """
        work = Work(enqueue, asyncio.get_running_loop().create_future())
        self._inbox.put(work)
        return await work.future

    async def close(self) -> None:
        """End the thread and free the memory; unanswered requests are dropped."""
        if self._thread.is_alive():
            self._inbox.put(None)
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)

    # -------------------------------------------------------------------------------------------- in the thread

    def _run(self) -> None:
        # vLLM's processes inherit this. A Ctrl-C in a terminal reaches them too, and this program handles it. Before
        # the first of them, multiprocessing starts its tracker and then unblocks the signal: so the tracker is started
        # first.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        loaded = self._loaded or concurrent.futures.Future()
        guard = Guard()
        try:
            with _LOADING:
                self._llm = _load(self.arguments)
        except AudiomcqError as error:
            loaded.set_exception(error)
            guard.close()
            return
        loaded.set_result(None)
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - whatever it is, all callers must hear of it
            self._fail(_died(error))
        finally:
            with suppress(Exception):  # it may be dead already
                self._llm.llm_engine.engine_core.shutdown()
            guard.close()
            self._llm = None

    def _serve(self) -> None:
        while self._add_waiting():
            self._drop_abandoned()
            if self._running:
                for output in self._llm.llm_engine.step():
                    if output.finished:
                        self._running.pop(output.request_id).settle(output)

    def _add_waiting(self) -> bool:
        """Add the waiting requests, and wait for one if there is nothing else to do; False to end."""
        until = time.monotonic() + ADDING_SECONDS
        with suppress(queue.Empty):
            while not self._running or time.monotonic() < until:
                work = self._inbox.get(block=not self._running)
                if work is None:
                    return False
                if not work.future.cancelled():
                    self._add(work)
        return True

    def _add(self, work: Work) -> None:
        from vllm.v1.engine.exceptions import EngineDeadError

        try:
            [name] = work.enqueue(self._llm)
        except EngineDeadError as error:
            work.settle(_died(error))
            raise
        except AudiomcqError as error:
            work.settle(error)
        except Exception as error:  # noqa: BLE001 - this request alone: too long, or audio or a schema that vLLM cannot take
            work.settle(CallRefused(f"vLLM: {error or type(error).__name__}", code="status_400"))
        else:
            # LLM numbers its requests. The engine adds a suffix to the number, and names outputs without it.
            self._running[name.partition("-")[0]] = work

    def _drop_abandoned(self) -> None:
        if gone := [name for name, work in self._running.items() if work.future.cancelled()]:
            self._llm.llm_engine.abort_request(gone)
            for name in gone:
                del self._running[name]

    def _fail(self, error: ModelError) -> None:
        """Deliver an error to all callers, and to later ones until the run ends."""
        for work in self._running.values():
            work.settle(error)
        self._running.clear()
        while (waiting := self._inbox.get()) is not None:
            waiting.settle(error)


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    if future.done():  # cancelled
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _load(arguments: Mapping[str, Any]) -> Any:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    model = arguments["model"]
    try:
        from vllm import LLM
    except ImportError as error:
        message = f"model {model!r}: the backend 'vllm-offline' needs vLLM, which cannot be imported: {error}"
        raise ModelNotServed(message, hint=INSTALL) from error
    try:
        return LLM(**arguments)
    except Exception as error:  # from torch, transformers, the Hub or CUDA
        reason = str(error).strip() or type(error).__name__
        raise ModelNotServed(
            f"vLLM cannot load {model!r}: {reason}",
            hint="what it wrote above says more. Too little memory? Lower gpu_memory_utilization or max_model_len, or"
            " raise tensor_parallel_size",
        ) from error


def _died(error: Exception) -> ModelError:
    reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
    return ModelError(
        f"vLLM has ended: {reason}",
        hint="what it wrote above says why. Out of memory? Lower max_num_seqs, max_model_len or gpu_memory_utilization;"
        " then run again: what is done is kept",
    )


# ---------------------------------------------------------------------------------------------------- sharing

_ENGINES: dict[str, Engine] = {}

_LOADING = threading.Lock()
"""Loads one engine at a time: each measures the free memory."""


def acquire(arguments: Mapping[str, Any]) -> Engine:
    """Return the engine with these arguments, shared by all who ask for it.

    Raises:
        RecipeError: Together, the engines would take more than the whole memory.
    """
    key = json.dumps(arguments, sort_keys=True)
    wanted = [one.arguments for name, one in _ENGINES.items() if name != key] + [arguments]
    if (share := sum(one["gpu_memory_utilization"] for one in wanted)) > 1 + 1e-9:
        names = " and ".join(repr(one["model"]) for one in wanted)
        raise RecipeError(
            f"{names} are loaded at once and are given {share:.0%} of the GPU's memory together",
            hint=f"gpu_memory_utilization = {int(100 / len(wanted)) / 100} in the table of each",
        )
    engine = _ENGINES.setdefault(key, Engine(arguments))
    engine.users += 1
    return engine


async def release(engine: Engine) -> None:
    """Release an engine; the last user frees its memory."""
    engine.users -= 1
    if engine.users == 0:
        _ENGINES.pop(json.dumps(engine.arguments, sort_keys=True), None)
        await engine.close()
