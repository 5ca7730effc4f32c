"""Tiles that were made before, kept in a file: by path, size and time of the picture."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

# The database itself sees to it that changes happen as a whole or not at all, also when two
# processes make them, or one is killed.
VERSION = 1  # of the tiles: another way to make them makes other tiles
SECONDS_TO_WAIT = 60.0  # for another process that is writing
TABLE = """
create table if not exists tiles (
    path text, height integer, width integer,
    version integer, bytes integer, time integer, pixels blob,
    primary key (path, height, width)
)
"""
PUT = "insert or replace into tiles values (?, ?, ?, ?, ?, ?, ?)"
GET = """
select pixels from tiles
where path = ? and height = ? and width = ? and version = ? and bytes = ? and time = ?
"""

Key: TypeAlias = tuple[str, int, int, int, int, int]


class TileCache:
    """Tiles of one size in a database file, which is made where there is none.

    Parameters
    ----------
    file : Path
    height, width : int

    Raises
    ------
    ValueError
        For a file that is something else.
    """

    def __init__(self, file: Path, height: int, width: int) -> None:
        self._file, self._size = file, (height, width)
        with self._open() as database:
            database.execute(TABLE)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            database = sqlite3.connect(self._file, timeout=SECONDS_TO_WAIT)
            with closing(database), database:
                yield database
        except sqlite3.DatabaseError as error:
            raise ValueError(f"load_tiles: cache {self._file} cannot be used: {error}") from None

    def key(self, path: Path) -> Key:
        """What a tile is known by; OSError where there is no such picture."""
        status = path.stat()
        return str(path.resolve()), *self._size, VERSION, status.st_size, status.st_mtime_ns

    def get(self, keys: Iterable[Key | None]) -> Iterator[bytes | None]:
        """For each key the pixels of its tile, or None."""
        with self._open() as database:
            for key in keys:
                found = key and database.execute(GET, key).fetchone()
                yield found[0] if found else None

    def put(self, rows: Iterable[tuple[Key, bytes]]) -> None:
        """Keep these, all or none."""
        with self._open() as database:
            database.executemany(PUT, [(*key, pixels) for key, pixels in rows])
