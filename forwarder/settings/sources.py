"""Reads the configuration, webhook files and provider files into trees: substituted, translated, overridden. Validates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from forwarder.settings import dialects
from forwarder.settings.environment import overlay
from forwarder.settings.files import documents, webhook_files
from forwarder.settings.problems import Problem, Unparsable
from forwarder.settings.substitute import Substitution
from forwarder.settings.tree import ListNode, MapNode, Mark, Node, Text, text_of


@dataclass(frozen=True, slots=True)
class RawWebhook:
    """A webhook's mapping in the native form. `prefix` goes before its paths (`webhooks[siem].`)."""

    node: MapNode
    prefix: str


@dataclass(slots=True)
class Raw:
    """Everything that was read. `process` is the configuration without its webhooks; `unreadable`: there is none."""

    process: MapNode
    unreadable: bool = False
    webhooks: list[RawWebhook] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)


def read(path: Path, environ: Mapping[str, str]) -> Raw:
    """The configuration at `path` and the files of its `webhooksDir` and `providersDir`. Every file is read, whatever is wrong with
    others."""
    reader = _Reader(path, environ)
    reader.configuration()
    reader.folder()
    reader.providers()
    raw = reader.raw
    raw.problems += reader.substitution.problems
    raw.variables = reader.substitution.used
    return raw


class _Reader:
    """Gathers trees and problems over all files."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.raw = Raw(MapNode(Mark(str(path), 1, 1)))
        self.substitution = Substitution(environ)
        self._path = path
        self._environ = environ

    def configuration(self) -> None:
        """The file itself: one document, one mapping."""
        found = self._documents(self._path)
        root = found[0] if found else self.raw.process
        if len(found) > 1:
            self._refuse(found[1].mark, "a second YAML document: the configuration is one document")
        if isinstance(root, Text) and root.value is None:
            root = MapNode(root.mark)
        if isinstance(root, MapNode):
            self._hooks(root.entries.get("webhooks"))
            self.substitution.prefix = ""
            root = self.substitution.mapping(root.without("webhooks"))
        else:
            self._refuse(root.mark, "a mapping is expected, such as `sources:` and `webhooks:`")
            root = self.raw.process
        self.raw.process = overlay(root, self._environ)

    def folder(self) -> None:
        """The webhook files, in the order of their names."""
        for file in self._files("webhooksDir"):
            for document in self._documents(file):
                inner = document.entries.get("webhooks") if isinstance(document, MapNode) else None
                self._hooks(
                    inner if isinstance(document, MapNode) and set(document.entries) == {"webhooks"} else document
                )

    def providers(self) -> None:
        """The files of `providersDir`: each a provider, named after its file."""
        for file in self._files("providersDir"):
            for document in self._documents(file):
                self._provider(file.stem, document)

    def _provider(self, name: str, document: Node) -> None:
        known = self.raw.process.entries.get("providers")
        known = known if isinstance(known, MapNode) else MapNode(document.mark)
        if name in known.entries:
            self._refuse(document.mark, f"the provider {name!r} is here and at {known.keys[name]}")
            return
        self.substitution.prefix = f"providers.{name}."
        whole = MapNode(
            known.mark, known.entries | {name: self.substitution.apply(document)}, known.keys | {name: document.mark}
        )
        self.raw.process = self.raw.process.having(providers=whole)

    def _files(self, setting: str) -> list[Path]:
        """The files of a folder that the configuration names; none where it names none or it cannot be listed."""
        name = text_of(self.raw.process.entries.get(setting))
        if not name:
            return []
        folder = self._path.parent / name
        self.raw.folders.append(folder)
        try:
            return webhook_files(folder, self._path)
        except (Unparsable, OSError) as error:
            problem = error.problem.text if isinstance(error, Unparsable) else f"cannot be listed: {error.strerror}"
            self.raw.problems.append(Problem(self.raw.process.keys[setting], setting, f"{folder}: {problem}"))
            return []

    def _documents(self, path: Path) -> list[Node]:
        """A file's documents; none where it cannot be parsed."""
        self.raw.files.append(path)
        try:
            return documents(path)
        except Unparsable as error:
            self.raw.problems.append(error.problem)
            self.raw.unreadable = self.raw.unreadable or path == self._path
            return []

    def _hooks(self, node: Node | None) -> None:
        """One webhook or a list of them; null is none."""
        match node:
            case ListNode(items=items):
                for item in items:
                    self._hook(item)
            case None | Text(value=None):
                pass
            case _:
                self._hook(node)

    def _hook(self, node: Node) -> None:
        index = len(self.raw.webhooks)
        if not isinstance(node, MapNode):
            self._refuse(node.mark, "a webhook is expected here: a mapping with `name` and `url`")
            return
        prefix = f"webhooks[{text_of(node.entries.get('name')) or index}]."
        self.substitution.prefix = prefix
        translated = dialects.native(self.substitution.mapping(node))
        self.raw.problems += [Problem(p.mark, prefix + p.path, p.text) for p in translated.problems]
        self.raw.webhooks.append(RawWebhook(translated.node, prefix))

    def _refuse(self, mark: Mark, text: str) -> None:
        self.raw.problems.append(Problem(mark, "", text))


def order(files: list[Path]) -> Mapping[str, int]:
    """File names by their rank, for sorting problems."""
    return {str(file): rank for rank, file in enumerate(files)}
