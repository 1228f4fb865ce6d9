"""Answers that a sentence states, by letter or by text; what is named elsewhere in a reply does not count then.

Texts are masked here (``options.py``): one character stands for each option that is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from audiomcq_cli.answers.options import MASK, Options

_QUOTE, _UNQUOTE = r"[\"'(\[<{_]*", r"[\"')\]>}_]*"
# What may follow an answer that is stated: the end, a mark, a reason. "A dog" and "C#" are no letters.
_END = (
    r"(?=\s*(?:$|[.!,;:)(\u2013\u2014\u3002\uff0c\u3001]|-\s)"
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
_BEST = r"(?:correct|right|best|appropriate|likely|likeliest|plausible|accurate|suitable|fitting|closest)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<noun>\b{_NOUN}){_IS}(?:(?:the|most|{_BEST}|answer|option|choice|is|:)\s+)*{_NAMED}{_END}",
        rf"^(?:(?:the|my)\s+)?(?:(?:final|{_BEST})\s+)*(?:answer|option|choice)\s+{_NAMED}\s*[.!]?$",
        rf"{_NAMED}\s+(?:is|would be|must be|has to be|fits|matches)\s+(?:the\s+|clearly\s+|most\s+|single\s+|only\s+)*"
        rf"{_BEST}\b",
        rf"{_NAMED}\s+(?:is|would be|must be)\s+(?:the|my)\s+(?:final\s+|{_BEST}\s+)*(?:answer|choice|pick)\b",
        r"(?:\b(?:i|we)(?:'d|'ll|\s+would|\s+will|\s+shall|\s+am going to|\s+must|\s+have to)?\s+|^"
        r"|\b(?:so|then|thus|therefore),?\s+)"
        r"(?:choose|select|pick|go with|opt for|say|answer|vote for|settle on|conclude)\s+"
        rf"{_NAMED}{_END}",
        rf"\b(?:going|went)\s+with\s+{_NAMED}{_END}",
        rf"^(?:it|this|that)(?:'s|\s+is)\s+not\s+(?:an?\s+|the\s+)?{MASK},?\s+but\s+(?:rather\s+)?{_NAMED}\s*[.!]?$",
        r"^(?:ans|final|correct|selected|prediction|output|solution|result|antwort|respuesta|réponse|resposta|risposta"
        rf"|ответ|答え|回答|正解)\.?\s*[:=]\s*{_NAMED}{_END}",
        # Chinese: "the answer is B", "choose B".
        rf"(?<![不别勿没未非])(?:答案|选项|选择|应选|故选|选)\s*(?:应该是|应为|应是|就是|是|为)?\s*:?\s*{_NAMED}(?![\w])",
    )
)
_LINE = re.compile(
    rf"^(?:[-•]\s+)?{_QUOTE}(?:(?:option|choice)\s+)?{_QUOTE}(?P<letter>[a-z])(?![\w#♯♭+'-]){_UNQUOTE}"
    r"(?P<sign>\s*[.:,)\]]|\s+[-\u2013\u2014]\s|\s*\u2014|(?=\s+\(|\s+(?:because|since|as)\b)|\s*$)\s*(?P<rest>.*)$"
)
_HEADING = re.compile(
    r"^(?:#+\s*)?(?:(?:the|my)\s+)?(?:(?:final|correct|right|best)\s+)*(?:answer|choice)(?:\s+is)?\s*[:.]?$"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|[\u3002\uff01]")

# In front of a statement, in its sentence: a condition, a question, somebody else's view, an example.
_NOT_MEANT = re.compile(
    r"\b(?:if|whether|unless|suppos\w+|assum\w+|imagin\w+|were|might|may|maybe|perhaps|could|some|others|people"
    r"|some(?:one|body)|any(?:one|body)|many|format|form|template|examples?|e\.g|for instance|such as|instead"
    r"|pretend\w*|which|what|why|how|when|once|until|neither|nor|either|you|users?|they|respond|reply|write|output)\b"
    r"|n't say\b|not say|not claim|如果|假如|要是|若|还是|或|吗|不能|无法|不确定|可能"
)
# In front of it, in its clause.
_DENIED = re.compile(
    r"\b(?:not|no|never|without|cannot|hardly|wrong|incorrect|false|worst|least|possible|tempting|obvious|naive|typical"
    r"|common|usual|expected|random|alternative|another|other|previous|first|initial)\b|n't\b|不"
)
_CLAUSE = re.compile(r"[,;:\u2013\u2014]|\b(?:but|so|then|therefore|thus|hence|and)\b")
# Behind it, before any reason is given.
_TAKEN_BACK = re.compile(
    r"\b(?:or|but|however|unless|if|though|although|maybe|perhaps|possibly|not sure|unsure|uncertain|unclear|wrong"
    r"|incorrect|false|excluded|eliminated|ruled out|unlikely|impossible|cannot|could not|unable|undetermined|unknown"
    r"|only|is not|are not|was not|does not|do not|did not|not (?:present|audible|heard|correct|right)|none|n/a"
    r"|random\w*|guess\w*|versus|vs|neither|least)\b|n't\b|\?|\uff1f|吗|或"
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
    """One answer that was stated: the option, None where letter and text contradict each other, and where it ends."""

    index: int | None
    end: int
    final: bool = False


def read_stated(text: str, options: Options) -> set[int] | None:
    """Options that sentences of a masked text state; None where nothing is stated, empty where that is taken back."""
    if both := _TEXT_AND_LETTER.fullmatch(text):
        named = {options.read_mask(both["mask"]), options.read_letter(both["letter"])}
        return {index for index in named if index is not None}
    text = _join_headings(text)
    stated = _find_statements(text, options)
    lines = _read_lines(text, options)
    if not stated:
        return {one.index for one in lines if one.index is not None} if _agree(lines) else (set() if lines else None)
    if _CORRECTED.search(text, max(one.end for one in stated)):
        return set()
    if not _agree(stated):
        stated = [one for one in stated if one.final]
    if _agree(lines):  # else they are a list of the options, or taken back
        stated = [*stated, *lines]
    return {one.index for one in stated if one.index is not None} if _agree(stated) else set()


def _agree(statements: list[_Statement]) -> bool:
    named = {one.index for one in statements}
    return len(named) == 1 and None not in named


def _join_headings(text: str) -> str:
    """A text in which "Answer:" on a line of its own stands before the line that it is about."""
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
    if _NOT_MEANT.search(before) or _DENIED.search(_CLAUSE.split(before)[-1]):
        return False
    reason = _REASON.search(after)
    return not _TAKEN_BACK.search(after[: reason.start()] if reason else after) and not sentence.rstrip().endswith("?")


def _resolve(hit: re.Match[str], rest: str, options: Options) -> int | None:
    """The option of a statement; None where letter and text differ, -1 where there is no option of that letter."""
    if hit["mask"]:
        return options.read_mask(hit["mask"])
    index = options.read_letter(hit["letter"])
    if index is None:
        return -1
    other = _CONTRADICTION.match(rest)
    return None if other and options.read_mask(other[1]) != index else index


def _read_lines(text: str, options: Options) -> list[_Statement]:
    """Letters that lines begin with: of one that something behind it takes back, the option is None."""
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
            kept = not (differs or unclear or _TAKEN_BACK.search(said) or _LABELS.search(said))
            found.append(_Statement(index if kept else None, place + len(line)))
        place += len(line) + 1
    return found
