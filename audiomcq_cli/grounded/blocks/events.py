"""Numbers of events, and as the bits of one integer every event that a scene leaves open.

An event is a source with an action, whatever the words. ``pool.is_implied`` asks of one event whether a scene implies
it; a planner asks that of thousands of events for each of thousands of clips, so the answers for one scene are put
together here from one integer for each name in it. Human voices are refused more often than there: a caption
that has somebody cheer leaves open whether somebody speaks as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial

from audiomcq_cli.grounded.hearing import Scene
from audiomcq_cli.grounded.lexicon import SOMETHING, Lexicon, load
from audiomcq_cli.grounded.pool import kind_of

Concept = tuple[str, str]
"""A source and an action."""

VOICED = frozenset({"speak", "whisper", "shout", "chant", "cheer", "sing", "hum_tune", "grunt"})
"""What voices do that is told apart by who does it, if at all."""

_AMID_SPEECH = frozenset({"laugh", "clap", "cheer", "sing", "chant", "shout", "whisper"})
"""What people do among whom somebody may speak without a caption saying so."""

_SPEECH = ("speak", "whisper", "shout")
"""What somebody may do of whom no event is known: who comforts a baby, or growls."""

_RUSHING = frozenset({"wind", "rain", "hail", "spray", "air", "fan", "hiss", "whoosh", "blow", "blow_air", "fall_rain"})
"""Sources and actions that are one steady rush to the ear."""

SMALL = frozenset({"rustle", "crackle", "click", "tap", "clank", "scrape", "pop", "flutter", "crumple", "tick"})
"""Small noises that are hardly told from one another."""

_ANYBODY = frozenset({"person", "crowd"})
"""Sources that leave open whose voice it is."""

_ANY_MACHINE = frozenset({"engine", "machine", "tool", "power_tool"})
"""Sources that leave open which machine it is."""


@dataclass(frozen=True, slots=True)
class _Tables:
    """Events as bits: all of them by concept, and which go with each name."""

    numbers: dict[Concept, int]
    of_source: dict[str, int]
    of_action: dict[str, int]
    same: dict[str, int]
    alike: dict[str, int]
    tagged: dict[str, int]
    persons: int
    amid: dict[str, int]
    rushing: int
    machines: int
    nobody: int
    vague: int


def number(concept: Concept) -> int:
    """Return the number of an event."""
    return _tables().numbers[concept]


@cache
def name(event: int) -> Concept:
    """Return the event of a number."""
    return list(_tables().numbers)[event]


def list_audible(scene: Scene) -> int:
    """Return every event that a scene states, implies or leaves open, as bits by number."""
    tables, lexicon = _tables(), load()
    done = _join(tables.alike, scene.actions)
    close = _join(tables.same, scene.sources | scene.hinted)
    anybody = not any(kind_of(source) == "person" for source in scene.sources)
    implied = (
        (done & tables.nobody)
        | (done & tables.persons & (-1 if anybody else close))
        | ((done | close) & ~tables.persons & ~tables.nobody)
    )
    vague = [lexicon.actions[action] for action in scene.actions if lexicon.actions[action].vague]
    implied |= _join(tables.tagged, (tag for action in vague for tag in action.tags))
    heard = {tag for action in scene.actions for tag in lexicon.actions[action].tags}
    heard |= {tag for source in scene.sources for tag in lexicon.sources[source].tags}
    implied |= _join(tables.tagged, heard) & tables.vague
    names = scene.sources | scene.hinted | scene.actions
    implied |= _join(tables.amid, names)
    if names & _RUSHING:
        implied |= tables.rushing
    return implied | _list_voices(scene, close) | _list_machines(scene) | _list_small(scene)


def find_texture(concept: Concept) -> str:
    """Return what a sound is like to the ear: a voice, else the first tag of its action or source, else itself."""
    source, action = concept
    if action in VOICED and kind_of(source) == "person":
        return "voice"
    lexicon = load()
    tags = [*lexicon.actions[action].tags, *(() if source == SOMETHING else lexicon.sources[source].tags)]
    return tags[0] if tags else f"{source} {action}"


def _list_machines(scene: Scene) -> int:
    """Machines that a scene leaves open: all of them where it names none but a motor, a machine or a tool."""
    return _tables().machines if (scene.sources | scene.hinted) & _ANY_MACHINE else 0


def _list_small(scene: Scene) -> int:
    """Small noises of nobody named that a scene leaves open: all of them where it has one."""
    tables = _tables()
    return _join(tables.of_action, SMALL) & tables.nobody if scene.actions & SMALL else 0


def _list_voices(scene: Scene, close: int) -> int:
    """Voices that a scene leaves open beside those that it implies."""
    tables = _tables()
    persons = {source for source in scene.sources | scene.hinted if kind_of(source) == "person"}
    voiced = _join(tables.of_action, VOICED) & tables.persons
    unclear = 0
    if persons - {event.source for event in scene.events} and "speak" not in scene.actions:
        unclear |= _join(tables.of_action, _SPEECH) & tables.persons
    if scene.actions & VOICED:
        unclear |= voiced & _join(tables.of_source, _ANYBODY)
        if persons & _ANYBODY or not persons:
            unclear |= voiced
    if scene.actions & _AMID_SPEECH:
        speech = _join(tables.of_action, ("speak", "whisper")) & tables.persons
        unclear |= speech if persons & _ANYBODY or not persons else speech & close
    if scene.actions & VOICED:
        laughter = tables.of_action["laugh"] & tables.persons
        unclear |= laughter if persons & _ANYBODY or not persons else laughter & close
    return unclear


@cache
def _tables() -> _Tables:
    lexicon = load()
    concepts = [(source, action) for source in (SOMETHING, *lexicon.sources) for action in lexicon.actions]
    possible = [one for one in concepts if lexicon.covers(one[1], one[0]) or lexicon.actions[one[1]].alone == one[0]]
    numbers = {concept: place for place, concept in enumerate(possible)}

    def gather(accept: Callable[[Concept], bool]) -> int:
        return sum(1 << place for concept, place in numbers.items() if accept(concept))

    def by(names: Iterable[str], accept: Callable[[str, Concept], bool]) -> dict[str, int]:
        return {one: gather(partial(accept, one)) for one in names}

    def by_name(names: Iterable[str]) -> int:
        return gather(lambda concept: bool(set(names) & set(concept)))

    return _Tables(
        numbers=numbers,
        of_source=by(lexicon.sources, lambda one, concept: concept[0] == one),
        of_action=by(lexicon.actions, lambda one, concept: concept[1] == one),
        same=by(lexicon.sources, lambda one, concept: concept[0] != SOMETHING and lexicon.same(concept[0], one)),
        alike=by(lexicon.actions, lambda one, concept: lexicon.alike(concept[1], one)),
        tagged=by(_list_tags(lexicon), lambda one, concept: one in _tags_of(concept, lexicon)),
        persons=gather(lambda concept: kind_of(concept[0]) == "person"),
        amid={one: by_name(names) for one, names in _list_company(lexicon)},
        rushing=gather(lambda concept: bool(_RUSHING & set(concept))),
        machines=gather(lambda concept: kind_of(concept[0]) == "machine"),
        nobody=gather(lambda concept: concept[0] == SOMETHING),
        vague=gather(lambda concept: lexicon.actions[concept[1]].vague),
    )


def _list_company(lexicon: Lexicon) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield every name with what is often heard along with it, or with what it is one of."""
    sources = lexicon.sources
    for name, source in sources.items():
        yield name, frozenset(source.amid).union(*(sources[kind].amid for kind in source.broader))
    yield from ((name, frozenset(action.amid)) for name, action in lexicon.actions.items() if name not in sources)


def _list_tags(lexicon: Lexicon) -> list[str]:
    return sorted({tag for table in (lexicon.sources, lexicon.actions) for one in table.values() for tag in one.tags})


def _tags_of(concept: Concept, lexicon: Lexicon) -> set[str]:
    source, action = concept
    own = () if source == SOMETHING else lexicon.sources[source].tags
    return {*lexicon.actions[action].tags, *own}


def _join(table: dict[str, int], names: Iterable[str]) -> int:
    joined = 0
    for one in names:
        joined |= table.get(one, 0)
    return joined
