"""What all pictures share: colours, and axes to draw into."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"  # told apart by colour-blind eyes too
COLORS = (BLUE, RED, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#882255", "#332288", "black")


def axes_or_new(ax: "Axes | None", **kwargs: Any) -> "Axes":
    """These axes or new ones, and where matplotlib is missing a sentence that says what to do."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib, which is not installed: pip install 'logreg[plot]'."
        ) from error
    if ax is not None:
        return ax
    new: Axes = plt.subplots(**kwargs)[1]
    return new
