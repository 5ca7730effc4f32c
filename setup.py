"""The C extension; everything else is in pyproject.toml.

Environment: PYPARALLEL_OPENMP=0|1 builds without OpenMP, or fails without it;
PYPARALLEL_SANITIZE=address,undefined and PYPARALLEL_DEBUG=1 are for development;
PYPARALLEL_WERROR=1 makes warnings errors. CC names the compiler, clang-cl on Windows too.
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

SWITCHES = [
    *(f"PYPARALLEL_{name}" for name in ("OPENMP", "SANITIZE", "DEBUG", "WERROR")),
    *("CC", "CFLAGS", "LDFLAGS"),
]

PROBE = """
#include <omp.h>
int main(void)
{
    int team = 0;
#pragma omp parallel num_threads(2) reduction(+ : team)
    team += omp_get_num_threads() > 0;
    return team < 1;
}
"""


class BuildExt(build_ext):
    """build_ext with the flags that this compiler understands."""

    def finalize_options(self) -> None:
        super().finalize_options()
        # setuptools looks at dates only: after a change of switches everything is out of date.
        self.switches = repr([numpy.__version__, *(os.environ.get(name) for name in SWITCHES)])
        self.stamp = Path(self.build_temp, "switches.txt")
        if not self.stamp.exists() or self.stamp.read_text() != self.switches:
            self.force = True

    def build_extensions(self) -> None:
        self.msvc = self.compiler.compiler_type == "msvc"
        self.clang_cl = self.msvc and Path(os.environ.get("CC", "")).stem == "clang-cl"
        if self.msvc and not self.compiler.initialized:
            self.compiler.initialize()
        if self.clang_cl:
            self.choose_clang_cl()
        openmp = self.openmp()
        for extension in self.extensions:
            extension.extra_compile_args += self.compile_flags() + openmp[0]
            extension.extra_link_args += self.sanitizers() + openmp[1]
        self.compile_side_by_side()
        super().build_extensions()
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(self.switches)

    def compile_side_by_side(self) -> None:
        """The sources in as many compilers at once as there are CPUs: setuptools takes turns."""
        compile_in_turn = self.compiler.compile

        def compile_all(sources: list[str], *args: object, **options: object) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = pool.map(
                    lambda source: compile_in_turn([source], *args, **options), sources
                )
                return [name for names in objects for name in names]

        self.compiler.compile = compile_all

    def choose_clang_cl(self) -> None:
        """setuptools knows only Microsoft's compiler; clang-cl takes its place."""
        self.compiler.cc = shutil.which(os.environ["CC"])
        if self.compiler.cc is None:
            raise SystemExit(f"CC={os.environ['CC']}: there is no such program on PATH")

    def compile_flags(self) -> list[str]:
        include = numpy.get_include()
        if self.clang_cl:
            return ["/std:c11", "/O2", "/clang:-ffp-contract=off", f"/I{include}"]
        if self.msvc:
            return ["/std:c11", "/O2", "/fp:precise", "/experimental:c11atomics", f"/I{include}"]
        flags = ["-std=c11", "-ffp-contract=off", "-fvisibility=hidden"]
        flags += ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow"]
        # Python is often built so that integers wrap around; that slows the kernels, and none does
        # there. Clang wants the very flag undone that was given.
        undo = {"-fwrapv": "-fno-wrapv", "-fno-strict-overflow": "-fstrict-overflow"}
        flags += [undo[flag] for flag in self.compiler.compiler_so if flag in undo]
        flags += ["-O0", "-g"] if os.environ.get("PYPARALLEL_DEBUG") == "1" else ["-O3"]
        flags += ["-Werror"] if os.environ.get("PYPARALLEL_WERROR") == "1" else []
        # NumPy's macros convert object to function pointers: as a system header's, no warning.
        return [*flags, *self.sanitizers(), "-isystem", include]

    def sanitizers(self) -> list[str]:
        names = os.environ.get("PYPARALLEL_SANITIZE")
        return [f"-fsanitize={names}", "-fno-sanitize-recover=all", "-g"] if names else []

    def openmp(self) -> tuple[list[str], list[str]]:
        """The flags to compile and to link with OpenMP, or none."""
        wanted = os.environ.get("PYPARALLEL_OPENMP", "")
        if wanted not in ("", "0", "1"):
            raise SystemExit(f"PYPARALLEL_OPENMP must be 0 or 1, not {wanted!r}")
        if wanted != "0":
            for flags in self.openmp_candidates():
                if self.runs_openmp(*flags):
                    return flags
            if wanted == "1":
                raise SystemExit("PYPARALLEL_OPENMP=1: no OpenMP program could be built and run")
            print("warning: no OpenMP found; building pyparallel for one thread", file=sys.stderr)
        return [], []

    def openmp_candidates(self) -> list[tuple[list[str], list[str]]]:
        if self.clang_cl:  # its libomp.lib lies beside it
            return [(["/openmp"], [f"/LIBPATH:{Path(self.compiler.cc).parent.parent / 'lib'}"])]
        if self.msvc:
            return [(["/openmp:llvm"], []), (["/openmp"], [])]
        candidates = [(["-fopenmp"], ["-fopenmp"])]
        if sys.platform == "darwin":  # Apple's clang has no runtime: Homebrew's, or conda's
            for prefix in ("/opt/homebrew/opt/libomp", "/usr/local/opt/libomp", sys.prefix):
                compile_args = ["-Xpreprocessor", "-fopenmp", f"-I{prefix}/include"]
                candidates.append((compile_args, [f"-L{prefix}/lib", "-lomp"]))
        return candidates

    def runs_openmp(self, compile_args: list[str], link_args: list[str]) -> bool:
        """Can an OpenMP program be compiled, linked and (unless cross-compiling) run?"""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(PROBE)
            try:
                objects = self.compiler.compile(
                    [str(source)], output_dir=folder, extra_postargs=compile_args
                )
                self.compiler.link_executable(
                    objects, "probe", output_dir=folder, extra_postargs=link_args
                )
                if not os.environ.get("_PYTHON_HOST_PLATFORM"):
                    program = Path(folder, "probe" + (sysconfig.get_config_var("EXE") or ""))
                    subprocess.run([program], check=True, timeout=60)
            except (CompileError, LinkError, OSError, subprocess.SubprocessError):
                return False
        return True


def files(pattern: str) -> list[str]:
    return sorted(path.as_posix() for path in Path().glob(pattern))


if sys.platform == "darwin":
    # A universal Python asks for both architectures, but libomp comes for this machine's only.
    os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")

setup(
    ext_modules=[
        Extension(
            "pyparallel._core",
            sources=files("csrc/*/*.c"),
            depends=files("csrc/*/*.h"),
        )
    ],
    cmdclass={"build_ext": BuildExt},
)
