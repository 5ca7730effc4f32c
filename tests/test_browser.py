"""The lesson in a real browser: JupyterLab, headless Chromium, and every cell run by its menu.

By default one notebook and the explorer; PYPARALLEL_BROWSER=all opens every notebook,
PYPARALLEL_BROWSER=04-dask,05-snakemake these. PYPARALLEL_SHOTS=FOLDER keeps pictures of the screen.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from pyparallel import lesson

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])),
    None,
)
if CHROMIUM is None:
    pytest.skip("there is no Chromium", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="there is no Playwright")

FEW = ["00-setup"]
NAMES = sorted(path.stem for path in lesson.notebooks_dir().glob("*.ipynb"))
ASKED = os.environ.get("PYPARALLEL_BROWSER", "")
CHOSEN = NAMES if ASKED == "all" else ASKED.split(",") if ASKED else FEW
SHOTS = os.environ.get("PYPARALLEL_SHOTS")
STARTING, RUNNING = 60, 150  # seconds
SCREEN = 860  # pixels: what shows of a notebook at once

# All cells stay in the page, also those that are scrolled out of sight; and nothing is fetched.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}

Page = Any


def say(text: str) -> None:
    print(f"browser: {text}", file=sys.stderr)


class Lab:
    """A JupyterLab server of this interpreter on a copy of the lesson, on this machine only."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "lesson"
        lesson.copy_to(self.root)
        for name, settings in SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.token = secrets.token_hex()
        self.log = folder / "lab.log"
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        env = {name: str(folder / place) for name, place in folders.items()}
        # Values of the tests' own process would end up in the kernels.
        usual = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--ServerApp.root_dir={self.root}", "--ServerApp.ip=127.0.0.1"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={self.token}", "--LabApp.extension_manager=readonly"),
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=usual | env | {"PYPARALLEL_SCALE": "ci"}
            )

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"

    def wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + STARTING
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("status")
                return
            except OSError:
                time.sleep(0.2)
        pytest.fail(f"JupyterLab did not start:\n{self.log.read_text()}")

    def ask(self, path: str, method: str = "GET") -> Any:
        """What its API answers."""
        request = urllib.request.Request(self.address(f"api/{path}"), method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def shut_kernels(self) -> None:
        for kernel in self.ask("kernels"):
            self.ask(f"kernels/{kernel['id']}", "DELETE")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        lab.wait()
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, lab: Lab) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield page
    page.close()
    lab.shut_kernels()


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def shoot_all(page: Page, name: str) -> None:
    """The whole notebook, a screen at a time."""
    if not SHOTS:
        return
    panel = page.locator(".jp-WindowedPanel-outer").first
    height = panel.evaluate("panel => panel.scrollHeight")
    for k, top in enumerate(range(0, height, SCREEN)):
        panel.evaluate("(panel, top) => panel.scrollTo(0, top)", top)
        page.wait_for_timeout(200)
        shoot(page, f"{name}-{k:02d}")


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    page.goto(lab.address(f"lab/tree/{name}.ipynb") + "&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=1000 * STARTING)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator(".jp-Spinner").wait_for(state="hidden")


# The prompts of the code cells, and what went wrong in one: null while they run.
VERDICT = """
() => {
  const cells = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell")];
  const type = "application/vnd.jupyter.error";
  const errors = [...document.querySelectorAll(`.jp-Notebook [data-mime-type="${type}"]`)];
  if (errors.length) return errors.map((error) => error.innerText);
  const prompts = cells.map((cell) => cell.querySelector(".jp-InputPrompt").innerText);
  return prompts.every((prompt) => /^\\[\\d+\\]:$/.test(prompt)) ? [] : null;
}
"""


def run_all(page: Page) -> list[str]:
    """Restart the kernel and run all cells, as a learner does; what went wrong."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    verdict = page.wait_for_function(VERDICT, timeout=1000 * RUNNING, polling=200)
    errors: list[str] = verdict.json_value()
    return errors


def saved(page: Page, path: Path) -> Any:
    """The notebook as the learner's file holds it, once it is saved."""
    before = path.read_bytes()
    page.keyboard.press("Control+s")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        page.wait_for_timeout(200)
        text = path.read_bytes()
        if text != before and text.endswith(b"}\n"):  # not while it is being written
            return nbformat.reads(text.decode(), as_version=4)
    return pytest.fail(f"{path.name} was not saved")


@pytest.mark.timeout(STARTING + RUNNING + 60)
@pytest.mark.parametrize("name", CHOSEN)
def test_every_cell_runs_in_the_browser(page, lab, name):
    start = time.monotonic()
    open_notebook(page, lab, name)
    errors = run_all(page)
    shoot_all(page, name)
    assert errors == []
    notebook = saved(page, lab.root / f"{name}.ipynb")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    exercises = lesson.exercises(notebook)
    assert set(exercises.values()) == {"unsolved"}
    say(f"{name}: {len(cells)} cells in {time.monotonic() - start:.0f} s")


# The explorer


def test_the_explorer_follows_the_pointer_the_wheel_and_the_keys(page, lab):
    """Its cells of episode 7 alone: its pictures change when they should, and only then."""
    notebook = nbformat.read(lab.root / "07-mandelbrot.ipynb", as_version=4)
    needed = ("scale", "imports", "explorer")
    notebook.cells = [cell for cell in notebook.cells if cell.id in needed]
    nbformat.write(notebook, lab.root / "explorer.ipynb")
    open_notebook(page, lab, "explorer")
    assert run_all(page) == []
    root = page.locator(".pyparallel-explorer").first
    root.scroll_into_view_if_needed()
    mandelbrot, julia = root.locator("canvas.mandelbrot"), root.locator("canvas.julia")
    page.wait_for_function(
        "() => Number(document.querySelector('.pyparallel-explorer').dataset.frames) > 0"
    )
    shoot(page, "explorer")
    seen = Pictures(page, root)
    assert min(map(len, seen.last.values())) > 2000  # an empty one would be shorter
    see_pointer(page, mandelbrot, julia, seen)
    see_keys(page, seen)
    see_controls(root, seen)


def see_pointer(page: Page, mandelbrot: Any, julia: Any, seen: Pictures) -> None:
    drag(page, mandelbrot, (0.5, 0.7), (0.7, 0.6))
    assert seen.changed() == {"mandelbrot"}
    drag(page, julia, (0.3, 0.3), (0.5, 0.5))
    assert seen.changed() == {"julia"}
    click(page, mandelbrot, (0.2, 0.2))
    assert seen.changed() == {"julia"}
    drag(page, mandelbrot, (0.2, 0.2), (0.5, 0.25))  # the ring is there now
    assert seen.changed() == {"julia"}
    shoot(page, "explorer-dragged")
    page.mouse.wheel(0, -300)
    assert seen.changed() == {"mandelbrot"}


def see_keys(page: Page, seen: Pictures) -> None:
    """Those of the Mandelbrot set, which has the focus."""
    for key, which in [
        ("ArrowUp", "mandelbrot"),
        ("+", "mandelbrot"),
        ("Shift+ArrowLeft", "julia"),
    ]:
        page.keyboard.press(key)
        assert seen.changed() == {which}, key
    for key in ("]", "c", "h"):
        page.keyboard.press(key)
        assert "mandelbrot" in seen.changed(), key  # the Julia set may have no more to show


def see_controls(root: Any, seen: Pictures) -> None:
    root.locator("select").select_option("grey")
    assert seen.changed() == {"mandelbrot", "julia"}
    root.locator("input[type=range]").fill("6")
    assert "mandelbrot" in seen.changed()
    assert root.locator("output").inner_text() == "64"
    status = root.locator("div[aria-live]").inner_text()
    assert re.match(r"c = -?\d\.\d+ [+-] \d\.\d+i; computed in", status), status


def picture(canvas: Any) -> str:
    """What is on a canvas, as a PNG in text."""
    url: str = canvas.evaluate("canvas => canvas.toDataURL()")
    return url


class Pictures:
    """What the two canvases showed when somebody last looked."""

    def __init__(self, page: Page, root: Any) -> None:
        self.page = page
        self.canvases = {name: root.locator(f"canvas.{name}") for name in ("mandelbrot", "julia")}
        self.last = self.look()

    def look(self) -> dict[str, str]:
        return {name: picture(canvas) for name, canvas in self.canvases.items()}

    def changed(self) -> set[str]:
        """Which are no longer as they were; waits a while for one to change, and to be still."""
        before, self.last = self.last, self.settled()
        return {name for name in before if before[name] != self.last[name]}

    def settled(self) -> dict[str, str]:
        frames = "() => document.querySelector('.pyparallel-explorer').dataset.frames"
        deadline = time.monotonic() + 10
        now = self.look()
        while now == self.last and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
            now = self.look()
        seen = None
        while seen != (seen := self.page.evaluate(frames)):
            self.page.wait_for_timeout(300)
        return self.look()


def place(canvas: Any, share: tuple[float, float]) -> tuple[float, float]:
    """Where this share of the canvas's width and height is on the screen."""
    box = canvas.bounding_box()
    return box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"]


def drag(page: Page, canvas: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*place(canvas, start))
    page.mouse.down()
    page.mouse.move(*place(canvas, end), steps=8)
    page.mouse.up()


def click(page: Page, canvas: Any, at: tuple[float, float]) -> None:
    page.mouse.click(*place(canvas, at))
