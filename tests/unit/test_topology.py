"""What is said of tests on one process or on several names tests that are there: a misspelt one would do nothing."""

from __future__ import annotations

import ast

import pytest

from tests.support.server import ROOT
from tests.support.topology import BRIEFLY, ONLY_ON_ONE

NAMED = sorted({*ONLY_ON_ONE, *(f"{file}::{function}" for file, all_ in BRIEFLY.items() for function in all_)})


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_is_there(named: str) -> None:
    file, _, function = named.partition("::")
    path = ROOT / "tests" / "synapse" / file
    tests = [one.name for one in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(one, "name")]
    assert not function or function in tests
