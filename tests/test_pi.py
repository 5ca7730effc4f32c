"""`calc_pi`: the documented random stream, exactly, whoever computes it; and the seeds of SPEC 7."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import pyparallel as pp
from pyparallel._load import core
from tests.reference import inside_circle, philox4x32
from tests.test_interrupts import LATEST, check_reports, seconds_to_stop

# Published with Random123, the authors' own implementation: counter, key, words.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]

# Samples drawn at a time by a thread, and those that a group of vectors does together.
ITEM, GROUP = 2 * 16384, 64


def key_of(seed: int | np.random.SeedSequence) -> tuple[int, int]:
    if isinstance(seed, int):
        seed = np.random.SeedSequence(seed)
    first, second = seed.generate_state(2, np.uint32).tolist()
    return first, second


def estimate(n: int, key: tuple[int, int]) -> float:
    """What the contract says."""
    return 4 * int(inside_circle(0, n, key).sum()) / n


# --- the stream ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_the_reference_gives_the_published_answers(counter, key, words):
    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(word, 16) for word in text.split())

    assert philox4x32(numbers(counter), numbers(key)) == numbers(words)


@pytest.mark.parametrize("seed", [0, 1, 2**64 + 5])
def test_estimates_of_few_samples_are_the_references(seed):
    hits = np.cumsum(inside_circle(0, 300, key_of(seed)))
    for n in range(1, 301):
        assert pp.calc_pi(n, rng=seed) == 4 * int(hits[n - 1]) / n


@pytest.mark.parametrize("edge", [ITEM - GROUP, ITEM, ITEM + GROUP, 3 * ITEM])
@pytest.mark.parametrize("step", [-2, -1, 0, 1, 2])
def test_estimates_are_the_references_around_each_edge(edge, step):
    n = edge + step
    assert pp.calc_pi(n, rng=7) == estimate(n, key_of(7))


def test_a_million_samples_are_the_references():
    assert pp.calc_pi(1_000_003, rng=12345) == estimate(1_000_003, key_of(12345))


@pytest.mark.parametrize("slices", [(0.1, 0), (0.0, 0), (0.0, 1)])
@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_the_estimate_does_not_depend_on_threads_or_slices(threads, slices):
    n = 50 * ITEM + 17
    core.set_slices(*slices)
    assert pp.calc_pi(n, rng=99, num_threads=threads) == estimate(n, key_of(99))


def test_estimates_are_as_far_from_pi_as_they_should_be():
    """The standard error of 4 * hits / n is sqrt(pi * (4 - pi) / n)."""
    n, seeds = 10**6, range(400)
    error = math.sqrt(math.pi * (4 - math.pi) / n)
    scores = np.array([(pp.calc_pi(n, rng=seed) - math.pi) / error for seed in seeds])
    assert abs(scores.mean()) < 5 / math.sqrt(len(seeds))
    assert 0.85 < scores.std() < 1.15
    assert np.abs(scores).max() < 5


# --- seeds ---------------------------------------------------------------------------------------


def test_without_a_seed_every_call_differs():
    assert len({pp.calc_pi(10**6) for _ in range(8)}) > 1
    assert len({pp.calc_pi(10**6, rng=None) for _ in range(8)}) > 1


@pytest.mark.parametrize("seed", [0, 5, 2**200, np.int16(5), np.uint64(2**63)])
def test_an_integer_is_the_seed_sequence_made_of_it(seed):
    assert pp.calc_pi(1001, rng=seed) == pp.calc_pi(1001, rng=np.random.SeedSequence(int(seed)))
    assert pp.calc_pi(1001, rng=seed) == estimate(1001, key_of(int(seed)))


def test_a_seed_sequence_is_left_as_it_is():
    sequence = np.random.SeedSequence(8, spawn_key=(3,), pool_size=8)
    before = sequence.state
    assert pp.calc_pi(1001, rng=sequence) == pp.calc_pi(1001, rng=sequence)
    assert pp.calc_pi(1001, rng=sequence) == estimate(1001, key_of(sequence))
    assert sequence.state == before
    assert sequence.n_children_spawned == 0


def test_spawned_sequences_give_streams_of_their_own():
    children = np.random.SeedSequence(8).spawn(20)
    assert len({pp.calc_pi(10**7, rng=child) for child in children}) == 20


@pytest.mark.parametrize("bits", ["PCG64", "Philox", "MT19937", "SFC64"])
def test_two_numbers_of_a_generator_are_the_key(bits):
    generator, twin = (np.random.Generator(getattr(np.random, bits)(4)) for _ in range(2))
    for _ in range(3):
        first, second = twin.integers(0, 2**32, 2, dtype=np.uint32).tolist()
        assert pp.calc_pi(1001, rng=generator) == estimate(1001, (first, second))
    assert generator.random() == twin.random()


# --- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (0, ValueError, f"n must be between 1 and {2**62}, not 0"),
        (-5, ValueError, f"n must be between 1 and {2**62}, not -5"),
        (2**62 + 1, ValueError, f"n must be between 1 and {2**62}, not {2**62 + 1}"),
        pytest.param(
            10**5000,
            ValueError,
            f"n must be between 1 and {2**62}, not one of 16610 bits",
            id="long",
        ),
        (True, TypeError, "n must be an integer, not bool"),
        (1e6, TypeError, "n must be an integer, not float"),
        ("10", TypeError, "n must be an integer, not str"),
        (None, TypeError, "n must be an integer, not NoneType"),
        ([10], TypeError, "n must be an integer, not list"),
    ],
)
def test_a_wrong_n_is_refused_by_name(n, error, message):
    with pytest.raises(error, match=f"^calc_pi: {message}$"):
        pp.calc_pi(n)


@pytest.mark.parametrize(
    ("rng", "name"),
    [
        (True, "bool"),
        (np.True_, "bool"),
        (1.0, "float"),
        ("1", "str"),
        ([1, 2], "list"),
        (np.array([1, 2]), "ndarray"),
        (np.random.RandomState(1), "RandomState"),
        (np.random.PCG64(1), "PCG64"),
        (np.random, "module"),
    ],
)
def test_a_wrong_rng_is_refused_by_name(rng, name):
    wanted = "an int, a numpy SeedSequence, a numpy Generator or None"
    with pytest.raises(TypeError, match=f"^calc_pi: rng must be {wanted}, not {name}_?$"):
        pp.calc_pi(10, rng=rng)


@pytest.mark.parametrize(
    ("rng", "shown"), [(-1, "-1"), pytest.param(-(10**5000), "one of 16610 bits", id="long")]
)
def test_a_negative_seed_is_refused(rng, shown):
    with pytest.raises(ValueError, match=f"^calc_pi: rng must be at least 0, not {shown}$"):
        pp.calc_pi(10, rng=rng)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n": 0}, ValueError, "n must be"),
        ({"num_threads": 0}, ValueError, "num_threads must be at least 1, or -1 for all, not 0"),
        ({"num_threads": 2.0}, TypeError, "num_threads must be an integer, not float"),
        ({"progress": 1}, TypeError, "progress must be None or a callable"),
    ],
)
def test_what_is_refused_draws_nothing_from_the_generator(options, error, message):
    generator = np.random.default_rng(1)
    arguments: dict[str, Any] = {"n": 10, **options}
    with pytest.raises(error, match=f"^calc_pi: {message}"):
        pp.calc_pi(**arguments, rng=generator)
    assert generator.bit_generator.state == np.random.default_rng(1).bit_generator.state


def test_a_key_that_fails_is_no_result():
    def fail() -> tuple[int, int]:
        raise LookupError("no key")

    with pytest.raises(LookupError, match="no key"):
        core.pi_hits(10, fail, None, None)


# --- progress and Ctrl-C -------------------------------------------------------------------------


def test_progress_counts_samples():
    n, reports = 40 * ITEM + 3, []
    core.set_slices(0.0, 0)
    pp.calc_pi(n, rng=1, progress=lambda *report: reports.append(report))
    assert len(reports) > 10
    check_reports(reports, n)
    core.set_slices(0.1, 0)
    reports.clear()
    pp.calc_pi(1, rng=1, progress=lambda *report: reports.append(report))
    assert reports == [(1, 1)]


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_stops_the_largest_n(threads):
    assert seconds_to_stop(lambda: pp.calc_pi(2**62, rng=1, num_threads=threads)) < LATEST
    assert pp.calc_pi(1001, rng=1) == estimate(1001, key_of(1))
