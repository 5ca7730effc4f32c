"""What the checks of 10-asyncio reject, and with which hint; what pages.py does."""

from __future__ import annotations

import asyncio
import functools
import importlib
import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.test_notebooks import FOLDER, rejected

# As in the notebook's kernel, and so in the programs that are started from it.
sys.path.append(str(FOLDER))
checks_10 = importlib.import_module("checks_10")
pages = importlib.import_module("pages")

Fetch = Callable[[int], Any]
Estimate = Callable[[int, int], float]


def changed_before() -> Any:
    number = 0
    while True:
        number += 2
        yield number


def not_changed() -> Any:
    while True:
        yield 0


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (changed_before, "before it is handed over"),
        (itertools.count, "return ends"),
        (lambda: (k for k in itertools.count()), "go on by 2"),
        (not_changed, "has to change"),
        (lambda: [0, 2, 4], "return ends"),
        (lambda: (k for k in range(0, 20, 2)), "while True"),
        (lambda: (k for k in itertools.count(0, 4)), None),
    ],
)
def test_even_rejects(answer, hint):
    assert rejected(checks_10.even(answer), hint)


def test_even_accepts_and_knows_a_stub():
    assert checks_10.even(lambda: (2 * k for k in itertools.count())).passed
    assert checks_10.even(lambda: (k for k in [...])).state == "unsolved"


def numbering(first: int = 1, step: int = 1, late: bool = False, text: str = "{}: {}") -> Any:
    answer = None
    for number in itertools.count(first, step):
        line = yield answer
        answer = text.format(number, line)
        if late:
            yield answer


def one_late() -> Any:
    answers: list[Any] = [None, None]
    for number in itertools.count(1):
        line = yield answers[-2]
        answers.append(f"{number}: {line}")


def two_yields() -> Any:
    for number in itertools.count(1):
        line = yield
        yield f"{number}: {line}"


def printing() -> Any:
    while True:
        line = yield
        print(line)


def once() -> Any:
    line = yield
    yield f"1: {line}"


def counting_for_all(counter: Any) -> Any:
    answer = None
    while True:
        line = yield answer
        answer = f"{next(counter)}: {line}"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda: numbering(first=0), "Count from 1"),
        (lambda: numbering(step=0), "grow"),
        (lambda: numbering(late=True), "two yields"),
        (lambda: numbering(text="{1}"), "without their numbers"),
        (one_late, "one line late"),
        (once, "while True"),
        (lambda: ["1: the sea"], "a yield inside"),
        (two_yields, "two yields"),
        (printing, "print shows"),
        (functools.partial(counting_for_all, itertools.count(1)), "counts for itself"),
        (lambda: numbering(text="{}. {}"), None),
    ],
)
def test_numbered_rejects(answer, hint):
    assert rejected(checks_10.numbered(answer), hint)


def test_numbered_accepts_and_knows_a_stub():
    assert checks_10.numbered(numbering).passed
    assert checks_10.numbered(lambda: (k for k in [...])).state == "unsolved"


def ticking(pause: Callable[[], Any], times: int = 3) -> Callable[[str, list[str]], Any]:
    async def tick(name: str, log: list[str]) -> None:
        for _ in range(times):
            log.append(name)
            made = pause()
            if made is not None:
                await made

    return tick


async def sleep_without_await(name: str, log: list[str]) -> None:
    for _ in range(3):
        log.append(name)
        asyncio.sleep(0.02)


def blocked_pause() -> Any:
    time.sleep(0.02)
    return asyncio.sleep(0)


def not_async(name: str, log: list[str]) -> None:
    log.append(name)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (ticking(lambda: time.sleep(0.02)), "time.sleep keeps"),
        (ticking(lambda: None), "Nobody pauses"),
        (sleep_without_await, "until somebody awaits"),
        (ticking(blocked_pause), "Await the other sleep"),
        (ticking(lambda: asyncio.sleep(0)), "after each note"),
        (ticking(lambda: asyncio.sleep(0.02), times=2), None),
        (not_async, "async def"),
    ],
)
def test_blocking_rejects(answer, hint):
    assert rejected(checks_10.blocking(answer), hint)


def test_blocking_accepts_and_knows_a_stub():
    assert checks_10.blocking(ticking(lambda: asyncio.sleep(0.02))).passed
    assert checks_10.blocking(ticking(lambda: asyncio.to_thread(time.sleep, 0.02))).passed
    assert checks_10.blocking(ticking(lambda: None, times=0)).state == "unsolved"


