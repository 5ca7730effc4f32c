"""The lesson's notebooks: find them, copy them to a learner's folder, run them, open JupyterLab."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyparallel._files import shipped
from pyparallel._metadata import install_line
from pyparallel._tables import text_table
from pyparallel.checks import MIME

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIRST = "00-setup.ipynb"
INSTRUCTORS = "INSTRUCTORS.md"  # stays where it is installed: it answers what learners are asked


@dataclass(frozen=True)
class Outcome:
    """How a notebook ran.

    Attributes
    ----------
    name : str
        The notebook's file name.
    seconds : float
        How long it took, the kernel's start included.
    error : str or None
        What stopped it, in one line.
    exercises : dict of str to str
        For each exercise checked: "passed", "wrong" or "unsolved".
    """

    name: str
    seconds: float
    error: str | None = None
    exercises: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Did every cell run?"""
        return self.error is None

    def __str__(self) -> str:
        verdict = "ok" if self.ok else f"FAILED in {self.error}"
        solved = list(self.exercises.values()).count("passed")
        exercises = f", {solved} of {len(self.exercises)} exercises solved" if self.ok else ""
        return f"{self.name}: {verdict} ({self.seconds:.0f} s{exercises})"


def notebooks_dir() -> Path:
    """The folder with the lesson's notebooks as they were installed: read them, don't edit them.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileNotFoundError
        The package was installed without its notebooks.

    Examples
    --------
    >>> from pyparallel import lesson
    >>> (lesson.notebooks_dir() / "00-setup.ipynb").exists()
    True
    """
    folder = shipped(__file__, "notebooks", "notebooks", FIRST)
    if folder is None:
        package = Path(__file__).resolve().parent
        raise FileNotFoundError(f"lesson: no notebooks beside {package}: install the package again")
    return folder


def copy_to(folder: str | os.PathLike[str]) -> list[Path]:
    """Copy the notebooks and the files they need; what is already there is left as it is.

    Parameters
    ----------
    folder : path-like
        Made if it does not exist.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    NotADirectoryError
        There is a file of that name.

    Examples
    --------
    >>> import tempfile
    >>> from pyparallel import lesson
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, again = lesson.copy_to(folder), lesson.copy_to(folder)
    >>> first[0].name, again
    ('00-setup.ipynb', [])
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"lesson: {target} is a file, not a folder")
    target.mkdir(parents=True, exist_ok=True)
    originals = notebooks_dir()
    written = []
    for name in _for_learners(originals):
        copy, text = target / name, (originals / name).read_bytes()
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            with copy.open("xb") as file:  # fails where a file is: nothing can be overwritten
                file.write(text)
        except FileExistsError:
            continue
        written.append(copy)
    return written


def _for_learners(originals: Path) -> Iterator[Path]:
    """The files of the lesson, also those in folders of it: all but caches and the package's own."""
    for path in sorted(originals.rglob("*")):
        name = path.relative_to(originals)
        cache = any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        if path.is_file() and not cache and str(name) not in ("__init__.py", INSTRUCTORS):
            yield name


def run_all(
    folder: str | os.PathLike[str] | None = None,
    *,
    scale: str | None = None,
    timeout: float = 600.0,
    tell: Callable[[Outcome], object] | None = None,
) -> list[Outcome]:
    """Run every notebook of a folder from top to bottom, each in a fresh kernel.

    The files stay as they are: outputs are not saved.

    Parameters
    ----------
    folder : path-like, optional
        By default a temporary copy of the lesson.
    scale : str, optional
        What the notebooks find in PYPARALLEL_SCALE: "ci" runs them at small sizes.
    timeout : float
        Seconds that one cell may take.
    tell : callable, optional
        Called with each outcome as it comes.

    Returns
    -------
    list of Outcome
        In the order of the file names.

    Raises
    ------
    ImportError
        nbclient or ipykernel is missing; the message says what to install.
    FileNotFoundError
        There is no notebook in the folder.
    """
    _nbclient()
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="pyparallel-lesson-") as copy:
            copy_to(copy)
            return run_all(copy, scale=scale, timeout=timeout, tell=tell)
    paths = sorted(Path(folder).glob("*.ipynb"))
    if not paths:
        raise FileNotFoundError(f"lesson: no notebook in {folder}")
    outcomes = []
    for path in paths:
        outcomes.append(_run(path, scale, timeout))
        if tell:
            tell(outcomes[-1])
    return outcomes


