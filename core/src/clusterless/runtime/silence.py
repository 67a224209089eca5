"""The subscription of who subscribes to nothing, at whichever provider."""

from __future__ import annotations

from collections.abc import Sequence

from clusterless.provider import Delivery


class NoSubscription:
    """That of an arc which subscribes to nothing."""

    def receive(self, limit: int) -> Sequence[Delivery]:
        return []

    def close(self) -> None:
        """Nothing is held."""