def with_seats(seats: int, *, each: bool = False, order: int = 1) -> Callable[..., Any]:
    async def all_pages(fetch: Fetch, numbers: list[int]) -> list[str]:
        shared = asyncio.Semaphore(seats)

        async def one(number: int) -> str:
            async with asyncio.Semaphore(seats) if each else shared:
                return await fetch(number)

        return await asyncio.gather(*[one(number) for number in numbers[::order]])

    return all_pages


async def one_by_one(fetch: Fetch, numbers: list[int]) -> list[str]:
    return [await fetch(number) for number in numbers]


async def all_at_once(fetch: Fetch, numbers: list[int]) -> list[str]:
    return await asyncio.gather(*map(fetch, numbers))


async def seat_for_making_only(fetch: Fetch, numbers: list[int]) -> list[str]:
    seats, requests = asyncio.Semaphore(5), []
    for number in numbers:
        async with seats:
            requests.append(fetch(number))
    return await asyncio.gather(*requests)


async def never_awaited(fetch: Fetch, numbers: list[int]) -> list[Any]:
    return [fetch(number) for number in numbers]


async def as_completed(fetch: Fetch, numbers: list[int]) -> list[str]:
    texts = await with_seats(5)(fetch, numbers)
    return sorted(texts)


async def in_batches(fetch: Fetch, numbers: list[int]) -> list[str]:
    texts: list[str] = []
    for start in range(0, len(numbers), 5):
        texts += await asyncio.gather(*map(fetch, numbers[start : start + 5]))
    return texts


async def not_returned(fetch: Fetch, numbers: list[int]) -> list[None]:
    async def one(number: int) -> None:
        await fetch(number)

    return await asyncio.gather(*map(one, numbers))


async def gather_not_awaited(fetch: Fetch, numbers: list[int]) -> Any:
    return asyncio.gather(*[asyncio.sleep(0) for _ in numbers])


async def without_a_star(fetch: Fetch, numbers: list[int]) -> Any:
    return await asyncio.gather(numbers)


async def with_a_plain_with(fetch: Any, numbers: list[int]) -> Any:
    seats = asyncio.Semaphore(5)

    async def one(number: int) -> Any:
        with seats:  # type: ignore[attr-defined]
            return await fetch(number)

    return await asyncio.gather(*[one(number) for number in numbers])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (not_returned, "return what fetch gives"),
        (gather_not_awaited, "await it"),
        (without_a_star, "put a star"),
        (all_at_once, "one semaphore for all"),
        (with_seats(5, each=True), "one semaphore for all"),
        (with_a_plain_with, "async with"),
        (seat_for_making_only, "one semaphore for all"),
        (with_seats(6), "one semaphore for all"),
        (with_seats(3), "lets five in"),
        (one_by_one, "gather them"),
        (never_awaited, "runs them all"),
        (as_completed, "whoever was ready first"),
        (with_seats(5, order=-1), "whoever was ready first"),
        (with_seats(5, order=2), None),
        (lambda fetch, numbers: numbers, "async def"),
    ],
)
def test_semaphore_rejects(answer, hint):
    assert rejected(checks_10.semaphore(answer), hint)


@pytest.mark.parametrize("answer", [with_seats(5), in_batches])
def test_semaphore_accepts(answer):
    assert checks_10.semaphore(answer).passed


async def unsolved(*problem: Any) -> Any:
    return ...


async def nothing(*problem: Any) -> None:
    pass


def test_a_coroutine_that_returns_dots_is_not_solved():
    assert checks_10.semaphore(unsolved).state == "unsolved"
    assert checks_10.threads(unsolved).state == "unsolved"
    assert rejected(checks_10.threads(nothing), "return")
    assert rejected(checks_10.semaphore(nothing), "return")


def test_a_coroutine_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(checks_10, "LIMIT", 0.1)
    result = checks_10.semaphore(lambda fetch, numbers: asyncio.sleep(60))
    assert "not ready after" in result.text


def in_threads(
    *, seed: Callable[[int], int] = lambda k: k, mean: Any = lambda x: sum(x) / len(x)
) -> Callable[..., Any]:
    async def pi_together(estimate: Estimate, n: int, parts: int) -> float:
        calls = [asyncio.to_thread(estimate, n, seed(k)) for k in range(parts)]
        return mean(await asyncio.gather(*calls))

    return pi_together


async def on_the_spot(estimate: Estimate, n: int, parts: int) -> float:
    calls = [asyncio.to_thread(estimate(n, k)) for k in range(parts)]
    return sum(await asyncio.gather(*calls)) / parts


async def in_the_loop(estimate: Estimate, n: int, parts: int) -> float:
    return sum(estimate(n, k) for k in range(parts)) / parts


async def thread_by_thread(estimate: Estimate, n: int, parts: int) -> float:
    return sum([await asyncio.to_thread(estimate, n, k) for k in range(parts)]) / parts


