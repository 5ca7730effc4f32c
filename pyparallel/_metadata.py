"""The installed distribution: its name, the ``pip`` line of an extra, what an extra needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


@dataclass(frozen=True)
class Library:
    """A distribution that an extra needs, and whether it is there."""

    name: str
    wanted: str  # a version specifier such as ">=8.1"; empty where any will do
    installed: str | None
    satisfied: bool
    needed_by: str


def distribution() -> str | None:
    """The name under which this package is installed; None in a checkout that is not.

    Examples
    --------
    >>> from pyparallel._metadata import distribution
    >>> distribution()
    'pyparallel-kernels'
    """
    names = metadata.packages_distributions().get(__name__.partition(".")[0])
    return names[0] if names else None


def install_line(extra: str) -> str:
    """The command that installs what an extra needs.

    Examples
    --------
    >>> from pyparallel._metadata import install_line
    >>> print(install_line("cli"))
    pip install "pyparallel-kernels[cli]"
    """
    name = distribution()
    return f'pip install "{name}[{extra}]"' if name else f'pip install -e ".[{extra}]"'


def needs(extra: str) -> list[Library]:
    """Everything that an extra of this package needs, each once: direct needs first.

    Raises
    ------
    PackageNotFoundError
        Where this package is not installed.
    ModuleNotFoundError
        Where ``packaging`` is not.
    """
    from packaging.utils import canonicalize_name

    root = distribution()
    if root is None:
        raise metadata.PackageNotFoundError(__name__.partition(".")[0])
    found: dict[str, Library] = {}
    todo = [(root, frozenset({extra}))]
    seen = set(todo)
    while todo:
        parent, extras = todo.pop(0)
        for need in _requirements(parent, extras):
            name = canonicalize_name(need.name)
            ours = name == canonicalize_name(root)
            if not ours and (name not in found or found[name].satisfied):
                library = _look_up(need, parent)
                if name not in found or not library.satisfied:
                    found[name] = library
            below = (name, frozenset(need.extras))
            if below not in seen:
                seen.add(below)
                # The extras of this package itself hold direct needs, so they come first.
                todo.insert(0 if ours else len(todo), below)
    return list(found.values())


def _requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """What a distribution with these extras requires here; nothing if it is not installed."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for need in map(Requirement, lines):
        marker = need.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in extras or {""}):
            yield need


def _look_up(need: Requirement, parent: str) -> Library:
    wanted = str(need.specifier)
    try:
        installed = metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return Library(need.name, wanted, None, False, parent)
    satisfied = need.specifier.contains(installed, prereleases=True)
    return Library(need.name, wanted, installed, satisfied, parent)
