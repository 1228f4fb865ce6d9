"""Removes the model's thinking and control tokens from a reply.

Servers with a reasoning parser send thoughts separately. Others leave them in the text, between marks that differ by
model family, and often without the opening mark, which is in the chat template. Therefore everything up to the last
closing mark is thinking, opened or not. If thinking was opened and not closed, the reply is still empty.
"""

from __future__ import annotations

import re

_WORD = (
    r"(?:[a-z0-9]+[:_])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ion)?|analysis|scratch_?pad|rationale|cot"
    r"|monologue|deliberation)"
)
_OF = r"[ _▁](?:of[ _▁])?"
# <think> (Qwen, DeepSeek, GLM), <thought> (EXAONE), <seed:think> (Seed-OSS), ◁think▷ (Kimi), [THINK] (Magistral),
# <|begin_of_thought|> (Sky-T1), <|START_THINKING|> (Command A), <unused94> (MedGemma), channels (gpt-oss, Gemma).
_OPENED = re.compile(
    rf"<\|?\s*(?:(?:begin|start){_OF})?{_WORD}(?:[_▁](?:begin|start))?(?:\s[^<>\n]{{0,80}})?\s*\|?>"
    rf"|◁\s*{_WORD}\s*▷"
    r"|(?-i:\[(?:THINK|THINKING|REASONING)\])"
    r"|<unused94>"
    r"|<\|channel\|?>\s*(?:analysis|commentary|thoughts?)\b",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    rf"<\|?\s*(?:/\s*\|?\s*{_WORD}|(?:end|stop){_OF}{_WORD}|{_WORD}[_▁]end)\s*/?\|?>"
    rf"|◁\s*/\s*{_WORD}\s*▷"
    r"|(?-i:\[/(?:THINK|THINKING|REASONING)\])"
    r"|<unused95>"
    r"|<channel\|>"
    r"|<\|channel\|>\s*final\b(?:(?:[^<\n]|<\|constrain\|>){0,40}<\|message\|>)?"
    r"|\[BEGIN FINAL RESPONSE\]"  # Apriel
    r"|^[ \t]*here is my response:",  # Granite
    re.IGNORECASE | re.MULTILINE,
)
_UNMARKED = re.compile(r"\s*(?:here is my thought process:|here are my reasoning steps:)", re.IGNORECASE)
# The channels of gpt-oss if the server drops special tokens and keeps the words: "analysisThe … assistantfinalB".
_BARE_CHANNEL = re.compile(r"\s*(?:analysis|commentary)(?=[A-Z])")
_BARE_FINAL = "assistantfinal"

_TURN_BEGIN = re.compile(
    r"(?:\s*(?:<s>|<bos>|<\|begin_of_text\|>|<\|im_start\|>\s*assistant\b|<\|start\|>\s*assistant\b|<\|assistant\|>"
    r"|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|<start_of_turn>\s*model\b|<\|turn>\s*model\b|\[/INST\]"
    r"|<\|message\|>|<\|start_response\|>|<\|chatbot_token\|>|<\|begin_of_(?:solution|answer)\|>))+",
    re.IGNORECASE,
)
# After the end of a turn comes another turn, which nobody requested.
_TURN_END = re.compile(
    r"<\|(?:im_end|im_start|eot_id|eom_id|end_of_text|endoftext|end|start|return|call|eos|eot|user|observation|system"
    r"|start_header_id|end_of_turn_token|end_response|end_of_(?:solution|answer))\|>"
    r"|</s>|<eos>|<end_of_turn>|<start_of_turn>|<turn\|>|<\|turn>|<end_of_utterance>|<[|\uff5c]end▁of▁sentence[|\uff5c]>"
    r"|\[INST\]|\[e~\[|\[END FINAL RESPONSE\]",
    re.IGNORECASE,
)


def drop_thinking(text: str) -> str:
    """Return a reply without thinking and control tokens; empty if the model is still thinking."""
    if _BARE_CHANNEL.match(text):
        text = text.rpartition(_BARE_FINAL)[2] if _BARE_FINAL in text else ""
    ends = [found.end() for found in _CLOSED.finditer(text)]
    if not ends and _UNMARKED.match(text):
        return ""
    said = text[ends[-1] :] if ends else text
    if begin := _TURN_BEGIN.match(said):
        said = said[begin.end() :]
    said = _TURN_END.split(said, maxsplit=1)[0]
    return "" if _OPENED.search(said) else said
