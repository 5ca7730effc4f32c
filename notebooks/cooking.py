"""A cook for 05-snakemake.ipynb: does one task, and notes in a file who did what when.

python cooking.py MINUTES OUTPUT [INPUT...]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

MINUTE = float(os.environ.get("PYPARALLEL_MINUTE", "0.1"))  # seconds


def main(minutes: str, output: str, *inputs: str) -> None:
    """Take that many minutes; write the notes of the inputs, and a line of one's own."""
    begin = time.time()
    texts = [Path(path).read_text(encoding="utf-8") for path in inputs]
    notes = dict.fromkeys(line for text in texts for line in text.splitlines(keepends=True))
    time.sleep(float(minutes) * MINUTE)
    line = f"{Path(output).stem} {begin!r} {time.time()!r}\n"
    Path(output).write_text("".join([*notes, line]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
