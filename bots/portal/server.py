"""Puts the portal together and listens."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web

from belisha.markers import MarkerReader
from belisha.tlp import Label
from bots.blog.post_book import PostBook
from bots.charts.artist import Artist
from bots.digest.mail_words import Post
from bots.kernel.by_form import ByForm
from bots.kernel.config import Config, Portal, RateLimit
from bots.kernel.process import Beside, StartError
from bots.kernel.store import Store
from bots.metrics.figures import FigureBook
from bots.metrics.metrics import metrics_of
from bots.metrics.pulse_box import PulseBox
from bots.metrics.seen import Seen
from bots.pads.keeper import Keeper
from bots.pads.rooms import PadRooms
from bots.polls.ballot_box import BallotBox
from bots.polls.counting import PollBook
from bots.polls.key_files import KeyFiles
from bots.portal import (
    views,
    views_ballots,
    views_blog,
    views_commands,
    views_compose,
    views_digest,
    views_directory,
    views_documents,
    views_factor,
    views_metrics,
    views_mydata,
    views_pad_files,
    views_pad_history,
    views_pads,
    views_poll_form,
    views_polls,
    views_profile,
    views_pulse,
    views_recover,
    views_report,
    views_reports,
    views_search,
    views_sign_in,
    views_sponsors,
    views_write,
)
from bots.portal.asking import Homeserver
from bots.portal.asking_pads import PadWatch
from bots.portal.book import Book
from bots.portal.command import PortalCommand
from bots.portal.drawings import Drawings
from bots.portal.enrolling import Enrolling
from bots.portal.guard import Guard
from bots.portal.keys import Keys
from bots.portal.limits import Limit, Rate, Rates
from bots.portal.pages import Pages
from bots.portal.place import Place
from bots.portal.sessions import Sessions
from bots.portal.visit import Parts, Route, Who

log = logging.getLogger(__name__)

_LARGEST: Final = 64 * 1024

#: Every address of the portal.
ROUTES: Final = (
    Route("GET", "/", views.home, Who.MEMBER, framed=True),
    Route("GET", "/groups/{room_id:[^/]+}", views.group, Who.MEMBER, framed=True),
    Route("GET", "/sessions", views.sessions, Who.MEMBER, framed=True),
    Route("POST", "/sessions/{number:[0-9]+}/end", views.end_session, Who.CONFIRMED, framed=True),
    Route("POST", "/sessions/end-others", views.end_others, Who.CONFIRMED, framed=True),
    Route("GET", "/factor", views_factor.page, Who.CONFIRMED),
    Route("POST", "/factor", views_factor.enrol, Who.CONFIRMED),
    Route("GET", "/recovery-codes", views_factor.codes_page, Who.CONFIRMED),
    Route("POST", "/recovery-codes", views_factor.make_codes, Who.CONFIRMED),
    Route("POST", "/sign-out", views.sign_out, Who.MEMBER, framed=True),
    Route("GET", "/commands", views_commands.commands, Who.MEMBER, framed=True),
    Route("GET", "/commands/{slug:[a-z-]+}", views_commands.command, Who.MEMBER, framed=True),
    Route("POST", "/commands/{slug:[a-z-]+}", views_commands.hand_in, Who.CONFIRMED, framed=True),
    Route("GET", "/reports", views_reports.reports, Who.MEMBER, framed=True),
    Route("GET", "/reports/{number:[0-9]+}", views_reports.report, Who.CONFIRMED, framed=True),
    Route("POST", "/reports/{number:[0-9]+}/look", views_reports.look, Who.CONFIRMED, framed=True),
    Route("GET", "/metrics/report", views_report.report, Who.MEMBER, framed=True),
    Route("POST", "/metrics/report/links", views_sponsors.make, Who.CONFIRMED, framed=True),
    Route("POST", "/metrics/report/links/withdraw", views_sponsors.withdraw, Who.CONFIRMED, framed=True),
    Route("GET", "/sponsors/{key:[0-9a-f]+}", views_sponsors.page, Who.ANYBODY),
    Route("GET", "/metrics/report/{month:[0-9-]+}.pdf", views_report.pdf, Who.CONFIRMED, framed=True),
    Route("GET", "/metrics/{section:[a-z]+}", views_metrics.section, Who.MEMBER, framed=True),
    Route("POST", "/metrics/annotations", views_metrics.annotate, Who.CONFIRMED, framed=True),
    Route("GET", "/metrics/{section:[a-z]+}/{block:[a-z-]+}.csv", views_metrics.csv, Who.CONFIRMED, framed=True),
    Route("GET", "/metrics/{section:[a-z]+}/{block:[a-z-]+}.png", views_metrics.picture, Who.CONFIRMED, framed=True),
    Route("GET", "/polls/new", views_poll_form.form, Who.MEMBER, framed=True),
    Route("POST", "/polls/new", views_poll_form.step, Who.CONFIRMED, framed=True),
    Route(
        "GET",
        "/polls/{room_id:[^/]+}/{event_id:[^/]+}/votes.{form:csv|json}",
        views_polls.votes,
        Who.CONFIRMED,
        framed=True,
    ),
    Route("GET", "/polls/{room_id:[^/]+}/{event_id:[^/]+}/result", views_polls.result, Who.CONFIRMED, framed=True),
    Route("GET", "/polls/{room_id:[^/]+}/{event_id:[^/]+}/result.png", views_polls.picture, Who.CONFIRMED, framed=True),
    Route("GET", "/write", views_compose.form, Who.MEMBER, framed=True),
    Route("POST", "/write", views_compose.step, Who.MEMBER, framed=True),
    Route("GET", "/write/audience", views_compose.audience, Who.MEMBER),
    Route("GET", "/search", views_search.search, Who.MEMBER, framed=True),
    Route("GET", "/blog", views_blog.index, Who.MEMBER, framed=True),
    Route("GET", "/blog/write", views_write.form, Who.MEMBER, framed=True),
    Route("POST", "/blog/write", views_write.step, Who.MEMBER, framed=True),
    Route("GET", "/blog/{room_id:[^/]+}/{event_id:[^/]+}", views_blog.post, Who.MEMBER, framed=True),
    Route("GET", "/blog/{room_id:[^/]+}/{event_id:[^/]+}/versions", views_blog.versions, Who.MEMBER, framed=True),
    Route("GET", "/pictures/{media_id:[A-Za-z0-9_-]+}", views_blog.picture, Who.MEMBER, framed=True),
    Route("GET", "/directory", views_directory.directory, Who.MEMBER, framed=True),
    Route("GET", "/directory/hits", views_directory.hits, Who.MEMBER, framed=True),
    Route("GET", "/directory/tags", views_directory.tags, Who.MEMBER, framed=True),
    Route("GET", "/directory/members/{user_id:[^/]+}", views_directory.member, Who.MEMBER, framed=True),
    Route("GET", "/directory/profiles.csv", views_directory.profiles_csv, Who.CONFIRMED, framed=True),
    Route("GET", "/directory/synonyms", views_directory.synonyms, Who.MEMBER, framed=True),
    Route("POST", "/directory/synonyms", views_directory.change_synonyms, Who.CONFIRMED, framed=True),
    Route("GET", "/documents", views_documents.documents, Who.MEMBER, framed=True),
    Route("GET", "/documents/copy/{media_id:[^/]+}", views_documents.copy, Who.CONFIRMED, framed=True),
    Route("GET", "/documents/preview/{media_id:[^/]+}", views_documents.preview, Who.CONFIRMED, framed=True),
    Route("GET", "/documents/{room_id:[^/]+}/{event_id:[^/]+}", views_documents.document, Who.MEMBER, framed=True),
    Route("GET", "/pads", views_pads.pads, Who.MEMBER, framed=True),
    Route("GET", "/pads/{room_id:[^/]+}/{event_id:[^/]+}", views_pads.pad, Who.MEMBER, framed=True),
    Route("GET", "/pads/{room_id:[^/]+}/{event_id:[^/]+}/read", views_pads.read, Who.MEMBER, framed=True),
    Route("GET", "/pads/{room_id:[^/]+}/{event_id:[^/]+}/live", views_pads.live, Who.MEMBER, framed=True),
    Route("GET", "/pads/{room_id:[^/]+}/{event_id:[^/]+}/history", views_pad_history.history, Who.MEMBER, framed=True),
    Route("POST", "/pads/{room_id:[^/]+}/{event_id:[^/]+}/history", views_pad_history.name, Who.CONFIRMED, framed=True),
    Route(
        "GET",
        "/pads/{room_id:[^/]+}/{event_id:[^/]+}/history/{number:[0-9]+}",
        views_pad_history.version,
        Who.MEMBER,
        framed=True,
    ),
    Route(
        "POST",
        "/pads/{room_id:[^/]+}/{event_id:[^/]+}/history/{number:[0-9]+}/restore",
        views_pad_history.put_back,
        Who.CONFIRMED,
        framed=True,
    ),
    Route(
        "POST",
        "/pads/{room_id:[^/]+}/{event_id:[^/]+}/history/{number:[0-9]+}/take-away",
        views_pad_history.take_away,
        Who.CONFIRMED,
        framed=True,
    ),
    Route(
        "GET",
        "/pads/{room_id:[^/]+}/{event_id:[^/]+}/file.{kind:md|html|docx|pdf}",
        views_pad_files.file,
        Who.CONFIRMED,
        framed=True,
    ),
    Route("GET", "/pads/{room_id:[^/]+}/{event_id:[^/]+}/post", views_write.of_pad, Who.MEMBER, framed=True),
    Route("GET", "/pads/{room_id:[^/]+}/{event_id:[^/]+}/share", views_pad_files.share, Who.CONFIRMED, framed=True),
    Route("GET", "/challenges", views_directory.challenges, Who.MEMBER, framed=True),
    Route("GET", "/introductions", views_directory.introductions, Who.MEMBER, framed=True),
    Route("GET", "/mydata", views_mydata.mydata, Who.MEMBER, framed=True),
    Route("GET", "/mydata/{export:[^/]+}/file", views_mydata.take, Who.CONFIRMED, framed=True),
    Route("GET", "/profile", views_profile.mine, Who.MEMBER, framed=True),
    Route("GET", "/profile/preview", views_profile.preview, Who.MEMBER, framed=True),
    Route("GET", "/profile/edit", views_profile.edit, Who.MEMBER, framed=True),
    Route("POST", "/profile/edit", views_profile.save, Who.CONFIRMED, framed=True),
    Route("GET", "/ballots/{place:[A-Za-z0-9_-]+}", views_ballots.page, Who.MEMBER, framed=True),
    Route("POST", "/ballots/{place:[A-Za-z0-9_-]+}", views_ballots.cast, Who.CONFIRMED, framed=True),
    Route("POST", "/ballots/{place:[A-Za-z0-9_-]+}/find", views_ballots.find, Who.MEMBER, framed=True),
    Route("GET", "/ballots/{place:[A-Za-z0-9_-]+}/list.txt", views_ballots.listed, Who.MEMBER, framed=True),
    Route("GET", "/ballots/{place:[A-Za-z0-9_-]+}/result.png", views_ballots.picture, Who.MEMBER, framed=True),
    Route("GET", "/pulse", views_pulse.page, Who.MEMBER, framed=True),
    Route("POST", "/pulse", views_pulse.answer, Who.CONFIRMED, framed=True),
    Route("GET", "/confirm", views.confirm, Who.MEMBER, framed=True),
    Route("GET", "/confirm/state", views_sign_in.confirm_state, Who.ANYBODY),
    Route("GET", "/sign-in", views_sign_in.sign_in, Who.ANYBODY),
    Route("POST", "/sign-in", views_sign_in.take_session, Who.ANYBODY),
    Route("POST", "/sign-in/ask", views_sign_in.ask_member, Who.ANYBODY),
    Route("GET", "/sign-in/state", views_sign_in.sign_in_state, Who.ANYBODY),
    Route("GET", "/recover", views_recover.page, Who.ANYBODY),
    Route("POST", "/recover", views_recover.recover, Who.ANYBODY),
    Route("GET", "/join", views_recover.join_page, Who.ANYBODY),
    Route("POST", "/join", views_recover.join, Who.ANYBODY),
    Route("GET", "/digest-mail/{token:[0-9a-f.]+}", views_digest.page, Who.ANYBODY),
    Route("POST", "/digest-mail/{token:[0-9a-f.]+}", views_digest.turn_off, Who.ANYBODY, from_elsewhere=True),
    Route("GET", "/widget", views_sign_in.widget, Who.ANYBODY, framed=True),
    Route("GET", "/widget/pads", views_sign_in.widget, Who.ANYBODY, framed=True),
    Route("POST", "/widget/sign-in", views_sign_in.widget_sign_in, Who.ANYBODY),
    Route("GET", "/static/{name}", views_sign_in.static_file, Who.ANYBODY),
)


def application(parts: Parts, rates: Rates, now: Callable[[], float] = time.monotonic) -> web.Application:
    """The portal's pages behind their guard."""
    guard = Guard(parts, Limit(rates.pages, now), Limit(rates.member, now))
    app = web.Application(middlewares=[guard.outermost], client_max_size=_LARGEST)
    keeper = Keeper(parts.pads.versions)

    async def keep(_app: web.Application) -> None:
        keeper.start()

    app.on_startup.append(keep)
    app.on_shutdown.append(lambda _app: keeper.stop())
    app.on_shutdown.append(lambda _app: parts.pads.close())
    for route in ROUTES:
        handler = guard.around(route)
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)
    return app


