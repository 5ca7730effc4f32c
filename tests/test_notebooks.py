"""The lesson's notebooks: their format, as shipped, solved, and what their checks reject."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import numba
import numpy as np
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from jupyter_core.utils import ensure_event_loop
from numba.core.errors import NumbaPerformanceWarning

import pyparallel as pp
from notebooks import checks_00, checks_07
from pyparallel import lesson
from tests.reference import escape_count

FOLDER = Path(__file__).parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
BY_NAME = {"ids": [path.stem for path in PATHS]}
SOLUTION = re.compile(
    r"\A<details><summary>Solution</summary>\n\n```python\n((?:(?!```).)*\n)```\n\n</details>\Z",
    re.DOTALL,
)
DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
HINT = re.compile(r"\A<details><summary>Hint</summary>\n\n.*\n\n</details>\Z", re.DOTALL)

Notebook = Any
Cell = Any

every_notebook = pytest.mark.parametrize("path", PATHS, **BY_NAME)


def read(path: Path) -> Notebook:
    return nbformat.read(path, as_version=4)


def tags(cell: Cell, kind: str) -> list[str]:
    """The ids in tags such as ``exercise:<id>``."""
    found = (tag.partition(":") for tag in cell.metadata.get("tags", []))
    return [name for prefix, colon, name in found if prefix == kind and colon]


def tagged(notebook: Notebook, kind: str) -> dict[str, int]:
    """Where the cells with such tags are, by id; each id is used once."""
    places = [(name, k) for k, cell in enumerate(notebook.cells) for name in tags(cell, kind)]
    assert len(dict(places)) == len(places), f"{kind}: an id is used twice"
    return dict(places)


def solved(notebook: Notebook) -> Notebook:
    """The notebook with each solution's code in its stub's place."""
    stubs = tagged(notebook, "exercise")
    for name, place in tagged(notebook, "solution").items():
        code = SOLUTION.match(notebook.cells[place].source)
        assert code, f"solution:{name} is not one fenced block in <details>"
        notebook.cells[stubs[name]].source = code[1]
    return notebook


def tree(cell: Cell) -> ast.Module:
    return ast.parse(TransformerManager().transform_cell(cell.source))


def names(cell: Cell, context: type[ast.expr_context]) -> set[str]:
    """The names a cell binds (ast.Store) or uses (ast.Load), anywhere in it."""
    found = set()
    for node in ast.walk(tree(cell)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, context):
            found.add(node.id)
        elif isinstance(node, DEFINITION) and context is ast.Store:
            found.add(node.name)
    return found


def sections(notebook: Notebook) -> Iterator[list[Cell]]:
    """The cells of each section, its heading first."""
    starts = [k for k, cell in enumerate(notebook.cells) if cell.source.startswith("## ")]
    for start, end in zip(starts, [*starts[1:], len(notebook.cells)], strict=True):
        yield notebook.cells[start:end]


# The format


def test_there_are_notebooks():
    assert [path.name[:3] for path in PATHS][:1] == ["00-"]


@every_notebook
def test_a_notebook_is_valid_and_clean(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert not cell.get("execution_count")
        assert set(cell.metadata) <= {"tags"}
        assert re.fullmatch(r"[a-z][a-z0-9-]*", cell.id), f"{cell.id} is no name"


@every_notebook
def test_the_file_is_written_so_that_changes_show_line_by_line(path):
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


@every_notebook
def test_the_head_says_what_it_is_about(path):
    head = read(path).cells[0]
    assert head.metadata.tags == ["head"]
    assert head.source.startswith(f"# {int(path.name[:2])}")
    for part in ("**Questions**", "**Objectives**", "**Time**", "CC-BY-4.0", "Apache-2.0"):
        assert part in head.source


@every_notebook
def test_the_foot_has_key_points_and_leads_to_the_next(path):
    foot = read(path).cells[-1]
    assert foot.metadata.tags == ["foot"]
    assert foot.source.startswith("## Key points\n")
    following = [other.name for other in PATHS if other > path][:1]
    assert re.findall(r"\*\*Next\*\*: \[.+\]\((.+)\)", foot.source) == following


@every_notebook
def test_every_section_is_core_or_going_further(path):
    *body, _foot = sections(read(path))
    assert body
    for heading, *_ in body:
        marks = {"core": "(*core*)", "going-further": "(*going further*)"}
        (tag,) = set(heading.metadata.get("tags", [])) & set(marks)
        assert heading.source.splitlines()[0].endswith(marks[tag])


@every_notebook
def test_one_cell_sets_the_scale(path):
    cells = [cell for cell in read(path).cells if "PYPARALLEL_SCALE" in cell.source]
    assert len(cells) == 1
    assert cells[0].metadata.tags == ["scale"]
    assert '"ci"' in cells[0].source


@every_notebook
def test_each_exercise_has_prompt_stub_check_hint_and_solution(path):
    notebook = read(path)
    stubs = tagged(notebook, "exercise")
    assert stubs
    for kind, step in {"check": 1, "hint": 2, "solution": 3}.items():
        assert tagged(notebook, kind) == {name: k + step for name, k in stubs.items()}
    for k in stubs.values():
        prompt, stub, check, hint, solution = notebook.cells[k - 1 : k + 4]
        assert prompt.cell_type == hint.cell_type == solution.cell_type == "markdown"
        assert stub.cell_type == check.cell_type == "code"
        assert "**Exercise" in prompt.source
        assert "..." in stub.source
        assert HINT.match(hint.source)
        assert SOLUTION.match(solution.source)


@every_notebook
def test_no_other_cell_depends_on_what_a_learner_wrote(path):
    notebook = read(path)
    for which in (notebook, solved(read(path))):
        for name, k in tagged(notebook, "exercise").items():
            written = names(which.cells[k], ast.Store)
            for other, cell in enumerate(notebook.cells):
                if cell.cell_type == "code" and other not in (k, k + 1):
                    used = names(cell, ast.Load) | names(cell, ast.Store)
                    shared = written & used - local_names(which.cells[k])
                    assert not shared, f"{cell.id} and exercise:{name} share {shared}"


def local_names(cell: Cell) -> set[str]:
    """Names bound inside functions and comprehensions only: those of different cells can't meet."""
    top = set()
    for node in tree(cell).body:
        if isinstance(node, DEFINITION):
            top.add(node.name)
        else:
            top |= {
                inner.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
            }
    return names(cell, ast.Store) - top


