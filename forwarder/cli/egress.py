"""`forwarder egress`: the guard, what the firewalls on both sides have to allow, and a verdict on any address. Connects nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forwarder.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
    Output,
    OutputOption,
    start_logging,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from forwarder.cli.egress_facts import Facts
    from forwarder.deliver.judge import Judgement
    from forwarder.settings.process import Egress

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")

_NAT = (
    "These are this machine's own addresses. Behind NAT, a proxy or a cloud gateway a receiver sees another one: ask whoever runs "
    "that, or the receiver's log."
)


@app.callback(invoke_without_command=True)
def egress(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Print the egress guard, and the addresses that firewalls have to let through.

    For the firewall in front of a receiver: the addresses that Forwarder connects from. For your own: host, port and addresses of each
    webhook and login URL. Names are resolved; nothing is connected.

        forwarder egress -c config/forwarder.yaml

        forwarder egress -o json | jq '.targets[] | select(.allowed | not)'

        forwarder egress check 10.0.0.1 'http://[::ffff:169.254.169.254]/' siem.example
    """
    if context.invoked_subcommand is not None:
        return
    start_logging(log_level, log_format)
    from forwarder.cli.egress_facts import facts_of
    from forwarder.configuration import load_checked

    facts = facts_of(load_checked(config).settings)
    typer.echo(_json(facts) if output is Output.JSON else _text(facts))


@app.command()
def check(
    targets: Annotated[list[str], typer.Argument(help="Addresses, host names or URLs.")],
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
    log_level: LogLevelOption = LogLevel.WARNING,
    log_format: LogFormatOption = None,
) -> None:
    """Judge addresses, host names or URLs as a delivery would, in whatever form they are written.

    Without a configuration file the guard is as it is by default. Exit code 1 when one of them leads to no permitted address.
    """
    start_logging(log_level, log_format)
    from forwarder.cli.egress_facts import judge_all

    found = judge_all(targets, _guard(config))
    typer.echo(_json(found) if output is Output.JSON else _verdicts(found))
    reachable = {one.target for one in found if one.allowed}
    raise typer.Exit(0 if reachable.issuperset(targets) else 1)


def _guard(config: Path) -> Egress:
    """The configured guard; the usual one where there is no configuration yet."""
    from forwarder.configuration import load_checked
    from forwarder.settings.process import Egress

    if config == DEFAULT_CONFIG and not config.exists():
        return Egress()
    return load_checked(config).settings.egress


def _verdicts(found: Sequence[Judgement]) -> str:
    from forwarder.cli.table import columns

    rows = [(one.target, one.address or "-", "allowed" if one.allowed else "refused", one.why) for one in found]
    return columns([("target", "address", "verdict", ""), *rows])


def _text(facts: Facts) -> str:
    from forwarder.cli.table import columns

    guard = facts.guard
    lines = [f"guard: {'on' if guard.on else 'OFF: only egress.deny is refused'}"]
    if guard.on:
        lines.append(columns([(f"  {kind}", " ".join(networks)) for kind, networks in guard.refused.items()]))
    lines += [
        f"allow: {' '.join(guard.allow) or 'none'}",
        f"deny: {' '.join(guard.deny) or 'none'}",
        f"proxy: {guard.proxy or 'none'}{f' ({guard.resolving})' if guard.proxy else ''}",
        f"source address: {' '.join(guard.source_address) or 'the system chooses'}",
        "",
        "For the firewall of a receiver, connections come from:",
        *(f"  {address}" for address in facts.sources),
        f"  {_NAT}",
        "",
        "For our own firewall, connections go to:",
    ]
    rows = [
        (f"  {one.webhook}", one.what, f"{one.host}:{one.port}", one.address or "-",
         "allowed" if one.allowed else f"refused: {one.why}", one.source or "-")
        for one in facts.targets
    ]  # fmt: skip
    lines.append(columns([("  webhook", "", "host", "address", "verdict", "from"), *rows]))
    return "\n".join(lines)


def _json(found: object) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
