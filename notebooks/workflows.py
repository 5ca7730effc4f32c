"""Run Snakemake in a folder, and read what it says; for 05-snakemake.ipynb and its checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import networkx as nx

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "snakemake"]
ENDED = 120.0  # seconds after which a run is given up
MOST = 400  # characters of a complaint


def provide(folder: Path, *names: str) -> Path:
    """Copy files that lie beside the notebook into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(HERE / name, folder / name)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """For a process in that folder: what it caches stays there, too."""
    return os.environ | {
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake there, to its end, with these environment variables as well."""
    return subprocess.run(
        [*COMMAND, *options],
        cwd=folder,
        env=environment(folder) | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=ENDED,
        check=False,
    )


def report(done: subprocess.CompletedProcess[str]) -> str:
    """All that a run said: some versions say it on stdout, some on stderr."""
    return done.stdout + done.stderr


def jobs(text: str) -> dict[str, int]:
    """How many jobs of each rule a run was to do, from the table in what it said."""
    table = re.search(r"^job +count\n[- ]+\n((?:\w+ +\d+\n)+)", text, re.MULTILINE)
    lines = table[1].splitlines() if table else []
    counts = {rule: int(count) for rule, count in (line.split() for line in lines)}
    return {rule: count for rule, count in counts.items() if rule != "total"}


def graph(folder: Path, *options: str) -> nx.DiGraph:
    """The jobs as Snakemake's own --dag tells them: an arrow leads to who needs the result."""
    return read_dot(run(folder, *options, "--dag").stdout)


def read_dot(dot: str) -> nx.DiGraph:
    """The graph of such a text; nodes are names such as "frame k: 3"."""
    labels = {
        number: label.replace("\\n", " ")
        for number, label in re.findall(r'^\s*(\d+)\[label = "([^"]*)"', dot, re.MULTILINE)
    }
    often = Counter(labels.values())  # a wildcard that is known from an input is left out
    names = {
        number: label if often[label] == 1 else f"{label} ({number})"
        for number, label in labels.items()
    }
    found = nx.DiGraph()
    found.add_nodes_from(names.values())
    found.add_edges_from(
        (names[start], names[end])
        for start, end in re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE)
    )
    return found


def rules(text: str) -> dict[str, str]:
    """The rules of a Snakefile, by name, each with its lines."""
    parts = re.split(r"^(?=rule )", text, flags=re.MULTILINE)[1:]
    return {re.match(r"rule (\w+)", part)[1]: part.rstrip() + "\n" for part in parts}  # type: ignore[index]


def complaint(done: subprocess.CompletedProcess[str]) -> str | None:
    """What was wrong, in a few lines, if the run failed."""
    if not done.returncode:
        return None
    lines = [line.strip() for line in report(done).splitlines()]
    errors = [k for k, line in enumerate(lines) if re.match(r"\w*(Error|Exception)\b", line)]
    first = errors[0] if errors else max(0, len(lines) - 2)
    words = " ".join(line for line in lines[first : first + 6] if line)
    return words if len(words) <= MOST else f"{words[:MOST]} ..."


def write(folder: Path, parts: Iterable[str]) -> None:
    """Write these parts, one below the other, as the folder's Snakefile."""
    (folder / "Snakefile").write_text("\n\n".join(parts), encoding="utf-8")
