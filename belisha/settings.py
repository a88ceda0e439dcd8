"""The one schema of belisha.yaml.

A mistake stops the start: unknown keys, placeholders that nobody filled in and contradictions are refused,
each with its line and what to write instead. Knows nothing of the files that are rendered from it.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from belisha import settings_values as values
from belisha.settings_backup import Backup
from belisha.settings_contradictions import contradictions
from belisha.settings_part import Part
from belisha.settings_parts import Audit, Bots, Logs, Metrics, SignIn, Watching, Workers
from belisha.yaml_lines import Document, KeyPath, YamlProblem, read

Category = Literal["government", "academia", "industry", "charity"]
Badge = Literal["always", "above_default", "never"]
Tls = Literal["none", "starttls", "tls"]
Marking = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED", "refuse"]
ExactLabel = Literal["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"]
MailCeiling = Literal["TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT"]
Scan = Literal["none", "best_effort", "required"]
Seconds = Annotated[int, AfterValidator(values.seconds)]
Days = Annotated[int, AfterValidator(values.days)]
_EXAMPLE = "see the shipped belisha.example.yaml"

Name = Annotated[str, AfterValidator(values.name)]


class Host(Part):
    """The organisation that runs the community; the first one in the registry."""

    id: Annotated[str, AfterValidator(values.organisation_id)]
    name: Name
    category: Category


class FirstManager(Part):
    """The account that `belisha up` makes on its first run."""

    localpart: Annotated[str, AfterValidator(values.localpart)]
    name: Name


class Community(Part):
    """Who the community is."""

    name: Name
    time_zone: Annotated[str, AfterValidator(values.time_zone)]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en-GB"
    host: Host
    first_manager: FirstManager


class Labels(Part):
    """How labels are shown and read."""

    badge: Badge = "always"
    markings: Annotated[Mapping[str, Marking], AfterValidator(values.markings), AfterValidator(MappingProxyType)] = (
        Field(default_factory=lambda: MappingProxyType({}))
    )


class Rooms(Part):
    """What rooms may do beyond the rules."""

    encrypted_named_rooms: bool = False
    calls: bool = False


class KnownFiles(Part):
    """Who knows of files that must not be kept, by their hashes."""

    list: Annotated[str, AfterValidator(values.file_path)] | None = None
    matcher: Annotated[str, AfterValidator(values.matcher)] | None = None
    matcher_secret_file: Annotated[str, AfterValidator(values.file_path)] | None = None
    matcher_seconds: Seconds = 5


class Files(Part):
    """Limits of uploaded files, and who looks at them before they are taken."""

    max_upload_size: Annotated[str, BeforeValidator(values.size)] = "50M"
    scan: Scan = "none"
    clamav: Annotated[str, AfterValidator(values.scanner_socket)] | None = None
    scan_seconds: Seconds = 30
    known: KnownFiles = Field(default_factory=KnownFiles)


class Retention(Part):
    """How long things are kept."""

    items: Annotated[Mapping[ExactLabel, Days], AfterValidator(MappingProxyType)] = Field(
        default_factory=lambda: MappingProxyType({})
    )
    unshared_files: Days = 7


class Push(Part):
    """Where notifications of phones may go."""

    gateways: Annotated[Sequence[Annotated[str, AfterValidator(values.gateway)]], AfterValidator(tuple)] = ()


class Mail(Part):
    """The server that takes the mail of bots."""

    host: Annotated[str, AfterValidator(values.mail_host)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 465
    tls: Tls = "tls"
    sender: Annotated[str, AfterValidator(values.mail_address)] | None = None
    ceiling: MailCeiling = "TLP:GREEN"
    user: str | None = None
    password_file: str | None = None


Address = Annotated[str, AfterValidator(values.mail_address)]


class Escalation(Part):
    """Whom to tell of an urgent report that nobody looks after."""

    minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    mail: Address | None = None
    webhook: Annotated[str, AfterValidator(values.webhook)] | None = None
    webhook_secret_file: str | None = None
    stewards: Annotated[Sequence[Address], AfterValidator(tuple)] = ()
    manager: Address | None = None


Origin = Annotated[str, AfterValidator(values.origin)]


class RateLimit(Part):
    """How often somebody may ask: so many a second, so many at once; named as Synapse's `rc_…` settings."""

    per_second: Annotated[float, Field(gt=0, le=100_000)]
    burst_count: Annotated[int, Field(ge=1, le=1_000_000)]


