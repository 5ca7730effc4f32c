"""Every example in the documentation runs, and every public function has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

PACKAGES = ["pyparallel", "pyparallel.mosaic"]
MODULES = [
    f"{package}.{module.name}"
    for package in PACKAGES
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
    if module.name not in ("__main__", "_core") and not module.ispkg
]


def load(name: str) -> ModuleType:
    """The module; skipped where a library of its extra is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "pyparallel").startswith("pyparallel"):
            raise
        pytest.skip(str(missing))


def public_things() -> Iterator[tuple[str, object]]:
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            yield name, thing
            if inspect.isclass(thing):
                for method, member in vars(thing).items():
                    if not method.startswith("_") and (
                        callable(member) or isinstance(member, property)
                    ):
                        yield f"{name}.{method}", member


@pytest.mark.parametrize("name", [*PACKAGES, *MODULES])
def test_examples_run(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    results = doctest.testmod(load(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    close_figures()
    assert results.failed == 0, capsys.readouterr().out


def close_figures() -> None:
    try:
        from matplotlib import pyplot
    except ImportError:
        return
    pyplot.close("all")


@pytest.mark.parametrize("name", [*PACKAGES, *MODULES])
def test_modules_open_with_a_line_that_says_what_they_are_for(name):
    doc = load(name).__doc__
    assert doc
    assert doc.splitlines()[0].endswith(".")


def test_every_public_name_has_a_docstring():
    assert [name for name, thing in public_things() if not inspect.getdoc(thing)] == []


def test_every_public_function_has_an_example():
    without = [
        name
        for name, thing in public_things()
        if inspect.isfunction(thing) and "." not in name and ">>> " not in (thing.__doc__ or "")
    ]
    assert without == []


def test_every_parameter_of_a_public_function_is_described():
    missing = [
        f"{name}: {parameter}"
        for name, thing in public_things()
        if inspect.isfunction(thing) and "." not in name
        for parameter in inspect.signature(thing).parameters
        if parameter not in (thing.__doc__ or "")
    ]
    assert missing == []
