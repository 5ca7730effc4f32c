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


# --- schedule ------------------------------------------------------------------------------------

COSTS = [300, 0, 5, 2_000_000, 1, 70_000, 0, 40, 9_000, 0, 3, 1_100_000, 8]


def chunks_of(record: pp.lab.Schedule) -> list[list[int]]:
    """The turns of each chunk."""
    return [np.flatnonzero(record.first == first).tolist() for first in np.unique(record.first)]


def in_chunks(turns: int, sizes: list[int]) -> list[list[int]]:
    ends = np.cumsum(sizes).tolist()
    assert ends[-1:] in ([], [turns])
    return [list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True)]


def guided(turns: int, team: int, least: int) -> list[int]:
    sizes = []
    while left := turns - sum(sizes):
        sizes.append(min(left, max(least, left // (2 * team))))
    return sizes


def see_possible(record: pp.lab.Schedule, turns: int, team: int, between: tuple[float, float]):
    """Does nobody do two things at once, and each thread its chunks turn by turn, in time?"""
    before, after = between
    assert len(record.start) == len(record.end) == len(record.first) == len(record.thread) == turns
    assert (before <= record.start).all()
    assert (record.start <= record.end).all()
    assert (record.end <= after).all()
    assert set(record.thread.tolist()) <= set(range(team if OPENMP else 1))
    for thread in range(team):
        mine = record.thread == thread
        assert (record.end[mine][:-1] <= record.start[mine][1:]).all()
    for chunk in chunks_of(record):
        assert chunk == list(range(chunk[0], chunk[-1] + 1))
        assert record.first[chunk[0]] == chunk[0]
        assert len(set(record.thread[chunk].tolist())) == 1


@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)], ids=["", "minimum", "shrinking"])
@pytest.mark.parametrize("threads", [1, 2, 3, 20])
@pytest.mark.parametrize("turns", [0, 1, 2, 13])
@pytest.mark.parametrize("kind", ["static", "dynamic", "guided"])
def test_each_turn_is_taken_once_by_the_rule(kind, turns, threads, slices):
    core.set_slices(*slices)
    team = max(1, min(threads, turns)) if OPENMP else 1
    for chunk in (None, 1, 2, 5, 13, 2**62):
        before = time.perf_counter()
        record = pp.lab.schedule(COSTS[:turns], kind, chunk, num_threads=threads)
        see_possible(record, turns, team, (before, time.perf_counter()))
        size = chunk or 1
        if kind == "guided":
            sizes = guided(turns, team, size)
        elif kind == "static" and chunk is None:
            sizes = [len(part) for part in np.array_split(range(turns), team) if len(part)]
        else:
            sizes = [min(size, turns - first) for first in range(0, turns, size)]
        assert chunks_of(record) == in_chunks(turns, sizes)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_static_chunks_are_dealt_out_in_rotation(threads):
    record = pp.lab.schedule(COSTS, "static", 2, num_threads=threads)
    team = threads if OPENMP else 1
    dealt = {turns[0]: k % team for k, turns in enumerate(chunks_of(record))}
    assert record.thread.tolist() == [dealt[first] for first in record.first.tolist()]


@pytest.mark.skipif(not OPENMP, reason="one thread does it all")
@pytest.mark.parametrize("kind", ["dynamic", "guided"])
def test_whoever_is_free_takes_the_next_chunk(kind):
    """One turn is as long as all others together: its thread takes few of them."""
    record = pp.lab.schedule([steps_of(0.3)] + [1000] * 63, kind, num_threads=2)
    assert np.count_nonzero(record.thread == record.thread[0]) < 32


@pytest.mark.skipif(not OPENMP, reason="one thread does it all")
def test_shares_are_settled_beforehand():
    record = pp.lab.schedule([steps_of(0.1)] + [0] * 7, num_threads=2)
    assert record.thread.tolist() == [record.thread[0]] * 4 + [1 - record.thread[0]] * 4


