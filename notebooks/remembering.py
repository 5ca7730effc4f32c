"""What the processes of 08-dynamic-programming.ipynb run: work that is kept in files.

python -m remembering hits FOLDER N SEED    a count that joblib keeps in the folder
python -m remembering careless PATH         writes a file in place, slowly
python -m remembering job FOLDER N          N results, each kept in a file of the folder
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import workers

A_MOMENT = 0.05  # seconds


def kept_hits(folder: Path, n: int, seed: int) -> tuple[int, bool]:
    """What workers.count_hits finds, kept in a folder; and whether it was there already."""
    import joblib

    cached = joblib.Memory(folder, verbose=0).cache(workers.count_hits)
    found = bool(cached.check_call_in_cache(n, seed))
    return cached(n, seed), found


def write_carelessly(path: Path, numbers: Iterable[int]) -> None:
    """Write a list in JSON straight into its file, with time to look at it half done."""
    with path.open("w", encoding="utf-8") as file:
        separator = "["
        for number in numbers:
            file.write(f"{separator}{number}")
            file.flush()
            separator = ", "
            time.sleep(A_MOMENT)
        file.write("]")


def save(path: Path, text: str) -> None:
    """Write a file that is whole whenever anybody sees it under its name."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".", suffix=".part", delete=False
    ) as file:
        file.write(text)
    Path(file.name).replace(path)  # one step: the old file or the new one, nothing in between


def square(number: int) -> int:
    """Stands for a long computation."""
    time.sleep(A_MOMENT)
    return number * number


def job(folder: Path, items: Iterable[int], compute: Callable[[int], Any] = square) -> list[int]:
    """Keep compute(item) of each item in a file of its own; which items had to be computed."""
    computed = []
    for item in items:
        path = folder / f"{item}.json"
        if not path.exists():
            save(path, json.dumps(compute(item)))
            computed.append(item)
    return computed


def main(task: str, where: str, *numbers: str) -> None:
    """Run one of the tasks above, and print what happened."""
    if task == "hits":
        hits, found = kept_hits(Path(where), int(numbers[0]), int(numbers[1]))
        print(f"{hits} hits, {'found' if found else 'computed'}")
    elif task == "careless":
        write_carelessly(Path(where), range(100_000))
    else:
        print(f"computed: {job(Path(where), range(int(numbers[0])))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
