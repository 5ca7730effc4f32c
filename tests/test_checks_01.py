"""What the checks of 01-introduction reject, and with which hint; and that the best is the best."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import chain, combinations

import numpy as np
import pytest

from notebooks import checks_01
from tests.test_notebooks import rejected

RIGHT_KINDS = {
    "photos": "parallel",
    "total": "reformulable",
    "balance": "reformulable",
    "digest": "serial",
    "darts": "parallel",
    "orbit": "serial",
}


@pytest.mark.parametrize(
    ("task", "kind", "hint"),
    [
        ("photos", "serial", "anything of the first"),
        ("photos", "reformulable", "no photo needs"),
        ("total", "serial", "in this order"),
        ("total", "parallel", "the turn before"),
        ("balance", "serial", "beginning at 0"),
        ("balance", "parallel", "the turn before"),
        ("digest", "parallel", "the turn before"),
        ("digest", "reformulable", "short cut"),
        ("darts", "serial", "where the first one went"),
        ("darts", "reformulable", "that is a sum"),
        ("orbit", "parallel", "one point"),
        ("orbit", "reformulable", "leaves out"),
        ("total", "paralel", None),
        ("total", ["serial"], None),
    ],
)
def test_sort_rejects(task, kind, hint):
    assert checks_01.sort(RIGHT_KINDS).passed
    assert rejected(checks_01.sort(RIGHT_KINDS | {task: kind}), hint)


def test_sort_wants_each_task_and_no_other():
    assert "no" in checks_01.sort({"photos": "parallel"}).text
    assert '"dart"' in checks_01.sort(RIGHT_KINDS | {"dart": "parallel"}).text
    assert rejected(checks_01.sort(list(RIGHT_KINDS.values())), None)
    assert checks_01.sort(RIGHT_KINDS | {"orbit": ...}).state == "unsolved"


def cut(numbers, starts, stops):
    return [sum(numbers[a:b]) for a, b in zip(starts, stops, strict=True)]


def losing(numbers, k):
    size = len(numbers) // k
    return [sum(numbers[i * size : (i + 1) * size]) for i in range(k)]


def one_more_chunk(numbers, k):
    size = len(numbers) // k
    rest = numbers[k * size :]
    return losing(numbers, k) + ([sum(rest)] if rest else [])


def rest_to_the_last(numbers, k):
    starts = [i * (len(numbers) // k) for i in range(k)]
    return cut(numbers, starts, [*starts[1:], len(numbers)])


def rounded_up(numbers, k):
    size = -(-len(numbers) // k)
    return [sum(numbers[i * size : (i + 1) * size]) for i in range(k)]


def overlapping(numbers, k):
    cuts = [len(numbers) * i // k for i in range(k + 1)]
    return cut(numbers, cuts[:-1], [stop + 1 for stop in cuts[1:]])


def gaps(numbers, k):
    cuts = [len(numbers) * i // k for i in range(k + 1)]
    return cut(numbers, cuts[:-1], [stop - 1 if stop else 0 for stop in cuts[1:]])


def only_full_chunks(numbers, k):
    return [part for part in right_sums(numbers, k) if part]


def right_sums(numbers, k):
    cuts = [len(numbers) * i // k for i in range(k + 1)]
    return cut(numbers, cuts[:-1], cuts[1:])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (losing, "are 20 numbers"),
        (one_more_chunk, "no chunk of its own"),
        (only_full_chunks, "may be empty"),
        (rest_to_the_last, "Deal out"),
        (rounded_up, "Deal out"),
        (overlapping, "ends before stop"),
        (gaps, None),
        (lambda numbers, k: sum(numbers), "sum(chunk)"),
        (lambda numbers, k: [numbers[i::k] for i in range(k)], "sum(chunk)"),
        (lambda numbers, k: [0] * k, None),
        (lambda numbers, k: [sum(numbers)] * k, "ends before stop"),
    ],
)
def test_chunks_rejects(answer, hint):
    assert rejected(checks_01.chunks(answer), hint)


@pytest.mark.parametrize(
    "answer",
    [
        right_sums,
        lambda numbers, k: [sum(numbers[i::k]) for i in range(k)],
        lambda numbers, k: [part.sum() for part in np.array_split(numbers, k)],
        lambda numbers, k: np.array(right_sums(numbers, k)),
        lambda numbers, k: tuple(map(float, right_sums(numbers, k))),
    ],
    ids=["slices", "every k-th", "array_split", "an array", "floats"],
)
def test_chunks_accepts_any_way_to_cut(answer):
    assert checks_01.chunks(answer).passed


# A recipe of our own: the chain with the most tasks (a, b, c, end) is not the longest (d, e, end).
RECIPE = {
    "minutes": {"a": 1, "b": 2, "c": 3, "d": 1, "e": 11, "f": 5, "end": 4},
    "needs": {"a": [], "b": ["a"], "c": ["b"], "d": [], "e": ["d"], "f": [], "end": ["c", "e"]},
}
BEST = {
    "a": (2, 0),
    "b": (2, 1),
    "c": (2, 3),
    "d": (1, 0),
    "e": (1, 1),
    "f": (2, 6),
    "end": (1, 12),
}


@pytest.mark.parametrize(
    ("minutes", "hint"),
    [
        (27, "one cook alone"),
        (13.5, "they wait"),
        (10, "most tasks"),
        (11, "longest task alone"),
        (12, 'to "end"'),
        (4, None),
        ("16", None),
        (True, None),
    ],
)
def test_critical_path_rejects(minutes, hint):
    assert checks_01.critical_path(16, **RECIPE).passed
    assert rejected(checks_01.critical_path(minutes, **RECIPE), hint)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {task: (3 - cook, begin) for task, (cook, begin) in BEST.items()},
        {"f": (2, 11)},
        {"f": (2, 10.5)},
        {"a": [2, 0]},
        {"a": (np.int64(2), np.int64(0))},
    ],
    ids=["best", "cooks swapped", "later", "half a minute", "a list", "NumPy's"],
)
def test_two_cooks_accepts_every_best_plan(changes):
    assert checks_01.two_cooks(BEST | changes, **RECIPE).passed


@pytest.mark.parametrize(
    ("changes", "text", "hint"),
    [
        ({"f": (2, 5)}, 'Cook 2 does two things at once: "c" until minute 6, but "f"', "later"),
        ({"f": (1, 15)}, 'Cook 1 does two things at once: "end" until minute 16', "later"),
        ({"f": (1, 0)}, "Cook 1 does two things at once", "other cook"),
        ({"end": (1, 11)}, '"end" begins at minute 11, but it needs "e"', "arrows"),
        ({"b": (1, 0)}, '"b" begins at minute 0, but it needs "a"', "arrows"),
        ({"end": (1, 13)}, "takes 17 minutes, and 16 are possible", "at every moment"),
        ({"f": (2, 12)}, "takes 17 minutes, and 16 are possible", "at every moment"),
        ({"f": (3, 6)}, "should be 1 or 2, not 3", None),
        ({"f": ("2", 6)}, "should be 1 or 2", None),
        ({"f": (2, -5)}, "from 0 on", None),
        ({"f": (2, "6")}, "from 0 on", None),
        ({"f": (2, float("nan"))}, "from 0 on", None),
        ({"f": 6}, "a cook and a minute", None),
        ({"f": (2, 6, 11)}, "a cook and a minute", None),
        ({"g": (2, 6)}, '"g", which is none of the tasks', None),
    ],
)
def test_two_cooks_rejects(changes, text, hint):
    result = checks_01.two_cooks(BEST | changes, **RECIPE)
    assert rejected(result, hint)
    assert text in result.text


def test_two_cooks_wants_a_plan_for_each_task():
    assert checks_01.two_cooks(BEST | {"f": (2, ...)}, **RECIPE).state == "unsolved"
    assert checks_01.two_cooks(BEST | {"f": ...}, **RECIPE).state == "unsolved"
    without = {task: entry for task, entry in BEST.items() if task != "f"}
    assert 'no "f"' in checks_01.two_cooks(without, **RECIPE).text
    assert rejected(checks_01.two_cooks(list(BEST), **RECIPE), None)


def minute_by_minute(minutes, needs, cooks):
    """The shortest time for whole minutes: in each, free cooks begin any of the ready tasks."""

    def next_minute(state) -> Iterator[tuple[frozenset[str], frozenset[tuple[str, int]]]]:
        done, running = state
        begun = done | {task for task, _ in running}
        open_tasks = [t for t in minutes if t not in begun and done.issuperset(needs[t])]
        free = cooks - len(running)
        choices = chain.from_iterable(combinations(open_tasks, n) for n in range(free + 1))
        for chosen in choices:
            left = [*running, *((task, minutes[task]) for task in chosen)]
            yield (
                done | {task for task, rest in left if rest == 1},
                frozenset((task, rest - 1) for task, rest in left if rest > 1),
            )

    time, states = 0, {(frozenset(), frozenset())}
    while all(len(done) < len(minutes) for done, _ in states):
        time, states = time + 1, {after for state in states for after in next_minute(state)}
    return time


@pytest.mark.parametrize("seed", range(40))
def test_no_plan_is_shorter_than_the_shortest(seed):
    draw = random.Random(seed)
    tasks = "abcdef"
    minutes = {task: draw.randint(1, 5) for task in tasks}
    needs = {task: [n for n in tasks[:k] if draw.random() < 0.3] for k, task in enumerate(tasks)}
    for cooks in (1, 2, 3):
        best = minute_by_minute(minutes, needs, cooks)
        assert checks_01.shortest(minutes, needs, cooks) == best


def test_a_best_plan_may_let_a_cook_wait_though_a_task_is_ready():
    minutes = {"a": 2, "b": 1, "filler": 4, "left": 4, "right": 4, "last": 5}
    needs = {
        "a": [],
        "b": [],
        "filler": ["b"],  # ready at minute 1, but it can be done beside the last task
        "left": ["a"],
        "right": ["a"],
        "last": ["left", "right"],
    }
    assert checks_01.shortest(minutes, needs) == minute_by_minute(minutes, needs, 2) == 11


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_01.sending, {"a": 0.1, "b": 1.0, "c": 10.0}),
        (checks_01.eight_cooks, {"a": 8.0, "b": 4.0, "c": 1.8}),
    ],
)
def test_01_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, value).right
        assert compare("", value).measured == letter
