"""Independent references that the tests compare with: plain Python, nothing of the package."""

from __future__ import annotations

import numpy as np


def escape_count(zr: float, zi: float, cr: float, ci: float, max_iter: int) -> int:
    """The loop of the contract."""
    for k in range(max_iter):  # noqa: B007 - as in the contract
        zr, zi = zr * zr - zi * zi + cr, zr * zi + zi * zr + ci
        if zr * zr + zi * zi > 4.0:
            break
    return k


def escape_counts(z: object, c: object, max_iter: int) -> np.ndarray:
    """`escape_count` at every point of two broadcast arrays."""
    z, c = np.broadcast_arrays(np.asarray(z, complex), np.asarray(c, complex))
    counts = [
        escape_count(p.real, p.imag, q.real, q.imag, max_iter)
        for p, q in zip(z.ravel().tolist(), c.ravel().tolist(), strict=True)
    ]
    return np.array(counts, np.int32).reshape(z.shape)
