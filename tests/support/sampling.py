"""Of many rows some are tried by `make test-full`, and all by `make test-nightly`."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest


def sampled(every: Iterable[Any], tried: Container[Any]) -> list[Any]:
    """The values of a parameter, or rows of several; those that are not among the tried ones are for the night."""
    return [
        one if one in tried else pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=pytest.mark.nightly)
        for one in every
    ]
