"""Diagrams of tasks, promises and plans, drawn with networkx and matplotlib."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.path import Path

PLAIN, MARKED = "#d6e6f2", "#f3b562"  # told apart in grey, too
WIDE = Path([(-5, -2), (5, -2), (5, 2), (-5, 2), (-5, -2)])  # a box for two lines of text
SMALL = 8  # points


def draw_graph(
    ax: Axes,
    graph: nx.Graph,
    positions: Mapping[Any, tuple[float, float]] | None = None,
    *,
    labels: Mapping[Any, str] | None = None,
    marked: Sequence[Any] = (),
    size: float = 2600,
    shape: Any = "o",
) -> None:
    """Draw a graph; what is marked gets another colour and thick lines.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    graph : networkx.Graph
        Without positions: a directed one without cycles.
    positions : mapping, optional
        Where each node is; by default see `in_columns`.
    labels : mapping, optional
        The text of each node; by default its attribute "label", or else the node itself.
    marked : sequence
        Nodes. An edge between two that follow each other in it is marked, too.
    size : float
        The square of the nodes' width, in points.
    shape : str or matplotlib.path.Path
        A marker of matplotlib, such as WIDE.
    """
    positions = in_columns(graph) if positions is None else positions
    labels = dict(graph.nodes(data="label")) | dict(labels or {})
    labels = {node: node if label is None else label for node, label in labels.items()}
    chain = set(pairwise(marked))
    ax.scatter(
        *zip(*(positions[node] for node in graph), strict=True),
        s=size,
        marker=shape,
        c=[MARKED if node in marked else PLAIN for node in graph],
        edgecolors="black",
        linewidths=[2.5 if node in marked else 1 for node in graph],
        zorder=2,  # above the edges
    )
    width = [3 if edge in chain else 1 for edge in graph.edges]
    nx.draw_networkx_edges(graph, positions, node_size=size, width=width, ax=ax)
    nx.draw_networkx_labels(graph, positions, labels, font_size=SMALL, ax=ax)
    ax.margins(0.1)
    ax.set_axis_off()


def in_columns(graph: nx.DiGraph) -> dict[Any, tuple[float, float]]:
    """Positions from left to right: each node as far right as those that need it allow.

    Then most arrows lead to the next column only, and don't run into other nodes. In a column,
    nodes are sorted by where their arrows lead, so that few arrows cross.
    """
    positions: dict[Any, tuple[float, float]] = {}

    def height_of_ends(node: Any) -> float:
        return -fmean([positions[end][1] for end in graph.succ[node]] or [0])

    for column, nodes in enumerate(nx.topological_generations(graph.reverse())):
        for row, node in enumerate(sorted(nodes, key=height_of_ends)):
            positions[node] = (-column, -(row + 0.5) / len(nodes))
    return positions


def task_graph(*promises: Any) -> nx.DiGraph:
    """The tasks behind Dask's promises, with an arrow from each to those that need its result.

    Each node is a task's key. Its attribute "label" is the function's name, and for a part of a
    collection its number, too.
    """
    from dask.core import get_dependencies
    from dask.utils import key_split

    tasks: dict[Any, Any] = {}
    for promise in promises:
        tasks |= promise.__dask_graph__()
    graph = nx.DiGraph()
    for key in tasks:
        part = f"\n{key[1]}" if isinstance(key, tuple) else ""
        graph.add_node(key, label=key_split(key).replace("-", "\n") + part)
        graph.add_edges_from((needed, key) for needed in get_dependencies(tasks, key))
    return graph


def draw_plan(
    ax: Axes, spans: Iterable[tuple[int, str, float, float]], marked: Collection[str] = ()
) -> None:
    """Draw who does what when, as a Gantt chart.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    spans : iterable of (int, str, float, float)
        The worker, the task, its begin and its end.
    marked : collection of str
        Tasks to draw in another colour, with thick lines.
    """
    workers = set()
    for worker, task, begin, end in spans:
        important = task in marked
        ax.broken_barh(
            [(begin, end - begin)],
            (worker - 0.45, 0.9),
            facecolor=MARKED if important else PLAIN,
            edgecolor="black",
            linewidth=2 if important else 1,
        )
        ax.text(
            (begin + end) / 2,
            worker,
            task.replace(" ", "\n"),
            fontsize=SMALL,
            rotation=90 if end - begin < 8 else 0,
            ha="center",
            va="center",
        )
        workers.add(worker)
    ax.set_yticks(sorted(workers), [f"cook {worker}" for worker in sorted(workers)])
    ax.invert_yaxis()
