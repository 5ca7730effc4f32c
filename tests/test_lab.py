"""``pp.lab``: held and released GILs, lost updates, timelines, and the limits of the machine."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pyparallel as pp
from pyparallel._load import core
from tests.test_interrupts import LATEST, seconds_to_stop

OPENMP = pp.config()["openmp"]
FOR_EVER = 2**63 - 1


def steps_of(seconds: float) -> int:
    """How many steps of `busy` take about so long here."""
    n = 1_000_000
    while True:
        span = pp.lab.busy(n)
        if span.end - span.start > 0.02:
            return int(n * seconds / (span.end - span.start))
        n *= 4


# --- busy ----------------------------------------------------------------------------------------


@pytest.fixture
def ticks() -> Iterator[list[float]]:
    """The times at which another Python thread got to run."""
    times: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            times.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    yield times
    stop.set()
    thread.join()


def ticks_during(span: pp.lab.Span, ticks: list[float]) -> int:
    return sum(span.start < tick < span.end for tick in list(ticks))


def test_others_run_beside_a_loop_that_releases_the_gil(ticks):
    assert ticks_during(pp.lab.busy(steps_of(0.3)), ticks) > 3


@pytest.mark.skipif(not pp.config()["gil"], reason="there is no GIL to hold")
def test_nobody_runs_beside_a_loop_that_holds_the_gil(ticks):
    assert ticks_during(pp.lab.busy(steps_of(0.3), release_gil=False), ticks) == 0


@pytest.mark.parametrize("release_gil", [True, False])
def test_busy_says_when_and_where_it_ran(release_gil):
    def call(_: int) -> tuple[float, pp.lab.Span, float, int]:
        before = time.perf_counter()
        span = pp.lab.busy(1000, release_gil=release_gil)
        return before, span, time.perf_counter(), threading.get_ident()

    with ThreadPoolExecutor(2) as pool:
        for before, span, after, thread in [call(0), *pool.map(call, range(20))]:
            assert before <= span.start < span.end <= after
            assert span.thread == thread
            assert (span.start, span.end, span.thread) == tuple(span)


def test_busy_of_no_steps():
    span = pp.lab.busy(0)
    assert span.start <= span.end


def test_ctrl_c_stops_a_loop_that_releases_the_gil():
    assert seconds_to_stop(lambda: pp.lab.busy(FOR_EVER)) < LATEST
    assert pp.lab.busy(10).thread == threading.get_ident()


class Ring(Exception):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_a_signal_stops_a_loop_that_holds_the_gil():
    """No other thread could send it: the system does."""

    def ring(number: int, frame: object) -> None:
        raise Ring

    before = signal.signal(signal.SIGALRM, ring)
    start = time.perf_counter()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Ring):
            pp.lab.busy(FOR_EVER, release_gil=False)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.perf_counter() - start < 0.2 + LATEST


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pp.lab.busy(-1), ValueError, "busy: n must be between 0 and"),
        (lambda: pp.lab.busy(2**63), ValueError, "busy: n must be between 0 and"),
        (lambda: pp.lab.busy(1e6), TypeError, "busy: n must be an integer, not float"),
        (lambda: pp.lab.busy(True), TypeError, "busy: n must be an integer, not bool"),
        (
            lambda: pp.lab.busy(1, release_gil=1),
            TypeError,
            "busy: release_gil must be True or False, not int",
        ),
    ],
)
def test_wrong_arguments_of_busy(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


# --- timeline ------------------------------------------------------------------------------------


def bars(ax) -> list[list[tuple[float, float]]]:
    """(start, end) of each bar, lane by lane."""
    corners = [[path.vertices for path in lane.get_paths()] for lane in ax.collections]
    return [[(float(c[:, 0].min()), float(c[:, 0].max())) for c in lane] for lane in corners]


def names(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_each_thread_has_a_lane_and_each_span_a_bar():
    figure, ax = pp.lab.timeline([(13, 14, "b"), (10, 12, "a"), (14, 16, "a")])
    assert names(ax) == ["a", "b"]
    assert bars(ax) == [[(0, 2), (4, 6)], [(3, 4)]]
    assert "time in s" in ax.get_xlabel()
    assert ax.get_figure() is figure
    assert ax.yaxis_inverted()  # the first lane is on top


def test_short_times_are_in_milliseconds_and_idents_become_numbers():
    _, ax = pp.lab.timeline([(5.0, 5.25, 140_001), (5.125, 5.5, 140_000)])
    assert names(ax) == ["thread 1", "thread 2"]
    assert bars(ax) == [[(0, 250)], [(125, 500)]]
    assert "time in ms" in ax.get_xlabel()


def test_timeline_takes_what_busy_returns_and_given_axes():
    from matplotlib import pyplot as plt

    figure, given = plt.subplots()
    result = pp.lab.timeline((pp.lab.busy(1000) for _ in range(3)), ax=given)
    assert result == (figure, given)
    assert [len(lane) for lane in bars(given)] == [3]
    plt.close("all")


def test_timelines_below_each_other_may_share_their_times():
    from matplotlib import pyplot as plt

    _, (above, below) = plt.subplots(2, sharex=True)
    for short, long in [(above, below), (below, above)]:
        pp.lab.timeline([(1.0, 1.2, "a")], ax=short)
        pp.lab.timeline([(1.0, 1.8, "a")], ax=long)
        assert short.get_xlim() == long.get_xlim()
        assert long.get_xlim()[0] == 0
        assert long.get_xlim()[1] >= 800
    plt.close("all")


@pytest.mark.parametrize(
    ("spans", "error", "message"),
    [
        ([], ValueError, "timeline: spans must hold at least one, not none"),
        ([(1, 2)], TypeError, "timeline: spans must be tuples"),
        ([("a", 1, 2)], TypeError, "timeline: spans must be tuples"),
        (3, TypeError, "timeline: spans must be tuples"),
        ([(2, 1, 0)], ValueError, "timeline: spans must be tuples .* that end after their start"),
        ([(math.nan, 1, 0)], ValueError, "timeline: spans must be .* not .nan"),
    ],
)
def test_wrong_spans(spans, error, message):
    with pytest.raises(error, match=f"^{message}"):
        pp.lab.timeline(spans)


def test_wrong_axes():
    with pytest.raises(TypeError, match=r"^timeline: ax must be matplotlib axes or None, not str"):
        pp.lab.timeline([(0, 1, 0)], ax="here")


# --- race_condition ------------------------------------------------------------------------------


@pytest.mark.skipif(not OPENMP, reason="one thread loses nothing")
@pytest.mark.parametrize("threads", range(2, 9))
@pytest.mark.parametrize("n", [2, 1000, 200_000])
def test_unsynchronised_threads_lose_updates_every_time(threads, n):
    for _ in range(20):
        count = pp.lab.race_condition(n, num_threads=threads)
        assert 1 <= count <= n - (min(n, threads) - 1)


@pytest.mark.parametrize("how", ["atomic", "reduction"])
@pytest.mark.parametrize("threads", range(1, 17))
def test_the_others_lose_none(how, threads):
    for n in (0, 1, 2, 4095, 4097, 100_003):
        assert pp.lab.race_condition(n, how, num_threads=threads) == n


@pytest.mark.parametrize("shrink", [0, 1], ids=["minimum slices", "shrinking teams"])
def test_no_update_is_lost_between_slices(shrink):
    core.set_slices(0.0, shrink)
    for how in ("atomic", "reduction"):
        assert pp.lab.race_condition(100_003, how, num_threads=5) == 100_003


@pytest.mark.parametrize("n", [0, 1, 100_003])
def test_one_thread_loses_nothing(n):
    assert pp.lab.race_condition(n, "unsynchronised", num_threads=1) == n


@pytest.mark.skipif(OPENMP, reason="this is a build with OpenMP")
def test_without_openmp_there_is_one_thread_which_loses_nothing():
    assert pp.lab.race_condition(1000, num_threads=8) == 1000


def test_the_threads_are_those_of_the_context():
    with pp.threads(1):
        assert pp.lab.race_condition(10_000) == 10_000
    with pp.threads(4):
        assert (pp.lab.race_condition(10_000) < 10_000) == OPENMP


@pytest.mark.parametrize("how", ["unsynchronised", "atomic", "reduction"])
def test_ctrl_c_stops_counting(how):
    assert seconds_to_stop(lambda: pp.lab.race_condition(FOR_EVER, how)) < LATEST
    assert pp.lab.race_condition(1000, "atomic") == 1000


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((-1,), {}, ValueError, "n must be between 0 and"),
        ((2**70,), {}, ValueError, "n must be between 0 and"),
        ((1.0,), {}, TypeError, "n must be an integer, not float"),
        ((np.True_,), {}, TypeError, "n must be an integer, not numpy.bool"),
        ((9, "lock"), {}, ValueError, "how must be one of 'unsynchronised', .*, not 'lock'"),
        ((9, 1), {}, TypeError, "how must be a str, not int"),
        ((9,), {"num_threads": 0}, ValueError, "num_threads must be at least 1"),
        ((9,), {"num_threads": True}, TypeError, "num_threads must be an integer, not bool"),
    ],
)
def test_wrong_arguments_of_race_condition(arguments, options, error, message):
    with pytest.raises(error, match=f"^race_condition: {message}"):
        pp.lab.race_condition(*arguments, **options)


# --- the machine's limits ------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 2**17, 2**17 + 1, 3 * 2**17 - 5])
def test_every_word_is_read_once(threads, size):
    words = np.random.default_rng(size).integers(0, 2**64, size, dtype=np.uint64)
    total, seconds = core.read_words(words, threads)
    assert total == int(words.sum())  # modulo 2**64, both
    assert seconds > 0


@pytest.mark.parametrize("words", [[1], np.ones(3), np.ones(6, np.uint64)[::2]])
def test_only_words_are_read(words):
    with pytest.raises(TypeError, match=r"^read_words: words must be a C array of uint64"):
        core.read_words(words, 1)


@pytest.mark.parametrize("isa", pp.config()["isa_available"])
def test_operations_are_counted_for_whole_chains_of_whole_vectors(run_python, isa):
    code = "from pyparallel._load import core; print(*(core.multiply_add(n, 3)[0] for n in NS))"
    steps = [1, 1000, 2**16, 2**18 + 1]
    printed = run_python(code.replace("NS", str(steps)), PYPARALLEL_ISA=isa).stdout.split()
    a_step = int(printed[0])
    assert a_step % (2 * 12) == 0
    assert [int(operations) for operations in printed] == [a_step * n for n in steps]


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_limits_are_positive_rates(threads):
    rates = [
        pp.lab.bandwidth(2**22, num_threads=threads, seconds=0.05),
        pp.lab.flops(num_threads=threads, seconds=0.05),
    ]
    for rate in rates:
        assert type(rate) is float
        assert 1e6 < rate < 1e18


def test_they_take_about_as_long_as_asked():
    for call in (lambda s: pp.lab.bandwidth(2**20, seconds=s), lambda s: pp.lab.flops(seconds=s)):
        start = time.perf_counter()
        call(0.3)
        assert 0.3 <= time.perf_counter() - start < 0.3 + LATEST


@pytest.mark.parametrize(
    "call", [lambda: pp.lab.bandwidth(seconds=600), lambda: pp.lab.flops(seconds=600)]
)
def test_ctrl_c_stops_measuring(call: Callable[[], float]):
    assert seconds_to_stop(call) < LATEST


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pp.lab.bandwidth(0), ValueError, "bandwidth: nbytes must be between 1 and"),
        (lambda: pp.lab.bandwidth(1e6), TypeError, "bandwidth: nbytes must be an integer, not fl"),
        (lambda: pp.lab.bandwidth(2**63), ValueError, "bandwidth: nbytes must be between 1 and"),
        (lambda: pp.lab.bandwidth(seconds=0), ValueError, "bandwidth: seconds must be positive"),
        (lambda: pp.lab.flops(seconds=True), TypeError, "flops: seconds must be a number, not bo"),
        (lambda: pp.lab.flops(seconds="1"), TypeError, "flops: seconds must be a number, not str"),
        (lambda: pp.lab.flops(seconds=math.inf), ValueError, "flops: seconds must be positive"),
        (lambda: pp.lab.flops(seconds=math.nan), ValueError, "flops: seconds must be positive"),
        (lambda: pp.lab.flops(seconds=10**400), ValueError, "flops: seconds is too large"),
        (lambda: pp.lab.flops(num_threads=0), ValueError, "flops: num_threads must be at least"),
    ],
)
def test_wrong_arguments_of_the_limits(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()
