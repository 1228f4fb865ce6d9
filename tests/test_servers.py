"""The servers that other tests stand on: they answer as they say, count, and fail where they are told to."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from audiomcq_cli import mcq
from audiomcq_cli.answers import parse_answer
from audiomcq_cli.storage.prompts import Prompts
from tests.servers.llama import MODEL as SMOLLM2
from tests.servers.llama import running_llama
from tests.servers.process import RunningServer, fetch_json
from tests.servers.replies import Manner
from tests.servers.scripted import MODEL, running_scripted

PROMPTS = Prompts()
CHOICES = ["a ringing phone", "a barking dog", "a ticking clock", "a crying baby"]
ITEM: Mapping[str, Any] = {
    "captions": ["A dog barks twice while heavy rain falls on a tin roof"],
    "question": "What follows once the rain has stopped?",
    "question_type": "temporal",
    "choices": CHOICES,
    "answer": "a ticking clock",
    "options": mcq.format_options(CHOICES),
    "structured_cot": "(none)",
    "simple_cot": "(none)",
    "asked": [],
    "seed": {"question": "What is heard?", "answer": ""},
    "feedback": [],
    "angles": [],
    "difficulty": "",
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_scripted(models=("a", "b", MODEL)) as server:
        yield server


@pytest.fixture(autouse=True)
def _reset(server: RunningServer) -> None:
    server.reset()


def request_body(prompt: str, *, model: str = MODEL, seed: int = 0, **variables: Any) -> dict[str, Any]:
    """A request as the product makes it of one of its prompts."""
    loaded = PROMPTS.get(prompt)
    system, user = loaded.render({**ITEM, **variables})
    turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    body: dict[str, Any] = {"model": model, "messages": turns, "seed": seed}
    if loaded.schema:
        form = {"name": loaded.reply, "strict": True, "schema": loaded.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def ask(server: RunningServer, body: Mapping[str, Any], timeout: float = 30) -> Any:
    return fetch_json(f"{server.base_url}/chat/completions", body, timeout=timeout)


def refused(server: RunningServer, body: Mapping[str, Any]) -> urllib.error.HTTPError:
    """The error that a request is answered with, worded as OpenAI does."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, body)
    with caught.value as error:
        assert json.loads(error.read())["error"]["message"]
    return error


def content(answer: Any) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


# ------------------------------------------------------------------------------------------------- the scripted one


@pytest.mark.parametrize(
    "prompt", ["question", "choices", "grade_question", "structured_cot", "simple_cot", "grade_reasoning"]
)
def test_every_prompt_gets_a_reply_of_its_schema(server: RunningServer, prompt: str) -> None:
    """The reply follows the schema, and its tokens are counted."""
    answer = ask(server, request_body(prompt))
    jsonschema.validate(json.loads(content(answer)), PROMPTS.get(prompt).schema or {})
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] > answer["usage"]["completion_tokens"] > 1


def test_a_schema_of_another_name_gets_a_reply_too(server: RunningServer) -> None:
    """Prompts to come need no change here."""
    schema = {
        "type": "object",
        "properties": {
            "words": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "sure": {"type": "boolean"},
            "share": {"type": "number", "minimum": 0, "maximum": 1},
            "count": {"type": "integer", "minimum": 1},
        },
        "required": ["words", "sure", "share", "count"],
    }
    body = request_body("judge") | {
        "response_format": {"type": "json_schema", "json_schema": {"name": "new", "schema": schema}}
    }
    jsonschema.validate(json.loads(content(ask(server, body))), schema)


@pytest.mark.parametrize("prompt", ["question", "choices", "grade_question", "structured_cot", "judge"])
def test_same_request_same_reply_and_others_differ(server: RunningServer, prompt: str) -> None:
    """Replies depend on model, messages and seed, and on nothing else."""
    body = request_body(prompt)
    assert len({content(ask(server, body | {"max_tokens": number})) for number in (100, 200, 200)}) == 1
    by_seed = {content(ask(server, request_body(prompt, seed=seed))) for seed in range(30)}
    assert len(by_seed) > (1 if prompt == "judge" else 20)
    by_model = {content(ask(server, body | {"model": model})) for model in ("a", "b")}
    assert len(by_model) == 2 or prompt == "judge"


def test_questions_pass_the_lints(server: RunningServer) -> None:
    """Question and choices are such that nearly all rows go on to the graders."""
    bad = []
    for number in range(60):
        caption = f"A man talks over engine number {number} and then a door slams shut in the distance"
        asked = json.loads(content(ask(server, request_body("question", captions=[caption]))))
        told = json.loads(content(ask(server, request_body("choices", **asked))))
        assert asked["question_type"] == "temporal"
        bad += mcq.lint(asked["question"], [told["answer"], *told["distractors"]], told["answer"])
    assert len(bad) <= 3


def test_reasoning_ends_in_type_and_key(server: RunningServer) -> None:
    """Stage 1 ends in the question type, stage 3 and the simple one in the key that the prompt gives."""
    structured = json.loads(content(ask(server, request_body("structured_cot"))))
    assert structured["stage1"].endswith("temporal")
    assert structured["stage3"].endswith("a ticking clock")
    assert "a ticking clock" in json.loads(content(ask(server, request_body("simple_cot"))))["analysis"]


