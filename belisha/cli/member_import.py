"""`belisha member import`: members out of a CSV file, all of it or nothing, as often as wanted.

The whole file is read and checked against the registry first; every mistake is told with its line and what to do. Only
a file without one changes anything. A second run finds everything as it should be.
"""

import argparse
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from belisha.cli import local_api
from belisha.cli.errors import CommandError
from belisha.cli.passwords import PasswordFile
from belisha.policy.likeness import Known, clash_of_member
from belisha.policy.names import problem_of_member

COLUMNS = ("organisation", "localpart", "name", "roles")
#: More mistakes than this are not told one by one.
_TOLD = 50


@dataclass(frozen=True)
class Row:
    """One member of the file; `line` is where it ends, as editors count."""

    line: int
    localpart: str
    name: str
    organisation: str
    roles: tuple[str, ...]


def read(
    text: str,
    organisations: Mapping[str, str],
    known: Mapping[str, local_api.Member],
    names: Mapping[str, str] = MappingProxyType({}),
) -> tuple[list[Row], list[str]]:
    """The rows of a file, and every mistake in it as a sentence with its line and remedy.

    Args:
        text: the file; its first line names the columns. Roles are separated by spaces or `;`.
        organisations: the standing of each that there is, by id.
        known: the members that there are, by localpart.
        names: the organisations' names, by id.
    """
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), skipinitialspace=True)
    columns = [column.strip() for column in table.fieldnames or ()]
    if sorted(columns) != sorted(COLUMNS):
        return [], [f"line 1: The columns are {', '.join(COLUMNS)}. Write exactly these into the first line."]
    table.fieldnames = columns
    rows: list[Row] = []
    mistakes: list[str] = []
    seen: dict[str, int] = {}
    # As it will be while the rows are carried out one by one.
    members = {key: (one.name, one.organisation) for key, one in known.items() if one.standing != "removed"}
    former = frozenset(key for key, one in known.items() if one.standing == "removed")
    try:
        for values in table:
            line = table.line_num
            if None in values or None in values.values():
                mistakes.append(
                    f"line {line}: This line has not four values. Put a text that holds a comma into quotation marks."
                )
                continue
            row = _row(line, values)
            problem = _problem(row, organisations, known, seen)
            if problem is None and members.get(row.localpart) != (row.name, row.organisation):
                problem = clash_of_member(row.localpart, row.name, row.organisation, Known(members, names, former))
            if problem is None:
                members[row.localpart] = (row.name, row.organisation)
                rows.append(row)
            else:
                mistakes.append(f"line {line}: {problem}")
            seen.setdefault(row.localpart, line)
    except csv.Error as error:
        mistakes.append(f"line {table.line_num}: This is not CSV ({error}). Save it as “CSV UTF-8” again.")
    if not rows and not mistakes:
        mistakes.append("line 2: There is no member in this file. Write one in each line below the first.")
    return rows, mistakes


def _row(line: int, values: Mapping[str, str]) -> Row:
    roles = values["roles"].replace(";", " ").split()
    return Row(
        line,
        values["localpart"].strip(),
        values["name"].strip(),
        values["organisation"].strip(),
        tuple(dict.fromkeys(roles)) or ("member",),
    )


def _problem(
    row: Row, organisations: Mapping[str, str], known: Mapping[str, local_api.Member], seen: Mapping[str, int]
) -> str | None:
    problem = problem_of_member(row.localpart, row.name, row.roles)
    if problem is not None:
        return problem
    if row.organisation not in organisations:
        return f"There is no organisation “{row.organisation}”. Add it first: belisha organisation add."
    if row.localpart in seen:
        return f"“{row.localpart}” stands in line {seen[row.localpart]} already. Leave one of the two out."
    before = known.get(row.localpart)
    if before is None and organisations[row.organisation] == "frozen":
        return f"“{row.organisation}” is frozen. Thaw it first: belisha organisation thaw {row.organisation}."
    if before is not None and before.standing == "removed":
        return f"“{row.localpart}” was a former member's name, which is never given again. Please choose another."
    return None


def _is_so(row: Row, before: local_api.Member | None) -> bool:
    return before is not None and (before.name, before.organisation, before.roles) == (
        row.name,
        row.organisation,
        row.roles,
    )


async def carry_out(args: argparse.Namespace) -> int:
    """Reads the file, and brings the registry to what it says; with `--dry-run` only says what would be done."""
    text = _text_of(args.file)
    added = changed = 0
    async with local_api.of(args.data) as api:
        known = {member.user_id.partition(":")[0][1:]: member for member in await api.members()}
        organisations = await api.organisations()
        rows, mistakes = read(
            text,
            {each.id: each.standing for each in organisations},
            known,
            {each.id: each.name for each in organisations},
        )
        if mistakes:
            more = [f"… and {len(mistakes) - _TOLD} more."] if len(mistakes) > _TOLD else []
            print("\n".join([*mistakes[:_TOLD], *more]))
            raise CommandError(f"{args.file} has {len(mistakes)} mistake(s), so nothing was changed.")
        for row in rows:
            before = known.get(row.localpart)
            if _is_so(row, before):
                continue
            added, changed = added + (before is None), changed + (before is not None)
            if args.dry_run:
                print(f"line {row.line}: {row.localpart} would be {'added' if before is None else 'changed'}")
                continue
            if before is not None:
                await api.put_member(row.localpart, row.name, row.organisation, row.roles)
                continue
            with PasswordFile(args.data, row.localpart) as password:
                change = await api.put_member(
                    row.localpart, row.name, row.organisation, row.roles, password.text, password.key
                )
            if not change.created:  # an account that was there already keeps its password
                password.drop()
    has_passwords = added and not args.dry_run and PasswordFile.folder(args.data).exists()
    folder = f"; the passwords are in {PasswordFile.folder(args.data)}" if has_passwords else ""
    would = "would be " if args.dry_run else ""
    print(f"{added} {would}added, {changed} {would}changed, {len(rows) - added - changed} are so already{folder}")
    return 0


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8.", "Save it as “CSV UTF-8” again.") from None
