"""The checks of 04-dask.ipynb."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dask
import dask.bag as db
from dask import delayed
from meeting import PARTS, POINTS, REAL, Estimates, real_estimate

from pyparallel import checks

TOGETHER = 3.0  # seconds in which the second of two tasks should have come
THREADS = 4  # so that tasks can meet on a machine with one core, too

LINES = [
    "The moon pulls, the sea comes; the sun pulls",
    "the sea as well.",
    "",
    "At new moon the sun and the moon pull along",
    "one line, and the sea is high. At half moon",
    "they pull at right angles: the sea hardly moves.",
]


STAR = (
    "With a star, def gather(*values) takes any number of arguments. list takes one, which holds"
    " all items."
)
ONE_LIST = "np.mean takes one list, of all numbers: no star there."
MEAN = "Is the mean taken of promises, on the spot? Delay it, too: delayed(np.mean)(...)."
FLATTEN = "split_words makes a list of each line. flatten makes one bag of all of their words."
UNION = (
    "A reduction takes two functions. The first one makes a set of a partition's items, the second"
    " one gets all of these sets, and puts them together: by union."
)


@checks.exercise("runs")
def runs(making: Any, first: Any, again: Any, together: Any, apart: Any) -> str:
    """Are the counts those that a counter finds?"""
    wanted = _counted()
    told = {
        "After the three promises are made": (making, {}, "A promise runs nothing by itself."),
        "After y_p.compute()": (
            first,
            {wanted[1] + 1: "y_p needs x_p twice, but x_p is one promise: one task, run once."},
            "Computing y_p takes the value of x_p.",
        ),
        "After the second y_p.compute()": (
            again,
            {},
            "The promise x_p does not keep its value: each compute begins anew.",
        ),
        "After dask.compute(y_p, z_p)": (
            together,
            {wanted[2] + 2: "It is one compute for both, so their tasks are in one plan."},
            "It is a new compute, of one plan. How often is x_p in it?",
        ),
        "After y_p.compute() and z_p.compute()": (
            apart,
            {wanted[3] + 1: "These are two computes, and neither knows of the other."},
            "These are two computes. Count all runs since the beginning.",
        ),
    }
    for number, (when, (got, mistakes, otherwise)) in zip(wanted, told.items(), strict=True):
        checks.expect(
            not isinstance(got, bool) and isinstance(got, int) and got == number,
            f"{when}, add(1, 2) has not been run {got} time{'' if got == 1 else 's'} in all.",
            mistakes.get(got, otherwise) if isinstance(got, int) else "The answer is a number.",
        )
    return f"A counter says so, too: {', '.join(map(str, wanted))}."


def _counted() -> list[int]:
    """How often x_p has been run, in all, after each step of the exercise."""
    calls: list[tuple[int, int]] = []

    def add(a: int, b: int) -> int:
        calls.append((a, b))
        return a + b

    x = delayed(add)(1, 2)
    y = delayed(add)(x, x)
    z = delayed(add)(x, 10)
    counts = [calls.count((1, 2))]
    for steps in ([[y]], [[y]], [[y, z]], [[y], [z]]):
        for promises in steps:
            _compute(*promises)
        counts.append(calls.count((1, 2)))
    return counts


@checks.exercise("gather")
def gather(answer: Callable[..., Any]) -> str:
    """Is it one promise of the list of all values, in their order?"""
    ran: list[int] = []

    def add(a: int, b: int) -> int:
        ran.append(a)
        return a + b

    promises = [delayed(add)(k, k) for k in range(10)]
    with _explained(STAR, "argument"):
        promise = checks.ask(answer, *promises)
    checks.expect(
        not ran,
        "The promises were computed already when gather returned.",
        "Leave out compute(): what gather returns is to be a promise again.",
    )
    _see_one(
        promise,
        "gather",
        "A function that makes a list of its arguments is soon written. Delay that one.",
    )
    _see_promise(promise, "gather(*promises)")
    with _explained(STAR, "argument"):
        value = _compute(promise)
    if value is ...:
        raise checks.Unsolved
    wanted = [2 * k for k in range(10)]
    checks.expect(
        isinstance(value, list),
        f"The promise's value is a {type(value).__name__}; wanted is a list.",
        "*values collects the arguments in a tuple: list(values) makes a list of it."
        if isinstance(value, tuple)
        else None,
    )
    checks.equal(
        value,
        wanted,
        "The value for k + k, k from 0 to 9,",
        mistakes=[
            ([k * k for k in range(10)], "These are squares, not sums."),
            ([wanted], "The list is in another one: promises go on as f(*promises), with a star."),
        ],
    )
    return "One promise of ten values, and nothing is run before compute()."


@checks.exercise("pi")
def pi(answer: Callable[[Callable[[int, int], float], int, int], Any]) -> str:
    """Is it a promise of the mean of all estimates, which can be made at the same time?"""
    estimate, problem = Estimates(TOGETHER), (POINTS, PARTS)
    with _explained(MEAN):
        promise = checks.ask(answer, estimate, *problem)
    checks.expect(
        not estimate.calls,
        "estimate was called already when pi_promise returned.",
        "delayed(estimate(n, seed)) calls it on the spot; delayed(estimate)(n, seed) does not."
        if dask.is_dask_collection(promise)
        else "Neither call estimate nor compute(): delay it.",
    )
    _see_one(promise, "pi_promise", "Delay the mean, too: it takes the list of them.")
    _see_promise(promise, "pi_promise(estimate, n, parts)")
    with _explained(MEAN), _explained(ONE_LIST, "integer argument expected"):
        value = _compute(promise)
    if value is ...:
        raise checks.Unsolved
    estimate.see_calls()
    estimate.see_mean(
        value,
        "All are in one task. Delay estimate itself, once for each seed; then delay the mean of"
        " these promises.",
    )
    speed = checks.speed(
        lambda: [real_estimate(REAL, seed) for seed in range(PARTS)],
        lambda: _compute(answer(real_estimate, REAL, PARTS)),
    )
    return f"One promise; its {PARTS} estimates can be made at the same time. {speed}"


FORECASTS = {
    "words.map(len)": [3, 5, 6, 4, 5],
    "words.map(long)": [False, True, True, False, True],
    "words.filter(long)": ["flood", "spring", "slack"],
    "words.filter(len)": ["ebb", "flood", "spring", "neap", "slack"],
}


@checks.exercise("forecast")
def forecast(answer: Mapping[str, Any]) -> str:
    """Are the four lists those that Dask computes?"""
    checks.expect(
        isinstance(answer, Mapping) and set(answer) == set(FORECASTS),
        f"forecast should be a dict with the keys {', '.join(FORECASTS)}.",
    )
    if any(value is ... for value in answer.values()):
        raise checks.Unsolved
    hints = {
        "words.map(len)": "map keeps all items, and gives what the function returns for each.",
        "words.map(long)": "map gives what the function returns for each item: True or False.",
        "words.filter(long)": "filter gives the items themselves, those for which long is true.",
        "words.filter(len)": "filter gives items. Which numbers count as true? All but 0.",
    }
    for name, wanted in FORECASTS.items():
        got = answer[name]
        checks.expect(isinstance(got, list), f"{name}.compute() is a list, not {got!r}.")
        checks.expect(got == wanted, f"{name}.compute() is not {got}.", hints[name])
    return "map gives as many items as there were; filter gives some of the items themselves."


@checks.exercise("by-hand")
def by_hand(pluck: Callable[[Any, Any], Any], distinct: Callable[[Any], Any]) -> str:
    """Do both do what the bag's methods do, lazily, and over all parts?"""
    rows = [{"harbour": name, "height": k} for k, name in enumerate("abcabbca")]
    plucked = checks.ask(pluck, _bag(rows), "harbour")
    _see_promise(plucked, 'pluck(bag, "harbour")')
    checks.expect(
        isinstance(plucked, db.Bag),
        f"pluck should return a bag, not a promise of type {type(plucked).__name__}.",
        "A bag's map returns a bag.",
    )
    checks.equal(
        _compute(plucked),
        [row["harbour"] for row in rows],
        'pluck(bag, "harbour")',
        mistakes=[(["harbour"] * len(rows), "This is the key. Look it up in each row: row[key].")],
    )
    pairs = [(k, -k) for k in range(5)]
    checks.equal(_compute(checks.ask(pluck, _bag(pairs), 1)), [-k for k in range(5)], "pluck of 1")
    _see_distinct(distinct)
    return "pluck is a map, and distinct is a reduction: sets of the parts, then their union."


