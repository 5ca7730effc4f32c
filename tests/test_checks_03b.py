"""What the checks of 03b-threads-and-processes reject, and with which hint; what workers.py does."""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.test_notebooks import FOLDER, rejected

# As in the notebook's kernel, and so in the processes that are started from it.
sys.path.append(str(FOLDER))
checks_03b = importlib.import_module("checks_03b")
workers = importlib.import_module("workers")

Work = Callable[[int], int]


def in_threads(work: Work, *sizes: int, wait: bool = True) -> int:
    hits: list[int] = []
    threads = [threading.Thread(target=lambda k=k: hits.append(work(k))) for k in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        if wait:
            thread.join()
    return sum(hits)


def one_by_one(work: Work, n: int) -> int:
    return in_threads(work, n // 2) + in_threads(work, n - n // 2)


def by_pool(work: Work, n: int) -> int:
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(work, [n // 2, n - n // 2]))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda work, n: in_threads(work, n, n), "twice the work"),
        (lambda work, n: in_threads(work, n // 2, n // 2), "only if n is even"),
        (one_by_one, "before you join"),
        (lambda work, n: work(n // 2) + work(n - n // 2), "on the spot"),
        (lambda work, n: in_threads(work, n), None),
        (lambda work, n: 0 * in_threads(work, n // 2, n - n // 2), "join both"),
        (lambda work, n: in_threads(work, n // 2, n - n // 2, wait=False), "join"),
        (lambda work, n: 3 * (n // 2) + 1 + 0 * by_pool(work, n), "one thread only"),
    ],
    ids=["twice", "odd", "one by one", "on the spot", "one", "zero", "not joined", "one half"],
)
def test_halves_rejects(monkeypatch, answer, hint):
    monkeypatch.setattr(checks_03b, "TOGETHER", 0.2)
    assert rejected(checks_03b.halves(answer), hint)


def test_halves_accepts_a_pool():
    assert checks_03b.halves(by_pool).passed


def sort_in_place(arrays: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(np.ndarray.sort, arrays))
    return arrays


def sort_waiting(arrays: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        return [pool.submit(np.sort, array).result() for array in arrays]


def sort_by_pool(arrays: list[Any], threads: int = 2) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(np.sort, arrays))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda arrays: [np.sort(array) for array in arrays], "before you ask"),
        (sort_waiting, "before you ask"),
        (functools.partial(sort_by_pool, threads=1), "before you ask"),
        (lambda arrays: [array.copy().sort() for array in arrays], "returns None"),
        (lambda arrays: arrays, "returns None"),
        (sort_in_place, None),
        (lambda arrays: sort_by_pool(arrays)[::-1], None),
        (lambda arrays: map(np.sort, arrays), "make a list"),
        (lambda arrays: [np.array(sorted(array)) for array in arrays], None),
    ],
)
def test_sort_rejects(monkeypatch, answer, hint):
    monkeypatch.setattr(checks_03b, "TOGETHER", 0.2)
    assert rejected(checks_03b.sort(answer), hint)


@pytest.mark.parametrize("threads", [2, 4])
def test_sort_accepts_pools(threads):
    assert checks_03b.sort(functools.partial(sort_by_pool, threads=threads)).passed


def hits_by_queue(
    context: Any,
    sizes: list[int],
    *,
    seed: Callable[[int], int] = lambda k: k,
    target: Any = workers.put_hits,
    one_by_one: bool = False,
) -> int:
    queue = context.Queue()
    processes = [
        context.Process(target=target, args=(queue, n, seed(k))) for k, n in enumerate(sizes)
    ]
    for process in processes:
        process.start()
        if one_by_one:
            process.join()
    return sum(queue.get(timeout=60) for _ in processes)


def called_on_the_spot(context: Any, sizes: list[int]) -> int:
    queue = context.Queue()
    for seed, n in enumerate(sizes):
        context.Process(target=workers.put_hits(queue, n, seed)).start()
    return sum(queue.get() for _ in sizes)


def of_the_notebook(*args: Any) -> None:
    """Stands for a function in a cell."""


of_the_notebook.__module__ = "__main__"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda context, sizes: sum(map(workers.count_hits, sizes, range(3))), "context.Process"),
        (functools.partial(hits_by_queue, one_by_one=True), "start all of them"),
        (functools.partial(hits_by_queue, seed=lambda k: 0), "the same points"),
        (functools.partial(hits_by_queue, seed=lambda k: k + 1), "start at 0"),
        (functools.partial(hits_by_queue, target=of_the_notebook), "Use the functions of workers"),
        (called_on_the_spot, "on the spot"),
        (lambda context, sizes: hits_by_queue(context, sizes[:2]), None),
    ],
    ids=["none", "one by one", "one seed", "from 1", "of the notebook", "on the spot", "two"],
)
def test_queue_rejects(answer, hint):
    assert rejected(checks_03b.queue(answer), hint)


def hits_by_pool(
    context: Any, sizes: list[int], *, function: Any = workers.count_hits, size: int = 2
) -> int:
    with context.Pool(size) as pool:
        return sum(pool.starmap(function, [(n, seed) for seed, n in enumerate(sizes)]))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (functools.partial(hits_by_pool, function=of_the_notebook), "Use the functions of workers"),
        (
            functools.partial(hits_by_pool, function=functools.partial(of_the_notebook, 1)),
            "Use the functions of workers",
        ),
        (functools.partial(hits_by_pool, size=3), None),
        (lambda context, sizes: sum(map(workers.count_hits, sizes, range(9))), "context.Pool"),
    ],
    ids=["of the notebook", "partial", "three", "none"],
)
def test_pool_rejects(answer, hint):
    assert rejected(checks_03b.pool(answer), hint)


def test_pool_rejects_what_leaves_processes_behind(monkeypatch):
    monkeypatch.setattr(checks_03b, "ENDED", 0.3)
    pools = []

    def answer(context: Any, sizes: list[int]) -> int:
        pools.append(context.Pool(2))
        return sum(pools[0].starmap(workers.count_hits, zip(sizes, range(9), strict=False)))

    assert rejected(checks_03b.pool(answer), "with block")
    pools[0].terminate()


def test_pool_accepts_an_executor():
    def answer(context: Any, sizes: list[int]) -> int:
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            return sum(pool.map(workers.count_hits, sizes, range(len(sizes))))

    assert checks_03b.pool(answer).passed


def test_nothing_is_left_patched():
    from multiprocessing.context import SpawnProcess

    start = SpawnProcess.start
    checks_03b.queue(lambda context, sizes: 1 / 0)
    assert SpawnProcess.start is start


def careless(counter: Any, lock: Any, n: int) -> None:
    for _ in range(n):
        counter.value += 1


def lock_for_reading_only(counter: Any, lock: Any, n: int) -> None:
    for _ in range(n):
        with lock:
            seen = counter.value
        counter.value = seen + 1


def lock_for_writing_only(counter: Any, lock: Any, n: int) -> None:
    for _ in range(n):
        seen = counter.value
        with lock:
            counter.value = seen + 1


def lock_of_its_own(counter: Any, lock: Any, n: int) -> None:
    mine = threading.Lock()
    for _ in range(n):
        with mine:
            counter.value += 1


def one_lock_for_all(counter: Any, lock: Any, n: int) -> None:
    with lock:
        careless(counter, lock, n)


def lock_each_time(counter: Any, lock: Any, n: int) -> None:
    for _ in range(n):
        lock.acquire()
        counter.value += 1
        lock.release()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (careless, "you are given"),
        (lock_for_reading_only, "from the reading to the writing"),
        (lock_for_writing_only, "from the reading to the writing"),
        (lock_of_its_own, "you are given"),
        (one_lock_for_all, "inside the loop"),
    ],
)
def test_lock_rejects(answer, hint):
    assert checks_03b.lock(lock_each_time).passed
    assert rejected(checks_03b.lock(answer), hint)


def reduce_without_lock(counter: Any, lock: Any, n: int) -> None:
    counter.value += n


def overwrite(counter: Any, lock: Any, n: int) -> None:
    with lock:
        counter.value = n


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (reduce_without_lock, "needs the lock"),
        (overwrite, "forgets"),
        (one_lock_for_all, "variable of your own"),
        (lock_each_time, "variable of your own"),
    ],
)
def test_reduction_rejects(answer, hint):
    assert rejected(checks_03b.reduction(answer), hint)


