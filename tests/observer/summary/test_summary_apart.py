"""Work in a process of its own: its result comes back whole, or it is an error."""

from __future__ import annotations

import os

import pytest
from gatepost_observer.summary.apart import Apart, Died


def test_a_large_result_comes_back_as_it_was() -> None:
    made = {b"name": [1, 2.5, "text", (b"x" * 300_000, None)], b"more": {str(n): n for n in range(10_000)}}
    assert Apart(lambda: made).result() == made


def test_a_process_that_ends_before_its_work_is_done_is_an_error() -> None:
    with pytest.raises(Died):
        Apart(lambda: os._exit(0)).result()
