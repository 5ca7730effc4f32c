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


# Sums in the order that the contract fixes, of the elements along the first axis: leaves of 64,
# element k of a leaf in lane k mod 8, leaves in pairs, the 8 lanes last.


def sum_of_8(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7)), without what is missing at the end."""
    half = {1: 0, 2: 1, 3: 2, 4: 2}.get(len(x), 4)
    return sum_of_8(x[:half]) + sum_of_8(x[half:]) if half else x[0]


def sum_in_sequence(x: NDArray[np.float64]) -> NDArray[np.float64]:
    total = x[0]
    for row in x[1:]:
        total = total + row
    return total


def lanes_of_leaves(
    x: NDArray[np.float64],
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Whole leaves as an array (8 elements, leaves, 8 lanes, …), and the lanes of a last short one."""
    whole = len(x) // 64 * 64
    leaves = x[:whole].reshape(-1, 8, 8, *x.shape[1:]).swapaxes(0, 1)
    return leaves, [x[whole + lane :: 8] for lane in range(8)] if len(x) > whole else []


def tree_sum(x: NDArray[np.float64]) -> NDArray[np.float64]:
    whole, last = lanes_of_leaves(x)
    nodes = sum_of_8(whole)
    if last:
        absent = np.zeros(x.shape[1:])
        sums = [sum_of_8(lane) if len(lane) else absent for lane in last]
        nodes = np.concatenate([nodes, [sums]])
    while len(nodes) > 1:
        even = len(nodes) // 2 * 2
        nodes = np.concatenate([nodes[0:even:2] + nodes[1:even:2], nodes[even:]])
    return sum_of_8(nodes[0]) + 0.0 if len(nodes) else np.zeros(x.shape[1:])


def tree_norm(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of elements whose squares are neither very large nor very small."""
    return np.sqrt(tree_sum(x * x))


Moments = NDArray[np.float64]  # (3, …): how many elements, their mean, the squares of deviations


def moments_of(x: NDArray[np.float64]) -> Moments:
    """Of 1 to 8 elements; the first is subtracted before the mean is formed."""
    add = sum_of_8 if len(x) == 8 else sum_in_sequence
    mean = x[0] + add(x - x[0]) / len(x)
    return np.array([np.full_like(mean, len(x)), mean, add((x - mean) ** 2)])


def join_moments(a: Moments, b: Moments) -> Moments:
    """Chan, Golub and LeVeque's formula."""
    with np.errstate(invalid="ignore"):
        share = b[0] / (a[0] + b[0])
    apart = b[1] - a[1]
    joined = [a[0] + b[0], a[1] + apart * share, a[2] + b[2] + apart * apart * (a[0] * share)]
    return np.where(b[0] == 0, a, joined)


def tree_squares(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of squared deviations from the mean."""
    whole, last = lanes_of_leaves(x)
    nodes = moments_of(whole)
    if last:
        absent = np.zeros((3, *x.shape[1:]))
        short = [moments_of(lane) if len(lane) else absent for lane in last]
        nodes = np.concatenate([nodes, np.stack(short, axis=1)[:, np.newaxis]], axis=1)
    for _ in range(2):  # the leaves, then the lanes
        while nodes.shape[1] > 1:
            even = nodes.shape[1] // 2 * 2
            joined = join_moments(nodes[:, 0:even:2], nodes[:, 1:even:2])
            nodes = np.concatenate([joined, nodes[:, even:]], axis=1)
        nodes = nodes[:, 0]
    return nodes[2]


def nearest_tiles(
    targets: NDArray[np.generic], tiles: NDArray[np.generic]
) -> tuple[NDArray[np.int64], NDArray[np.int64] | NDArray[np.float64]]:
    """The first of the nearest tiles to each target, and its squared distance: all are computed."""
    in_integers = targets.dtype == tiles.dtype == np.uint8
    all_distances = distances_of_bytes if in_integers else distances_in_order
    indices = np.zeros(len(targets), np.int64)
    distances = np.zeros(len(targets), np.int64 if in_integers else np.float64)
    for first in range(0, len(targets), 512):
        rows = slice(first, first + 512)
        found = all_distances(targets[rows].astype(np.float64), tiles.astype(np.float64))
        indices[rows] = found.argmin(axis=1)
        distances[rows] = found.min(axis=1)
    return indices, distances


def distances_in_order(
    targets: NDArray[np.float64], tiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sums of squares, feature by feature."""
    sums = np.zeros((len(targets), len(tiles)))
    for target, tile in zip(targets.T, tiles.T, strict=True):
        sums += (target[:, np.newaxis] - tile) ** 2
    return sums


def distances_of_bytes(
    targets: NDArray[np.float64], tiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By the binomial formula, which is exact below 2**53."""
    squares = (targets**2).sum(axis=1)[:, np.newaxis] + (tiles**2).sum(axis=1)
    return squares - 2 * targets @ tiles.T


def byte_means(pictures: np.ndarray, grid: tuple[int, int], space: str) -> np.ndarray:
    """The features of pictures, cells cut by NumPy: of "rgb" and "grey" the bytes, rounded; of
    "oklab", not rounded, and right to about 1e-11."""
    whole = pictures.astype(np.int64) if space != "oklab" else linear_light()[pictures]
    starts = [
        np.cumsum([0, *map(len, np.array_split(np.arange(side), parts)[:-1])])
        for side, parts in zip(pictures.shape[1:3], grid, strict=True)
    ]
    sums = np.add.reduceat(np.add.reduceat(whole, starts[0], axis=1), starts[1], axis=2)
    sides = [
        np.diff([*start, side]) for start, side in zip(starts, pictures.shape[1:3], strict=True)
    ]
    counts = (sides[0][:, np.newaxis] * sides[1])[..., np.newaxis]
    if space == "rgb":
        means = (2 * sums + counts) // (2 * counts)
    elif space == "grey":
        weighed = (sums @ np.array([2126, 7152, 722]))[..., np.newaxis]
        means = (2 * weighed + 10000 * counts) // (20000 * counts)
    else:
        means = 255 * (np.cbrt(sums / (counts * 2.0**24) @ TO_CONES.T) @ TO_LAB.T) + [0, 128, 128]
    return means.reshape(len(pictures), counts.size * means.shape[3])


# The matrices of Oklab (Björn Ottosson, 2020).
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear_light() -> np.ndarray:
    """Of each sRGB byte, in units of 2**-24, rounded."""
    byte = np.arange(256) / 255
    light = np.where(byte <= 0.04045, byte / 12.92, ((byte + 0.055) / 1.055) ** 2.4)
    return np.rint(light * 2**24).astype(np.int64)