def _see_distinct(distinct: Callable[[Any], Any]) -> None:
    items = list("abcabbcadd")
    promise = checks.ask(distinct, _bag(items))
    _see_promise(promise, "distinct(bag)")
    with _explained(UNION):
        got = _compute(promise)
    if got is ... or (isinstance(got, list) and ... in got):
        raise checks.Unsolved
    checks.expect(
        not isinstance(got, list) or not any(isinstance(item, set) for item in got),
        "distinct(bag) gives a list of sets, not one set.",
        UNION,
    )
    checks.expect(
        isinstance(got, set),
        f"The value of distinct(bag) is a {type(got).__name__}; wanted is a set.",
        "Of each part make a set; of the sets make their union." if isinstance(got, list) else None,
    )
    checks.expect(
        got == set(items),
        f"distinct(bag) gives {_shown(got)}; wanted is {_shown(set(items))}.",
        "Items that occur in different parts only got lost: a union keeps all."
        if got < set(items)
        else None,
    )


@checks.exercise("text")
def text(answer: Callable[[Any], Any]) -> str:
    """Do all four statistics come as promises, and equal those of plain Python?"""
    with _watched_computes() as computed:
        got = checks.ask(answer, _bag(LINES))
    checks.expect(
        isinstance(got, Mapping) and set(got) == {"lines", "words", "different", "top"},
        "text_statistics should return a dict with the keys lines, words, different and top.",
    )
    if any(value is ... for value in got.values()):
        raise checks.Unsolved
    checks.expect(
        not computed,
        "Something was computed already inside text_statistics.",
        "Leave out compute(): one compute for all four is enough, afterwards.",
    )
    for name, promise in got.items():
        _see_promise(promise, f"The value of {name!r}")
    with _explained(FLATTEN, "unhashable type: 'list'"):
        values = _compute(dict(got))
    _see_statistics(values)
    return "Four promises, and one compute gives what plain Python gives."


