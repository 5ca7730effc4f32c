"""The checks of 05-snakemake.ipynb: they run Snakemake on what a learner wrote."""

from __future__ import annotations

import filecmp
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx as nx
import workflows

from pyparallel import checks

LIMIT = 120.0  # seconds: Snakemake takes a second to start, more on a busy machine
PYTHON = "import sys\n\nPYTHON = sys.executable\n"
SETTINGS = {"frames": 2, "size": 24, "fine": 1, "max_iter": 200}
OTHERS = SETTINGS | {"max_iter": 100}


@checks.exercise("order", limit=LIMIT)
def order(answer: Sequence[str], *, rules: Mapping[str, str]) -> str:
    """Are the rules in quite another order, and does the same graph come of it?"""
    if answer is None or any(name is ... for name in answer):
        raise checks.Unsolved
    names = list(rules)
    checks.expect(
        sorted(map(str, answer)) == sorted(names),
        "The list should hold each rule's name once: " + ", ".join(names) + ".",
    )
    same = [name for name, before in zip(answer, names, strict=True) if name == before]
    checks.expect(
        len(same) <= 1,
        f"These stand where they stood before: {', '.join(same)}.",
        "All but one can move. Which one, and why?",
    )
    with _folder("cooking.py") as folder:
        workflows.write(folder, [PYTHON, *(rules[name] for name in answer)])
        found = workflows.graph(folder)
        wanted = _graph_of(rules)
    checks.expect(
        found.nodes == wanted.nodes and found.edges == wanted.edges,
        f"Without a target, that makes {len(found)} jobs of {len(wanted)}:"
        f" {', '.join(sorted(found))}.",
        "Without a target, the first rule of the file is the target. It has to be all.",
    )
    return f"The same graph: {len(found)} jobs, {found.number_of_edges()} arrows."


def _inputs(rule: str) -> str:
    """The line of a rule that says what it needs."""
    line = re.search(r"^ +input:(.*)$", rule, re.MULTILINE)
    return line[1] if line else ""


def _graph_of(rules: Mapping[str, str]) -> nx.DiGraph:
    """What needs what, read from the rules themselves: each makes the file of its own name."""
    graph = nx.DiGraph()
    graph.add_nodes_from(rules)
    graph.add_edges_from(
        (need, name)
        for name, rule in rules.items()
        for need in rules
        if f'"{need}.txt"' in _inputs(rule)
    )
    return graph


@checks.exercise("combine", limit=LIMIT)
def combine(answer: str) -> str:
    """Does one job join the three files, in their order?"""
    parts = {"starter": "soup\n", "main": "dumplings\n", "dessert": "plums\n"}
    with _folder("join.py") as folder:
        for name, text in parts.items():
            (folder / f"{name}.txt").write_bytes(text.encode())
        workflows.write(folder, [PYTHON, _text(answer)])
        done = workflows.run(folder, "-j1")
        _see_done(done, COMBINE_HINTS)
        count = workflows.jobs(workflows.report(done))
        checks.expect(
            sum(count.values()) == 2 and count.get("all") == 1,
            f"Snakemake had these jobs: {count or 'none'}. Wanted are all and one other.",
            "Give the one rule all three files as input, separated by commas.",
        )
        menu = folder / "menu.txt"
        checks.expect(menu.exists(), "There is no menu.txt.", "It is the output of combine.")
        checks.equal(
            menu.read_bytes().decode(),
            "".join(parts.values()),
            "menu.txt",
            mistakes=[
                (part, "{input} stands for all of them; {input[0]} is one.")
                for part in parts.values()
            ],
        )
    return "One job and all; menu.txt holds the three files in their order."


COMBINE_HINTS = {
    "starter.txt main.txt dessert.txt\n": "Each name stands in quotes of its own.",
    "starter.txtmain.txt": "Between the names of files there are commas.",
    "main.txtdessert.txt": "Between the names of files there are commas.",
    "No such file or directory: 'menu.txt'": "join.py wants the output first, then the inputs.",
}