def table(outcomes: Sequence[Outcome]) -> str:
    """How the notebooks ran, in a table; below it, what stopped those that failed.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What `run_all` returns.

    Returns
    -------
    str

    Examples
    --------
    >>> from pyparallel import lesson
    >>> print(lesson.table([lesson.Outcome("00-setup.ipynb", 7.2, None, {"two": "passed"})]))
    notebook        result   time  exercises solved
    00-setup.ipynb      ok  7.2 s            1 of 1
    All ran from top to bottom: 1 of 1.
    """
    rows = []
    for outcome in outcomes:
        solved = f"{list(outcome.exercises.values()).count('passed')} of {len(outcome.exercises)}"
        result, solved = ("ok", solved) if outcome.ok else ("FAILED", "-")
        rows.append([outcome.name, result, f"{outcome.seconds:.1f} s", solved])
    failed = [outcome for outcome in outcomes if not outcome.ok]
    verdict = "Not all ran" if failed else "All ran"
    note = f"{verdict} from top to bottom: {len(outcomes) - len(failed)} of {len(outcomes)}."
    lines = [text_table(["notebook", "result", "time", "exercises solved"], rows, note)]
    return "\n".join([*lines, *(f"{outcome.name}: {outcome.error}" for outcome in failed)])


def execute(
    notebook: NotebookNode,
    folder: str | os.PathLike[str],
    *,
    scale: str | None = None,
    timeout: float = 600.0,
) -> str | None:
    """Run a notebook's cells in a new kernel of this interpreter; outputs go into the notebook.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Changed in place.
    folder : path-like
        The kernel's working directory.
    scale, timeout
        As in `run_all`.

    Returns
    -------
    str or None
        What stopped it, in one line; None where every cell ran.
    """
    nbclient = _nbclient()
    environment = os.environ | ({"PYPARALLEL_SCALE": scale} if scale else {})
    at = "the start"

    def follow(cell: NotebookNode, cell_index: int) -> None:
        nonlocal at
        at = f"cell {cell.id}"

    client = nbclient.NotebookClient(
        notebook,
        timeout=math.ceil(timeout),
        kernel_manager_class=_kernel_manager(),
        on_cell_start=follow,
    )
    try:
        client.execute(cwd=os.fspath(folder), env=environment)
    except nbclient.exceptions.CellExecutionError as error:
        return f"{at}: {error.ename}: {error.evalue}".splitlines()[0]
    except nbclient.exceptions.CellTimeoutError:
        return f"{at}: still running after {timeout:g} s"
    except (nbclient.exceptions.DeadKernelError, RuntimeError) as error:
        return f"{at}: {error}".splitlines()[0]
    return None


def exercises(notebook: NotebookNode) -> dict[str, str]:
    """What the checks said in a notebook that has been run: "passed", "wrong" or "unsolved"."""
    records = [
        output.data[MIME]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]
    return {record["exercise"]: record["state"] for record in records}


def reference(name: str) -> dict[str, Any]:
    """A measurement that ships with the lesson, for machines that cannot show it themselves.

    Parameters
    ----------
    name : str
        A key of ``reference.json``.

    Returns
    -------
    dict
        Under "machine", what it was measured on, to label it; the rest depends on the name.
    """
    text = (notebooks_dir() / "reference.json").read_text(encoding="utf-8")
    measured: dict[str, Any] = json.loads(text)[name]
    return measured


def open_lab(folder: str | os.PathLike[str], *options: str) -> int:
    """Open JupyterLab on a folder, and wait until it is closed.

    Parameters
    ----------
    folder : path-like
        With the notebooks; see `copy_to`.
    *options : str
        For JupyterLab: ``"--no-browser"``, for example.

    Returns
    -------
    int
        JupyterLab's exit status.

    Raises
    ------
    ImportError
        JupyterLab is missing; the message says what to install.
    """
    from importlib.util import find_spec

    if find_spec("jupyterlab") is None:
        raise ImportError(f"lesson: JupyterLab is missing: {install_line('lesson')}")
    root = f"--ServerApp.root_dir={Path(folder).resolve()}"
    return subprocess.call([sys.executable, "-m", "jupyterlab", root, *options])


def _run(path: Path, scale: str | None, timeout: float) -> Outcome:
    import nbformat

    start = time.perf_counter()
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, nbformat.ValidationError) as broken:
        return Outcome(path.name, 0.0, f"reading: {str(broken).splitlines()[0]}")
    error = execute(notebook, path.parent, scale=scale, timeout=timeout)
    return Outcome(path.name, time.perf_counter() - start, error, exercises(notebook))


def _nbclient() -> Any:
    try:
        import ipykernel  # noqa: F401 - only to see that a kernel can start
        import nbclient
        import nbclient.exceptions
    except ImportError as error:
        raise ImportError(f"lesson: {error.name} is missing: {install_line('lesson')}") from None
    return nbclient


def _kernel_manager() -> type:
    """A kernel manager that starts this interpreter, whatever kernels are installed."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class ThisInterpreter(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [sys.executable, "-m", "ipykernel", "-f", "{connection_file}"]
            argv.append("--log-level=ERROR")  # not that local messages are not encrypted
            return KernelSpec(argv=argv, display_name=kernel_name, language="python")

    class Manager(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _this_interpreter(self) -> KernelSpecManager:
            return ThisInterpreter(parent=self)

    return Manager
