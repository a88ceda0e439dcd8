"""`belisha upgrade --check` on a server: this version on a copy of its databases, in a PostgreSQL of the copy's own.

The server goes on and is only read. The copy has the server's settings and secrets, without what would leave it: the
journal of revocations, push gateways and the collector of the audit log; its media are not copied.
"""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from belisha import secrets
from belisha.cli import data_folder, http_probe, ports, render_host, trial_cluster
from belisha.cli.backup import postgresql
from belisha.cli.backup.postgresql import Database
from belisha.cli.backup.server import STATES, of_server
from belisha.cli.backup.sources import HEADS
from belisha.cli.backup.work import make_passable, working
from belisha.cli.errors import CommandError
from belisha.cli.progress import Progress
from belisha.cli.restore import closed_server
from belisha.cli.supervisor import STATUS
from belisha.host import Folders
from belisha.secrets import FOLDER

#: Rows of each table of each database, before and after, as `belisha.cli.upgrade.missing` compares them.
Counts = dict[str, Mapping[str, int]]
_NAMES: Final = {"bots": "bots.db", "synapse": "homeserver.db"}
_PATIENCE_S: Final = 600.0
_SPARE: Final = 256 * 1024 * 1024  # bytes that are left free beside the copies


def tried(data: Path, left_out: tuple[str, ...], progress: Progress) -> tuple[Counts, Counts, str]:
    """Brings a copy to this version and starts it; the rows before and after, and what the bots' migration said.

    Args:
        data: the server's configuration.
        left_out: which of the settings the copy goes without.
        progress: where steps are told.

    Raises:
        CommandError: it does not work.
    """
    there = of_server(data)
    real = there.folders
    if not real.state.stat().st_mode & stat.S_IXOTH:
        raise CommandError(
            f"PostgreSQL's account cannot reach a copy in {real.state}.",
            f"Let accounts through to what is theirs in it: chmod 711 {real.state}. Nothing was changed.",
        )
    with working(real.state) as work:
        work.chmod(0o711)  # the services' accounts go through, to what is theirs
        try:
            return _tried(real, work, left_out, progress)
        finally:
            trial_cluster.remove(work / "postgresql")


def _tried(real: Folders, work: Path, left_out: tuple[str, ...], progress: Progress) -> tuple[Counts, Counts, str]:
    trial = Folders(
        configuration=work / "configuration",
        state=work / "state",
        logs=work / "logs",
        program=real.program,
        postgresql=work / "postgresql",
    )
    _need_room(real, work)
    databases = [Database(part, trial.postgresql) for part in _NAMES]
    _configured(real, trial, left_out)
    with trial_cluster.running(trial.postgresql, databases):
        before = {
            _NAMES[one.part]: _copied(Database(one.part, real.postgresql), one, work, progress) for one in databases
        }
        port = ports.free_row()
        for _ in render_host.write(trial, None, port, closed=True):
            pass
        asyncio.run(_started(trial, port, progress))
        progress.step("Bringing the copy of the bots' tables to this version")
        migrated = _migrated(trial, work)
        progress.step("Comparing what is in the copy with what was")
        after: Counts = {_NAMES[one.part]: postgresql.counts(one) for one in databases}
    return before, after, migrated


def _need_room(real: Folders, work: Path) -> None:
    needed = sum(postgresql.size(Database(part, real.postgresql)) for part in _NAMES) * 2 + _SPARE
    free = shutil.disk_usage(work).free
    if free < needed:
        raise CommandError(
            f"Copying the databases needs {needed // 2**20} MiB, and {free // 2**20} MiB are free in {work.parent}.",
            "Make room there. Nothing was written.",
        )


def _configured(real: Folders, trial: Folders, left_out: tuple[str, ...]) -> None:
    """Makes the copy's settings, secrets and folders."""
    for folder in (trial.configuration, trial.state, trial.logs):
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)  # whatever the umask is
    shutil.copytree(real.configuration / FOLDER, trial.configuration / FOLDER)
    settings = yaml.safe_load((real.configuration / data_folder.SETTINGS).read_text(encoding="utf-8"))
    written = {key: value for key, value in settings.items() if key not in left_out}
    path = trial.configuration / data_folder.SETTINGS
    path.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    for part in STATES:
        (trial.state / part).mkdir(mode=0o700)
    heads = real.state / "synapse" / HEADS
    if heads.exists():
        shutil.copyfile(heads, trial.state / "synapse" / HEADS)
    for provider in data_folder.read_settings(path).sign_in.providers:
        secret = trial.state / "synapse" / provider.client_secret_file
        if secret.is_relative_to(trial.state):
            secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy(real.state / "synapse" / provider.client_secret_file, secret)
    for part in STATES:
        owner = render_host.account(f"belisha-{part}")
        for one in (trial.state / part, *(trial.state / part).rglob("*")):
            os.chown(one, owner, -1)


def _copied(source: Database, target: Database, work: Path, progress: Progress) -> Mapping[str, int]:
    progress.step(f"Copying the database {source.name} as it is at this moment")
    dump = work / target.dump
    with postgresql.copied(source) as copied, copied.opened() as stream:
        with os.fdopen(os.open(dump, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
        counts, pseudonyms = copied.counts, copied.pseudonyms
    with dump.open("rb") as kept:
        postgresql.fill(target, kept)
    dump.unlink()
    if target.part == "synapse":
        postgresql.put_pseudonyms(target, pseudonyms)
    return counts


async def _started(trial: Folders, port: int, progress: Progress) -> None:
    async with closed_server.running(trial, port, progress):
        _, answer = await http_probe.get_json(port, STATUS, secrets.read(trial.configuration, "module_api"))
    degraded = answer.get("degraded")
    if isinstance(degraded, list) and degraded:
        raise CommandError(
            f"With this version something would not work: {' '.join(str(one) for one in degraded)}",
            "Stay with the version that runs, and say so to whoever made this one. Nothing was changed.",
        )


def _migrated(trial: Folders, work: Path) -> str:
    """Has the bots of this version bring their tables to their own; what they say of it."""
    # The command looks for its settings where `belisha up` has them.
    folder = work / "bots"
    make_passable(folder)
    (folder / "rendered").symlink_to(trial.configuration / "bots")
    whose = postgresql.account("belisha-bots")
    become: dict[str, Any] = {} if whose is None else {"user": whose.pw_uid, "group": whose.pw_gid, "extra_groups": ()}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PGPORT")}
    done = subprocess.run(  # noqa: S603  ourselves
        [sys.executable, "-m", "belisha", "bots", "migrate", "--data", str(folder)],
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
        cwd="/",
        env=kept | {"PYTHONDONTWRITEBYTECODE": "1"},
        **become,
    )
    if done.returncode:
        raise CommandError(done.stderr.strip().removeprefix("belisha: "), "Nothing was changed.")
    return str(done.stdout).strip()