def parts_of(
    config: Config,
    portal: Portal,
    store: Store,
    session: aiohttp.ClientSession,
    rates: Rates,
    by_form: ByForm,
    now: Callable[[], float] = time.time,
) -> Parts:
    """What the pages share."""
    secret = portal.secret()
    keys, metrics = Keys(secret), metrics_of(config)
    sessions = Sessions(store, keys, now)
    homeserver = Homeserver(config.homeserver, config.server_name, secret, session)
    reader = MarkerReader({name: Label.parse(label) for name, label in config.markings.items()})
    return Parts(
        place=Place(portal.public_url, portal.element_origins, config.user_id(config.bots.steward)),
        pages=Pages(portal.community, ZoneInfo(config.time_zone)),
        keys=keys,
        sessions=sessions,
        homeserver=homeserver,
        by_form=by_form,
        polls=PollBook(store),
        posts=PostBook(store),
        book=Book(store, by_form, now, None if metrics is None else metrics.completed_profile),
        pads=PadRooms(store, PadWatch(sessions, homeserver.pads).look, reader),
        ballots=None if config.ballot_keys is None else BallotBox(store, KeyFiles(config.ballot_keys), now),
        drawings=Drawings(Artist().draw),
        codes=Limit(rates.codes),
        tokens=Limit(rates.tokens),
        approvals=Limit(rates.approvals),
        recoveries=Limit(rates.recoveries),
        joins=Limit(rates.joins),
        mails_off=Limit(rates.mails_off),
        server_name=config.server_name,
        enrolling=Enrolling(keys, portal.community, config.server_name) if portal.second_factor else None,
        has_passwords=not portal.by_organisation,
        seen=None if metrics is None else Seen(store, metrics.book, now),
        figures=None if metrics is None else FigureBook(store),
        pulses=None if config.ballot_keys is None else PulseBox(store, KeyFiles(config.ballot_keys), now),
    )


