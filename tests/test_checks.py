"""The checks of exercises: in words, with hints, never hanging, never raising."""

import contextlib
import threading
import time
import types

import numpy as np
import pytest

import pyparallel as pp
from pyparallel import checks


@checks.exercise("six", limit=5)
def six(answer):
    value = checks.ask(answer)
    checks.equal(value, 6, "six()", mistakes=[(9, "That is upside down.")])
    return "It is six."


def test_a_right_answer_passes():
    result = six(lambda: 6)
    assert result.passed
    assert (result.exercise, result.state, result.text) == ("six", "passed", "It is six.")


def test_a_wrong_answer_is_told_in_words():
    result = six(lambda: 7)
    assert not result.passed
    assert str(result) == "✘ Not yet: six() should be 6, not 7."


def test_a_known_mistake_gets_its_hint():
    assert six(lambda: 9).hint == "That is upside down."
    assert six(lambda: 7).hint is None


@pytest.mark.parametrize("stub", [..., lambda: ..., lambda: ... + 1])
def test_a_stub_is_not_solved_yet(stub):
    assert six(stub).state == "unsolved"


def test_dots_in_a_solution_are_no_stub():
    assert six(lambda: np.full((2, 2), 6)[..., 0][0]).passed


def test_no_return_is_told():
    assert "return" in six(lambda: None).hint


def test_what_is_no_function_is_told():
    assert "should be a function, not of type int" in six(6).text


@pytest.mark.parametrize("error", [ZeroDivisionError("by\nzero"), SystemExit(3), KeyError()])
def test_whatever_the_answer_raises_is_told_not_raised(error):
    def answer():
        raise error

    result = six(answer)
    assert result.state == "wrong"
    assert f"Your code raised {type(error).__name__}" in result.text
    assert "\n" not in result.text


def test_an_error_names_the_line_of_the_learners_cell():
    cell = compile("\n1 / 0", "ipykernel_7/42.py", "exec")  # as the kernel names its cells
    assert "in line 2 of your cell" in six(types.FunctionType(cell, {})).text


def loop_for_ever():
    while True:
        pass


def swallow_for_ever():
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.01)


def wait_for_ever():
    lock = threading.Lock()
    with lock:
        lock.acquire(timeout=3)  # "for ever": but it must not outlive the tests by much


@pytest.mark.parametrize("answer", [loop_for_ever, swallow_for_ever, wait_for_ever])
def test_a_check_never_hangs(answer):
    hurried = checks.exercise("six", limit=0.2)(six.__wrapped__)
    start = time.perf_counter()
    result = hurried(answer)
    assert time.perf_counter() - start < 2.5
    assert result.state == "wrong"
    assert "still running after 0.2 seconds" in result.text
    assert result.hint


@pytest.mark.parametrize("answer", [loop_for_ever, swallow_for_ever])
def test_python_code_is_stopped_when_its_time_is_over(answer):
    before = threading.active_count()
    checks.exercise("six", limit=0.2)(six.__wrapped__)(answer)
    assert threading.active_count() <= before


def test_answers_see_the_threads_of_the_caller():
    with pp.threads(3):
        assert checks.exercise("n")(lambda f: str(f()))(pp.get_num_threads).text == "3"


def test_keyword_arguments_may_be_dots():
    @checks.exercise("settings")
    def check(answer, *, setting):
        return f"{setting is ...}"

    assert check(1, setting=...).text == "True"


@pytest.mark.parametrize(
    ("got", "wanted", "text"),
    [
        (2, 1, "The sum should be 1, not 2."),
        ("1", 1, "The sum should be 1, not '1'."),
        ([1, 2], [1, 2, 3], "The sum should have the shape (3,), not (2,)."),
        ([1, 2, 4], [1, 2, 3], "The sum: 1 of 3 values differ; the first, at [2], should be 3"),
        (np.eye(2), np.ones((2, 2)), "2 of 4 values differ; the first, at [0, 1], should be 1.0"),
        ([[1], [1, 2]], [1, 2], "The sum should be an array of shape (2,), not of type list."),
        ({}, [1, 2], "The sum should have the shape (2,), not ()."),
    ],
)
def test_equal_says_how_values_differ(got, wanted, text):
    with pytest.raises(checks.Wrong) as wrong:
        checks.equal(got, wanted, "the sum")
    assert wrong.value.text.startswith(text) or text in wrong.value.text


