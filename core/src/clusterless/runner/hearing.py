"""What an arc hears of lots by: the queue of a placement's events, or an inbox."""

from __future__ import annotations

import logging
from functools import partial

from attrs import evolve

from clusterless.errors import ClsError
from clusterless.model.arc import Arc
from clusterless.plugins import Plugins
from clusterless.provider import Subscription, Surroundings
from clusterless.runtime.inbox import Inbox
from clusterless.runtime.noticed import NoticeQueue, Noticing
from clusterless.runtime.site import Audible, Site, inbox_element, subscriber

_log = logging.getLogger(__name__)


def open_queue(
    site: Site, arc: Arc, audible: Audible, plugins: Plugins, around: Surroundings, *, noticed: str = ""
) -> Subscription:
    """The queue of what is *audible*, *around* the project of *site*; whoever has it closes it.

    An inbox is heard by what tells of its objects, made if need be, where it is *noticed*: for the arc of that label.

    Raises:
        ClsError: it cannot be had, or we may not listen there.
    """
    if audible.inbox:
        store = plugins.open_store(audible.inbox)
        if not noticed:
            return Inbox(store, audible.datasets, around.clock)
        return Inbox(store, audible.datasets, around.clock, partial(_notices, arc, audible, plugins, around, noticed))
    own = site.deployable.placement
    home = None if audible.placement == own else own
    there = evolve(around, placement=audible.placement, roots=audible.stores)
    provider = plugins.provider(audible.placement.provider)
    return provider.subscription(there, subscriber(site.deployable.project, arc, home), audible.datasets)


def _notices(arc: Arc, audible: Audible, plugins: Plugins, around: Surroundings, label: str) -> NoticeQueue | None:
    """What tells of the objects in an inbox; None where it is listed often instead."""
    provider, inbox = plugins.provider(around.placement.provider), audible.inbox
    if not isinstance(provider, Noticing):
        return None
    try:
        return provider.notices(around, inbox_element(arc, inbox), inbox)
    except ClsError as error:
        if error.retryable:
            raise
        _log.info("%s is not told what is put at %s, and lists it: %s", label, inbox, error)
        return None
