"""The rules for single values of belisha.yaml.

Each function takes the value as written and gives it back in the form the rest of Belisha uses, or refuses it
with what is wrong and what to write instead.
"""

import datetime
import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from belisha.screening import clamd_socket

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_SIZE = re.compile(r"(\d{1,12})([KMG]?)")
_HOST = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
_SERVER_NAME = re.compile(rf"{_HOST}(:\d{{1,5}})?")
_ORGANISATION = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_LOCALPART = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PLACEHOLDER = re.compile(
    r"change[ _-]?me|replace[ _-]?(me|this)|fill[ _-]?(me[ _-]?)?in\b|<[^<>]+>"
    r"|^(todo|fixme|tbd|xxx+|placeholder|secret|password)$"
    r"|\byour[ _-]?(domain|server|community|organisation|organization|name|company)\b"
    r"|(^|[/@.:])example\.(org|com|net|edu)\b|[a-z0-9]\.(example|invalid)\b(?!\.)",
    re.IGNORECASE,
)
SMALLEST_UPLOAD, LARGEST_UPLOAD = 64 * 1024, 4 * 1024**3
BOT_PREFIX = "belisha_"
RESERVED_LOCALPARTS = ("admin", "administrator", "belisha", "root", "server", "steward", "system")


def refuse(what: str, remedy: str) -> PydanticCustomError:
    """The error that carries a remedy to `belisha.settings`."""
    return PydanticCustomError("belisha", "{what}; {remedy}", {"what": what, "remedy": remedy})


def is_placeholder(text: str) -> bool:
    """Whether a value was left for somebody to fill in."""
    return _PLACEHOLDER.search(text) is not None


def is_local(address: str) -> bool:
    """Whether a host name, server name or URL means this machine only."""
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def name(text: str) -> str:
    """A name that members read: one line of 1 to 80 visible characters, fit for everybody to see."""
    if not text.strip() or text != text.strip() or len(text) > 80:
        raise refuse(f"{text!r} is no name", "write 1 to 80 characters, without spaces at the ends")
    odd = [character for character in text if unicodedata.category(character)[0] == "C"]
    if odd:
        raise refuse(f"this name holds an invisible character (U+{ord(odd[0]):04X})", "type it again in plain letters")
    if re.search(r"\btlp\s*[:-]", text, re.IGNORECASE):
        raise refuse("a name carries no TLP label", "leave the label out: every member can see names")
    return text


def host_and_port(text: str) -> str:
    """Where a server of this network listens, such as 127.0.0.1:9093."""
    found = re.fullmatch(rf"{_HOST}:(\d{{1,5}})", text)
    if found is None or not 0 < int(text.rpartition(":")[2]) < 65536:
        raise refuse(f"{text!r} is no host with a port", "write both and nothing else, such as 127.0.0.1:9093")
    return text


def server_name(text: str) -> str:
    """A Matrix server name in lower case: a host name, with a port where needed."""
    if "//" in text:
        raise refuse(f"{text!r} is a URL", "write the bare name, such as chat.belisha.localhost")
    if len(text) > 230 or not _SERVER_NAME.fullmatch(text):
        raise refuse(f"{text!r} is no Matrix server name", "write a host name in lower case, such as belisha.localhost")
    port = text.partition(":")[2]
    if port and not 0 < int(port) < 65536:
        raise refuse(f"{port} is no port", "write a port from 1 to 65535, or none")
    return text


def public_url(text: str | None) -> str | None:
    """Where clients reach the homeserver, without a path or a slash at the end."""
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise refuse(f"{text!r} is no web address", "write it with https:// and the host, or null")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username or parts.password:
        raise refuse("this is more than scheme, host and port", f"write {parts.scheme}://{parts.hostname}")
    if parts.scheme == "http" and not is_local(text):
        raise refuse("http:// would send passwords in clear", "use https:// for any other machine")
    return text.rstrip("/")


