"""The same race under every instruction-set variant, each forced in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyparallel._tables import seconds, significant, text_table
from pyparallel._threads import config, get_num_threads

# The fastest of the others, in the lesson's own form, and ours. Numba has no exact sum, and mosaics
# have libraries of their own.
RIVAL, OURS = "Numba parallel", "pyparallel"
OTHER_RIVALS = {
    "fsum": "math.fsum",
    "match": "pykdtree",
    "match-wide": "faiss",
    "assign": "OR-Tools assignment",
    "assemble": "NumPy",
}


@dataclass(frozen=True)
class Variants:
    """The outcome of `race_variants`: print it.

    Attributes
    ----------
    title : str
        The problem.
    races : dict of str to list
        What `pyparallel.Race.to_dict` holds of the two contestants, for each variant.
    """

    title: str
    races: dict[str, list[dict[str, Any]]]

    def ratios(self) -> dict[str, float]:
        """How many times faster than its rival each variant is, best run against best."""
        return {name: rival["best"] / ours["best"] for name, (rival, ours) in self.races.items()}

    def __str__(self) -> str:
        ratios = self.ratios()
        rows = [
            [name, seconds(rival["best"]), seconds(ours["best"]), f"{significant(ratios[name])}x"]
            for name, (rival, ours) in self.races.items()
        ]
        rival = next(iter(self.races.values()))[0]["name"]
        note = "Each variant raced in a process of its own, runs in turn; best against best."
        return f"{self.title}\n\n{text_table(['variant', rival, OURS, 'ratio'], rows, note)}"


def chosen(name: str) -> list[str]:
    """The variants that ``all``, or the name of one, stands for on this CPU.

    Raises
    ------
    ValueError
        Naming those there are.
    """
    available: list[str] = config()["isa_available"]
    if name == "all":
        return available
    if name not in available:
        raise ValueError(f"race: --isa must be all or one of {', '.join(available)}, not {name}")
    return [name]


def race_variants(
    problem: str,
    variants: Sequence[str],
    repeat: int = 7,
    progress: Callable[[int, int], object] | None = None,
) -> Variants:
    """Race Numba (or another rival) against this package once for each variant, in fresh processes.

    The variant is chosen when the C extension loads, hence the processes.

    Parameters
    ----------
    problem : str
        A name in `pyparallel.contestants.problems`.
    variants : sequence of str
        From `chosen`.
    repeat : int
        As in `pyparallel.race`.
    progress : callable, optional
        ``progress(done, total)``, in variants.

    Returns
    -------
    Variants

    Raises
    ------
    ValueError
        One of the races failed; the message is its own.
    """
    races, title = {}, problem
    for done, variant in enumerate(variants):
        if progress:
            progress(done, len(variants))
        measured = _child(problem, variant, repeat)
        title, races[variant] = measured["races"][0]["title"], measured["races"][0]["contestants"]
    return Variants(title, races)


def _child(problem: str, variant: str, repeat: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "pyparallel", "race", problem, "--json", "-"]
    rival = OTHER_RIVALS.get(problem, RIVAL)
    command += ["--only", rival, "--only", OURS, "--repeat", str(repeat)]
    command += ["--threads", str(get_num_threads())]
    environment = os.environ | {"PYPARALLEL_ISA": variant}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2].removeprefix("pyparallel: ")
        raise ValueError(f"{variant}: {last or f'exit status {done.returncode}'}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured
