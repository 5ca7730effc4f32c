"""Independent references that the tests compare with: plain Python and NumPy, nothing of the
package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def escape_count(zr: float, zi: float, cr: float, ci: float, max_iter: int) -> int:
    """The loop of the contract."""
    for k in range(max_iter):  # noqa: B007 - as in the contract
        zr, zi = zr * zr - zi * zi + cr, zr * zi + zi * zr + ci
        if zr * zr + zi * zi > 4.0:
            break
    return k


def escape_counts(z: object, c: object, max_iter: int) -> NDArray[np.int32]:
    """`escape_count` at every point of two broadcast arrays."""
    z, c = np.broadcast_arrays(np.asarray(z, complex), np.asarray(c, complex))
    counts = [
        escape_count(p.real, p.imag, q.real, q.imag, max_iter)
        for p, q in zip(z.ravel().tolist(), c.ravel().tolist(), strict=True)
    ]
    return np.array(counts, np.int32).reshape(z.shape)


def fast_escape_counts(z: object, c: object, max_iter: int) -> NDArray[np.int32]:
    """`escape_counts`, a step of all points at a time.

    Real and imaginary parts are separate arrays and each operation is a ufunc call of its own, so
    that every rounding is the loop's: NumPy's complex product may fuse.
    """
    points = np.broadcast_arrays(np.asarray(z, complex), np.asarray(c, complex))
    shape = points[0].shape
    zs, cs = (part.ravel() for part in points)
    zr, zi, cr, ci = zs.real.copy(), zs.imag.copy(), cs.real.copy(), cs.imag.copy()
    counts = np.full(zs.size, max_iter - 1, np.int32)
    where = np.arange(zs.size)
    with np.errstate(all="ignore"):
        for k in range(max_iter):
            zr, zi = zr * zr - zi * zi + cr, zr * zi + zi * zr + ci
            escaped = zr * zr + zi * zi > 4.0
            if escaped.any():
                counts[where[escaped]] = k
                zr, zi, cr, ci, where = (a[~escaped] for a in (zr, zi, cr, ci, where))
            if not where.size:
                break
    return counts.reshape(shape)


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, ...]:
    """Philox4x32-10 as the paper has it; its words may be arrays of uint64, too."""
    (c0, c1, c2, c3), (k0, k1), word = counter, key, 0xFFFFFFFF
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & word, (p >> 32) ^ c3 ^ k1, p & word
        k0, k1 = (k0 + 0x9E3779B9) & word, (k1 + 0xBB67AE85) & word
    return c0, c1, c2, c3


def inside_circle(first: int, n: int, key: tuple[int, int]) -> NDArray[np.bool_]:
    """Which of n samples from this one (even) are inside the quarter circle, by the contract."""
    blocks = np.arange(first // 2, first // 2 + (n + 1) // 2, dtype=np.uint64)
    zero = np.zeros_like(blocks)
    words = philox4x32((blocks & 0xFFFFFFFF, blocks >> 32, zero, zero), key)
    x, y = (np.stack(pair, axis=1).ravel()[:n] >> 1 for pair in (words[::2], words[1::2]))
    return x * x + y * y < 2**62


def bin_counts(a: object, edges: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many elements, as float64, lie in each bin by the edges; the last bin is closed."""
    x = np.asarray(a).ravel().astype(np.float64)
    wide = edges.astype(np.float64)
    x = x[(x >= wide[0]) & (x <= wide[-1])]
    bins = np.searchsorted(wide, x, side="right") - 1
    return np.bincount(np.minimum(bins, edges.size - 2), minlength=edges.size - 1)