class Portal(Part):
    """The community's pages, and the Elements that may show them."""

    public_url: Annotated[str | None, AfterValidator(values.public_url)] = None
    element_origins: Annotated[Sequence[Origin], AfterValidator(tuple)] = ()
    rc_address: RateLimit = RateLimit(per_second=20, burst_count=300)
    rc_member: RateLimit = RateLimit(per_second=5, burst_count=120)
    rc_sign_in: RateLimit = RateLimit(per_second=0.1, burst_count=60)


class Element(Part):
    """The community's own Element Web."""

    public_url: Origin | None = None
    theme: Literal["light", "dark"] = "light"
    policies: Annotated[
        Mapping[Name, Annotated[str, AfterValidator(values.page)]], AfterValidator(MappingProxyType)
    ] = Field(default_factory=lambda: MappingProxyType({}))


class Onboarding(Part):
    """What new members are shown."""

    rules: Annotated[str, AfterValidator(values.file_path)] | None = None


class Recertification(Part):
    """How often leads confirm who still belongs to their organisation."""

    days: Annotated[int, Field(ge=30, le=730)] | None = 90


class Settings(Part):
    """belisha.yaml, checked."""

    server_name: Annotated[str, AfterValidator(values.server_name)]
    public_url: Annotated[str | None, AfterValidator(values.public_url)] = None
    community: Community
    labels: Labels = Field(default_factory=Labels)
    rooms: Rooms = Field(default_factory=Rooms)
    files: Files = Field(default_factory=Files)
    retention: Retention = Field(default_factory=Retention)
    backup: Backup = Field(default_factory=Backup)
    push: Push = Field(default_factory=Push)
    mail: Mail = Field(default_factory=Mail)
    portal: Portal = Field(default_factory=Portal)
    element: Element = Field(default_factory=Element)
    escalation: Escalation = Field(default_factory=Escalation)
    sign_in: SignIn = Field(default_factory=SignIn)
    strict_hooks: bool = False
    audit: Audit = Field(default_factory=Audit)
    logs: Logs = Field(default_factory=Logs)
    onboarding: Onboarding = Field(default_factory=Onboarding)
    recertification: Recertification = Field(default_factory=Recertification)
    metrics: Metrics = Field(default_factory=Metrics)
    watching: Watching = Field(default_factory=Watching)
    workers: Workers = Field(default_factory=Workers)
    bots: Bots = Field(default_factory=Bots)


@dataclass(frozen=True)
class Problem:
    """One mistake in belisha.yaml.

    Attributes:
        line: counted from 1.
        where: the key, with the keys around it (`community.host.id`).
        what: what is wrong.
        remedy: what to write instead.
    """

    line: int
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"line {self.line}: {where}{self.what}; {self.remedy}."


class SettingsError(Exception):
    """belisha.yaml cannot be used."""

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(f"{path}, {problem}" for problem in problems))


