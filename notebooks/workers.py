"""What the processes of 03b-threads-and-processes.ipynb run: each new process imports it."""

from __future__ import annotations

import multiprocessing
import random
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

A_MOMENT = 0.001  # seconds


def count_hits(n: int, seed: int) -> int:
    """How many of n random points of the unit square lie inside the quarter circle?"""
    draw = random.Random(seed).random
    hits = 0
    for _ in range(n):
        x, y = draw(), draw()
        if x * x + y * y < 1:
            hits += 1
    return hits


def put_hits(queue: Any, n: int, seed: int) -> None:
    """Put what count_hits finds into a queue: a process cannot return anything."""
    queue.put(count_hits(n, seed))


def add_carelessly(value: Any, n: int) -> None:
    """Add 1 to a shared value n times; between reading and writing others may do the same."""
    for _ in range(n):
        seen = value.value
        time.sleep(A_MOMENT)
        value.value = seen + 1


def add_with_lock(value: Any, n: int) -> None:
    """The same, but from the reading to the writing nobody else has the value's lock."""
    for _ in range(n):
        with value.get_lock():
            seen = value.value
            time.sleep(A_MOMENT)
            value.value = seen + 1


def sort_array(array: NDArray[Any]) -> NDArray[Any]:
    """A sorted copy. The array comes as a copy, too, and the result is copied again to go back."""
    import numpy as np  # only here: the other processes start faster without

    return np.sort(array)


def sort_shared(name: str, size: int, part: slice) -> None:
    """Sort a part of an array of float64 where it lies, in shared memory of this name."""
    from multiprocessing.shared_memory import SharedMemory

    import numpy as np

    memory = SharedMemory(name)
    array = np.ndarray(size, np.float64, buffer=memory.buf)
    array[part].sort()
    del array  # it holds on to the memory
    memory.close()


def main() -> None:
    """Start a process that imports this very file, which is safe: see the last two lines."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=put_hits, args=(queue, 1000, 0))
    process.start()
    print("hits found by the process:", queue.get(timeout=60))
    process.join()


if __name__ == "__main__":
    main()
