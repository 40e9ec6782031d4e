"""What depends on the model alone is made once, however many hosts are rendered.

In: a function of the model. Out: the same function, which keeps its last answer. It stays pure: the same model gives
the same answer, and a model that is gone is not kept alive.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import TypeVar

from gatepost.policy import Model

T = TypeVar("T")


def once_per_model(make: Callable[[Model], T]) -> Callable[[Model], T]:
    """Keep the answer for the model that was asked about last. Models are compared by identity: they are large."""
    kept: list[tuple[weakref.ref[Model], T]] = []

    @functools.wraps(make)
    def answer(model: Model) -> T:
        if not kept or kept[0][0]() is not model:
            kept[:] = [(weakref.ref(model), make(model))]
        return kept[0][1]

    return answer
