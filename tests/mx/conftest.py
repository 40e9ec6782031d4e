"""The programs of a mail server, as they lie in the checkout; and a config that all tests begin with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "mx"))

LOCK_OUT: dict[str, Any] = {"after": 3, "within": 100, "for": 1000, "text": "Too many unknown addresses"}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a config whose places are all below the test's folder; keys given replace those of the example."""

    def write(lock_out: dict[str, Any] | None = LOCK_OUT, **keys: Any) -> Path:
        (tmp_path / "state").mkdir(exist_ok=True)
        places = {"socket": f"unix:{tmp_path}/m.sock", "control": f"{tmp_path}/c.sock", "state": f"{tmp_path}/state"}
        path = tmp_path / "mx.json"
        path.write_text(json.dumps({"version": 1, "lock_out": lock_out, **places, **keys}), encoding="utf-8")
        return path

    return write
