"""The commands: what they print, their exit status, and one line for every error."""

import json
import re
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

import pyparallel as pp
from pyparallel import _metadata, cli, contestants, demo, doctor, lesson, report, variants
from pyparallel.cli import run
from pyparallel.contestants import Problem

COMMANDS = ["demo", "doctor", "race", "render", "lesson"]


def said(capsys):
    """What went to stdout, and the lines that went to stderr."""
    captured = capsys.readouterr()
    return captured.out, captured.err.splitlines()


def tiny(missing=None):
    """A problem that is solved in no time, and how many threads its last contestant saw."""
    seen = []

    def ours():
        seen.append(pp.get_num_threads())
        return np.arange(3)

    runners = {"NumPy": lambda: np.arange(3), "pyparallel": ours}
    small = Problem("a small problem", {"pure Python": lambda: [0, 1, 2], **runners}, {}, {})
    sources = {"NumPy": "https://numpy.org/doc"}
    return Problem("a problem", runners, missing or {}, sources, small), seen


@pytest.fixture
def problem(monkeypatch):
    built, seen = tiny({"Numba serial": 'pip install "it"'})
    monkeypatch.setattr(contestants, "problems", lambda: {"tiny": lambda: built})
    return seen


# help and errors


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does_and_how(capsys, command):
    assert run([command, "--help"]) == 0
    out, errors = said(capsys)
    assert out.startswith(f"Usage: pyparallel {command}")
    assert not errors
    if command != "doctor":
        assert f"Examples:\n    pyparallel {command}" in out


def test_without_a_command_all_are_listed(capsys):
    assert run([]) == 0
    out, errors = said(capsys)
    assert not errors
    assert set(COMMANDS) <= set(out.split())


def test_version(capsys):
    assert run(["--version"]) == 0
    assert said(capsys)[0] == f"pyparallel {metadata.version(_metadata.distribution())}\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("nonsense", "No such command 'nonsense'"),
        ("--nonsense", "No such option"),
        ("demo --nonsense", "No such option"),
        ("demo -o no/such/report.html", "cannot write no/such/report.html: there is no folder"),
        ("demo -o .", "cannot write ."),
        ("demo --threads 0", "threads: n must be at least 1"),
        ("doctor thyself", "unexpected extra argument"),
        ("race", "Missing argument 'NAME'"),
        ("race nonsense", "'nonsense' is not one of mandelbrot"),
        ("race mandelbrot --repeat 0", "0 is not in the range"),
        ("race mandelbrot --only Fortran", "'Fortran' cannot race: there are NumPy"),
        ("race mandelbrot --threads two", "'two' is not a valid integer"),
        ("race mandelbrot --threads -2", "threads: n must be at least 1"),
        ("race mandelbrot --isa z80", "--isa must be all or one of baseline"),
        ("race mandelbrot --isa all --only NumPy", "no --only"),
        ("race mandelbrot --json no/such/file", "there is no folder no/such"),
        ("render --center north", "'north' is not a number such as -0.8+0.156i"),
        ("render --center 1e999", "'1e999' is not finite"),
        ("render --julia nan", "'nan' is not finite"),
        ("render --extent 0", "extent must have a positive real and imaginary part"),
        ("render --extent -1", "extent must have a positive real and imaginary part"),
        ("render --extent 1 --zoom 2", "--extent and --zoom exclude each other"),
        ("render --zoom 0", "factor must be a positive number"),
        ("render --size 100", "'100' is not a width and height such as 1600x1200"),
        ("render --size 0x5", "'0x5' is not a width and height"),
        ("render --size -1x5", "'-1x5' is not a width and height"),
        ("render --size 99999999x99999999", "not enough memory"),
        ("render --max-iter 0", "0 is not in the range"),
        ("render --max-iter 2147483648", "2147483648 is not in the range"),
        ("render --cmap grue", "cmap must name a matplotlib colour map, not 'grue'"),
        ("render --contrast 2", "is not in the range"),
        ("render --samples 9", "9 is not in the range"),
        ("render --threads 0", "threads: n must be at least 1"),
        ("render -o picture.gif", "'picture.gif' does not end in .png"),
        ("render -o no/such/picture.png", "there is no folder no/such"),
        ("lesson one two", "unexpected extra argument"),
        ("lesson README", "is a file, not a folder"),
        ("lesson --run no/such", "no notebook in no/such"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, words, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README").touch()
    assert run(words.split()) == 2
    out, errors = said(capsys)
    assert out == ""
    assert len(errors) == 1
    assert errors[0].startswith("pyparallel: ")
    assert complaint in errors[0]
    assert [path.name for path in tmp_path.iterdir()] == ["README"]


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (OSError(28, "No space left on device"), 2, "[Errno 28] No space left on device"),
        (pp.RaceError("race: they differ"), 2, "race: they differ"),
        (ImportError("needs that:\n  pip install it"), 2, "needs that: pip install it"),
    ],
)
def test_what_stops_a_command_is_one_line(monkeypatch, capsys, error, status, line):
    def examine(progress):
        raise error

    monkeypatch.setattr(doctor, "examine", examine)
    assert run(["doctor"]) == status
    out, errors = said(capsys)
    assert out == ""
    assert [line for line in errors if line] == [f"pyparallel: {line}"]


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda progress: {}["nowhere"])
    with pytest.raises(KeyError):
        run(["doctor"])


