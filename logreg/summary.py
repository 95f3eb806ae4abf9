"""The summary of an inference, as text and as HTML, in the manner of R's."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from logreg.inference import Inference

HEADS = ("coef", "std err", "z", "P>|z|", "{low}", "{high}")
COVARIANCES = {
    "nonrobust": "inverse information",
    "HC0": "robust (HC0)",
    "HC1": "robust (HC1)",
    "cluster": "robust, by clusters",
}
STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))


class Summary:
    """A title, lines about the model, a table for each class, and what to know when reading it."""

    def __init__(self, inference: "Inference", alpha: float) -> None:
        self.title, self.about = title(inference), about(inference)
        self.notes = notes(inference)
        low, high = f"[{alpha / 2:.3g}", f"{1 - alpha / 2:.3g}]"
        self.heads = ["", *(head.format(low=low, high=high) for head in HEADS), ""]
        self.tables: list[tuple[str, list[list[str]]]] = []
        frame = inference.to_frame(alpha)
        several = frame.index.nlevels > 1
        for label in frame.index.get_level_values(0).unique() if several else [None]:
            part = frame.loc[label] if several else frame
            head = f"{label!r} against {inference.baseline!r}" if several else ""
            self.tables.append((head, [_row(name, row) for name, row in part.iterrows()]))

    def __str__(self) -> str:
        everything = [self.heads] + [row for _, table in self.tables for row in table]
        widths = [max(len(row[j]) for row in everything) for j in range(len(self.heads))]

        def line(row: list[str]) -> str:
            cells = [row[0].ljust(widths[0])]
            cells += [
                cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)
            ]
            return ("  ".join(cells) + " " + row[-1]).rstrip()

        rule = "-" * len(line(self.heads))
        lines = [self.title, ""]
        lines += [f"{what + ':':18}{value}" for what, value in self.about]
        for head, table in self.tables:
            lines += ["", *([head] if head else []), line(self.heads), rule]
            lines += [line(row) for row in table]
        lines += [rule, *self.notes]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        about = "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in self.about)
        parts = [f"<h4>{escape(self.title)}</h4><table>{about}</table>"]
        heads = "".join(f"<th>{escape(head)}</th>" for head in self.heads)
        for head, table in self.tables:
            rows = "".join(
                "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
                for row in table
            )
            caption = f"<caption>{escape(head)}</caption>" if head else ""
            parts.append(f"<table>{caption}<thead><tr>{heads}</tr></thead>{rows}</table>")
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        return "<div>" + "".join(parts) + "</div>"


def title(inference: "Inference") -> str:
    """What kind of estimate the table is of."""
    classes = "Binary" if len(inference.classes) == 1 else "Multinomial"
    return f"{classes} logistic regression, {inference.kind}"


def about(inference: "Inference") -> list[tuple[str, str]]:
    """Lines for the head."""
    lines = []
    if len(inference.classes) == 1:
        lines.append(("Log-odds of", f"{inference.classes[0]!r} against {inference.baseline!r}"))
    lines += [
        ("Observations", f"{inference.nobs:,.10g}"),
        ("Log-likelihood", f"{inference.llf:.6g} (intercept only: {inference.llnull:.6g})"),
    ]
    robust = inference.cov_type != "nonrobust"
    if not (inference.penalised or robust) and inference.has_likelihood:
        p = _probability(inference.llr_pvalue)
        test = f"chi2({inference.df_model:g}) = {inference.llr:.5g}, p = {p}"
        lines.append(("Likelihood ratio", test.replace("= <", "< ")))
    if inference.has_likelihood:
        lines.append(("AIC, BIC", f"{inference.aic:.6g}, {inference.bic:.6g}"))
    return [
        *lines,
        ("McFadden's R²", f"{inference.prsquared:.4f}"),
        ("Covariance", COVARIANCES[inference.cov_type]),
    ]


def notes(inference: "Inference") -> list[str]:
    """What to know when reading the table."""
    lines = ["*** p < 0.001, ** p < 0.01, * p < 0.05, . p < 0.1"]
    if inference.penalised:
        lines.append(
            "The penalty pulls the coefficients to 0: the intervals are those of a posterior with "
            "a normal prior, and the p-values not those of a test."
        )
    if not inference.converged:
        lines.append(
            "The fit did not converge: these numbers are not to be relied on. Where the classes "
            "are separated, see FirthLogisticRegression."
        )
    return lines


def _row(name: Any, row: Any) -> list[str]:
    numbers = [_number(row[key]) for key in ("coef", "std_err")]
    z, p = row["z"], row["p"]
    stars = next((mark for limit, mark in STARS if p < limit), "")
    return [
        str(name),
        *numbers,
        "" if np.isnan(z) else f"{z:.3f}",
        _probability(p),
        _number(row["lower"]),
        _number(row["upper"]),
        stars,
    ]


def _number(x: float) -> str:
    if np.isnan(x):
        return "NaN"
    return f"{x:.4f}" if 1e-3 <= abs(x) < 1e5 or x == 0 else f"{x:.3e}"


def _probability(p: float) -> str:
    if np.isnan(p):
        return ""
    return f"{p:.4f}" if p >= 1e-4 else "<0.0001"
