"""What in belisha.yaml is wrong only in combination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from belisha import settings_values as values
from belisha.yaml_lines import KeyPath

if TYPE_CHECKING:  # the schema asks this file
    from belisha.settings import Escalation, Files, Mail, Settings
    from belisha.settings_backup import Backup
    from belisha.settings_parts import SignIn, Syslog

#: Where it stands, what is wrong there, and what to write instead.
Contradiction = tuple[KeyPath, str, str]


def contradictions(settings: Settings) -> Iterator[Contradiction]:
    """Every one that is in settings whose keys are each right by themselves."""
    yield from _of_addresses(settings)
    yield from _of_mail(settings.mail)
    yield from _of_files(settings.files)
    yield from _of_escalation(settings.escalation, settings.mail)
    yield from _of_sign_in(settings.sign_in, settings.community.host.id)
    yield from _of_syslog(settings.audit.syslog)
    yield from _of_backup(settings.backup)


def _of_addresses(settings: Settings) -> Iterator[Contradiction]:
    address, name = settings.public_url, settings.server_name
    if address and not values.is_local(address) and values.is_local(name):
        yield (
            ("server_name",),
            f"{name!r} means this machine only, but public_url is {address!r}",
            "write the community's domain here before the first start (it can never change), or public_url: null",
        )
    portal = settings.portal.public_url
    if portal and portal in (address, *settings.portal.element_origins):
        yield (
            ("portal", "public_url"),
            "the portal would share its origin with Element or the homeserver, and so its pages with their scripts",
            "give it a host of its own",
        )
    element = settings.element.public_url
    if element and element in (address, portal):
        yield (
            ("element", "public_url"),
            "Element would share its origin with the portal or the homeserver, and so its tokens with what they serve",
            "give it a host of its own",
        )
    if element and not values.is_local(element) and not address:
        yield (
            ("element", "public_url"),
            "browsers elsewhere would load Element and find no homeserver, since public_url is null",
            "write the homeserver's public_url too",
        )


def _of_mail(mail: Mail) -> Iterator[Contradiction]:
    if mail.host and mail.tls == "none" and not values.is_local(mail.host):
        yield ("mail", "tls"), f"mail to {mail.host} would cross the network in clear", "write starttls or tls"
    if mail.host and not mail.sender:
        what, remedy = "mail needs an address that it comes from", "write one, such as bots@ and your domain"
        yield ("mail", "sender"), what, remedy


def _of_files(files: Files) -> Iterator[Contradiction]:
    if files.scan != "none" and files.clamav is None:
        what, remedy = "there is no scanner that could be asked", "fill in files.clamav, or write scan: none"
        yield ("files", "scan"), what, remedy
    if files.scan == "none" and files.clamav is not None:
        what, remedy = "this scanner would never be asked", "write scan: required (or best_effort), or clamav: null"
        yield ("files", "clamav"), what, remedy
    if files.known.matcher_secret_file is not None and files.known.matcher is None:
        what, remedy = "there is no matcher that this would be shown to", "fill in files.known.matcher, or write null"
        yield ("files", "known", "matcher_secret_file"), what, remedy


def _of_escalation(told: Escalation, mail: Mail) -> Iterator[Contradiction]:
    if not mail.host and (told.mail or told.stewards or told.manager):
        what = "nobody can be mailed, since there is no mail server"
        yield ("escalation",), what, "fill in `mail:`, or leave it out"
    if told.webhook_secret_file and not told.webhook:
        what, remedy = "there is no webhook whose calls this would sign", "fill in escalation.webhook, or write null"
        yield ("escalation", "webhook_secret_file"), what, remedy


def _of_sign_in(sign_in: SignIn, host: str) -> Iterator[Contradiction]:
    if sign_in.method != "password+totp" and sign_in.enrol_until is not None:
        what = "there is no second factor that members could enrol"
        yield ("sign_in", "enrol_until"), what, "write method: password+totp, or enrol_until: null"
    if sign_in.method != "password" and sign_in.risk_accepted is not None:
        what = "the risk of passwords alone is accepted, and there are no passwords alone"
        yield ("sign_in", "risk_accepted"), what, "write risk_accepted: null, or method: password"
    if sign_in.method != "oidc" and sign_in.providers:
        what = "members sign in by password, so no provider would be asked"
        yield ("sign_in", "providers"), what, "write method: oidc, or providers: []"
    if sign_in.method == "oidc":
        yield from _of_providers(sign_in, host)


def _of_providers(sign_in: SignIn, host: str) -> Iterator[Contradiction]:
    organisations, issuers = set[str](), set[str]()
    for number, each in enumerate(sign_in.providers):
        where = ("sign_in", "providers", number)
        if each.organisation in organisations:
            what = f"a second provider would speak for the people of {each.organisation}"
            yield (*where, "organisation"), what, "keep one provider for each organisation"
        # Whoever it names could be of either: nothing says which of the two it speaks for.
        if (plain := each.issuer.rstrip("/").casefold()) in issuers:
            what = f"{each.issuer} would speak for the people of two organisations"
            yield (*where, "issuer"), what, "write the issuer that is this organisation's alone"
        organisations.add(each.organisation)
        issuers.add(plain)
    if host not in organisations:
        what = f"the first manager, of {host}, could never sign in: it has no provider"
        yield ("sign_in", "providers"), what, f"add one with organisation: {host}"


def _of_syslog(to: Syslog) -> Iterator[Contradiction]:
    given = [name for name in ("ca", "certificate", "key") if getattr(to, name) is not None]
    if to.server is None and given:
        what, remedy = (
            "there is no collector for which this would be",
            "fill in audit.syslog.server, or write null here",
        )
        yield ("audit", "syslog", given[0]), what, remedy
    if (to.certificate is None) != (to.key is None):
        there, missing = ("key", "certificate") if to.certificate is None else ("certificate", "key")
        what = f"the {there} is of no use without the {missing}"
        yield ("audit", "syslog", there), what, f"fill in audit.syslog.{missing}, or write null here"


def _of_backup(backup: Backup) -> Iterator[Contradiction]:
    is_away = backup.folder is not None and backup.folder.startswith("s3://")
    if is_away and backup.continuous_days:
        what = "PostgreSQL's log is copied continuously to a folder alone, and backup.folder is a bucket"
        yield ("backup", "continuous_days"), what, "write 0 here, or a mounted folder in backup.folder"
    if is_away and backup.s3_credentials_file is None:
        what = "nothing says by what the bucket of backup.folder knows us"
        yield ("backup", "s3_credentials_file"), what, "write the file with its credentials; docs/backup.md has one"
