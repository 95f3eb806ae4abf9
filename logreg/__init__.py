"""Logistic regression that reaches the optimum, proves it, and says how far it is from it."""

from logreg.estimator import LogisticRegression
from logreg.outcome import CollinearityWarning, ConvergenceWarning, Outcome, SeparationWarning
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
    "CollinearityWarning",
    "ConvergenceWarning",
    "LogisticRegression",
    "Outcome",
    "SeparationWarning",
    "log_sigmoid",
    "log_softmax",
    "logit",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
]
