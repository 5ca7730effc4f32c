"""The demo as one HTML page that needs nothing else: no network, no scripts."""

from __future__ import annotations

import base64
import io
from html import escape

from pyparallel import rendering
from pyparallel._demo_mosaic import Exhibit
from pyparallel._metadata import install_line
from pyparallel._tables import seconds, significant, size
from pyparallel.demo import Demo, Event, Lost
from pyparallel.racing import Race

OURS = "pyparallel"

RULES = (
    "Everyone is warmed up, so compiling is not timed. Runs take turns, so what else the machine "
    "does meets all. Results are compared before any time is shown. Speed-up is best run against "
    "best, spread that of the middle half of the runs, memory as Python tracks it."
)

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2430; --soft: #5a6675;
  --line: #d9dee5; --card: #f5f7fa; --bar: #93a4b8; --ours: #0072b2; --good: #00694c; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --text: #e6eaf0; --soft: #a0acba;
  --line: #303844; --card: #1a2029; --bar: #5d6c7f; --ours: #56b4e9; --good: #3ec79d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 72rem;
  background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: clamp(1.4rem, 2.6vw, 2rem); line-height: 1.25; margin: 0 0 .5rem;
  text-wrap: balance; }
h2 { font-size: 1.35rem; margin: 3rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem; }
p { max-width: 44rem; margin: .5rem 0; }
a { color: var(--ours); }
.equal { color: var(--good); font-weight: 600; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.first { display: grid; grid-template-columns: 1.35fr 1fr; gap: 1.5rem; align-items: center;
  margin-top: 1rem; }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; height: auto; border-radius: .4rem; }
figcaption { margin-top: .4rem; }
.chart { max-width: 44rem; background: var(--card); border-radius: .4rem; padding: 1rem 1.25rem; }
.chart ul { list-style: none; margin: .6rem 0 0; padding: 0; }
.chart li { margin: .55rem 0; }
.name { display: flex; justify-content: space-between; gap: 1rem; }
.name b { font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { display: block; height: .7rem; min-width: 2px; border-radius: .2rem;
  background: var(--bar); print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.ours .bar { background: var(--ours); }
.ours .name { font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--soft); font-weight: 500; }
tbody th { font-weight: inherit; }
tr.ours { font-weight: 600; }
.facts th { color: var(--soft); font-weight: 500; }
.facts td { text-align: left; white-space: normal; }
code, pre { font: .9em ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
pre { background: var(--card); padding: .8rem 1rem; border-radius: .4rem; overflow-x: auto; }
@media (max-width: 46rem) { .first { grid-template-columns: 1fr; }
  th, td { padding: .3rem .45rem; font-size: .9rem; } }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; } figure, table { break-inside: avoid; }
  .first { grid-template-columns: 1.35fr 1fr; } pre { white-space: pre-wrap; } }
