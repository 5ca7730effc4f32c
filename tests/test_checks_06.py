"""What the checks of 06-photo-mosaic reject, and with which hint."""

from __future__ import annotations

from typing import Any

import dask.bag as db
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

import pyparallel as pp
from notebooks import checks_06
from tests.test_notebooks import rejected

TIMINGS = {"decode": 8.0, "colours": 1.0, "search": 0.5, "paste": 0.5}


@pytest.mark.parametrize(
    ("name", "limit", "hint"),
    [
        ("search", 10 / 9.5, "the largest"),
        ("decoding", 10 / 9.5, None),
        (None, 10 / 9.5, None),
        ("decode", 20.0, "only the search is left"),
        ("decode", 0.05, "share of the time"),
        ("decode", 0.95, "Upside down"),
        ("decode", 5.0, None),
        ("decode", "1.05 times", None),
    ],
)
def test_bottleneck_rejects(name, limit, hint):
    assert checks_06.bottleneck("decode", 10 / 9.5, timings=TIMINGS).passed
    assert rejected(checks_06.bottleneck(name, limit, timings=TIMINGS), hint)


def test_the_bottleneck_is_what_was_measured():
    assert checks_06.bottleneck("paste", 10 / 9, timings={"search": 1.0, "paste": 9.0}).passed


def by_bag(paths: Any, thumbnail: Any, scheduler: str = "threads") -> Any:
    return np.stack(db.from_sequence(paths).map(thumbnail).compute(scheduler=scheduler))


def computed_twice(paths: Any, thumbnail: Any) -> Any:
    by_bag(paths, thumbnail)
    return by_bag(paths, thumbnail)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda paths, thumbnail: np.stack([thumbnail(path) for path in paths]), "from_sequence"),
        (lambda paths, thumbnail: db.from_sequence(paths).map(thumbnail), ".compute(scheduler"),
        (
            lambda paths, thumbnail: (
                db.from_sequence(paths).map(thumbnail).compute(scheduler="sync")
            ),
            "np.stack",
        ),
        (lambda paths, thumbnail: by_bag(paths, thumbnail)[::-1], "keeps the order"),
        (lambda paths, thumbnail: by_bag(paths[:-1], thumbnail), None),
        (computed_twice, "only once"),
        (lambda paths, thumbnail: by_bag(paths, thumbnail, "sync"), "Ask for threads"),
    ],
)
def test_decode_rejects(answer, hint):
    assert checks_06.decode(by_bag).passed
    assert rejected(checks_06.decode(answer), hint)


def test_decode_rejects_processes():
    answer = lambda paths, thumbnail: by_bag(paths, thumbnail, "processes")
    assert rejected(checks_06.decode(answer), "threads")


def distances(targets: Any, tiles: Any) -> Any:
    return ((targets[:, np.newaxis].astype(float) - tiles) ** 2).sum(axis=2)


def mended(targets: Any, tiles: Any) -> Any:
    return distances(targets, tiles).argmin(axis=1)


def of_bytes(targets: Any, tiles: Any) -> Any:
    return ((targets[:, np.newaxis] - tiles) ** 2).sum(axis=2).argmin(axis=1)


def wide_too_late(targets: Any, tiles: Any) -> Any:
    differences = targets[:, np.newaxis] - tiles
    return (differences.astype(int) ** 2).sum(axis=2).argmin(axis=1)


def padded(targets: Any, tiles: Any) -> Any:
    """The nearest target of each tile, in the right shape."""
    chosen = np.zeros(len(targets), np.int64)
    nearest = distances(targets, tiles).argmin(axis=0)[: len(targets)]
    chosen[: len(nearest)] = nearest
    return np.minimum(chosen, len(tiles) - 1)


def writing(targets: Any, tiles: Any) -> Any:
    chosen = mended(targets, tiles)
    tiles[:] = 0
    return chosen


WRONG_NEAREST = [
    (lambda targets, tiles: distances(targets, tiles).argmin(axis=0), "Which axis"),
    (lambda targets, tiles: distances(targets, tiles).argmax(axis=1), "farthest"),
    (lambda targets, tiles: distances(targets, tiles).min(axis=1), "argmin gives the number"),
    (distances, "Which tile has the least"),
    (of_bytes, "wrap around"),
    (wide_too_late, "wrap around"),
    (writing, "copy"),
    (padded, None),
    (lambda targets, tiles: np.full(len(targets), len(tiles)), "argmin gives the number"),
    (lambda targets, tiles: 5, None),
]


@pytest.mark.parametrize(("answer", "hint"), WRONG_NEAREST)
def test_axis_rejects(answer, hint):
    assert checks_06.axis(mended).passed
    assert rejected(checks_06.axis(answer), hint)


def test_axis_knows_the_bug_where_the_shape_is_right(monkeypatch):
    monkeypatch.setattr(checks_06, "SHAPES", [(6, 6)])
    answer = lambda targets, tiles: distances(targets, tiles).argmin(axis=0)
    assert rejected(checks_06.axis(answer), "the nearest target")


