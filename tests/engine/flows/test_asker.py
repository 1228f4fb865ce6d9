"""Asking: what is no use is asked for again, within bounds; what is known is not asked for twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiomcq_cli import audio as clips
from audiomcq_cli.audio_files import hash_file
from audiomcq_cli.contracts import Audio, Call, Chat, Clip, Completion, Listen, Message, Reply, Score, Silence
from audiomcq_cli.engine.flows.answerers import Online, Replay
from audiomcq_cli.engine.flows.asker import Asker, Rendered
from audiomcq_cli.engine.journal.journal import Entry, Journal
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import CallRefused, CapabilityMissing, InputError, ReplayMiss
from tests.conftest import strike
from tests.engine import Bench, Puppet, answer_well, good, http_model, puppet_model
from tests.servers.process import RunningServer

Watch = Callable[[bytes, Rendered, Call, Entry], None]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def chat(text: str = "rain", *, model: str = "writer", prompt: str = "ask", **changes: Any) -> Chat:
    return Chat(model=model, prompt=prompt, variables={"text": text}, **changes)


def puppet_saying(*completions: Completion) -> Puppet:
    """A model that says these things in order, and the last one ever after."""
    said = iter(range(10_000))

    async def answer(call: Call) -> Completion:
        return completions[min(next(said), len(completions) - 1)]

    return Puppet(answer)


async def with_asker(
    bench: Bench,
    work: Callable[[Asker, Runtime], Awaitable[Any]],
    *,
    done_run: int | None = None,
    replay: bool = False,
    watch: Watch | None = None,
) -> Any:
    """Do something with an asker as a run of the bench's one shard would have it."""
    path = bench.folder / "work" / "j.sqlite"
    async with bench.runtime() as runtime:
        roots = {"Small": bench.folder}
        if replay:
            journal = Journal.read_only(path)
            asker = Asker("small", runtime, journal, (journal.leased() or ("", 0))[1], Replay(), roots, watch)
        else:
            journal = runtime.journals.open(path)
            asker = Asker("small", runtime, journal, journal.lease("f", done_run), Online(runtime), roots, watch)
        try:
            return await work(asker, runtime)
        finally:
            if replay:
                journal.close()
            else:
                await runtime.journals.close_journal(journal)


def ask(bench: Bench, *requests: Chat | Score | Listen, **how: Any) -> list[Reply]:
    """One run that asks these requests one after another."""

    async def work(asker: Asker, runtime: Runtime) -> list[Reply]:
        return [await asker.ask(request) for request in requests]

    replies: list[Reply] = asyncio.run(with_asker(bench, work, **how))
    return replies


def write_tone(path: Path, pitch: float = 440.0) -> Path:
    samples = np.sin(np.arange(8_000, dtype=np.float32) * np.float32(2 * np.pi * pitch / 16_000)) / 2
    path.write_bytes(clips.encode(samples, 16_000, "wav"))
    return path


# ------------------------------------------------------------------------------------------------ usable replies


def test_usable_reply_is_kept_with_what_made_it(bench: Bench) -> None:
    """A reply carries its text, its parsed value, its model and its prompt, and took one try."""
    [reply] = ask(bench, chat())
    assert reply.value == json.loads(reply.text)
    assert not reply.failed
    assert (reply.stage, reply.tries, len(reply.key)) == ("small", 1, 64)
    assert (reply.origin.model, reply.origin.revision) == ("puppet-1", "r1")
    assert (reply.origin.prompt, reply.origin.prompt_version) == ("ask", "1")


def test_free_text_is_taken_as_it_is(bench: Bench) -> None:
    """Without a schema the reply is not parsed, and one that was cut short counts where its answer is closed."""
    text = "<answer>B</answer> Half of a sen"
    bench.puppet = puppet_saying(Completion(text=text, finish_reason="length"))
    [reply] = ask(bench, chat(prompt="plain"))
    assert (reply.text, reply.value, reply.error) == (text, None, "")


