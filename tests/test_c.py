"""The C tests: the core alone, without Python, between guard pages and under the sanitizers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCES = [*sorted(ROOT.glob("csrc/core/*.c")), *sorted(ROOT.glob("tests/c/*.c"))]
COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[:1]
FLAGS = ["-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
BUILDS = {
    "optimised": ["-O3", "-fopenmp"],
    "address and undefined behaviour": [
        *("-O1", "-g", "-fopenmp"),
        *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    ],
    # GCC's OpenMP is not instrumented, so here the threads are the test's own.
    "threads": ["-O1", "-g", "-fsanitize=thread"],
}
ROUNDS = {"optimised": 1000, "address and undefined behaviour": 300, "threads": 30}
PROBE = "#include <sys/mman.h>\nint main(void) { return 0; }\n"

pytestmark = [
    pytest.mark.skipif(not (ROOT / "csrc").exists(), reason="the C sources are not here"),
    pytest.mark.skipif(not shutil.which(COMPILER[0]), reason="there is no C compiler"),
]


def run(*command: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that is not itself watched by a sanitizer loaded into this process."""
    usual = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    env = {
        **usual,
        "ASAN_OPTIONS": "allocator_may_return_null=1",
        "TSAN_OPTIONS": "allocator_may_return_null=1",
        "LSAN_OPTIONS": f"suppressions={folder / 'suppressions'}:print_suppressions=0",
    }
    return subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=250,
        env=env,
    )


def usable(flags: list[str], folder: Path) -> list[str]:
    """Those of the flags that work here; the test is skipped where a sanitizer does not."""
    probe = folder / "probe.c"
    probe.write_text(PROBE)
    (folder / "suppressions").write_text("leak:libomp\n")  # LLVM's keeps its threads to the end
    known: list[str] = []
    for flag in flags:
        built = run(*COMPILER, *known, flag, probe, "-o", folder / "probe", folder=folder)
        if built.returncode == 0 and run(folder / "probe", folder=folder).returncode == 0:
            known.append(flag)
        elif flag.startswith("-fsanitize"):
            pytest.skip(f"{COMPILER[0]} has no {flag} here")
    return known


def compiled(flags: list[str], folder: Path) -> Path:
    """The program of all the sources, some compiled side by side."""

    def compile_one(source: Path) -> Path:
        to = folder / f"{source.parent.name}-{source.stem}.o"
        built = run(*COMPILER, *FLAGS, *flags, "-c", source, "-o", to, folder=folder)
        assert built.returncode == 0, built.stderr
        return to

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, SOURCES))
    program = folder / "tests"
    linked = run(*COMPILER, *flags, *objects, "-lm", "-lpthread", "-o", program, folder=folder)
    assert linked.returncode == 0, linked.stderr
    return program


@pytest.mark.parametrize("build", BUILDS)
def test_the_core_holds(build, tmp_path):
    program = compiled(usable(BUILDS[build], tmp_path), tmp_path)
    done = run(program, ROUNDS[build], folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "baseline: as the loop" in done.stdout
