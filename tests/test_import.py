"""`import pyparallel`: what it loads, what it obeys, and what it says when it cannot."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import pytest

import pyparallel as pp

PACKAGE = Path(pp.__file__).parent
VARIANTS = pp.config()["isa_available"]

NEW_MODULES = """
import sys
import numpy
before = set(sys.modules)
import pyparallel
new = {name for name in set(sys.modules) - before if not name.startswith("__editable__")}
print(*sorted(name for name in new if name.split(".")[0] not in sys.stdlib_module_names))
print(*sorted({name.split(".")[0] for name in new} & set(sys.stdlib_module_names)))
"""


def test_only_numpy_and_the_core_are_loaded(run_python):
    loaded = run_python(NEW_MODULES).stdout.splitlines()[0].split()
    expected = {"pyparallel"} | {
        f"pyparallel.{name}"
        for name in (
            "_core",
            "_load",
            "_threads",
            "exact",
            "fractals",
            "histograms",
            "monte_carlo",
            "ranges",
            "reductions",
        )
    }
    helpers = {name for name in loaded if name.startswith("pyparallel._")}
    assert set(loaded) - helpers <= expected
    assert expected <= set(loaded)


def test_only_light_modules_of_python_are_loaded(run_python):
    """Those that take milliseconds to import stay out."""
    loaded = set(run_python(NEW_MODULES).stdout.splitlines()[1].split())
    heavy = {
        "asyncio",
        "concurrent",
        "email",
        "http",
        "importlib_metadata",
        "json",
        "multiprocessing",
    }
    heavy |= {"statistics", "subprocess", "tempfile", "unittest", "webbrowser", "zipfile"}
    assert not loaded & heavy


def test_every_public_name_is_listed():
    assert set(pp.__all__) <= set(dir(pp))
    assert sorted(pp.__all__) == list(pp.__all__)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(
        AttributeError, match=r"^module 'pyparallel' has no attribute 'mandlebrot'$"
    ):
        _ = pp.mandlebrot


def test_the_version_is_the_installed_ones():
    assert pp.__version__ == pp.config()["version"]
    assert pp.__version__[0].isdigit()


@pytest.mark.parametrize(
    "name", ["_core", "_threads", "fractals", "histograms", "monte_carlo", "mosaic", "ranges"]
)
def test_modules_are_importable_by_name(name):
    assert importlib.import_module(f"pyparallel.{name}") is not None


# --- the choice of instruction set ---------------------------------------------------------------

SAY_ISA = "import pyparallel as pp; print(pp.config()['isa'])"


@pytest.mark.parametrize("isa", VARIANTS)
def test_pyparallel_isa_forces_a_variant(run_python, isa):
    assert run_python(SAY_ISA, PYPARALLEL_ISA=isa).stdout.strip() == isa


def test_the_best_variant_is_the_default(run_python):
    assert run_python(SAY_ISA, PYPARALLEL_ISA="").stdout.strip() == VARIANTS[-1]


@pytest.mark.parametrize("isa", ["sse9", "AVX2", "baseline ", "avx", "0"])
def test_an_unknown_variant_is_an_error_that_lists_the_valid_ones(run_python, isa):
    failed = run_python(SAY_ISA, check=False, PYPARALLEL_ISA=isa)
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: PYPARALLEL_ISA={isa}: ")
    assert all(repr(name) in last for name in VARIANTS)


def test_a_variant_of_another_cpu_is_an_error(run_python):
    for isa in {"baseline", "avx2", "avx512", "avx512vnni", "neon"} - set(VARIANTS):
        failed = run_python(SAY_ISA, check=False, PYPARALLEL_ISA=isa)
        assert f"ImportError: PYPARALLEL_ISA={isa}: " in failed.stderr


# --- without the extension -----------------------------------------------------------------------


def copy_without_core(folder: Path) -> Path:
    """The Python files of the package alone."""
    shutil.copytree(PACKAGE, folder / "pyparallel", ignore=shutil.ignore_patterns("_core*.*[do]"))
    return folder


def import_from(run_python, folder: Path, alone: bool = True):
    """Import the copy, where no other installation can lend its extension (or one can)."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    if alone:
        code += "sys.meta_path = [f for f in sys.meta_path if 'editable' not in f.__module__]\n"
    return run_python(code + "import pyparallel", check=False)


@pytest.mark.parametrize("alone", [True, False])
def test_a_checkout_without_the_extension_says_what_to_run(run_python, tmp_path, alone):
    copy_without_core(tmp_path)
    (tmp_path / "setup.py").touch()
    failed = import_from(run_python, tmp_path, alone)
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("ImportError: pyparallel: ")
    assert "pip install" in last
    assert str(tmp_path) in last
    assert "During handling" not in failed.stderr


def test_an_installation_without_the_extension_says_so(run_python, tmp_path):
    failed = import_from(run_python, copy_without_core(tmp_path))
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("ImportError: pyparallel: ")
    assert "reinstall" in last


def test_a_broken_extension_is_not_taken_for_a_missing_one(run_python, tmp_path):
    copy_without_core(tmp_path)
    (tmp_path / "setup.py").touch()
    (tmp_path / "pyparallel" / "_core.py").write_text("import no_such_module")
    last = import_from(run_python, tmp_path).stderr.splitlines()[-1]
    assert last == "ModuleNotFoundError: No module named 'no_such_module'"


# --- importing elsewhere -------------------------------------------------------------------------

FROM_A_THREAD = """
import signal, threading

def load():
    import pyparallel

thread = threading.Thread(target=load)
thread.start()
thread.join()

import pyparallel as pp

class Ring(Exception):
    pass

def ring(*args):
    raise Ring

signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    pp.escape_time(0, [-1.9] * 9, 2**31 - 1)
except Ring:
    print("stopped")
"""


def test_the_main_thread_is_known_when_another_one_imports(run_python):
    import signal

    if not hasattr(signal, "setitimer"):
        pytest.skip("the system has no timers")
    assert run_python(FROM_A_THREAD, timeout=20).stdout == "stopped\n"
