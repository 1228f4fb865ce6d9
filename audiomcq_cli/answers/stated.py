"""Reads answers that a sentence states, by letter or by text; options named elsewhere in the reply then do not count.

Texts are masked here (``options.py``): one character stands for each option that is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from audiomcq_cli.answers.options import MASK, Options

_QUOTE, _UNQUOTE = r"[\"'(\[<{_]*", r"[\"')\]>}_]*"
# What may follow a stated answer: the end, a mark, a reason. "A dog" and "C#" are not letters.
_END = (
    r"(?=\s*(?:$|\.(?!\w)|[!,;:)(\u2013\u2014\u3002\uff0c\u3001]|-\s)"
    r"|\s+(?:because|since|as|due|given|based|which|for|from|in|on|at|and not)\b)"
)
_NAMED = (
    rf"(?:(?:(?:the\s+)?(?:option|choice|letter)\s*:?\s*)?{_QUOTE}(?P<letter>[a-z])(?![\w#♯♭+'-]){_UNQUOTE}"
    rf"|(?:(?:an?|the)\s+)?{_QUOTE}(?P<mask>{MASK}){_UNQUOTE})"
)
_NOUN = r"(?:answer|option|choice|pick|selection|guess|response|verdict)"
_IS = (
    r"(?:\s*(?:\([^()]*\)\s*)?[:=]\s*|\s*(?:->|\u2192|=>)\s*"
    r"|\s+(?:is|would be|should be|must be|has to be|will be)(?:\s+(?:therefore|thus|clearly|probably|likely|definitely"
    r"|most likely|indeed|simply|then|hence))?\s*[:,]?\s+)"
)
# What may stand between noun and verb: "the option that best matches the sound is", "the answer, then, is".
_OF = (
    r"(?:\s+that\s+(?:(?:best|most closely|most accurately|better)\s+)?(?:matches|fits|describes|represents"
    r"|corresponds to|applies to|reflects|captures|answers)|\s+that\s+i\s+(?:hear|choose|pick|select)|\s+to|\s+for"
    r"|\s+among|\s+of|\s+here)?"
    r"(?:\s+(?:the|this|these|given|four|options|choices|question|sound|audio|clip|recording|what|i|hear|best)"
    r")*"
    r"(?:,\s*(?:therefore|thus|then|hence|in my view|i think|i believe),)?"
)
_BEST = r"(?:correct|right|best|appropriate|likely|likeliest|plausible|accurate|suitable|fitting|closest)"
_MATCH = (
    r"(?:answer|option|choice|match|fit|description|label|one|pick|response|candidate|explanation|source|category|to be"
    r" (?:correct|right))"
)
_END_OF_PRAISE = (
    r"(?=\s*(?:$|[.!,;:(\u2013\u2014\u3002])|\s+(?:because|since|as|due|given|based|here|overall|that|among|of|for the"
    r"|with|to (?:the|this)(?: \w+)? (?:question|sound|audio|clip|recording)|in this|and|but)\b)"
)
_CLOSE = r"(?=\s*[.!]?$)"
_CHOOSE = r"(?:choose|select|pick|go with|opt for|say|answer|vote for|settle on|conclude)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<noun>\b{_NOUN}){_OF}{_IS}(?:(?:the|most|{_BEST}|answer|option|choice|is|:)\s+)*{_NAMED}{_END}",
        rf"^(?:(?:the|my)\s+)?(?:(?:final|{_BEST})\s+)*(?:answer|option|choice)\s+{_NAMED}\s*[.!]?$",
        rf"{_NAMED}\s+(?:is|would be|must be|has to be|fits|matches)\s+(?:the\s+|clearly\s+|most\s+|single\s+|only\s+)*"
        rf"{_BEST}(?:\s+{_MATCH})?{_END_OF_PRAISE}",
        rf"{_NAMED}\s+(?:is|would be|must be)\s+(?:the|my)\s+(?:final\s+|{_BEST}\s+)*(?:answer|choice|pick)"
        rf"{_END_OF_PRAISE}",
        r"(?:\b(?:i|we)(?:'d|'ll|\s+would|\s+will|\s+shall|\s+am going to|\s+must|\s+have to)?\s+"
        rf"|\b(?:so|then|thus|therefore),?\s+){_CHOOSE}\s+{_NAMED}{_END}",
        # "Choose B for a cat" addresses someone else.
        rf"^{_CHOOSE}\s+{_NAMED}{_END}(?!\s+(?:for|on|at|in|which)\b)",
        rf"^(?:(?:so|thus|therefore|hence),?\s+)?(?:i\s+(?:think|believe|would say)\s+(?:that\s+)?|i'd say\s+)?"
        rf"(?:it's|it is|that's)\s+{_NAMED}{_CLOSE}",
        rf"\b(?:going|went)\s+with\s+{_NAMED}{_END}",
        rf"^(?:it|this|that)(?:'s|\s+is)\s+not\s+(?:an?\s+|the\s+)?{MASK},?\s+but\s+(?:rather\s+)?{_NAMED}\s*[.!]?$",
        r"^(?:ans|final|correct|selected|prediction|output|solution|result|antwort|respuesta|réponse|resposta|risposta"
        rf"|ответ|答え|回答|正解)\.?\s*[:=]\s*{_NAMED}{_END}",
        # Chinese: "the answer is B", "choose B".
        rf"(?<![不别勿没未非])(?:答案|选项|选择|应选|故选|选)\s*(?:应该是|应为|应是|就是|是|为)?\s*:?\s*{_NAMED}(?![\w])",
    )
)
_ABOUT = frozenset({_FORMS[0], *_FORMS[2:4]})
"""Forms about the answer, not about its author. Any word might stand before them."""

_LINE = re.compile(
    rf"^(?:[-•]\s+)?{_QUOTE}(?:(?:option|choice)\s+)?{_QUOTE}(?P<letter>[a-z])(?![\w#♯♭+'-]){_UNQUOTE}"
    r"(?P<sign>\s*[.:,)\]]|\s+[-\u2013\u2014]\s|\s*\u2014|(?=\s+\(|\s+(?:because|since|as)\b)|\s*$)\s*(?P<rest>.*)$"
)
_HEADING = re.compile(
    r"^(?:#+\s*)?(?:(?:the|my)\s+)?(?:(?:final|correct|right|best)\s+)*(?:answer|choice)(?:\s+is)?\s*[:.]?$"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|[\u3002\uff01]")

# Before a statement, in its sentence: a condition, a question, someone else's view, an example.
_NOT_MEANT = re.compile(
    r"\b(?:if|whether|unless|suppos\w+|assum\w+|imagin\w+|were|might|may|maybe|perhaps|could|some|others|people"
    r"|some(?:one|body)|any(?:one|body)|many|format|form|template|examples?|e\.g|for instance|such as|instead"
    r"|pretend\w*|(?<!, )which|what(?! i hear)|why|how|when|once|until|neither|nor|either|you|users?|they|respond|reply"
    r"|write|output)\b"
    r"|n't say\b|not say|not claim|如果|假如|要是|若|还是|或|吗|不能|无法|不确定|可能"
)
# Before it, in its clause.
_DENIED = re.compile(
    r"\b(?:not|no|never|without|cannot|hardly|wrong|incorrect|false|worst|least|possible|tempting|obvious|naive|typical"
    r"|common|usual|expected|random|alternative|another|other|previous|first|initial)\b|n't\b|不"
)
_CLAUSE = re.compile(r"[,;:\u2013\u2014]|\b(?:but|so|then|therefore|thus|hence|and)\b")
# The only words allowed before "the answer is B" and "B is correct", in the same clause. Otherwise "I refuse to say
# that the answer is B" and "rejected option: B" would be answers. Other words make a reply unparsable, never a vote.
_INTRO = frozenset(
    """
    a an the this that these it it's its there i i'm i'd i've i'll we we'd our my me us is are was am be been would
    will can must of in on to for from with at by after before upon about all both correct right best final single
    most likely likeliest plausible appropriate accurate suitable fitting closest only probable logical clear clearly
    obvious obviously evident evidently definitely certainly probably surely simply overall again here now finally
    ultimately therefore thus hence so then and as too also indeed answer answers option options choice choices
    selected chosen select chose predicted short multiple letter pick guess response question given based according
    considering comparing think believe say said conclude concluded determine determined deduce infer feel decide
    decided find found know confirm identify identified hear heard hearing listen listened listening analyze analyzed
    analysis careful carefully consider considered considerations things conclusion opinion view judgment judgement
    confident certain sure fairly quite very pretty strongly means mean meaning suggests suggest indicates indicate
    shows show implies imply confirms points lead leads makes make making which matches match fits fit audio clip
    recording sound sounds segment track music voice evidence information features characteristics cues context pitch
    tone rhythm tempo quality high low short long loud clear distinct four above following provided presented
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_WORD = re.compile(r"[\w'-]+")
# After it, before any reason.
_TAKEN_BACK = re.compile(
    r"\b(?:or|but|however|unless|if|though|although|maybe|perhaps|possibly|not sure|unsure|uncertain|unclear|wrong"
    r"|incorrect|false|excluded|eliminated|ruled out|unlikely|impossible|cannot|could not|unable|undetermined|unknown"
    r"|only|is not|are not|was not|does not|do not|did not|not (?:present|audible|heard|correct|right)|none|n/a"
    r"|random\w*|guess\w*|versus|vs|neither|least|absent|missing|discarded|rejected|placeholder|uncertain|not certain"
    r"|does ?n't|example)\b|^\W*(?:no|nope|false|wrong|x)\W*$|n't\b|\?|\uff1f|吗|或"
)
_AT_ONCE = re.compile(r"\W*(?:no|nope|false|wrong|incorrect|just kidding)\W*$")
# Another letter right after it: "A, C", "A; then B", "(A) (B)".
_AND_ANOTHER = re.compile(
    rf"^[\s,;&+/|)\]\"']*(?:(?:and|then|or|followed by|also)\s+)?(?:(?:option|choice)\s+)?{_QUOTE}([a-z])"
    r"(?![\w#♯♭+'.-]\w?)(?=\s*(?:$|[.,;:)(\]/|]))"
)
_REASON = re.compile(r"\b(?:because|since|as|due to|given|based on)\b")
_CORRECTED = re.compile(
    r"\b(?:wait|actually|correction|scratch that|on second thoughts?|i mean|hold on|or rather|let me re\w+|never ?mind"
    r"|hm+|hmm+|sorry)\b|(?:^|[.!\s])no[,.]\s"
)
_TEXT_AND_LETTER = re.compile(
    rf"(?:(?:an?|the)\s+)?[\"']?(?P<mask>{MASK})[\"']?\s*[-:,(\[\u2013\u2014]+\s*(?:option\s+)?(?P<letter>[a-z])[)\]]?[.!]?"
)
_CONTRADICTION = re.compile(
    rf"^[\s.,:;)\]\"'\u2013\u2014-]*\(?(?:(?:it|this|that)(?:'s|\s+is)\s+)?(?:(?:an?|the)\s+)?[\"']?({MASK})[\"']?\s*"
    r"(?:$|[.,;()]|\s(?:because|since)\b)"
)
_LABELS = re.compile(rf"^{_QUOTE}[a-z](?![\w'])|\s\(?[a-z][.):]\s")


