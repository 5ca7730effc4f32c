"""The C extension: what the modules of the package call."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

Grid: TypeAlias = tuple[float, float, float, int, int, int, int]
Progress: TypeAlias = Callable[[int, int], object] | None
Counts: TypeAlias = NDArray[np.int32] | NDArray[np.int64]

threads_var: ContextVar[int]

def mandelbrot(
    grid: Grid, max_iter: int, out: Counts | None, num_threads: int | None, progress: Progress, /
) -> Counts: ...
def julia(
    grid: Grid,
    c: complex,
    max_iter: int,
    out: Counts | None,
    num_threads: int | None,
    progress: Progress,
    /,
) -> Counts: ...
def escape_time(
    z: ArrayLike,
    c: ArrayLike,
    max_iter: int,
    out: Counts | None,
    num_threads: int | None,
    progress: Progress,
    /,
) -> Any: ...
def pi_hits(
    n: int,
    draw_key: Callable[[], tuple[int, int]],
    num_threads: int | None,
    progress: Progress,
    /,
) -> int: ...
def capi() -> dict[str, object]: ...
def sum_range(numbers: NDArray[np.int64], num_threads: int | None, /) -> None: ...
def conditional_sum_range(numbers: NDArray[np.int64], num_threads: int | None, /) -> None: ...
def sum(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def mean(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def var(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def std(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    ddof: float = 0,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def norm(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def min(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def max(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def minmax(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def argmin(
    a: ArrayLike,
    axis: int | None = None,
    *,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def argmax(
    a: ArrayLike,
    axis: int | None = None,
    *,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def count_nonzero(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...
def dot(a: ArrayLike, b: ArrayLike, *, num_threads: int | None = None) -> Any: ...
def fsum(
    a: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    out: NDArray[np.float64] | None = None,
    keepdims: bool = False,
    num_threads: int | None = None,
) -> Any: ...

class ExactSum:
    def add(self, array: ArrayLike, *, num_threads: int | None = None) -> None: ...
    def merge(self, other: ExactSum) -> None: ...
    @property
    def value(self) -> float: ...
    @property
    def mean(self) -> float: ...
    @property
    def count(self) -> int: ...

def busy(n: int, release_gil: bool, /) -> tuple[float, float]: ...
def race_condition(n: int, how: int, num_threads: int | None, /) -> int: ...
def schedule(
    costs: NDArray[np.int64], kind: int, chunk: int, num_threads: int | None, /
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]: ...
def read_words(words: NDArray[np.uint64], num_threads: int | None, /) -> tuple[int, float]: ...
def multiply_add(steps: int, num_threads: int | None, /) -> tuple[int, float]: ...
def histogram(
    a: ArrayLike, bins: int, range: tuple[float, float] | None, num_threads: int | None, /
) -> tuple[NDArray[np.int64], NDArray[Any]]: ...
def assign(
    targets: ArrayLike,
    tiles: ArrayLike,
    max_uses: int,
    gap: float | None,
    num_threads: int | None,
    progress: Progress,
    /,
) -> tuple[
    NDArray[np.int64], int | float, int | float, NDArray[np.int64] | NDArray[np.float64]
]: ...
def match(
    targets: ArrayLike, tiles: ArrayLike, num_threads: int | None, progress: Progress, /
) -> tuple[NDArray[np.int64], NDArray[np.int64] | NDArray[np.float64]]: ...
def features(
    images: ArrayLike,
    rows: int,
    cols: int,
    space: int,
    out: NDArray[np.uint8] | None,
    num_threads: int | None,
    /,
) -> NDArray[np.uint8]: ...
def assemble(
    tiles: ArrayLike, indices: ArrayLike, out: NDArray[np.uint8] | None, num_threads: int | None, /
) -> NDArray[np.uint8]: ...
def configure(default_threads: int, all_threads: int, /) -> None: ...
def default_threads() -> int: ...
def get_num_threads() -> int: ...
def set_num_threads(num_threads: int, /) -> None: ...
def resolve_threads(function: str, num_threads: int | None, name: str = ..., /) -> int: ...
def before_fork() -> None: ...
def set_main_thread(ident: int, /) -> None: ...
def set_slices(seconds: float, min_threads: int, /) -> None: ...
def build_info() -> dict[str, Any]: ...
