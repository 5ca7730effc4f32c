"""The race is fair: warmed up, compared before a time is shown, run in turns."""

from __future__ import annotations

import io
import json
import sys
import time
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

import pyparallel as pp
from pyparallel import _measuring, racing
from pyparallel._agreement import difference

COUNTS = np.arange(12, dtype=np.int32).reshape(3, 4)
OFF_BY_ONE = COUNTS + (COUNTS == 6)
RACE = racing.Race(
    {"<b>first</b> & co": (4.0, 2.0, 8.0), "second": (0.5, 0.5, 0.5)},
    {"<b>first</b> & co": 3 * 2**20, "second": 0},
)


def give(result: object):
    return lambda: result


class Log:
    """Contestants that write down who was called, and a clock that does too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        monkeypatch.setattr(racing, "seconds_a_call", self.timed)

    def contestant(self, name: str, result: object = 0):
        def call() -> object:
            self.events.append(name)
            return result

        return call

    def timed(self, f, calls: int) -> float:
        self.events.append("clock")
        f()
        return 1.0


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


# What makes it fair


def test_every_contestant_is_warmed_up_before_the_clock_starts(log):
    pp.race({"A": log.contestant("A"), "B": log.contestant("B")}, warmup=3)
    untimed = log.events[: log.events.index("clock")]
    assert untimed.count("A") == untimed.count("B") == 3 + 1  # one more to compare


def test_timed_runs_take_turns(log):
    pp.race({name: log.contestant(name) for name in "ABC"}, repeat=3)
    timed = log.events[log.events.index("clock") :]
    assert [event for event in timed if event != "clock"] == list("ABCABCABC")


def test_results_are_compared_before_anything_is_timed(log, capsys):
    with pytest.raises(pp.RaceError):
        pp.race({"A": log.contestant("A", 1), "B": log.contestant("B", 2)})
    assert "clock" not in log.events
    assert capsys.readouterr() == ("", "")


def test_the_error_names_who_disagrees_and_how():
    with pytest.raises(pp.RaceError) as error:
        pp.race({"NumPy": give(COUNTS), "same": give(COUNTS), "mine": give(OFF_BY_ONE)})
    assert str(error.value) == (
        'race: "mine" disagrees with "NumPy": '
        "1 of 12 elements differ, the first at [1, 2]: 7, not 6"
    )


def test_the_error_names_all_who_disagree():
    with pytest.raises(pp.RaceError, match=r'"B" disagrees .*; "C" disagrees '):
        pp.race({"A": give(1), "B": give(2), "C": give(3)})


def test_results_in_a_shared_array_are_compared_as_they_were():
    out = np.zeros(3)

    def write(value: float):
        def call() -> np.ndarray:
            out[:] = value
            return out

        return call

    with pytest.raises(pp.RaceError, match=r"3 of 3 elements differ.*: 2\.0, not 1\.0"):
        pp.race({"A": write(1.0), "B": write(2.0)})


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (COUNTS, COUNTS.astype(np.int64)),
        (COUNTS, COUNTS.astype(float)),
        (COUNTS, COUNTS.tolist()),
        (1.0, 1.0 + 1e-9),
        (np.float32(0.1), 0.1),
        (np.nan, np.nan),
        ([np.inf, np.nan], [np.inf, np.nan]),
        (1 + 2j, 1 + 2j),
        (True, np.True_),
        ((COUNTS, 0.5), (COUNTS, 0.5)),
        (None, None),
        ("pi", "pi"),
        ([], []),
    ],
)
def test_equal_integers_and_close_floats_agree(first, other):
    assert difference(first, other) is None


@pytest.mark.parametrize(
    ("first", "other", "how"),
    [
        (2**53, 2**53 + 1, "it returned 9007199254740993, not 9007199254740992"),
        (1.0, 1.001, "it returned 1.001, not 1.0"),
        (np.nan, 0.0, "it returned 0.0, not nan"),
        (0.0, np.inf, "it returned inf, not 0.0"),
        (True, False, "it returned False, not True"),
        ("pi", "tau", "it returned 'tau', not 'pi'"),
        (COUNTS, None, "it returned None, not int32 array of shape (3, 4)"),
        (COUNTS, COUNTS.T, "array of shape (4, 3), not int32 array of shape (3, 4)"),
        (COUNTS, [1, 2], "it returned list of shape (2,), not int32 array of shape (3, 4)"),
        (1.0, np.ones(1), "it returned float64 array of shape (1,), not float"),
        (1, "1", "it returned str, not int"),
        ((1, 2), (1, 3), "in item 1, it returned 3, not 2"),
        ((1, 2), (1, 2, 3), "it returned 3 items, not 2"),
        ((1, (2, COUNTS)), (1, (2, OFF_BY_ONE)), "in item 1, in item 1, 1 of 12 elements"),
        ([1.0, 2.0, 3.0], [1.0, 9.0, np.nan], "2 of 3 elements differ, the first at [1]: 9.0"),
    ],
)
def test_disagreement_is_told_in_words(first, other, how):
    assert how in difference(first, other)


def test_results_that_cannot_be_compared_are_an_error_that_names_both():
    with pytest.raises(pp.RaceError, match='comparing "B" with "A" raised ValueError'):
        pp.race({"A": give([[1], [1, 2]]), "B": give([[1], [1, 2]])})


# The check that the caller gives


def test_check_decides_alone():
    pp.race({"A": give(3.1), "B": give(3.2)}, check=lambda a, b: abs(a - b) < 0.2, repeat=1)
    with pytest.raises(pp.RaceError, match='"B" disagrees with "A": so says the given check'):
        pp.race({"A": give(1), "B": give(1)}, check=lambda a, b: False)


def test_check_may_answer_element_by_element():
    near = {"check": lambda a, b: abs(a - b) <= 1, "repeat": 1}
    pp.race({"A": give(COUNTS), "B": give(OFF_BY_ONE)}, **near)
    with pytest.raises(pp.RaceError, match=r"12 of 12 elements differ, the first at \[0, 0\]"):
        pp.race({"A": give(COUNTS), "B": give(COUNTS + 2)}, **near)


def test_check_is_given_the_first_result_and_the_other():
    seen = []
    names = {"A": give(1), "B": give(2), "C": give(3)}
    pp.race(names, check=lambda *pair: seen.append(pair) or True, repeat=1)
    assert seen == [(1, 2), (1, 3)]


def test_a_check_that_raises_or_forgets_to_answer_is_an_error():
    with pytest.raises(pp.RaceError, match='comparing "B" with "A" raised ZeroDivisionError'):
        pp.race({"A": give(1), "B": give(0)}, check=lambda a, b: a / b)
    with pytest.raises(pp.RaceError, match="check must return a bool or an array of bools"):
        pp.race({"A": give(1), "B": give(1)}, check=lambda a, b: None)


# Contestants that misbehave


def fails(*_: object) -> None:
    raise ValueError("two\nlines")


def test_a_contestant_that_raises_is_named_in_one_line():
    with pytest.raises(pp.RaceError) as error:
        pp.race({"A": give(1), "B": fails})
    assert str(error.value) == 'race: "B" raised ValueError: two'
    assert isinstance(error.value.__cause__, ValueError)


def test_a_contestant_that_raises_only_when_timed_is_named():
    calls = iter([1, 1])
    with pytest.raises(pp.RaceError, match='"A" raised StopIteration'):
        pp.race({"A": lambda: next(calls)})


def test_an_interrupt_passes_through_and_tracing_stops():
    def interrupted() -> None:
        if tracemalloc.is_tracing():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pp.race({"A": interrupted})
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize("promise", [give(map(abs, [1])), lambda: (k for k in range(3))])
def test_a_promise_is_no_result(promise):
    with pytest.raises(pp.RaceError, match=r'"lazy" returned a promise .*: have it compute'):
        pp.race({"lazy": promise})


def test_a_dask_array_is_a_promise():
    da = pytest.importorskip("dask.array")
    with pytest.raises(pp.RaceError, match=r'"Dask" returned a promise \(Array\)'):
        pp.race({"Dask": lambda: da.ones(3, chunks=3)})


# What is measured


def test_short_contestants_are_called_many_times_a_run():
    assert _measuring.calls_a_run(3e-6) == 334
    assert _measuring.calls_a_run(0.5) == 1
    assert _measuring.calls_a_run(0.0) == _measuring.MOST_CALLS_A_RUN


def test_times_are_of_one_call(monkeypatch):
    timer = SimpleNamespace(timeit=lambda calls: 3.0 * calls)
    monkeypatch.setattr(_measuring, "Timer", lambda f: timer)
    assert _measuring.seconds_a_call(fails, 4) == 3.0


def test_every_run_is_kept():
    outcome = pp.race({"sleep": lambda: time.sleep(2e-3), "nothing": give(None)}, repeat=3)
    assert outcome.best["sleep"] >= 2e-3
    assert all(len(times) == 3 for times in outcome.times.values())


def test_memory_is_the_peak_of_one_call_with_arrays():
    def temporary() -> int:
        return int(np.zeros(2**20, np.uint8).size)

    box = pp.Box(512, 512, center=-0.8, extent=3 + 3j)
    kept = np.ones(2**22, np.uint8)  # before the race: not counted
    peaks = pp.race({"temporary": temporary, "nothing": lambda: 2**20}, repeat=1).memory
    ours = pp.race({"pp": lambda: pp.mandelbrot(box, 2)}, repeat=1).memory
    assert kept.all()
    assert 2**20 <= peaks["temporary"] < 2**20 + 2**16
    assert peaks["nothing"] < 2**16
    assert 2**20 <= ours["pp"] < 2**20 + 2**16


def test_tracing_that_was_on_stays_on_and_what_it_saw_is_not_counted():
    tracemalloc.start()
    try:
        kept = np.ones(2**20)
        np.ones(2**22)  # a higher peak than any in the race
        peaks = pp.race({"A": give(1)}, repeat=1).memory
        assert tracemalloc.is_tracing()
        assert kept.all()
        assert peaks["A"] < 2**16
    finally:
        tracemalloc.stop()


def test_race_summarises_the_runs():
    assert RACE.names == ("<b>first</b> & co", "second")
    assert list(RACE.best.values()) == [2.0, 0.5]
    assert list(RACE.median.values()) == [4.0, 0.5]
    assert list(RACE.spread.values()) == [(6.0 - 3.0) / 4.0, 0.0]
    assert list(RACE.speedup.values()) == [1.0, 4.0]


def test_race_prints_an_aligned_table():
    lines = str(RACE).splitlines()
    assert lines[:3] == [
        "contestant           best  median  spread  speed-up  peak memory",
        "<b>first</b> & co  2.00 s  4.00 s    75 %     1.00x     3.00 MiB",
        "second             500 ms  500 ms     0 %     4.00x          0 B",
    ]
    assert " ".join(lines[3:]).startswith("All results agree. Runs of each: 3, in turn.")
    assert repr(RACE) == str(RACE)


def test_html_escapes_names():
    html = RACE._repr_html_()
    assert "&lt;b&gt;first&lt;/b&gt; &amp; co" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 3


def test_race_survives_json():
    data = json.loads(json.dumps(RACE.to_dict()))
    assert [row["name"] for row in data["contestants"]] == list(RACE.names)
    assert data["contestants"][1] == {
        "name": "second",
        "times": [0.5, 0.5, 0.5],
        "best": 0.5,
        "median": 0.5,
        "spread": 0.0,
        "speedup": 4.0,
        "peak_memory": 0,
    }


def test_race_plots_a_labelled_bar_a_contestant(pyplot):
    figure, ax = RACE.plot()
    assert [bar.get_width() for bar in ax.patches] == [2.0, 0.5]
    assert [text.get_text().strip() for text in ax.texts] == ["2.00 s, 1.00x", "500 ms, 4.00x"]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(RACE.names)
    figure.canvas.draw()
    given = pyplot.figure().subplots()
    assert RACE.plot(given)[1] is given


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_progress_shows_on_a_terminal_alone_and_without_times(monkeypatch, stream):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", stream())
    pp.race({"slow": lambda: time.sleep(0.3)}, repeat=3)
    shown = sys.stderr.getvalue()
    assert ("race: " in shown) == (stream is Terminal)
    assert "s/it" not in shown
    assert "it/s" not in shown


def test_the_race_needs_neither_tqdm_nor_matplotlib(monkeypatch):
    for library in ("tqdm", "matplotlib", "psutil"):
        monkeypatch.setitem(sys.modules, library, None)
    outcome = pp.race({"A": give(1)}, repeat=1)
    steps = pp.scaling(give(1), threads=[1], repeat=1)
    assert "A" in str(outcome)
    assert "Physical cores" not in str(steps)
    for draw in (outcome.plot, steps.plot):
        with pytest.raises(ImportError, match=r"\.plot needs matplotlib: pip install .*\[cli\]"):
            draw()


def test_import_loads_no_optional_library(run_python):
    code = """