@every_notebook
def test_two_predictions_each_before_its_measurement(path):
    notebook = read(path)
    asked, measured = tagged(notebook, "predict"), tagged(notebook, "measure")
    assert len(asked) == 2
    assert asked.keys() == measured.keys()
    for name, k in asked.items():
        question = notebook.cells[k - 1].source
        assert "**Prediction.**" in question
        options = re.findall(r"^- ([a-z])\) ", question, re.MULTILINE)
        assert options == list("abcdef")[: len(options)]
        assert len(options) >= 3
        (variable,) = names(notebook.cells[k], ast.Store)
        assert measured[name] > k
        assert variable in names(notebook.cells[measured[name]], ast.Load)


@every_notebook
def test_each_picture_is_followed_by_a_sentence_that_says_what_it_shows(path):
    cells = read(path).cells
    for k, cell in enumerate(cells):
        if cell.cell_type == "code" and re.search(
            r"plot_fractal\(|\.plot\(|subplots\(", cell.source
        ):
            assert "print" in cells[k + 1].source
            assert re.search("The pictures? shows?", cells[k + 1].source), cell.id


@every_notebook
def test_each_race_ends_with_what_to_do_without_c(path):
    for heading, *cells in sections(read(path)):
        if any("pp.race(" in cell.source for cell in cells if cell.cell_type == "code"):
            prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
            assert any(text.startswith("**If you can't write C**") for text in prose), (
                heading.source
            )


@every_notebook
def test_no_cell_runs_a_shell_or_an_event_loop(path):
    for cell in read(path).cells:
        if cell.cell_type == "code":
            assert not re.search(r"^\s*[!%]{1,2}(?!timeit|time)", cell.source, re.MULTILINE)
            assert "asyncio.run(" not in cell.source


# Running them


AT_A_TIME = 2  # much of a run is waiting: for processes to start, and on purpose