def test_free_text_that_has_to_be_whole_is_asked_for_again(bench: Bench) -> None:
    """Where half a text is of no use, one that was cut short is answered with that."""
    bench.puppet = puppet_saying(Completion(text="Half of a sen", finish_reason="length"), Completion(text="Whole."))
    [reply] = ask(bench, chat(prompt="plain", whole=True))
    assert (reply.text, reply.tries) == ("Whole.", 2)
    assert "cut short" in bench.puppet.sent[1].messages[-1].text


def test_scores_come_back_one_for_each_continuation(bench: Bench) -> None:
    """A score request has a list of log-probabilities as its value."""
    scores = ({"logprob": -1.5, "tokens": 2}, {"logprob": -3.0, "tokens": 1})
    bench.puppet = puppet_saying(Completion(scores=scores))
    request = Score(model="writer", prompt="plain", variables={"text": "x"}, continuations=("a b", "c"))
    for _ in range(2):  # asked, then from the journal
        assert ask(bench, request)[0].value == list(scores)
    assert len(bench.puppet.sent) == 1


def test_equal_requests_asked_together_are_one_call(bench: Bench) -> None:
    """Two requests of one list that are the same are sent once and have one key."""
    bench.puppet = puppet_saying(Completion(scores=({"logprob": -1.5, "tokens": 2},)))
    request = Score(model="writer", prompt="plain", variables={"text": "x"}, continuations=("a b",), optional=True)

    async def work(asker: Asker, runtime: Runtime) -> list[Reply]:
        same = replace(request, variables={"text": "x"})
        return list(await asyncio.gather(asker.ask(request), asker.ask(same)))

    first, second = asyncio.run(with_asker(bench, work))
    assert first == second
    assert len(bench.puppet.sent) == 1


def test_scores_of_no_use_are_not_asked_about(bench: Bench) -> None:
    """No conversation about scores would be the same request: they fail at once, and are asked anew in a later run."""
    bench.puppet = puppet_saying(Completion())
    request = Score(model="writer", prompt="plain", variables={"text": "x"}, continuations=("a",), optional=True)
    [reply] = ask(bench, request)
    assert (reply.error, len(bench.puppet.sent)) == ("scores", 1)
    ask(bench, request, done_run=0)
    assert [len(call.messages) for call in bench.puppet.sent] == [2, 2]


# ---------------------------------------------------------------------------------------------- unusable replies

HTTP_FAULTS = {
    "prose": "not_json",
    "truncated_json": "not_json",
    "wrong_schema": "schema",
    "empty": "empty",
    "missing": "empty",
    "refusal": "refusal",
    "content_filter": "content_filter",
    "length": "length",
}


@pytest.mark.parametrize("fault", HTTP_FAULTS)
def test_unusable_reply_is_asked_for_again(bench: Bench, http: RunningServer, fault: str) -> None:
    """A reply of no use is answered with what was wrong; the next one, which is good, counts."""
    bench.models = {"writer": http_model(http)}
    [reply] = ask(bench, chat(f"rain {strike(fault, 1)}"))
    assert (reply.error, reply.tries) == ("", 2)
    assert reply.value["question"]
    assert http.stats()["received"] == 2


@pytest.mark.parametrize(("fault", "code"), HTTP_FAULTS.items())
def test_unusable_replies_are_bounded_by_tries(bench: Bench, http: RunningServer, fault: str, code: str) -> None:
    """After as many tries as the model's table allows the reply is a failure that names its reason."""
    bench.models = {"writer": http_model(http, tries=2)}
    [reply] = ask(bench, chat(f"rain {strike(fault)}", optional=True))
    assert (reply.error, reply.tries) == (code, 2)
    assert reply.detail
    assert http.stats()["received"] == 2


def test_failure_keeps_the_last_raw_reply(bench: Bench) -> None:
    """What the model said last is kept as it came."""
    bench.puppet = puppet_saying(Completion(text="no"), Completion(text="never"), Completion(text="not now"))
    [reply] = ask(bench, chat())
    assert (reply.text, reply.error, reply.tries, reply.value) == ("not now", "not_json", 3, None)


