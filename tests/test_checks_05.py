"""What the checks of 05-snakemake reject, and with which hint; what its programs do."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.test_notebooks import FOLDER, rejected

sys.path.append(str(FOLDER))  # as in the notebook's kernel
checks_05 = importlib.import_module("checks_05")
workflows = importlib.import_module("workflows")

RULES = workflows.rules((FOLDER / "soup.smk").read_text("utf-8"))
NAMES = list(RULES)

MENU = """
rule all:
    input: "menu.txt"

rule combine:
    input: "starter.txt", "main.txt", "dessert.txt"
    output: "menu.txt"
    shell: "{PYTHON:q} join.py {output} {input}"
"""
PLATES = """
rule all:
    input: expand("plates/{guest}.txt", guest=GUESTS)

rule plate:
    input: "serve.txt"
    output: "plates/{guest}.txt"
    shell: "{PYTHON:q} cooking.py 1 {output} {input}"
"""
FILM = (FOLDER / "film.smk").read_text("utf-8").partition('configfile: "zoom.json"\n')[2]


def changed(text: str, old: str, new: str) -> str:
    """The text with one change that is one indeed."""
    assert old in text
    return text.replace(old, new)


# Snakemake waits for itself, most of the time: so the checks that run it go several at a time.
AT_A_TIME = 3
SLOW = {
    "test_combine_rejects": checks_05.combine,
    "test_plates_rejects": checks_05.plates,
    "test_film_rejects": checks_05.film,
    "test_resume_rejects": checks_05.resume,
}


@pytest.fixture(scope="module")
def under_way(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Any]]]:
    """What the slow checks say, by the names of the tests of this session that ask for it."""
    items = [item for item in request.session.items if item.path == request.path]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            item.name: pool.submit(SLOW[item.originalname], item.callspec.params["answer"])
            for item in items
            if item.originalname in SLOW
        }
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def found(request: pytest.FixtureRequest, under_way: Any, answer: Any) -> Any:
    return under_way[request.node.name].result()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (NAMES, "All but one can move"),
        (NAMES[1:], None),
        (["all", *NAMES[:-1]], None),
        ([*NAMES[1:], "all"], "the first rule of the file is the target"),
    ],
    ids=["as before", "one missing", "one twice", "all is last"],
)
def test_order_rejects(answer, hint):
    assert rejected(checks_05.order(answer, rules=RULES), hint)


def test_order_knows_the_stub():
    assert checks_05.order(["all", ...], rules=RULES).state == "unsolved"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (changed(MENU, '"starter.txt", "main.txt",', '"starter.txt" "main.txt",'), "commas"),
        (changed(MENU, "{output} {input}", "{output} {input[0]}"), "stands for all of them"),
        (changed(MENU, '"{PYTHON:q} join.py {output} {input}"', "join.py"), "in quotes"),
        (changed(MENU, "shell:", "shell"), "a colon"),
        (changed(MENU, "{output} {input}", "{input} {output}"), "the output first"),
        (changed(MENU, "{output} {input}", "{OUTPUT} {INPUT}"), "names that Snakemake knows"),
    ],
    ids=["no commas", "first only", "no quotes", "no colon", "the wrong way round", "capitals"],
)
def test_combine_rejects(found, hint):
    assert rejected(found, hint)


def test_what_has_dots_in_it_or_is_no_text_is_not_run(monkeypatch, under_way):
    wait(under_way.values())  # these do run Snakemake
    monkeypatch.setattr(workflows, "run", None)
    for check in (checks_05.combine, checks_05.plates, checks_05.film):
        assert check("rule all:\n    input: ...\n").state == "unsolved"
        assert rejected(check(["rule all"]), None)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (changed(PLATES, 'expand("plates/{guest}.txt", guest=GUESTS)', '"plates/{guest}.txt"'),
         "by expand"),
        (changed(PLATES, "guest=GUESTS", 'guest=["Ada", "Ben"]'), "the list GUESTS"),
        (changed(PLATES, 'output: "plates/{guest}.txt"',
                 'output: expand("plates/{guest}.txt", guest=GUESTS)'), "without expand"),
        (changed(PLATES, 'output: "plates/', 'output: "plate/'), "as the inputs of all"),
        (changed(PLATES, '    input: "serve.txt"\n', ""), "input of the rule"),
        (changed(PLATES, ", guest=GUESTS", ""), "guest=GUESTS"),
    ],
    ids=["no expand", "other guests", "one job", "another folder", "no soup", "no guests"],
)  # fmt: skip
def test_plates_rejects(found, hint):
    assert rejected(found, hint)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (changed(FILM, '    input: "zoom.json"\n', ""), "depend on zoom.json"),
        (changed(FILM, "{wildcards.k}", "1"), "its own number"),
        ('rule all:\n    output: "film.gif"\n    shell: "{PYTHON:q} zoom.py"\n', "a job of its own"),
        (changed(FILM, "{wildcards.k}", "{k}"), "wildcards.k"),
    ],
    ids=["settings forgotten", "one number", "all in one", "no wildcards"],
)  # fmt: skip
def test_film_rejects(found, hint):
    assert rejected(found, hint)


def until_two_frames(command: list[str], folder: Path) -> None:
    first = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    while len(list(folder.glob("frames/*.png"))) < 2:
        time.sleep(0.01)
    first.kill()
    first.wait()


def without_unlocking(command: list[str], folder: Path) -> int:
    until_two_frames(command, folder)
    return subprocess.run([*command, "--rerun-incomplete"], cwd=folder, check=False).returncode


def all_again(command: list[str], folder: Path) -> int:
    until_two_frames(command, folder)
    subprocess.run([*command, "--unlock"], cwd=folder, check=True)
    return subprocess.run(
        [*command, "--rerun-incomplete", "--forceall"], cwd=folder, check=False
    ).returncode


def waiting_for_the_end(command: list[str], folder: Path) -> int:
    return subprocess.run(command, cwd=folder, check=False).returncode


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (without_unlocking, "--unlock"),
        (all_again, "--forceall"),
        (waiting_for_the_end, "Popen starts it"),
        (lambda command, folder: 0, "Wait for two frames"),
    ],
)
def test_resume_rejects(found, hint):
    assert rejected(found, hint)


@pytest.mark.parametrize(
    ("compare", "values"),
    [
        (
            checks_05.touched,
            {"a": {}, "b": {"frame": 3, "all": 1}, "c": {"frame": 3, "film": 1, "all": 1}},
        ),
        (checks_05.two_cooks, {"a": 0.5, "b": 0.7, "c": 1.0}),
    ],
)
def test_each_option_of_a_prediction_can_come_out(compare, values):
    for letter, value in values.items():
        assert compare(letter, value).right
        assert compare("", value).measured == letter


# The programs, and what is read from Snakemake's words


def program(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=folder, check=True)


def test_a_cook_keeps_the_notes_of_others_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPARALLEL_MINUTE", "0")
    workflows.provide(tmp_path, "cooking.py")
    program(tmp_path, "cooking.py", "4", "wash.txt")
    program(tmp_path, "cooking.py", "2", "cut.txt", "wash.txt")
    program(tmp_path, "cooking.py", "3", "fry.txt", "cut.txt", "wash.txt")
    lines = (tmp_path / "fry.txt").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["wash", "cut", "fry"]
    assert all(float(begin) <= float(end) for _, begin, end in map(str.split, lines))


def test_the_film_is_made_of_its_frames(tmp_path):
    workflows.provide(tmp_path, "zoom.py")
    settings = {"frames": 3, "size": 32, "fine": 2, "max_iter": 100}
    (tmp_path / "zoom.json").write_text(json.dumps(settings), encoding="utf-8")
    program(tmp_path, "zoom.py")
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.n_frames, film.size) == (3, (32, 32))
    (tmp_path / "frames" / "2.png").rename(tmp_path / "2.png")
    program(tmp_path, "zoom.py", "frame", "2", "frames/2.png")
    assert (tmp_path / "frames" / "2.png").read_bytes() == (tmp_path / "2.png").read_bytes()
    pictures = [np.asarray(Image.open(tmp_path / "frames" / f"{k}.png")) for k in range(3)]
    assert all(picture.shape == (32, 32, 3) for picture in pictures)
    assert np.mean(pictures[0] != pictures[2]) > 0.5


def test_the_table_of_jobs_is_read():
    text = "Job stats:\njob       count\n------  -------\nframe         8\nall           1\ntotal         9\n"
    assert workflows.jobs(text) == {"frame": 8, "all": 1}
    assert workflows.jobs("Nothing to be done.") == {}


def test_jobs_of_one_label_are_told_apart():
    dot = '\t0[label = "all", c];\n\t1[label = "match", c];\n\t2[label = "match", c];\n\t3[label = "cut\\nk: 1"];\n\t1 -> 0\n\t2 -> 0\n\t3 -> 2\n'
    graph = workflows.read_dot(dot)
    assert set(graph.edges) == {
        ("match (1)", "all"),
        ("match (2)", "all"),
        ("cut k: 1", "match (2)"),
    }


def test_rules_are_found_by_name():
    assert len(RULES) == 11
    assert RULES["serve"].startswith("rule serve:\n    input:")