@checks.exercise("plates", limit=LIMIT)
def plates(answer: str) -> str:
    """Does each guest get a plate, by a job of its own, whoever the guests are?"""
    guests = ["Ada", "Emmy", "Sofia"]
    with _folder("cooking.py") as folder:
        (folder / "serve.txt").write_text("serve 0.0 1.0\n", encoding="utf-8")
        text = _text(answer)
        workflows.write(folder, [f"{PYTHON}GUESTS = {guests}\n", text])
        done = workflows.run(folder, "-j2", PYPARALLEL_MINUTE="0")
        _see_done(done, _plate_hints(text))
        missing = [guest for guest in guests if not (folder / f"plates/{guest}.txt").exists()]
        checks.expect(
            not missing,
            f"With the guests {', '.join(guests)}, there is no plate for {', '.join(missing)}.",
            "The guests of the check are others than yours: use the list GUESTS.",
        )
        count = workflows.jobs(workflows.report(done))
        checks.expect(
            count.pop("all", 0) == 1 and list(count.values()) == [3],
            f"For three guests there should be three jobs of one rule, not {count}.",
            "In the rule plate, {guest} is a wildcard: one job for each guest. expand belongs"
            " into the rule all.",
        )
        plate = (folder / "plates/Ada.txt").read_text(encoding="utf-8")
        checks.expect(
            plate.startswith("serve "),
            "The plates are not made of serve.txt.",
            "It is the input of the rule, and {input} in its command.",
        )
    return "Three guests, three jobs: one rule for all of them."


def _plate_hints(text: str) -> dict[str, str]:
    """What to say when Snakemake complains of this."""
    return {
        "No such file or directory: 'plates/": "In the output, {guest} stands without expand: a job"
        " makes one plate. expand belongs into the rule all.",
        "Wildcards in input files cannot be determined": "A wildcard in an input must be in the"
        " output, too. The rule all has no output: list all its files by expand.",
        "No values given for wildcard": "expand needs to know what to put in: guest=GUESTS.",
        "No rule to produce": "Does the output of plate look as the inputs of all do?",
        "Missing input files": "Does the output of plate look as the inputs of all do?"
        if "expand" in text
        else "List the files of all guests by expand.",
    }


@checks.exercise("film", limit=LIMIT)
def film(answer: str) -> str:
    """Are the files those of the script, by one job and by two, also with other settings?"""
    text = _text(answer)
    with _folder("zoom.py") as folder:
        script = workflows.provide(folder / "script", "zoom.py")
        workflows.write(folder, [f'{PYTHON}\nconfigfile: "zoom.json"\n', text])
        for option, settings in {"-j1": SETTINGS, "-j2": OTHERS}.items():
            for place in (script, folder):
                (place / "zoom.json").write_text(json.dumps(settings), encoding="utf-8")
            _run_script(script)
            done = workflows.run(folder, option)
            _see_done(done)
            _see_film_jobs(workflows.jobs(workflows.report(done)), settings is OTHERS)
            _see_same_files(script, folder, option)
    return "With -j1 and with -j2 the files are those of the script, to the last byte."


def _run_script(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "zoom.py"], cwd=folder, env=workflows.environment(folder), check=True
    )


def _see_film_jobs(count: dict[str, int], changed: bool) -> None:
    frames = SETTINGS["frames"]
    checks.expect(
        not changed or frames in count.values(),
        f"With other settings in zoom.json, the jobs were {count or 'none'}: a stale film!",
        "The frames depend on zoom.json: it is their input, although the command does not name it.",
    )
    checks.expect(
        sorted(count.values()) == [1, 1, frames],
        f"For {frames} frames, Snakemake had these jobs: {count}."
        f" Wanted are {frames} for the frames, one for the film, and all.",
        "Each frame is a job of its own: its number is the wildcard {k} of the output.",
    )


def _see_same_files(script: Path, place: Path, option: str) -> None:
    names = ["film.gif", *(f"frames/{k}.png" for k in range(SETTINGS["frames"]))]
    for name in names:
        checks.expect((place / name).exists(), f"With {option} there is no {name}.")
        checks.expect(
            filecmp.cmp(script / name, place / name, shallow=False),
            f"With {option}, {name} is not the file that the script makes.",
            "Does every frame get its own number, {wildcards.k}, and the film all frames in order?",
        )


@checks.exercise("resume", limit=LIMIT)
def resume(answer: Callable[[list[str], Path], Any]) -> str:
    """Was it killed between frames, and does the second run leave the finished ones alone?"""
    settings = SETTINGS | {"frames": 4}
    with _folder("zoom.py", "film.smk", "cooking.py") as folder:
        (folder / "zoom.json").write_text(json.dumps(settings), encoding="utf-8")
        command = [*workflows.COMMAND, "-s", "film.smk", "-j1"]
        got = checks.ask(answer, command, folder)
        logs = sorted((folder / ".snakemake" / "log").glob("*.log"))
        counts = [workflows.jobs(log.read_text("utf-8")) for log in logs]
        runs = [
            (log.read_text("utf-8"), count)
            for log, count in zip(logs, counts, strict=True)
            if count
        ]
        _see_killed(runs, settings["frames"])
        _see_resumed(runs, settings["frames"], folder)
        checks.expect(
            not hasattr(got, "returncode"),
            "What you return is all about the last run; wanted is its status alone.",
            "subprocess.run(...).returncode",
        )
        checks.equal(got, 0, "What you return, the status of the last run,")
    finished = len(_finished(runs[0][0]))
    return f"Frames finished before the kill: {finished}. Only the others were made afterwards."


