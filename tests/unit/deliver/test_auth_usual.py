"""A format's own credential: sent as its file says where `httpAuth` is not given, and secret like any other."""

from __future__ import annotations

import pytest

from forwarder.deliver.credentials import Credentials
from forwarder.settings.secrets import SecretUnavailable
from tests.unit.deliver.make import secret, webhook

SPLUNK = {"format": "splunk", "token": secret("hunter2-hec")}


def test_it_is_sent_as_the_format_wants_it() -> None:
    sealed = Credentials(webhook(payload=SPLUNK)).seal()
    assert sealed.pairs == [("Authorization", "Splunk hunter2-hec")]
    assert "authorization" in sealed.secret_names
    assert "hunter2" not in repr(sealed)


def test_httpauth_stands_in_its_place() -> None:
    given = webhook(payload=SPLUNK, httpAuth={"@type": "Bearer", "bearerToken": secret("t0ken")})
    assert Credentials(given).seal().pairs == [("Authorization", "Bearer t0ken")]


@pytest.mark.parametrize("payload", [{"format": "splunk"}, {"format": "splunk", "token": {"@type": "None"}}, {}])
def test_nothing_is_sent_where_there_is_none(payload: dict[str, object]) -> None:
    assert Credentials(webhook(payload=payload)).seal().pairs == []


def test_it_fails_closed() -> None:
    unset = {"@type": "EnvironmentVariable", "variableName": "FORWARDER_TEST_UNSET"}
    with pytest.raises(SecretUnavailable):
        Credentials(webhook(payload={**SPLUNK, "token": unset})).seal()


def test_it_is_blotted_out_of_what_is_echoed() -> None:
    assert "hunter2-hec" in Credentials(webhook(payload=SPLUNK)).values()
