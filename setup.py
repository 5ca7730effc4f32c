"""The C extension; everything else is in pyproject.toml.

Environment: PYPARALLEL_OPENMP=0|1 builds without OpenMP, or fails without it;
PYPARALLEL_SANITIZE=address,undefined and PYPARALLEL_DEBUG=1 are for development;
PYPARALLEL_WERROR=1 makes warnings errors.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

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

# What compilers want for OpenMP: (flags to compile, flags to link).
UNIX_OPENMP = [(["-fopenmp"], ["-fopenmp"])]
MAC_OPENMP = [
    (["-Xpreprocessor", "-fopenmp", f"-I{prefix}/include"], [f"-L{prefix}/lib", "-lomp"])
    for prefix in ("/opt/homebrew/opt/libomp", "/usr/local/opt/libomp", sys.prefix)
]
MSVC_OPENMP = [(["-openmp:llvm"], []), (["/openmp"], [])]


class BuildExt(build_ext):
    """build_ext with the flags that this compiler understands."""

    def build_extensions(self) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            extension.extra_compile_args += self.msvc_flags() if msvc else self.unix_flags()
            extension.extra_link_args += self.sanitizers()
            self.add_openmp(extension, MSVC_OPENMP if msvc else UNIX_OPENMP + MAC_OPENMP)
        super().build_extensions()

    def msvc_flags(self) -> list[str]:
        include = f"/I{numpy.get_include()}"
        return ["/std:c11", "/O2", "/fp:precise", "/experimental:c11atomics", include]

    def unix_flags(self) -> list[str]:
        debug = os.environ.get("PYPARALLEL_DEBUG") == "1"
        flags = ["-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow"]
        flags += ["-O0", "-g"] if debug else ["-O3"]
        if os.environ.get("PYPARALLEL_WERROR") == "1":
            flags.append("-Werror")
        # NumPy's macros convert object to function pointers: as a system header's, no warning.
        return [*flags, *self.sanitizers(), "-isystem", numpy.get_include()]

    def sanitizers(self) -> list[str]:
        names = os.environ.get("PYPARALLEL_SANITIZE")
        return [f"-fsanitize={names}", "-fno-sanitize-recover=all", "-g"] if names else []

    def add_openmp(self, extension, candidates) -> None:
        wanted = os.environ.get("PYPARALLEL_OPENMP")
        if wanted == "0":
            return
        for compile_args, link_args in candidates:
            if self.compiles(compile_args, link_args):
                extension.extra_compile_args += compile_args
                extension.extra_link_args += link_args
                return
        if wanted == "1":
            raise SystemExit("PYPARALLEL_OPENMP=1, but no OpenMP program could be built and run")
        print("warning: no OpenMP found; building pyparallel for one thread", file=sys.stderr)

    def compiles(self, compile_args: list[str], link_args: list[str]) -> bool:
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
            except Exception:  # noqa: BLE001 - whatever it is, this compiler has no OpenMP by these flags
                return False
        return True


def files(pattern: str) -> list[str]:
    return sorted(path.as_posix() for path in Path().glob(pattern))


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
