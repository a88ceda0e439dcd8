"""How often one address, or one member, may ask: a bucket of tokens for each, in memory."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second, so many at once."""

    per_second: float
    burst_count: int


@dataclass(frozen=True, slots=True)
class Rates:
    """The portal's; one address may be a whole office."""

    pages: Rate = Rate(20, 300)
    codes: Rate = Rate(0.1, 60)
    tokens: Rate = Rate(1, 60)
    member: Rate = Rate(5, 120)
    recoveries: Rate = Rate(1 / 60, 10)
    """Each costs the server a slow hash where its code is right; guessing one is hopeless without any limit."""
    joins: Rate = Rate(0.3, 60)
    """A whole office on its first day, as the homeserver's own limit of registrations has it."""
    mails_off: Rate = Rate(0.1, 30)
    """Mail servers press the button for their readers, a whole organisation's from one address."""
    approvals: Rate = Rate(1 / 300, 3)
    """Of one member who is asked: whoever else names them must not be able to wear them out."""


class Limit:
    """One rate, for any number of askers."""

    def __init__(self, rate: Rate, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, asker: str) -> float:
        """0 where one more is allowed, and counted; otherwise the seconds until it is."""
        now = self._now()
        left, since = self._left.pop(asker, (float(self._rate.burst_count), now))
        left = min(float(self._rate.burst_count), left + (now - since) * self._rate.per_second)
        allowed = left >= 1
        self._left[asker] = (left - 1 if allowed else left, now)
        if len(self._left) > _REMEMBERED:  # who has not asked for longest
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate.per_second


def asker(peer: str | None, forwarded: str | None) -> str:
    """Whom a request counts for: its address, or of IPv6 its network, as the web server in front tells it.

    Args:
        peer: The address that the connection comes from. Only from this machine the header is read.
        forwarded: `X-Forwarded-For`; what counts is the last entry, which that web server added itself.
    """
    address = _address(peer or "")
    if address is not None and address.is_loopback and forwarded:
        address = _address(forwarded.rpartition(",")[2].strip()) or address
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
