"""Where the portal is for browsers: its origin, its cookies, what each of its answers tells the browser to keep to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

#: The session of an ordinary tab, its code before that, the session inside Element, and a browser confirmed there.
SESSION: Final = "belisha"
ASKING: Final = "belisha-asking"
WIDGET: Final = "belisha-widget"
BROWSER: Final = "belisha-browser"
_IN_ELEMENT: Final = frozenset({WIDGET, BROWSER})

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "
)
_FEATURES: Final = (
    "accelerometer camera clipboard-read clipboard-write display-capture encrypted-media fullscreen geolocation "
    "gyroscope hid idle-detection magnetometer microphone midi payment picture-in-picture publickey-credentials-get "
    "screen-wake-lock serial usb xr-spatial-tracking"
).split()
_STEADY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "X-DNS-Prefetch-Control": "off",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Place:
    """The portal's address and those of the Elements that may show it.

    Attributes:
        public_url: scheme, host and port as members write it.
        element_origins: the origins that may frame it; links lead to the first.
        steward: the bot that members write `!portal` to.
    """

    public_url: str
    element_origins: Sequence[str]
    steward: str
    is_secure: bool = field(init=False)
    host: str = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.public_url)
        object.__setattr__(self, "is_secure", parts.scheme == "https")
        object.__setattr__(self, "host", parts.netloc.casefold())

    def headers(self, *, framed: bool) -> dict[str, str]:
        """What every answer carries; `framed` pages may be shown inside Element."""
        ancestors = " ".join(self.element_origins) if framed and self.element_origins else "'none'"
        found = {**_STEADY, "Content-Security-Policy": _POLICY + ancestors}
        if ancestors == "'none'":
            found["X-Frame-Options"] = "DENY"
        if self.is_secure:
            found["Strict-Transport-Security"] = "max-age=63072000"
        return found

    def cookie_name(self, name: str) -> str:
        """The cookie's name, which on https no other host and no unencrypted page can set."""
        return f"__Host-{name}" if self.is_secure else name

    def cookie(self, name: str, value: str, seconds: float) -> str:
        """A `Set-Cookie` header; of 0 seconds, one that takes it away.

        What is used inside Element belongs to that Element alone (`Partitioned`), and is sent although another site
        shows the page; all others are sent by the portal's own pages only.
        """
        parts = [f"{self.cookie_name(name)}={value}", "Path=/", f"Max-Age={seconds:.0f}", "HttpOnly"]
        if name in _IN_ELEMENT:
            # Browsers take `Secure` from 127.0.0.1 too, and without it nothing in a frame.
            parts += ["Secure", "SameSite=None", "Partitioned"]
        else:
            parts += [*(["Secure"] if self.is_secure else []), "SameSite=Strict"]
        return "; ".join(parts)

    def event_in_element(self, room_id: str, event_id: str) -> str | None:
        """A link to a message in Element; None where the community has named none."""
        room = self.in_element("room", room_id)
        return None if room is None else f"{room}/{quote(event_id, safe='$')}"

    def in_element(self, what: str, of: str) -> str | None:
        """A link to a `room` or `user` in Element; None where the community has named none."""
        return f"{self.element_origins[0]}/#/{what}/{quote(of, safe='!@:')}" if self.element_origins else None
