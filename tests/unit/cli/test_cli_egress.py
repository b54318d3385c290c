"""`forwarder egress`: what it prints is what the guard does."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from forwarder.cli.egress_facts import local_address
from forwarder.cli.main import app
from forwarder.deliver import resolver
from forwarder.deliver.resolver import Found
from forwarder.settings.process import Egress

NAMES = {"siem.example": ["93.184.215.14", "2606:2800:21f::1"], "inside.example": ["10.1.2.3"]}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(host: str, family: socket.AddressFamily) -> list[Found]:
        if host not in NAMES:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in NAMES[host]]

    monkeypatch.setattr(resolver, "_addresses", found)


def run(folder: Path, *arguments: str, egress: str = "{}") -> tuple[int, str]:
    config = folder / "forwarder.yaml"
    config.write_text(
        f"""sources: [{{topic: events}}]
egress: {egress}
webhooks:
  - {{name: siem, url: "https://siem.example/hook"}}
  - {{name: inside, url: "https://inside.example:8443/"}}
"""
    )
    result = CliRunner().invoke(app, ["egress", *arguments, "-c", str(config)])
    return result.exit_code, result.stdout


def facts(folder: Path, egress: str = "{}") -> dict[str, Any]:
    code, out = run(folder, "-o", "json", egress=egress)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_check_judges_every_form_and_says_why(tmp_path: Path) -> None:
    code, out = run(
        tmp_path, "check", "10.0.0.1", "http://[::ffff:169.254.169.254]/", "siem.example", "gone.example", "a b"
    )
    assert code == 1
    for words in ("a private address", "a cloud metadata address", "does not resolve", "not a host name"):
        assert words in out
    assert "siem.example 93.184.215.14 allowed" in " ".join(out.split())


def test_check_is_content_when_everything_leads_somewhere(tmp_path: Path) -> None:
    assert run(tmp_path, "check", "10.0.0.1", "siem.example", egress="{allow: [10.0.0.0/8]}")[0] == 0
    assert run(tmp_path, "check", "siem.example", egress="{deny: [93.184.0.0/16, '2606::/16']}")[0] == 1


def test_firewalls_are_told_both_ends(tmp_path: Path) -> None:
    found = facts(tmp_path, "{sourceAddress: [192.0.2.7, '2001:db8::7']}")
    siem = [target for target in found["targets"] if target["webhook"] == "siem"]
    assert [(one["host"], one["port"], one["address"], one["source"]) for one in siem] == [
        ("siem.example", 443, "93.184.215.14", "192.0.2.7"),
        ("siem.example", 443, "2606:2800:21f::1", "2001:db8::7"),
    ]
    inside = found["targets"][-1]
    assert (inside["port"], inside["allowed"], inside["why"], inside["source"]) == (
        8443,
        False,
        "a private address",
        "",
    )
    assert found["sources"] == ["192.0.2.7", "2001:db8::7"]


def test_check_needs_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["egress", "check", "siem.example"]).exit_code == 0
    assert CliRunner().invoke(app, ["egress", "check", "127.1"]).exit_code == 1


def test_the_route_tells_the_local_address() -> None:
    assert local_address("127.0.0.1", Egress()) == "127.0.0.1"


def test_behind_a_proxy_connections_go_there_and_names_are_its_business(tmp_path: Path) -> None:
    found = facts(tmp_path, "{proxy: 'http://127.0.0.1:3128'}")
    proxy, siem, inside = found["targets"]
    assert (proxy["what"], proxy["address"], proxy["port"], proxy["source"]) == (
        "proxy",
        "127.0.0.1",
        3128,
        "127.0.0.1",
    )
    assert siem["allowed"] and inside["allowed"]
    assert "the proxy resolves it" in siem["why"]
    judged_here = facts(tmp_path, "{proxy: 'socks5://127.0.0.1:1080'}")["targets"]
    assert [one["allowed"] for one in judged_here] == [True, True, True, False]


def test_people_get_a_table_with_ranges_and_a_word_on_nat(tmp_path: Path) -> None:
    code, out = run(tmp_path, egress="{allow: [10.0.0.0/8], deny: [8.8.8.8/32]}")
    assert code == 0
    for words in (
        "guard: on",
        "169.254.169.254/32",
        "allow: 10.0.0.0/8",
        "deny: 8.8.8.8/32",
        "Behind NAT",
        "siem.example:443",
    ):
        assert words in out
    assert "guard: OFF" in run(tmp_path, egress="{guard: false}")[1]
