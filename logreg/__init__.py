"""Logistic regression that reaches the optimum, proves it, and says how far it is from it."""

from logreg.arrow_blocks import ArrowBlocks
from logreg.block_inference import BlockInference
from logreg.cross_validation import LogisticRegressionCV
from logreg.estimator import LogisticRegression
from logreg.firth import FirthLogisticRegression
from logreg.formula import fit_formula
from logreg.inference import Inference
from logreg.outcome import CollinearityWarning, ConvergenceWarning, Outcome, SeparationWarning
from logreg.path import C_from_lambda, Path, logistic_path
from logreg.separation import Separation, detect_separation
from logreg.sigmoid import (
    log_sigmoid,
    log_softmax,
    logit,
    sigmoid,
    sigmoid_derivative,
    softmax,
)

__version__ = "0.1.0"

__all__ = [
    "ArrowBlocks",
    "BlockInference",
    "C_from_lambda",
    "CollinearityWarning",
    "ConvergenceWarning",
    "FirthLogisticRegression",
    "Inference",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Outcome",
    "Path",
    "Separation",
    "SeparationWarning",
    "detect_separation",
    "fit_formula",
    "log_sigmoid",
    "log_softmax",
    "logistic_path",
    "logit",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
]
