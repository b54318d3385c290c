"""From a path to settings, or to every mistake at once. The one way in; a refused configuration changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forwarder.errors import ConfigurationError
from forwarder.settings.checks import Check, standard
from forwarder.settings.checks.files import secret_variables
from forwarder.settings.environment import unknown
from forwarder.settings.problems import Finding, Problem, Weight
from forwarder.settings.process import Settings
from forwarder.settings.resolve import resolved
from forwarder.settings.show import webhook_fingerprint
from forwarder.settings.sources import Raw, order, read
from forwarder.settings.tree import locate, written
from forwarder.settings.validate import Draft, draft
from forwarder.settings.webhook import Webhook

_NEEDS: Mapping[str, frozenset[str]] = {
    "sources": frozenset({"sources"}),
    "eventSets": frozenset({"eventSets"}),
    "tenants": frozenset({"tenants"}),
    "preset": frozenset({"presets"}),
    "drain": frozenset({"kafka"}),
    "maxBytes": frozenset({"memory"}),
    "maxRecordBytes": frozenset({"memory"}),
    "url": frozenset({"allowPlainHttp"}),
    "eventsPolicy": frozenset({"events", "eventSets"}),
    "signature": frozenset({"signatureKey"}),
    "payload": frozenset({"providers", "providersDir"}),
    "idleGap": frozenset({"throttle", "maxWait"}),
}
"""What else a finding at a field rests on: where that is broken, the finding would be about a stand-in."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was accepted.

    `settings.webhooks` holds those of the file, then those of `webhooksDir` by file name. `files` are what was read,
    `watched` what a `Watcher` must watch. `fingerprints` (by webhook name) change when any field of a webhook does.
    """

    settings: Settings
    warnings: tuple[str, ...]
    files: tuple[Path, ...]
    watched: tuple[Path, ...]
    fingerprints: Mapping[str, str]


def load(path: Path, environ: Mapping[str, str] | None = None, checks: Sequence[Check] = ()) -> Loaded:
    """Reads, validates and checks everything. `environ` is the process's unless given; `checks` come from upper layers.

    Raises ConfigurationError with all problems of all files, each one line, in the order of their places.
    """
    environ = os.environ if environ is None else environ
    raw = read(Path(path), environ)
    process = draft(Settings, raw.process, {"sources": [{"topic": "stand-in"}]})
    hooks = [
        draft(Webhook, hook.node, {"name": f"stand-in-{index}", "url": "https://stand-in.invalid/"}, hook.prefix)
        for index, hook in enumerate(raw.webhooks)
    ]
    settings = resolved(process.value.model_copy(update={"webhooks": tuple(hook.value for hook in hooks)}))
    problems = list(raw.problems) + [p for hook in hooks for p in hook.problems]
    if not raw.unreadable:  # what is missing in a file that nobody can read is no news
        problems += process.problems
    for check in (*standard(environ), *checks):
        problems += _placed(check(settings), raw, process, hooks)
    said = _sorted(problems + unknown(environ, raw.variables | secret_variables(settings)), raw)
    errors = [str(problem) for problem in said if problem.weight is Weight.ERROR]
    if errors:
        raise ConfigurationError(errors)
    return Loaded(
        settings,
        tuple(str(problem) for problem in said),
        tuple(raw.files),
        (Path(path), *raw.folders, *_template_files(settings)),
        {hook.name: webhook_fingerprint(hook) for hook in settings.webhooks},
    )


def _template_files(settings: Settings) -> list[Path]:
    """The files that templates are read from: a change of one is a change of the configuration."""
    return [Path(template.file) for template in settings.templates.values() if template.file]


def _sorted(problems: list[Problem], raw: Raw) -> list[Problem]:
    """By file, line, column and text; each once. Environment variables come after files."""
    ranks = order(raw.files)
    unique = dict.fromkeys(problems)
    return sorted(
        unique, key=lambda p: (ranks.get(p.mark.file, len(ranks)), p.mark.file, p.mark.line, p.mark.column, str(p))
    )


def _placed(
    findings: Iterable[Finding], raw: Raw, process: Draft[Settings], hooks: list[Draft[Webhook]]
) -> Iterator[Problem]:
    """Findings with their places; those that rest on a broken field are left out, for that is a problem already."""
    names = {hook.value.name: index for index, hook in reversed(list(enumerate(hooks)))}
    for finding in findings:
        index = names.get(finding.webhook) if isinstance(finding.webhook, str) else finding.webhook
        node = raw.process if index is None else raw.webhooks[index].node
        prefix = "" if index is None else raw.webhooks[index].prefix
        broken = process.broken if index is None else hooks[index].broken
        needed = {str(finding.path[0])}.union(*(_NEEDS.get(str(step), frozenset()) for step in finding.path))
        outside = (
            process.broken & {"sources", "eventSets", "tenants", "memory", "providers"}
            if index is not None
            else frozenset()
        )
        if needed & (broken | outside):
            continue
        mark, _, _ = locate(node, finding.path)
        yield Problem(mark, prefix + written(finding.path), finding.text, finding.weight)
