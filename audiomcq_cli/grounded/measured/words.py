"""Families about what is said: which words, which behind another, and how many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from audiomcq_cli.grounded.measured.clip import Clip, Word
from audiomcq_cli.grounded.measured.family import Fact, Family, Found, Key, Proof, Say, pick
from audiomcq_cli.grounded.measured.numbers import Numbers
from audiomcq_cli.grounded.measured.options import Names
from audiomcq_cli.grounded.measured.timeline import BOUNDARY
from audiomcq_cli.measurements import SPEECH

CLEAR, UNCLEAR, SMALL, COUNTED = 0.9, 0.6, 0.3, 0.65
"""Confidence of a word that may be asked about; at least, of any word of some weight, and of a small one; of each word
where they are counted.

An unclear word may be another that sounds like it, and so be no wrong option; that "a" may be "the" changes nothing.
"""

_CONSONANTS = str.maketrans("dbgcqzxvj", "tpkkkssfs", "aeiouyhw")

FEWEST, MOST_WORDS = 3, 40


def find_word(clip: Clip) -> Iterator[Found]:
    """Words of some weight out of speech that was heard clearly."""
    said = _clear_words(clip)
    texts = [_plain(word.text) for word in said]
    facts = tuple(
        Fact("word", round(word.onset, 2), text, "s", BOUNDARY) for word, text in zip(said, texts, strict=True)
    )
    clear = (text for word, text in zip(said, texts, strict=True) if is_asked(text) and word.confidence >= CLEAR)
    for text in dict.fromkeys(clear):
        yield Found(("word", text), (Fact("asked", text=text), *facts))


def solve_word(proof: Proof) -> Key | None:
    """The word that is asked about, if it is among those that are said; all others that are said are no options."""
    [asked] = pick(proof, "asked")
    said = frozenset(fact.text for fact in pick(proof, "word"))
    return Key(asked.text, unclear=said - {asked.text}) if asked.text in said else None


def find_following(clip: Clip) -> Iterator[Found]:
    """Words right behind another one, both said once, where enough others are said."""
    said = _clear_words(clip)
    texts = [_plain(word.text) for word in said]
    facts = tuple(
        Fact("word", round(word.onset, 2), text, "s", BOUNDARY) for word, text in zip(said, texts, strict=True)
    )
    clear = {text for word, text in zip(said, texts, strict=True) if is_asked(text) and word.confidence >= CLEAR}
    for cue, word in pairwise(texts):
        if texts.count(cue) == texts.count(word) == 1 and {cue, word} <= clear:
            yield Found(("word", word), (Fact("cue", text=cue), *facts), {"cue": cue})


def solve_following(proof: Proof) -> Key | None:
    """The word behind the cue, among the other words of some weight."""
    [cue] = pick(proof, "cue")
    texts = [fact.text for fact in sorted(pick(proof, "word"), key=lambda fact: fact.value or 0.0)]
    if texts.count(cue.text) != 1 or texts[-1] == cue.text:
        return None
    key = texts[texts.index(cue.text) + 1]
    others = tuple(dict.fromkeys(text for text in texts if is_asked(text) and text not in (key, cue.text)))
    return Key(key, others=others)


def find_words(clip: Clip) -> Iterator[Found]:
    """The number of words of speech of which every word was heard clearly, small ones as well.

    "Mountain" that is taken for "mount in the" is three words, of which the small ones are the doubtful ones.
    """
    said = _clear_words(clip)
    if 2 <= len(said) <= MOST_WORDS and all(word.confidence >= COUNTED for word in said):
        facts = tuple(Fact("word", round(word.onset, 2), _plain(word.text), "s", BOUNDARY) for word in said)
        yield Found("words", facts)


def solve_words(proof: Proof) -> Key:
    """How many there are, give or take a tenth: "gonna" is one word or two."""
    count = float(len(pick(proof, "word")))
    return Key(numbers=(count,), tolerance=round(max(1 / 3, 0.1 * count), 3), low=2, digits=0)


def tell_word(proof: Proof, say: Say) -> str:
    """What is said around the word."""
    [asked] = pick(proof, "asked")
    texts = [fact.text for fact in pick(proof, "word")]
    return say(('I make out these words: "{said}".', 'The voice says: "{said}".')).format(
        said=_quote(texts, asked.text)
    )


def tell_following(proof: Proof, say: Say) -> str:
    """What is said around the cue."""
    [cue] = pick(proof, "cue")
    texts = [fact.text for fact in pick(proof, "word")]
    ways = ('Around "{cue}" I hear: "{said}".', 'The words with "{cue}" in them are: "{said}".')
    return say(ways).format(cue=cue.text, said=_quote(texts, cue.text))


def tell_words(proof: Proof, say: Say) -> str:
    """All words, and their number."""
    texts = [fact.text for fact in pick(proof, "word")]
    ways = (
        'Word for word I hear: "{said}". That makes {count} words.',
        'I count along: "{said}", {count} words altogether.',
    )
    return say(ways).format(said=" ".join(texts), count=len(texts))


def is_asked(word: str) -> bool:
    """Whether a word has weight enough to be asked about."""
    return len(word) >= 3 and word.isalpha() and word not in _load_small_words()


def list_words(clip: Clip) -> set[str]:
    """The words of a clip that can be options elsewhere."""
    return {text for word in _clear_words(clip) if is_asked(text := _plain(word.text))}


def sounds_alike(one: str, other: str) -> bool:
    """Whether one word may be taken for another: by their beginning, or by nearly the same letters or consonants."""
    if one[:4] == other[:4] or _distance(one, other) <= max(1, min(len(one), len(other)) // 3):
        return True
    bones, others = _strip_vowels(one), _strip_vowels(other)
    return _distance(bones, others) <= (1 if min(len(bones), len(others)) > 3 else 0)


def has_words(clip: Clip) -> bool:
    """Whether words were understood that are not the same one again and again, as a recogniser makes up of noise."""
    understood = [_plain(word.text) for word in clip.words if word.confidence >= UNCLEAR]
    return len(understood) >= FEWEST and 2 * len(set(understood)) > len(understood)


@cache
def _load_small_words() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("small_words.txt").read_text("utf-8").split())


def _clear_words(clip: Clip) -> Sequence[Word]:
    """The words in their order; none where one was not clearly heard, or where more is spoken than was understood."""
    words = sorted(clip.words, key=lambda word: word.onset)
    weighty = [word for word in words if is_asked(_plain(word.text))]
    if not weighty or any(word.confidence < (UNCLEAR if word in weighty else SMALL) for word in words):
        return ()
    spoken = sum(span.length for span in clip.voices.get(SPEECH, ()))
    covered = sum(word.offset - word.onset for word in words)
    return words if covered >= 0.4 * spoken and all(_plain(word.text) for word in words) else ()


def _plain(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", text.lower())


def _quote(texts: Sequence[str], word: str) -> str:
    """The words around one, as many as one keeps in mind."""
    place = texts.index(word)
    first, last = max(0, place - 6), place + 7
    return f"{'… ' if first else ''}{' '.join(texts[first:last])}{' …' if last < len(texts) else ''}"


def _strip_vowels(word: str) -> str:
    """The consonants of a word as they sound to those who listen badly: ``ladder`` and ``letter`` are the same."""
    return re.sub(r"(.)\1+", r"\1", word.translate(_CONSONANTS))


def _distance(one: str, other: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, with_ in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != with_))
    return row[-1]


FAMILIES = (
    Family(
        "word",
        "speech",
        "which word is said",
        ("Which of these words is said?", "Which of these words do you hear?", "Which word does the voice say?"),
        find_word,
        solve_word,
        Names("", "Nobody says {}."),
        tell_word,
    ),
    Family(
        "following",
        "speech",
        "which word comes right behind another",
        (
            'Which word comes right after "{cue}"?',
            'What is the next word after "{cue}"?',
            'Which word follows "{cue}"?',
        ),
        find_following,
        solve_following,
        Names("I hear {} as well, but not right there.", fill=False),
        tell_following,
    ),
    Family(
        "words",
        "speech",
        "how many words are said",
        ("How many words are said?", "How many words do you hear?", "Count the words: how many are there?"),
        find_words,
        solve_words,
        Numbers(("{} words", "{}"), "too few", "too many", reach=4, crowded=True),
        tell_words,
    ),
)
