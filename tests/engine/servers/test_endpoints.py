"""Several addresses of one model: where calls go, what is set aside and comes back, and what that costs a row."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from audiomcq_cli.contracts import BackendKind, Call, Capabilities, Completion, Encoder, Message, Model, NoOptions
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.engine.servers.clock import MACHINE, Clock
from audiomcq_cli.engine.servers.concurrency import Fixed
from audiomcq_cli.engine.servers.endpoint import DENIALS, WARN, Endpoint
from audiomcq_cli.engine.servers.endpoints import QUIET, TICK, Endpoints
from audiomcq_cli.engine.servers.quota import Quota, QuotaOwner
from audiomcq_cli.engine.servers.traffic import Traffic
from audiomcq_cli.errors import (
    AccountExhausted,
    AuthenticationFailed,
    CallDenied,
    CallRefused,
    CallUnavailable,
    EndpointUnreachable,
    Interrupted,
    ModelAbsent,
    ModelError,
    ModelNotServed,
)
from tests.conftest import strike
from tests.engine import Bench, Watching, answer_well, http_model, puppet_model, texts_of
from tests.engine.clock import SimulatedClock, simulate
from tests.servers.process import RunningServer
from tests.servers.scripted import running_scripted


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def make_call(text: str = "rain") -> Call:
    return Call(messages=(Message("user", text),), sampling={}, prompt="ask")


def find_dead_address() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


# ------------------------------------------------------------------------------------------- addresses of functions


class Address:
    """An address made of a function, with the times at which it was sent calls."""

    def __init__(self, answer: Callable[[Call], Awaitable[Completion]] = answer_well) -> None:
        self.answer = answer
        self.sent: list[float] = []
        self.in_flight = self.most = 0
        self.problem: ModelError | None = None

    async def check(self) -> None:
        if self.problem:
            raise self.problem

    async def send(self, call: Call) -> Completion:
        self.sent.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(0.002)
            return await self.answer(call)
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        pass


def failing(error: Exception) -> Callable[[Call], Awaitable[Completion]]:
    async def fail(call: Call) -> Completion:
        raise error

    return fail


Work = Callable[[Runtime], Awaitable[Any]]


def use(addresses: Mapping[str, Address], work: Work, said: list[str] | None = None, **changes: Any) -> Any:
    """Do something with a runtime whose only model has these addresses, in simulated time."""
    clock = SimulatedClock()

    def open_(model: Model, encode: Encoder) -> Address:
        return addresses[model.base_url[0]]

    kind: BackendKind[Any] = BackendKind(
        help="functions", options=NoOptions, capabilities=lambda model: Capabilities(schema=True), open=open_
    )

    async def main() -> Any:
        model = puppet_model(base_url=tuple(addresses), **changes)
        say = (said if said is not None else []).append
        async with Runtime({"writer": model}, {"puppet": kind}, workers=1, say=say, clock=clock) as runtime:
            return await work(runtime)

    return simulate(clock, main())


def sending(count: int) -> Work:
    """Sends so many calls at once; what came of each."""

    async def work(runtime: Runtime) -> list[Any]:
        calls = (runtime.send("writer", make_call(text)) for text in texts_of(count))
        return await asyncio.gather(*calls, return_exceptions=True)

    return work


def good(results: Sequence[Any]) -> int:
    """How many calls were answered."""
    return sum(isinstance(result, Completion) for result in results)


def test_calls_go_where_there_is_most_room() -> None:
    """Each call goes to the address with the fewest calls in flight."""
    addresses = {"a": Address(), "b": Address(), "c": Address()}
    assert good(use(addresses, sending(30))) == 30
    assert [len(address.sent) for address in addresses.values()] == [10, 10, 10]


def test_concurrency_holds_for_each_address() -> None:
    """As many calls as the recipe says are in flight to each address."""
    addresses = {"a": Address(), "b": Address()}
    use(addresses, sending(40), concurrency=4)
    assert [address.most for address in addresses.values()] == [4, 4]


def test_quota_holds_for_each_address() -> None:
    """Two addresses together are sent twice the requests a minute of one."""
    addresses = {"a": Address(), "b": Address()}

    async def work(runtime: Runtime) -> None:
        calls = [asyncio.create_task(runtime.send("writer", make_call(text))) for text in texts_of(9)]
        await asyncio.sleep(0.3)
        runtime.stop()
        await asyncio.gather(*calls, return_exceptions=True)

    use(addresses, work, requests_per_minute=60)
    assert [len(address.sent) for address in addresses.values()] == [1, 1]


def test_failure_that_is_the_addresss_costs_no_attempt() -> None:
    """A call whose address is down goes to another at once, even on its last attempt."""
    down = failing(CallUnavailable("connection failed", code="connection", down=True))
    addresses = {"a": Address(down), "b": Address()}
    assert good(use(addresses, sending(50), attempts=1, concurrency=8)) == 50
    assert len(addresses["a"].sent) <= 8  # those sent before the first of them had failed


def test_failure_moves_a_call_to_another_address_at_once() -> None:
    """A call that failed at one address is tried at the other before there is any back-off."""
    addresses = {"a": Address(failing(CallUnavailable("broken", code="status_500"))), "b": Address()}
    assert good(use(addresses, sending(1), attempts=2)) == 1
    assert (len(addresses["a"].sent), len(addresses["b"].sent)) == (1, 1)


def test_row_that_breaks_servers_does_not_set_them_aside() -> None:
    """A call that every server fails at uses its attempts up, while the others are answered everywhere."""

    async def answer(call: Call) -> Completion:
        if call.messages[0].text == "clip 3":
            raise CallUnavailable("broken", code="status_500")
        return await answer_well(call)

    addresses = {"a": Address(answer), "b": Address(answer)}
    said: list[str] = []
    results = use(addresses, sending(40), said, attempts=3, concurrency=2)
    assert good(results) == 39
    assert isinstance(results[3], CallUnavailable)
    assert sum(len(address.sent) for address in addresses.values()) == 39 + 3
    assert not said


def test_address_that_keeps_failing_is_set_aside_and_comes_back() -> None:
    """After a few failures nothing is sent until it answers again; people are told once, by its address."""
    addresses = {"http://a": Address(failing(CallUnavailable("broken", code="status_500"))), "http://b": Address()}
    said: list[str] = []

    async def work(runtime: Runtime) -> None:
        assert good(await sending(60)(runtime)) == 60
        failed = len(addresses["http://a"].sent)
        assert failed <= 8 + 5
        addresses["http://a"].answer = answer_well
        await asyncio.sleep(2.0)
        await sending(20)(runtime)
        assert len(addresses["http://a"].sent) > failed
        assert runtime.usage.traffic.set_aside == {"writer": 1}
        assert runtime.usage.traffic.retries["writer"] >= 5

    use(addresses, work, said, concurrency=4)
    assert len(said) == 1 and "http://a is set aside" in said[0] and "broken" in said[0]


# -------------------------------------------------------------------------------------------------- too many calls


def test_busy_address_is_left_alone_by_all_calls() -> None:
    """One 429 keeps the other calls away for the time that the server asks for, so that not each earns one."""
    refusals = iter([CallUnavailable("busy", code="status_429", retry_after=0.5)])

    async def answer(call: Call) -> Completion:
        for refusal in refusals:
            raise refusal
        return await answer_well(call)

    addresses = {"a": Address(answer)}
    assert good(use(addresses, sending(12), concurrency=2, attempts=2)) == 12
    times = [when - addresses["a"].sent[0] for when in addresses["a"].sent]
    assert sum(when < 0.4 for when in times) <= 3  # those that were in flight already
    assert sum(when >= 0.5 for when in times) >= 10


def test_rate_limit_never_turns_into_lost_rows() -> None:
    """A server that takes a few calls in a while and refuses the rest answers every row in the end."""
    window = [0.0, 0]

    async def answer(call: Call) -> Completion:
        now = asyncio.get_running_loop().time()
        if now - window[0] > 0.1:
            window[:] = now, 0
        window[1] += 1
        if window[1] > 5:
            raise CallUnavailable("busy", code="status_429", retry_after=window[0] + 0.1 - now)
        return await answer_well(call)

    address = Address(answer)
    assert good(use({"a": address}, sending(100), concurrency=32, attempts=2)) == 100
    assert len(address.sent) < 250


def test_busy_address_sends_calls_elsewhere() -> None:
    """While one address asks to wait, however long, the others are used."""
    addresses = {
        "http://a": Address(failing(CallUnavailable("busy", code="status_429", retry_after=7_200))),
        "http://b": Address(),
    }
    said: list[str] = []
    assert good(use(addresses, sending(30), said, attempts=1, concurrency=4)) == 30
    assert len(addresses["http://a"].sent) <= 4
    assert said == ["model 'writer' at http://a has enough calls; no more for 3,600 s"]  # the most that is obeyed


def test_server_that_is_always_busy_ends_its_rows() -> None:
    """Where nothing but refusals comes, calls that wait use their attempts up with the one that is sent."""
    address = Address(failing(CallUnavailable("busy", code="status_503", busy=True)))
    results = use({"a": address}, sending(12), attempts=3, concurrency=2)
    assert {getattr(result, "code", "") for result in results} == {"status_503"}
    assert len(address.sent) <= 12


# ------------------------------------------------------------------------------ calls denied, keys, money, and models

FLAGGED = CallDenied("flagged", code="status_403", problem=AuthenticationFailed("the key is refused"))
UNHEARD = CallDenied("no such", code="status_404", problem=ModelNotServed("no such model"), decisive=True)


def denying(error: CallDenied, *clips: int) -> Callable[[Call], Awaitable[Completion]]:
    """Denies some calls and answers the others."""

    async def answer(call: Call) -> Completion:
        if call.messages[0].text in {f"clip {number}" for number in clips}:
            raise error
        return await answer_well(call)

    return answer


@pytest.mark.parametrize("error", [FLAGGED, UNHEARD], ids=["403", "404"])
def test_call_that_is_denied_among_others_fails_alone(error: CallDenied) -> None:
    """Where other calls are answered, a refusal is about the calls that it comes to, however many they are."""
    address = Address(denying(error, *range(3, 40, 4)))
    results = use({"a": address}, sending(40), concurrency=1)
    assert good(results) == 30
    assert {str(result) for result in results if isinstance(result, CallRefused)} == {str(error)}
    assert len(address.sent) == 40


def test_few_calls_that_are_denied_are_no_refusal_of_all() -> None:
    """Rows that failed for their content are asked again alone, and then nothing else is answered in between."""
    results = use({"a": Address(failing(FLAGGED))}, sending(DENIALS - 1))
    assert {type(result) for result in results} == {CallDenied}


def test_address_that_denies_all_is_refused_as_a_whole() -> None:
    """A few refusals with no answer between end the stage with what they mean, and few calls are sent."""
    address = Address(failing(FLAGGED))
    results = use({"a": address}, sending(300), concurrency=2)
    assert isinstance(results[-1], AuthenticationFailed)
    assert sum(isinstance(result, CallDenied) for result in results) < DENIALS
    assert len(address.sent) <= DENIALS + 2


def test_call_that_is_denied_is_tried_at_the_other_addresses() -> None:
    """Moderation of one provider loses no row that another one answers, and costs it no attempt."""
    addresses = {"a": Address(denying(FLAGGED, 1, 2)), "b": Address()}
    assert good(use(addresses, sending(8), attempts=1)) == 8


def test_empty_account_ends_the_stage_after_few_calls() -> None:
    """Nothing is sent once the provider has said that the account is empty, but what is under way."""
    address = Address(failing(AccountExhausted("no money left")))
    results = use({"a": address}, sending(300), concurrency=4)
    assert {str(result) for result in results} == {"no money left"}
    assert len(address.sent) <= 4


def test_empty_account_of_one_address_leaves_the_others() -> None:
    """Another provider goes on with the work."""
    addresses = {"a": Address(failing(AccountExhausted("no money left"))), "b": Address()}
    assert good(use(addresses, sending(30), attempts=1)) == 30


# -------------------------------------------------------------------------------------- wrong keys, missing models


def test_address_that_refuses_the_key_is_set_aside_while_others_work() -> None:
    """A 401 of one address of several is said, and stops nothing."""
    addresses = {"http://a": Address(failing(AuthenticationFailed("the key is refused"))), "http://b": Address()}
    said: list[str] = []
    assert good(use(addresses, sending(30), said, attempts=1)) == 30
    assert said == ["model 'writer' at http://a is set aside until it answers again: the key is refused"]


def test_key_that_is_refused_everywhere_stops() -> None:
    """Where no address takes the key, every call ends at once with that error."""
    addresses = {name: Address(failing(AuthenticationFailed("the key is refused"))) for name in ("a", "b")}
    results = use(addresses, sending(300), concurrency=4)
    assert {type(result) for result in results} == {AuthenticationFailed}
    assert sum(len(address.sent) for address in addresses.values()) <= 8


def test_address_without_the_model_is_set_aside_at_the_start(bench: Bench, http: RunningServer) -> None:
    """Of several addresses those that are down or lack the model are named before the first call, and work begins."""
    dead = find_dead_address()
    with running_scripted(models=("else",)) as wrong:
        bench.models = {"writer": http_model(http, base_url=(dead, wrong.base_url, http.base_url), attempts=1)}
        bench.write_input(texts_of(30))
        report = bench.run()
    assert report.items["kept"] == 30
    assert report.set_aside == {"writer": 2}
    [one, two, three] = bench.said
    assert dead in one and "nothing answers" in one
    assert wrong.base_url in two and "does not list 'scripted'" in two
    assert wrong.base_url in three and "is set aside" in three and "404" in three


def test_start_without_any_address_names_what_to_mend(bench: Bench) -> None:
    """Where nothing works the error is the one that people can do something about."""
    with running_scripted(models=("else",)) as wrong:
        bench.models = {"writer": http_model(wrong, base_url=(find_dead_address(), wrong.base_url), absent_after=0.3)}
        bench.write_input(["rain"])
        with pytest.raises(ModelNotServed, match="answered 404"):
            bench.run()
    bench.models = {"writer": http_model(wrong, base_url=(find_dead_address(), find_dead_address()))}
    with pytest.raises(EndpointUnreachable):
        bench.run()


@pytest.mark.parametrize("status", [401, 404])
def test_status_of_one_real_server_moves_its_rows(
    bench: Bench, http: RunningServer, tmp_path: Path, status: int
) -> None:
    """A server that lists the model and refuses its calls loses no row to the others."""
    rules: list[dict[str, Any]] = [{"match": {}, "times": None, "fault": f"status:{status}"}]
    with running_scripted(faults=rules, folder=tmp_path) as wrong:
        bench.models = {"writer": http_model(http, base_url=(wrong.base_url, http.base_url), attempts=1)}
        bench.write_input(texts_of(40))
        assert bench.run().items["kept"] == 40


# ----------------------------------------------------------------------------------------- servers that end and begin


class Mishap(Watching):
    """Does something once so many rows are done."""

    def __init__(self, at: int, do: Callable[[], Any]) -> None:
        super().__init__()
        self.on_advance = lambda: do() if self.counts.total() == at else None


def test_server_that_is_killed_loses_no_row(bench: Bench) -> None:
    """Of three servers one is killed in mid-run: its calls are made by the others, and every row is kept."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running_scripted(latency_ms=20)) for _ in range(3)]
        bench.models = {
            "writer": http_model(servers[0], base_url=tuple(one.base_url for one in servers), concurrency=8)
        }
        bench.write_input(texts_of(400))
        report = asyncio.run(bench.run_in_loop(progress=Mishap(60, servers[1].process.kill)))
        completed = [one.stats()["completed"] for one in (servers[0], servers[2])]
    assert report.items["kept"] == 400
    assert report.set_aside == {"writer": 1}
    assert report.in_flight["writer"] > 1
    assert all(count > 120 for count in completed)
    assert len(bench.said) == 1 and servers[1].base_url in bench.said[0]