def test_what_a_threads_code_raises_is_told():
    for check in (checks_03b.lock, checks_03b.reduction):
        assert "ZeroDivisionError" in check(lambda counter, lock, n: 1 / 0).text
        assert check(lambda counter, lock, n: None).state == "unsolved"


RIGHT = {"pages": "threads", "texts": "processes", "arrays": "threads", "tiny": "neither"}


@pytest.mark.parametrize(
    ("case", "choice", "hint"),
    [
        ("pages", "processes", "does not hold the GIL"),
        ("texts", "threads", "holds the GIL"),
        ("arrays", "processes", "copied"),
        ("tiny", "threads", "longer than the work"),
        ("tiny", "none", None),
    ],
)
def test_which_rejects(case, choice, hint):
    assert checks_03b.which(RIGHT).passed
    assert rejected(checks_03b.which(RIGHT | {case: choice}), hint)
    assert rejected(checks_03b.which({case: choice}), None)
    assert checks_03b.which(RIGHT | {case: ...}).state == "unsolved"


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_03b.two_loops, {"a": (1.9,), "b": (1.0,), "c": (0.5,)}),
        (checks_03b.lost_updates, {"a": (400, 400), "b": (398, 400), "c": (203, 400)}),
    ],
)
def test_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, *value).right
        assert compare("", *value).measured == letter


def test_hits_are_those_of_a_loop_with_the_same_seed():
    draws = random.Random(5)
    points = [(draws.random(), draws.random()) for _ in range(1000)]
    assert workers.count_hits(1000, 5) == sum(x * x + y * y < 1 for x, y in points)


def test_parts_are_sorted_in_shared_memory():
    from multiprocessing.shared_memory import SharedMemory

    memory = SharedMemory(create=True, size=80)
    try:
        array = np.ndarray(10, np.float64, buffer=memory.buf)
        array[:] = np.arange(10)[::-1]
        workers.sort_shared(memory.name, 10, slice(0, 5))
        assert array.tolist() == [5, 6, 7, 8, 9, 4, 3, 2, 1, 0]
        del array
    finally:
        memory.close()
        memory.unlink()


def test_a_value_loses_updates_without_its_lock_only():
    value = multiprocessing.get_context("spawn").Value("q", 0)
    for add, wanted in [
        (workers.add_with_lock, range(40, 41)),
        (workers.add_carelessly, range(40)),
    ]:
        value.value = 0
        threads = [threading.Thread(target=add, args=(value, 20)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert value.value in wanted
