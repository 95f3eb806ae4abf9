"""A sample of rows that come block by block, the same for any order of the blocks.

Each row has a number u between 0 and 1, made of a salt and of what stands in the row itself, and a
score. It belongs to the sample where u < factor · score: with that probability, so that it stands
for 1/min(1, factor · score) rows (sequential Poisson sampling, Ohlsson 1998). The factor falls
when more rows have come than the sample may hold; samples of blocks add up.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack

from logreg.targets import Targets

Array = NDArray[np.float64]
Bits = NDArray[np.uint64]

SLACK = 1.25  # more rows than `most` that may be held for a while
ROOM = 1.3  # times `most` that the blocks may give together, where their scores are about known
PIECE = 2**13  # numbers that are mixed at a time, in a cache
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(key: Bits) -> Bits:
    """Bits of which each depends on all of the key's (Steele et al. 2014, SplitMix)."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Bits = key ^ (key >> np.uint64(31))
    return mixed


def _label_bits(label: Any) -> int:
    """Bits of a label, the same in every process (`hash` of a string is not)."""
    return int.from_bytes(blake2b(repr(label).encode(), digest_size=8).digest(), "little")


def uniforms(
    X: Any, y: Targets, weight: Array | None, salt: int, start: int | None = None
) -> Array:
    """A number from 0 to 1 for each row, (n,): by its place among all rows, if the place of the
    first is known, or by its contents.
    """
    n = X.shape[0]
    key = np.arange(start or 0, (start or 0) + n, dtype=np.uint64)
    if start is None:
        contents = _Contents(X, y, weight)
        for rows in _pieces(n, contents.width):
            key[rows] = contents.key(rows)
        ordered = np.sort(key)
        if np.any(ordered[1:] == ordered[:-1]):
            key += _earlier(key) * GOLDEN
    salted, numbers = _mixed(np.array([salt], dtype=np.uint64)), np.empty(n)
    for rows in _pieces(n, 1):
        known = _mixed(key[rows] if start is None else key[rows] * GOLDEN)
        numbers[rows] = (_mixed(known + salted) >> np.uint64(11)) * 2.0**-53
    return numbers