def origin(text: str) -> str:
    """An origin as browsers write it: scheme, host in lower case, and port."""
    address = public_url(text)
    if address is None or not re.fullmatch(rf"https?://({_HOST}|\[[0-9a-f:]+\])(:\d{{1,5}})?", address):
        raise refuse(f"{text!r} is no origin", "write scheme, host in lower case, and port alone")
    return address


def gateway(text: str) -> str:
    """The whole address of a push gateway, as apps name it (Matrix push gateway API, `/_matrix/push/v1/notify`)."""
    try:
        parts = urlsplit(text)
        good = bool(parts.hostname) and not parts.query and not parts.fragment and not parts.username
    except ValueError:
        raise refuse(f"{text!r} is no web address", "write the gateway's whole address") from None
    if not good or parts.path != "/_matrix/push/v1/notify":
        raise refuse(f"{text!r} is no push gateway", "write its whole address, ending in /_matrix/push/v1/notify")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local(text)):
        raise refuse("only https:// hides which device is woken", "use https:// for any other machine")
    return text


def webhook(text: str) -> str:
    """The whole address that is called over HTTP."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or " " in text:
        raise refuse("this is no web address", "write the webhook's whole address, with https://, or null")
    if parts.scheme == "http" and not is_local(text):
        raise refuse("http:// would show everybody on the way when stewards are wanted", "use https://")
    return text


def page(text: str) -> str:
    """The whole address of a page that members open."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or any(odd in text for odd in " \"'<>`"):
        raise refuse(f"{text!r} is no page's address", "write the whole address, with https://")
    if parts.scheme == "http" and not is_local(text):
        raise refuse("http:// lets anybody on the way change the page", "use https:// for any other machine")
    return text


def issuer(text: str) -> str:
    """The address under which a provider signs what it says, letter by letter (OpenID Connect Discovery 1.0, 3)."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or not text.isascii() or any(odd in text for odd in " \"'<>`\\"):
        raise refuse(f"{text!r} is no issuer", "write the address that the provider names as `issuer`, with https://")
    if parts.scheme == "http" and not is_local(text):
        raise refuse("http:// would let anybody on the way sign in as anybody", "use https:// for any other machine")
    return text


def client_id(text: str) -> str:
    """What a provider calls this community (RFC 6749, A.1)."""
    if not 0 < len(text) <= 255 or not text.isascii() or not text.isprintable():
        raise refuse(f"{text!r} is no client id", "write the one that the provider's administrator gives you")
    return text


def claim(text: str) -> str:
    """The name of what a provider says of somebody."""
    if not re.fullmatch(r"[A-Za-z0-9_.:/-]{1,255}", text):
        raise refuse(f"{text!r} is no claim's name", "write one such as preferred_username")
    return text


def mail_host(text: str) -> str:
    """The name or address of a mail server."""
    return _server(text, "mail.")


def collector(text: str) -> str:
    """The name or address of a server that collects logs."""
    return _server(text, "logs.")


def _server(text: str, such_as: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", text):
        raise refuse(f"{text!r} is no server's name", f"write it without a port, such as {such_as} and your domain")
    return text


def mail_address(text: str) -> str:
    """A bare mail address."""
    if not re.fullmatch(r"[^\s@<>,;\"]{1,64}@[A-Za-z0-9.-]{1,253}", text):
        raise refuse(f"{text!r} is no mail address", "write it bare, such as bots@ and your domain")
    return text


def time_zone(text: str) -> str:
    """A name of the IANA time zone database."""
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        if not known and re.fullmatch(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+){0,2}", text):
            return text  # a machine without the database cannot judge; the name's shape is right
        near = get_close_matches(text, sorted(known), n=1)
        remedy = f"write {near[0]} if that is meant" if near else "write a name such as Europe/London"
        raise refuse(f"{text!r} is no time zone", remedy) from None
    return text


def organisation_id(text: str) -> str:
    """The short id of an organisation, which stands in addresses and can never change."""
    if not _ORGANISATION.fullmatch(text):
        raise refuse(f"{text!r} is no id", "write 1 to 32 of a-z, 0-9 and - (not at the ends)")
    return text


def localpart(text: str) -> str:
    """The part of a Matrix address before the server's name."""
    if text.startswith(BOT_PREFIX):
        raise refuse(f"names that begin with {BOT_PREFIX} belong to the bots", "choose another name")
    if text in RESERVED_LOCALPARTS:
        raise refuse(f"{text!r} would pass for the server's own voice", "choose another, such as manager")
    if not _LOCALPART.fullmatch(text):
        raise refuse(f"{text!r} is no account name", "write 1 to 64 of a-z, 0-9 . _ -, the first of a-z or 0-9")
    return text