def test_without_click_the_command_says_what_to_install():
    code = "import sys; sys.modules['click'] = None; from pyparallel.__main__ import main\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}sys.exit(main())"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line == f"pyparallel: the command line needs click: {_metadata.install_line('cli')}"
    assert re.search(r'pip install "[\w-]+\[cli\]"$', line)


def test_ctrl_c_while_the_command_line_loads_is_one_line():
    code = """if True:
        import builtins, sys
        from pyparallel.__main__ import main
        load = builtins.__import__
        def interrupted(name, *arguments):
            if name == "pyparallel.cli":
                raise KeyboardInterrupt
            return load(name, *arguments)
        builtins.__import__ = interrupted
        sys.exit(main())
    """
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "pyparallel: stopped\n")


@pytest.mark.parametrize("library", ["tqdm", "PIL", "matplotlib"])
def test_without_another_library_too(monkeypatch, tmp_path, capsys, library):
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, library, None)
    assert run(["render", "--size", "4x4", "-o", str(tmp_path / "a.png")]) == 2
    _, errors = said(capsys)
    assert len(errors) == 1
    assert errors[0].endswith(_metadata.install_line("cli"))


def test_python_m_pyparallel_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "pyparallel", "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"pyparallel {pp.__version__}\n"


# race


def test_a_race_shows_both_sizes_the_missing_and_the_sources(problem, capsys):
    assert run(["race", "tiny", "--repeat", "1"]) == 0
    out, errors = said(capsys)
    assert not errors
    assert out.index("a problem\n") < out.index("a small problem\n")
    assert out.count("All results agree") == 2
    assert 'Numba serial did not race: pip install "it"' in out
    assert "NumPy: https://numpy.org/doc" in out


def test_only_some_can_race(problem, capsys):
    assert run(["race", "tiny", "--repeat", "1", "--only", "pure Python"]) == 0
    out, _ = said(capsys)
    assert "a small problem" in out
    assert "a problem\n" not in out
    assert not re.search(r"^pyparallel  ", out, re.MULTILINE)


def test_who_is_missing_cannot_race_alone(problem, capsys):
    assert run(["race", "tiny", "--only", "Numba serial"]) == 2
    assert "'Numba serial' cannot race: pip install \"it\"" in said(capsys)[1][0]


def test_a_race_uses_the_threads_asked_for(problem):
    assert run(["race", "tiny", "--repeat", "1", "--threads", "3"]) == 0
    assert set(problem) == {3}