def test_server_that_is_started_again_is_used_again(bench: Bench) -> None:
    """The only server is killed and comes back after a while: calls wait for it, and every row is kept."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(running_scripted(latency_ms=5))
        port = int(first.url.rpartition(":")[2])
        again: list[asyncio.Future[RunningServer]] = []

        def start() -> RunningServer:
            time.sleep(1.5)
            return stack.enter_context(running_scripted(port=port))

        def restart() -> None:
            first.process.kill()
            first.process.wait()
            again.append(asyncio.ensure_future(asyncio.to_thread(start)))

        async def main() -> tuple[int, int]:
            report = await bench.run_in_loop(progress=Mishap(50, restart))
            server = await again[0]
            return report.items["kept"], server.stats()["completed"]

        bench.models = {"writer": http_model(first, concurrency=8)}
        bench.write_input(texts_of(150))
        kept, completed = asyncio.run(main())
    assert kept == 150
    assert 0 < completed <= 100


def test_server_that_stays_away_stops_the_stage(bench: Bench) -> None:
    """A server that is gone for the stated time ends the stage; no row fails, and the next run keeps them all."""
    with running_scripted(latency_ms=20) as server:
        port = int(server.url.rpartition(":")[2])
        bench.models = {"writer": http_model(server, concurrency=2, attempts=1, absent_after=0.5)}
        bench.write_input(texts_of(20))
        with pytest.raises(ModelAbsent, match=r"no address has answered for 0\.5 s") as caught:
            asyncio.run(bench.run_in_loop(progress=Mishap(10, server.process.kill), command="audiomcq small"))
    assert caught.value.hint.endswith("this goes on: audiomcq small")
    assert not bench.rejects()
    with running_scripted(port=port) as server:
        report = bench.run()
    assert (report.items["kept"], bench.rejects()) == (20, [])
    assert report.calls["writer"] <= 10


def test_call_that_finds_nobody_uses_no_attempt() -> None:
    """Calls whose addresses are all gone wait for the stated time, however few attempts they have."""
    addresses = {}
    for name in ("a", "b", "c"):
        addresses[name] = Address(failing(CallUnavailable("connection failed", code="connection", down=True)))
        addresses[name].problem = EndpointUnreachable("nothing answers", down=True)
    results = use(addresses, sending(5), attempts=1, absent_after=0.3)
    assert {type(result) for result in results} == {ModelAbsent}
    assert all("nothing answers" in str(result) or "connection failed" in str(result) for result in results)


@pytest.mark.parametrize("busy", ["slow", "paused"])
def test_busy_server_is_not_absent(busy: str) -> None:
    """A call that takes longer than the stated time, and a pause that is asked for, are waited out."""
    pauses = iter([CallUnavailable("busy", code="status_429", retry_after=0.6)] if busy == "paused" else [])

    async def answer(call: Call) -> Completion:
        for pause in pauses:
            raise pause
        await asyncio.sleep(0.6 if busy == "slow" else 0)
        return await answer_well(call)

    assert good(use({"a": Address(answer)}, sending(3), absent_after=0.1, attempts=1 + len(busy))) == 3


def test_stop_ends_the_wait_for_an_address() -> None:
    """A run that is asked to end does not wait for a server that is set aside."""
    address = Address(failing(CallUnavailable("connection failed", code="connection", down=True)))
    address.problem = EndpointUnreachable("nothing answers")

    async def work(runtime: Runtime) -> Any:
        asyncio.get_running_loop().call_later(0.2, runtime.stop)
        return await sending(5)(runtime)

    began = time.monotonic()
    assert {type(result) for result in use({"a": address}, work, attempts=50)} == {Interrupted}
    assert time.monotonic() - began < 5


# ----------------------------------------------------------------------------------------------- looking after them


def make_endpoints(said: list[str], *addresses: Address, clock: Clock = MACHINE) -> tuple[Endpoints, list[Endpoint]]:
    each = [
        Endpoint("m", f"http://{number}", address, Fixed(4), Quota(QuotaOwner(None, None)), said.append, clock)
        for number, address in enumerate(addresses)
    ]
    return Endpoints("writer", each, traffic=Traffic(), clock=clock), each


class Waiting:
    """A call that has failed nowhere yet."""

    tokens = 1.0

    def __init__(self) -> None:
        self.failed: set[Endpoint] = set()


def test_shortest_waits_end_on_the_loop_of_the_command() -> None:
    """Calls that wait for less than uvloop's clock can tell are sent like all others."""

    async def work() -> None:
        endpoints, [one] = make_endpoints([], Address())
        one.paused_until = time.monotonic() + 0.0003
        async with asyncio.timeout(30):
            assert await asyncio.gather(*(endpoints.enter(Waiting()) for _ in range(4))) == [one] * 4
        await endpoints.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())


