"""Looks at Kafka without touching anything: can it be reached, and are the source topics there? For `validate --connect`.

Never asks about a topic that was not listed: some brokers make a topic of any name that is only asked about.
"""

from __future__ import annotations

from aiokafka.errors import KafkaError, for_code

from forwarder.kafka import topics
from forwarder.kafka.diagnosis import connection_problem, request_problem
from forwarder.kafka.preflight import CONNECT_SECONDS, check_connections
from forwarder.settings.process import Settings

_REFUSALS = (KafkaError, OSError, TimeoutError)


async def look(settings: Settings) -> dict[str, str]:
    """What is wrong with each source topic, "" for nothing. Raises StartupError when Kafka itself cannot be used."""
    kafka = settings.kafka
    await check_connections(kafka)
    names = [source.topic for source in settings.sources]
    started = False
    try:
        async with topics.admin_client(kafka, request_timeout=CONNECT_SECONDS) as admin:
            started = True
            listed = set(await admin.list_topics())
            known = [name for name in names if name in listed]
            found = {topic["topic"]: topic for topic in await admin.describe_topics(known)} if known else {}
    except _REFUSALS as error:
        if started:
            raise request_problem("list the topics", error) from error
        raise connection_problem(", ".join(kafka.brokers), kafka.security, error) from error
    return {name: _problem(found[name]) if name in found else _MISSING for name in names}


_MISSING = (
    "does not exist, or this login may not see it: create it, mend the name (sources), or grant Describe and Read"
)


def _problem(topic: dict[str, object]) -> str:
    code = topic["error_code"]
    return f"cannot be used now: {for_code(code).__name__}" if code else ""
