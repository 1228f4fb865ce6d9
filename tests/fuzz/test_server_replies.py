"""Whatever a server sends (bodies, lists, metrics, headers, errors) is read as a right value or is our error."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audiomcq_cli.backends import openai_batch
from audiomcq_cli.backends._answers import (
    LONGEST_WAIT,
    MOST_CALLS,
    MOST_TOKENS,
    read_completion,
    read_load,
    read_served,
    read_wait,
)
from audiomcq_cli.backends._openai import hide, translate, warn_unlisted
from audiomcq_cli.backends._problems import WORDS
from audiomcq_cli.contracts import BatchResult, BatchState, Completion, Model
from audiomcq_cli.errors import AudiomcqError, CallDenied, CallUnavailable
from tests.fuzz import fuzzed

KEY = "sk-Zq7/uX2+rT9vWm4Kc8Lb1NdQ=="
MODEL = Model(name="writer", backend="openai-compatible", model="m1", api_key_env="MY_KEY")

NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.sampled_from([0, -1, 2**63, 1e30, 1e999, float("nan"), MOST_TOKENS, MOST_TOKENS + 1]),
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["\x1b[31m", "\u202e", KEY, KEY.replace("/", "\\/"), "x" * 2_000, "insufficient_quota", "m1", "1e999"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def tables(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these names, each with any value."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))


USAGE = st.one_of(VALUES, tables("prompt_tokens", "completion_tokens", "total_tokens"))
COMPLETIONS = st.fixed_dictionaries(
    {
        "choices": st.one_of(
            VALUES,
            st.lists(
                st.fixed_dictionaries(
                    {"message": st.one_of(VALUES, tables("content", "refusal"))}, optional={"finish_reason": VALUES}
                ),
                max_size=2,
            ),
            st.just([{"message": {"content": "fine"}, "finish_reason": "stop"}]),
        )
    },
    optional={"usage": USAGE},
)
ERRORS = st.one_of(
    VALUES,
    st.fixed_dictionaries({"error": st.one_of(VALUES, tables("message", "type", "code", "metadata"))}),
    st.lists(tables("error", "message", "detail"), max_size=2),
)
STATUSES = st.sampled_from([300, 307, 400, 401, 402, 403, 404, 407, 408, 413, 418, 422, 429, 451, 500, 502, 503, 529])


def write(value: Any) -> bytes:
    """As Python writes JSON, with NaN, numbers of any length and halves of signs, which others would not."""
    return json.dumps(value).encode()


BODIES = st.binary(max_size=200)


@given(body=st.one_of(BODIES, COMPLETIONS.map(write)))
@fuzzed
def test_completion(body: bytes) -> None:
    """A body is a completion with tokens that can be, or worth another try."""
    try:
        said = read_completion(body)
    except CallUnavailable as error:
        assert error.code == "bad_body"
        return
    assert isinstance(said.text, str)
    for tokens in (said.prompt_tokens, said.completion_tokens):
        assert type(tokens) is int and 0 <= tokens <= MOST_TOKENS
    assert not said.counted or said.prompt_tokens > 0


@given(body=st.one_of(BODIES, st.fixed_dictionaries({"data": st.one_of(VALUES, st.lists(tables("id")))}).map(write)))
@fuzzed
def test_list_of_models(body: bytes) -> None:
    """A list of models is a list of names, and what people are told of it is one line."""
    served = read_served(body)
    assert all(isinstance(name, str) for name in served)
    warning = warn_unlisted(MODEL, served)
    assert warning is None or (len(warning) < 2_000 and "\n" not in warning and "\x1b" not in warning)


GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting", 'vllm:num_requests_running{model_name="m1"}')


@given(
    lines=st.lists(
        st.one_of(st.text(), st.tuples(st.sampled_from(GAUGES), st.one_of(NUMBERS.map(str), st.text())).map(" ".join))
    )
)
@fuzzed
def test_metrics(lines: list[str]) -> None:
    """Metrics tell numbers of calls that can be, or nothing."""
    load = read_load("\n".join(lines), "m1")
    if load is not None:
        for calls in (load.running, load.waiting):
            assert type(calls) is int and 0 <= calls <= len(lines) * MOST_CALLS


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["Retry-After"]
            + [f"x-ratelimit-{what}-{of}" for what in ("remaining", "reset") for of in ("requests", "tokens")]
        ),
        st.one_of(
            st.text(max_size=30),
            NUMBERS.map(str),
            st.just("0"),
            st.tuples(NUMBERS.map(str), st.sampled_from(["ms", "s", "m", "h", "d"])).map("".join),
            st.tuples(st.integers(0, 99), st.integers(0, 10**6), st.integers(-9999, 9999)).map(
                lambda date: f"Mon, {date[0]:02} Jan {date[1]:04} 00:00:00 {date[2]:+05}"
            ),
        ),
    )
)
@fuzzed
def test_time_to_wait(headers: dict[str, str]) -> None:
    """A time to wait is one that can be waited, or none."""
    wait = read_wait(headers)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


@given(status=STATUSES, body=st.one_of(BODIES, ERRORS.map(write)))
@fuzzed
def test_error(status: int, body: bytes) -> None:
    """What comes with a status is an error of ours, whose words are one short line without the key."""
    error = translate(MODEL, "http://127.0.0.1/v1", status, hide(KEY, body), {}, keyed=True)
    for said in (error, error.problem) if isinstance(error, CallDenied) else (error,):
        assert isinstance(said, AudiomcqError)
        assert len(str(said)) < WORDS + 200
        assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 or sign == "\u202e" for sign in str(said))
        assert "uX2" not in str(said) and "Lb1NdQ" not in str(said)


@given(
    line=st.one_of(
        BODIES,
        st.fixed_dictionaries(
            {"custom_id": st.one_of(st.just("00ff"), VALUES)},
            optional={
                "response": st.one_of(
                    VALUES,
                    st.fixed_dictionaries(
                        {
                            "status_code": st.one_of(STATUSES, st.just(200), VALUES),
                            "body": st.one_of(COMPLETIONS, VALUES),
                        }
                    ),
                ),
                "error": st.one_of(VALUES, tables("code", "message")),
            },
        ).map(write),
    )
)
@fuzzed
def test_line_of_a_batch(line: bytes) -> None:
    """A line of a batch's results is a result or nobody's."""
    result = make_batch_backend()._read_line(line)
    if result is not None:
        assert isinstance(result, BatchResult)
        assert isinstance(result.outcome, Completion | AudiomcqError)


class Found:
    """What the SDK makes of JSON: attributes that it does not check."""

    def __init__(self, said: dict[str, Any]) -> None:
        for name in ("status", "output_file_id", "error_file_id", "request_counts", "errors"):
            setattr(self, name, None)
        for name, value in said.items():
            setattr(self, name, value)


@given(
    said=tables("status", "output_file_id", "error_file_id", "request_counts", "errors"),
    counts=st.none() | tables("completed", "failed", "total").map(Found),
    errors=st.lists(st.one_of(VALUES, tables("code", "message").map(Found)), max_size=3),
)
@fuzzed
def test_state_of_a_batch(said: dict[str, Any], counts: Any, errors: list[Any]) -> None:
    """How far a batch is can be told whatever the provider says of it."""
    found = Found(said | {"request_counts": counts, "errors": Found({"data": errors})})
    state = make_batch_backend()._read_state(found, "batch_1")  # type: ignore[arg-type]  # as the SDK would make it
    assert isinstance(state, BatchState)
    assert f"{state.done:,} {state.failed:,} {state.total:,} {state.status} {state.problem}"


def make_batch_backend() -> openai_batch.OpenAIBatch:
    """One that is never sent anything."""

    async def encode(*_: Any, **__: Any) -> bytes:
        raise AssertionError("nothing is encoded")

    model = Model(
        name="writer", backend="openai-batch", model="m1", base_url=("http://127.0.0.1:9/v1",),
        settings=openai_batch.OpenAIBatchOptions(),
    )  # fmt: skip
    return openai_batch.OpenAIBatch(model, encode)