def test_asking_again_shows_the_reply_and_what_was_wrong(bench: Bench) -> None:
    """The next try goes on with the conversation: the unusable reply, and why it was no use."""
    bench.puppet = puppet_saying(Completion(text='{"question": 5}'), Completion(text=good(Call(**EMPTY))))
    ask(bench, chat("rain"))
    first, second = bench.puppet.sent
    assert second.messages[: len(first.messages)] == first.messages
    said, wrong = second.messages[len(first.messages) :]
    assert said == Message("assistant", '{"question": 5}')
    assert wrong.role == "user" and "does not fit" in wrong.text and "JSON" in wrong.text


def test_asking_again_does_not_pile_up(bench: Bench) -> None:
    """The third try shows the second reply alone: the conversation does not grow with every try."""
    bench.puppet = puppet_saying(Completion(text="one"), Completion(text="two"), Completion(text="three"))
    ask(bench, chat())
    third = bench.puppet.sent[2]
    assert [turn.text for turn in third.messages if turn.role == "assistant"] == ["two"]


def test_every_try_has_a_seed_of_its_own(bench: Bench) -> None:
    """Where the recipe sets a seed, tries and samples do not repeat it; else none is sent."""
    bench.models = {"writer": puppet_model(sampling={"seed": 7})}
    bench.puppet = puppet_saying(Completion(text="no"))
    ask(bench, chat(), chat(sample=1))
    seeds = [call.sampling["seed"] for call in bench.puppet.sent]
    assert seeds[0] == 7 and len(set(seeds)) == 6


def test_refused_call_is_not_asked_again(bench: Bench) -> None:
    """A call that the server refuses ends the run for this request at once."""

    async def refuse(call: Call) -> Completion:
        raise CallRefused("too long", code="status_400")

    bench.puppet = Puppet(refuse)
    [reply] = ask(bench, chat())
    assert (reply.error, reply.detail, reply.tries) == ("status_400", "too long", 1)
    assert len(bench.puppet.sent) == 1


def test_prompt_that_cannot_be_rendered_stops(bench: Bench) -> None:
    """A variable that the prompt wants and the request lacks is an error of the prompt, not of a row."""
    with pytest.raises(InputError, match="prompt ask"):
        ask(bench, Chat(model="writer", prompt="ask", variables={}))


# ------------------------------------------------------------------------------------------------ from the journal


def test_second_run_asks_nothing(bench: Bench) -> None:
    """What a journal holds, tries of no use included, is not asked for again and gives the same reply."""
    bench.puppet = puppet_saying(Completion(text="no"), Completion(text=good(Call(**EMPTY))))
    first = ask(bench, chat())
    assert ask(bench, chat()) == first
    assert first[0].tries == 2 and len(bench.puppet.sent) == 2


def test_run_cut_short_goes_on_with_the_next_try(bench: Bench) -> None:
    """A run that goes on does not repeat the unusable tries that the run before it had."""
    bench.models = {"writer": puppet_model(tries=1)}
    bench.puppet = puppet_saying(Completion(text="no"))
    ask(bench, chat())
    bench.models = {"writer": puppet_model(tries=3)}  # as if the run had been cut after the first of three
    bench.puppet = Puppet(answer_well)
    [reply] = ask(bench, chat())
    assert (reply.error, reply.tries, len(bench.puppet.sent)) == ("", 2, 1)


def test_new_run_after_a_failure_asks_again(bench: Bench) -> None:
    """In the next run the stored failure does not count: the request is asked with fresh tries."""
    bench.puppet = puppet_saying(Completion(text="no"))
    assert ask(bench, chat())[0].tries == 3
    bench.puppet = puppet_saying(Completion(text="still no"), Completion(text=good(Call(**EMPTY))))
    [reply] = ask(bench, chat(), done_run=0)
    assert (reply.error, reply.tries) == ("", 5)
    assert len(bench.puppet.sent) == 2


def test_new_run_after_a_failure_does_not_ask_for_what_is_known(bench: Bench) -> None:
    """The next run takes good replies of earlier ones from the journal, under their old keys."""
    first = ask(bench, chat())
    assert ask(bench, chat(), done_run=0) == first
    assert len(bench.puppet.sent) == 1


