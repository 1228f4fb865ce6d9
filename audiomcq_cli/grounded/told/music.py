"""Weighs options about music against what captions agree on: instruments, voice, tempo, mood, style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audiomcq_cli.grounded.blocks.traits import name_trait
from audiomcq_cli.grounded.measured.family import Say
from audiomcq_cli.grounded.measured.options import join
from audiomcq_cli.grounded.measured.saying import Teller, capitalize
from audiomcq_cli.grounded.music import load_facets, read_traits
from audiomcq_cli.grounded.sounding import describe_music

FACETS = ("instrument", "voice")
"""Facets asked about by themselves that have reasoning: of a style or a mood a table has nothing to teach."""


PAIRED = ("instrument", "voice", "tempo", "mood")
"""Facets of which two are asked about together."""


@dataclass(frozen=True, slots=True)
class Music:
    """What captions agree on of a clip's music, by facet; but for instruments one of each at most."""

    stated: Mapping[str, Sequence[str]]

    def find_nearest(self, option: str) -> str:
        """Return the instrument that comes closest to one that is not there: one of its family, else the first."""
        facet = load_facets()["instrument"]
        own = facet.family(option)
        heard = list(self.stated.get("instrument", ()))
        return min(heard, key=lambda one: abs(facet.family(one) - own), default="")


def read_music(captions: Sequence[str]) -> Music:
    """Return what some captions of one clip agree on of its music."""
    sure = {
        trait.facet: trait.stated
        for trait in read_traits(captions)
        if trait.stated and (trait.facet == "instrument" or len(trait.named) == len(trait.stated) == 1)
    }
    return Music(sure)


def tell_music(music: Music, say: Say) -> str:
    """Return what is heard of the music in a few sentences."""
    stated = music.stated
    sentences = []
    if instruments := _list_instruments(stated.get("instrument", ())):
        listed = join(list(instruments))
        first = f"{instruments[0]}, with {describe_music(instruments[0])}"
        ways = [
            f"I hear {listed} in the music.",
            f"{listed} {'take' if _be(instruments) == 'are' else 'takes'} part in the music.",
            f"{listed} can be made out.",
        ]
        if len(instruments) == 1:
            ways.append(f"the instrument that I can make out is {first}.")
        else:
            ways.append(f"one of the instruments is {first}; {join(list(instruments[1:]))} can be heard too.")
        sentences.append(say(ways))
    if voice := stated.get("voice"):
        sentences.append(
            say(_VOICES["nobody" if voice[0] == "nobody" else "one"]).format(voice=voice[0], be=_be_one(voice[0]))
        )
    if tempo := stated.get("tempo"):
        like = describe_music(tempo[0])
        ways = [
            f"the tempo is {tempo[0]}: {like}.",
            f"it goes at a {tempo[0]} tempo.",
            f"I tap along to {like}: the tempo is {tempo[0]}.",
        ]
        sentences.append(say(ways if tempo[0] != "constantly changing" else ways[:1]))
    if mood := stated.get("mood"):
        sentences.append(
            say((f"its mood is {mood[0]}.", f"it has {describe_music(mood[0])}.", f"the air of it is {mood[0]}."))
        )
    if genre := stated.get("genre"):
        sentences.append(say((f"the style is {genre[0]}.", f"all in all it is {genre[0]}.")))
    return " ".join(capitalize(sentence) for sentence in sentences)


_VOICES = {
    "nobody": ("nobody sings.", "there is no singing voice.", "it is instruments alone."),
    "one": (
        "{voice} can be heard singing.",
        "the singing is that of {voice}.",
        "on top of it there is {voice} singing.",
    ),
}


def weigh_instrument(option: str, music: Music, say: Teller) -> str:
    """Return why an instrument is not among those that are heard: the nearest of them beside it."""
    near = music.find_nearest(option)
    facet = load_facets()["instrument"]
    words = {"option": option, "like": describe_music(option), "near": near, "known": describe_music(near)}
    if facet.family(option) == facet.family(near):
        ways: Sequence[str] = (
            "{option} is a relative of {near}, but would be {like}",
            "{option} would be {like}; of that family there is only {near}",
        )
    else:
        ways = (
            "{option} would be {like}, and nothing here is made that way",
            "{option} would come as {like}, whereas from {near} I get {known}",
            "for {option} I would need {like}, and the sound of {near} is another: {known}",
            "{like} would give away {option}, and that is not the sound of {near}",
            "there is no sign of {option}, which would bring {like}",
        )
    return say(ways).format(**words)


