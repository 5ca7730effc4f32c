"""Rules of the source tree that no compiler checks: the layers stay apart, the files stay small."""

from __future__ import annotations

import json
import re

from tests.source_tree import ROOT, committed

OPENMP_MAY_BE_IN = {"csrc/core/parallel.c", "csrc/core/lab.c"}
LONGEST_FUNCTION = 60  # lines
LARGEST_FILE = 1_000_000  # bytes


def lines_matching(pattern: str, names: list[str]) -> list[str]:
    """``file:line`` of every match, in those of the files that are text."""
    hits = []
    for name in names:
        try:
            lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        hits += [f"{name}:{n}" for n, line in enumerate(lines, 1) if re.search(pattern, line)]
    return hits


def function_lengths(source: str) -> dict[str, int]:
    """Lines of each C function's body; by house style its braces stand in the first column."""
    lengths, start, lines = {}, None, source.splitlines()
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            lengths[lines[start - 1].strip()] = number - start + 1
            start = None
    return lengths


def test_the_core_includes_neither_python_nor_numpy_nor_the_binding():
    core = [name for name in committed(".c", ".h") if name.startswith("csrc/core/")]
    assert core
    assert lines_matching(r'^\s*#\s*include\s*[<"](Python\.h|numpy/|.*\bbind/)', core) == []


def test_openmp_is_in_the_driver_and_the_labs_only():
    others = sorted(set(committed(".c", ".h")) - OPENMP_MAY_BE_IN)
    assert lines_matching(r"#\s*pragma\s+omp\b|\bomp\.h\b|\bomp_\w+\(", others) == []


def test_no_c_function_is_long():
    long = {
        f"{name}: {function}": length
        for name in committed(".c", ".h")
        if name.startswith("csrc/")
        for function, length in function_lengths((ROOT / name).read_text("utf-8")).items()
        if length > LONGEST_FUNCTION
    }
    assert long == {}


def test_notebooks_are_committed_without_outputs():
    run = [
        f"{name}: cell {number}"
        for name in committed(".ipynb")
        for number, cell in enumerate(json.loads((ROOT / name).read_text("utf-8"))["cells"])
        if cell.get("outputs") or cell.get("execution_count")
    ]
    assert run == []


def test_no_file_names_a_path_of_one_machine():
    assert lines_matching(r"(?<![\w.])/(?:work|tmp|root|home|Users)\b", committed("")) == []


def test_no_file_is_large():
    assert [name for name in committed("") if (ROOT / name).stat().st_size > LARGEST_FILE] == []