def _pieces(n: int, width: int) -> Iterator[slice]:
    """Rows with about `PIECE` numbers together."""
    step = max(PIECE // max(width, 1), 1)
    return (slice(first, min(first + step, n)) for first in range(0, n, step))


class _Contents:
    """Bits of what stands in a row, with its class and its weight."""

    def __init__(self, X: Any, y: Targets, weight: Array | None) -> None:
        self.X, self.codes, self.weight = X, y.codes, weight
        self.sparse: bool = issparse(X)
        self.width = X.nnz // max(X.shape[0], 1) if self.sparse else X.shape[1]
        labels = [_label_bits(label) for label in y.classes.tolist()]
        self.labels = np.array(labels, dtype=np.uint64) * GOLDEN
        draw = np.random.default_rng(1).integers(2**64, size=X.shape[1], dtype=np.uint64)
        self.odd = draw | np.uint64(1)

    def key(self, rows: slice) -> Bits:
        if self.sparse:
            ends = self.X.indptr[rows.start : rows.stop + 1]
            stored = slice(ends[0], ends[-1])
            sums = np.zeros(stored.stop - stored.start + 1, dtype=np.uint64)
            np.cumsum(_bits(self.X.data[stored]) * self.odd[self.X.indices[stored]], out=sums[1:])
            key = sums[ends[1:] - ends[0]] - sums[ends[:-1] - ends[0]]
        else:
            key = np.einsum("ij,j->i", _bits(self.X[rows]), self.odd)
        key = _mixed(key + self.labels[self.codes[rows]])
        return key if self.weight is None else _mixed(key + self.weight[rows].view(np.uint64))


def _bits(values: Any) -> NDArray[Any]:
    """Those of the numbers, so that products with odd numbers differ where the numbers do.

    A whole number has its bits at the upper end, where products would lose them: with those of the
    exponent at the lower end as well, rows agree only if all of their numbers do.
    """
    values = np.ascontiguousarray(values)
    double = values.dtype.itemsize == 8
    bits = values.view(np.uint64 if double else np.uint32)
    mixed: NDArray[Any] = bits ^ (bits >> bits.dtype.type(52 if double else 23))
    return mixed


def _earlier(key: Bits) -> Bits:
    """How many equal keys come before each."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    each = np.arange(len(key))
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    run = each - np.maximum.accumulate(np.where(first, each, 0))
    earlier = np.empty(len(key), dtype=np.uint64)
    earlier[order] = run
    return earlier


class Reservoir:
    """About `most` rows, with what each of them stands for."""

    def __init__(self, most: int) -> None:
        self.most, self.factor = most, np.inf
        self.parts: list[tuple[Any, NDArray[Any], Array]] = []
        self.score, self.u = np.empty(0), np.empty(0)

    @classmethod
    def of(
        cls,
        most: int,
        X: Any,
        labels: NDArray[Any],
        weight: Array | None,
        score: Array,
        u: Array,
        total: float | None = None,
    ) -> "Reservoir":
        """The sample of one block's rows, those without a weight or score left out.

        Where the scores of all blocks come to about `total`, rows that will not remain in the
        sample of all are left out at once: a block on another machine need not send them.
        """
        one = cls(most)
        if total is not None:
            one.factor = ROOM * most / total
        score = score if weight is None else np.where(weight > 0, score, 0.0)
        one.score, one.u = score, u
        priority = one.priority
        one.factor = min(one.factor, _limit(priority, most))
        keep = np.flatnonzero(priority < one.factor)
        each = np.ones(len(keep)) if weight is None else weight[keep]
        one.parts = [(X[keep], labels[keep], each)]
        one.score, one.u = score[keep], u[keep]
        return one

    @property
    def priority(self) -> Array:
        """The factor from which on each row belongs to the sample."""
        with np.errstate(divide="ignore", invalid="ignore"):
            priority: Array = np.where(self.score > 0, self.u / self.score, np.inf)
        return priority

    def encoded(self, labels: NDArray[Any]) -> "Reservoir":
        """The same with the places of its labels among all in place of the labels."""
        self.parts = [(X, np.searchsorted(labels, y), weight) for X, y, weight in self.parts]
        return self

    def __add__(self, other: "Reservoir") -> "Reservoir":
        both = Reservoir(min(self.most, other.most))
        both.factor = min(self.factor, other.factor)
        both.parts = self.parts + other.parts
        both.score = np.concatenate([self.score, other.score])
        both.u = np.concatenate([self.u, other.u])
        if len(both.u) > SLACK * both.most:  # not at every block: rows are gathered
            both._join_equals()
            priority = both.priority
            both.factor = min(both.factor, _limit(priority, both.most))
            both._gather(np.flatnonzero(priority < both.factor))
        return both

    def _join_equals(self) -> None:
        """Rows of several blocks that have the same number, as they agree: one for all of them."""
        numbers, first, inverse = np.unique(self.u, return_index=True, return_inverse=True)
        if len(numbers) == len(self.u):
            return
        weight: Array = np.bincount(inverse, self.rows[2]).astype(np.float64)
        order = np.argsort(first)
        self._gather(first[order])
        X, labels, _ = self.rows
        self.parts = [(X, labels, weight[order])]

    def _gather(self, keep: NDArray[np.intp]) -> None:
        """Keep these rows, in rising order."""
        ends = np.cumsum([0, *(len(labels) for _, labels, _ in self.parts)])
        each = [keep[(a <= keep) & (keep < b)] - a for a, b in pairwise(ends)]
        self.parts = [  # part by part, so that no two copies of all are there at a time
            (X[index], labels[index], weight[index])
            for index, (X, labels, weight) in zip(each, self.parts, strict=True)
            if len(index)
        ]
        self.score, self.u = self.score[keep], self.u[keep]

    @property
    def rows(self) -> tuple[Any, NDArray[Any], Array]:
        """All that are kept, as X, y and weights."""
        X, labels, weight = zip(*self.parts, strict=True)
        table = vstack(X, format="csr") if issparse(X[0]) else np.concatenate(X)
        return table, np.concatenate(labels), np.concatenate(weight)

    def drawn(self, m: int) -> tuple[Any, NDArray[Any], Array]:
        """About m rows, or as many as there are: X, y, and weights times what a row stands for."""
        self._join_equals()
        priority = self.priority
        factor = min(self.factor, _limit(priority, m))
        index = np.argsort(priority)  # the same whatever the order of the blocks
        index = index[: np.count_nonzero(priority < factor)]
        X, labels, weight = self.rows
        with np.errstate(invalid="ignore"):
            stands_for = 1.0 / np.minimum(factor * self.score[index], 1.0)
        return X[index], labels[index], weight[index] * stands_for


def _limit(priority: Array, m: int) -> float:
    """The factor for which at most m rows remain."""
    return float(np.partition(priority, m)[m]) if len(priority) > m else np.inf
