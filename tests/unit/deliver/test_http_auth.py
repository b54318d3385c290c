"""Every authentication: what it adds, that it fails closed, that it reads its secret anew, that it shows none."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from forwarder.deliver.auth import registry
from forwarder.deliver.auth.account import ASKINGS
from forwarder.settings.auth import HttpAuth
from forwarder.settings.secrets import SecretUnavailable
from tests.unit.deliver.make import secret

ADAPTER: TypeAdapter[Any] = TypeAdapter(HttpAuth)
Form = Callable[[dict[str, str]], dict[str, Any]]

WITH_SECRET: dict[str, Form] = {
    "Basic": lambda s: {"@type": "Basic", "username": "anna", "secret": s},
    "Bearer": lambda s: {"@type": "Bearer", "bearerToken": s},
    "Header": lambda s: {"@type": "Header", "name": "X-Api-Key", "value": s},
}


def headers(form: dict[str, Any]) -> list[tuple[str, str]]:
    return registry.headers(ADAPTER.validate_python(form), "no-token")


def test_every_authentication_of_the_settings_is_known() -> None:
    known = [*registry.SCHEMES, *registry.SIGNING, *ASKINGS]
    assert len(known) == len(set(known))
    assert set(known) == set(get_args(get_args(HttpAuth)[0]))


def test_unauthenticated_adds_nothing() -> None:
    assert headers({"@type": "Unauthenticated"}) == []


def test_basic_is_utf8_and_base64() -> None:
    [(name, value)] = headers(WITH_SECRET["Basic"](secret("pä:ss")))
    assert name == "Authorization"
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == "anna:pä:ss"


def test_bearer_and_header_carry_the_secret_as_it_is() -> None:
    assert headers(WITH_SECRET["Bearer"](secret("t0ken"))) == [("Authorization", "Bearer t0ken")]
    assert headers(WITH_SECRET["Header"](secret("k3y"))) == [("X-Api-Key", "k3y")]


@pytest.mark.parametrize("name", WITH_SECRET)
class TestEveryAuthenticationWithASecret:
    @pytest.mark.parametrize(
        "missing", [{"@type": "None"}, {"@type": "EnvironmentVariable", "variableName": "FORWARDER_TEST_UNSET"}]
    )
    def test_fails_closed_without_its_secret(self, name: str, missing: dict[str, str]) -> None:
        with pytest.raises(SecretUnavailable):
            headers(WITH_SECRET[name](missing))

    def test_reads_the_secret_at_each_attempt(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        form = ADAPTER.validate_python(
            WITH_SECRET[name]({"@type": "EnvironmentVariable", "variableName": "FORWARDER_TEST_SECRET"})
        )
        monkeypatch.setenv("FORWARDER_TEST_SECRET", "first")
        before = registry.headers(form, "")
        monkeypatch.setenv("FORWARDER_TEST_SECRET", "second")
        assert registry.headers(form, "") != before

    def test_does_not_show_its_secret(self, name: str) -> None:
        assert "hunter2" not in repr(ADAPTER.validate_python(WITH_SECRET[name](secret("hunter2"))))

    def test_an_unsendable_secret_is_refused_without_being_shown(self, name: str) -> None:
        unsendable = WITH_SECRET[name](secret("hunter2\r\nX-Injected: 1"))
        with pytest.raises(SecretUnavailable) as caught:
            headers(unsendable)
        assert "hunter2" not in str(caught.value)
