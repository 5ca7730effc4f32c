"""Prints what a pytest run skipped and why; fails when a skip is not expected.

    skips.py RUN REPORT.xml EXPECTED.txt

Each line of the last file holds a run, a test and the reason that pytest gives; all three may
have wildcards.
"""

import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree


def skips(report: str) -> list[tuple[str, str]]:
    """The test (or the module) and the reason of each skip and each expected failure."""
    return [
        (f"{case.get('classname')}::{case.get('name')}", given_reason(skip))
        for case in ElementTree.parse(report).iter("testcase")
        for skip in case.iter("skipped")
    ]


def given_reason(skip: ElementTree.Element) -> str:
    """What was given as the reason; of a whole module it stands in the text."""
    message = skip.get("message", "")
    return (skip.text or "").strip() if message == "collection skipped" else message


def patterns(text: str) -> list[list[str]]:
    """The run, the test and the reason of each line that is not a comment."""
    lines = (line.strip() for line in text.splitlines())
    return [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]


def main(run: str, report: str, expected: str) -> int:
    allowed = patterns(Path(expected).read_text(encoding="utf-8"))
    found = skips(report)
    unexpected = [
        skip for skip in found if not any(all(map(fnmatchcase, (run, *skip), p)) for p in allowed)
    ]
    reasons = Counter(reason for test, reason in found if (test, reason) not in unexpected)
    for reason, tests in reasons.items():
        print(f"skipped as expected: {tests} tests: {reason}")
    for test, reason in unexpected:
        print(f"skipped, which was NOT expected: {test}: {reason}")
    return len(unexpected) > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
