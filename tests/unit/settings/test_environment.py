"""Environment variables over the file."""

from __future__ import annotations

import pytest

from forwarder.settings.environment import variables

from .place import SOURCES, Place


@pytest.mark.parametrize(
    ("name", "value", "path", "result"),
    [
        ("FORWARDER_KAFKA_BROKERS", "a:1, b:2", "kafka.brokers", ("a:1", "b:2")),
        ("FORWARDER_KAFKA_SESSION_TIMEOUT", "30s", "kafka.session_timeout", 30.0),
        ("FORWARDER_KAFKA_REPLICATION_FACTOR", "3", "kafka.replication_factor", 3),
        ("FORWARDER_HTTP_LISTEN", "0.0.0.0:80", "http.address", ("0.0.0.0", 80)),
        ("FORWARDER_MEMORY_BUDGET", "1GiB", "memory.budget", 1024**3),
        ("FORWARDER_EGRESS_GUARD", "false", "egress.guard", False),
        ("FORWARDER_EGRESS_ALLOW", "10.0.0.0/8,::1", "egress.allow", ("10.0.0.0/8", "::1")),
        ("FORWARDER_KAFKA_GROUP", "${A}x"[4:], "kafka.group", "x"),
    ],
)
def test_a_process_setting_is_overridden(place: Place, name: str, value: str, path: str, result: object) -> None:
    found: object = place.load(SOURCES + "kafka:\nhttp: {listen: '127.0.0.1:1'}\n", {name: value}).settings
    for step in path.split("."):
        found = getattr(found, step)
    assert found == result


def test_every_variable_is_unique_and_named_after_its_path() -> None:
    names = [variable.name for variable in variables()]
    assert len(set(names)) == len(names)
    for variable in variables():
        assert variable.name.replace("_", "").removeprefix("FORWARDER") == "".join(variable.path).upper()


def test_topics_may_come_from_the_environment_alone(place: Place) -> None:
    settings = place.load("", {"FORWARDER_SOURCES": "falco, ocsf"}).settings
    assert [source.topic for source in settings.sources] == ["falco", "ocsf"]


def test_a_password_from_the_environment_is_a_secret(place: Place) -> None:
    environ = {"FORWARDER_KAFKA_SECURITY_PASSWORD": "hunter2", "FORWARDER_KAFKA_SECURITY_USERNAME": "me"}
    environ["FORWARDER_KAFKA_SECURITY_PROTOCOL"] = "SASL_SSL"
    loaded = place.load(SOURCES, environ)
    assert loaded.settings.kafka.security.password.read() == "hunter2"
    assert "hunter2" not in repr(loaded)


def test_a_mistake_in_a_variable_names_the_variable(place: Place) -> None:
    problems = place.problems(SOURCES, {"FORWARDER_HTTP_LISTEN": "nine", "FORWARDER_KAFKA_FETCH": "lowestlatency"})
    assert problems == [
        "environment variable FORWARDER_HTTP_LISTEN: http.listen: host:port is expected, such as 127.0.0.1:9090, "
        "0.0.0.0:9090 or [::1]:9090 ('nine')",
        "environment variable FORWARDER_KAFKA_FETCH: kafka.fetch: must be one of balanced, lowestLatency "
        "(did you mean `lowestLatency`?) ('lowestlatency')",
    ]


def test_a_file_that_has_no_mapping_there_keeps_its_own_mistake(place: Place) -> None:
    problems = place.problems(SOURCES + "kafka: 5\n", {"FORWARDER_KAFKA_GROUP": "g"})
    assert problems == ["forwarder.yaml:2:1: kafka: a mapping of keys is expected ('5')"]


def test_an_unknown_variable_is_a_warning_with_the_nearest_name(place: Place) -> None:
    text = place.hook(
        "filter: ${FORWARDER_MINE:-x}\nsignatureKey: {'@type': EnvironmentVariable, variableName: FORWARDER_KEY}"
    )
    environ = {"FORWARDER_KAFKA_GRUOP": "x", "FORWARDER_CONFIG": "y", "FORWARDER_MINE": "z", "FORWARDER_KEY": "k"}
    assert place.load(text, environ).warnings == (
        "environment variable FORWARDER_KAFKA_GRUOP: is not known and has no effect (did you mean `FORWARDER_KAFKA_GROUP`?)",
    )


def test_what_kubernetes_injects_for_a_service_of_our_name_is_no_warning(place: Place) -> None:
    environ = {
        "FORWARDER_PORT": "tcp://10.0.0.1:9090",
        "FORWARDER_SERVICE_HOST": "10.0.0.1",
        "FORWARDER_PORT_9090_TCP_ADDR": "10.0.0.1",
    }
    assert place.load(place.hook("level: low"), environ).warnings == ()