def test_next_run_begins_the_conversation_afresh(bench: Bench) -> None:
    """The first try of the next run is the request as it was, without the failures of the one before."""
    bench.puppet = puppet_saying(Completion(text="no"))
    ask(bench, chat())
    first = bench.puppet.sent[0]
    bench.puppet = Puppet(answer_well)
    ask(bench, chat(), done_run=0)
    assert bench.puppet.sent[0].messages == first.messages


def test_replay_gives_the_same_replies_without_a_call(bench: Bench) -> None:
    """A replay answers good replies and final failures alike from the journal."""
    bench.puppet = puppet_saying(*[Completion(text="no")] * 3, Completion(text=good(Call(**EMPTY))))
    first = ask(bench, chat("never"), chat("rain"))
    assert [reply.error for reply in first] == ["not_json", ""]
    bench.puppet = Puppet(answer_well)
    assert ask(bench, chat("never"), chat("rain"), replay=True) == first
    assert not bench.puppet.sent


def test_replay_without_a_reply_is_an_error(bench: Bench) -> None:
    """A replay says which prompt and model a reply is missing for."""
    ask(bench, chat())
    with pytest.raises(ReplayMiss, match="'ask' of model 'writer'"):
        ask(bench, chat("something else"), replay=True)


def test_equal_requests_in_flight_are_one_call(bench: Bench) -> None:
    """Requests of one key that are asked at the same time are sent once and get the same reply."""

    async def answer_later(call: Call) -> Completion:
        await asyncio.sleep(0.02)
        return Completion(text=good(call))

    async def work(asker: Asker, runtime: Runtime) -> list[Reply]:
        return await asyncio.gather(*(asker.ask(chat()) for _ in range(20)))

    bench.puppet = Puppet(answer_later)
    replies = asyncio.run(with_asker(bench, work))
    assert len(bench.puppet.sent) == 1
    assert len({reply.key for reply in replies}) == 1


def test_samples_of_one_request_are_calls_of_their_own(bench: Bench) -> None:
    """The sample number keeps the answers to the same request apart."""
    replies = ask(bench, *(chat(sample=number) for number in range(3)))
    assert len(bench.puppet.sent) == 3
    assert len({reply.key for reply in replies}) == 3


def test_encoding_and_address_share_replies(bench: Bench, http: RunningServer) -> None:
    """The same model reached at another address, or with audio as FLAC, answers from the same journal."""
    write_tone(bench.folder / "tone.wav")
    request = chat(audio=(Clip("Small", "tone.wav"),))
    bench.models = {"writer": http_model(http, audio=True, audio_format="wav")}
    first = ask(bench, request)
    address = http.base_url.replace("127.0.0.1", "localhost")
    bench.models = {"writer": http_model(http, audio=True, audio_format="flac", base_url=(address,), concurrency=1)}
    assert ask(bench, request) == first
    assert http.stats()["received"] == 1


# --------------------------------------------------------------------------------------------------------- audio


def test_silence_is_never_answered_for_the_clip(bench: Bench) -> None:
    """Silence, the clip and no audio at all are three requests, whatever the length of the silence."""
    write_tone(bench.folder / "tone.wav")
    heard = Clip("Small", "tone.wav")
    parts: list[tuple[Audio, ...]] = [(), (heard,), (Silence(0.5),), (Silence(1),), (heard, heard)]
    replies = ask(bench, *(chat(audio=part) for part in parts))
    assert len({reply.key for reply in replies}) == len(bench.puppet.sent) == 5


def test_windows_of_a_clip_are_other_requests(bench: Bench) -> None:
    """Two parts of a clip and all of it are three requests; its length in the row makes no difference."""
    write_tone(bench.folder / "tone.wav")
    clip = Clip("Small", "tone.wav")
    parts = (clip, replace(clip, duration=0.5), clip.cut(0, 0.25), clip.cut(0.25, 0.25))
    assert len({reply.key for reply in ask(bench, *(chat(audio=(part,)) for part in parts))}) == 3


