"""The one contract of all payload formats: events to a body, and what the receiver's answer says about each of them.

To add one: a YAML file of facts in settings/providers/builtin and, where the body is more than a shape, a file here with a subclass,
named in `registry`. A format never opens a connection: what it wants to say beyond the one POST goes through `Talk`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from forwarder.model.attempt import Failure, Response
from forwarder.model.event import Event
from forwarder.model.verdict import Partial, Verdict
from forwarder.settings.payload import Payload
from forwarder.settings.providers.spec import ProviderSpec
from forwarder.settings.secrets import Secret, SecretUnavailable
from forwarder.settings.types import StatusAction

Reading = Verdict | StatusAction | None
"""What a format reads out of an answer: a whole verdict, an action for the usual table, or nothing of its own (None)."""


@dataclass(frozen=True, slots=True)
class Body:
    """What goes over the wire before compression. The same events and settings always give the same bytes. `headers` belong to
    this body (and lie below those of signing and of Forwarder itself). `sent_at` is the time that the body tells as the one at
    which it was sent (RFC 3339), where it tells one: signatures that cover `{sentAt}` have to say the same. `path` (encoded, perhaps
    with a query) is put after the webhook's own, where the receiver tells actions apart by their paths."""

    content: bytes = field(repr=False)
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    sent_at: str = ""
    path: str = ""


class Unrenderable(Exception):
    """Some events can never be rendered. `events` are their indexes in the batch; the text is for people, without a secret."""

    def __init__(self, events: Sequence[int], text: str) -> None:
        super().__init__(text)
        self.events = tuple(events)


class Overfull(Exception):
    """Several events are together more than one body may be or take to make; fewer of them may do. The text is for people."""


class Talk(Protocol):
    """One attempt's conversation with the receiver: same authentication, TLS, guard and connections as the POST itself, and
    never longer than the webhook's `timeout`."""

    async def send(
        self, method: str, url: str, content: bytes, content_type: str, headers: Mapping[str, str]
    ) -> Response | Failure:
        """One more request. Raises nothing but CancelledError."""
        ...

    async def pause(self, seconds: float) -> bool:
        """Wait; False when the attempt's time is up."""
        ...

    @property
    def url(self) -> str:
        """The webhook's URL as it is used."""
        ...

    @property
    def now(self) -> float:
        """Monotonic seconds, for what is to be remembered from one attempt to the next."""
        ...


class Provider:
    """One webhook's format, made once from its settings. Rendering is pure; `cluster` is a part of event identities.

    The defaults below are those of a format that needs one POST and believes its status.
    """

    talks: ClassVar[bool] = False
    """Whether `before` or `after` do anything."""

    def __init__(self, payload: Payload, cluster: str) -> None:
        self.payload = payload
        self.spec: ProviderSpec = payload.spec
        self.cluster = cluster
        self.options: Mapping[str, Any] = payload.options

    def render(self, events: Sequence[Event]) -> Body:
        """The events, in sending order, as one body. Raises Unrenderable, Overfull, SecretUnavailable."""
        raise NotImplementedError

    def read(self, response: Response, events: Sequence[Event]) -> Reading:
        """What an answer means, where this receiver's answers say more than their status."""
        return None

    async def before(self, talk: Talk) -> Response | Failure | None:
        """What has to be settled before the POST. Anything but None is the attempt's result, and nothing is posted."""
        return None

    async def after(self, talk: Talk, response: Response) -> Response | Failure:
        """What has to be settled after a response: the attempt's final result."""
        return response

    def secret(self, option: str) -> str:
        """The present value of a secret option. Raises SecretUnavailable where there is none."""
        value = self.maybe_secret(option)
        if value is None:
            raise SecretUnavailable(f"payload.{option} has no secret")
        return value

    def maybe_secret(self, option: str) -> str | None:
        """The present value of a secret option, None where none is given. Raises SecretUnavailable where it cannot be read."""
        held: Secret | None = self.options.get(option)
        return held.read() if held is not None else None


__all__ = ["Body", "Overfull", "Partial", "Provider", "Reading", "Talk", "Unrenderable"]
