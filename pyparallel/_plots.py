"""What the plots have in common: where to draw, and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyparallel._metadata import install_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of the Okabe-Ito palette: distinct for the colour-blind, and in grey.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#606060"


def axes(function: str, ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """The axes to draw on, new ones where none are given, and their figure."""
    try:
        from matplotlib import pyplot as plt
        from matplotlib.axes import Axes
    except ImportError:
        raise ImportError(f"{function} needs matplotlib: {install_line('cli')}") from None
    if not (ax is None or isinstance(ax, Axes)):
        raise TypeError(f"{function}: ax must be matplotlib axes or None, not {type(ax).__name__}")
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure, ax