def run(path: Path, prepare: Callable[[Notebook], Notebook]) -> tuple[Notebook, str | None]:
    notebook = prepare(read(path))
    try:
        return notebook, lesson.execute(notebook, FOLDER, scale="ci")
    finally:
        ensure_event_loop().close()  # that of this thread, which Jupyter leaves open


def as_shipped(notebook: Notebook) -> Notebook:
    return notebook


RUNS = {
    "test_as_shipped_nothing_breaks_and_nothing_is_solved": as_shipped,
    "test_with_the_solutions_every_check_passes": solved,
}


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, Path], Future[Any]]]:
    """All runs that the tests of this session ask for, under way in their order."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        asked = [
            item for item in request.session.items if getattr(item, "originalname", None) in RUNS
        ]
        yield {
            (item.originalname, path): pool.submit(run, path, RUNS[item.originalname])
            for item in asked
            for path in [item.callspec.params["path"]]
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def executed(request: pytest.FixtureRequest, runs: Any, path: Path) -> Notebook:
    """The notebook, run to its end as the test of this name needs it."""
    notebook, stopped_by = runs[request.node.originalname, path].result()
    assert stopped_by is None
    return notebook


@pytest.mark.timeout(300)
@every_notebook
def test_as_shipped_nothing_breaks_and_nothing_is_solved(executed, path):
    states = lesson.exercises(executed)
    assert states == dict.fromkeys(tagged(read(path), "exercise"), "unsolved")


@pytest.mark.timeout(300)
@every_notebook
def test_with_the_solutions_every_check_passes(executed, path):
    states = lesson.exercises(executed)
    assert states == dict.fromkeys(tagged(read(path), "exercise"), "passed")


# What the checks reject. Right answers pass in the run with the solutions.


def rejected(result: Any, hint: str | None) -> bool:
    """Was it found wrong, with this hint?"""
    assert result.state == "wrong", result
    assert hint is None or (result.hint is not None and hint in result.hint), result
    return True


@pytest.fixture
def container(monkeypatch):
    """A machine of eight processors of which two may be used."""
    monkeypatch.setattr(checks_00.os, "cpu_count", lambda: 8)
    config = {"num_threads": 2, "num_threads_reason": "cgroup quota", "isa": "avx2", "version": "1"}
    monkeypatch.setattr(pp, "config", lambda: config)


@pytest.mark.parametrize(
    ("number", "reason", "hint"),
    [
        (8, "cgroup quota", "how many processors the machine has"),
        ("2", "cgroup quota", "no quotes"),
        (3, "cgroup quota", None),
        (2, "avx2", "That is the isa"),
        (2, 2, "num_threads_reason"),
        (2, "affinity", None),
    ],
)
@pytest.mark.usefixtures("container")
def test_00_verdict_rejects(number, reason, hint):
    assert checks_00.verdict(2, "cgroup quota").passed
    assert rejected(checks_00.verdict(number, reason), hint)


def seconds(work: Callable[[], object], threads: int, warm: bool = True) -> float:
    with pp.threads(threads):
        if warm:
            work()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda work: seconds(work, 2) / seconds(work, 1), "upside down"),
        (lambda work: seconds(work, 1) - seconds(work, 2), "ratio"),
        (lambda work: seconds(work, 1, warm=False) / seconds(work, 2), "Warm up"),
        (lambda work: seconds(work, 2) / seconds(work, 2), "block of its own"),
        (lambda work: 2.0, "Call it"),
    ],
)
def test_00_speedup_rejects(answer, hint):
    assert checks_00.speedup(lambda work: seconds(work, 1) / seconds(work, 2)).passed
    assert rejected(checks_00.speedup(answer), hint)


def test_00_code_word_rejects_and_leads_on():
    assert rejected(checks_00.code_word(lambda x: x**2, word=...), "SQUARE")
    assert rejected(checks_00.code_word(lambda x: 2 * x, word=...), None)
    assert rejected(checks_00.code_word(lambda x: 2 * x, word="CUBE"), "read the hint")
    assert checks_00.code_word(lambda x: x + x, word=" square").passed


def plain(points: Any, max_iter: int) -> Any:
    counts = [escape_count(0.0, 0.0, c.real, c.imag, max_iter) for c in points.ravel().tolist()]
    return np.reshape(counts, points.shape)


def never_escaping_counts_max_iter(points: Any, max_iter: int) -> Any:
    counts = plain(points, max_iter)
    return np.where(counts == max_iter - 1, max_iter, counts)


def starting_from_c(points: Any, max_iter: int) -> Any:
    counts = [escape_count(c.real, c.imag, c.real, c.imag, max_iter) for c in points.ravel()]
    return np.reshape(counts, points.shape)


def at_least_two(points: Any, max_iter: int) -> Any:
    counts = np.full(points.shape, max_iter - 1)
    for at, c in np.ndenumerate(points):
        z = 0j
        for k in range(max_iter):
            z = z * z + c
            if z.real**2 + z.imag**2 >= 4.0:
                counts[at] = k
                break
    return counts


def looking_before_the_step(points: Any, max_iter: int) -> Any:
    counts = np.full(points.shape, max_iter - 1)
    for at, c in np.ndenumerate(points):
        z = 0j
        for k in range(max_iter):
            if z.real**2 + z.imag**2 > 4.0:
                counts[at] = k
                break
            z = z * z + c
    return counts


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (plain, "@njit"),
        (never_escaping_counts_max_iter, "max_iter - 1"),
        (lambda points, max_iter: plain(points, max_iter) + 1, "counted from 0"),
        (starting_from_c, "starts at z = 0"),
        (at_least_two, "|z| > 2"),
        (looking_before_the_step, "after the step"),
        (lambda points, max_iter: plain(points, max_iter).T, "Rows come first"),
        (lambda points, max_iter: 0 * plain(points, max_iter), None),
    ],
)
def test_07_numba_rejects(answer, hint):
    assert rejected(checks_07.numba(answer), hint)


@numba.njit
def one_count(c: complex, max_iter: int) -> int:
    z = 0j
    for k in range(max_iter):
        z = z * z + c
        if z.real * z.real + z.imag * z.imag > 4.0:
            return k
    return max_iter - 1


def by_range(points: Any, max_iter: int) -> Any:
    counts = np.zeros(points.shape, np.int32)
    for j in range(points.shape[0]):
        for i in range(points.shape[1]):
            counts[j, i] = one_count(points[j, i], max_iter)
    return counts


def by_prange(points: Any, max_iter: int) -> Any:
    counts = np.zeros(points.shape, np.int32)
    for j in numba.prange(points.shape[0]):
        for i in range(points.shape[1]):
            counts[j, i] = one_count(points[j, i], max_iter)
    return counts


def test_07_numba_accepts_complex_numbers():
    assert checks_07.numba(numba.njit(by_range)).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (plain, "@njit"),
        (numba.njit(by_range), "@njit(parallel=True), and prange"),
        (numba.njit(by_prange), "prange is range"),
        (numba.njit(parallel=True)(by_range), "Use prange, too"),
    ],
    ids=["not compiled", "serial", "prange alone", "parallel=True alone"],
)
@pytest.mark.filterwarnings(f"ignore::{NumbaPerformanceWarning.__module__}.NumbaPerformanceWarning")
def test_07_prange_rejects(answer, hint):
    assert rejected(checks_07.prange(answer), hint)


@numba.vectorize
def by_vectorize(c: complex, max_iter: int) -> int:
    return one_count(c, max_iter)


def test_07_numba_accepts_what_vectorize_makes_but_prange_wants_loops():
    assert checks_07.numba(by_vectorize).passed
    assert rejected(checks_07.prange(by_vectorize), "write the loops")


def lossy_split(box: pp.Box, n: int) -> list[list[pp.Box]]:
    rows, cols = (size // n for size in box.shape)
    return [
        [
            box.crop(slice(j * rows, (j + 1) * rows), slice(i * cols, (i + 1) * cols))
            for i in range(n)
        ]
        for j in range(n)
    ]


def too_many(box: pp.Box, n: int) -> list[list[pp.Box]]:
    starts = [range(0, size, size // n) for size in box.shape]
    rows, cols = ([slice(k, k + part.step) for k in part] for part in starts)
    return [[box.crop(row, col) for col in cols] for row in rows]


def used_up(box: pp.Box, n: int) -> list[list[pp.Box]]:
    large = [-(-size // n) for size in box.shape]
    rows, cols = ([slice(k * part, (k + 1) * part) for k in range(n)] for part in large)
    return [[box.crop(row, col) for col in cols] for row in rows]


def ends_left_out(box: pp.Box, n: int) -> list[list[pp.Box]]:
    rows, cols = (
        [slice(size * k // n, size * (k + 1) // n - 1) for k in range(n)] for size in box.shape
    )
    return [[box.crop(row, col) for col in cols] for row in rows]


def transposed(box: pp.Box, n: int) -> list[list[pp.Box]]:
    return [list(row) for row in zip(*box.split(n), strict=True)]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lossy_split, "Pixels are lost"),
        (transposed, "rows and columns swapped"),
        (too_many, "There are too many"),
        (used_up, "used up"),
        (ends_left_out, "does not belong"),
        (lambda box, n: [part for row in box.split(n) for part in row], "list comprehension"),
        (lambda box, n: [[box] * n] * n, None),
        (lambda box, n: [[part.grid() for part in row] for row in box.split(n)], None),
    ],
)
def test_07_split_rejects(answer, hint):
    assert rejected(checks_07.split(answer), hint)


def finish(kind: str, chunk: int) -> float:
    """A model of its own: the first rows cost four times as much as the others."""
    costs, workers, asking = [4.0] * 80 + [1.0] * 640, 4, 0.3
    sizes = {"static": 180, "dynamic": chunk}
    starts = range(0, len(costs), sizes[kind])
    free = [0.0] * workers
    for start in starts:
        worker = free.index(min(free))
        free[worker] += asking + sum(costs[start : start + sizes[kind]])
    return max(free) / (sum(costs) / workers)


@pytest.mark.parametrize(
    ("kind", "chunk", "hint"),
    [
        ("static", 1, "not equal work"),
        ("dynamic", 1, "bigger ones"),
        ("dynamic", 160, "smaller ones"),
        ("fast", 4, None),
        ("dynamic", 0, None),
        ("dynamic", 2.5, None),
        ("dynamic", "4", None),
    ],
)
def test_07_schedule_rejects(kind, chunk, hint):
    assert checks_07.schedule("dynamic", 8, finish=finish).passed
    assert rejected(checks_07.schedule(kind, chunk, finish=finish), hint)


def steps_in_place(z: Any, c: Any, max_iter: int) -> Any:
    counts = pp.escape_time(z, c, max_iter)
    if np.ndim(z):
        z *= 2
    return counts


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda z, c, n: pp.escape_time(0, c + 0 * z, n), "starts at z, not at 0"),
        (lambda z, c, n: pp.escape_time(c, c + 0 * z, n), "starts at z = 0"),
        (lambda z, c, n: pp.escape_time(z, c, n) + 1, "counted from 0"),
        (steps_in_place, "copy"),
        (lambda z, c, n: pp.escape_time(z, np.zeros_like(c), n), None),
    ],
)
def test_07_both_rejects(answer, hint):
    assert checks_07.both(pp.escape_time).passed
    assert rejected(checks_07.both(answer), hint)


def test_07_both_allows_for_rounding_in_complex_products():
    def one_pixel_off(z, c, max_iter):
        counts = pp.escape_time(z, c, max_iter)
        counts[3, 3] += 1
        return counts

    assert checks_07.both(one_pixel_off).passed


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_00.two_threads, {"a": 1.0, "b": 1.8, "c": 2.6, "d": 0.5}),
        (checks_00.more_threads, {"a": 4.0, "b": 1.0, "c": 0.3}),
        (checks_07.numba_or_numpy, {"a": 1.0, "b": 0.5, "c": 3.0, "d": 50.0}),
        (checks_07.strips, {"a": 8.0, "b": 4.95, "c": 7.5}),
    ],
)
def test_each_option_of_a_prediction_can_come_out(monkeypatch, compare, values):
    monkeypatch.setattr(checks_00, "usable_cores", lambda: 2)
    for letter, value in values.items():
        assert compare(letter, value).right
        assert compare("", value).measured == letter


def test_two_threads_are_not_judged_on_one_core(monkeypatch):
    monkeypatch.setattr(checks_00, "usable_cores", lambda: 1)
    assert "not judged here" in str(checks_00.two_threads("b", 1.0))
