"""What the scripted server says: replies derived from a hash of the request, of the form that each prompt asks for.

Which prompt it is tells the name of the reply schema; free text is a captioner's or a judge's. The same request always
gets the same reply, and other captions give other questions. A question's right option is the one of its options with
the highest hash together with the question, so that a judge can "know" it without having been told.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import io
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

JUDGE = "judge"
DESCRIBE = "describe"
TYPES = ("sound", "music", "speech", "temporal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How good the models are.

    Attributes:
        quality: Share of samples to which a grader gives 4 or 5 in every dimension.
        know: Share of questions that every judge answers rightly; the others are guessed by each judge for itself.
            0.46 makes about 54.8 % of the questions weak with three judges, as in the public corpus.
    """

    quality: float = 0.9
    know: float = 0.46


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A chat request as the server understands it.

    Attributes:
        name: Name of the reply schema, ``judge`` or ``describe`` without one. schema: The schema.
        system, user: Texts of the turns, all of a role together; user has only the first turn.
        digest: Hash of model, messages and seed. conversation: The same up to the first answer.
    """

    name: str
    model: str
    schema: Mapping[str, Any]
    system: str
    user: str
    digest: bytes
    conversation: bytes


def read_chat(body: Mapping[str, Any]) -> Chat:
    """Understand a request body; raises ``KeyError``, ``TypeError`` or ``ValueError`` where it is not a chat."""
    messages: Sequence[Mapping[str, Any]] = body["messages"]
    if not messages:
        raise ValueError("there are no messages")
    named: Mapping[str, Any] = (body.get("response_format") or {}).get("json_schema") or {}
    roles = [message["role"] for message in messages]
    opening = messages[: roles.index("assistant")] if "assistant" in roles else messages
    system, user = (
        "\n".join(_find_text(turn["content"]) for turn in opening if turn["role"] == role)
        for role in ("system", "user")
    )
    digest = hash_json([body["model"], messages, body.get("seed")])
    return Chat(
        name=named["name"] if named else _guess_name(system),
        model=body["model"],
        schema=named.get("schema", {}),
        system=system,
        user=user,
        digest=digest,
        conversation=digest if opening is messages else hash_json([body["model"], opening, body.get("seed")]),
    )


def hash_audio(body: Mapping[str, Any]) -> None:
    """Put hashes of what is heard in place of audio, in the body itself: whatever its form and format."""
    for turn in body["messages"]:
        for part in turn["content"] if isinstance(turn["content"], list) else ():
            if part["type"] in ("input_audio", "audio_url"):
                given = part.pop(part["type"])
                part |= {"type": "audio", "audio": _hash_samples(given.get("data") or given["url"].partition(",")[2])}


@lru_cache(maxsize=64)
def _hash_samples(encoded: str) -> str:
    import soundfile

    data = base64.b64decode(encoded)
    with contextlib.suppress(soundfile.SoundFileError):  # a stand-in for audio: its bytes are all there is
        data = soundfile.read(io.BytesIO(data), dtype="int16")[0].tobytes()
    return hashlib.sha256(data).hexdigest()


def hash_json(value: Any) -> bytes:
    """SHA-256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()


def write_reply(chat: Chat, manner: Manner) -> str:
    """The text of a good reply to a request."""
    reply = _WRITERS.get(chat.name, _write_by_schema)(chat, manner, random.Random(chat.digest))
    return reply if isinstance(reply, str) else orjson.dumps(reply).decode()


def find_right(question: str, options: Sequence[str]) -> str:
    """The option of a question that counts as right among scripted models."""
    key = " ".join(question.split()).encode()
    return max(options, key=lambda option: hashlib.sha256(key + b"\0" + option.strip().encode()).digest())


# ------------------------------------------------------------------------------------------------- one per prompt


def _write_question(chat: Chat, manner: Manner, draw: random.Random) -> Any:
    words = sorted({word.lower() for word in _WORD.findall(_find(_HEARD, chat.user, chat.user))} - {"version"})
    first, second = draw.sample(words, 2) if len(words) > 1 else ("beginning", "end")
    return {
        "question": draw.choice(_QUESTIONS).format(first=first, second=second, sound=draw.choice(_SOUNDS)),
        "question_type": _find(_TYPE, chat.user, draw.choice(TYPES)),
    }


def _write_choices(chat: Chat, manner: Manner, draw: random.Random) -> Any:
    question = _find(_QUESTION, chat.user, "")
    start = draw.randrange(len(_SOUNDS) - 40)  # they stand in the order of their length: neighbours are alike
    options = draw.sample([sound for sound in _SOUNDS[start : start + 40] if sound not in question], 4)
    right = find_right(question, options)
    return {"answer": right, "distractors": [option for option in options if option != right]}


