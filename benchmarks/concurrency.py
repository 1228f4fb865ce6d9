"""Throughput against calls in flight: numbers, and what ``auto`` finds, with the scripted server of the tests.

    python -m benchmarks.concurrency [--slots 32] [--latency-ms 100] [--seconds 10]

The server works on so many calls at once and lets the others wait, as vLLM does. ``auto`` is measured over all of its
time, that of its search included, with a server that tells its queue and with one that does not.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any, Literal

from audiomcq_cli.backends.openai_compatible import BACKEND
from audiomcq_cli.contracts import BackendKind, Call, Message, Model
from audiomcq_cli.engine.runtime import Runtime
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted


async def measure(
    server: RunningServer, concurrency: int | Literal["auto"], seconds: float
) -> tuple[float, float, float]:
    """Calls a second, calls in flight, and the mean latency, of a client that never runs out of work."""
    model = Model(name="writer", backend="http", model="scripted", base_url=(server.base_url,), concurrency=concurrency)
    ends = time.monotonic() + seconds
    answered = 0

    async def work(runtime: Runtime, worker: int) -> None:
        nonlocal answered
        while time.monotonic() < ends:
            text = f"{worker} {answered}"
            await runtime.send("writer", Call(messages=(Message("user", text),), sampling={}, prompt="ask"))
            answered += 1

    began = time.monotonic()
    kinds: dict[str, BackendKind[Any]] = {"http": BACKEND}
    async with Runtime({"writer": model}, kinds) as runtime:
        workers = 512 if concurrency == "auto" else concurrency
        await asyncio.gather(*(work(runtime, worker) for worker in range(workers)))
        busy = runtime.usage.traffic.seconds["writer"]
    took = time.monotonic() - began
    return answered / took, busy / took, busy / answered


def main() -> None:
    """Measure every number in turn, then auto."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--latency-ms", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    print(f"{arguments.slots} slots, {arguments.latency_ms:g} ms a call, {arguments.seconds:g} s each")
    print(f"{'concurrency':18}{'calls a second':>16}{'in flight':>11}{'latency':>10}")
    numbers: tuple[int | Literal["auto"], ...] = (1, 4, 16, 64, 256, "auto", "auto")
    for place, concurrency in enumerate(numbers):
        told = place == len(numbers) - 1
        with running_scripted(latency_ms=arguments.latency_ms, slots=arguments.slots, metrics=told) as server:
            rate, flying, latency = asyncio.run(measure(server, concurrency, arguments.seconds))
        name = f"{concurrency}, queue told" if told else str(concurrency)
        print(f"{name:18}{rate:16.1f}{flying:11.1f}{1000 * latency:8.0f} ms", flush=True)


if __name__ == "__main__":
    main()
