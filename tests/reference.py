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
