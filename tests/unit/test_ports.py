"""Ports of servers that tests start."""

from __future__ import annotations

from tests.support.server import free_ports


def test_a_port_that_may_be_about_to_be_used_is_not_given_again() -> None:
    given = [port for count in (1, 4, 14) * 50 for port in free_ports(count)]
    assert len(set(given)) == len(given)
    assert all(10_000 <= port < 32_000 for port in given)