def test_slow_problems_have_fewer_runs_by_default(monkeypatch, capsys):
    raced = []
    monkeypatch.setattr(cli, "_race_here", lambda problem, only, repeat, show: raced.append(repeat))
    for name in ("mandelbrot", "mandelbrot-whole", "mandelbrot-deep", "julia"):
        assert run(["race", name]) == 0
    assert run(["race", "mandelbrot-deep", "--repeat", "9"]) == 0
    assert raced == [7, 7, 3, 7, 9]


def test_a_problem_says_how_its_results_are_compared(monkeypatch, capsys):
    runners = {"rough": lambda: 3.1, "better": lambda: 3.14}
    for check, status in [(None, 2), (lambda first, other: abs(first - other) < 0.1, 0)]:
        built = Problem("a problem", runners, {}, {}, check=check)
        monkeypatch.setattr(contestants, "problems", lambda built=built: {"tiny": lambda: built})
        assert run(["race", "tiny", "--repeat", "1"]) == status


def test_the_help_names_every_problem(capsys):
    assert run(["race", "--help"]) == 0
    assert set(contestants.problems()) <= set(said(capsys)[0].split())


def test_the_title_is_said_before_the_race_begins(problem, monkeypatch, capsys):
    def race(runners, check, repeat):
        raise pp.RaceError("race: over at once")

    monkeypatch.setattr("pyparallel.racing.race", race)
    assert run(["race", "tiny"]) == 2
    out, errors = said(capsys)
    assert out.strip() == "a problem"
    assert errors == ["pyparallel: race: over at once"]


def test_all_that_was_measured_goes_to_a_file(problem, tmp_path, capsys):
    path = tmp_path / "race.json"
    assert run(["race", "tiny", "--repeat", "2", "--json", str(path)]) == 0
    assert "All results agree" in said(capsys)[0]
    measured = json.loads(path.read_text())
    assert measured["problem"] == "tiny"
    assert measured["machine"]["version"] == pp.__version__
    first, small = measured["races"]
    assert (first["title"], small["title"]) == ("a problem", "a small problem")
    assert [c["name"] for c in first["contestants"]] == ["NumPy", "pyparallel"]
    assert all(len(c["times"]) == 2 for c in first["contestants"])


def test_a_minus_prints_json_and_nothing_else(problem, capsys):
    assert run(["race", "tiny", "--repeat", "1", "--json", "-"]) == 0
    assert json.loads(said(capsys)[0])["problem"] == "tiny"


def fake_child(times):
    def child(problem, variant, repeat):
        pair = [
            {"name": variants.RIVAL, "best": 0.3},
            {"name": variants.OURS, "best": times[variant]},
        ]
        return {"races": [{"title": f"{problem} {repeat}", "contestants": pair}]}

    return child


def test_variants_are_raced_in_turn_against_numba(monkeypatch, capsys):
    available = pp.config()["isa_available"]
    times = {name: 0.1 / 2**k for k, name in enumerate(available)}
    monkeypatch.setattr(variants, "_child", fake_child(times))
    assert run(["race", "mandelbrot", "--isa", "all", "--repeat", "2"]) == 0
    out, errors = said(capsys)
    assert not errors
    assert out.startswith("mandelbrot 2\n\nvariant")
    rows = [line.split() for line in out.splitlines() if line]
    ratios = {row[0]: row[-1] for row in rows if row[0] in available}
    assert list(ratios) == available
    assert ratios["baseline"] == "3.00x"
    if len(available) > 1:
        assert ratios[available[1]] == "6.00x"


def test_a_variant_is_forced_in_a_process_of_its_own(capsys):
    assert run(["race", "mandelbrot", "--isa", "baseline", "--repeat", "1", "--json", "-"]) == 0
    measured = json.loads(said(capsys)[0])
    (rival, ours) = measured["variants"]["baseline"]
    assert (rival["name"], ours["name"]) == (variants.RIVAL, variants.OURS)
    child = variants._child("mandelbrot", "baseline", 1)
    assert child["machine"]["isa"] == "baseline"
    assert child["machine"]["num_threads"] == pp.get_num_threads()


