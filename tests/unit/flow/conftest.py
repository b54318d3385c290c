"""A flow for each test, in virtual time, that is closed at the end and must not have crashed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from tests.unit.flow.flow_rig import Flow


@pytest_asyncio.fixture
async def make_flow() -> AsyncIterator[Callable[..., Flow]]:
    """`make_flow(*hooks, **settings)`."""
    made: list[Flow] = []

    def make(*hooks: Any, **given: Any) -> Flow:
        made.append(Flow(*hooks, **given))
        return made[-1]

    yield make
    for flow in made:
        await flow.close()
