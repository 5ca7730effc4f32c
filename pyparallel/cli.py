"""The command line: parses arguments, calls the module that does the work, prints."""

from __future__ import annotations

import cmath
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyparallel import _metadata, rendering
from pyparallel._files import check_writable, replacing
from pyparallel._tables import seconds
from pyparallel._threads import config, threads, version
from pyparallel.fractals import Box

if TYPE_CHECKING:
    from pyparallel.contestants import Problem
    from pyparallel.doctor import Finding

# The whole Mandelbrot set, and nearly any Julia set.
CENTER = {"Mandelbrot": -0.65 + 0j, "Julia": 0j}
EXTENT = 3.2 + 2.4j

# Timed runs of each contestant; fewer where NumPy takes seconds for one.
RUNS, FEWER_RUNS = 7, {"mandelbrot-deep": 3}


def run(args: Sequence[str] | None = None) -> int:
    """Run a command; errors are one line on stderr.

    Parameters
    ----------
    args : sequence of str, optional
        The words after ``pyparallel``; those of `sys.argv` by default.

    Returns
    -------
    int
        The exit status: 0, 1 where the command's own answer is no, 2 for an error, 130 after
        Ctrl-C.

    Examples
    --------
    >>> from pyparallel.cli import run
    >>> run(["--version"])  # doctest: +SKIP
    pyparallel 0.1.0
    0
    """
    from pyparallel.racing import RaceError

    try:
        return main.main(args, prog_name="pyparallel", standalone_mode=False) or 0
    except click.Abort:
        return _complain("stopped", 130)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "pyparallel"
        return _complain(f"{error.format_message().rstrip('.')} (see {where} --help)", 2)
    except click.ClickException as error:
        return _complain(error.format_message(), 2)
    except MemoryError:
        return _complain("not enough memory", 2)
    except (ImportError, OSError, RaceError, ValueError) as error:
        return _complain(str(error), 2)


def _complain(message: str, status: int) -> int:
    click.echo(f"pyparallel: {' '.join(message.split())}", err=True)
    return status


def _complex(ctx: click.Context, param: click.Parameter, value: str | None) -> complex | None:
    """A complex number as people write it: -0.8+0.156i, 0.5j, 2."""
    if value is None:
        return None
    text = value.replace(" ", "").replace("−", "-").lower()  # noqa: RUF001 - a pasted minus
    try:
        number = complex(text.removesuffix("i") + "j" if text.endswith("i") else text)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a number such as -0.8+0.156i") from None
    if not cmath.isfinite(number):
        raise click.BadParameter(f"{value!r} is not finite")
    return number


def _size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """Width and height in pixels: 1600x1200."""
    numbers = value.lower().split("x")
    if len(numbers) != 2 or not all(n.isdecimal() and int(n) > 0 for n in numbers):
        raise click.BadParameter(f"{value!r} is not a width and height such as 1600x1200")
    return int(numbers[0]), int(numbers[1])


threads_option = click.option(
    "--threads", "num_threads", type=int, metavar="N", help="Threads to use; -1 for all."
)


def _threads(number: int | None) -> Any:
    return nullcontext() if number is None else threads(number)


