"""The checks of 01-introduction.ipynb."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from numbers import Real
from typing import Any

from pyparallel import checks

Minutes = Mapping[str, float]
Needs = Mapping[str, Sequence[str]]
Plan = Mapping[str, tuple[int, float]]  # of each task: its cook, and the minute to begin

KINDS = {
    "photos": "parallel",
    "total": "reformulable",
    "balance": "reformulable",
    "digest": "serial",
    "darts": "parallel",
    "orbit": "serial",
}
WHY_NOT = {
    ("photos", "serial"): "Does the second photo need anything of the first?",
    ("photos", "reformulable"): "There is nothing to reformulate: no photo needs another one.",
    ("total", "serial"): "As written, yes. But must the numbers be added in this order?",
    ("total", "parallel"): "As written, each turn needs the total of the turn before.",
    ("balance", "serial"): (
        "As written, yes. But suppose that somebody adds up the second half, beginning at 0."
        " What has to be added to each of those balances afterwards?"
    ),
    ("balance", "parallel"): "As written, each turn needs the balance of the turn before.",
    ("digest", "parallel"): "Each turn needs the digest of the turn before.",
    ("digest", "reformulable"): (
        "Hash functions are made so that nobody knows a short cut:"
        " that is why passwords are stored like this."
    ),
    ("darts", "serial"): "Does it matter for the second dart where the first one went?",
    ("darts", "reformulable"): (
        "Only the hits are counted together, and that is a sum. The darts need no other algorithm."
    ),
    ("orbit", "parallel"): (
        "Many points can be computed at once. But this is one point, and each turn needs"
        " the z of the turn before."
    ),
    ("orbit", "reformulable"): "Nobody knows a way to the millionth z that leaves out the others.",
}


@checks.exercise("sort")
def sort(kinds: Any) -> str:
    """Is each task put where it belongs?"""
    checks.expect(isinstance(kinds, Mapping), "The answer should be a dictionary.")
    _see_tasks(kinds, KINDS, "my_kinds")
    for task, wanted in KINDS.items():
        kind = kinds[task]
        checks.expect(
            kind in ("serial", "parallel", "reformulable"),
            f'"{task}" should be "serial", "parallel" or "reformulable", not {kind!r}.',
        )
        checks.expect(kind == wanted, f'"{task}" is not {kind}.', WHY_NOT.get((task, kind)))
    return "All six are where they belong."


@checks.exercise("chunks")
def chunks(answer: Callable[[list[int], int], Sequence[int]]) -> str:
    """Is every number added exactly once, in k chunks of nearly equal size?"""
    for length, k in [(12, 3), (22, 4), (7, 1), (9, 5), (3, 5), (0, 2)]:
        # Powers of four: a sum tells which of them are in it, and how often.
        sums = checks.ask(answer, [4**i for i in range(length)], k)
        _see_sums(sums, length, k, f"chunk_sums(numbers, {k}) of {length} numbers")
    return "Every number is in one chunk, the chunks are of nearly equal size, for any k."


@checks.exercise("critical-path")
def critical_path(answer: Any, *, minutes: Minutes, needs: Needs) -> str:
    """Is this the length of the longest chain of tasks?"""
    ends = _earliest_ends(minutes, needs)
    last = max(ends, key=ends.__getitem__)
    hints = {
        sum(minutes.values()): "This is the time of one cook alone. Others can help.",
        sum(minutes.values()) / 2: "Two cooks who never wait would need this. But they wait.",
        max(minutes.values()): "This is the longest task alone. Some must come before and after.",
        ends[last] - minutes[last]: f'And how long does it take to "{last}"?',
        _minutes_of_most_tasks(minutes, needs): (
            "This chain has the most tasks. Which one takes the most minutes?"
        ),
    }
    checks.expect(isinstance(answer, Real), f"soup_minutes should be a number, not {answer!r}.")
    checks.expect(
        answer == ends[last],
        f"The critical path does not take {answer:g} minutes.",
        hints.get(answer),
    )
    return f"No number of cooks can make this soup in less than {ends[last]:g} minutes."


@checks.exercise("two-cooks")
def two_cooks(plan: Any, *, minutes: Minutes, needs: Needs) -> str:
    """Can the plan be carried out, and is none shorter?"""
    checks.expect(isinstance(plan, Mapping), "The answer should be a dictionary.")
    _see_tasks(plan, minutes, "my_plan")
    _see_entries(plan)
    _see_ingredients(plan, minutes, needs)
    _see_one_thing_at_a_time(plan, minutes)
    ready = max(begin + minutes[task] for task, (_, begin) in plan.items())
    best = shortest(minutes, needs)
    checks.expect(
        ready <= best + 1e-9,
        f"Two cooks can work like this. But it takes {ready:g} minutes, and {best:g} are possible.",
        "Is a cook at work on the critical path at every moment, from the first minute to the last?",
    )
    return f"Two cooks can work like this, and no plan takes less than {best:g} minutes."


def shortest(minutes: Minutes, needs: Needs, cooks: int = 2) -> float:
    """The time of the best plan, found by trying every order of the tasks.

    In each order, the cook who is free first takes the next task and begins as soon as it can be
    begun. One of these plans is a best one: take the tasks of any best plan in the order in which
    they begin, and by induction none begins later than there.
    """

    def ready_at(ends: dict[str, float], free_at: list[float]) -> float:
        open_tasks = [
            task for task in minutes if task not in ends and all(n in ends for n in needs[task])
        ]
        times = []
        for task in open_tasks:
            begin = max([free_at[0], *(ends[need] for need in needs[task])])
            end = begin + minutes[task]
            times.append(ready_at(ends | {task: end}, sorted([*free_at[1:], end])))
        return min(times, default=max(ends.values(), default=0.0))

    return ready_at({}, [0.0] * cooks)


def sending(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside how many times as long as the sum it took to send the numbers."""
    return checks.compare(
        prediction,
        "a" if ratio < 0.5 else "b" if ratio < 2 else "c",
        f"sending took {ratio:.1f} times as long as adding up.",
        {
            "a": "That is so for threads, which share a memory. To a process it is really sent.",
            "b": "Both look at every number once. But sending packs, copies and unpacks each one.",
            "c": "Each number is packed into a message, and made anew on the other side.",
        },
        usual="c",
    )