def test_exact_sums_are_raced_against_pythons(capsys):
    assert run(["race", "fsum", "--isa", "baseline", "--repeat", "1"]) == 0
    assert "variant   math.fsum  pyparallel  ratio" in said(capsys)[0]


def test_a_race_that_fails_in_its_process_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(variants, "chosen", lambda name: ["z80"])
    assert run(["race", "mandelbrot", "--isa", "all"]) == 2
    (line,) = said(capsys)[1]
    assert line.startswith("pyparallel: z80: ")


# demo


@pytest.fixture
def shown(monkeypatch):
    """A demo that is over at once, and the pages that a browser was asked to open."""
    opened = []
    monkeypatch.setattr(demo, "show", lambda tell: tell("a result"))
    monkeypatch.setattr(report, "page", lambda result: "<p>the page</p>")
    monkeypatch.setattr("webbrowser.open", opened.append)
    return opened


def test_demo_writes_its_report_and_prints_where(shown, tmp_path, capsys):
    path = tmp_path / "report.html"
    assert run(["demo", "-o", str(path)]) == 0
    assert said(capsys)[0] == f"a result\nreport: {path}\n"
    assert path.read_text() == "<p>the page</p>"
    assert not shown


def test_demo_opens_a_browser_only_when_asked(shown, tmp_path):
    path = tmp_path / "report.html"
    assert run(["demo", "--open", "-o", str(path)]) == 0
    assert shown == [path.as_uri()]


def test_a_demo_that_is_stopped_leaves_the_last_report(monkeypatch, tmp_path):
    def show(tell):
        raise KeyboardInterrupt

    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr(demo, "show", show)
    assert run(["demo", "-o", str(path)]) == 130
    assert path.read_text() == "old"


# lesson


def test_lesson_copies_the_notebooks_and_opens_them(monkeypatch, tmp_path, capsys):
    opened = []
    monkeypatch.setattr(
        lesson, "open_lab", lambda folder, *options: opened.append((folder, *options)) or 0
    )
    monkeypatch.chdir(tmp_path)
    assert run(["lesson"]) == 0
    assert run(["lesson", "mine", "--no-browser"]) == 0
    assert [(str(folder), *options) for folder, *options in opened] == [
        ("pyparallel-lesson",),
        ("mine", "--no-browser"),
    ]
    assert (tmp_path / "mine" / lesson.FIRST).exists()
    assert "mine: " in said(capsys)[0]


def test_lesson_ends_as_jupyterlab_ends(monkeypatch, tmp_path):
    monkeypatch.setattr(lesson, "open_lab", lambda folder, *options: 7)
    assert run(["lesson", str(tmp_path)]) == 7


def test_lesson_can_copy_only(monkeypatch, tmp_path):
    monkeypatch.setattr(lesson, "open_lab", pytest.fail)
    assert run(["lesson", str(tmp_path / "new"), "--copy-only"]) == 0
    assert (tmp_path / "new" / lesson.FIRST).exists()


@pytest.mark.parametrize(("error", "status"), [(None, 0), ("cell 3: ValueError: no", 1)])
def test_lesson_runs_the_notebooks_and_reports(monkeypatch, capsys, error, status):
    asked = []

    def run_all(folder, tell):
        asked.append(folder)
        outcomes = [lesson.Outcome("00.ipynb", 2.0), lesson.Outcome("01.ipynb", 3.0, error)]
        for outcome in outcomes:
            tell(outcome)
        return outcomes

    monkeypatch.setattr(lesson, "run_all", run_all)
    assert run(["lesson", "--run"]) == status
    table, progress = said(capsys)
    assert progress[0].startswith("00.ipynb: ok")
    assert ("FAILED" in progress[1]) == (error is not None)
    assert table.split()[:2] == ["notebook", "result"]
    assert ("1 of 2" in table) == (f"01.ipynb: {error}" in table) == (error is not None)
    assert asked == [None]


# the progress bar


def test_the_bar_is_for_terminals_only(capsys):
    with cli._bar("work") as show:
        show(1, 2)
        show(2, 2)
    assert said(capsys) == ("", [])
