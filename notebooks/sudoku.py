"""Sudoku by search, for the processes of 08-dynamic-programming.ipynb.

A grid is a tuple of 81 numbers, row by row, with 0 where a cell is empty.
"""

from __future__ import annotations

import random

Grid = tuple[int, ...]


def _peers(cell: int) -> tuple[int, ...]:
    """The cells of the same row, column or box."""
    row, column = divmod(cell, 9)

    def related(other: int) -> bool:
        r, c = divmod(other, 9)
        return r == row or c == column or (r // 3 == row // 3 and c // 3 == column // 3)

    return tuple(other for other in range(81) if other != cell and related(other))


PEERS = tuple(_peers(cell) for cell in range(81))


def candidates(grid: Grid, cell: int) -> list[int]:
    """The numbers that may go into an empty cell."""
    taken = {grid[peer] for peer in PEERS[cell]}
    return [number for number in range(1, 10) if number not in taken]


def branches(grid: Grid) -> list[Grid]:
    """The grids with one more number: every choice for the empty cell that has the fewest."""
    choices = {cell: candidates(grid, cell) for cell in range(81) if not grid[cell]}
    cell = min(choices, key=lambda place: len(choices[place]))
    return [(*grid[:cell], number, *grid[cell + 1 :]) for number in choices[cell]]


def count_solutions(grid: Grid) -> int:
    """In how many ways can the grid be filled? Every branch is followed to its end."""
    return 1 if all(grid) else sum(map(count_solutions, branches(grid)))


def split(grid: Grid, parts: int) -> list[Grid]:
    """Follow the branches, level by level, until there are so many parts, if there ever are."""
    grids = [grid]
    while 0 < len(grids) < parts and not all(map(all, grids)):
        grids = [branch for part in grids for branch in ([part] if all(part) else branches(part))]
    return grids


def puzzle(clues: int, seed: int) -> Grid:
    """Some numbers of a full grid, chosen by chance: there is at least one solution."""
    draw = random.Random(seed)
    numbers = draw.sample(range(1, 10), 9)
    rows, columns = (
        [3 * band + k for band in draw.sample(range(3), 3) for k in draw.sample(range(3), 3)]
        for _ in range(2)
    )
    full = [numbers[(3 * (row % 3) + row // 3 + column) % 9] for row in rows for column in columns]
    shown = set(draw.sample(range(81), clues))
    return tuple(number if cell in shown else 0 for cell, number in enumerate(full))
