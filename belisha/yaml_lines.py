"""YAML read together with the line of every key, so that a mistake can be shown where it stands.

Knows YAML only; what the keys mean is `belisha.settings`'.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import yaml

KeyPath = tuple[str | int, ...]


class _Mark(Protocol):
    """A place in the text; PyYAML has two types of it."""

    line: int


class YamlProblem(Exception):
    """The text is no YAML that Belisha reads: at `line`, `what` is wrong; `remedy` says what to write."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(line, what, remedy)
        self.line, self.what, self.remedy = line, what, remedy


@dataclass
class Document:
    """A YAML document and where its parts stand.

    Attributes:
        value: what the document says, as plain dicts, lists and scalars.
        lines: the line (from 1) of each key or list entry, by its path.
    """

    value: object
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest part around it that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def texts(self) -> Iterator[tuple[KeyPath, str]]:
        """Every text value (not the keys) with its path."""
        yield from _texts(self.value, ())


def read(text: str) -> Document:
    """Reads one YAML document.

    Raises:
        YamlProblem: broken syntax, a key that stands twice or is no text, an alias, several documents.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise YamlProblem(
                    _line(event.start_mark), f"*{event.anchor} is a YAML alias", "write the value out instead"
                )
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            document = Document({})
            if node is not None:
                document.lines[()] = _line(node.start_mark)
                document.value = _build(loader, node, (), document.lines)
            return document
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(
            _line(mark),
            f"this is not YAML ({error.problem or 'unreadable'})",
            "check the indentation, the colons and the quotation marks on this line and the one before",
        ) from None
    except yaml.YAMLError as error:
        raise YamlProblem(
            1, f"this is not YAML ({error})".splitlines()[0], "save the file as plain UTF-8 text"
        ) from None


def _build(loader: yaml.SafeLoader, node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> object:
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            line = _line(key_node.start_mark)
            if not isinstance(key, str):
                raise YamlProblem(line, "this key is not text", "put the key in quotation marks")
            if key in mapping:
                raise YamlProblem(
                    line,
                    f"{key} stands here a second time (first on line {lines[(*path, key)]})",
                    "keep one of the two",
                )
            lines[(*path, key)] = line
            mapping[key] = _build(loader, value_node, (*path, key), lines)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        entries: list[object] = []
        for number, entry in enumerate(node.value):
            lines[(*path, number)] = _line(entry.start_mark)
            entries.append(_build(loader, entry, (*path, number), lines))
        return entries
    try:
        value: object = loader.construct_object(node)
    except ValueError as error:  # a scalar that looks like a date and is none
        raise YamlProblem(
            _line(node.start_mark), f"this value cannot be read ({error})", "put it in quotation marks"
        ) from None
    return value


def _line(mark: _Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _texts(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*path, number))
