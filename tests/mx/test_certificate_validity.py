"""How long a certificate is still valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from gatepost_mx.certificates import parsed, validity

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def warning(**left: float) -> str:
    end = NOW + timedelta(**left)
    return parsed("/tls/a.pem", f"notAfter={end:%Y-%m-%d %H:%M:%SZ}\n").warning(NOW)


def test_a_certificate_with_two_weeks_left_gives_no_warning() -> None:
    assert warning(days=14) == ""


@pytest.mark.parametrize(("left", "word"), [(13.5, "within 14 days"), (0.2, "within 1 days"), (-0.1, "expired on")])
def test_one_with_less_does(left: float, word: str) -> None:
    assert word in warning(days=left)


def test_a_file_that_is_no_certificate_is_told() -> None:
    assert "cannot be told" in validity("/nonexistent").warning(NOW)
    assert parsed("/x", "", "Could not open file\nmore").trouble == "Could not open file"