def test_silent_address_is_asked_whether_it_is_there() -> None:
    """An address that has kept its calls waiting for long and no longer answers a look is sent no more."""
    clock, said = SimulatedClock(), list[str]()

    async def work() -> None:
        endpoints, [one, two] = make_endpoints(said, Address(), Address(), clock=clock)
        await endpoints.check()
        assert await endpoints.enter(Waiting()) is one
        one.backend.problem = EndpointUnreachable("nothing answers")  # type: ignore[attr-defined]
        await clock.sleep(QUIET + 2 * TICK)
        assert [await endpoints.enter(Waiting()) for _ in range(4)] == [two] * 4
        await endpoints.close()

    simulate(clock, work())
    assert len(said) == 1 and "nothing answers" in said[0]


def test_line_that_had_to_wait_is_said_later() -> None:
    """About one address a line a minute is said; the last of those in between comes when the minute is over."""
    clock, said = SimulatedClock(), list[str]()

    async def work() -> None:
        address = Address()
        endpoints, [one] = make_endpoints(said, address, clock=clock)
        await endpoints.enter(Waiting())
        for number in range(5):
            one.set_aside(EndpointUnreachable(f"gone {number}"))
            await endpoints.check()
        assert len(said) == 1
        await clock.sleep(WARN + 2 * TICK)
        await endpoints.close()

    simulate(clock, work())
    assert ["gone 0" in said[0], said[1].endswith("answers again")] == [True, True] and len(said) == 2


