"""The machine's cores, as far as the system tells."""

from __future__ import annotations


def physical_cores() -> int | None:
    """The cores of this machine, hyper-threads not counted, where psutil can tell."""
    try:
        import psutil  # type: ignore[import-untyped]
    except ImportError:
        return None
    cores: int | None = psutil.cpu_count(logical=False)
    return cores