def test_a_turn_takes_as_long_as_its_cost():
    cost = steps_of(0.05)
    records = [pp.lab.schedule([cost, cost // 10], num_threads=1) for _ in range(5)]
    long, short = np.min([record.end - record.start for record in records], axis=0)
    assert long > 3 * short  # by no upper bound: the long ones are interrupted more often


def example() -> pp.lab.Schedule:
    return pp.lab.Schedule(
        "dynamic",
        2,
        start=np.array([1.0, 2.0, 1.0, 5.0, 3.5]),
        end=np.array([2.0, 3.0, 4.5, 5.5, 4.0]),
        first=np.array([0, 0, 2, 2, 4]),
        thread=np.array([0, 0, 1, 1, 0]),
    )


def test_a_record_adds_up():
    record = example()
    assert record.seconds == 4.5
    assert record.busy.tolist() == [2.5, 4.0]
    assert record.waiting == pytest.approx(1 - 6.5 / 9)
    assert record.spans() == [(1.0, 3.0, 0), (1.0, 5.5, 1), (3.5, 4.0, 0)]
    assert record.spans()[1].thread == 1


def test_a_record_of_nothing():
    record = pp.lab.schedule([])
    assert (record.seconds, record.waiting, record.spans()) == (0, 0, [])
    assert record.busy.shape == (0,)
    with pytest.raises(ValueError, match="spans must hold at least one"):
        record.plot()


def test_the_busy_map_shows_each_chunk():
    from matplotlib import pyplot as plt

    figure, given = plt.subplots()
    assert example().plot(given) == (figure, given)
    assert bars(given) == [[(0, 2), (2.5, 3)], [(0, 4.5)]]
    assert given.get_title(loc="left") == "dynamic, chunk 2"
    _, ax = pp.lab.schedule([1, 2]).plot()
    assert ax.get_title(loc="left") == "static"
    plt.close("all")


@pytest.mark.parametrize("kind", ["static", "dynamic", "guided"])
@pytest.mark.parametrize("costs", [[FOR_EVER], [FOR_EVER] * 3, [0, FOR_EVER]])
def test_ctrl_c_stops_a_schedule(kind, costs):
    assert seconds_to_stop(lambda: pp.lab.schedule(costs, kind, num_threads=2)) < LATEST
    assert len(pp.lab.schedule(COSTS, kind).start) == len(COSTS)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, ">i4"])
def test_costs_may_be_any_integers_in_any_layout(dtype):
    costs = np.array([9, 1, 7, 1, 100, 1], dtype)[::-2]
    assert len(pp.lab.schedule(costs).start) == 3


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1.0],), {}, TypeError, "costs must be integers, not float64"),
        (([True],), {}, TypeError, "costs must be integers, not bool"),
        ((["1"],), {}, TypeError, "costs must be integers, not <U1"),
        (([2**70],), {}, TypeError, "costs must be integers, not object"),
        (([[1]],), {}, ValueError, "costs must have one dimension, not 2"),
        ((3,), {}, ValueError, "costs must have one dimension, not 0"),
        (([3, -1],), {}, ValueError, "costs must be between 0 and 9223372036854775807, not -1"),
        (([2**63],), {}, ValueError, "costs must be between 0 and 9223372036854775807, not 9"),
        (([1], "fast"), {}, ValueError, "kind must be one of 'static', .*, not 'fast'"),
        (([1], None), {}, TypeError, "kind must be a str, not NoneType"),
        (([1], "static", 0), {}, ValueError, "chunk must be between 1 and"),
        (([1], "dynamic", 2.0), {}, TypeError, "chunk must be an integer, not float"),
        (([1], "guided", True), {}, TypeError, "chunk must be an integer, not bool"),
        (([1],), {"num_threads": 0}, ValueError, "num_threads must be at least 1"),
    ],
)
def test_wrong_arguments_of_schedule(arguments, options, error, message):
    with pytest.raises(error, match=f"^schedule: {message}"):
        pp.lab.schedule(*arguments, **options)


def test_only_whole_costs_get_to_c():
    with pytest.raises(TypeError, match=r"^schedule: costs must be a C array of int64"):
        core.schedule([1], 0, 0, 1)


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