def _write_grades(chat: Chat, manner: Manner, draw: random.Random) -> Any:
    """Grades of at least 4 in every dimension, but for the share of samples that is to be dropped."""
    grades = {dimension: draw.choice((4, 5, 5)) for dimension in _DIMENSIONS[chat.name]}
    if draw.random() >= manner.quality:
        grades[draw.choice(_DIMENSIONS[chat.name])] = draw.choice((1, 2, 3))
    verdicts = {5: "Nothing to object to", 4: "Fine, with a small flaw", 3: "Rather weak", 2: "Poor", 1: "Wrong"}
    return {
        dimension: {"reason": f"{verdicts[grade]}, as to {draw.choice(_SOUNDS)}.", "score": grade}
        for dimension, grade in grades.items()
    }


def _write_structured_cot(chat: Chat, manner: Manner, draw: random.Random) -> Any:
    heard, other = draw.sample(_SOUNDS, 2)
    key = _find(_KEY, chat.user, "unknown")
    wrong = [choice for choice in _CHOICE.findall(chat.user)[:4] if choice != key]  # faults are listed below them
    return {
        "stage1": f"I have to tell what stands out beside {heard}. Question type: {_find(_TYPE, chat.user, 'sound')}",
        "stage2": f"There is {heard}, then {other}, and between them one event that is close and clear.",
        "stage3": f"That event is shorter and rougher than any of these: {'; '.join(wrong)}. The answer is: {key}",
    }


def _write_simple_cot(chat: Chat, manner: Manner, draw: random.Random) -> Any:
    key = _find(_KEY, chat.user, "unknown")
    return {"analysis": f"Once {draw.choice(_SOUNDS)} is over, one event is close and clear. So it is {key}."}


def _write_verdict(chat: Chat, manner: Manner, draw: random.Random) -> str:
    question = _find(_QUESTION, chat.user, "")
    options: list[str] = ast.literal_eval(_find(_OPTIONS, chat.user, "['A', 'B', 'C', 'D']"))
    known = hashlib.sha256(b"known" + question.encode()).digest()[0] < 256 * manner.know
    return f"<answer>{find_right(question, options) if known else draw.choice(options)}</answer>"


def _write_description(chat: Chat, manner: Manner, draw: random.Random) -> str:
    first, second, third = draw.sample(_SOUNDS, 3)
    return f"At first there is {first}, close and clear. Then {second} sets in over {third}, and goes on to the end."


def _write_by_schema(chat: Chat, manner: Manner, draw: random.Random) -> Any:
    """Something that follows a schema which no writer above knows."""
    return _sample(chat.schema, draw)


def _sample(schema: Mapping[str, Any], draw: random.Random) -> Any:
    if "enum" in schema:
        return draw.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            return {name: _sample(part, draw) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_sample(schema["items"], draw) for _ in range(schema.get("minItems", 1))]
        case "integer":
            return draw.randint(schema.get("minimum", 0), schema.get("maximum", 100))
        case "number":
            return round(draw.uniform(schema.get("minimum", 0), schema.get("maximum", 1)), 3)
        case "boolean":
            return draw.random() < 0.5
    return draw.choice(_SOUNDS)


_WRITERS: Mapping[str, Callable[[Chat, Manner, random.Random], Any]] = {
    "question": _write_question,
    "choices": _write_choices,
    "grade_question": _write_grades,
    "structured_cot": _write_structured_cot,
    "simple_cot": _write_simple_cot,
    "grade_reasoning": _write_grades,
    JUDGE: _write_verdict,
    DESCRIBE: _write_description,
}


# -------------------------------------------------------------------------------------------- reading the prompts