@dataclass(frozen=True, slots=True)
class _Statement:
    """One stated answer: its option (None if letter and text contradict each other) and its end in the text."""

    index: int | None
    end: int
    final: bool = False


def read_stated(text: str, options: Options) -> set[int] | None:
    """Return the options that a masked text states; None if nothing is stated, empty if the statement is withdrawn."""
    if both := _TEXT_AND_LETTER.fullmatch(text):
        named = {options.read_mask(both["mask"]), options.read_letter(both["letter"])}
        return {index for index in named if index is not None}
    text = _join_headings(text)
    stated = _find_statements(text, options)
    lines = _read_lines(text, options)
    if not stated:
        if lines and _CORRECTED.search(text, max(one.end for one in lines)):
            return set()
        return {one.index for one in lines if one.index is not None} if _agree(lines) else (set() if lines else None)
    if _CORRECTED.search(text, max(one.end for one in stated)):
        return set()
    if not _agree(stated):
        stated = [one for one in stated if one.final]
    if _agree(lines):  # else they list the options, or are withdrawn
        stated = [*stated, *lines]
    return {one.index for one in stated if one.index is not None} if _agree(stated) else set()


def _agree(statements: list[_Statement]) -> bool:
    named = {one.index for one in statements}
    return len(named) == 1 and None not in named


