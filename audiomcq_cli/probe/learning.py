"""A trained guesser: logistic regression over hashed words of question and option, and pairs of both.

It finds what counting does not, a word of the question that goes with a word of the key, and comes nearer to what a
fine-tuned model would learn from the text. Its arithmetic is not the same on every machine: it is reported only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiomcq_cli.mcq import fold
from audiomcq_cli.probe.counting import Guesses, rank
from audiomcq_cli.probe.table import Table, fold_option, list_words

if TYPE_CHECKING:
    import numpy as np

MOST = 15_000
"""Rows that it is trained and tried on: a few tens of seconds."""

_FEATURES = 1 << 18
_FOLDS = 3


def learn(table: Table) -> Guesses:
    """The guesses of a model that is trained on unrelated rows; a fold without any is guessed by hash."""
    import numpy as np
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import LogisticRegression

    features = FeatureHasher(_FEATURES, input_type="string", alternate_sign=False).transform(_describe(table))
    one, other = (folds[table.row] % _FOLDS for folds in (table.folds, table.set_folds))
    odds: np.ndarray[Any, np.dtype[np.float64]] = np.zeros(len(table.row))
    for first in range(_FOLDS):
        for second in range(_FOLDS):
            tried, known = (one == first) & (other == second), (one != first) & (other != second)
            if tried.any() and len(np.unique(table.key[known])) == 2:
                model = LogisticRegression(C=1.0, solver="liblinear", random_state=0)
                odds[tried] = model.fit(features[known], table.key[known]).decision_function(features[tried])
    return rank(table, odds)


def _describe(table: Table) -> Sequence[Sequence[str]]:
    """The features of every slot: the option, its words and pairs of neighbours, each also with the stem, and each of
    its words with each word of the question."""
    found = []
    for asked in table.rows:
        question = list_words(fold(asked.question))
        for option in map(fold_option, asked.options):
            words = list_words(option)
            own = [option, *words, *(f"{first} {second}" for first, second in zip(words, words[1:], strict=False))]
            own += [f"{asked.stem}|{one}" for one in own]
            found.append([*own, *(f"{word}>{mine}" for word in question for mine in words)])
    return found
