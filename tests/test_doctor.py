"""The doctor names what is missing, with its cure, and takes nothing else for a fault."""

import ast
import json
import re
import subprocess
import sys
import time
import types
from importlib import metadata

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from pyparallel import _metadata, compilers, doctor, lesson
from pyparallel.cli import run
from pyparallel.doctor import Finding

CONFIG = {
    "isa": "avx2",
    "isa_available": ["baseline", "avx2"],
    "openmp": True,
    "num_threads": 8,
    "num_threads_reason": "affinity",
    "cpus": 8,
    "affinity": 8,
    "cgroup_quota": None,
    "gil": True,
}


def on_machine(monkeypatch, **changes):
    monkeypatch.setattr(doctor, "config", lambda: CONFIG | changes)
    monkeypatch.setattr(doctor, "physical_cores", lambda: None)


def found(check, name):
    return next(finding for finding in check() if finding.name == name)


def without(monkeypatch, name, instead=None):
    """As if a distribution were not installed, or in another version."""
    version = metadata.version

    def fake(asked):
        if asked.lower() != name:
            return version(asked)
        if instead is None:
            raise metadata.PackageNotFoundError(asked)
        return instead

    monkeypatch.setattr(metadata, "version", fake)


def test_every_library_of_the_extra_is_listed_with_its_version():
    lines = metadata.requires(_metadata.distribution())
    wanted = {
        re.match(r"[\w-]+", line)[0]
        for line in lines
        if re.search(r"extra == .(lesson|cli).$", line) and "[" not in line
    }
    listed = {finding.name: finding for finding in doctor._libraries()}
    assert wanted
    for name in wanted:
        assert listed[name].text == metadata.version(name)
        assert listed[name].ok