def markings(mapping: Mapping[str, str]) -> Mapping[str, str]:
    """Markings of other schemes, each with the label it means at least, or `refuse`."""
    seen: dict[str, str] = {}
    for marking in mapping:
        plain = " ".join(re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", marking)).casefold().split())
        if not plain or len(marking) > 64:
            raise refuse(f"{marking!r} is no marking", "write 1 to 64 characters")
        if re.match(r"tlp\b", plain):
            raise refuse(f"{marking!r} is a TLP label itself", "map other schemes' markings only")
        if plain in seen:
            raise refuse(f"{marking!r} and {seen[plain]!r} read alike", "keep one of the two")
        seen[plain] = marking
    return mapping


def size(value: object) -> str:
    """A size such as 50M (K, M and G are powers of 1024)."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    match = _SIZE.fullmatch(text)
    if not match:
        raise refuse(f"{value!r} is no size", "write a number with K, M or G, such as 50M")
    number = int(match[1]) * _UNITS[match[2]]
    if not SMALLEST_UPLOAD <= number <= LARGEST_UPLOAD:
        raise refuse(f"{text} is out of range", "write a size from 64K to 4G")
    return text


def scanner_socket(text: str) -> str:
    """Where clamd listens: the path of its socket, or a host and port of this machine."""
    try:
        clamd_socket(text)
    except ValueError as error:
        remedy = "write the path of its socket, as /run/clamav/clamd.ctl on Debian, or 127.0.0.1:3310"
        raise refuse(f"{text!r} cannot be used: {error}", remedy) from None
    return text


def matcher(text: str) -> str:
    """The whole address of a matcher of hashes."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        good = False
    if not good or parts.fragment or not text.isascii() or not text.isprintable() or " " in text:
        raise refuse(f"{text!r} is no web address", "write the matcher's whole address, with https://, or null")
    if parts.scheme == "http" and not is_local(text):
        raise refuse("http:// would show everybody on the way what is uploaded", "use https:// for any other machine")
    return text


def seconds(number: int) -> int:
    """A time for which somebody who uploads a file waits."""
    if not 1 <= number <= 300:
        raise refuse(f"{number} is no time that people wait", "write 1 to 300 seconds")
    return number


def days(number: int) -> int:
    """A number of days, from 1 to a century."""
    if not 1 <= number <= 36_500:
        raise refuse(f"{number} is no number of days", "write 1 to 36500")
    return number


def day(value: object) -> str:
    """A day, as 2027-03-31; YAML reads it as a date where it stands without quotation marks."""
    try:
        return datetime.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise refuse(f"{value!r} is no day", "write one as 2027-03-31, or null") from None


def risk(text: str) -> str:
    """What somebody who answers for the community writes, to be found later: a sentence."""
    if len(text.split()) < 5:
        raise refuse(f"{text!r} is no sentence", "write who accepts which risk, why, and until when")
    return text


def file_path(text: str) -> str:
    """The path of a file, in the data folder where it is not absolute."""
    if not text.strip() or text.endswith("/") or any(ord(letter) < 32 for letter in text):
        raise refuse(f"{text!r} is no path of a file", "write one, such as /mnt/elsewhere/revocations.jsonl, or null")
    return text
