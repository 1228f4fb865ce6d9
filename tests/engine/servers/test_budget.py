"""Tests of ``engine/servers/budget.py``: runs that keep to a budget, on the workplace of the engine."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.contracts import Call, Completion, Model
from audiomcq_cli.engine.servers.budget import Budget, Purse, price_tokens
from audiomcq_cli.errors import BudgetReached, RecipeError
from audiomcq_cli.storage.manifest import read_manifest
from tests.engine import Bench, Puppet, answer_well, good, puppet_model, snapshot, texts_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """24 rows for a model with prices, whose replies take 10 and 5 tokens and cost 20 millionths."""
    bench = Bench(tmp_path)
    model = puppet_model(sampling={"max_tokens": 20}, concurrency=4, prompt_price=1.0, completion_price=2.0)
    bench.models = {"writer": model}
    bench.write_input(texts_of(24))
    return bench


def run_on(bench: Bench, budget: Budget) -> int:
    """Run again with a budget each time until the stage is whole; the number of runs that it took."""
    bench.budget = budget
    for runs in range(1, 50):
        try:
            bench.run()
        except BudgetReached:
            continue
        return runs
    raise AssertionError("it does not end")


def test_prices_are_for_a_million_tokens() -> None:
    """A cost is tokens times price, each kind by its own."""
    model = puppet_model(prompt_price=2.0, completion_price=10.0)
    assert price_tokens(model, 500_000, 100_000) == pytest.approx(2.0)
    assert price_tokens(puppet_model(), 500_000, 100_000) == 0


def test_report_says_what_it_cost(bench: Bench) -> None:
    """The report of a stage has the money by model."""
    assert bench.run().cost == {"writer": pytest.approx(24 * (10 * 1.0 + 5 * 2.0) / 1e6)}


@pytest.mark.parametrize(
    ("budget", "most"),
    [(Budget(tokens=150), 10), (Budget(money=120e-6), 6)],
    ids=["tokens", "money"],
)
def test_budget_ends_the_run(bench: Bench, budget: Budget, most: int) -> None:
    """No more is spent than there is, and what was paid for is kept."""
    bench.budget = budget
    with pytest.raises(BudgetReached):
        bench.run()
    assert 0 < len(bench.puppet.sent) <= most
    assert read_manifest(bench.target) is None


@pytest.mark.parametrize("budget", [Budget(tokens=150), Budget(money=120e-6)], ids=["tokens", "money"])
def test_runs_with_a_budget_make_the_same_in_the_end(bench: Bench, budget: Budget, tmp_path: Path) -> None:
    """Run after run a stage gets done, no call is paid twice, and the bytes are those of one run without a budget."""
    assert run_on(bench, budget) > 1
    assert len(bench.puppet.sent) == 24
    whole = Bench(tmp_path / "whole", models=bench.models)
    whole.write_input(texts_of(24))
    whole.run()
    assert snapshot(bench.target) == snapshot(whole.target)


def test_what_is_reserved_and_not_spent_is_free_again(bench: Bench) -> None:
    """A budget that holds one reservation at a time is still spent to the end: calls wait for those in flight."""
    bench.models = {"writer": puppet_model(sampling={"max_tokens": 200}, concurrency=8)}
    bench.budget = Budget(tokens=24 * 15 + 210)
    assert bench.run().items["kept"] == 24


def test_budget_too_small_for_one_call(bench: Bench) -> None:
    """Nothing is sent where the first call may cost more than there is."""
    bench.budget = Budget(tokens=10)
    with pytest.raises(BudgetReached, match="0 spent"):
        bench.run()
    assert bench.puppet.sent == []


@pytest.mark.parametrize("takes", [10, 40, 400])
def test_budget_is_not_overdrawn_by_prompts_longer_than_estimated(bench: Bench, takes: int) -> None:
    """Prompts that take many times what their text comes to, as with a template, are reckoned with after the first."""

    async def templated(call: Call) -> Completion:
        await asyncio.sleep(0.001)
        return Completion(text=good(call), prompt_tokens=takes, completion_tokens=5)

    bench.models = {"writer": puppet_model(sampling={"max_tokens": 20}, concurrency=1)}
    bench.puppet = Puppet(templated)
    bench.budget = Budget(tokens=12 * takes)
    with pytest.raises(BudgetReached):
        bench.run()
    assert 0 < len(bench.puppet.sent) * (takes + 5) <= 12 * takes


def test_hours(bench: Bench) -> None:
    """Time ends a run as a signal does: what is in flight comes back and is kept."""

    async def slow(call: Call) -> Completion:
        await asyncio.sleep(0.05)
        return Completion(text=good(call))

    bench.puppet = Puppet(slow)
    bench.budget = Budget(hours=0.12 / 3600)
    with pytest.raises(BudgetReached, match="hours"):
        bench.run()
    first = len(bench.puppet.sent)
    assert first < 24
    bench.budget = Budget()
    assert bench.run().items["kept"] == 24
    assert len(bench.puppet.sent) == 24


def test_failed_calls_cost_nothing(bench: Bench) -> None:
    """What was reserved for a call that a server could not answer is given back."""
    from audiomcq_cli.errors import CallUnavailable

    seen: set[str] = set()

    async def second_time(call: Call) -> Completion:
        if (said := good(call)) not in seen:
            seen.add(said)
            raise CallUnavailable("busy", code="status_503", retry_after=0.0)
        return await answer_well(call)

    bench.write_input(texts_of(6))
    bench.puppet = Puppet(second_time)
    bench.budget = Budget(tokens=6 * 15 + 40)
    report = bench.run()
    assert (report.items["kept"], report.retries) == (6, {"writer": 6})


@pytest.mark.parametrize("told", [Completion(counted=False), Completion(completion_tokens=5, counted=False)])
def test_budget_holds_where_tokens_are_not_counted(bench: Bench, told: Completion) -> None:
    """A server that does not tell its tokens ends the run as any other; that it does not is said once."""

    async def uncounted(call: Call) -> Completion:
        return replace(told, text=good(call))

    bench.puppet = Puppet(uncounted)
    bench.budget = Budget(tokens=400)
    with pytest.raises(BudgetReached):
        bench.run()
    assert 0 < len(bench.puppet.sent) <= 12
    assert len(bench.said) == 1 and "'writer'" in bench.said[0] and "does not report" in bench.said[0]


@given(
    tokens=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 300), st.booleans()), min_size=1, max_size=40),
    budget=st.integers(1, 3_000),
)
def test_what_is_spent_stays_within_the_budget(tokens: list[tuple[int, int, bool]], budget: int) -> None:
    """Whatever servers count or leave out, no call begins that the budget does not reach for as far as is known."""
    model, call = (
        puppet_model(sampling={"max_tokens": 300}),
        Call(messages=(), sampling={"max_tokens": 300}, prompt="a"),
    )
    purse = Purse(Budget(tokens=budget), {"writer": model})

    async def spend() -> None:
        for prompt, completion, counted in tokens:
            async with purse.hold(model, call) as reserved:
                told = Completion(prompt_tokens=min(prompt, 1), completion_tokens=completion, counted=counted)
                purse.settle(model, call, told, reserved)

    with contextlib.suppress(BudgetReached):
        asyncio.run(spend())
    spent = purse.usage.prompt_tokens.total() + purse.usage.completion_tokens.total()
    assert 0 <= spent <= budget + len(tokens)  # a prompt of no words was taken for one of no tokens


def test_money_without_prices() -> None:
    """A budget of money needs a price to reckon with."""
    with pytest.raises(RecipeError, match="no model has a price"):
        Purse(Budget(money=1.0), {"writer": puppet_model()})


@pytest.mark.parametrize(
    ("spent", "told"),
    [
        (
            1_300,
            "the budget of 0.005 in money does not cover the next call (0.0013 spent, 0.0037 left; it may take up to",
        ),
        (5_000, "the budget of 0.005 in money is used up (0.0050 spent)"),
    ],
)
def test_money_that_is_left_and_does_not_reach_is_no_money_used_up(spent: int, told: str) -> None:
    """What ends a run is told as it is: nothing is left, or what is left is less than a call may cost."""
    model = Model(name="m", backend="b", model="m", prompt_price=1.0)
    purse = Purse(Budget(money=0.005), {"m": model})
    purse.spend(model, Completion(text="", prompt_tokens=spent))
    assert purse.find_shortage(model, 4_000, 0).startswith(told)