def test_equal_takes_nan_as_equal():
    checks.equal([1.0, np.nan], np.array([1.0, np.nan]), "the row")
    with pytest.raises(checks.Wrong):
        checks.equal([1.0, 2.0], [1.0, np.nan], "the row")


def test_close_has_a_tolerance_and_hints():
    checks.close(3.1, 3.0, 0.2, "the ratio")
    with pytest.raises(checks.Wrong) as wrong:
        checks.close(0.34, 3.0, 0.2, "the ratio", mistakes=[(1 / 3, "Upside down.")])
    assert "should be 3, give or take 0.2, not 0.34" in wrong.value.text
    assert wrong.value.hint == "Upside down."
    with pytest.raises(checks.Wrong, match="should be a number, not of type str"):
        checks.close("3!", 3.0, 0.2, "the ratio")


def test_speed_is_not_judged_below_two_cores(monkeypatch):
    monkeypatch.setattr(checks, "usable_cores", lambda: 1)
    never = pytest.fail
    assert "not judged here" in checks.speed(never, never)


@pytest.mark.parametrize(
    ("slow", "fast", "says"), [(0.02, 0.002, "times as fast here"), (0.05, 0.05, "only;")]
)
def test_speed_is_told_and_never_fails(monkeypatch, slow, fast, says):
    monkeypatch.setattr(checks, "usable_cores", lambda: 2)
    said = checks.speed(lambda: time.sleep(slow), lambda: time.sleep(fast), repeat=2)
    assert said.startswith("Speed: ")
    assert says in said


def test_a_notebook_shows_text_html_and_a_record():
    bundle = six(lambda: 9)._repr_mimebundle_()
    assert (
        bundle["text/plain"] == "✘ Not yet: six() should be 6, not 9.\nHint: That is upside down."
    )
    assert "<b>Hint:</b>" in bundle["text/html"]
    assert bundle[checks.MIME]["state"] == "wrong"


def test_of_numba_s_messages_the_line_that_says_why_is_shown():
    def fail():
        raise ValueError(
            "Failed in nopython mode pipeline (step: x)\n\nUntyped global name 'prange'"
        )

    assert "ValueError" in six(fail).text
    assert six(fail).text.endswith(": Untyped global name 'prange'")


def test_html_from_answers_is_escaped():
    assert "<script>" not in six(lambda: "<script>")._html()


def test_what_stands_between_backticks_is_code_on_a_page_and_plain_in_a_terminal():
    bundle = six(...)._repr_mimebundle_()
    assert "each <code>...</code> in" in bundle["text/html"]
    assert "each `...` in" in bundle["text/plain"]
    assert "<code>&lt;</code>" in checks.compare("a", "b", "`<`.", WHY)._repr_html_()


WHY = {"a": "Because of A.", "b": "Because of B.", "c": "Because of C."}


def test_a_prediction_stands_beside_the_measurement():
    wrong = checks.compare("a", "b", "1.9 times.", WHY)
    assert not wrong.right
    assert str(wrong).splitlines() == [
        "You predicted a. Measured: 1.9 times. That is b.",
        "a: Because of A.",
        "b: Because of B.",
    ]
    assert checks.compare(" B)", "b", "1.9 times.", WHY).right
    assert "Because of B." in checks.compare("a", "b", "1.9 times.", WHY)._repr_html_()


@pytest.mark.parametrize("nothing", ["", "x", None, ..., 2, "ab"])
def test_without_a_prediction_the_measurement_is_shown(nothing):
    shown = checks.compare(nothing, "b", "1.9 times.", WHY)
    assert shown.prediction is None
    assert not shown.right
    assert 'You made no prediction yet: put "a", "b" or "c"' in str(shown)
    assert "Because of B." in str(shown)


def test_what_the_machine_cannot_show_is_not_judged():
    shown = checks.compare("a", None, "1.0 times.", WHY)
    assert "not judged here" in str(shown)
    assert not shown.right


def test_a_busy_machine_does_not_teach_the_wrong_thing():
    shown = checks.compare("a", "c", "0.4 times.", WHY, usual="b")
    assert "it is usually b" in str(shown)
    assert "Because of B." in str(shown)
    assert "Because of C." not in str(shown)


def test_checks_load_no_library_of_the_lesson(run_python):
    code = (
        "import sys, pyparallel.checks; print({'IPython', 'matplotlib', 'numba'} & {*sys.modules})"
    )
    assert run_python(code).stdout == "set()\n"
