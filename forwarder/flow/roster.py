"""The lanes of this worker and the router that finds them. Applies configuration; sends nothing and reads nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from forwarder.clock import Clock
from forwarder.deliver.client import Client
from forwarder.deliver.sender import Sender
from forwarder.flow.sharing import Hosts
from forwarder.lane.budget import Budget
from forwarder.lane.lane import Lane, Wake
from forwarder.lane.states import LaneState, Trigger
from forwarder.model.event import TP, Event, Unreadable
from forwarder.observe.events import FilterFailed
from forwarder.observe.observer import Observer
from forwarder.route.catalogue import Catalogue
from forwarder.route.router import Router
from forwarder.settings.process import Settings
from forwarder.settings.show import webhook_fingerprint
from forwarder.settings.webhook import Webhook

UNREADABLE = "~unreadable"
"""The lane of records that nobody can read: like any lane it has a window, cursors and a place in the checkpoint, so a dead-letter
topic that is down costs no record. No webhook can have this name."""


class Roster:
    """`lanes` by name; `unreadable` is one of them. `router` is replaced as a whole when the configuration changes. `faulty` collects
    events whose filter failed during a `match` and that their webhook wants dead-lettered; whoever matches empties it.

    `routed` counts the records that the shared read has handed to the lanes, ever. `companies` (company -> tenant) is one mapping for
    the life of the roster, which decoders hold too: a reload changes what is in it together with the router. `catalogue` learns the
    types of what is read and routed.

    `changing` is held by whoever gives partitions to all lanes, or adds and removes lanes: neither may see the other's half.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        budget: Budget,
        positions: Mapping[TP, int],
        wake: Wake,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.changing = asyncio.Lock()
        self.lanes: dict[str, Lane] = {}
        self.senders: dict[str, Sender] = {}
        self.fingerprints: dict[str, str] = {}
        self.faulty: list[tuple[Lane, Event]] = []
        self.routed: dict[TP, int] = {}
        self.companies: dict[str, str] = dict(settings.companies)
        self.catalogue = Catalogue()
        self._client = client
        self._budget = budget
        self._positions = positions
        self._wake = wake
        self._observer = observer
        self._clock = clock
        self.hosts = Hosts(settings.limits, lambda lane: wake(lane, clock.monotonic()))
        self.unreadable = self._add(_unreadable_webhook())
        for webhook in settings.webhooks:
            self._add(webhook)
        self.router = self._route(settings)

    def __iter__(self) -> Iterator[Lane]:
        return iter(self.lanes.values())

    def add(self, webhook: Webhook) -> Lane:
        """A webhook that was not there before. The caller gives it its partitions and calls `reroute`."""
        return self._add(webhook)

    def change(self, webhook: Webhook) -> Lane:
        """The same webhook with another configuration. The caller calls `reroute`."""
        lane = self.lanes[webhook.name]
        lane.reconfigure(webhook)
        self.hosts.join(lane)
        self.senders[webhook.name] = self.sender_for(webhook)
        self.fingerprints[webhook.name] = webhook_fingerprint(webhook)
        return lane

    def remove(self, name: str) -> Lane:
        """Forget a webhook. Its lane is returned, switched off."""
        lane = self.lanes.pop(name)
        self._budget.divide(len(self.lanes))
        lane.switch_off(Trigger.SWITCHED_OFF, "removed from the configuration")
        lane.disown(frozenset(lane.owned))
        self._observer.metrics.remove_webhook(name)
        del self.senders[name], self.fingerprints[name]
        return lane

    def reroute(self, settings: Settings) -> None:
        """Route by these settings from the next event on."""
        self.settings = settings
        self.companies.clear()
        self.companies.update(settings.companies)
        self.router = self._route(settings)

    def sender_for(self, webhook: Webhook) -> Sender:
        """What carries this webhook's batches."""
        return Sender(webhook, self._client, self.settings.kafka.cluster, self._clock)

    def _add(self, webhook: Webhook) -> Lane:
        lane = Lane(webhook, self._budget, self._positions, self.routed, self._wake)
        self.hosts.join(lane)
        self.lanes[webhook.name] = lane
        self._budget.divide(len(self.lanes))
        self.senders[webhook.name] = self.sender_for(webhook)
        self.fingerprints[webhook.name] = webhook_fingerprint(webhook)
        if webhook.name != UNREADABLE:
            self._observer.metrics.add_webhook(webhook.name)
        if not webhook.enable:
            lane.state, lane.why = LaneState.DISABLED, "enable is false"
        return lane

    def _route(self, settings: Settings) -> Router[Lane]:
        pairs = [(webhook, self.lanes[webhook.name]) for webhook in settings.webhooks]
        return Router(
            pairs, event_sets=settings.event_sets, tenants=settings.tenants,
            on_filter_error=self._filter_error, on_key=self.catalogue.shape,
        )  # fmt: skip

    def _filter_error(self, lane: Lane, webhook: Webhook, event: Event, text: str) -> None:
        position = f"{event.tp.topic}/{event.tp.partition}/{event.offset}"
        self._observer.emit(FilterFailed(webhook=webhook.name, position=position, error=text))
        if webhook.on_filter_error == "deadLetter":
            self.faulty.append((lane, condemned(event, text)))


def condemned(event: Event, text: str) -> Event:
    """The same event, to be dead-lettered in its place in the order because its filter failed."""
    return Event(
        event.tp, event.offset, event.timestamp_ms, event.key, event.value, event.headers, event.id, event.type,
        event.when, event.severity, event.tenant, event.size, event.text, Unreadable.FILTER_ERROR, text,
    )  # fmt: skip


def _unreadable_webhook() -> Webhook:
    return Webhook.model_construct(name=UNREADABLE, url="", throttle=0.0, max_events=500)
