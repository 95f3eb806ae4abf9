"""Blocks and parameters as a problem."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logreg.block_objective import BlockObjective
from logreg.block_rows import Elsewhere, Whole
from logreg.blocks import Blocks
from logreg.design import Design
from logreg.inputs import Data
from logreg.outcome import CollinearityWarning, warn_caller
from logreg.penalty import ElasticNet
from logreg.problem import check_unpenalised, collinearity
from logreg.survey import survey
from logreg.targets import Targets

Array = NDArray[Any]


def pose_blocks(
    blocks: Blocks,
    estimator: Any,
    names: Callable[[], Any],
    penalty_of: Callable[[int], ElasticNet],
    rng: np.random.Generator,
    threads: int,
    *,
    quiet: bool = False,
) -> tuple[BlockObjective, Data]:
    """The problem, after one read of the blocks (two with class weights), and what it says of the
    data: its X has no rows.
    """
    salt = int(rng.integers(2**63))
    found, factors = survey(blocks, estimator.class_weight, names, threads, salt)
    classes, table = found.classes, found.table
    d = len(table.moments.mean)
    penalty = penalty_of(d)
    stub = Elsewhere(classes.rows, d, table, blocks.reading)
    stub.meter.passes += 1 if factors is None else 2
    alive = classes.totals > 0
    if table.sparse and not penalty.anything:
        check_unpenalised(classes.rows, d, int(alive.sum()))
    design = Design(
        stub,  # type: ignore[arg-type]
        table.moments,
        intercept=estimator.fit_intercept,
        ridge=penalty.l2,
        rotate=False,
    )
    codes = np.maximum(np.cumsum(alive) - 1, 0)
    whole = Whole(design, classes.labels, codes, factors, int(alive.sum()), threads)
    found.sample.encoded(classes.labels)
    objective = BlockObjective(blocks, whole, found, design, penalty)
    flat = undetermined(objective)
    if flat is not None and not quiet:
        warn_caller(collinearity(design, flat, names()), CollinearityWarning)
    empty = np.empty((0, d), dtype=table.dtype)
    targets = Targets(classes.labels[alive], np.empty(0, np.uint8))
    return objective.with_flat(flat), Data(empty, targets, None, None, names())


def undetermined(objective: BlockObjective) -> Array | None:
    """The directions in the columns without a penalty that change no margin, or None."""
    penalty = objective.penalty
    if penalty:
        return None
    index = penalty.free(objective.design.d)
    part = objective.columns(index).null_space() if penalty.anything else objective.null_space()
    if part is None or not penalty.anything:
        return part
    flat = np.zeros((objective.design.width, part.shape[1]))
    flat[objective.unpenalised] = part
    return flat