def _join_headings(text: str) -> str:
    """Join "Answer:" on a line of its own with the next line."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and _HEADING.match(lines[-1]):
            lines[-1] = f"{lines[-1].lstrip('# ').rstrip(' :.')}: {line}"
        else:
            lines.append(line)
    return "\n".join(lines)


def _find_statements(text: str, options: Options) -> list[_Statement]:
    found: list[_Statement] = []
    place = 0
    for line in text.split("\n"):
        start = 0
        for sentence in _SENTENCE.split(line):
            at = line.index(sentence, start)
            start = at + len(sentence)
            for form in _FORMS:
                for hit in form.finditer(sentence):
                    if _is_meant(sentence, hit):
                        index = _resolve(hit, line[at + hit.end() :], options)
                        if index != -1:
                            final = sentence[: hit.start()].endswith("final ") or hit[0].startswith("final")
                            found.append(_Statement(index, place + at + hit.end(), final))
        place += len(line) + 1
    return found


def _is_meant(sentence: str, hit: re.Match[str]) -> bool:
    before, after = sentence[: hit.start()], sentence[hit.end() :]
    clause = _CLAUSE.split(before)[-1]
    if _NOT_MEANT.search(before) or _DENIED.search(clause):
        return False
    if hit.re in _ABOUT and not all(word in _INTRO for word in _WORD.findall(clause)):
        return False
    reason = _REASON.search(after)
    return not _TAKEN_BACK.search(after[: reason.start()] if reason else after) and not sentence.rstrip().endswith("?")


def _resolve(hit: re.Match[str], rest: str, options: Options) -> int | None:
    """Return the option of a statement; None if letter and text differ, -1 if no option has that letter."""
    if hit["mask"]:
        return options.read_mask(hit["mask"])
    index = options.read_letter(hit["letter"])
    if index is None:
        return -1
    other = _CONTRADICTION.match(rest)
    if other and options.read_mask(other[1]) != index:
        return None
    if _AT_ONCE.match(rest):
        return None
    another = _AND_ANOTHER.match(rest)
    return None if another and options.read_letter(another[1]) not in {None, index} else index


def _read_lines(text: str, options: Options) -> list[_Statement]:
    """Return the letters at the beginnings of lines; the option is None if later text withdraws it."""
    lines = text.split("\n")
    found: list[_Statement] = []
    place = 0
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        hit = _LINE.match(line)
        index = options.read_letter(hit["letter"]) if hit else None
        if hit and index is not None:
            told = hit["rest"]
            other = _CONTRADICTION.match(told or following)
            differs = other is not None and options.read_mask(other[1]) != index
            reason = _REASON.search(told)
            said = told[: reason.start()] if reason else told
            # "A: the rain falls" may be the A of question and answer.
            unclear = hit["sign"].strip() == ":" and bool(said) and not other
            corrected = _CORRECTED.search(said) is not None
            kept = not (differs or unclear or corrected or _TAKEN_BACK.search(said) or _LABELS.search(said))
            found.append(_Statement(index if kept else None, place + len(line)))
        place += len(line) + 1
    return found