def _note(text: str) -> None:
    """What is going on now, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(text, err=True)


@contextmanager
def _bar(description: str) -> Iterator[rendering.Progress]:
    """A progress bar, on a terminal only and not for work that is done in a moment."""
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(f"tqdm is missing: {_metadata.install_line('cli')}") from None
    style = "{desc}: {percentage:3.0f} % |{bar}| {elapsed}<{remaining}"
    with tqdm(
        desc=description, total=100, bar_format=style, delay=0.5, leave=False, disable=None
    ) as bar:
        yield lambda done, total: bar.update(100 * done / total - bar.n)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version(), message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Exact, parallel C kernels for NumPy arrays, and the lesson that teaches them.

    Start with `pyparallel demo`. Each command has its own --help.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@main.command()
def doctor() -> None:
    """Is this machine ready for the lesson?

    Looks at the cores, the build, the speed of two threads against one, and every library that
    the notebooks need: a verdict in one sentence, then the findings, each with its cure. The exit
    status is 1 when something is missing.
    """
    from pyparallel import doctor as module

    checks = len(module.CHECKS)
    with _bar("doctor") as report:
        done = iter(range(checks))
        findings = module.examine(lambda name: report(next(done), checks))
    click.echo(module.verdict(findings))
    click.echo()
    for line in _lines(findings):
        click.echo(line)
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = ("advice" if finding.cure else "ok") if finding.ok else "MISSING"
        yield f"  {mark:<8} {finding.name:<{width}}  {finding.text}"
        if finding.cure:
            yield f"  {'':<8} {'':<{width}}  -> {finding.cure}"


@main.command()
@click.argument("name")
@click.option(
    "--isa",
    metavar="all|NAME",
    help="Force each instruction-set variant in turn (or this one), each in a fresh process, and "
    "print the ratios against Numba parallel (or the strongest rival where Numba has none).",
)
@click.option("--only", multiple=True, metavar="CONTESTANT", help="Race only this; repeatable.")
@click.option(
    "--repeat",
    metavar="N",
    type=click.IntRange(min=1),
    help="Timed runs of each, by default 7 (of mandelbrot-deep, which is slow, 3).",
)
@threads_option
@click.option(
    "--json", "json_file", metavar="FILE", help="Write all that was measured; - prints it."
)
def race(
    name: str,
    isa: str | None,
    only: tuple[str, ...],
    repeat: int | None,
    num_threads: int | None,
    json_file: str | None,
) -> None:
    """Race the ways to solve one problem of the lesson.

    All results are compared before any time is shown, and runs take turns. Without a library, the
    others race without it.

    \b
    Names:
      mandelbrot        a detail at the edge of the set, where the work differs by pixel
      mandelbrot-whole  the whole set, at most 256 iterations
      mandelbrot-deep   the whole set, at most 5000 iterations: a minute or two
      julia             the Julia set of -0.8+0.156i
      pi                pi from ten million random points
      sum               the sum of ten million float64
      var               their variance, in one pass over memory or in more
      fsum              their exact sum, rounded once
      match             the nearest of 10000 tiles for each of 10000 targets, 3 features
      match-wide        the same for 2000 targets, 75 features
      assign            each of 1024 tiles for one of 1024 targets, at the least cost
      assemble          a picture of 100 x 100 tiles

    \b
    Examples:
      pyparallel race mandelbrot
      pyparallel race mandelbrot-deep --only "Numba parallel" --only pyparallel
      pyparallel race mandelbrot --threads 1 --only NumPy --only pyparallel
      pyparallel race mandelbrot --isa all
    """
    from pyparallel import variants

    build = _problem(name)
    repeat = repeat or FEWER_RUNS.get(name, RUNS)
    if json_file and json_file != "-":
        check_writable(Path(json_file))
    show = _silent if json_file == "-" else click.echo
    if only and isa:
        raise click.UsageError(f"--isa races {variants.OURS} and one rival only: no --only")
    with _threads(num_threads):
        measured: dict[str, Any] = {"problem": name, "machine": config()}
        if isa:
            with _bar("race") as report:
                outcome = variants.race_variants(name, variants.chosen(isa), repeat, report)
            show(str(outcome))
            measured |= {"title": outcome.title, "variants": outcome.races}
        else:
            measured["races"] = _race_here(build(), only, repeat, show)
    _write_json(json_file, measured)


def _silent(text: str) -> None:
    pass


def _problem(name: str) -> Callable[[], Problem]:
    from pyparallel import contestants

    problems = contestants.problems()
    if name not in problems:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(problems)}", param_hint="NAME")
    return problems[name]


def _race_here(
    problem: Problem, only: Sequence[str], repeat: int, show: Callable[[str], object]
) -> list[dict[str, Any]]:
    """Race a problem and its small form; show and return what was measured."""
    from pyparallel import racing

    parts = [problem, problem.small] if problem.small else [problem]
    known = {name: None for part in parts for name in part.contestants}
    for name in only:
        if name not in known:
            cure = problem.missing.get(name, f"there are {', '.join(known)}")
            raise click.BadParameter(f"{name!r} cannot race: {cure}", param_hint="--only")
    results = []
    for part in parts:
        runners = {name: f for name, f in part.contestants.items() if not only or name in only}
        if runners:
            show(f"{part.title}\n")  # before the race: it may take a minute
            outcome = racing.race(runners, check=part.check, repeat=repeat)
            show(f"{outcome}\n")
            results.append({"title": part.title, **outcome.to_dict()})
    for name, cure in problem.missing.items():
        show(f"{name} did not race: {cure}")
    for name, url in problem.sources.items():
        show(f"{name}: {url}")
    return results


def _write_json(file: str | None, measured: dict[str, Any]) -> None:
    text = json.dumps(measured, indent=2)
    if file == "-":
        click.echo(text)
    elif file:
        with replacing(Path(file)) as out:
            out.write(f"{text}\n".encode())


@main.command()
@click.option("--center", callback=_complex, metavar="C", help="The point in the middle.")
@click.option(
    "--extent",
    callback=_complex,
    metavar="C",
    help="Width and height in the complex plane, as 3+2i; of 3 alone, the height follows from "
    "the size.",
)
@click.option(
    "--zoom", type=float, metavar="F", help="Instead of --extent: F times nearer than the whole."
)
@click.option("--size", callback=_size, metavar="WxH", default="1600x1200", show_default=True)
@click.option(
    "--max-iter",
    metavar="N",
    type=click.IntRange(1, 2**31 - 1),
    default=1000,
    show_default=True,
    help="Points that escape later count as inside, and are black. Deep zooms need more.",
)
@click.option("--julia", callback=_complex, metavar="C", help="Draw the Julia set of C instead.")
@click.option(
    "--cmap",
    metavar="NAME",
    default=rendering.CMAP,
    show_default=True,
    help="A matplotlib colour map.",
)
@click.option(
    "--contrast",
    metavar="X",
    type=click.FloatRange(0, 1),
    default=rendering.CONTRAST,
    show_default=True,
    help="0 spreads the colours over the logarithm of the count, 1 gives each the same area.",
)
@click.option(
    "--samples",
    metavar="N",
    type=click.IntRange(1, 8),
    default=rendering.SAMPLES,
    show_default=True,
    help="Each pixel is the mean of N x N points.",
)
@threads_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE.png", help="The picture."
)
def render(
    center: complex | None,
    extent: complex | None,
    zoom: float | None,
    size: tuple[int, int],
    max_iter: int,
    julia: complex | None,
    cmap: str,
    contrast: float,
    samples: int,
    num_threads: int | None,
    output: Path | None,
) -> None:
    """Draw the Mandelbrot set, or a Julia set, into a PNG file.

    The file holds the command that draws it again. An existing file is replaced, but only by a
    complete picture: Ctrl-C leaves nothing behind.

    \b
    Examples:
      pyparallel render -o whole.png
      pyparallel render --center -1.1195+0.2718i --extent 0.005 -o tree.png
      pyparallel render --center -0.7436+0.1318i --zoom 1500 --max-iter 3000 --cmap magma
      pyparallel render --julia -0.8+0.156i --size 3000x2000 -o dragon.png
    """
    kind = "Mandelbrot" if julia is None else "Julia"
    path = output or Path(f"{kind.lower()}.png")
    if path.suffix.lower() != ".png":
        raise click.BadParameter(f"'{path}' does not end in .png", param_hint="--output")
    check_writable(path)
    box = _box(CENTER[kind] if center is None else center, extent, zoom, size)
    picture = rendering.Picture(box, max_iter, julia, cmap, contrast, samples)
    if picture.too_deep():
        click.echo("note: neighbouring points are equal in float64 here: expect blocks", err=True)
    start = time.perf_counter()
    with _threads(num_threads), _bar(path.name) as report:
        rendering.save(picture, path, report)
    click.echo(f"{path}: {size[0]} x {size[1]} pixels in {seconds(time.perf_counter() - start)}")


def _box(center: complex, extent: complex | None, zoom: float | None, size: tuple[int, int]) -> Box:
    if extent is not None and zoom is not None:
        raise click.UsageError("--extent and --zoom exclude each other")
    width, height = size
    if extent is not None and not extent.imag:
        extent = complex(extent.real, extent.real * height / width)
    box = Box(width, height, center, EXTENT if extent is None else extent)
    return box if zoom is None else box.zoom(zoom)


@main.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="report.html",
    show_default=True,
    metavar="FILE.html",
)
@click.option("--open", "open_it", is_flag=True, help="Open the report in a browser.")
@threads_option
def demo(output: Path, open_it: bool, num_threads: int | None) -> None:
    """See in a minute what this package does on this machine.

    Races C against NumPy, Numba and Dask on real work, draws the pictures, and writes it all
    into one HTML file that needs no network.

    \b
    Examples:
      pyparallel demo
      pyparallel demo --open -o today.html
    """
    from pyparallel import demo as module
    from pyparallel import report

    check_writable(output)
    with _threads(num_threads):
        result = module.show(click.echo)
        _note("drawing the pictures")
        page = report.page(result)
    with replacing(output) as file:
        file.write(page.encode())
    click.echo(f"report: {output.resolve()}")
    if open_it:
        import webbrowser

        webbrowser.open(output.resolve().as_uri())


@main.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--run", "run_it", is_flag=True, help="Execute the notebooks and report instead.")
@click.option("--no-browser", is_flag=True, help="Start JupyterLab, but do not open a browser.")
@click.option("--copy-only", is_flag=True, help="Copy the notebooks, and start nothing.")
def lesson(folder: Path | None, run_it: bool, no_browser: bool, copy_only: bool) -> None:
    """Copy the notebooks to DIR (pyparallel-lesson by default) and open JupyterLab there.

    Files that are already there stay as they are, so the same command goes on where you stopped.
    With --run, every notebook (of DIR, if given) is executed from top to bottom, without changing
    it, and a table says how each ran; the exit status is 1 when one fails.

    \b
    Examples:
      pyparallel lesson
      pyparallel lesson ~/course --no-browser
      pyparallel lesson --run
    """
    from pyparallel import lesson as module

    if run_it:
        _note("running the notebooks, each up to two minutes")
        outcomes = module.run_all(folder, tell=lambda outcome: click.echo(str(outcome), err=True))
        click.echo(module.table(outcomes))
        if not all(outcome.ok for outcome in outcomes):
            raise click.exceptions.Exit(1)
        return
    folder = folder or Path("pyparallel-lesson")
    copied = module.copy_to(folder)
    click.echo(f"{folder}: {len(copied)} files copied, the others were there already")
    if not copy_only:
        raise click.exceptions.Exit(module.open_lab(folder, *["--no-browser"] * no_browser))


def _grid(ctx: click.Context, param: click.Parameter, value: str) -> int | tuple[int, int]:
    """Columns, or columns and rows: 100, or 120x80; to Python, rows come first."""
    if value.isdecimal() and int(value) > 0:
        return int(value)
    try:
        cols, rows = _size(ctx, param, value)
    except click.BadParameter:
        raise click.BadParameter(f"{value!r} is neither one number nor two as 120x80") from None
    return rows, cols


def _tile_size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    side = _grid(ctx, param, value)
    return (side, side) if isinstance(side, int) else side


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.argument("tiles", required=False, type=click.Path(path_type=Path))
@click.option(
    "--fractal", metavar="N", type=click.IntRange(min=1), help="Instead of TILES: N Julia sets."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The picture: .png of any size, or .jpg.",
)
@click.option(
    "--dzi",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A deep-zoom folder with a page to look around in it, for mosaics of any size.",
)
@click.option(
    "--grid",
    callback=_grid,
    default="100",
    show_default=True,
    metavar="N|WxH",
    help="Columns of tiles, or columns and rows.",
)
@click.option(
    "--tile-size",
    callback=_tile_size,
    default="50",
    show_default=True,
    metavar="N|WxH",
    help="Of each tile, in pixels.",
)
@click.option(
    "--max-uses",
    metavar="N",
    type=click.IntRange(min=1),
    help="Use no tile more often; by default the nearest is used as often as it is the nearest.",
)
@click.option(
    "--detail",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Compare N x N cells of each tile; as many as it has pixels compares them all.",
)
@click.option(
    "--subdivide",
    metavar="X",
    type=click.FloatRange(0, 1),
    multiple=True,
    help="Four tiles of half the size where the contrast of the target (the standard deviation, "
    "as a fraction of the full range) is more than X, say 0.1; give it again to divide the "
    "quarters.",
)
@click.option(
    "--space", type=click.Choice(["oklab", "rgb", "grey"]), default="oklab", show_default=True
)
@click.option(
    "--show-grid",
    is_flag=True,
    help="Write the target with the edges of all places, to try --grid and --subdivide; no TILES "
    "are needed.",
)
@click.option("--greyscale", is_flag=True, help="Black and white: all colours are left out.")
@click.option(
    "--blend",
    metavar="X",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Tint the tiles towards the target: 0 not at all, 1 to the colour of each place.",
)
@click.option(
    "--transfer",
    type=click.Choice(["to-tiles", "to-target", "equalise"]),
    help="Give the target the palette of the tiles, the tiles that of the target, or both all of "
    "the range.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file that remembers tiles, so that the photos are read once.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of the fractals.",
)
@threads_option
def mosaic(
    target: Path,
    tiles: Path | None,
    fractal: int | None,
    output: Path | None,
    dzi: Path | None,
    transfer: str | None,
    show_grid: bool,
    num_threads: int | None,
    **options: Any,
) -> None:
    """Make a picture of many small ones.

    TARGET is the picture to show, TILES a folder of photos. The best tile for each place is
    found; with --max-uses the best choice of all together, which is proven. Photos that cannot be
    read are skipped and named. Files appear when they are complete: Ctrl-C leaves nothing behind.

    \b
    Examples:
      pyparallel mosaic me.jpg ~/Pictures -o mosaic.png
      pyparallel mosaic me.jpg ~/Pictures -o mosaic.jpg --grid 150 --max-uses 1 --detail 3
      pyparallel mosaic me.jpg --fractal 10000 --max-uses 1 --grid 90 --transfer to-target -o f.png
      pyparallel mosaic me.jpg ~/Pictures -o bw.png --grid 60 --subdivide 0.1 --greyscale
      pyparallel mosaic me.jpg ~/Pictures --grid 200 --tile-size 80 --dzi zoom --cache tiles.db
    """
    from pyparallel.mosaic import _command

    if (tiles is None) == (fractal is None) and not show_grid:
        raise click.UsageError("give either a folder of TILES or --fractal N")
    if output is None and dzi is None:
        raise click.UsageError("say where to write: -o FILE, --dzi DIR, or both")
    source = tiles if tiles is not None else fractal
    palette = transfer and transfer.replace("-", "_")
    order = _command.Order(
        target=target,
        tiles=source,
        output=output,
        zoom=dzi,
        transfer=palette,  # type: ignore[arg-type]
        **options,
    )
    if show_grid:
        width, height, places = _command.show_grid(order)
        click.echo(f"{output or dzi}: {width} x {height} pixels, {places} places")
        return
    start = time.perf_counter()
    with _threads(num_threads), _bar("mosaic") as report, _warnings_as_notes():
        made = _command.make(order, report)
    where = " and ".join(str(path) for path in (output, dzi) if path)
    took = seconds(time.perf_counter() - start)
    click.echo(f"{where}: {made.width} x {made.height} pixels of {made.places} tiles in {took}")
    if made.bound is not None:
        gap = (
            "proven to be the best choice" if made.bound == made.cost else f"at least {made.bound}"
        )
        click.echo(f"total distance {made.cost}, {gap}")


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """What a library warns of, as a line on stderr for people who see no Python."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for warning in caught:
                click.echo(f"note: {warning.message}", err=True)
