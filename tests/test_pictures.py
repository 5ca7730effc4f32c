"""Diagrams of tasks and plans: where nodes are put, and what is marked."""

import dask.bag
import networkx as nx
import pytest
from dask import delayed
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from notebooks.pictures import MARKED, PLAIN, draw_graph, draw_plan, in_columns, task_graph

TREE = nx.DiGraph((k, (k - 1) // 2) for k in range(1, 12))
DIAMOND = nx.DiGraph([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("late", "d")])
LOOSE = nx.empty_graph(5, create_using=nx.DiGraph)


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


@pytest.mark.parametrize("graph", [TREE, DIAMOND, LOOSE])
def test_every_arrow_leads_to_the_right_and_every_node_has_its_place(graph):
    positions = in_columns(graph)
    assert positions.keys() == set(graph)
    assert len(set(positions.values())) == len(graph)
    assert all(positions[start][0] < positions[end][0] for start, end in graph.edges)


def test_a_node_stands_just_before_the_first_that_needs_it():
    positions = in_columns(DIAMOND)
    assert positions["late"][0] == positions["b"][0] == positions["c"][0]


def test_no_arrows_of_a_tree_cross():
    positions = in_columns(TREE)
    for one, (start, end) in enumerate(TREE.edges):
        for other, goal in list(TREE.edges)[one + 1 :]:
            if positions[start][0] == positions[other][0]:
                here = positions[start][1] - positions[other][1]
                there = positions[end][1] - positions[goal][1]
                assert here * there >= 0


def test_marked_nodes_have_another_colour(ax):
    draw_graph(ax, DIAMOND, marked=["a", "b", "d"])
    colours = [to_hex(colour) for colour in ax.collections[0].get_facecolors()]
    wanted = {"a": MARKED, "b": MARKED, "d": MARKED, "c": PLAIN, "late": PLAIN}
    assert colours == [wanted[node] for node in DIAMOND]
    widths = {arrow.get_linewidth() for arrow in ax.patches}
    assert widths == {1, 3}


def test_a_plan_has_a_row_for_each_cook_and_a_box_for_each_task(ax):
    draw_plan(ax, [(1, "wash", 0, 4), (2, "boil peas", 4, 20)], marked=["wash"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cook 1", "cook 2"]
    assert {text.get_text() for text in ax.texts} == {"wash", "boil\npeas"}
    colours = [to_hex(boxes.get_facecolor()[0]) for boxes in ax.collections]
    assert colours == [MARKED, PLAIN]


def labels_of(graph: nx.DiGraph) -> list[str]:
    return sorted(label for _, label in graph.nodes(data="label"))


def test_a_promise_that_is_used_twice_is_one_task():
    shared = delayed(abs)(-3)
    one, two = delayed(max)(shared, shared), delayed(min)(shared, 1)
    graph = task_graph(one, two)
    assert labels_of(graph) == ["abs", "max", "min"]
    assert set(graph.edges) == {(shared.key, one.key), (shared.key, two.key)}


def test_the_parts_of_a_bag_have_numbers():
    graph = task_graph(dask.bag.from_sequence(range(6), npartitions=2).sum())
    assert labels_of(graph) == [
        "from_sequence\n0",
        "from_sequence\n1",
        "sum\naggregate",
        "sum\npart\n0",
        "sum\npart\n1",
    ]
    assert nx.dag_longest_path_length(graph) == 2


def test_nodes_bear_their_labels(ax):
    graph = task_graph(delayed(abs)(delayed(len)("ab")))
    draw_graph(ax, graph)
    assert {text.get_text() for text in ax.texts} == {"abs", "len"}
    draw_graph(ax, graph, labels=dict.fromkeys(graph, "x"))
    assert {text.get_text() for text in ax.texts} == {"abs", "len", "x"}
