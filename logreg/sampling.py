"""Rows drawn with unequal probabilities, and what each that was drawn stands for."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EVENLY = 0.2  # of the scores is spread evenly, so that no row's weight is enormous


def drawn(score: Array, m: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], Array]:
    """The indices of about m rows, each kept with probability min(1, ∝ score), and its inverse.
    Changes `score`.
    """
    score += EVENLY * score.mean()
    total = float(score.sum())
    factor, room, rest, count = 1.0, float(m), total, 0
    for _ in range(5):  # rows kept for certain leave room for the others
        if not (room > 0 and rest > 1e-12 * total):
            break
        factor, before = room / rest, count
        sure = score >= 1.0 / factor
        count = int(np.count_nonzero(sure))
        if count == before:
            break
        room, rest = float(m - count), total - float(np.dot(sure, score))
    score *= factor
    index = np.flatnonzero(rng.random(len(score), dtype=np.float32) < score)
    return index, 1.0 / np.minimum(score[index], 1.0)