async def mean_of_gather(estimate: Estimate, n: int, parts: int) -> Any:
    calls = [asyncio.create_task(asyncio.to_thread(estimate, n, k)) for k in range(parts)]
    return asyncio.gather(*calls) / parts


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (on_the_spot, "on the spot"),
        (in_the_loop, "pass the function"),
        (mean_of_gather, "await it"),
        (thread_by_thread, "then await gather"),
        (in_threads(seed=lambda k: 0), "no better than one"),
        (in_threads(seed=lambda k: k + 1), None),
        (in_threads(mean=sum), "their sum"),
        (in_threads(mean=max), "the last one"),
        (lambda estimate, n, parts: 3.14, "async def"),
        (lambda estimate, n, parts: asyncio.sleep(0, 3.14), "Await what"),
    ],
)
def test_threads_rejects(monkeypatch, answer, hint):
    monkeypatch.setattr(checks_10, "TOGETHER", 0.2)
    assert rejected(checks_10.threads(answer), hint)


def test_threads_accepts():
    assert checks_10.threads(in_threads()).passed


SCRIPT = """
import asyncio
import sys

import pages


async def main():
    port = int(sys.argv[1])
    texts = await asyncio.gather(*[pages.fetch(port, number) for number in range(10)])
    print(sum(len(text) for text in texts))


if __name__ == "__main__":
    asyncio.run(main())
"""
ONE_BY_ONE = SCRIPT.replace("await asyncio.gather(*[pages", "[await pages").replace("10)])", "10)]")


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("    asyncio.run(main())", "    main()", "makes a loop"),
        ("    asyncio.run(main())", "    await main()", "inside of an async def"),
        ("run(main())", "run(main)", "with parentheses"),
        ("run(main())", "run(asyncio.gather(main()))", None),
        ("    asyncio.run(main())", "    pass", "call of asyncio.run"),
        ("async def", "def", "begins with async def"),
        ("import asyncio\n", "", "imports all"),
        ("import pages\n", "", "imports all"),
        ("gather(*[", "gather([", "put a star"),
        ("print(", "print('total', ", "the number alone"),
        ("len(text)", "1", "Add up the lengths"),
        ("range(10)", "range(9)", None),
        ("print", "str", "print the number"),
        ("int(sys.argv[1])", "1", None),
        (SCRIPT, ONE_BY_ONE, "await asyncio.gather"),
    ],
)
def test_script_rejects(old, new, hint):
    assert old in SCRIPT
    assert rejected(checks_10.script(SCRIPT.replace(old, new)), hint)


def test_script_accepts_and_knows_a_stub():
    assert checks_10.script(SCRIPT).passed
    assert checks_10.script("\n...\n").state == "unsolved"
    assert rejected(checks_10.script(test_script_rejects), None)


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (checks_10.thirty_pages, {"a": (6.1, 0.2), "b": (3.1, 0.2), "c": (0.3, 0.2)}),
        (checks_10.heart, {"a": (28, 30.0), "b": (0, 30.0), "c": (14, 30.0)}),
    ],
)
def test_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, *value).right
        assert compare("", *value).measured == letter


def test_both_ways_of_fetching_give_the_page():
    with pages.running(0.001) as site:
        assert pages.fetch_and_wait(site.port, 7) == pages.text_of(7)
        assert asyncio.run(pages.fetch(site.port, 7)) == pages.text_of(7)
    assert site.asked == [7, 7]


def test_there_is_no_page_after_the_last():
    with pages.running(0.001) as site:
        with pytest.raises(LookupError, match="page 100: the server says 404"):
            pages.fetch_and_wait(site.port, pages.PAGES)
        with pytest.raises(LookupError, match="page -1: the server says 404"):
            asyncio.run(pages.fetch(site.port, -1))


def test_the_server_counts_what_is_under_way():
    async def ask(port: int) -> None:
        await asyncio.gather(*[pages.fetch(port, number) for number in range(7)])

    with pages.running(0.2) as site:
        asyncio.run(ask(site.port))
        assert (site.most, sorted(site.asked)) == (7, list(range(7)))


def test_the_server_survives_those_who_do_not_wait():
    async def give_up(port: int) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pages.fetch(port, 1), 0.05)

    with pages.running(0.3) as site:
        asyncio.run(give_up(site.port))
        assert pages.fetch_and_wait(site.port, 2).startswith("Day 2\n")


def test_the_program_ends_with_its_input():
    program = [sys.executable, "-m", "pages", "0.001"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(program, cwd=FOLDER, text=True, **pipes) as server:
        port = int(server.stdout.readline())
        assert pages.fetch_and_wait(port, 3) == pages.text_of(3)
        assert server.communicate(timeout=30) == ("", "")
    assert server.returncode == 0
