"""Reads answers from prose without an explicit statement: one option is named in a known form, and nothing doubts it.

Only words of ``_FRAME`` may stand before the option, and none of them can deny, doubt or compare; nothing after it may
either. An unknown turn of phrase therefore makes a reply unparsable, and never a vote.
"""

from __future__ import annotations

import re

from audiomcq_cli.answers.options import MASK, Options

_MOST_SENTENCES = 3
_FRAME = frozenset(
    """
    a an the this that these it its it's that's there's there i i'd i'll we my our is are was be been being has have
    can hear heard hearing sound sounds sounded like audible present contains contain contained features feature
    featuring includes include presents plays played playing captures think believe say audio clip recording segment
    track excerpt sample music song piece noise noises voice answer option choice correct right best final selection
    of in on to for from with at by and so therefore thus hence based clearly definitely certainly likely most
    probably about approximately around roughly exactly identified identify describes described matches indicates
    indicate suggests main primary dominant overall prominent foreground background source event type kind genre
    mood tempo instrument speaker emotion animal note key chord tone pitch barks beats lasts takes rings times
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_AFFIRMS = re.compile(
    r"\b(?:is|are|was|it's|that's|there's|hear|heard|sounds|sounded|contains?|features?|featuring|includes?|presents|plays"
    r"|captures|describes|matches|indicates?|suggests|answer|identify|identified|barks|beats|lasts|takes|rings|about"
    r"|around|approximately|roughly|exactly)\b"
)
_ASKS = re.compile(r"^(?:is|are|was|were|does|do|did|can|could|would|will|has|have|should)\b")
_DOUBT = re.compile(
    r"\b(?:not|no|never|neither|nor|none|nothing|nobody|nowhere|without|except\w*|than|instead|rather|unlike\w*|unless|if"
    r"|whether|cannot|unable|could|might|may|maybe|perhaps|possibl[ey]|would|should|or|either|unsure|uncertain|unclear"
    r"|unknown|sorry|apologi\w+|silent|silence|impossible|doubt\w*|however|but|though|although|wrong|incorrect|false|least"
    r"|less|more|hardly|rarely|barely|scarcely|seldom|lack\w*|absent|absence|missing|fail\w*|exclud\w*|rules?|ruled"
    r"|eliminat\w+|suppos\w*|assum\w+|guess\w*|imagin\w+|pretend\w*|random\w*|similar\w*|compar\w+|versus|vs|typical\w*"
    r"|common\w*|usual\w*|distract\w+|tempting|plausible|examples?|e\.g|such|please|provide\w*|upload\w*|seem\w*|appear\w*"
    r"|only|too|mislead\w*|first|second|third|other\w*|option [a-z]|louder|longer|shorter|softer|higher|lower|faster"
    r"|slower|far|far-fetched|never|ago|once|used to|wait|actually|correction|hm+)\b|n't\b|\?"
)
_AFTER = re.compile(
    r"(?:$|[.!,;:)]|\s(?:in|on|at|from|during|near|outside|inside|throughout|along|over|through|and|because|since|as|which"
    r"|that|who|can|is|are|was|being|playing|sounding|audible|heard|present|sounds?|noises?|times?|loudly|softly|clearly|here"
    r"|coming|going)\b)"
)
_FOREIGN = re.compile(f"[^\x00-\x7f\u2013\u2014\u2026{MASK[1:-1]}]")
_WORD = re.compile(r"[\w']+")


def read_prose(text: str, options: Options) -> set[int]:
    """Return the option that a masked text names, alone and without doubt; empty otherwise."""
    marks = re.findall(MASK, text)
    if len(set(marks)) != 1 or _DOUBT.search(text) or _FOREIGN.search(text):
        return set()
    sentences = [sentence for sentence in re.split(r"(?<=[.!;])\s+|\n", text) if sentence.strip()]
    naming = [sentence for sentence in sentences if marks[0] in sentence]
    index = options.read_mask(marks[0])
    if index is None or len(sentences) > _MOST_SENTENCES or not all(map(_names, naming)):
        return set()
    return {index}


def _names(sentence: str) -> bool:
    """Return whether a sentence says that its option is what is heard."""
    before, _, after = re.sub(MASK, "\ue000", sentence).partition("\ue000")
    around = _WORD.findall(before) if _AFFIRMS.search(before) else _WORD.findall(before + after)
    return not _ASKS.match(sentence) and bool(_AFTER.match(after)) and all(word in _FRAME for word in around)