def load(path: Path) -> Settings:
    """Reads and checks belisha.yaml.

    Raises:
        SettingsError: with every problem found, in the order of the lines.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(1, "", f"the file cannot be read ({error.strerror})", "check its path and its rights")
        raise SettingsError(path, (problem,)) from None
    except UnicodeDecodeError:
        problem = Problem(1, "", "the file is not UTF-8 text", "save it as UTF-8")
        raise SettingsError(path, (problem,)) from None
    return parse(text, path)


def parse(text: str, path: Path = Path("belisha.yaml")) -> Settings:
    """Checks the text of a belisha.yaml; `path` is only named in the problems.

    Raises:
        SettingsError: with every problem found, in the order of the lines.
    """
    try:
        document = read(text)
    except YamlProblem as error:
        raise SettingsError(path, (Problem(error.line, "", error.what, error.remedy),)) from None
    problems = _placeholders(document)
    settings = None
    try:
        settings = Settings.model_validate(document.value)
    except ValidationError as error:
        known = {problem.where for problem in problems}
        found = (_problem(detail, document) for detail in error.errors(include_url=False))
        problems += [problem for problem in found if problem.where not in known]
    if settings is not None:
        problems += [
            Problem(document.line(path), _dotted(path), what, remedy) for path, what, remedy in contradictions(settings)
        ]
    if problems or settings is None:
        raise SettingsError(path, tuple(sorted(set(problems), key=lambda one: (one.line, one.where))))
    return settings


def _placeholders(document: Document) -> list[Problem]:
    return [
        Problem(
            document.line(path),
            _dotted(path),
            f"{text!r} is a placeholder",
            "write your community's own value",
        )
        for path, text in document.texts()
        if values.is_placeholder(text) and path != ("sign_in", "method")  # where `password` is one of the choices
    ]


def _problem(detail: ErrorDetails, document: Document) -> Problem:
    path: KeyPath = tuple(part for part in detail["loc"] if part != "[key]")
    line, where = document.line(path), _dotted(path)
    context, given = detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "belisha":
            return Problem(line, where, context["what"], context["remedy"])
        case "missing":
            remedy = f"add it as in the shipped belisha.example.yaml: {path[-1]}: …"
            return Problem(document.line(path[:-1]), where, "this key is missing", remedy)
        case "extra_forbidden":
            return Problem(line, where, "Belisha knows no such key", _nearest(path))
        case "literal_error":
            return Problem(line, where, f"{given!r} is not one of the choices", f"write {context['expected']}")
        case "string_type":
            return Problem(line, where, f"{given!r} is not text", "put it in quotation marks")
        case "bool_type":
            return Problem(line, where, f"{given!r} is neither true nor false", "write true or false")
        case "list_type" | "sequence_type" | "sequence_str":
            return Problem(line, where, f"{given!r} is not a list", "write [] for none, or one entry a line after “- ”")
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            return Problem(line, where, "this must hold keys of its own", _EXAMPLE)
        case _:
            return Problem(line, where, detail["msg"], _EXAMPLE)


def _nearest(path: KeyPath) -> str:
    known = keys_at(path[:-1])
    near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
    if near:
        return f"write {near[0]} if that is meant, or remove the line"
    elsewhere = [key for key in all_keys() if key.rpartition(".")[2] == path[-1]]
    if elsewhere:
        return f"move it to {elsewhere[0]}"
    return f"remove it, or use one of: {', '.join(known)}"


def keys_at(path: KeyPath) -> list[str]:
    """The keys that the schema knows under `path`; of a list there are some under the number of an entry alone."""
    model: type[BaseModel] = Settings
    is_list = False
    for part in path:
        if is_list:  # `part` is the number of an entry
            is_list = False
            continue
        annotation = model.model_fields[str(part)].annotation if part in model.model_fields else None
        is_list = any(isinstance(one, type) and issubclass(one, Part) for one in get_args(annotation))
        inner = get_args(annotation)[0] if is_list else annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [] if is_list else list(model.model_fields)


def all_keys(path: KeyPath = ()) -> list[str]:
    """Every key of the schema, dotted, sections included."""
    found = []
    for key in keys_at(path):
        found.append(_dotted((*path, key)))
        found += all_keys((*path, key))
    return found


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)


LABEL_CHOICES: tuple[str, ...] = get_args(Marking)