def eight_cooks(prediction: object, speedup: float) -> checks.Comparison:
    """The prediction beside how many times as fast as one cook eight are."""
    return checks.compare(
        prediction,
        "a" if speedup > 7 else "b" if speedup > 2 else "c",
        f"eight cooks are {speedup:.2f} times as fast as one.",
        {
            "a": "That needs eight tasks that can be done at every moment. The soup has few.",
            "b": "In the beginning there is work for some. Then all wait for the peas.",
            "c": "The critical path takes more than half of the time of one cook.",
        },
    )


def _see_tasks(answer: Mapping[str, Any], wanted: Mapping[str, Any], what: str) -> None:
    """The keys, and that no dots are left."""
    missing = [task for task in wanted if task not in answer]
    unknown = [task for task in answer if task not in wanted]
    checks.expect(not missing, f"{what} has no {_quoted(missing)}.")
    checks.expect(not unknown, f"{what} has {_quoted(unknown)}, which is none of the tasks.")
    if any(
        value is ... or (isinstance(value, tuple | list) and ... in value)
        for value in answer.values()
    ):
        raise checks.Unsolved


def _see_sums(sums: Any, length: int, k: int, call: str) -> None:
    parts = list(sums) if isinstance(sums, Iterable) else []
    checks.expect(
        isinstance(sums, Iterable) and all(isinstance(part, Real) for part in parts),
        f"{call} should be a list of {k} sums, one for each chunk.",
        "Return neither the chunks themselves nor the total: sum(chunk) for each chunk.",
    )
    checks.expect(
        len(parts) == k,
        f"{call} should be a list of {k} sums, not of {len(parts)}.",
        "What is left over gets no chunk of its own, and a chunk may be empty: sum([]) is 0.",
    )
    inside = [_times_inside(int(part), length) for part in parts]
    times = [sum(of_one) for of_one in zip(*inside, strict=True)]
    checks.expect(
        0 not in times,
        f"{call}: {times.count(0)} of the numbers are in no chunk.",
        f"{k} chunks of {length} // {k} = {length // k} numbers are {length // k * k} numbers.",
    )
    checks.expect(
        not times or max(times) == 1,
        f"{call}: some numbers are in more than one chunk.",
        "A slice numbers[start:stop] ends before stop: the next one begins at stop.",
    )
    sizes = [sum(of_part) for of_part in inside]
    checks.expect(
        max(sizes) - min(sizes) <= 1,
        f"{call}: all numbers are there, but the chunks hold {sizes}.",
        "All wait for the one with the biggest chunk. Deal out what is left over: one number each.",
    )


def _times_inside(part: int, length: int) -> list[int]:
    """How often each of the powers of four is in a sum: its digits to the base of four."""
    return [part // 4**i % 4 for i in range(length)]


def _see_entries(plan: Mapping[str, Any]) -> None:
    for task, entry in plan.items():
        checks.expect(
            isinstance(entry, tuple | list) and len(entry) == 2,
            f'"{task}" should be given a cook and a minute, such as (1, 0), not {entry!r}.',
        )
        cook, begin = entry
        checks.expect(cook in (1, 2), f'The cook of "{task}" should be 1 or 2, not {cook!r}.')
        checks.expect(
            isinstance(begin, Real) and begin >= 0,
            f'"{task}" should begin at a minute from 0 on, not at {begin!r}.',
        )


def _see_ingredients(plan: Plan, minutes: Minutes, needs: Needs) -> None:
    for task, (_, begin) in plan.items():
        for need in needs[task]:
            end = plan[need][1] + minutes[need]
            checks.expect(
                begin >= end,
                f'"{task}" begins at minute {begin:g}, but it needs "{need}",'
                f" which is ready at minute {end:g}.",
                "Follow the arrows of the diagram: where an arrow begins must be ready first.",
            )


def _see_one_thing_at_a_time(plan: Plan, minutes: Minutes) -> None:
    for (first, (cook, begin)), (second, (other, later)) in combinations(
        sorted(plan.items(), key=lambda item: item[1][1]), 2
    ):
        end = begin + minutes[first]
        checks.expect(
            cook != other or later >= end,
            f'Cook {cook} does two things at once: "{first}" until minute {end:g},'
            f' but "{second}" from minute {later:g} on.',
            "Give one of them to the other cook, or begin it later.",
        )


def _earliest_ends(minutes: Minutes, needs: Needs) -> dict[str, float]:
    """When each task is ready if it never has to wait for a cook."""

    def end(task: str) -> float:
        return minutes[task] + max(map(end, needs[task]), default=0)

    return {task: end(task) for task in minutes}


def _minutes_of_most_tasks(minutes: Minutes, needs: Needs) -> float:
    """The minutes of the chain with the most tasks; of equals, of the longest."""

    def chain(task: str) -> tuple[int, float]:
        tasks, time = max(map(chain, needs[task]), default=(0, 0))
        return tasks + 1, time + minutes[task]

    return max(map(chain, minutes))[1]


def _quoted(tasks: Sequence[str]) -> str:
    return ", ".join(f'"{task}"' for task in tasks)
