"""Prints what a pytest run skipped and why; fails when a skip is not expected.

    skips.py RUN REPORT.xml EXPECTED.txt

Each line of the last file holds a run, a test and the reason; both may have wildcards.
"""

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree


def skips(report: str) -> list[tuple[str, str]]:
    """The test and the reason of each skip and each expected failure."""
    cases = ElementTree.parse(report).iter("testcase")
    return [
        (f"{case.get('classname')}::{case.get('name')}", skip.get("message", ""))
        for case in cases
        for skip in case.iter("skipped")
    ]


def patterns(text: str) -> list[list[str]]:
    """The run and the test of each line that is not a comment."""
    lines = (line.split() for line in text.splitlines())
    return [words[:2] for words in lines if words and not words[0].startswith("#")]


def main(run: str, report: str, expected: str) -> int:
    allowed = patterns(Path(expected).read_text(encoding="utf-8"))
    unexpected = 0
    for test, reason in skips(report):
        known = any(fnmatchcase(run, r) and fnmatchcase(test, t) for r, t in allowed)
        print(f"skipped{'' if known else ', which was NOT expected'}: {test}: {reason}")
        unexpected += not known
    return unexpected > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