_HEARD = re.compile(r"<heard>(.*?)</heard>", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{4,20}")
_TYPE = re.compile(r"^(?:Type: |Question \()(sound|music|speech|temporal)\b", re.MULTILINE)
_QUESTION = re.compile(r"<question>\s*(.*?)\s*</question>|^(.*?) Please choose the answer from", re.DOTALL)
_CHOICE = re.compile(r"^- (.+)$", re.MULTILINE)
_KEY = re.compile(r"^Right: (.+)$", re.MULTILINE)
_OPTIONS = re.compile(r"following options: (\[.*\])\. Output", re.DOTALL)
_FIRST_KEY = re.compile(r'Reply with JSON: \{"(\w+)"')
_NAMES = {
    "question": "question",
    "answer": "choices",
    "answer_consistency": "grade_question",
    "stage1": "structured_cot",
    "analysis": "simple_cot",
    "reasoning_logic_fidelity": "grade_reasoning",
}


def _find(pattern: re.Pattern[str], text: str, otherwise: str) -> str:
    """The first group of a pattern that holds something."""
    found = pattern.search(text)
    return next(filter(None, found.groups()), otherwise) if found else otherwise


def _find_text(content: str | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def _guess_name(system: str) -> str:
    """Name of the reply schema where the server is not told it: the prompts end in the form of the reply."""
    if system.startswith("You describe"):
        return DESCRIBE
    return _NAMES.get(_find(_FIRST_KEY, system, ""), JUDGE)


# ------------------------------------------------------------------------------------------------------- phrases

_DIMENSIONS = {
    "grade_question": ("answer_consistency", "incorrect_options_quality", "language_fluency"),
    "grade_reasoning": ("reasoning_logic_fidelity", "simple_reasoning_logic_fidelity"),
}

_QUESTIONS = (
    "What stands out beside {first} and {second} in this clip?",
    "Which of these is closest to the microphone while {first} goes with {second}?",
    "What follows once {first} has made room for {second}?",
    "As {first} gives way to {second}, what takes over?",
    "Near the end, what covers {first} more than {second} does?",
    "Between {first} and {second}, which event is the shortest?",
    "How would you put what interrupts {first} before {second}?",
    "If {second} were left out, what else would be heard with {first}?",
    "What is repeated most often around {first} and {second}?",
    "Against {first} and {second}, what is heard farthest away?",
    "Apart from {first}, what is as loud as {second} here?",
    "Unlike {sound}, what goes on through both {first} and {second}?",
)

_SOUNDS = sorted(
    """
a barking dog, a meowing cat, a ringing phone, a ticking clock, a crying baby, a passing train, a humming fan, a
dripping tap, a roaring engine, a revving motorbike, a chirping sparrow, a croaking frog, a mooing cow, a bleating
sheep, a crowing rooster, a clucking hen, a quacking duck, a honking goose, a neighing horse, a galloping horse, a
howling wolf, a hooting owl, a buzzing bee, a buzzing fly, a chirping cricket, a purring cat, a growling dog, a
whining puppy, a squealing pig, a squeaking mouse, a cawing crow, a screeching gull, a cooing pigeon, a tapping
woodpecker, a hissing snake, a snorting pig, a lowing ox, a braying donkey, a gobbling turkey, a splashing fish,
falling rain, heavy thunder, distant thunder, howling wind, rustling leaves, breaking waves, a running stream, a
rushing waterfall, crackling fire, crunching snow, crunching gravel, cracking ice, falling stones, a bubbling
spring, hail on a roof, rain on a window, wind in the trees, wind in a chimney, footsteps on wood, footsteps on
stone, footsteps on snow, running footsteps, a slammed door, a creaking door, a knock on a door, a doorbell, a
turning key, a sliding window, a squeaking hinge, a rattling lock, a shutting drawer, a falling book, turning pages,
tearing paper, crumpling paper, a scratching pen, a clicking mouse, typing on a keyboard, a printer at work, a
beeping scanner, a camera shutter, a vacuum cleaner, a washing machine, a hair dryer, a blender, a coffee grinder, a
boiling kettle, a whistling kettle, frying oil, a chopping knife, clinking glasses, breaking glass, stacked plates,
clattering cutlery, a popping cork, a fizzing soda, pouring water, a flushing toilet, a running shower, a filling
bathtub, an electric razor, a toothbrush, a sewing machine, a power drill, a circular saw, a hand saw, a hammer on
nails, a sanding block, a chainsaw, a lawn mower, a leaf blower, a garden hose, a shovel in earth, a rake on gravel,
a car engine, a car horn, a car door, screeching tires, an idling truck, a reversing truck, a city bus, a tram bell,
a steam train, a train whistle, a train horn, a level crossing, a subway train, a bicycle bell, a bicycle chain, a
skateboard, a rowing boat, a motor boat, a ship horn, a jet taking off, a propeller plane, a helicopter, a hot air
balloon, a fire engine, a police siren, an ambulance siren, a smoke alarm, a car alarm, a burglar alarm, an alarm
clock, a school bell, a church bell, a cow bell, a wind chime, a gong, a bicycle pump, a whip crack, a gunshot, a
firework, a firecracker, a cannon shot, a bouncing ball, a tennis rally, a bowling strike, a basketball dribble, a
referee whistle, a cheering crowd, an applauding hall, a laughing child, a laughing woman, a laughing man, a
coughing man, a sneezing woman, a snoring man, a sighing woman, a whispering man, a shouting man, a screaming woman,
a singing child, a singing choir, a humming woman, a whistling man, a preaching man, a radio announcer, a train
announcement, an auctioneer, a chatting couple, a murmuring crowd, clapping hands, snapping fingers, a piano chord,
a violin melody, a cello drone, a double bass, an acoustic guitar, an electric guitar, a strummed ukulele, a plucked
harp, a flute trill, a clarinet solo, an oboe phrase, a trumpet call, a trombone slide, a french horn, a tuba line,
a saxophone riff, a snare roll, a bass drum, a hi-hat pattern, a crash cymbal, a tambourine, a xylophone, a church
organ, an accordion, a harmonica, a bagpipe tune, a banjo lick, a music box, a synth pad, a drum machine, a vinyl
crackle
    """.replace("\n", " ")
    .strip()
    .split(", "),
    key=lambda sound: (len(sound), sound),
)