@pytest.mark.parametrize("duration", [0.5, None])
def test_clip_longer_than_a_model_hears_is_not_sent(bench: Bench, http: RunningServer, duration: float | None) -> None:
    """Such a clip fails its request alone and costs no call, whether its row tells its length or only the file does;
    a window that fits goes out."""
    write_tone(bench.folder / "tone.wav")
    bench.models = {"writer": http_model(http, audio=True, audio_window=0.25)}
    clip = Clip("Small", "tone.wav", duration=duration)
    long, fits = ask(bench, chat(audio=(clip,), optional=True), chat(audio=(clip.cut(0, 0.25),)))
    assert long.error == "audio_unusable" and "0.5 s, and model 'writer' hears 0.25 s at once" in long.detail
    assert not fits.failed and http.stats()["received"] == 1


def test_window_longer_than_a_model_hears_stops_the_run(bench: Bench) -> None:
    """A stage that asks for windows which the model would cut is at fault, not the clip."""
    bench.models = {"writer": puppet_model(audio=True, audio_window=10.0)}
    with pytest.raises(CapabilityMissing, match="sends 12 s of a clip"):
        ask(bench, chat(audio=(Clip("Small", "tone.wav", "ab").cut(3, 12),)))


def test_same_audio_elsewhere_is_the_same_request(bench: Bench) -> None:
    """The content of a file counts, not where it lies or who says its hash."""
    write_tone(bench.folder / "one.wav")
    write_tone(bench.folder / "two.wav")
    known = hash_file(bench.folder / "one.wav")
    parts = [
        Clip("Small", "one.wav"),
        Clip("Small", "two.wav"),
        Clip("Small", "one.wav", sha256=known),
    ]
    replies = ask(bench, *(chat(audio=(part,)) for part in parts))
    assert len({reply.key for reply in replies}) == len(bench.puppet.sent) == 1


@pytest.mark.parametrize("path", ["gone.wav", "../outside.wav", "text.wav"])
def test_audio_that_cannot_be_used_fails_its_request_alone(bench: Bench, http: RunningServer, path: str) -> None:
    """A clip that is not there, leaves its root or cannot be decoded is a failure that says so; others are asked."""
    (bench.folder / "text.wav").write_text("this is not audio")
    write_tone(bench.folder / "tone.wav")
    bench.models = {"writer": http_model(http, audio=True)}
    parts = [Clip("Small", name) for name in (path, "tone.wav")]
    bad, fine = ask(bench, *(chat(audio=(part,), optional=True) for part in parts))
    assert bad.error == "audio_unusable"
    assert str(bench.folder) not in bad.detail
    assert not fine.failed and http.stats()["received"] == 1


def test_listening_is_done_once(bench: Bench) -> None:
    """An analysis of a clip is kept in the journal with the clip's hash, and a second run does not repeat it."""
    write_tone(bench.folder / "tone.wav")
    request = Listen(analysis="probe", audio=Clip("Small", "tone.wav"))
    [first] = ask(bench, request)
    assert first.value["duration"] == 0.5
    assert first.value["sha256"] == hash_file(bench.folder / "tone.wav")
    assert ask(bench, request, replay=True) == [first]


def test_listening_to_a_missing_file_comes_back_as_a_failure(bench: Bench) -> None:
    """A clip that is not there is told to the flow, which decides."""
    request = Listen(analysis="probe", audio=Clip("Small", "gone.wav"))
    [reply] = ask(bench, request)
    assert reply.error == "audio_unusable" and "gone.wav" in reply.detail


# --------------------------------------------------------------------------------------------------------- watch


def test_watch_sees_every_try(bench: Bench) -> None:
    """Who watches is shown each try with its call, those that were no use and those from the journal included."""
    seen: list[tuple[str, int]] = []

    def watch(key: bytes, rendered: Rendered, call: Call, entry: Entry) -> None:
        seen.append((entry.error, len(call.messages)))

    bench.puppet = puppet_saying(Completion(text="no"), Completion(text=good(Call(**EMPTY))))
    ask(bench, chat(), chat(), watch=watch)
    assert seen == [("not_json", 2), ("", 4)] * 2


EMPTY: dict[str, Any] = {"messages": (), "sampling": {}, "prompt": ""}
