"""Plays the part of the driver: runs a flow against answers made by hand, and keeps what it asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audiomcq_cli.contracts import Chat, Flow, Origin, Outcome, Reject, Reply, Request, Row, Score

Answers = Callable[[Any], Any]
"""What a model says to a request (a chat or a score): a text, the value of a reply, or a ready ``Reply``."""

CLIP: Row = {
    "clip_id": "AudioCaps:7",
    "source_dataset": "AudioCaps",
    "source_id": "7",
    "audio_path": "7.wav",
    "audio_sha256": None,
    "duration": None,
    "sample_rate": None,
    "channels": None,
    "captions": [{"text": "A door creaks while rain falls", "origin": "AudioCaps"}],
    "events": [],
    "transcript": [],
    "measurements": [],
    "fingerprint": None,
    "seeds": [],
    "license": None,
    "origin": None,
    "flags": ["no_audio"],
    "calls": [],
    "provenance": [],
}

QUESTION: Row = {name: value for name, value in CLIP.items() if name != "seeds"} | {
    "proof": [],
    "tags": [],
    "block": None,
    "cluster": None,
    "id": "AudioCaps:7:llm:0",
    "method": "llm",
    "question_type": "sound",
    "difficulty": None,
    "question": "What moves while it pours?",
    "choices": ["A window sliding", "A door creaking", "A gate rattling", "A chair scraping"],
    "answer": "A door creaking",
    "answer_index": 1,
}


def ask_once(flow: Flow, reply: Reply | None) -> tuple[list[Request], Outcome]:
    """Drive a flow with at most one reply; returns what it asked and what became of the row."""
    asked: list[Request] = []
    try:
        asked += next(flow)
        assert reply is not None, "the flow asked, and no reply was given"
        flow.send([reply])
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return asked, outcome
    raise AssertionError("the flow asked twice")


@dataclass(frozen=True)
class Played:
    """What became of a flow, and the requests of each of its rounds."""

    outcome: Outcome | Mapping[str, Outcome]
    rounds: list[list[Chat | Score]]

    @property
    def asked(self) -> list[Chat]:
        return [request for requests in self.rounds for request in requests if isinstance(request, Chat)]

    @property
    def scored(self) -> list[Score]:
        return [request for requests in self.rounds for request in requests if isinstance(request, Score)]

    @property
    def prompts(self) -> list[str]:
        return [request.prompt for requests in self.rounds for request in requests]

    @property
    def row(self) -> Row:
        """The one row kept."""
        assert isinstance(self.outcome, list), self.outcome
        [row] = self.outcome
        return row

    @property
    def reject(self) -> Reject:
        assert isinstance(self.outcome, Reject), self.outcome
        return self.outcome


def play(flow: Flow, answers: Answers, stage: str = "stage") -> Played:
    """Drive a flow to its end; the key of reply N is ``kN``, counted from 0."""
    rounds: list[list[Chat | Score]] = []
    try:
        requests = next(flow)
        while True:
            chats = [request for request in requests if isinstance(request, Chat | Score)]
            assert len(chats) == len(requests) > 0
            first = sum(map(len, rounds))
            rounds.append(chats)
            requests = flow.send([_reply(chat, answers(chat), stage, first + n) for n, chat in enumerate(chats)])
    except StopIteration as end:
        return Played(end.value, rounds)


def fail(chat: Chat | Score) -> Reply:
    """A reply of which no try was usable."""
    return Reply(stage="stage", key="failed", origin=Origin(chat.model), error="bad_json", detail="not JSON", tries=3)


def _reply(chat: Chat | Score, answer: Any, stage: str, number: int) -> Reply:
    if isinstance(answer, Reply):
        return answer
    text, value = (answer, None) if isinstance(answer, str) else (str(answer), answer)
    origin = Origin(f"{chat.model}-8b", "r1", chat.prompt, "1")
    return Reply(stage=stage, key=f"k{number}", origin=origin, text=text, value=value)