def _rate(limit: RateLimit) -> Rate:
    return Rate(limit.per_second, limit.burst_count)


def command(config: Config) -> PortalCommand | None:
    """What the steward answers of the portal; None where there is none."""
    portal = config.portal
    if portal is None:
        return None
    return PortalCommand(Keys(portal.secret()), portal.public_url, ZoneInfo(config.time_zone))


def post(config: Config) -> Post | None:
    """How digests are mailed; None where this community sends no mail."""
    if config.mail is None:
        return None
    ceiling = Label.parse(config.mail.ceiling) or Label.GREEN
    if config.portal is None:
        return Post(config.server_name, ceiling)
    keys = Keys(config.portal.secret())
    return Post(config.portal.community, ceiling, config.portal.public_url, keys.mail_off)


def beside(config: Config) -> Sequence[Beside]:
    """The portal, to be run beside the bots, where there is one."""
    return [] if config.portal is None else [partial(serving, config, config.portal)]


@asynccontextmanager
async def serving(
    config: Config, portal: Portal, store: Store, session: aiohttp.ClientSession, by_form: ByForm
) -> AsyncIterator[None]:
    """Listens for browsers until the block ends.

    Raises:
        StartError: The port is taken.
    """
    rates = Rates(_rate(portal.rc_address), codes=_rate(portal.rc_sign_in), member=_rate(portal.rc_member))
    app = application(parts_of(config, portal, store, session, rates, by_form), rates)
    # No access log: addresses of pages say who reads what.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0, keepalive_timeout=30.0)
    await runner.setup()
    try:
        listen = portal.listen
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            raise StartError(
                f"The portal cannot listen on {listen.host}:{listen.port}: {error.strerror}. "
                "Stop what uses that port, or choose another as portal.listen.port."
            ) from error
        log.info("the portal listens", extra={"address": portal.public_url})
        yield
    finally:
        await runner.cleanup()