"""


def page(demo: Demo) -> str:
    """The whole page.

    Parameters
    ----------
    demo : Demo
        From `pyparallel.demo.show`.

    Returns
    -------
    str
        HTML without references to anything outside, but for links to click.
    """
    first = demo.events[0]
    parts = [
        f"<h1>{escape(headline(first, demo.machine))}</h1>",
        _equal(first),
        _view(first),
        "<h2>The races</h2>",
        f"<p>{RULES}</p>",
        _event(first),
        *(_event(event, above=_equal(event) + _view(event)) for event in demo.events[1:]),
        _mosaic(demo.mosaic) if demo.mosaic else "",
        "<h2>Where others win</h2>",
        *map(_lost, demo.lost),
        _without_c(first),
        "<h2>The machine</h2>",
        f"<p>{escape(demo.verdict)}</p>",
        _facts(demo.machine),
        "<h2>Repeat it</h2>",
        _repeat(first, *([demo.mosaic.command] if demo.mosaic else [])),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>pyparallel: demo</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def headline(event: Event, machine: dict[str, str]) -> str:
    """What the first race shows, in one sentence.

    Parameters
    ----------
    event : Event
    machine : dict of str to str
        From `pyparallel.demo.machine`.

    Returns
    -------
    str
    """
    best = event.race.best
    ours = best[OURS]
    number = machine["threads"].partition(" ")[0]
    threads = "1 thread" if number == "1" else f"{number} threads"
    against = [
        f"{_round(best[name] / ours)} times as fast as {known}"
        for name, known in {"NumPy": "NumPy", "Numba parallel": "parallel Numba"}.items()
        if name in best
    ]
    return f"The Mandelbrot set in C takes {seconds(ours)} on {threads}: {' and '.join(against)}."


def _round(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def _equal(event: Event) -> str:
    names = [name for name in event.race.names if name != OURS]
    others = f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]
    agreement = event.problem.agreement
    loop = (
        " A smaller picture also equals that of the plain Python loop."
        if event.picture
        else " With less work plain Python agrees, too."
    )
    return (
        f'<p><span class="equal">✓ {escape(agreement[0].upper() + agreement[1:])}</span> to the '
        f"results of {escape(others)}, checked before the race.{loop if event.small else ''}</p>"
    )


def _picture(event: Event, picture: rendering.Picture) -> str:
    buffer = io.BytesIO()
    rendering.draw(picture).save(buffer, format="JPEG", quality=92, subsampling=0)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    kind = event.problem.title.partition(",")[0]
    box = picture.box
    alt = (
        f"{kind}: fine branches around black areas, coloured by the number of iterations"
        if picture.julia is None
        else f"{kind}: a chain of spirals, coloured by the number of iterations"
    )
    return (
        f'<figure><img alt="{escape(alt)}" width="{box.width}" height="{box.height}" '
        f'src="data:image/jpeg;base64,{data}"><figcaption>{escape(kind)}, drawn by '
        f"<code>{escape(_short(picture))}</code></figcaption></figure>"
    )


def _jpeg(data: bytes, alt: str, caption: str) -> str:
    """A figure of its own."""
    text = base64.b64encode(data).decode("ascii")
    return (
        f'<figure><img alt="{escape(alt)}" src="data:image/jpeg;base64,{text}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _mosaic(exhibit: Exhibit) -> str:
    whole = _jpeg(
        exhibit.whole,
        "Portrait of a woman in the uniform of the US Navy, made of thousands of small fractals",
        "All of it; US Navy photograph by James S. Davis, in the public domain.",
    )
    near = _jpeg(
        exhibit.near,
        "Her eyes from near by: each of the coloured squares is a fractal",
        f"A part of it as it is. <code>{escape(exhibit.command)}</code>",
    )
    return (
        f"<h2>A mosaic of fractals</h2><p>{escape(exhibit.text)}</p>"
        f'<div class="first">{whole}{near}</div>'
    )


def _short(picture: rendering.Picture) -> str:
    """The command for the picture without what is left at its default."""
    names = ("julia", "center", "extent", "size", "max-iter")
    given = picture.parameters()
    options = [f"--{name} {given[name]}" for name in names if name in given]
    return " ".join(["pyparallel render", *options])


def _chart(event: Event) -> str:
    speedup = event.race.speedup
    longest = max(speedup.values())
    rows = "".join(
        f'<li{_ours(name)}><span class="name"><span>{escape(name)}</span>'
        f"<b>{significant(ratio)}&times;</b></span>"
        f'<span class="bar" style="width: {100 * ratio / longest:.1f}%"></span></li>'
        for name, ratio in speedup.items()
    )
    first = escape(event.race.names[0])
    return (
        f'<figure class="chart"><figcaption>{escape(event.problem.title)}: speed-up against '
        f"{first}, best run against best. Longer is faster.</figcaption><ul>{rows}</ul></figure>"
    )


def _ours(name: str) -> str:
    return ' class="ours"' if name == OURS else ""


def _view(event: Event) -> str:
    """The bars, beside the picture where there is one."""
    if event.picture is None:
        return _chart(event)
    return f'<div class="first">{_picture(event, event.picture)}{_chart(event)}</div>'


def _event(event: Event, above: str = "") -> str:
    parts = [f"<h3>{escape(event.problem.title)}</h3>", above, _fastest(event), _table(event.race)]
    if event.text:
        parts.append(f"<p>{escape(event.text)}</p>")
    if event.small and event.problem.small:
        parts += [f"<h3>{escape(event.problem.small.title)}</h3>", _table(event.small)]
    for name, cure in event.problem.missing.items():
        parts.append(f'<p class="soft">{escape(name)} did not race: {escape(cure)}</p>')
    links = ", ".join(
        f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in event.problem.sources.items()
    )
    if links:
        parts.append(f'<p class="soft">Each in the form that its documentation shows: {links}.</p>')
    return "\n".join(parts)


def _fastest(event: Event) -> str:
    """Who won, where it is not us."""
    best = event.race.best
    name = min(best, key=best.__getitem__)
    if name == OURS:
        return ""
    times = f"{seconds(best[name])} against {seconds(best[OURS])}"
    return f"<p>{escape(name)} was the fastest here: {times} of {OURS}.</p>"


def _table(race: Race) -> str:
    header = ("", "best", "median", "spread", "speed-up", "peak memory")
    cells = {
        name: (
            seconds(race.best[name]),
            seconds(race.median[name]),
            f"{100 * race.spread[name]:.0f} %",
            f"{significant(race.speedup[name])}&times;",
            size(race.memory[name]),
        )
        for name in race.names
    }
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    rows = "".join(
        f'<tr{_ours(name)}><th scope="row">{escape(name)}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
        for name, row in cells.items()
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="soft">Runs of each: {len(race.times[race.names[0]])}.</p>'
    )


def _lost(case: Lost) -> str:
    return f"<h3>{escape(case.title)}</h3><p>{escape(case.text)}</p>{_table(case.race)}"


def _without_c(event: Event) -> str:
    """The best choice of those who have no compiler."""
    best = event.race.best
    others = {name: time for name, time in best.items() if name != OURS}
    name = min(others, key=others.__getitem__)
    return (
        f"<h3>If you can't write C</h3><p>Of the others, {escape(name)} was the fastest on the "
        f"first picture: {seconds(others[name])}, {significant(event.race.speedup[name])} times "
        f"the speed of {escape(event.race.names[0])}. It needs no compiler and no build, and it "
        "changes with your formula.</p>"
    )


def _facts(machine: dict[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in machine.items()
    )
    return f'<div class="wide"><table class="facts"><tbody>{rows}</tbody></table></div>'


def _repeat(event: Event, *commands: str) -> str:
    lines = [
        install_line("lesson"),
        "pyparallel demo",
        "pyparallel race mandelbrot --isa all",
        "pyparallel race pi",
        "pyparallel race sum",
        "pyparallel race var",
        *([event.picture.command()] if event.picture else []),
        *commands,
    ]
    return f"<pre>{escape(chr(10).join(lines))}</pre>"
