"""`belisha demo`: runs a community on this machine with a sample community in it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import aiohttp

from belisha import yaml_lines
from belisha.cli import data_folder, first_run, up
from belisha.cli.client_api import ClientApiError
from belisha.cli.demo import report
from belisha.cli.demo.figures import filling
from belisha.cli.demo.make import ELSEWHERE, Maker, Place
from belisha.cli.demo.record import Record, held
from belisha.cli.demo.rules import load
from belisha.cli.demo.story import Story, StoryError, default_folder
from belisha.cli.errors import CommandError, command
from belisha.cli.local_api import LocalApi
from belisha.cli.options import Subparsers, add_run
from belisha.cli.progress import Progress, make
from belisha.cli.run_loop import until_stopped
from belisha.cli.supervisor import running
from belisha.resources import shipped
from belisha.settings import Settings

_AGAIN = "Start it again: it goes on where it stopped."


def register(subparsers: Subparsers[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "demo",
        help="run a sample community on this machine",
        description="The same as `belisha up`, with a sample community: twelve people of four organisations who "
        "talk in eight rooms. What they sign in with is in DATA/demo.json. Running it again changes nothing.",
    )
    add_run(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the community with its sample people, here or in the background."""
    progress = make(args.report_fd)
    try:
        if not args.detach:
            return until_stopped(_demo(args, progress))
        if (runs := _running_already(args.data)) is not None:
            return until_stopped(_in_running(args.data, runs, progress))
        return up.in_background(args, "demo", progress)
    except CommandError as error:
        progress.failed(str(error))
        return error.code


async def _demo(args: argparse.Namespace, progress: Progress) -> int:
    story = _story()
    data = data_folder.create(args.data)
    _settle(data, story)
    async with running(data, args.port, progress, with_prometheus=args.with_prometheus) as community:
        await first_run.ensure(community, progress)
        await tell(story, data, community.place.homeserver, community.settings, progress)
        hints = how_to_try(data, story, community.settings)
        progress.ready(up.how_to_use(community, detached=args.report_fd is not None) + hints)
        async with filling(data):
            await community.wait()
    return 0


def _running_already(data: Path) -> str | None:
    """The address of the community that runs in the data folder in the background, if one does."""
    homeserver = data_folder.read_run(data).get("homeserver")
    return homeserver if isinstance(homeserver, str) and data_folder.is_locked(data) else None


async def _in_running(data: Path, homeserver: str, progress: Progress) -> int:
    story = _story()
    data = data_folder.create(data)
    settings = data_folder.read_settings(data / data_folder.SETTINGS)
    await tell(story, data, homeserver, settings, progress)
    progress.ready(
        f"\n{settings.community.name} runs already, at {homeserver}. "
        f"Stop it with: {command()} down --data {up.short(data)}" + how_to_try(data, story, settings)
    )
    return 0


async def tell(story: Story, data: Path, homeserver: str, settings: Settings, progress: Progress) -> None:
    """Makes what is missing of the sample community in a community that runs, and writes DATA/demo.json.

    Raises:
        CommandError: it cannot be made here, with the reason and the remedy.
    """
    if settings.sign_in.method != "password":
        raise CommandError(
            "The members of the sample community sign in by their passwords alone, and here a second factor is needed.",
            f"Write sign_in.method: password in {data / data_folder.SETTINGS} and start anew, or use `{command()} up`.",
        )
    try:
        async with held(data), LocalApi(homeserver, data) as registry, aiohttp.ClientSession() as session:
            record = Record(data)
            await _must_be_ours(story, settings, record, registry)
            maker = Maker(story, _place(data, homeserver, settings, record, story), record, session, progress)
            await maker.make(registry)
            await report.write(data, homeserver, story, record, maker, registry)
    except ClientApiError as error:
        raise CommandError(f"The homeserver refused a step of the sample community: {error}.", _AGAIN) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise CommandError(f"The homeserver gave no answer ({reason}).", _AGAIN) from error


def how_to_try(data: Path, story: Story, settings: Settings) -> str:
    """Three people to be and three things to do, for somebody who has just started the sample community."""
    server = settings.server_name
    organisations = {organisation.id: organisation.name for organisation in story.organisations}
    people = [account for account in story.accounts if account.localpart in {"kofi", "priya", "ines"}]
    lines = ["", "", f"  People       their passwords are in {up.short(data / report.NAME)}, try"]
    lines += [
        f"               @{person.localpart}:{server}  {person.name}, {organisations[person.organisation]}"
        f"{''.join(f', {role}' for role in person.roles)}"
        for person in people
    ]
    lines += [
        "  Try          as Kofi, write “TLP:RED lunch at one?” in Market Square: it is refused, with the reason",
        "               as Priya, answer Marcus in Two-Queue Pilot: your answer gets the label of his",
        "               as Ines, write “!tlp” in Hash Matching: who reads there, and what may be said",
    ]
    return "\n".join(lines)


def _story() -> Story:
    try:
        return load()
    except StoryError as error:
        raise CommandError(str(error)) from None


def _settle(data: Path, story: Story) -> None:
    """Gives a new data folder the sample community's name and host, in the shipped belisha.yaml."""
    path = data / data_folder.SETTINGS
    if path.exists():
        return
    example = shipped("config", "belisha.example.yaml").read_text(encoding="utf-8")
    lines, document = example.splitlines(), yaml_lines.read(example)
    wanted: dict[tuple[str, ...], str] = {
        ("community", "name"): story.name,
        ("community", "host", "id"): story.host.id,
        ("community", "host", "name"): story.host.name,
        ("community", "host", "category"): story.host.category,
        ("community", "first_manager", "localpart"): story.manager.localpart,
        ("community", "first_manager", "name"): story.manager.name,
    }
    for where, value in wanted.items():
        number = document.lines[where] - 1
        lines[number] = f"{lines[number].partition(':')[0]}: {json.dumps(value)}"
    draft = path.with_name(f".{path.name}.demo")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path)


async def _must_be_ours(story: Story, settings: Settings, record: Record, registry: LocalApi) -> None:
    """Keeps invented people out of a community that has members of its own.

    Raises:
        CommandError: it has.
    """
    if record.facts.passwords:
        return
    community = settings.community
    expected = {f"@{community.first_manager.localpart}:{settings.server_name}"}
    others = {member.user_id for member in await registry.members()} - expected
    taken = {organisation.id for organisation in story.organisations if not organisation.host} | {
        account.localpart for account in story.accounts if account is not story.manager
    }
    if others or taken & {community.host.id, community.first_manager.localpart}:
        raise CommandError(
            f"{community.name} has members of its own, and invented ones should not be mixed with them.",
            ELSEWHERE,
        )


def _place(data: Path, homeserver: str, settings: Settings, record: Record, story: Story) -> Place:
    password = record.facts.passwords.get(story.manager.localpart)
    if password is None:
        credentials = data / first_run.CREDENTIALS
        try:
            password = str(json.loads(credentials.read_text(encoding="utf-8"))["password"])
        except (OSError, ValueError, KeyError, TypeError):
            raise CommandError(
                f"{credentials} does not tell the first manager's password, which is needed here.",
                ELSEWHERE,
            ) from None
    return Place(
        homeserver=homeserver,
        server_name=settings.server_name,
        host=settings.community.host.id,
        manager=settings.community.first_manager.localpart,
        manager_password=password,
        files=default_folder() / "files",
    )
