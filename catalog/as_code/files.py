"""The file itself: YAML with exact numbers and a line for every fault."""

import re
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

import yaml

from catalog.as_code import kinds
from catalog.as_code.items import compact, key_of, settled
from catalog.as_code.values import Catalogue, Fault, Item, Ref, plain, shown
from organizations.kernel.instants import parse_instant

FORMAT = 1
LARGEST = 20_000_000
HEAD = """# The catalogue of an organization. docs/catalogue-as-code.md says how it is read.
"""
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{1,40})?")


class FileRefused(Exception):
    """The file is not applied; ``faults`` tells all that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


# Writing -------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    is_other = value in _WORDS or _NUMBER.fullmatch(value)  # unquoted it would be no text
    style = "|" if "\n" in value else "'" if is_other else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _number(dumper: _Dumper, value: Decimal) -> yaml.Node:
    text = plain(value)
    kind = "float" if "." in text else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", text)


def _ref(dumper: _Dumper, value: Ref) -> yaml.Node:
    if value.by == "code":
        return _text(dumper, value.text)
    return dumper.represent_dict({value.by: value.text})


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Decimal, _number)
_Dumper.add_representer(Ref, _ref)
_Dumper.add_representer(datetime, lambda dumper, value: _text(dumper, shown(value)))


def written(catalogue: Catalogue) -> str:
    """Return the file of a catalogue; the same catalogue gives the same file."""
    document: dict[str, Any] = {"format": FORMAT}
    for kind in kinds.ALL:
        items = sorted(catalogue.get(kind.section, {}).values(), key=lambda item: item.label)
        if items:
            document[kind.section] = [compact(kind, item.values) for item in items]
    return HEAD + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )


# Reading -------------------------------------------------------------------------------------


def read(text: str, *, zone: tzinfo) -> Catalogue:
    """Return the catalogue of a file; raises ``FileRefused`` with every fault of its form."""
    if len(text) > LARGEST:
        raise FileRefused([Fault(0, "", "The file is larger than 20 MB.")])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise FileRefused([_unreadable(error)]) from error
    reading = _Reading(zone)
    reading.document(root)
    if reading.faults:
        raise FileRefused(reading.faults)
    return reading.catalogue


def _unreadable(error: Exception) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "nested too deeply or with odd characters"
    return Fault(mark.line + 1 if mark else 0, "", f"This is no YAML: {problem}.")


class _Reading:
    """Walks the nodes once and gathers items and faults."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.faults: list[Fault] = []
        self.catalogue: Catalogue = {}
        self.seen: set[int] = set()

    def fault(self, node: yaml.Node, where: str, message: str) -> None:
        self.faults.append(Fault(node.start_mark.line + 1, where, message))

    def document(self, root: yaml.Node | None) -> None:
        """Read the sections."""
        if not isinstance(root, yaml.MappingNode):
            self.faults.append(Fault(0, "", "The file has to be a map of sections."))
            return
        known = ", ".join(kinds.BY_SECTION)
        for name, node in self.pairs(root, ""):
            if name == "format":
                if self.value(node, "format") != FORMAT:
                    self.fault(node, "format", f"only format {FORMAT} is known")
            elif name not in kinds.BY_SECTION:
                self.fault(node, name, f"no such section; there are {known}")
            elif not isinstance(node, yaml.SequenceNode):
                self.fault(node, name, "has to be a list")
            else:
                for entry in node.value:
                    self.item(kinds.BY_SECTION[name], entry)

    def pairs(self, node: yaml.MappingNode, where: str) -> list[tuple[str, yaml.Node]]:
        """Return the entries of a map; a name given twice is a fault."""
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fault(key, where, "a name has to be a text")
            elif key.value in found:
                self.fault(key, where, f"{key.value} is given twice")
            else:
                found[key.value] = value
        return list(found.items())

    def item(self, kind: kinds.Kind, node: yaml.Node) -> None:
        """Read one item and put it into its section."""
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, kind.section, "each item has to be a map of fields")
            return
        before, nodes, values = len(self.faults), dict(self.pairs(node, kind.section)), {}
        for name, one in nodes.items():
            where = f"{kind.section}, {name}"
            if name not in kind.fields:
                self.fault(one, where, f"no such field; there are {', '.join(kind.fields)}")
            else:
                values[name] = self.field(kind, name, one, where)
        if len(self.faults) > before:
            return
        settled_values = settled(kind, values)
        key = key_of(kind, settled_values)
        lines = {name: one.start_mark.line + 1 for name, one in nodes.items()}
        if key is None:
            self.fault(node, kind.section, "needs a code, or a name, that is a text")
            return
        item = Item(kind.section, key, settled_values, line, lines)
        other = self.catalogue.setdefault(kind.section, {}).setdefault(key, item)
        if other is not item:
            self.fault(node, item.label, f"is there already, in line {other.line}")

    def field(self, kind: kinds.Kind, name: str, node: yaml.Node, where: str) -> Any:
        """Read one field: a reference, a time or anything else."""
        value = self.value(node, where)
        if value is None:
            return None
        if name in kind.references:
            if isinstance(value, str):
                return Ref("code", value)
            if isinstance(value, dict) and set(value) == {"name"} and type(value["name"]) is str:
                return Ref("name", value["name"])
            self.fault(node, where, "has to be a code, or {name: ...} of what has no code")
        if name in kinds.INSTANTS:
            try:
                return parse_instant(value, zone=self.zone)
            except (TypeError, ValueError, OverflowError):
                self.fault(node, where, "has to be a date or an ISO 8601 date-time")
        return value

    def value(self, node: yaml.Node, where: str) -> Any:
        """Return the value of a node; anything said by reference (&, *) is a fault."""
        if id(node) in self.seen:
            self.fault(node, where, "anchors and aliases are not read: write it out")
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return {name: self.value(one, where) for name, one in self.pairs(node, where)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(one, where) for one in node.value]
        return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = node.value
    if node.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return Decimal(text) if "." in text else int(text)
    return text