def test_graders_drop_a_share() -> None:
    """With quality 0.7, three samples in ten have a grade below 4."""
    with running_scripted(manner=Manner(quality=0.7)) as server:
        grades = [json.loads(content(ask(server, request_body("grade_question", seed=seed)))) for seed in range(200)]
    dropped = sum(min(grade["score"] for grade in sample.values()) < 4 for sample in grades)
    assert 40 <= dropped <= 80


def test_judges_know_a_share_and_guess_the_rest(server: RunningServer) -> None:
    """The option chosen is one of those shown; about 46 % + 54 % / 4 of the answers are right."""
    right = 0
    for number in range(200):
        question = f"What follows sound number {number}?"
        told = json.loads(content(ask(server, request_body("choices", question=question))))
        options = [*told["distractors"], told["answer"]]
        verdict = content(ask(server, request_body("judge", question=question, options=mcq.format_options(options))))
        index = parse_answer(verdict, options)
        assert index is not None
        right += index == 3
    assert 90 <= right <= 150


def test_prompts_are_told_apart_without_a_schema_as_well(server: RunningServer) -> None:
    """A server that is not sent the schema still gives the JSON that the prompt asks for."""
    body = request_body("choices")
    del body["response_format"]
    assert json.loads(content(ask(server, body))).keys() == {"answer", "distractors"}


def test_audio_is_heard_and_counted(server: RunningServer) -> None:
    """A request with a megabyte of audio is answered, and other audio is another request."""
    for letter in "AB":
        body = request_body("judge")
        audio = {"type": "input_audio", "input_audio": {"data": letter * 1_300_000, "format": "wav"}}
        body["messages"][1]["content"] = [audio, {"type": "text", "text": body["messages"][1]["content"]}]
        assert content(ask(server, body)).startswith("<answer>")
    assert list(server.requests().values()) == [1, 1]


def test_requests_are_counted(server: RunningServer) -> None:
    """Received and completed by prompt, and how often each request came, whatever the order of its keys."""
    body = request_body("question")
    ask(server, body)
    ask(server, dict(reversed(body.items())))
    ask(server, request_body("judge"))
    stats = server.stats()
    assert stats["received_by_name"] == stats["completed_by_name"] == {"question": 2, "judge": 1}
    assert (stats["received"], stats["completed"], stats["in_flight"]) == (3, 3, 0)
    assert sorted(server.requests().values()) == [1, 2]
    server.reset()
    assert server.stats()["received"] == 0
    assert server.requests() == {}


def test_models_are_listed_and_others_refused(server: RunningServer) -> None:
    """A model that is not served is a 404 as OpenAI words it."""
    assert [row["id"] for row in fetch_json(f"{server.base_url}/models")["data"]] == ["a", "b", MODEL]
    assert refused(server, request_body("question", model="c")).code == 404


def test_it_ends_with_the_block_or_says_why_it_did_not_start(tmp_path: Path) -> None:
    """No process is left behind; one that ends at once is reported with what it said."""
    with running_scripted() as server:
        assert server.process.poll() is None
    assert server.process.returncode == 0
    with (
        pytest.raises(RuntimeError, match="unknown fault 'earthquake'"),
        running_scripted(faults=[{"fault": "earthquake"}], folder=tmp_path),
    ):
        pytest.fail("it runs")


# ------------------------------------------------------------------------------------------------------------ faults

STATUS = [429, 408, 500, 503, 400, 401, 404]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Does the fault that a request's caption names, once for each request."""
    faults = [f"status:{status}" for status in STATUS]
    faults += ["status:429:retry-after=7", "status:429:retry-date=60", "slow:0.4", "hang", "hang_body", "reset"]
    faults += ["reset_body", "close_early", "truncated_json", "length", "wrong_schema", "prose", "empty", "missing"]
    faults += ["refusal", "content_filter", "non_utf8", "not_json", "huge"]
    rules = [{"match": {"contains": f"[{fault}]"}, "times": 1, "fault": fault} for fault in faults]
    with running_scripted(faults=rules, folder=tmp_path_factory.mktemp("faults")) as server:
        yield server


def struck(fault: str, prompt: str = "question") -> dict[str, Any]:
    return request_body(prompt, captions=[f"Something with [{fault}] in it"])


@pytest.mark.parametrize("status", STATUS)
def test_status_once_and_then_a_reply(faulty: RunningServer, status: int) -> None:
    """The request fails with that status; the same one sent again succeeds."""
    assert refused(faulty, struck(f"status:{status}")).code == status
    assert content(ask(faulty, struck(f"status:{status}")))


