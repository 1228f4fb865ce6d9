"""Writes a sentence about a voice from the labels of speech sets: gender, age, pitch, speed and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PEOPLE: Mapping[str, tuple[str, str]] = {"female": ("woman", "girl"), "male": ("man", "boy"), "": ("person", "child")}
_GENDERS: Mapping[str, str] = {
    **dict.fromkeys(("f", "female", "woman", "women", "girl"), "female"),
    **dict.fromkeys(("m", "male", "man", "men", "boy"), "male"),
}
_AGES: Mapping[str, str] = {
    **dict.fromkeys(("child", "children", "kid"), "child"),
    **dict.fromkeys(("teen", "teenager", "teenage"), "teenage"),
    **dict.fromkeys(("youth", "young", "young adult", "youth adult"), "young"),
    **dict.fromkeys(("adult", "adults"), ""),
    **dict.fromkeys(("middle-aged", "middle aged", "middle age"), "middle-aged"),
    **dict.fromkeys(("old", "elder", "elderly", "senior", "aged"), "elderly"),
}
_LEVELS: Mapping[str, str] = {
    **dict.fromkeys(("low", "slow", "quiet", "soft", "weak", "deep"), "low"),
    **dict.fromkeys(("normal", "medium", "middle", "moderate", "average", "neutral"), "middle"),
    **dict.fromkeys(("high", "fast", "quick", "rapid", "loud", "strong"), "high"),
}
_PITCH = {"low": "low-pitched", "middle": "medium-pitched", "high": "high-pitched"}
_ENERGY = {"low": "quiet", "middle": "moderately loud", "high": "loud"}
_SPEED = {"low": "slowly", "middle": "at a normal pace", "high": "quickly"}
_MOODS: Mapping[str, str] = {
    "happiness": "happy", "joy": "happy", "sadness": "sad", "anger": "angry", "fear": "fearful", "disgust": "disgusted",
    "surprise": "surprised", "contempt": "contemptuous", "calmness": "calm", "excitement": "excited",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """Labels of a voice, each a word or two; empty if unknown. Numbers are left out: they do not describe a sound."""

    gender: str = ""
    age: str = ""
    pitch: str = ""
    speed: str = ""
    energy: str = ""
    emotion: str = ""
    emphasis: str = ""


def describe_voice(voice: Voice) -> str:
    """Return a sentence such as ``A young woman speaks slowly in a high-pitched, quiet voice, in a sad tone.``

    Empty if no label says anything.
    """
    age, emotion = _clean(voice.age), _clean(voice.emotion)
    pitch, speed, energy = (_place(level) for level in (voice.pitch, voice.speed, voice.energy))
    emphasis = [word.strip(" \"'.") for word in re.split("[,;]", voice.emphasis) if word.strip(" \"'.")]
    if not any((_clean(voice.gender), age, pitch, speed, energy, emotion, emphasis)):
        return ""
    parts = [f"{_name_person(voice.gender, age)} speaks"]
    if speed:
        parts.append(_say(speed, _SPEED) or f"at a {speed} pace")
    levels = ((pitch, _PITCH, "pitch"), (energy, _ENERGY, "energy"))
    if sound := [said for level, table, _ in levels if (said := _say(level, table))]:
        parts.append(f"in {_with_article(', '.join(sound))} voice")
    parts += [f"with {level} {name}" for level, table, name in levels if level and not _say(level, table)]
    sentence = " ".join(parts)
    if emotion:
        sentence += f"{',' if len(parts) > 1 else ''} in {_with_article(_MOODS.get(emotion, emotion))} tone"
    if emphasis:
        words = " and ".join(f'"{word}"' for word in emphasis)
        sentence += f", stressing the word{'s' if len(emphasis) > 1 else ''} {words}"
    return sentence + "."


def quote_words(words: str, gender: str) -> str:
    """Return a sentence with the spoken words, such as ``She says: "…"``."""
    if not words:
        return ""
    who = {"female": "She says", "male": "He says"}.get(_GENDERS.get(_clean(gender), ""), "The words are")
    return f'{who}: "{words.strip(chr(34))}"'


def _name_person(gender: str, age: str) -> str:
    adult, child = _PEOPLE[_GENDERS.get(_clean(gender), "")]
    known = _AGES.get(age, age)
    if known == "child":
        return _capitalize(_with_article("young " + child if child in ("girl", "boy") else child))
    return _capitalize(_with_article(f"{known} {adult}".strip()))


def _say(level: str, table: Mapping[str, str]) -> str:
    """Return the words of a table for a level, which may begin with "very"; empty if the table lacks it."""
    very, _, place = level.rpartition(" ")
    said = table.get(_LEVELS.get(place, place), "")
    return f"{very} {said}" if very == "very" and said else "" if very else said


def _place(level: str) -> str:
    """Return ``low``, ``middle``, ``high``, or another word unchanged; empty for a label without meaning."""
    word = _clean(level)
    return _LEVELS.get(word, word)


def _clean(label: str) -> str:
    """Return a label in lower case; empty if it is a number or says that nothing is known."""
    label = " ".join(label.lower().replace("_", " ").split()).strip(" .")
    unknown = label in ("", "unknown", "none", "n/a", "nan", "other") or re.fullmatch("[0-9.+e-]+", label)
    return "" if unknown else label


def _with_article(words: str) -> str:
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def _capitalize(words: str) -> str:
    return words[:1].upper() + words[1:]