def _see_statistics(got: dict[str, Any]) -> None:
    words = [word for line in LINES for word in re.findall(r"[a-z]+", line.lower())]
    counts = Counter(words)
    checks.equal(
        got["lines"],
        len(LINES),
        "The number of lines",
        mistakes=[
            (sum(map(bool, LINES)), "Count the empty lines, too."),
            (sum(map(len, LINES)), "These are the characters."),
        ],
    )
    checks.equal(
        got["words"],
        len(words),
        "The number of words",
        mistakes=[
            (len(LINES), FLATTEN),
            (len(counts), "These are the different words."),
            (sum(map(len, LINES)), "These are the characters: split the lines first."),
        ],
    )
    checks.equal(
        got["different"],
        len(counts),
        "The number of different words",
        mistakes=[(len(words), "These are all words. Which method leaves out repetitions?")],
    )
    _see_top(got["top"], counts)


def _see_top(top: Any, counts: Counter[str]) -> None:
    pairs = list(top) if isinstance(top, list | tuple) else []
    checks.expect(
        len(pairs) == 3 and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs),
        f"'top' should be a list of three pairs (word, count), not {top!r}.",
        "frequencies() gives the pairs. topk(3, ...) takes three of them.",
    )
    wanted = counts.most_common(3)
    by_word = sorted(counts.items(), reverse=True)[:3]
    checks.expect(
        [count for _, count in pairs] == [count for _, count in wanted]
        and all(counts[word] == count for word, count in pairs),
        f"'top' should be {wanted}, not {pairs}.",
        "These are the last in the alphabet: topk compares words. Which key makes it compare"
        " counts?"
        if pairs == by_word
        else None,
    )


def call_inside(prediction: object, before: int, after: int) -> checks.Comparison:
    """The prediction beside how often the function had been run before and after compute."""
    return checks.compare(
        prediction,
        "c" if after > before > 0 else "b" if before else "a",
        f"add had been run {_times(before)} before compute(), and {_times(after)} after it.",
        {
            "a": "That takes delayed(noted_add)(1, 2): the parentheses of the call stand outside.",
            "b": "Python evaluates arguments first. delayed gets 3, and promises 3.",
            "c": "delayed never sees the function, so it cannot call it again.",
        },
    )


def tiny_tasks(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside how many times as long Dask took as the loop."""
    return checks.compare(
        prediction,
        "a" if ratio < 0.7 else "b" if ratio < 2 else "c" if ratio < 50 else "d",
        f"Dask took {ratio:,.0f} times as long as the loop."
        if ratio >= 2
        else f"Dask took {ratio:.2f} times as long as the loop.",
        {
            "a": "Twice the hands help where the work is long. Here the handing out is longer.",
            "b": "The bookkeeping for one task is not as short as one addition.",
            "c": "It is far more: an addition takes some tens of nanoseconds.",
            "d": "For each task, Dask makes a promise, plans, and hands it to a thread: a fraction"
            " of a millisecond. An addition takes some tens of nanoseconds.",
        },
        usual="d",
    )


def _bag(items: list[Any]) -> db.Bag:
    return db.from_sequence(items, npartitions=3)


def _compute(*promises: Any) -> Any:
    """The value of a promise, or those of several, made by threads of this process."""
    values = dask.compute(*promises, scheduler="threads", num_workers=THREADS)
    return values[0] if len(values) == 1 else values


@contextmanager
def _explained(hint: str, about: str = "") -> Iterator[None]:
    """Give this hint where the learner's code raises such an error."""
    try:
        yield
    except (AttributeError, TypeError) as error:
        if about not in str(error):
            raise
        raise checks.Wrong(f"Your code raised {type(error).__name__}: {error}", hint) from None


def _see_one(value: Any, name: str, hint: str) -> None:
    """It is not many promises."""
    if isinstance(value, list | tuple) and any(map(dask.is_dask_collection, value)):
        raise checks.Wrong(
            f"{name} returned a {type(value).__name__} of promises, not one promise.", hint
        )


def _see_promise(value: Any, what: str) -> None:
    checks.expect(
        dask.is_dask_collection(value),
        f"{what} should be a promise, not {value!r}.",
        "It was computed already, or it is no work of Dask's: leave out compute(), and delay it.",
    )


@contextmanager
def _watched_computes() -> Iterator[list[object]]:
    """Notes each task that Dask starts meanwhile."""
    from dask.callbacks import Callback

    seen: list[object] = []
    with Callback(pretask=lambda key, *_: seen.append(key)), dask.config.set(scheduler="threads"):
        yield seen


def _shown(items: set[Any]) -> str:
    return "{" + ", ".join(sorted(map(repr, items))) + "}"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