def test_retry_after_in_seconds_and_as_a_date(faulty: RunningServer) -> None:
    """Both forms of the header come as asked for."""
    assert refused(faulty, struck("status:429:retry-after=7")).headers["Retry-After"] == "7"
    assert refused(faulty, struck("status:429:retry-date=60")).headers["Retry-After"].endswith("GMT")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", TimeoutError),
        ("hang_body", TimeoutError),
        ("reset", ConnectionResetError),
        ("reset_body", ConnectionResetError),
        ("close_early", http.client.IncompleteRead),
    ],
)
def test_broken_connections_once(faulty: RunningServer, fault: str, error: type[Exception]) -> None:
    """The connection breaks in the way that was asked for; the next request is answered."""
    with pytest.raises((error, urllib.error.URLError)) as caught:
        ask(faulty, struck(fault), timeout=0.5)
    reason = caught.value.reason if isinstance(caught.value, urllib.error.URLError) else caught.value
    assert isinstance(reason, error)
    assert content(ask(faulty, struck(fault)))


def test_slow_drips_and_completes(faulty: RunningServer) -> None:
    """The body takes its time and is whole in the end."""
    start = time.monotonic()
    slow = content(ask(faulty, struck("slow:0.4")))
    assert time.monotonic() - start >= 0.35
    assert slow == content(ask(faulty, struck("slow:0.4")))


def test_useless_replies(faulty: RunningServer) -> None:
    """Each of them is of no use in its own way, and the good reply comes when asked again."""

    def choice(fault: str) -> Any:
        return ask(faulty, struck(fault))["choices"][0]

    for fault, finish in (("truncated_json", "stop"), ("length", "length"), ("prose", "stop")):
        spoiled = choice(fault)
        assert spoiled["finish_reason"] == finish
        with pytest.raises(json.JSONDecodeError):
            json.loads(spoiled["message"]["content"])
        json.loads(choice(fault)["message"]["content"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            json.loads(choice("wrong_schema")["message"]["content"]), PROMPTS.get("question").schema or {}
        )
    assert choice("empty")["message"]["content"] == ""
    assert "content" not in choice("missing")["message"]
    assert choice("refusal")["message"]["refusal"]
    assert choice("content_filter")["finish_reason"] == "content_filter"
    assert len(choice("huge")["message"]["content"]) > 10_000_000
    for fault in ("non_utf8", "not_json"):
        with pytest.raises(ValueError, match=r"utf-8|Expecting"):
            choice(fault)
        assert choice(fault)["finish_reason"] == "stop"


def test_faults_strike_by_share_and_turn(tmp_path: Path) -> None:
    """``hash_mod`` picks a share of the conversations, always the same; ``every`` each n-th request; all is counted."""
    rules = [
        {"match": {"schema": "question", "hash_mod": [5, 2]}, "fault": "empty"},
        {"match": {"schema": "choices", "every": 4}, "fault": "refusal"},
    ]
    with running_scripted(faults=rules, folder=tmp_path) as server:
        bodies = [request_body("question", seed=seed) for seed in range(100)]
        empty = [[not content(ask(server, body)) for body in bodies] for _ in range(2)]
        refused = [content(ask(server, request_body("choices", seed=seed))) is None for seed in range(12)]
        stats = server.stats()
    assert empty[0] == empty[1]
    assert 8 <= sum(empty[0]) <= 35
    assert refused == [False, False, False, True] * 3
    assert stats["faults"] == {"empty": 2 * sum(empty[0]), "refusal": 3}
    assert stats["completed"] == 212 - sum(stats["faults"].values())
    names = Counter(json.loads(line)["name"] for line in (tmp_path / "requests.jsonl").read_text().splitlines())
    assert names == {"question": 200, "choices": 12}


def test_asking_again_continues_a_conversation(faulty: RunningServer) -> None:
    """A rule that strikes once leaves alone the turn that says what was wrong."""
    body = request_body("choices", captions=["Something else with [empty] in it"])
    assert content(ask(faulty, body)) == ""
    again = [{"role": "assistant", "content": ""}, {"role": "user", "content": "That was empty."}]
    assert content(ask(faulty, body | {"messages": [*body["messages"], *again]}))


# --------------------------------------------------------------------------------------------------------- llama.cpp


@pytest.fixture(scope="module")
def llama() -> Iterator[RunningServer]:
    with running_llama() as server:
        yield server


def test_llama_lists_its_model(llama: RunningServer) -> None:
    """The model goes by its short name."""
    assert [row["id"] for row in fetch_json(f"{llama.base_url}/models")["data"]] == [SMOLLM2]


def test_llama_follows_a_schema(llama: RunningServer) -> None:
    """Real tokens over real HTTP that fit the schema."""
    schema = {
        "type": "object",
        "properties": {"question": {"type": "string", "maxLength": 80}, "question_type": {"enum": ["sound", "music"]}},
        "required": ["question", "question_type"],
        "additionalProperties": False,
    }
    answer = ask(
        llama,
        {
            "model": SMOLLM2,
            "messages": [{"role": "user", "content": "A dog barks in the rain. Ask something about it, as JSON."}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "question", "schema": schema}},
            "max_tokens": 200,
            "seed": 1,
        },
        timeout=120,
    )
    jsonschema.validate(json.loads(content(answer)), schema)
    assert answer["usage"]["completion_tokens"] > 5