import sys, pyparallel.racing, pyparallel.contestants
print({"matplotlib", "tqdm", "psutil", "numba", "dask"} & set(sys.modules))
"""
    assert run_python(code).stdout.strip() == "set()"


# Scaling


def amdahl(serial: float, threads=(1, 2, 4, 8)) -> racing.Scaling:
    return racing.Scaling({n: (serial + (1 - serial) / n,) * 3 for n in threads})


def test_scaling_calls_inside_threads_and_takes_turns():
    seen = []
    pp.scaling(lambda: seen.append(pp.get_num_threads()) or time.sleep(2e-3), [4, 2], repeat=3)
    assert seen[1:4] == [1, 2, 4]  # the warm-up
    assert seen[-9:] == [1, 2, 4] * 3


@pytest.mark.parametrize(
    ("usable", "tried"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))]
)
def test_scaling_tries_powers_of_two_and_all(monkeypatch, usable, tried):
    core = SimpleNamespace(resolve_threads=lambda function, n: usable)
    monkeypatch.setattr("pyparallel._scaling.core", core)
    assert pp.scaling(give(None), repeat=1).threads == tried


@pytest.mark.parametrize("serial", [0.0, 0.05, 0.5, 1.0])
def test_serial_fraction_is_amdahls(serial):
    assert amdahl(serial).serial_fraction == pytest.approx(serial, abs=1e-12)


def test_serial_fraction_is_the_least_squares_fit():
    noisy = racing.Scaling({1: (1.0,), 2: (0.62,), 4: (0.31,), 8: (0.24,)})
    candidates = np.linspace(0, 1, 100_001)

    def squares(serial):
        return sum((serial + (1 - serial) / n - t[0]) ** 2 for n, t in noisy.times.items())

    best = candidates[np.argmin(squares(candidates))]
    assert noisy.serial_fraction == pytest.approx(best, abs=1e-5)


def test_serial_fraction_stays_in_its_range():
    assert racing.Scaling({1: (1.0,), 2: (0.4,)}).serial_fraction == 0.0
    assert racing.Scaling({1: (1.0,), 2: (1.5,)}).serial_fraction == 1.0
    assert racing.Scaling({1: (1.0,)}).serial_fraction is None


def test_speedup_compares_neighbouring_runs():
    drifting = racing.Scaling({1: (1.0, 2.0, 9.0), 2: (0.5, 1.0, 4.5)})
    assert drifting.speedup == {1: 1.0, 2: 2.0}
    assert drifting.spread == {1: (1.0, 1.0), 2: (2.0, 2.0)}


def test_scaling_prints_and_survives_json():
    steps = amdahl(0.5, (1, 2))
    lines = str(steps).splitlines()
    assert lines[:3] == [
        "threads  median  speed-up   middle half  efficiency",
        "1        1.00 s     1.00x  1.00 to 1.00       100 %",
        "2        750 ms     1.33x  1.33 to 1.33        67 %",
    ]
    assert "Amdahl's law fits best with 50.0 % serial." in " ".join(lines[3:])
    assert steps._repr_html_().count("<tr>") == 3
    data = json.loads(json.dumps(steps.to_dict()))
    assert [row["threads"] for row in data["rows"]] == [1, 2]
    assert data["serial_fraction"] == pytest.approx(0.5)


@pytest.mark.parametrize("cores", [4, 16, None])
def test_scaling_plots_the_ideal_the_fit_and_the_cores(monkeypatch, pyplot, cores):
    monkeypatch.setattr("pyparallel._scaling.physical_cores", lambda: cores)
    figure, ax = amdahl(0.1).plot()
    labels = ax.get_legend_handles_labels()[1]
    assert {"ideal", "measured", "Amdahl, 10.0 % serial"} <= set(labels)
    assert [label for label in labels if "cores" in label] == (
        ["physical cores: 4"] if cores == 4 else []
    )
    figure.canvas.draw()
    given = pyplot.figure().subplots()
    assert racing.Scaling({1: (1.0,)}).plot(given)[1] is given


def test_scaling_passes_on_what_the_function_raises():
    with pytest.raises(ValueError, match="two"):
        pp.scaling(fails)


# Wrong arguments


@pytest.mark.parametrize(
    ("contestants", "options", "error", "message"),
    [
        ([fails], {}, TypeError, "race: contestants must map names to functions, .* not list"),
        ({}, {}, ValueError, "race: contestants must hold at least one, but is empty"),
        ({1: fails}, {}, TypeError, "race: contestants must have strings as names, not 1"),
        ({"A": 1}, {}, TypeError, r'race: contestants\["A"\] must be callable .*, not int'),
        ({"A": fails}, {"check": 1}, TypeError, "race: check must be callable or None, not int"),
        ({"A": fails}, {"repeat": 0}, ValueError, "race: repeat must be at least 1, not 0"),
        ({"A": fails}, {"repeat": True}, TypeError, "race: repeat must be an integer, not bool"),
        ({"A": fails}, {"repeat": 2.0}, TypeError, "race: repeat must be an integer, not float"),
        ({"A": fails}, {"warmup": 0}, ValueError, "race: warmup must be at least 1, not 0"),
        ({"A": fails}, {"repeat": -(10**5000)}, ValueError, "at least 1, not one of 16610 bits"),
        ({"A": fails}, {"warmup": "1"}, TypeError, "race: warmup must be an integer, not str"),
    ],
)
def test_race_refuses_wrong_arguments_by_name(contestants, options, error, message):
    with pytest.raises(error, match=message):
        pp.race(contestants, **options)


@pytest.mark.parametrize(
    ("f", "options", "error", "message"),
    [
        (1, {}, TypeError, "scaling: f must be callable, not int"),
        (fails, {"threads": 2}, TypeError, "scaling: threads must list integers, not int"),
        (fails, {"threads": "12"}, TypeError, "scaling: threads must list integers, not str"),
        (fails, {"threads": []}, ValueError, "scaling: threads must hold at least one number"),
        (fails, {"threads": [0]}, ValueError, "each of threads must be at least 1, not 0"),
        (fails, {"threads": [True]}, TypeError, "each of threads must be an integer, not bool"),
        (fails, {"repeat": 0}, ValueError, "scaling: repeat must be at least 1, not 0"),
        (fails, {"repeat": False}, TypeError, "scaling: repeat must be an integer, not bool"),
    ],
)
def test_scaling_refuses_wrong_arguments_by_name(f, options, error, message):
    with pytest.raises(error, match=message):
        pp.scaling(f, **options)


@pytest.fixture
def pyplot():
    """Matplotlib's, with no figures left open."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")
