"""Shared by all tests."""

import pytest


def pytest_configure() -> None:
    """Without a built extension, say what to run: once, in one line."""
    try:
        import pyparallel  # noqa: F401
    except ImportError as error:
        raise pytest.UsageError(str(error)) from None
