"""What an installation holds, be it a wheel's, an editable one or a checkout's."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))[
    "project"
]


def test_numpy_is_the_only_hard_dependency():
    assert [Requirement(text).name for text in PROJECT["dependencies"]] == ["numpy"]


def test_requirements_are_lower_bounds_only():
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for extra in extras.values() for text in extra)]
    bounds = {text: [bound.operator for bound in Requirement(text).specifier] for text in texts}
    allowed = {text: [] if text.startswith(PROJECT["name"]) else [">="] for text in texts}
    assert bounds == allowed


def test_types_are_installed():
    package = resources.files("pyparallel")
    assert (package / "py.typed").is_file()
    assert (package / "_core.pyi").is_file()


def test_notebooks_are_installed():
    names = {entry.name for entry in resources.files("pyparallel.notebooks").iterdir()}
    assert {"__init__.py", "00-setup.ipynb", "07-mandelbrot.ipynb"} <= names
