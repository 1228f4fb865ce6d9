"""A trained guesser: logistic regression over hashed words of an option, of its question's opening and of its rivals.

It weighs what counting looks at one by one, so it comes nearer to what a fine-tuned model would learn from the text.
Its arithmetic is not the same on every machine: it is reported only, and no limit is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from audiomcq_cli.probe.counting import Guesses, rank
from audiomcq_cli.probe.table import FOLDS, Table, fold_option, list_words

if TYPE_CHECKING:
    import numpy as np

MOST = 8_000
"""Rows that it is trained and tried on: about 20 seconds."""

_FEATURES = 1 << 18


def learn(table: Table) -> Guesses:
    """The guesses of a model that is trained on unrelated rows; a fold without any is guessed by hash."""
    import numpy as np
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import LogisticRegression

    features = FeatureHasher(_FEATURES, input_type="string", alternate_sign=False).transform(list(_describe(table)))
    features = features[:, np.unique(features.indices)]  # a model's time goes with its columns, empty ones too
    one, other = table.folds[table.row], table.set_folds[table.row]
    odds: np.ndarray[Any, np.dtype[np.float64]] = np.zeros(len(table.row))
    for first in range(FOLDS):
        for second in range(FOLDS):
            tried, known = (one == first) & (other == second), (one != first) & (other != second)
            if tried.any() and len(np.unique(table.key[known])) == 2:
                model = LogisticRegression(C=0.2, solver="liblinear", random_state=0)
                odds[tried] = model.fit(features[known], table.key[known]).decision_function(features[tried])
    return rank(table, odds)


def _describe(table: Table) -> Iterator[list[str]]:
    """The features of every slot: the option and its words, the same with the stem, and the words of the others."""
    for asked in table.rows:
        texts = [fold_option(option) for option in asked.options]
        words = [list_words(text) for text in texts]
        for place, text in enumerate(texts):
            own = [text, *words[place]]
            others = [f"-{word}" for other, listed in enumerate(words) if other != place for word in listed]
            yield [*own, *(f"{asked.stem}|{one}" for one in own), *others]