def _finished(log: str) -> list[str]:
    """The frames whose end a run has noted."""
    return re.findall(r"Finished jobid: \d+ \(Rule: frame\)", log)


def _see_killed(runs: list[tuple[str, dict[str, int]]], frames: int) -> None:
    checks.expect(runs, "Snakemake never got as far as to run a job.", "Wait for two frames.")
    finished = len(_finished(runs[0][0]))
    checks.expect(
        finished,
        "It was killed before it had finished a frame.",
        "Wait in a loop until there are two files in the folder frames.",
    )
    checks.expect(
        "(100%) done" not in runs[0][0],
        "The first run went to its end.",
        "Popen starts it and goes on; run would wait for its end. Then look at the files, and kill.",
    )


def _see_resumed(runs: list[tuple[str, dict[str, int]]], frames: int, folder: Path) -> None:
    checks.expect(
        (folder / "film.gif").exists(),
        "After all that there is no film.",
        "Two things are left of a killed run. First a run with --unlock; then one with"
        " --rerun-incomplete.",
    )
    finished, again = len(_finished(runs[0][0])), runs[-1][1].get("frame", 0)
    checks.expect(
        again <= frames - finished,
        f"{finished} frames were finished, but the last run made {again} of {frames}.",
        "Only --rerun-incomplete: --forceall or removed files make it do all again.",
    )


def touched(prediction: object, count: Mapping[str, int]) -> checks.Comparison:
    """The prediction beside what Snakemake would do after a touch."""
    again = {rule: number for rule, number in count.items() if rule != "all"}
    listed = ", ".join(f"{rule} ({number})" for rule, number in again.items())
    return checks.compare(
        prediction,
        "a" if not again else "b" if set(again) == {"frame"} else "c",
        f"jobs to do: {listed or 'none'}.",
        {
            "a": "For small files Snakemake compares the content, by a checksum, not the time alone.",
            "b": "Whatever is made again has other time stamps, so the film would be next.",
            "c": "So would make do it, which looks at the time only.",
        },
    )


def two_cooks(prediction: object, ratio: float) -> checks.Comparison:
    """The prediction beside the time of two cooks against one."""
    return checks.compare(
        prediction,
        "a" if ratio < 0.52 else "b" if ratio < 0.9 else "c",
        f"two cooks took {ratio:.2f} times as long as one.",
        {
            "a": "Half is what two cooks take at best, if none ever waits and nothing else is to do.",
            "b": "The critical path is longer than half of the work, and Snakemake's own start"
            " takes as long as before.",
            "c": "Then nothing would have been done at the same time.",
        },
        usual="b",
    )


@contextmanager
def _folder(*names: str) -> Iterator[Path]:
    """A temporary folder with these files. What a killed run has left behind may still write."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield workflows.provide(Path(folder), *names)


def _text(answer: Any) -> str:
    """The text of a Snakefile, without dots left in it."""
    checks.expect(
        isinstance(answer, str),
        f"The answer should be the text of rules, not of type {type(answer).__name__}.",
    )
    if "..." in answer:
        raise checks.Unsolved
    return str(answer)


HINTS = {
    "Colon expected": "After input, output and shell comes a colon.",
    "No such file": "Does the command begin with {PYTHON:q}, and do the names exist?",
    "mean 'wildcards.": "In a command, the wildcard k is {wildcards.k}.",
    "is unknown in this context": "In braces stand names that Snakemake knows: {input}, {output}.",
    "SyntaxError": "Names of files, and the command, are texts: they stand in quotes.",
    "exit status 127": "The shell knows no such program. Python is {PYTHON:q}, braces included.",
    "NameError": 'Texts stand in quotes; a setting is config["name"].',
    "is not a file": "Texts stand in quotes.",
    "Missing output files": "Does the command write {output}?",
    "Missing input files": "Look at the names: who makes that file?",
}


def _see_done(
    done: subprocess.CompletedProcess[str], hints: Mapping[str, str] | None = None
) -> None:
    """Snakemake must not have complained; if it has, say what of."""
    said = workflows.complaint(done)
    known = [*(hints or {}).items(), *HINTS.items()]
    report = workflows.report(done)
    hint = next((hint for part, hint in known if part in report), None)
    checks.expect(said is None, f"Snakemake says: {said}", hint)
