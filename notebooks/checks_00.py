"""The checks of 00-setup.ipynb."""

import os
import time
from collections.abc import Callable
from typing import Any

import pyparallel as pp
from pyparallel import checks
from pyparallel.doctor import usable_cores


@checks.exercise("verdict")
def verdict(kernel_threads: Any, decided_by: Any) -> str:
    """Are these the number of threads, and the rule that decided it?"""
    config = pp.config()
    number, reason = config["num_threads"], config["num_threads_reason"]
    checks.equal(
        kernel_threads,
        number,
        "kernel_threads",
        mistakes=[
            (str(number), "A number has no quotes around it."),
            (
                os.cpu_count(),
                "That is how many processors the machine has. This process may not use them all.",
            ),
        ],
    )
    names = {"isa": config["isa"], "version": config["version"]}
    checks.expect(
        isinstance(decided_by, str),
        "decided_by should be the name of a rule, in quotes.",
        "Take the line num_threads_reason of pp.show_config().",
    )
    checks.equal(
        decided_by.strip().lower(),
        reason.lower(),
        "decided_by",
        mistakes=[(value, f"That is the {name}, not a rule.") for name, value in names.items()],
    )
    return f"A kernel uses {number} threads here, and this was decided by: {reason}."


@checks.exercise("speedup")
def speedup(answer: Callable[[Callable[[], None]], float]) -> str:
    """Does the answer measure work() with one and with two threads, and divide rightly?"""
    slept: list[int] = []

    def work() -> None:
        threads = pp.get_num_threads()
        first = not slept
        slept.append(threads)
        time.sleep(0.2 if first else 0.06 if threads == 1 else 0.02)

    got = checks.ask(answer, work)
    checks.expect(slept, "work was never called.", "Call it: work(), or best_time(work).")
    checks.expect(
        set(slept) == {1, 2},
        f"work ran with {_listed(slept)} at a time; it should run with 1 thread and with 2.",
        "Put each measurement in a block of its own: with pp.threads(1): and with pp.threads(2):",
    )
    checks.close(
        got,
        3.0,
        0.75,
        "The speed-up of a work that takes 60 ms with one thread and 20 ms with two",
        mistakes=[
            (1 / 3, "This is upside down: divide the time with one thread by that with two."),
            (0.04, "This is the time gained. A speed-up is a ratio: divide."),
            (10.0, "The very first run was slower, as it often is. Warm up: best_time does."),
        ],
    )
    return "The time with one thread, divided by the time with two."


@checks.exercise("code-word")
def code_word(double: Callable[[float], float], word: object) -> str:
    """Is double right, and was the word in the hint found?"""
    checks.equal(
        [checks.ask(double, x) for x in (0, 2, 3)],
        [0, 4, 6],
        "[double(0), double(2), double(3)]",
        mistakes=[([0, 4, 9], "x ** 2 is 2 * x only for 0 and for 2. The code word is SQUARE.")],
    )
    checks.expect(
        word is not ...,
        "double is right. Now break it, to see a hint: let it return x ** 2.",
    )
    checks.expect(
        isinstance(word, str) and word.strip().upper() == "SQUARE",
        f"double is right, but the code word is not {word!r}.",
        "Let double return x ** 2, run both cells, and read the hint to the end.",
    )
    return "You have seen a hint, and double is right again."


def two_threads(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside how many times as fast two threads were as one."""
    measured = "d" if ratio < 0.9 else "a" if ratio < 1.3 else "b" if ratio < 2.2 else "c"
    cores = usable_cores()
    return checks.compare(
        prediction,
        measured if cores > 1 else None,
        f"two threads were {ratio:.2f} times as fast as one; usable cores: {cores}.",
        {
            "a": "That lock (the GIL) belongs to Python code. A kernel in C lets go of it.",
            "b": "The pixels are shared out, and both cores work. Little is lost in between.",
            "c": "Together they do the same work as one. Two cores can at best halve the time.",
            "d": "True for tiny work: starting a team of threads has a price. Here it is small.",
        },
        usual="b",
    )


def more_threads(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside how many times as fast eight threads a core were as one a core."""
    return checks.compare(
        prediction,
        "a" if ratio > 1.5 else "b" if ratio > 0.6 else "c",
        f"eight threads for each core were {ratio:.2f} times as fast as one for each.",
        {
            "a": "Only as many threads as there are cores work at the same time; the others wait.",
            "b": "The threads take turns on the cores. Switching between them costs a little.",
            "c": "Threads that share data wait for each other. These share only the cores.",
        },
        usual="b",
    )


def _listed(slept: list[int]) -> str:
    numbers = " and ".join(map(str, sorted(set(slept))))
    return f"{numbers} thread{'s' if numbers != '1' else ''}"
