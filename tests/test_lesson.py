"""The notebooks are found however the package was installed, copied without loss, and run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from pyparallel import checks, lesson
from tests.source_tree import ROOT

FIRST = "00-setup.ipynb"
WHERE = "from pyparallel import lesson; print(lesson.__file__, lesson.notebooks_dir(), sep='|')"


def notebook(*sources: str):
    cells = [new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(sources)]
    return new_notebook(cells=[new_markdown_cell("# A notebook", id="head"), *cells])


def write(folder: Path, name: str, *sources: str) -> Path:
    path = folder / name
    nbformat.write(notebook(*sources), path)
    return path


def extension() -> Path:
    from pyparallel._load import core

    return Path(core.__file__)


def asked_in(site: Path, elsewhere: Path) -> tuple[Path, Path]:
    """Which lesson module a process with this on its path loads, and the notebooks it finds."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, sys.argv[1]); {WHERE}", site],
        check=True,
        capture_output=True,
        text=True,
        cwd=elsewhere,
    )
    module, found = done.stdout.strip().split("|")
    return Path(module), Path(found)


def test_notebooks_are_found_here():
    assert (lesson.notebooks_dir() / FIRST).is_file()


def test_notebooks_are_found_in_a_checkout(tmp_path):
    checkout = tmp_path / "checkout"
    for name in ("pyparallel", "notebooks"):
        shutil.copytree(ROOT / name, checkout / name)
    shutil.copy(extension(), checkout / "pyparallel")
    module, found = asked_in(checkout, tmp_path)
    assert module.is_relative_to(checkout)
    assert found == checkout / "notebooks"


def test_notebooks_are_found_in_a_wheel(tmp_path):
    site = tmp_path / "site"
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", site]
    tree = tmp_path / "tree"
    ignore = shutil.ignore_patterns(".*", "build", "*.egg-info", "*.so", "*.pyd")
    shutil.copytree(ROOT, tree, ignore=ignore)
    subprocess.run(command, check=True, capture_output=True, cwd=tree)
    shutil.copy(extension(), site / "pyparallel")
    module, found = asked_in(site, tmp_path)
    assert module.is_relative_to(site)
    assert found == site / "pyparallel" / "notebooks"
    wanted = {path.name for path in lesson.notebooks_dir().iterdir() if path.suffix != ".pyc"}
    assert {path.name for path in found.iterdir()} >= wanted - {"__pycache__", ".ipynb_checkpoints"}


def test_a_package_without_notebooks_says_so_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson, "__file__", str(tmp_path / "pyparallel" / "lesson.py"))
    with pytest.raises(FileNotFoundError, match=r"^lesson: no notebooks beside .*again$"):
        lesson.notebooks_dir()


def test_copies_have_all_that_the_notebooks_need(tmp_path):
    names = {path.name for path in lesson.copy_to(tmp_path / "new" / "folder")}
    assert {FIRST, "07-mandelbrot.ipynb", "checks_00.py", "reference.json", "soup.smk"} <= names
    assert "__init__.py" not in names
    assert names == {path.name for path in (tmp_path / "new" / "folder").iterdir()}


def test_copies_hold_whatever_an_episode_brings_but_no_caches(tmp_path, monkeypatch):
    originals = tmp_path / "originals"
    wanted = {"00-setup.ipynb", "Snakefile", "text.txt", "data/photo.jpg", "data/__init__.py"}
    others = {
        "__init__.py",
        "INSTRUCTORS.md",
        "__pycache__/checks.pyc",
        "data/__pycache__/x.pyc",
        ".ipynb_checkpoints/00-setup.ipynb",
        ".snakemake/log",
    }
    for name in wanted | others:
        (originals / name).parent.mkdir(parents=True, exist_ok=True)
        (originals / name).write_bytes(name.encode())
    monkeypatch.setattr(lesson, "notebooks_dir", lambda: originals)
    folder = tmp_path / "mine"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "photo.jpg").write_text("my photo")
    written = {path.relative_to(folder).as_posix() for path in lesson.copy_to(folder)}
    assert written == wanted - {"data/photo.jpg"}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == wanted
    assert (folder / "data" / "photo.jpg").read_text() == "my photo"


def test_copying_never_overwrites_a_learners_work(tmp_path):
    (tmp_path / FIRST).write_text("my work")
    written = lesson.copy_to(tmp_path)
    assert (tmp_path / FIRST).read_text() == "my work"
    assert FIRST not in {path.name for path in written}
    assert written
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert lesson.copy_to(tmp_path) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_copying_does_not_write_through_a_link(tmp_path):
    target, folder = tmp_path / "target", tmp_path / "folder"
    folder.mkdir()
    (folder / FIRST).symlink_to(target)
    lesson.copy_to(folder)
    assert not target.exists()


def test_copying_onto_a_file_is_one_clear_error(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(NotADirectoryError, match=r"^lesson: .*file is a file, not a folder$"):
        lesson.copy_to(file)


def test_run_all_reports_each_notebook(tmp_path):
    check = "from pyparallel import checks\nchecks.exercise('one')(lambda answer: 'Good.')(1)"
    write(tmp_path, "a.ipynb", "x = 1", check, check.replace("one", "two").replace("(1)", "(...)"))
    write(tmp_path, "b.ipynb", "x = 1", "y = x / 0", "z = y")
    (tmp_path / "c.ipynb").write_text("{ no notebook")
    told: list[lesson.Outcome] = []
    outcomes = lesson.run_all(tmp_path, tell=told.append)
    assert outcomes == told
    good, bad, broken = outcomes
    assert (good.name, good.ok, good.error) == ("a.ipynb", True, None)
    assert good.exercises == {"one": "passed", "two": "unsolved"}
    assert "1 of 2 exercises solved" in str(good)
    assert not bad.ok
    assert bad.error == "cell cell-1: ZeroDivisionError: division by zero"
    assert "FAILED" in str(bad)
    assert broken.error.startswith("reading: ")


def test_the_table_says_how_each_notebook_ran():
    solved = lesson.Outcome("a.ipynb", 12.34, None, {"one": "passed", "two": "wrong"})
    failed = lesson.Outcome("b.ipynb", 1.0, "cell x: ValueError: no")
    header, first, second, verdict, error = lesson.table([solved, failed]).splitlines()
    assert header.split()[0] == "notebook"
    assert first.split() == ["a.ipynb", "ok", "12.3", "s", "1", "of", "2"]
    assert second.split() == ["b.ipynb", "FAILED", "1.0", "s", "-"]
    assert verdict == "Not all ran from top to bottom: 1 of 2."
    assert error == "b.ipynb: cell x: ValueError: no"
    assert lesson.table([solved]).splitlines()[-1] == "All ran from top to bottom: 1 of 1."


def test_instructors_find_every_episode_in_their_notes():
    text = (lesson.notebooks_dir() / lesson.INSTRUCTORS).read_text(encoding="utf-8")
    for path in lesson.notebooks_dir().glob("*.ipynb"):
        assert f"`{path.stem}`" in text


def test_run_all_leaves_the_files_as_they_are(tmp_path):
    path = write(tmp_path, "a.ipynb", "print('out')")
    before = path.read_bytes()
    assert lesson.run_all(tmp_path)[0].ok
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.ipynb"]


def test_run_all_wants_a_notebook(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^lesson: no notebook in"):
        lesson.run_all(tmp_path)


def test_without_a_folder_a_copy_of_the_lesson_runs(tmp_path, monkeypatch):
    originals = tmp_path / "originals"
    originals.mkdir()
    write(originals, "a.ipynb", "from pathlib import Path\nPath('litter').touch()")
    monkeypatch.setattr(lesson, "notebooks_dir", lambda: originals)
    assert [outcome.name for outcome in lesson.run_all()] == ["a.ipynb"]
    assert [path.name for path in originals.iterdir()] == ["a.ipynb"]


def test_the_kernel_is_this_interpreter_whatever_kernels_are_installed(tmp_path, monkeypatch):
    other = tmp_path / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["no-such-python"], "display_name": "other"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    book = notebook("import sys\nprint(sys.executable)")
    assert lesson.execute(book, tmp_path) is None
    assert book.cells[1].outputs[0].text.strip() == sys.executable


def test_the_kernel_works_in_the_folder_and_knows_the_scale(tmp_path):
    book = notebook("import os\nprint(os.getcwd(), os.environ['PYPARALLEL_SCALE'])")
    assert lesson.execute(book, tmp_path, scale="ci") is None
    assert book.cells[1].outputs[0].text.strip() == f"{tmp_path.resolve()} ci"


def test_a_cell_that_never_ends_is_stopped(tmp_path):
    start = time.perf_counter()
    error = lesson.execute(notebook("1", "while True: pass", "3"), tmp_path, timeout=2)
    assert error == "cell cell-1: still running after 2 s"
    assert time.perf_counter() - start < 20


def test_a_kernel_that_dies_is_reported(tmp_path):
    error = lesson.execute(notebook("1", "import os\nos._exit(3)"), tmp_path)
    assert error is not None
    assert error.startswith("cell cell-1: ")
    assert "died" in error


def test_exercises_takes_the_last_word_of_each_check():
    book = notebook("", "")
    for cell, state in zip(book.cells[1:], ("wrong", "passed"), strict=True):
        data = {checks.MIME: {"exercise": "one", "state": state, "text": ""}}
        cell.outputs = [nbformat.v4.new_output("execute_result", data)]
    assert lesson.exercises(book) == {"one": "passed"}


def test_lab_is_opened_on_the_folder_by_this_interpreter(tmp_path, monkeypatch):
    called: list[list[str]] = []
    monkeypatch.setattr(subprocess, "call", lambda command: called.append(command) or 5)
    assert lesson.open_lab(tmp_path, "--no-browser") == 5
    root = f"--ServerApp.root_dir={tmp_path.resolve()}"
    assert called == [[sys.executable, "-m", "jupyterlab", root, "--no-browser"]]


@pytest.mark.parametrize("library", ["nbclient", "ipykernel", "jupyterlab"])
def test_a_missing_library_is_named_with_its_cure(run_python, library, tmp_path):
    code = (
        "import sys; sys.modules[sys.argv[1]] = None\n"
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name: None if name == sys.argv[1] else find(name)\n"
        "from pyparallel import lesson\n"
        "try: lesson.open_lab(sys.argv[2]) if sys.argv[1] == 'jupyterlab' else lesson.run_all()\n"
        "except ImportError as error: print(error)"
    )
    said = run_python(code, library, str(tmp_path)).stdout
    assert "is missing: pip install" in said
    assert '[lesson]"' in said


def test_the_reference_measurement_says_where_it_comes_from():
    scaling = lesson.reference("scaling")
    assert "measured" in scaling["machine"]
    assert [threads for threads, _ in scaling["speedup"]][:2] == [1, 2]
