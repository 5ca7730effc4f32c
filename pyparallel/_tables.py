"""Measurements as words, and rows of words as a table in text or HTML."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape

UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def significant(number: float) -> str:
    """A number to three significant digits, without an exponent.

    Examples
    --------
    >>> from pyparallel._tables import significant
    >>> significant(1.2), significant(26.64), significant(1234.5)
    ('1.20', '26.6', '1234')
    """
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"


def seconds(time: float) -> str:
    """A time in the unit that suits it.

    Examples
    --------
    >>> from pyparallel._tables import seconds
    >>> seconds(0.0215)
    '21.5 ms'
    """
    unit, scale = next((pair for pair in UNITS if time >= pair[1]), UNITS[-1])
    return f"{significant(time / scale)} {unit}"


def size(count: int) -> str:
    """A number of bytes in the unit that suits it.

    Examples
    --------
    >>> from pyparallel._tables import size
    >>> size(4 * 2**20)
    '4.00 MiB'
    """
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= scale:
            return f"{significant(count / scale)} {unit}"
    return f"{count} B"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    """Aligned columns, the first to the left, the others to the right, with a note below.

    Examples
    --------
    >>> from pyparallel._tables import text_table
    >>> print(text_table(["name", "time"], [["a", "1.00 s"]], "Runs: 1."))
    name    time
    a     1.00 s
    Runs: 1.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return "  ".join([cells[0].ljust(widths[0]), *numbers])

    return "\n".join([*map(line, [header, *rows]), textwrap.fill(note, 79)])


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    """The same for a notebook.

    Examples
    --------
    >>> from pyparallel._tables import html_table
    >>> "&lt;b&gt;" in html_table(["name"], [["<b>"]], "")
    True
    """

    def row(cells: Sequence[str], tag: str) -> str:
        # Jupyter aligns every cell to the right; names read better to the left.
        first, *others = map(escape, cells)
        left = f'<{tag} style="text-align: left">{first}</{tag}>'
        return f"<tr>{left}{''.join(f'<{tag}>{cell}</{tag}>' for cell in others)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return (
        f"<table><thead>{row(header, 'th')}</thead><tbody>{body}</tbody></table>"
        f"<p>{escape(note)}</p>"
    )
