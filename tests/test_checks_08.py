"""What the checks of 08-dynamic-programming reject, and with which hint; what its modules do."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.test_notebooks import FOLDER, rejected

# As in the notebook's kernel, and so in the processes that are started from it.
sys.path.append(str(FOLDER))
checks_08 = importlib.import_module("checks_08")
remembering = importlib.import_module("remembering")
sudoku = importlib.import_module("sudoku")
save = remembering.save

SHARED: dict[int, int] = {}


def memoise_with(
    known: dict[int, int] | None = None,
    is_there: Callable[[dict[int, int], int], object] = lambda known, n: n in known,
) -> Any:
    def memoise(function: Callable[[int], int]) -> Callable[[int], int]:
        mine: dict[int, int] = {} if known is None else known

        def remembering(n: int) -> int:
            if not is_there(mine, n):
                mine[n] = function(n)
            return mine[n]

        return remembering

    return memoise


def keeps_while_called(function: Callable[[int], int]) -> Callable[[int], int]:
    def remembering(n: int) -> int:
        known: dict[int, int] = {}
        if n not in known:
            known[n] = function(n)
        return known[n]

    return remembering


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (keeps_while_called, "outlive the call"),
        (lambda function: function, "put the result into the store"),
        (memoise_with(is_there=lambda known, n: known.get(n)), "counts as false"),
        (memoise_with(known=SHARED), "inside memoise"),
        (lambda function: function(12), "without calling it"),
        (lambda function: lambda n: 2 * function(n), None),
    ],
    ids=["new store", "none", "false zero", "one store", "called", "another value"],
)
def test_memoise_rejects(answer, hint):
    SHARED.clear()
    assert checks_08.memoise(memoise_with()).passed
    assert rejected(checks_08.memoise(answer), hint)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda path, low, high: f"{path.stem}-{low}", "depends on high"),
        (lambda path, low, high: f"{path.stem}-{high}", "depends on low"),
        (lambda path, low, high: f"{path.stem}-{low}-{high}", "its content"),
        (lambda path, low, high: f"{path.stat().st_size}-{low}-{high}", "its content"),
        (lambda path, low, high: f"{path.stat().st_mtime_ns}-{low}-{high}", "its content"),
        (
            lambda path, low, high: f"{digest(path)}-{path.stat().st_mtime_ns}-{low}-{high}",
            "Leave its time out",
        ),
        (lambda path, low, high: f"{digest(path)}-{path.stem}-{low}-{high}", "leave it out"),
        (lambda path, low, high: f"{digest(path)}{low}{high}", "in between"),
        (lambda path, low, high: f"{path}-{low}-{high}", "Leave out the path"),
        (lambda path, low, high: (digest(path), low, high), "makes a text"),
        (lambda path, low, high: f"{hashlib.sha256(path.read_bytes())}-{low}-{high}", "hexdigest"),
        (
            lambda path, low, high: f"{hashlib.sha256(path.read_bytes()).digest()!r}-{low}-{high}",
            "hexdigest",
        ),
        (lambda path, low, high: f"{hash(path.read_bytes())}-{low}-{high}", "hashlib"),
        (lambda path, low, high: f"{path.read_text()}-{low}-{high}", "make a hash"),
    ],
)
def test_key_rejects(answer, hint):
    assert checks_08.key(lambda path, low, high: f"{digest(path)}-{low}-{high}").passed
    assert rejected(checks_08.key(answer), hint)


def right(path: Path, parts: Any) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        for part in parts:
            file.write(part)
    Path(file.name).replace(path)


def in_place(path: Path, parts: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        for part in parts:
            file.write(part)
            file.flush()


def joined_in_place(path: Path, parts: Any) -> None:
    path.write_text("".join(parts), encoding="utf-8")


def removing_the_old(path: Path, parts: Any) -> None:
    path.unlink()
    right(path, parts)


def one_name(path: Path, parts: Any) -> None:
    other = path.with_suffix(".part")
    in_place(other, parts)
    other.replace(path)


def copying(path: Path, parts: Any) -> None:
    other = path.with_suffix(f".{os.urandom(4).hex()}")
    in_place(other, parts)
    path.write_text(other.read_text("utf-8"), encoding="utf-8")


def leaving_a_copy(path: Path, parts: Any) -> None:
    text = "".join(parts)
    path.with_suffix(f".{os.urandom(4).hex()}").write_text(text, encoding="utf-8")
    save(path, text)


def before_the_end(path: Path, parts: Any) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.writelines(parts)
        Path(file.name).replace(path)


def with_a_gap(path: Path, parts: Any) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.writelines(parts)
    path.unlink()
    Path(file.name).rename(path)


def in_the_usual_folder(path: Path, parts: Any) -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.writelines(parts)
    Path(file.name).replace(path)


def whatever_happens(path: Path, parts: Any) -> None:
    other = path.with_suffix(f".{os.urandom(4).hex()}")
    try:
        in_place(other, parts)
    finally:
        other.replace(path)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (in_place, "the right name at the end"),
        (joined_in_place, "path.replace"),
        (removing_the_old, "the right name at the end"),
        (one_name, "temporary file"),
        (copying, "path.replace"),
        (leaving_a_copy, None),
        (before_the_end, "is closed"),
        (with_a_gap, "in one step"),
        (whatever_happens, "only what is whole"),
    ],
)
def test_atomic_rejects(answer, hint):
    assert rejected(checks_08.atomic(answer), hint)


def test_atomic_rejects_a_temporary_file_on_another_file_system():
    if checks_08._elsewhere() is None:
        assert checks_08.atomic(in_the_usual_folder).passed  # there, nothing is wrong with it
    else:
        assert rejected(checks_08.atomic(in_the_usual_folder), "dir=path.parent")


def test_atomic_accepts_what_is_atomic():
    assert checks_08.atomic(right).passed
    assert checks_08.atomic(lambda path, parts: save(path, "".join(parts))).passed


def resumes(items: Any, compute: Any, folder: Path) -> list[Any]:
    results = []
    for item in items:
        path = folder / f"{item}.json"
        if not path.exists():
            save(path, json.dumps(compute(item)))
        results.append(json.loads(path.read_text()))
    return results


def computes_always(items: Any, compute: Any, folder: Path) -> list[Any]:
    results = []
    for item in items:
        results.append(compute(item))
        save(folder / f"{item}.json", json.dumps(results[-1]))
    return results


def new_ones_only(items: Any, compute: Any, folder: Path) -> list[Any]:
    results = []
    for item in items:
        path = folder / f"{item}.json"
        if not path.exists():
            results.append(compute(item))
            save(path, json.dumps(results[-1]))
    return results


def saves_at_the_end(items: Any, compute: Any, folder: Path) -> list[Any]:
    results = [compute(item) for item in items]
    for item, result in zip(items, results, strict=True):
        save(folder / f"{item}.json", json.dumps(result))
    return results


def saves_carelessly(items: Any, compute: Any, folder: Path) -> list[Any]:
    results = []
    for item in items:
        path = folder / f"{item}.json"
        if not path.exists():
            path.write_text(json.dumps(compute(item)))
        results.append(json.loads(path.read_text()))
    return results


def counts_the_files(items: Any, compute: Any, folder: Path) -> list[Any]:
    for item in items[len(list(folder.iterdir())) :]:
        save(folder / f"{item}.json", json.dumps(compute(item)))
    return [item * item for item in items]


def returns_nothing(items: Any, compute: Any, folder: Path) -> None:
    resumes(items, compute, folder)


def uses_another_cell(items: Any, compute: Any, folder: Path) -> Any:
    return [keep_it(compute(item)) for item in items]  # type: ignore[name-defined] # noqa: F821


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (computes_always, "path.exists()"),
        (new_ones_only, "belong into the list"),
        (saves_at_the_end, "path.exists()"),
        (saves_carelessly, "save(folder"),
        (counts_the_files, "half done"),
        (returns_nothing, None),
        (uses_another_cell, "inside the function"),
    ],
)
def test_resume_rejects(answer, hint):
    assert rejected(checks_08.resume(answer), hint)


def resumes_by_trying(items: Any, compute: Any, folder: Path) -> list[Any]:
    found = {}
    for item in items:
        path = folder / f"{item}.json"
        try:
            found[item] = json.loads(path.read_text())
        except FileNotFoundError:
            found[item] = compute(item)
            remembering.save(path, json.dumps(found[item]))
    return list(found.values())


def untouched(items: Any, compute: Any, folder: Path) -> Any:
    return ...


def test_resume_accepts_what_resumes_and_knows_the_stub():
    assert checks_08.resume(resumes).passed
    assert checks_08.resume(resumes_by_trying).passed
    assert checks_08.resume(untouched).state == "unsolved"


def promised(pool: Any, needs: Any, work: Any, *, wait: bool = False, order: Any = iter) -> Any:
    def run(task: str, futures: list[Future[Any]]) -> Any:
        return work(task, [future.result() for future in futures])

    futures: dict[str, Future[Any]] = {}
    for task in TopologicalSorter(needs).static_order():
        futures[task] = pool.submit(run, task, [futures[need] for need in needs[task]])
        if wait:
            futures[task].result()
    return futures


def results(futures: dict[str, Future[Any]]) -> dict[str, Any]:
    return {task: future.result() for task, future in futures.items()}


def again_for_each(pool: Any, needs: Any, work: Any) -> Any:
    def run(task: str) -> Any:
        return work(task, [run(need) for need in needs[task]])

    return dict(zip(needs, pool.map(run, needs), strict=True))


def layer_by_layer(pool: Any, needs: Any, work: Any) -> Any:
    done: dict[str, Any] = {}
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    while sorter.is_active():
        layer = sorter.get_ready()
        inputs = [[done[need] for need in needs[task]] for task in layer]
        done |= zip(layer, pool.map(work, layer, inputs), strict=True)
        sorter.done(*layer)
    return done


def by_lambdas(pool: Any, needs: Any, work: Any) -> Any:
    futures: dict[str, Future[Any]] = {}
    for task in TopologicalSorter(needs).static_order():
        futures[task] = pool.submit(lambda: work(task, []))  # noqa: B023 - the mistake
    return results(futures)


def passes_promises(pool: Any, needs: Any, work: Any) -> Any:
    futures: dict[str, Future[Any]] = {}
    for task in TopologicalSorter(needs).static_order():
        futures[task] = pool.submit(work, task, [futures[need] for need in needs[task]])
    return results(futures)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (again_for_each, "dictionary"),
        (lambda *args: results(promised(*args, wait=True)), "before you wait"),
        (promised, ".result() of each"),
        (passes_promises, ".result() waits"),
        (by_lambdas, "as an argument"),
        (lambda pool, needs, work: {task: work(task, []) for task in needs}, None),
        (lambda pool, needs, work: {"raw": work("raw", [])}, None),
        (lambda *args: list(results(promised(*args)).values()), "A dict"),
        (
            lambda pool, needs, work: dict(
                zip(needs, pool.map(work, needs, [[]] * 6), strict=True)
            ),
            "without",
        ),
    ],
    ids=[
        "again",
        "waiting",
        "promises",
        "passed on",
        "lambdas",
        "serial",
        "one",
        "list",
        "not fed",
    ],
)
def test_duplicates_rejects(monkeypatch, answer, hint):
    monkeypatch.setattr(checks_08, "TOGETHER", 0.2)
    assert rejected(checks_08.duplicates(answer), hint)


def test_duplicates_accepts_promises_and_layers():
    assert checks_08.duplicates(lambda *args: results(promised(*args))).passed
    assert checks_08.duplicates(layer_by_layer).passed


def by_diagonals(a: Any, b: Any, inner: Callable[..., Any]) -> int:
    m, n = len(a), len(b)
    before, last = np.zeros(m + 1, int), np.zeros(m + 1, int)
    for k in range(1, m + n + 1):
        new = np.zeros(m + 1, int)
        i = np.arange(max(1, k - n), min(m + 1, k))
        if i.size:
            new[i] = inner(before, last, a[i - 1] != b[k - i - 1], i)
        new[[0] * (k <= n) + [k] * (k <= m)] = k
        before, last = last, new
    return int(last[m])


def entries(before: Any, last: Any, differ: Any, i: Any, aside: int = 1) -> Any:
    return np.minimum(np.minimum(last[i - 1], last[i]) + aside, before[i - 1] + differ)


def in_a_loop(before: Any, last: Any, differ: Any, i: Any) -> Any:
    found = np.zeros(i.size, int)
    for k in range(i.size):
        found[k] = min(last[i[k] - 1] + 1, last[i[k]] + 1, before[i[k] - 1] + differ[k])
    return found


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (in_a_loop, "Leave out the loop"),
        (lambda before, last, differ, i: entries(before, last, 1, i), "add nothing"),
        (lambda before, last, differ, i: entries(before, last, 0, i), "add 1"),
        (lambda before, last, differ, i: entries(last, last, differ, i), "before"),
        (lambda before, last, differ, i: entries(before, last, differ, i, aside=0), "+ 1"),
        (lambda before, last, differ, i: entries(before[1:], last, differ, i), "row i - 1"),
        (lambda before, last, differ, i: np.minimum(last[i - 1], last[i]) + 1, "use it twice"),
        (lambda before, last, differ, i: 0, None),
        (lambda before, last, differ, i: last, None),
    ],
    ids=["loop", "never equal", "always equal", "last", "free", "row", "two", "number", "all"],
)
def test_diagonals_rejects(answer, hint):
    assert checks_08.diagonals(entries, frame=by_diagonals).passed
    assert rejected(checks_08.diagonals(answer, frame=by_diagonals), hint)


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_08.growth, {"a": (1.04, 2), "b": (1.618, 300_000), "c": (2.0, 300_000)}),
        (checks_08.four_callers, {"a": (1, 4), "b": (4, 4), "c": (2, 4)}),
    ],
)
def test_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, *value).right
        assert compare("", *value).measured == letter


# The modules


def test_a_job_computes_what_is_not_there(tmp_path):
    compute = str
    assert remembering.job(tmp_path, range(3), compute) == [0, 1, 2]
    assert remembering.job(tmp_path, range(5), compute) == [3, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{k}.json" for k in range(5)]


def test_counts_are_kept_for_other_processes(tmp_path):
    command = [sys.executable, "-m", "remembering", "hits", str(tmp_path), "1000", "3"]
    said = [
        subprocess.run(command, capture_output=True, text=True, cwd=FOLDER, check=True).stdout
        for _ in range(2)
    ]
    hits = importlib.import_module("workers").count_hits(1000, 3)
    assert said == [f"{hits} hits, computed\n", f"{hits} hits, found\n"]


def test_what_is_written_carelessly_is_json_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(remembering, "A_MOMENT", 0.0)
    remembering.write_carelessly(tmp_path / "numbers", [3, 1, 2])
    assert json.loads((tmp_path / "numbers").read_text()) == [3, 1, 2]


def test_sudokus_have_the_solutions_of_their_branches():
    grid = sudoku.puzzle(30, seed=0)
    whole = sudoku.count_solutions(grid)
    assert whole == sum(map(sudoku.count_solutions, sudoku.split(grid, 10))) == 21
    assert sum(number > 0 for number in grid) == 30


def test_a_full_sudoku_obeys_the_rules():
    grid = sudoku.puzzle(81, seed=4)
    for cell in range(81):
        assert len(sudoku.PEERS[cell]) == 20
        assert grid[cell] not in {grid[peer] for peer in sudoku.PEERS[cell]}
    assert sudoku.count_solutions(grid) == 1
    spoilt = (0, *grid[1:9], grid[0], *grid[10:])  # what belongs into the gap stands below it
    assert sudoku.count_solutions(spoilt) == 0
    assert sudoku.split(spoilt, 5) == []