def test_a_missing_library_is_a_finding_with_the_line_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "TIME_TO_MEASURE", 0.0)
    without(monkeypatch, "numba")
    status = run(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[0].startswith("This machine is not ready for the lesson: see ")
    row = next(k for k, line in enumerate(lines) if line.split()[:2] == ["MISSING", "numba"])
    assert lines[row + 1].strip() == f"-> {_metadata.install_line('lesson')}"


def test_a_library_too_old_is_a_finding_with_its_cure(monkeypatch):
    without(monkeypatch, "numba", instead="0.1")
    finding = found(doctor._libraries, "numba")
    assert not finding.ok
    assert finding.text.startswith("0.1 does not satisfy numba>=")
    assert finding.cure.startswith('pip install "numba>=')


def test_a_library_that_another_needs_is_missed_too(monkeypatch):
    without(monkeypatch, "llvmlite")
    finding = found(doctor._libraries, "llvmlite")
    assert not finding.ok
    assert finding.text == "missing (for numba)"


def test_a_prerelease_satisfies(monkeypatch):
    without(monkeypatch, "numba", instead="1.0rc1")
    assert found(doctor._libraries, "numba").ok


def test_a_package_that_is_not_installed_is_a_finding(monkeypatch):
    monkeypatch.setattr(_metadata, "distribution", lambda: None)
    (finding,) = doctor._libraries()
    assert (finding.name, finding.ok) == ("installation", False)
    assert finding.cure == 'pip install -e ".[lesson]"'


def test_without_packaging_the_doctor_still_speaks(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.utils", None)
    (finding,) = doctor._libraries()
    assert (finding.name, finding.ok) == ("packaging", False)


@pytest.mark.parametrize(
    ("limits", "usable"),
    [
        ({}, 8),
        ({"affinity": 3}, 3),
        ({"affinity": None}, 8),
        ({"cgroup_quota": 2}, 2),
        ({"cpus": None, "affinity": None}, 1),
    ],
)
def test_usable_cores_are_the_least_of_all_limits(monkeypatch, limits, usable):
    on_machine(monkeypatch, **limits)
    assert doctor.usable_cores() == usable


def test_one_core_is_advice_and_nothing_is_judged(monkeypatch):
    on_machine(monkeypatch, affinity=1, num_threads=1)
    monkeypatch.setattr(doctor, "two_thread_speedup", pytest.fail)
    cores, threads = found(doctor._cores, "cores"), found(doctor._two_threads, "two threads")
    assert cores.ok and "two cores" in cores.cure
    assert threads.ok and threads.text == "not judged: only one core is usable"
    assert doctor.verdict([cores, threads]).endswith(
        "is ready for the lesson, with advice on cores."
    )


def test_other_threads_than_cores_are_explained(monkeypatch):
    on_machine(monkeypatch, num_threads=1, num_threads_reason="OMP_NUM_THREADS")
    finding = found(doctor._cores, "threads")
    assert finding.ok and finding.cure == "unset OMP_NUM_THREADS"
    on_machine(monkeypatch)
    assert [finding.name for finding in doctor._cores()] == ["cores"]


def test_a_build_without_openmp_is_missing_something(monkeypatch):
    on_machine(monkeypatch, openmp=False, num_threads=1, num_threads_reason="built without OpenMP")
    finding = found(doctor._openmp, "OpenMP")
    assert not finding.ok and "pip install" in finding.cure
    assert list(doctor._two_threads()) == []
    assert [finding.name for finding in doctor._cores()] == ["cores"]


def test_a_forced_variant_is_said(monkeypatch):
    on_machine(monkeypatch)
    monkeypatch.delenv("PYPARALLEL_ISA", raising=False)
    assert found(doctor._instructions, "instructions").cure is None
    monkeypatch.setenv("PYPARALLEL_ISA", "avx2")
    assert "PYPARALLEL_ISA" in found(doctor._instructions, "instructions").cure


def test_slow_threads_are_advice_not_a_fault(monkeypatch):
    on_machine(monkeypatch)
    monkeypatch.setattr(doctor, "two_thread_speedup", lambda: 1.2)
    finding = found(doctor._two_threads, "two threads")
    assert finding.ok and finding.cure
    assert finding.text == "1.20 times as fast as one, measured"


def clocked(monkeypatch, times):
    """Let the clock say how long the run with this number of threads took."""
    runs = []

    def time_of(num_threads):
        runs.append(num_threads)
        return times(num_threads, len(runs))

    monkeypatch.setattr(doctor, "_time_of", time_of)
    return runs


def test_the_speedup_is_best_against_best_of_interleaved_runs(monkeypatch):
    runs = clocked(monkeypatch, lambda threads, k: 4.0 / threads + (k % 7))
    assert doctor.two_thread_speedup() == 2.0
    assert runs == [1, 2] * doctor.RUNS


def test_a_busy_moment_is_not_taken_for_a_missing_core(monkeypatch):
    clocked(monkeypatch, lambda threads, k: 2.0 if k <= 40 or threads == 1 else 1.0)
    assert doctor.two_thread_speedup() == 2.0
    monkeypatch.setattr(doctor, "TIME_TO_MEASURE", 0.0)
    clocked(monkeypatch, lambda threads, k: 2.0)
    assert doctor.two_thread_speedup() == 1.0


def test_the_speedup_is_measured_here():
    assert 0.1 < doctor.two_thread_speedup() < 10


def test_looking_does_not_choose_the_start_method():
    code = (
        "import multiprocessing as m; from pyparallel.doctor import _start_method as s;"
        "print(next(s()).text.split()[2]); print(m.get_start_method(allow_none=True));"
        "print(m.get_start_method())"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    told, chosen, default = out.stdout.split()
    assert chosen == "None"
    assert told == default


GCC, GXX = compilers.Compiler("GCC 12.2.0", ("gcc",)), compilers.Compiler("GCC 12.2.0", ("g++",))
ZIG = compilers.Compiler("zig 0.13.0", ("python", "-m", "ziglang", "cc"))


def with_compilers(monkeypatch, c, cxx, platform="linux", manager=None):
    monkeypatch.setattr(compilers, "find_c", lambda: c)
    monkeypatch.setattr(compilers, "find_cxx", lambda: cxx)
    monkeypatch.setattr(doctor.sys, "platform", platform)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name == manager or None)
    return found(doctor._compilers, "C compiler")


def test_a_compiler_is_named(monkeypatch):
    finding = with_compilers(monkeypatch, GCC, GXX)
    assert (finding.ok, finding.cure) == (True, None)
    assert finding.text == "GCC 12.2.0 (gcc and g++)"


@pytest.mark.parametrize(
    ("platform", "manager", "cure"),
    [
        ("linux", "apt-get", "sudo apt-get install build-essential python3-dev"),
        ("linux", "dnf", "sudo dnf install gcc-c++ python3-devel"),
        ("linux", None, "install gcc, g++ and the headers of this Python"),
        ("darwin", None, "xcode-select --install"),
        ("win32", None, "winget install Microsoft.VisualStudio.2022.BuildTools"),
    ],
)
def test_without_a_compiler_the_advice_is_the_platforms(monkeypatch, platform, manager, cure):
    none = with_compilers(monkeypatch, None, None, platform, manager)
    assert none.ok
    assert none.cure.startswith(cure)
    assert none.cure.endswith(_metadata.install_line("lesson-c"))
    some = with_compilers(monkeypatch, ZIG, None, platform, manager)
    assert some.ok
    assert some.text.startswith("zig 0.13.0, but no C++")
    assert some.cure.startswith(cure)
    assert "lesson-c" not in some.cure


@pytest.mark.parametrize(("gib", "enough"), [(2, False), (3.7, True), (64, True)])
def test_little_memory_is_advice(monkeypatch, gib, enough):
    memory = types.SimpleNamespace(total=gib * 2**30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    finding = found(doctor._memory, "memory")
    assert finding.ok
    assert (finding.cure is None) == enough


def test_a_machine_that_cannot_connect_to_itself_is_not_ready(monkeypatch):
    assert found(doctor._loopback, "connections").ok

    def refused(*args, **kwargs):
        raise OSError("not permitted")

    monkeypatch.setattr(doctor.socket, "create_connection", refused)
    finding = found(doctor._loopback, "connections")
    assert not finding.ok
    assert "not permitted" in finding.text
    assert "127.0.0.1" in finding.cure


def test_every_library_that_a_notebook_imports_is_looked_at():
    """Those of the lesson's files are in the extra, or in Python, or come with one of the extra."""
    ours = {path.stem for path in lesson.notebooks_dir().glob("*.py")} | {"pyparallel"}
    used = set()
    for path in lesson.notebooks_dir().iterdir():
        if path.suffix == ".py":
            used |= imported(path.read_text("utf-8"))
        elif path.suffix == ".ipynb":
            used |= set().union(*map(imported, code_of(path)))
    homes = metadata.packages_distributions()
    listed = {finding.name.lower().replace("_", "-") for finding in doctor._libraries()}
    optional = {"ot"}  # notebook 06 goes without POT
    for name in used - ours - optional - set(sys.stdlib_module_names):
        distributions = {home.lower().replace("_", "-") for home in homes.get(name, [])}
        assert distributions & (listed | {"ipython", "nbformat"}), name


def code_of(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def imported(source):
    """The top-level modules that a cell or a file imports, in functions, too."""
    found = set()
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.partition(".")[0])
    return found


def test_verdict_is_one_sentence_whatever_was_found():
    good = Finding("two threads", True, "1.90 times as fast as one, measured")
    advice, bad = Finding("cores", True, "1", "buy"), Finding("dask", False, "missing", "pip")
    worse = Finding("numba", False, "missing", "pip")
    ready = "This machine is ready for the lesson"
    assert doctor.verdict([good]) == f"{ready}: two threads are {good.text}."
    assert doctor.verdict([]) == f"{ready}: nothing is missing."
    assert doctor.verdict([good, advice]) == f"{ready}, with advice on cores."
    assert doctor.verdict([advice, bad, worse]) == (
        "This machine is not ready for the lesson: see dask and numba."
    )
    assert doctor.verdict([bad] * 9).endswith(": see dask, dask, dask and 6 more.")


def test_progress_names_each_check():
    names = []
    findings = doctor.examine(names.append)
    assert names == list(doctor.CHECKS)
    assert all("\n" not in finding.text for finding in findings)


def test_the_command_answers_in_ten_seconds_verdict_first():
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pyparallel", "doctor"], capture_output=True, text=True, check=False
    )
    assert time.perf_counter() - start < 10  # promised; it takes about one on an idle machine
    first, blank, *_ = done.stdout.splitlines()
    answer = {0: "ready", 1: "not ready"}[done.returncode]
    assert first.startswith(f"This machine is {answer} for the lesson")
    assert (blank, done.stderr) == ("", "")


def test_install_line_of_a_checkout_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(_metadata, "distribution", lambda: None)
    assert _metadata.install_line("cli") == 'pip install -e ".[cli]"'
    with pytest.raises(metadata.PackageNotFoundError):
        _metadata.needs("cli")


def test_needs_are_listed_once_and_direct_needs_first():
    libraries = _metadata.needs("lesson")
    names = [library.name.lower().replace("_", "-") for library in libraries]
    assert len(names) == len(set(names))
    direct = [library.needed_by == _metadata.distribution() for library in libraries]
    assert direct == sorted(direct, reverse=True)
    assert {"click", "numba", "numpy"} <= set(names)


def test_what_another_extra_needs_is_not_asked_for():
    assert "numba" not in {library.name for library in _metadata.needs("cli")}
