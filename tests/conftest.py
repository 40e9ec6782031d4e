"""Options of the tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--refresh-golden` writes tests/golden anew."""
    parser.addoption("--refresh-golden", action="store_true", help="write tests/golden anew")
