"""A model that hears, of random weights and a few hundred kilobytes, as llama.cpp reads it: its words mean nothing.

Two GGUF files: a language model of one layer whose tokens are bytes, and an audio projector as Ultravox has it, which
is Whisper's encoder (128 mel bands, windows of 30 s) with a stack of frames behind it. Layouts:
https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py and ``tools/mtmd/clip.cpp`` beside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

WIDTH, INNER, HEADS = 32, 64, 2
MEL_BANDS, POSITIONS = 128, 1500
STACK = 10
"""Frames that become one token: 150 tokens for a window of 30 s."""

START, END = "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_language_model(path: Path) -> None:
    """A llama of one layer."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    tokens = [*_spell_bytes(), START, END]
    writer.add_context_length(8192)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * 2)
    writer.add_token_merges(["a b"])  # llama.cpp wants one; its result is no token, so it never happens
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)

    draw = _Draw(1, 0.3)
    draw.add(writer, "token_embd.weight", len(tokens), WIDTH, spread=1.0)
    draw.add(writer, "output.weight", len(tokens), WIDTH, spread=1.0)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        draw.add(writer, f"blk.0.{name}.weight", WIDTH, WIDTH)
    draw.add(writer, "blk.0.ffn_gate.weight", INNER, WIDTH)
    draw.add(writer, "blk.0.ffn_up.weight", INNER, WIDTH)
    draw.add(writer, "blk.0.ffn_down.weight", WIDTH, INNER)
    _write(writer)


def write_projector(path: Path) -> None:
    """An Ultravox projector for it."""
    import gguf

    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_clip_has_audio_encoder(True)
    writer.add_clip_projector_type("ultravox")
    writer.add_audio_num_mel_bins(MEL_BANDS)
    writer.add_audio_embedding_length(WIDTH)
    writer.add_audio_feed_forward_length(INNER)
    writer.add_audio_block_count(1)
    writer.add_audio_head_count(HEADS)
    writer.add_audio_attention_layernorm_eps(1e-5)
    writer.add_audio_projection_dim(WIDTH)
    writer.add_audio_stack_factor(STACK)
    writer.add_bool("clip.use_gelu", True)

    draw = _Draw(2, 0.05)
    for number, inputs in ((1, MEL_BANDS), (2, WIDTH)):
        draw.add(writer, f"a.conv1d.{number}.weight", WIDTH, inputs, 3, type=np.float16)
        draw.add(writer, f"a.conv1d.{number}.bias", WIDTH, 1)
    draw.add(writer, "a.position_embd.weight", POSITIONS, WIDTH)
    for name in ("a.blk.0.ln1", "a.blk.0.ln2", "a.post_ln"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        draw.add(writer, f"{name}.bias", WIDTH)
    for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
        draw.add(writer, f"a.blk.0.{name}.weight", WIDTH, WIDTH)
        if name != "attn_k":  # Whisper's keys have none
            draw.add(writer, f"a.blk.0.{name}.bias", WIDTH)
    for name, outputs, inputs in (("ffn_up", INNER, WIDTH), ("ffn_down", WIDTH, INNER)):
        draw.add(writer, f"a.blk.0.{name}.weight", outputs, inputs)
        draw.add(writer, f"a.blk.0.{name}.bias", outputs)
    writer.add_tensor("mm.a.norm_pre.weight", np.ones(WIDTH * STACK, np.float32))
    writer.add_tensor("mm.a.norm_mid.weight", np.ones(WIDTH, np.float32))
    draw.add(writer, "mm.a.mlp.1.weight", 2 * WIDTH, WIDTH * STACK)  # of which one half gates the other
    draw.add(writer, "mm.a.mlp.2.weight", WIDTH, WIDTH, spread=1.0)
    _write(writer)


class _Draw:
    """Adds tensors of normally distributed weights."""

    def __init__(self, seed: int, spread: float) -> None:
        self._random = np.random.default_rng(seed)
        self._spread = spread

    def add(self, writer: Any, name: str, *shape: int, spread: float = 0.0, type: Any = np.float32) -> None:
        weights = self._random.standard_normal(shape) * (spread or self._spread)
        writer.add_tensor(name, weights.astype(type))


def _write(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _spell_bytes() -> list[str]:
    """The 256 bytes as GPT-2's tokenizer spells them: those that cannot be printed as letters from 256 on."""
    printed = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printed else next(others)) for byte in range(256)]