def weigh_voice(option: str, music: Music, say: Teller) -> str:
    """Return why a singer is not the one that is heard."""
    [voice] = music.stated["voice"]
    words = {"option": option, "like": describe_music(option), "voice": voice, "known": describe_music(voice)}
    if option == "nobody":
        ways: Sequence[str] = (
            "if it were {option}, there would be {like}, yet a voice is there",
            "{option} cannot be, as there is {known}",
            "{option} would mean {like}, but somebody sings",
        )
    elif voice == "nobody":
        ways = (
            "{option} would add {like}, and no voice comes in",
            "for {option} there would have to be {like}",
            "{like} would mean {option}, but nothing is sung",
        )
    else:
        ways = (
            "{option} would be {like}, not {known}",
            "for {option} I would need {like}, and do not get it",
            "{like} would speak for {option}, and that is not how the singing sounds",
            "it would take {like} for {option}",
        )
    return say(ways).format(**words)


def fit_option(option: str, say: Teller) -> str:
    """Return that an instrument, a voice or a tempo is what is heard."""
    ways = (
        "{option} fits: {like}",
        "{like} is what I hear, and that means {option}",
        "I do get {like}, so {option} it is",
    )
    return say(ways).format(option=option, like=describe_music(option))


def weigh_traits(option: str, parts: tuple[str, str], facets: Sequence[str], music: Music, say: Teller) -> str:
    """Return which part of an option does not hold, and what does."""
    wrong = [(facet, part) for facet, part in zip(facets, parts, strict=True) if part not in music.stated[facet]]
    right = [
        "that nobody sings" if part == "nobody" else name_trait(facet, part)
        for facet, part in zip(facets, parts, strict=True)
        if part in music.stated[facet]
    ]
    if not wrong:
        return ""
    facet, part = wrong[0]
    told = _weigh_part(facet, part, music, say)
    if right:
        ways: Sequence[str] = (
            '"{option}" has {right} right; as for the rest, {told}',
            '"{option}" shares {right} with the music; still, {told}',
            'in "{option}" only {right} holds: {told}',
            'with {right}, one half of "{option}" holds; as for the other, {told}',
        )
        if right[0].startswith("that"):
            ways = (
                '"{option}" is right in {right}, but {told}',
                'it is true {right}, but "{option}" fails by the rest: {told}',
            )
        return say(ways).format(option=option, right=right[0], told=told)
    ways = (
        '"{option}" is wrong in both parts; to name one, {told}',
        'neither part of "{option}" holds: {told}',
    )
    return say(ways).format(option=option, told=told)


def fit_traits(option: str, parts: tuple[str, str], say: Teller) -> str:
    """Return that both parts of an option hold."""
    one, other = (describe_music(part) for part in parts)
    ways = (
        '"{option}" holds in both parts: {one}, and {other}',
        'for "{option}" I have {one}, and {other} with it',
        '"{option}" is right twice over, with {one} and {other}',
    )
    return say(ways).format(option=option, one=one, other=other)


def _weigh_part(facet: str, part: str, music: Music, say: Teller) -> str:
    if facet == "instrument":
        return weigh_instrument(part, music, say)
    if facet == "voice":
        return weigh_voice(part, music, say)
    [own] = music.stated[facet]
    ways = (
        "the {facet} is {own}, not {part}",
        "{trait} would be {like}, and here I have {known}",
        "for {trait} there would have to be {like}; it is {own}",
    )
    words = {"facet": facet, "own": own, "part": part, "trait": name_trait(facet, part)}
    words |= {"like": describe_music(part), "known": describe_music(own)}
    return say(ways).format(**words)


def _list_instruments(stated: Sequence[str]) -> list[str]:
    """Return instruments without a guitar of no known kind beside others that are more exactly known."""
    known = {"an electric guitar", "an acoustic guitar", "a bass guitar"} & set(stated)
    return [one for one in stated if one != "a guitar" or not known]


def _be(options: Sequence[str]) -> str:
    return "are" if len(options) > 1 or options[0] in _SEVERAL else "is"


def _be_one(option: str) -> str:
    return "are" if option in _SEVERAL else "is"


_SEVERAL = frozenset({"drums", "bongos", "bagpipes", "maracas", "bells", "tabla drums", "children"})
