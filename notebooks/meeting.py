"""Are pieces of work under way at the same time? For the checks of several notebooks."""

from __future__ import annotations

import threading
from typing import Any

import pyparallel as pp
from pyparallel import checks

POINTS, PARTS = 1000, 4  # of the problem that a check poses
REAL = 5_000_000  # points, where the time is taken


def meet(meeting: threading.Barrier, seconds: float) -> bool:
    """Does another thread come before this one gives up waiting?"""
    try:
        meeting.wait(seconds)
    except threading.BrokenBarrierError:
        return False
    return True


def real_estimate(n: int, seed: int) -> float:
    """An estimate of π by one thread, which lets go of the GIL."""
    return pp.calc_pi(n, rng=seed, num_threads=1)


class Estimates:
    """Stands for an estimate of π: notes its calls, and waits for a second one beside each.

    Called in the thread that made it, it does not wait.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.owner = threading.get_ident()
        self.calls: list[tuple[int, int]] = []
        self.in_own_thread = False
        self._alone = False
        self._meeting = threading.Barrier(2)

    def __call__(self, n: int, seed: int) -> float:
        self.calls.append((n, seed))
        if threading.get_ident() == self.owner:
            self.in_own_thread = True
        elif not meet(self._meeting, self.seconds):
            self._alone = True
        return 3.0 + (seed + 1) ** 2 / 64

    def see_calls(self) -> None:
        """Each part has been estimated once, from a seed of its own."""
        checks.expect(
            len(self.calls) == PARTS,
            f"estimate was called {len(self.calls)} times; wanted are {PARTS} calls.",
        )
        seeds = sorted(seed for _, seed in self.calls)
        checks.expect(
            seeds == list(range(PARTS)),
            f"The seeds are {seeds}; wanted are {list(range(PARTS))}.",
            "The same seed makes the same estimate: the mean is no better than one of them."
            if len(set(seeds)) == 1
            else None,
        )
        checks.expect(
            all(n == POINTS for n, _ in self.calls),
            f"estimate was called with {self.calls[0][0]} points; wanted are {POINTS} each time.",
        )

    def see_mean(self, got: Any, hint: str) -> None:
        """It is the mean of what was estimated, two parts at a time; else they need the hint."""
        estimates = [3.0 + (seed + 1) ** 2 / 64 for seed in range(PARTS)]
        checks.close(
            got,
            sum(estimates) / PARTS,
            1e-12,
            f"The mean of the {PARTS} estimates",
            mistakes=[
                (sum(estimates), "This is their sum."),
                (max(estimates), "This is the last one."),
            ],
        )
        checks.expect(
            not self._alone,
            "The mean is right, but the estimates are made one after the other.",
            hint,
        )
