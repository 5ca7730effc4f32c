"""Work in threads: in order, as much as there is, and never wedged, whenever Ctrl-C comes."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from pyparallel.mosaic._crew import Crew
from pyparallel.mosaic._progress import run_all


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("items", [0, 1, 3, 200])
def test_all_is_done_once(threads, items):
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return 2

    calls: list[tuple[int, int]] = []
    run_all(threads, work, range(items), 2 * items, lambda *counts: calls.append(counts))
    assert sorted(done) == list(range(items))
    assert calls[-1] == (2 * items, 2 * items)


def test_answers_carry_the_numbers_of_their_items():
    with Crew(lambda item: item * item, 3) as crew:
        for item in range(9):
            crew.put(item)
        found = [crew.get() for _ in range(9)]
    assert sorted(answer for answer in found if answer) == [(i, i * i) for i in range(9)]


def test_no_answer_in_time_is_none():
    hold = threading.Event()
    with Crew(lambda _: hold.wait(9), 1) as crew:
        crew.put(0)
        assert crew.get(0.01) is None
        hold.set()
        assert crew.get() == (0, True)


def test_an_error_comes_out_and_what_waits_is_dropped():
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.01)
        raise LookupError("at once")

    with pytest.raises(LookupError, match="at once"):
        run_all(2, work, range(1000), 1000, None)
    assert len(begun) < 9


def interrupted(step: int) -> bool:
    """Run with an interrupt before the given line of the calling thread; was there one?"""
    left = step

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run_all(2, lambda _: 1, range(3), 3, lambda *_: None)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_ctrl_c_at_any_line_ends_the_work():
    """With `concurrent.futures`, some of them would wait forever."""
    step = 1
    while interrupted(step):
        step += 1
    assert step > 40
