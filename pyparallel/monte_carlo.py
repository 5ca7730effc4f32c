"""π by Monte Carlo: the estimate, and the keys of its random stream."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np

from pyparallel._arguments import shown, whole_number
from pyparallel._load import core

if TYPE_CHECKING:
    from pyparallel._core import Progress

# The counts of samples stay far from the end of int64.
_MANY_SAMPLES = 2**62


def calc_pi(
    n: int,
    *,
    rng: int | np.random.SeedSequence | np.random.Generator | None = None,
    num_threads: int | None = None,
    progress: Progress = None,
) -> float:
    """π estimated from ``n`` random points in the unit square: 4 * (inside the circle) / n.

    The random numbers belong to the samples, not to the threads: sample i is a function of the
    seed and of i alone (Philox4x32-10, a generator that encrypts a counter). So the same ``rng``
    gives the same estimate, to the bit, on any number of threads and on any CPU.

    Parameters
    ----------
    n : int
        Samples, from 1 to 2**62. The standard error of the estimate is ``1.642 / sqrt(n)``.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None, optional
        The seed. A `SeedSequence` is left as it is, so it gives the same estimate again; from a
        `Generator` two numbers are drawn, so it gives another one. None takes fresh entropy.
    num_threads : int, optional
        -1 for all; see `pyparallel.threads` for the default.
    progress : callable, optional
        Called as ``progress(done, total)``, in samples, at most every 0.1 s and once at the end.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Naming the argument; nothing has been drawn from ``rng`` then.

    Notes
    -----
    Sample i takes the words ``2 * (i % 2)`` and the next of block ``i // 2``; a word w is the
    coordinate ``(w >> 1) / 2**31``, and ``x**2 + y**2 < 1`` is decided exactly, in integers. Block
    b has the counter ``(b & 0xffffffff, b >> 32, 0, 0)``. The key is
    ``SeedSequence(seed).generate_state(2, np.uint32)``, or
    ``rng.integers(0, 2**32, 2, dtype=np.uint32)`` of a Generator. The algorithm is at the top of
    ``csrc/core/philox_template.h``.

    Examples
    --------
    >>> import pyparallel as pp
    >>> pp.calc_pi(10**6, rng=1)
    3.143404
    >>> pp.calc_pi(10**6, rng=1, num_threads=1) == pp.calc_pi(10**6, rng=1, num_threads=-1)
    True
    """
    n = whole_number("calc_pi", "n", n, _MANY_SAMPLES)
    return 4 * core.pi_hits(n, _key_of(rng), num_threads, progress) / n


def _key_of(rng: object) -> Callable[[], tuple[int, int]]:
    """What draws the two words of the key, once all arguments are known to be right."""
    if isinstance(rng, np.random.Generator):
        generator = rng
        return lambda: _pair(generator.integers(0, 2**32, 2, dtype=np.uint32))
    sequence = rng if isinstance(rng, np.random.SeedSequence) else _seeded(rng)
    return lambda: _pair(sequence.generate_state(2, np.uint32))


def _seeded(rng: object) -> np.random.SeedSequence:
    if rng is None:
        return np.random.SeedSequence()
    try:
        if isinstance(rng, (bool, np.bool_)):
            raise TypeError
        seed = operator.index(cast("int", rng))
    except TypeError:
        raise TypeError(
            "calc_pi: rng must be an int, a numpy SeedSequence, a numpy Generator or None, "
            f"not {type(rng).__name__}"
        ) from None
    if seed < 0:
        raise ValueError(f"calc_pi: rng must be at least 0, not {shown(seed)}")
    return np.random.SeedSequence(seed)


def _pair(words: np.ndarray) -> tuple[int, int]:
    return int(words[0]), int(words[1])