def test_call_that_is_given_up_leaves_its_place() -> None:
    """A call that is cancelled while it waits, or just as it is let in, keeps no place."""

    async def work() -> None:
        endpoints, [one] = make_endpoints([], Address())
        for _ in range(4):
            await endpoints.enter(Waiting())
        waiting = [asyncio.create_task(endpoints.enter(Waiting())) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        endpoints.leave(one)  # lets the second in
        waiting[1].cancel()
        assert await waiting[2] is one
        assert one.in_flight == 4
        await endpoints.close()

    asyncio.run(work())


def test_fault_of_ours_ends_the_wait() -> None:
    """A backend whose look at the server breaks in an unforeseen way does not leave calls waiting for ever."""

    class Faulty(Address):
        async def check(self) -> None:
            raise RuntimeError("a fault")

    async def work() -> None:
        endpoints, [one] = make_endpoints([], Faulty())
        one.set_aside(EndpointUnreachable("gone"))
        with pytest.raises(RuntimeError, match="a fault"):
            await endpoints.enter(Waiting())
        await endpoints.close()

    asyncio.run(work())


def test_refused_call_shows_that_the_address_works() -> None:
    """A 400 counts as an answer: failures before it are forgotten."""
    errors = [CallUnavailable("broken", code="status_500")] * 4 + [CallRefused("too long", code="status_400")]

    async def work() -> None:
        endpoints, [one] = make_endpoints([], Address())
        for error in errors * 3:
            endpoints.judge(one, time.monotonic(), error)
        assert one.problem is None
        await endpoints.close()

    asyncio.run(work())


# ------------------------------------------------------------------------------------------------ auto concurrency


@pytest.mark.parametrize("metrics", [pytest.param(False, marks=pytest.mark.check), True])
def test_concurrency_is_found_with_a_real_server(bench: Bench, metrics: bool) -> None:
    """A server that works on eight calls at once and queues the rest is sent about as many, not hundreds."""
    with running_scripted(latency_ms=100, slots=8, metrics=metrics) as server:
        bench.models = {"writer": http_model(server, concurrency="auto")}
        bench.write_input(texts_of(600))
        flights: list[int] = []
        progress = Watching()
        report = asyncio.run(
            bench.run_in_loop(
                progress=progress,
                begun=lambda runtime: setattr(
                    progress,
                    "on_advance",
                    lambda: flights.append(runtime._endpoints("writer")._endpoints[0].limiter.limit),
                ),
            )
        )
    assert report.items["kept"] == 600
    assert 4 <= statistics.median(flights[300:]) <= 32  # on a busy machine; 8 to 11 on an idle one
    assert any("calls at once" in line for line in bench.said)


def test_strike_is_retried_on_the_same_address(bench: Bench, http: RunningServer) -> None:
    """With one address only, a failed call goes there again after its back-off."""
    bench.models = {"writer": http_model(http, attempts=2)}
    bench.write_input([strike("status:502", 1), strike("reset", 1), strike("status:500", 1)])
    report = bench.run()
    assert report.items["kept"] == 3
    assert report.retries == {"writer": 3}
