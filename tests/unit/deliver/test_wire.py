"""A request may end its connection only while it is its own."""

from __future__ import annotations

import asyncio
import gc
import weakref

from forwarder.deliver.wire import Wire


class Connection(asyncio.Transport):
    """Stands for protocol and transport alike."""

    def __init__(self, unsent: int = 0) -> None:
        self.aborted = False
        self._unsent = unsent

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self._unsent


def taken(connection: Connection) -> Wire:
    wire = Wire()
    wire.take(connection, connection)
    return wire


def test_without_a_connection_there_is_nothing_to_end() -> None:
    wire = Wire()
    wire.abort()
    assert (wire.connected, wire.reused, wire.unsent) == (False, False, False)


def test_the_first_request_on_a_connection_is_not_a_reuse_the_second_is() -> None:
    connection = Connection()
    assert [taken(connection).reused for _ in range(3)] == [False, True, True]
    assert not taken(Connection()).reused


def test_a_request_ends_its_own_connection() -> None:
    connection = Connection(unsent=5)
    wire = taken(connection)
    assert wire.unsent
    wire.abort()
    assert connection.aborted


def test_a_connection_that_was_handed_on_belongs_to_the_next_request() -> None:
    connection = Connection(unsent=5)
    before, after = taken(connection), taken(connection)
    assert not before.unsent
    before.abort()
    assert not connection.aborted
    after.abort()
    assert connection.aborted


def test_connections_that_are_gone_are_not_remembered() -> None:
    gone = [weakref.ref(taken(Connection())._protocol) for _ in range(3)]
    gc.collect()
    assert [reference() for reference in gone] == [None] * 3
