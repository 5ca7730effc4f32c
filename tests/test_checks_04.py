"""What the checks of 04-dask reject, and with which hint; the text that ships with it."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.bag as db
import numpy as np
import pytest
from dask import delayed

from pyparallel import lesson
from tests.test_notebooks import FOLDER, rejected

sys.path.append(str(FOLDER))  # as in the notebook's kernel
checks_04 = importlib.import_module("checks_04")

RUNS = (0, 1, 2, 3, 5)


@pytest.mark.parametrize(
    ("place", "number", "hint"),
    [
        (0, 1, "runs nothing"),
        (1, 2, "one task, run once"),
        (1, 0, "takes the value"),
        (2, 1, "does not keep"),
        (3, 2, "of one plan"),
        (3, 4, "one compute for both"),
        (4, 4, "neither knows of the other"),
        (4, 3, "Count all runs"),
        (0, True, None),
        (0, "none", "a number"),
    ],
)
def test_runs_rejects(place, number, hint):
    assert checks_04.runs(*RUNS).passed
    assert rejected(checks_04.runs(*RUNS[:place], number, *RUNS[place + 1 :]), hint)


def values_of(*values: Any) -> list[Any]:
    return list(values)


def squares_of_halves(*values: int) -> list[int]:
    return [(value // 2) ** 2 for value in values]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda *promises: list(promises), "Delay that one"),
        (lambda *promises: list(dask.compute(*promises)), "a promise again"),
        (delayed(lambda *values: values), "list(values)"),
        (delayed(lambda values: list(values)), "With a star"),
        (lambda promises: delayed(values_of)(*promises), "With a star"),
        (lambda *promises: delayed(list)(*promises), "list takes one"),
        (delayed(squares_of_halves), "squares, not sums"),
        (lambda *promises: delayed(lambda *values: list(values))(promises), "with a star"),
        (delayed(lambda *values: list(values[::-1])), None),
        (delayed(lambda *values: sum(values)), None),
        (lambda *promises: len(promises), "computed already"),
    ],
)
def test_gather_rejects(answer, hint):
    assert rejected(checks_04.gather(answer), hint)


@pytest.mark.parametrize(
    "answer", [delayed(values_of), lambda *promises: delayed(list(promises))], ids=["star", "list"]
)
def test_gather_accepts(answer):
    assert checks_04.gather(answer).passed


def test_a_delayed_stub_is_not_solved():
    assert checks_04.gather(delayed(lambda *values: ...)).state == "unsolved"
    assert checks_04.pi(lambda *problem: delayed(...)).state == "unsolved"


Estimate = Callable[[int, int], float]


def promised(
    estimate: Estimate,
    n: int,
    parts: int,
    *,
    seeds: Callable[[int], int] = lambda k: k,
    mean: Any = np.mean,
) -> Any:
    return delayed(mean)([delayed(estimate)(n, seeds(k)) for k in range(parts)])


def eager(estimate: Estimate, n: int, parts: int) -> Any:
    return delayed(np.mean)([delayed(estimate(n, k)) for k in range(parts)])


def in_one_task(estimate: Estimate, n: int, parts: int) -> Any:
    return delayed(lambda: np.mean([estimate(n, k) for k in range(parts)]))()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (eager, "on the spot"),
        (lambda e, n, parts: np.mean([e(n, k) for k in range(parts)]), "Neither call"),
        (in_one_task, "once for each seed"),
        (lambda *problem: promised(*problem, seeds=lambda k: 0), "no better than one"),
        (lambda *problem: promised(*problem, seeds=lambda k: k + 1), None),
        (lambda *problem: promised(*problem, mean=sum), "their sum"),
        (lambda *problem: promised(*problem, mean=max), "the last one"),
        (lambda e, n, parts: promised(e, n // parts, parts), None),
        (lambda e, n, parts: promised(e, n, 2), None),
        (lambda *problem: 3.14, "computed already"),
        (lambda e, n, k: delayed(np.mean)(*[delayed(e)(n, s) for s in range(k)]), "no star"),
        (lambda e, n, parts: np.mean([delayed(e)(n, k) for k in range(parts)]), "Delay it, too"),
        (lambda e, n, parts: [delayed(e)(n, k) for k in range(parts)], "Delay the mean, too"),
    ],
)
def test_pi_rejects(monkeypatch, answer, hint):
    monkeypatch.setattr(checks_04, "TOGETHER", 0.2)
    assert rejected(checks_04.pi(answer), hint)


def test_pi_accepts():
    assert checks_04.pi(promised).passed


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("words.map(len)", 23, None),
        ("words.map(long)", ["flood", "spring", "slack"], "True or False"),
        ("words.filter(long)", [False, True, True, False, True], "the items themselves"),
        ("words.filter(len)", [3, 5, 6, 4, 5], "All but 0"),
        ("words.filter(len)", [], "All but 0"),
    ],
)
def test_forecast_rejects(name, answer, hint):
    assert checks_04.forecast(checks_04.FORECASTS).passed
    assert rejected(checks_04.forecast(checks_04.FORECASTS | {name: answer}), hint)
    assert checks_04.forecast(checks_04.FORECASTS | {name: ...}).state == "unsolved"


def test_the_forecasts_are_what_dask_computes():
    words = db.from_sequence(["ebb", "flood", "spring", "neap", "slack"], npartitions=2)
    names = {"words": words, "long": lambda word: len(word) > 4}
    for name, wanted in checks_04.FORECASTS.items():
        assert eval(name, names).compute(scheduler="threads") == wanted


def pluck(bag: db.Bag, key: Any) -> db.Bag:
    return bag.map(lambda row: row[key])


def distinct(bag: db.Bag) -> Any:
    return bag.reduction(set, lambda sets: set().union(*sets))


@pytest.mark.parametrize(
    ("pluck", "distinct", "hint"),
    [
        (lambda bag, key: [row[key] for row in bag.compute(scheduler="sync")], distinct, "compute"),
        (lambda bag, key: bag.map(lambda row: key), distinct, "This is the key"),
        (lambda bag, key: bag.map(lambda row: row["harbour"]), distinct, None),
        (lambda bag, key: bag.map(lambda row: row[key]).count(), distinct, "returns a bag"),
        (pluck, lambda bag: set(bag.compute(scheduler="sync")), "compute"),
        (pluck, lambda bag: bag.reduction(set, list), "puts them together"),
        (pluck, lambda bag: bag.reduction(set, set), "puts them together"),
        (pluck, lambda bag: bag.reduction(set, sum), "puts them together"),
        (pluck, lambda bag: bag.map(set), "puts them together"),
        (pluck, lambda bag: bag.map(lambda item: item), "Of each part make a set"),
        (pluck, lambda bag: bag.reduction(set, lambda s: set.intersection(*s)), "keeps all"),
        (pluck, lambda bag: bag.reduction(set, lambda s: len(set().union(*s))), None),
    ],
)
def test_by_hand_rejects(pluck, distinct, hint):
    assert rejected(checks_04.by_hand(pluck, distinct), hint)


def test_by_hand_accepts_and_knows_stubs():
    assert checks_04.by_hand(pluck, distinct).passed
    assert checks_04.by_hand(lambda bag, key: ..., distinct).state == "unsolved"
    assert checks_04.by_hand(pluck, lambda bag: ...).state == "unsolved"


def split_words(line: str) -> list[str]:
    return re.findall(r"[a-z]+", line.lower())


def statistics(lines: db.Bag) -> dict[str, Any]:
    words = lines.map(split_words).flatten()
    return {
        "lines": lines.count(),
        "words": words.count(),
        "different": words.distinct().count(),
        "top": words.frequencies().topk(3, key=1),
    }


def with_other(name: str, make: Callable[[db.Bag], Any]) -> Callable[[db.Bag], dict[str, Any]]:
    return lambda lines: statistics(lines) | {name: make(lines)}


def words(lines: db.Bag) -> db.Bag:
    return lines.map(split_words).flatten()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (with_other("lines", lambda lines: lines.filter(len).count()), "the empty lines"),
        (with_other("lines", lambda lines: lines.flatten().count()), "characters"),
        (with_other("words", lambda lines: lines.map(split_words).count()), "flatten"),
        (with_other("words", lambda lines: words(lines).distinct().count()), "different words"),
        (with_other("words", lambda lines: lines.flatten().count()), "split the lines"),
        (
            with_other("different", lambda lines: lines.map(split_words).distinct().count()),
            "flatten",
        ),
        (with_other("different", lambda lines: words(lines).count()), "leaves out repetitions"),
        (with_other("top", lambda lines: words(lines).frequencies().topk(3)), "compares words"),
        (with_other("top", lambda lines: words(lines).topk(3)), "frequencies()"),
        (with_other("top", lambda lines: words(lines).frequencies().topk(5, key=1)), "three of"),
        (with_other("top", lambda lines: words(lines).frequencies().take(3, compute=False)), None),
        (lambda lines: dask.compute(statistics(lines))[0], "one compute for all"),
        (lambda lines: {"words": statistics(lines)["words"]}, None),
        (lambda lines: statistics(lines) | {"lines": 7}, "computed already"),
    ],
)
def test_text_rejects(answer, hint):
    assert rejected(checks_04.text(answer), hint)


def test_text_accepts_and_knows_stubs():
    assert checks_04.text(statistics).passed
    assert checks_04.text(with_other("top", lambda lines: ...)).state == "unsolved"


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_04.call_inside, {"a": (0, 1), "b": (1, 1), "c": (1, 2)}),
        (checks_04.tiny_tasks, {"a": (0.5,), "b": (1.1,), "c": (12.0,), "d": (3000.0,)}),
    ],
)
def test_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, *value).right
        assert compare("", *value).measured == letter


def test_the_text_has_no_ties_at_the_top_and_is_copied(tmp_path):
    text = Path(FOLDER, "tides.txt").read_bytes()
    counts = sorted(map(split_words(text.decode("ascii")).count, {"the", "and", "a", "it"}))
    assert len(set(counts)) == len(counts)
    lesson.copy_to(tmp_path)
    assert (tmp_path / "tides.txt").read_bytes() == text