def in_blocks(targets: Any, tiles: Any, block: int = 100) -> Any:
    starts = range(0, len(targets), block)
    return np.concatenate([mended(targets[start : start + block], tiles) for start in starts])


def last_block_left_out(targets: Any, tiles: Any) -> Any:
    chosen = np.zeros(len(targets), np.int64)
    for start in range(0, len(targets) - 99, 100):
        chosen[start : start + 100] = mended(targets[start : start + 100], tiles)
    return chosen


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        *WRONG_NEAREST,
        (mended, "Loop over blocks"),
        (lambda targets, tiles: in_blocks(targets, tiles, 1500), "fewer targets"),
        (last_block_left_out, None),
        (lambda targets, tiles: in_blocks(targets[:-1], tiles), "the last block"),
        (
            lambda targets, tiles: [mended(targets[:600], tiles), mended(targets[600:], tiles)],
            "con",
        ),
        (lambda targets, tiles: in_blocks(targets, tiles).astype(float), "np.zeros(m, int)"),
        (lambda targets, tiles: pp.mosaic.match(targets, tiles), ".indices"),
    ],
)
def test_blocked_rejects(answer, hint):
    assert rejected(checks_06.blocked(answer), hint)


def test_blocked_accepts_any_block_and_any_nearest_tile():
    assert checks_06.blocked(in_blocks).passed
    assert checks_06.blocked(lambda targets, tiles: in_blocks(targets, tiles, 7)).passed
    last = lambda targets, tiles: len(tiles) - 1 - in_blocks(targets, tiles[::-1])
    assert checks_06.blocked(last).passed  # the last of those that are equally near


def each_once(targets: Any, tiles: Any) -> Any:
    return linear_sum_assignment(distances(targets, tiles))[1]


def greedy(targets: Any, tiles: Any) -> Any:
    costs, chosen = distances(targets, tiles), []
    for row in costs:
        chosen.append(row.argmin())
        costs[:, chosen[-1]] = np.inf
    return np.array(chosen)


def on_wrapped_bytes(targets: Any, tiles: Any) -> Any:
    differences = (targets[:, np.newaxis] - tiles).astype(int)
    return linear_sum_assignment((differences**2).sum(axis=2))[1]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (mended, "whoever has it already"),
        (greedy, "First come"),
        (on_wrapped_bytes, "wrap around"),
        (lambda targets, tiles: np.arange(len(targets)), "targets down"),
        (lambda targets, tiles: np.zeros(len(targets), int), None),
        (lambda targets, tiles: linear_sum_assignment(distances(targets, tiles)), "two arrays"),
        (lambda targets, tiles: pp.mosaic.assign(targets, tiles), ".indices"),
        (
            lambda targets, tiles: linear_sum_assignment(distances(targets, tiles))[0],
            "targets down",
        ),
        (
            lambda targets, tiles: linear_sum_assignment(distances(targets, tiles), maximize=True)[
                1
            ],
            "targets down",
        ),
    ],
)
def test_once_rejects(answer, hint):
    assert checks_06.once(each_once).passed
    assert rejected(checks_06.once(answer), hint)


def test_once_accepts_another_assignment_of_the_same_cost():
    assert checks_06.once(lambda t, p: len(p) - 1 - each_once(t, p[::-1])).passed


RIGHT = {case: tool for case, (tool, _) in checks_06.CASES.items()}


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (RIGHT | {"decoding": "processes"}, "lets go of the GIL"),
        (RIGHT | {"python filter": "threads"}, "take turns"),
        (RIGHT | {"tomorrow": "threads"}, "need not compute"),
        (RIGHT | {"3 features": "blocks"}, "rules most tiles out"),
        (RIGHT | {"192 features": "tree"}, "next to nothing"),
        (RIGHT | {"each once": "tree"}, "compete"),
        (RIGHT | {"each once": "luck"}, None),
        ({"decoding": "threads"}, None),
        ("threads", None),
    ],
)
def test_table_rejects(answer, hint):
    assert checks_06.table(RIGHT).passed
    assert rejected(checks_06.table(answer), hint)


def test_a_table_with_gaps_is_not_solved_yet():
    assert checks_06.table(RIGHT | {"tomorrow": ...}).state == "unsolved"


def test_each_option_of_a_prediction_can_come_out():
    for letter, step in {"a": "search", "b": "decode", "c": "paste", "d": "colours"}.items():
        timings = {**dict.fromkeys(TIMINGS, 1.0), step: 2.0}
        assert checks_06.longest_step(letter, timings).right
        assert checks_06.longest_step("", timings).measured == letter
    for letter, used in {"a": 95, "b": 60, "c": 20}.items():
        assert checks_06.different_tiles(letter, used, 100).right
        assert checks_06.different_tiles("", used, 100).measured == letter
