"""What an installation holds, be it a wheel's, an editable one or a checkout's."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from packaging.requirements import Requirement

import pyparallel as pp

ROOT = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = CONFIGURATION["project"]
SETUPTOOLS = CONFIGURATION["tool"]["setuptools"]


def test_numpy_is_the_only_hard_dependency():
    assert [Requirement(text).name for text in PROJECT["dependencies"]] == ["numpy"]


def test_requirements_are_lower_bounds_only():
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for extra in extras.values() for text in extra)]
    bounds = {text: [bound.operator for bound in Requirement(text).specifier] for text in texts}
    allowed = {text: [] if text.startswith(PROJECT["name"]) else [">="] for text in texts}
    assert bounds == allowed


def test_every_package_is_installed():
    """setuptools takes those that are listed, and no others; some are folders of another name."""
    top = Path(pp.__file__).parent
    folders = {path.parent for path in top.rglob("__init__.py")}
    names = {".".join(folder.relative_to(top.parent).parts) for folder in folders}
    assert names | set(SETUPTOOLS["package-dir"]) == set(SETUPTOOLS["packages"])


def test_types_are_installed():
    package = resources.files("pyparallel")
    assert (package / "py.typed").is_file()
    assert (package / "_core.pyi").is_file()


def test_notebooks_are_installed():
    names = {entry.name for entry in resources.files("pyparallel.notebooks").iterdir()}
    assert {"__init__.py", "00-setup.ipynb", "07-mandelbrot.ipynb"} <= names
