"""The source tree, for the tests of its rules and of what is built from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def committed(*endings: str) -> list[str]:
    """The files under git whose names end so; where there is no git, all of the tree's."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        names = listing.stdout.split("\0")[:-1]
    else:
        folders = (ROOT / name for name in ("csrc", "notebooks", "pyparallel", "tests"))
        paths = [*ROOT.glob("*.*"), *(path for folder in folders for path in folder.rglob("*.*"))]
        built = {".pyc", ".so", ".pyd"}
        names = [p.relative_to(ROOT).as_posix() for p in paths if p.suffix not in built]
    found = [name for name in names if name.endswith(endings) and (ROOT / name).is_file()]
    assert found, f"no files end in {endings}"
    return found
