"""Families about what is said: which words, which behind another, and how many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import inf
from pathlib import Path
from statistics import fmean

from audiomcq_cli.grounded.measured.clip import Clip, Word
from audiomcq_cli.grounded.measured.family import Fact, Family, Found, Key, Proof, Say, pick
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Names, count_in_words
from audiomcq_cli.grounded.measured.timeline import BOUNDARY
from audiomcq_cli.grounded.measured.weighing import weigh_number
from audiomcq_cli.measurements import MUSIC, SPEECH

CLEAR, PAIRED = 0.9, 0.8
"""Confidence of a word that may be asked about, and of two of which one follows the other."""

UNCLEAR, SMALL = 0.6, 0.5
"""Confidence of a word of some weight, and of a small one, below which another one may have been said.

What was said there may sound like something else altogether, "teacher" like "T-shirt", and so any word may be a right
option: it is asked about stretches without such a word only.
"""

SLIPS = 0.2
"""Part of the words by which their number may be off: "mountain" may be "mount in the", and as clear as any."""

COUNTED, GUESSED = 0.82, 0.3
"""Confidence of words on average, and of each, where they are counted."""

SHORTEST = 3
"""Words of a stretch, beside those next to a doubtful one: where one word ends and the next begins is not sure."""

_AS_SPOKEN = re.compile(r"[^\W\d_]+(['\u2019][^\W\d_]+)*")
_SHORTENED = frozenset(("dr", "etc", "jr", "mr", "mrs", "ms", "mt", "prof", "sr", "st", "vs"))

_CONSONANTS = str.maketrans("dbgcqzxvj", "tpkkkssfs", "aeiouyhw")

FEWEST, MOST_WORDS = 3, 40


def find_word(clip: Clip) -> Iterator[Found]:
    """Find words of some weight, in the speech or in the part of it that was heard clearly."""
    said, inner = _find_stretch(clip)
    facts, when = [_state(word) for word in said], ""
    if len(inner) < len(said):
        begin, end = round(inner[0].onset, 2), inner[-1].offset  # as ``_state`` has it, so that it lies within
        facts += [Fact(name, round(time, 1), "", "s", BOUNDARY) for name, time in (("from", begin), ("to", end))]
        when = _tell_range(begin, end)
    clear = (text for word in inner if is_asked(text := _plain(word.text)) and word.confidence >= CLEAR)
    for text in dict.fromkeys(clear):
        yield Found(("word", text), (Fact("asked", text=text), *facts), {"when": when})


def solve_word(proof: Proof) -> Key | None:
    """Return the word that is asked about, if it is said then; all others that are said are no options."""
    [asked] = pick(proof, "asked")
    begin, end = _read_range(proof)
    words = pick(proof, "word")
    there = any(fact.text == asked.text and begin <= round(fact.value or 0.0, 1) <= end for fact in words)
    return Key(asked.text, unclear=frozenset(fact.text for fact in words) - {asked.text}) if there else None


def find_following(clip: Clip) -> Iterator[Found]:
    """Find words right behind another one, both heard clearly and only once, where enough others are said.

    What is written in digits is no word to compare with: "7" may be the "seven" that is asked about.
    """
    texts = [_plain(word.text) for word in clip.words]
    if not _is_understood(clip) or any(map(str.isdigit, "".join(texts))):
        return
    texts = [part for text in texts for part in re.split(r"[^\w'\u2019]", text)]  # "well-known" are two
    facts = [_state(word, "word" if word.confidence >= SMALL else "doubtful") for word in clip.words]
    for cue, word in pairwise(clip.words):
        pair = (_plain(cue.text), _plain(word.text))
        sure = min(cue.confidence, word.confidence) >= PAIRED and all(map(is_asked, pair))
        if sure and all(sum(sounds_alike(one, other) for other in texts) == 1 for one in pair):
            yield Found(("word", pair[1]), (Fact("cue", text=pair[0]), *facts), {"cue": pair[0]})


def solve_following(proof: Proof) -> Key | None:
    """Return the word behind the cue, among others of some weight; those that are doubtful are no options."""
    [cue] = pick(proof, "cue")
    said = sorted((*pick(proof, "word"), *pick(proof, "doubtful")), key=lambda fact: fact.value or 0.0)
    texts = [fact.text for fact in said]
    if texts.count(cue.text) != 1 or texts[-1] == cue.text:
        return None
    key = said[texts.index(cue.text) + 1]
    others = dict.fromkeys(fact.text for fact in said if fact.name == "word" and is_asked(fact.text))
    return Key(key.text, others=tuple(text for text in others if text not in (key.text, cue.text)))


def find_words(clip: Clip) -> Iterator[Found]:
    """Find the number of words, where nearly all were understood.

    They have to be written as they are said: "1984" is three, and Whisper takes "o'clock" for "o" and "'clock",
    "well-known" for "well" and "-known".
    """
    heard = [word.confidence for word in clip.words]
    if _is_understood(clip) and FEWEST <= len(heard) <= MOST_WORDS:
        whole = all(_AS_SPOKEN.fullmatch(_plain(word.text)) and word.text[0] not in "-'" for word in clip.words)
        if whole and min(heard) >= GUESSED and fmean(heard) >= COUNTED:
            yield Found("words", tuple(map(_state, clip.words)))


def solve_words(proof: Proof) -> Key:
    """Return about how many words there are."""
    count = float(len(pick(proof, "word")))
    return Key(numbers=(count,), tolerance=round(max(1.0, SLIPS * count), 3), low=1, digits=0)


def tell_word(proof: Proof, say: Say) -> str:
    """Tell what is said around the word."""
    [asked] = pick(proof, "asked")
    texts = [fact.text for fact in pick(proof, "word")]
    when = _tell_range(*_read_range(proof)) if pick(proof, "from") else ""
    ways = (
        'I make out these words{when}: "{said}".',
        'The voice says{when}: "{said}".',
        'What is said{when} is: "{said}".',
    )
    return say(ways).format(said=_quote(texts, asked.text), when=when)


def tell_following(proof: Proof, say: Say) -> str:
    """Tell what is said around the cue."""
    [cue] = pick(proof, "cue")
    texts = [fact.text if fact.name == "word" else "…" for fact in proof if fact is not cue]
    ways = ('Around "{cue}" I hear: "{said}".', 'The words with "{cue}" in them are: "{said}".')
    return say(ways).format(cue=cue.text, said=_quote(texts, cue.text))


def tell_words(proof: Proof, say: Say) -> str:
    """Tell all words, and their number."""
    texts = [fact.text for fact in pick(proof, "word")]
    ways = (
        'I hear: "{said}". That makes about {count} words.',
        'I count along: "{said}", about {count} words altogether.',
    )
    return say(ways).format(said=" ".join(texts), count=len(texts))


def is_asked(word: str) -> bool:
    """Return whether a word has weight enough to be asked about."""
    return len(word) >= 3 and word.isalpha() and word not in _load_small_words()


def list_words(clip: Clip) -> set[str]:
    """Return the words of a clip that can be options elsewhere."""
    return {text for word in _find_stretch(clip)[0] if is_asked(text := _plain(word.text))}


def sounds_alike(one: str, other: str) -> bool:
    """Return whether one word may be taken for another: by their beginning, or by nearly the same letters."""
    if one[:4] == other[:4] or _distance(one, other) <= max(1, min(len(one), len(other)) // 3):
        return True
    bones, others = _strip_vowels(one), _strip_vowels(other)
    return _distance(bones, others) <= (1 if min(len(bones), len(others)) > 3 else 0)


def has_words(clip: Clip) -> bool:
    """Return whether words were understood that are not one and the same, as a recogniser makes up of noise."""
    understood = [_plain(word.text) for word in clip.words if word.confidence >= UNCLEAR]
    return len(understood) >= FEWEST and 2 * len(set(understood)) > len(understood)


@cache
def _load_small_words() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("small_words.txt").read_text("utf-8").split())


def _find_stretch(clip: Clip) -> tuple[Sequence[Word], Sequence[Word]]:
    """Return the most words in a row that were heard clearly, and those of them not next to one that was not."""
    if not _is_understood(clip):
        return (), ()
    runs: list[list[Word]] = [[]]
    for word in clip.words:
        if _is_clear(word):
            runs[-1].append(word)
        else:
            runs.append([])
    said = max(runs, key=len)
    if len(said) == len(clip.words):
        return said, said
    ends = (clip.words[0], clip.words[-1])
    inner = [word for word in said if word in ends or (word is not said[0] and word is not said[-1])]
    return (said, inner) if len(inner) >= SHORTEST else ((), ())


def _is_clear(word: Word) -> bool:
    """Return whether it is sure what was said there: of "$50", "well-known" or "Dr." it is not."""
    text = _plain(word.text)
    if not _AS_SPOKEN.fullmatch(text) or text in _SHORTENED:
        return False
    return word.confidence >= (UNCLEAR if is_asked(text) else SMALL)


def _is_understood(clip: Clip) -> bool:
    """Return whether no more is spoken than was understood, and no music plays along.

    Over music "seven" is heard as "several", and as clearly as anything.
    """
    spoken = sum(span.length for span in clip.voices.get(SPEECH, ()))
    covered = sum(word.offset - word.onset for word in clip.words)
    drowned = any(
        span.onset < word.offset and word.onset < span.offset
        for span in clip.voices.get(MUSIC, ())
        for word in clip.words
    )
    whole = bool(clip.words) and covered >= 0.4 * spoken and all(_plain(word.text) for word in clip.words)
    return whole and not drowned


def _read_range(proof: Proof) -> tuple[float, float]:
    """Return between which times it is asked about."""
    times = [fact.value or 0.0 for fact in (*pick(proof, "from"), *pick(proof, "to"))]
    return (times[0], times[1]) if times else (0.0, inf)


def _tell_range(begin: float, end: float) -> str:
    return f" between {begin:.1f} and {end:.1f} seconds"


def _state(word: Word, name: str = "word") -> Fact:
    return Fact(name, round(word.onset, 2), _plain(word.text), "s", BOUNDARY)


def _plain(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", text.lower())


def _quote(texts: Sequence[str], word: str) -> str:
    """Return the words around one, as many as one keeps in mind."""
    place = texts.index(word)
    first, last = max(0, place - 6), place + 7
    return f"{'… ' if first else ''}{' '.join(texts[first:last])}{' …' if last < len(texts) else ''}"


def _strip_vowels(word: str) -> str:
    """Return the consonants of a word as they sound to a bad listener: ``ladder`` and ``letter`` are the same."""
    return re.sub(r"(.)\1+", r"\1", word.translate(_CONSONANTS))


def _distance(one: str, other: str) -> int:
    """Return Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, with_ in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != with_))
    return row[-1]


