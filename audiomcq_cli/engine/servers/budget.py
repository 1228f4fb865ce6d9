"""Tracks what a run may spend (tokens, money, hours) and what it has spent.

The possible cost of a call is reserved before it is sent, so that calls in flight together cannot overdraw a budget
that each of them alone would keep. The actual cost replaces the reserve when the reply arrives. A call that does not
fit waits for those in flight, which mostly cost less than was reserved, and ends the run only when none is left. All
calls of a batch are reserved together until it has ended; no call waits for that, which may take a day.

If a server reports no tokens, or an impossible number, the reserve counts as spent.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from audiomcq_cli.contracts import Call, Completion, Model
from audiomcq_cli.engine.servers.tokens import TokenBounds, count_tokens
from audiomcq_cli.engine.servers.traffic import Traffic
from audiomcq_cli.errors import BudgetReached, RecipeError

MILLION = 1_000_000
"""Tokens that a price covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one run; None means no limit. ``money`` is in the currency of the models' prices."""

    tokens: int | None = None
    money: float | None = None
    hours: float | None = None


@dataclass
class Usage:
    """Calls sent and tokens reported by the servers, by model, their cost, and server events.

    ``replies`` went into the journal. ``uncounted`` are calls whose tokens no server reported: the greatest possible
    number counts for them.
    """

    calls: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    prompt_tokens: Counter[str] = field(default_factory=Counter)
    completion_tokens: Counter[str] = field(default_factory=Counter)
    uncounted: Counter[str] = field(default_factory=Counter)
    cost: dict[str, float] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)


@dataclass(frozen=True, slots=True)
class Reserved:
    """Tokens of a prompt and of its reply that were reserved for a call."""

    prompt: float
    completion: float


def count_at_most(completion: Completion, reserved: Reserved) -> Completion:
    """Return a completion with the greatest possible number for each count that its server did not report."""
    written = max(math.ceil(reserved.completion), count_tokens(completion.text))
    return replace(
        completion,
        prompt_tokens=completion.prompt_tokens or math.ceil(reserved.prompt),
        completion_tokens=completion.completion_tokens or written,
    )


def price_tokens(model: Model, prompt: float, completion: float) -> float:
    """Return the cost of tokens; 0 for a model without a price."""
    return (prompt * (model.prompt_price or 0.0) + completion * (model.completion_price or 0.0)) / MILLION


class Purse:
    """Keeps a run within its budget, and keeps its accounts."""

    def __init__(self, budget: Budget, models: Mapping[str, Model]) -> None:
        """Begin the accounts.

        Raises:
            RecipeError: The budget limits money and no model has a price.
        """
        prices = [price for model in models.values() for price in (model.prompt_price, model.completion_price)]
        if budget.money is not None and not any(prices):
            raise RecipeError(
                "the budget is of money, and no model has a price",
                hint="set prompt_price and completion_price (for a million tokens) in the models' tables",
            )
        self.usage = Usage()
        self._budget = budget
        self._bounds = TokenBounds()
        self._held_tokens = self._held_money = 0.0
        self._in_flight = self._reserved = 0
        self._settled = asyncio.Event()

    @asynccontextmanager
    async def hold(self, model: Model, call: Call) -> AsyncIterator[Reserved]:
        """Reserve the possible cost of a call while it is in flight; yield the reserve.

        Raises:
            BudgetReached: The call does not fit, and nothing in flight could leave some of its reserve.
        """
        while reason := self.find_shortage(model, *(bound := self._bounds.bound(model, call))):
            if not self._in_flight:
                raise BudgetReached(reason)
            self._settled.clear()
            await self._settled.wait()
        self._in_flight += 1
        release = self.reserve(model, *bound)
        try:
            yield Reserved(*bound)
        finally:
            self._in_flight -= 1
            release()

    @property
    def holds(self) -> bool:
        """True if anything is reserved."""
        return self._reserved > 0

    def reserve(self, model: Model, prompt: float, completion: float) -> Callable[[], None]:
        """Reserve estimated tokens, whether they fit or not, until the returned function is called."""
        money = price_tokens(model, prompt, completion)
        self._reserved += 1
        self._held_tokens += prompt + completion
        self._held_money += money

        def release() -> None:
            self._reserved -= 1
            self._held_tokens -= prompt + completion
            self._held_money -= money
            self._settled.set()

        return release

    def settle(self, model: Model, call: Call, completion: Completion, reserved: Reserved) -> None:
        """Record the actual cost of a call; tokens that its server did not report count as reserved."""
        if completion.counted:
            self._bounds.learn(model, call, completion)
        else:
            completion = count_at_most(completion, reserved)
            self.usage.uncounted[model.name] += 1
        self.spend(model, completion)

    def spend(self, model: Model, completion: Completion) -> None:
        """Record the actual cost of a call, or of a whole batch."""
        usage, name = self.usage, model.name
        usage.prompt_tokens[name] += completion.prompt_tokens
        usage.completion_tokens[name] += completion.completion_tokens
        cost = price_tokens(model, completion.prompt_tokens, completion.completion_tokens)
        if model.prompt_price is not None or model.completion_price is not None:
            usage.cost[name] = usage.cost.get(name, 0.0) + cost

    def find_shortage(self, model: Model, prompt: float, completion: float, what: str = "call") -> str:
        """Return which part of the budget is too small for ``what``, with these tokens at most;
        empty if all suffice.
        """
        budget, usage = self._budget, self.usage
        tokens, money = prompt + completion, price_tokens(model, prompt, completion)
        spent = usage.prompt_tokens.total() + usage.completion_tokens.total()
        if budget.tokens is not None and spent + self._held_tokens + tokens > budget.tokens:
            sums = _Sums(budget.tokens, spent, self._held_tokens, tokens)
            return sums.explain(f"{budget.tokens:,} tokens", "{:,.0f}", what, reserved=self.holds)
        paid = sum(usage.cost.values())
        if budget.money is not None and paid + self._held_money + money > budget.money:
            sums = _Sums(budget.money, paid, self._held_money, money)
            return sums.explain(f"{budget.money:g} in money", "{:.4f}", what, reserved=self.holds)
        return ""


@dataclass(frozen=True, slots=True)
class _Sums:
    """A budget, what is spent of it, what is reserved for calls in flight, and the most that the next call takes."""

    budget: float
    spent: float
    held: float
    wanted: float

    def explain(self, budget: str, number: str, what: str, *, reserved: bool) -> str:
        """Explain why the budget ends the run: it is spent, or the rest is less than a call may cost."""
        spent = f"{number.format(self.spent)} spent"
        if reserved:
            spent += f", {number.format(self.held)} reserved for calls under way"
        if self.spent >= self.budget:
            return f"the budget of {budget} is used up ({spent})"
        left = number.format(max(0.0, self.budget - self.spent - self.held))
        most = number.format(self.wanted)
        return f"the budget of {budget} does not cover the next {what} ({spent}, {left} left; it may take up to {most})"
