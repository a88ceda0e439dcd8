"""`belisha explain`: what the rules decide about one item, and why; or whether cases kept as data still hold."""

import argparse
import json
from pathlib import Path

import yaml

from belisha.cli.errors import CommandError
from belisha.cli.options import Subparsers
from belisha.markers import MarkerReader
from belisha.policy.cases import Case, CaseError, as_text
from belisha.policy.rooms import Kind
from belisha.tlp import Label

_LABELS = [str(label) for label in reversed(Label)]
_CASE_KEYS = ("kind", "organisations", "encrypted", "type", "label", "text", "file", "parent", "edit", "calls")


def register(subparsers: "Subparsers[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser."""
    parser = subparsers.add_parser(
        "explain",
        help="say what the rules decide about an item, and why",
        description="Decides about one item as the server would, and prints the decision, its rule and its reason.",
        epilog='For example: belisha explain --kind open --text "TLP:AMBER Please keep this close"',
    )
    parser.add_argument("--cases", type=Path, metavar="DIR", help="check every case in DIR/*.yaml instead")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings whose markings are to be read too")
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], help="the room's kind")
    parser.add_argument("--organisations", metavar="A,B", help="the organisations that a closed group lists")
    parser.add_argument("--encrypted", action="store_true", help="the room is encrypted (named rooms only)")
    parser.add_argument("--type", default="m.room.message", metavar="TYPE", help="the event type (m.room.message)")
    parser.add_argument("--label", metavar="LABEL", help=f"the label its sender chose: {', '.join(_LABELS)}")
    parser.add_argument("--text", default="", help="what its sender wrote; a marker in it counts")
    parser.add_argument("--file", metavar="LABEL", help="the label inside its file")
    parser.add_argument("--parent", metavar="LABEL", help="the label of what it answers or edits")
    parser.add_argument("--edit", action="store_true", help="it is an edit")
    parser.add_argument("--calls", action="store_true", help="the community allows calls")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Explains one item, or checks cases."""
    markers = MarkerReader(_markings(args.config))
    if args.cases:
        return _check(args.cases, markers)
    if args.kind is None:
        raise CommandError("The kind of the room is missing.", "Add --kind, for example --kind open.", code=2)
    raw = {key: getattr(args, key) for key in _CASE_KEYS}
    raw["organisations"] = [name for name in (args.organisations or "").split(",") if name]
    try:
        parts = as_text(Case.parse(raw).decide(markers))
    except CaseError as error:
        raise CommandError(f"{error}.", "See belisha explain --help.", code=2) from None
    if args.json:
        print(json.dumps(parts, ensure_ascii=False))
        return 0
    label = f" as {parts['label']}" if parts["verdict"] == "allow" and "label" in parts else ""
    print(f"{parts['verdict']}{label}, by rule {parts['rule']}")
    print(parts["reason"])
    if "code" in parts:
        print(f"errcode: ORG.BELISHA.{parts['code']}")
    return 0


def _markings(config: Path | None) -> dict[str, Label | None]:
    from belisha.cli.data_folder import read_settings
    from belisha.resources import shipped

    settings = read_settings(config or shipped("config", "belisha.example.yaml"))
    return {name: Label.parse(meaning) for name, meaning in settings.labels.markings.items()}


def _check(folder: Path, markers: MarkerReader) -> int:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise CommandError(f"There are no cases in {folder}.", "Name a folder with .yaml files of cases.")
    checked = failed = 0
    for file in files:
        try:
            raws = yaml.safe_load(file.read_text(encoding="utf-8")) or []
            cases = [Case.parse(raw) for raw in raws]
        except (CaseError, yaml.YAMLError, TypeError) as error:
            raise CommandError(f"{file}: {error}.", "Mend the file and run this again.") from None
        for case in cases:
            checked += 1
            failures = case.failures(markers) if case.expect else ["it expects nothing, so it checks nothing"]
            failed += bool(failures)
            for failure in failures:
                print(f"{file.name}: {case.name}: {failure}")
    print(f"{checked} cases checked, {failed} failed")
    return 1 if failed or not checked else 0