def _weigh_word(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a word whether it is said, and which of those that are said comes closest to it."""
    if option == key.name:
        return say(('"{option}" is said', '"{option}" is among the words')).format(option=option)
    said = [text for text in dict.fromkeys(fact.text for fact in pick(proof, "word")) if len(text) > 2]
    near = min(said, key=lambda text: _distance(option, text), default="")
    ways: tuple[str, ...] = ('"{option}" is not said', 'I hear nothing like "{option}"', '"{option}" does not come up')
    if near and _distance(option, near) <= max(2, len(option) // 2):
        ways = (
            '"{option}" is not said; "{near}" comes closest, which is another word',
            'the nearest to "{option}" is "{near}", and that is not it',
        )
    return say(ways).format(option=option, near=near)


def _weigh_following(proof: Proof, key: Key, option: str, say: Say) -> str:
    """Say of a word how far from the cue it stands."""
    [cue] = pick(proof, "cue")
    said = sorted((*pick(proof, "word"), *pick(proof, "doubtful")), key=lambda fact: fact.value or 0.0)
    texts = [fact.text for fact in said]
    start = texts.index(cue.text)
    steps = min((place - start for place, text in enumerate(texts) if text == option), key=abs)
    if steps == 1:
        return say(('"{option}" is the very next word', '"{option}" comes at once')).format(option=option)
    ways = ('"{option}" is said too, but {place}', '"{option}" is {place}', '"{option}" comes {place}')
    many = count_in_words(abs(steps))
    place = f"{many} words {'later' if steps > 0 else 'earlier'}" if abs(steps) > 1 else "right before it"
    return say(ways).format(option=option, place=place)


FAMILIES = (
    Family(
        "word",
        "speech",
        "which word is said",
        (
            "I listen to the words one by one and check the four against them.",
            "One of the four is said, so I follow the voice word by word.",
            "The words that are offered have to be told from others of like sound, so I listen for each.",
        ),
        (
            "Which of these words is said{when}?",
            "Which of these words do you hear{when}?",
            "Which word does the voice say{when}?",
        ),
        find_word,
        solve_word,
        Names(),
        tell_word,
        _weigh_word,
        reasoned=False,
    ),
    Family(
        "following",
        "speech",
        "which word comes right after another",
        (
            'I wait for "{cue}" and keep the word that comes next.',
            'All that counts is the word directly after "{cue}"; that others are said as well does not matter.',
            '"{cue}" is the mark, and I listen for what the voice says at once after it.',
        ),
        (
            'Which word comes right after "{cue}"?',
            'What is the next word after "{cue}"?',
            'Which word follows "{cue}"?',
        ),
        find_following,
        solve_following,
        Names(fill=False),
        tell_following,
        _weigh_following,
    ),
    Family(
        "words",
        "speech",
        "how many words are said",
        (
            "I count along, word by word.",
            "Each word counts once, long or short, so I keep count while the voice goes on.",
        ),
        ("About how many words are said?", "About how many words do you hear?", "Roughly, how many words are there?"),
        find_words,
        solve_words,
        Numbers(("about {} words", "about {}"), reach=4, crowded=True),
        tell_words,
        weigh_number(
            (
                "{option} is what I count, more or less",
                "{option} agrees with my count",
            ),
            (
                "{option} leaves {off} out",
                "{option} is {off} too few",
            ),
            (
                "{option} is {off} more than I count",
                "{option} is too many, by {off}",
            ),
            "words",
        ),
    ),
)
