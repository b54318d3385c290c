"""Which webhooks get the events of a type: the real router's answer for every severity and tenant that the type came with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from forwarder.model.event import Event
from forwarder.route.catalogue import Seen
from forwarder.route.router import Router
from forwarder.route.titles import Titles
from forwarder.settings.process import Settings


class Gets(Enum):
    """How a webhook gets the events of a type. FILTER: those that its filter lets in; DISABLED: none while `enable` is false."""

    YES = "yes"
    FILTER = "filter"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Listed:
    """A type for people and programs. `webhooks` are in the order of the configuration; empty: nobody gets it."""

    seen: Seen
    title: str
    sets: tuple[str, ...]
    webhooks: dict[str, Gets]

    @property
    def nobody(self) -> bool:
        """Whether it is certain that no webhook which is enabled wants the type."""
        unknown = self.seen.type is None or self.seen.partial
        return not unknown and all(how is Gets.DISABLED for how in self.webhooks.values())


class Takers:
    """Asks a router of its own, made from settings that do not change: may be used in another thread than the service's router."""

    def __init__(self, settings: Settings) -> None:
        hooks = settings.webhooks
        pairs = [(hook, hook.name) for hook in hooks]
        self._router = Router(pairs, event_sets=settings.event_sets, tenants=settings.tenants)
        self._enabled = {hook.name: hook.enable for hook in hooks}
        self._titles = Titles(settings.event_sets)

    def of(self, event: Event) -> list[str]:
        """The webhooks that want this very event, filters asked."""
        return list(self._router.match(event))

    def list(self, seen: Iterable[Seen]) -> list[Listed]:
        """Every type with the webhooks that get events like those seen, filters not asked."""
        return [self.listed(one, self._like(one)) for one in seen]

    def listed(self, seen: Seen, found: dict[str, Gets]) -> Listed:
        """A type with the webhooks that were found for it."""
        order = [name for name in self._enabled if name in found]
        webhooks = {name: found[name] if self._enabled[name] else Gets.DISABLED for name in order}
        type_ = seen.type or ""
        named = seen.type is not None
        return Listed(
            seen, self._titles.of(type_) if named else "", self._titles.sets(type_) if named else (), webhooks
        )

    def _like(self, seen: Seen) -> dict[str, Gets]:
        found: dict[str, Gets] = {}
        for event in seen.events():
            for name, certain in self._router.outlook(event):
                if certain or name not in found:
                    found[name] = Gets.YES if certain else Gets.FILTER
        return found
