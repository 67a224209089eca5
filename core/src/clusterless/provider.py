"""What plugins hand over: cheap descriptions first, the thing itself when it is needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from attrs import Factory, field, frozen
from attrs.validators import matches_re

from clusterless.bootstrap import Bootstrap
from clusterless.errors import PluginError
from clusterless.model.activity import Activity
from clusterless.model.arc import Arc
from clusterless.model.arrival import Arrival
from clusterless.model.barrier import Barrier
from clusterless.model.boundary import Boundary, EgressBoundary, IngressBoundary
from clusterless.model.capability import Ability, Capability
from clusterless.model.dataset import Dataset, LocatedDataset
from clusterless.model.element import Element, Resource
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.manifest import Manifest
from clusterless.model.notifier import Notifier
from clusterless.model.placement import Placement
from clusterless.model.project import Deployable, Project
from clusterless.model.runtime_props import Architecture
from clusterless.store.api import ObjectStore


class Clock(Protocol):
    """Time, as it is handed to whatever needs it."""

    def now(self) -> datetime:
        """This machine's time (aware); where it matters, a store's own `now` is asked instead."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


# ---- what is handed to components ------------------------------------------------------------------------------


@frozen(kw_only=True)
class StoreRoots:
    """The URIs of a placement's three stores (FORMATS 4.1), each ending with a slash."""

    metadata: str
    arc_state: str
    manifest: str


@frozen(kw_only=True)
class Surroundings:
    """What a component may use: its project and placement, the placement's own stores, the clock, and stores by URI.

    *open_store* takes a location URI (a path, ending with a slash) and gives
    the store rooted there. *base* is the folder of the project file, which relative paths
    are meant from; *scratch* is a folder for files that need not last. *resources* are what the project declares
    for its elements to refer to (`clusterless.engine.references`). *variables* gives, of a location or an object,
    what tells other programs the way to it (`StoreScheme`).
    """

    project: Project
    placement: Placement
    roots: StoreRoots
    open_store: Callable[[str], ObjectStore]
    clock: Clock
    base: Path
    scratch: Path
    resources: Sequence[Resource] = ()
    variables: Callable[[str], Mapping[str, str]] = field(default=lambda _: {}, repr=False)


# ---- arrivals --------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Arrived:
    """Some arrivals, and how to acknowledge their notices once they are written down.

    *looked* is the store's time up to which everything has been handed over,
    by sources that can know it (a scanned folder); others leave it out.
    With a *backlog*, more is there already: nothing is sealed before it is
    here. *unsettled* says that something is about to arrive, such as a file still being written. *unnoticed*: they were
    found by looking, where notices are what tells the time; what was booked by any time is not booked again.
    """

    arrivals: Sequence[Arrival]
    acknowledge: Callable[[], None] = field(default=lambda: None, repr=False)
    looked: datetime | None = None
    backlog: bool = False
    unsettled: bool = False
    unnoticed: bool = False


class ArrivalSource(Protocol):
    """Hands over what arrived, again and again until it is acknowledged."""

    def receive(self, wait: float, since: datetime | None) -> Arrived:
        """What has arrived, waiting up to *wait* seconds for something.

        *since* (the boundary's last `looked`) is where a scanning source begins when it is new.
        """

    def close(self) -> None:
        """Give back what is held."""


# ---- workloads -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class SourceLot:
    """A source lot as it is pinned: its manifest can be *read* any number of times, at *manifest_uri*.

    Where an arc's lot is made of several source lots, *read* lists what all of them list as one manifest,
    for which there is no URI; *revision* is the highest of theirs. Its objects lie below *roots*, locations:
    an object's key is what follows the longest that it lies below.
    """

    dataset: LocatedDataset
    manifest_uri: str
    revision: int
    read: Callable[[], Manifest] = field(repr=False)
    roots: tuple[str, ...] = field(default=Factory(lambda lot: (lot.dataset.path_uri,), takes_self=True))


@frozen(kw_only=True)
class SinkLot:
    """Where a sink's objects go; *staging* is the URI template for a manifest that the workload itself writes.

    The template has ``{lot}`` and ``{state}`` to fill in (FORMATS 4.3). *earlier* are the
    manifests that former attempts with the same sources left here, newest first.
    """

    dataset: LocatedDataset
    staging: str
    earlier: Sequence[Manifest] = ()


@frozen(kw_only=True)
class Work:
    """One attempt at one lot of an arc.

    *stopping* says that the attempt should be given up soon; *token* is the
    idempotency key for side effects elsewhere. *output* is a file for what the work prints.
    """

    arc: str
    lot: Lot
    attempt: str
    revision: int
    token: str
    role: str  # of the source whose event led here
    sources: Mapping[str, SourceLot]
    sinks: Mapping[str, SinkLot]
    collect: Callable[[], Mapping[str, Manifest]] = field(repr=False)  # manifests that this attempt staged
    stopping: Callable[[], bool] = field(repr=False)
    output: Path


@frozen(kw_only=True)
class SinkResult:
    """What a sink came to; *bytes* where it is known."""

    manifest: Manifest
    bytes: int | None = None


@frozen(kw_only=True)
class WorkResult:
    """What an attempt came to: a result for every sink role.

    A *manifest* of state partial in any of them makes the attempt partial, with *problem* as its reason.
    What takes a lot out may say how many objects were *taken*.
    """

    sinks: Mapping[str, SinkResult] = Factory(dict)
    problem: str = ""
    taken: int | None = None


class Workload(Protocol):
    """Works one lot: source manifests in, sink manifests out."""

    def run(self, work: Work) -> WorkResult:
        """Do the work.

        Raises:
            WorkloadError: it failed and left nothing.
        """

    def close(self) -> None:
        """Give back what is held between lots."""


@frozen(kw_only=True)
class Script:
    """How an attempt is made by hand: *command* in *folder*, with *variables*; *notes* (a line each) say more.

    What it needs beforehand is done by the commands of *before*, one after another, of which none may fail.
    """

    folder: Path
    variables: Mapping[str, str]
    command: Sequence[str]
    notes: Sequence[str] = ()
    before: Sequence[Sequence[str]] = ()


@runtime_checkable
class Scripted(Protocol):
    """What a workload may offer besides: its work as a script, for who looks for a mistake."""

    def script(self, work: Work) -> Script:
        """What `run` would do with *work*, as somebody may type it; nothing is done.

        Raises:
            WorkloadError: it cannot be told.
        """


@runtime_checkable
class Relying(Protocol):
    """What a workload may offer besides: whether what it relies on, such as an engine on this machine, is there."""

    def check_ready(self) -> None:
        """Asked before a lot is claimed, so that no attempt at it is used up.

        Raises:
            ClsError: no lot can be worked now; where that is retryable, it is tried again until one can.
        """


@frozen(kw_only=True)
class Container:
    """What lots are worked in, whatever engine runs it: an *image*, or the folder *image_path* that one is built from.

    A relative *image_path* is meant from the project file's folder. *command* may have selectors (FORMATS 5.5); an
    empty one is the image's own. *environment* is set as it stands. *passed* names variables of whoever runs the arc,
    such as credentials: their values are handed on, and shown or kept nowhere. *told* gives, of an attempt, what the
    platform that it was made for would set. *props* are the ``workloadProps``.
    None is no limit, or, of *architecture*, the engine's own.
    """

    image: str = ""
    image_path: str = ""
    command: Sequence[str] = ()
    environment: Mapping[str, str] = Factory(dict)
    passed: Sequence[str] = ()
    told: Callable[[Work], Mapping[str, str]] = field(default=lambda _: {}, repr=False)
    props: Mapping[str, Any] = Factory(dict)
    timeout_sec: float = 3600
    memory_mb: int | None = None
    cpus: float | None = None
    architecture: Architecture | None = None


# ---- events ----------------------------------------------------------------------------------------------------


class Publisher(Protocol):
    """Announces events."""

    def publish(self, event: Event) -> None:
        """Announce durably, or raise."""


class Delivery(Protocol):
    """An event that a subscription handed out and will hand out again unless it is acknowledged."""

    @property
    def event(self) -> Event: ...

    def acknowledge(self) -> None:
        """Never hand it out again."""

    def defer(self, seconds: float) -> None:
        """Hand it out again after that long."""


class Subscription(Protocol):
    """A durable queue of events for one subscriber, which any number of receivers share."""

    def receive(self, limit: int) -> Sequence[Delivery]:
        """Up to *limit* events that are due, without waiting; each is hidden from others for a while."""

    def close(self) -> None:
        """Give back what is held; the queue stays."""


@frozen(kw_only=True)
class SetAside:
    """A message that a subscription could not hand out, and *why*; without an *event* where nobody can read it."""

    event: Event | None
    why: str


@runtime_checkable
class Redrivable(Protocol):
    """What a subscription may offer besides: the messages that it has set aside."""

    def set_aside(self) -> Sequence[SetAside]:
        """Those that there are."""

    def redrive(self) -> int:
        """Have those that can be read handed out again, and say how many they are; the others stay."""


# ---- activities and resources ----------------------------------------------------------------------------------


@frozen(kw_only=True)
class Occasion:
    """One attempt at one run of an activity: *lot* is the interval that has ended, or the minute that it fired in.

    *stopping* says that the attempt should be given up soon, since its time is over or its runner is to end;
    *token* is the idempotency key for side effects elsewhere. *output* is a file for what the work prints.
    """

    activity: str
    lot: Lot
    attempt: str
    token: str
    stopping: Callable[[], bool] = field(repr=False)
    output: Path


class RunnableActivity(Protocol):
    """Does something for one lot after another; never for two at a time."""

    def run(self, occasion: Occasion) -> str:
        """Do it; what was done, in a few words for people, or nothing.

        Raises:
            WorkloadError: it failed, or gave up since it was *stopping*; it may be tried again.
        """

    def close(self) -> None:
        """Give back what is held between runs."""


# ---- providers -------------------------------------------------------------------------------------------------


class Provider(Protocol):
    """A place to keep data and run work."""

    def complete(self, placement: Placement) -> Placement:
        """*placement* with the provider's defaults for what was left out."""

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        """Where the placement's stores are, for a project file in folder *base*; made if the provider makes them."""

    def publisher(self, surroundings: Surroundings) -> Publisher:
        """What announces the placement's own events."""

    def subscription(self, surroundings: Surroundings, subscriber: str, datasets: Sequence[Dataset]) -> Subscription:
        """The queue named *subscriber* of events of *datasets*, made if it is not there.

        The project of *surroundings* may be one of another placement, which reads these datasets from there.

        Raises:
            ClsError: that is not allowed; a reader from elsewhere then looks at manifests.
        """


@runtime_checkable
class Permitting(Protocol):
    """What a provider may offer besides: the permissions that running projects there needs."""

    def policy(self, deployables: Sequence[Deployable]) -> Any:
        """The least that ``cls run`` of *deployables* is to be allowed: JSON values, as the provider takes them."""


@runtime_checkable
class Asking(Protocol):
    """What a provider may offer besides: whom it asks for a placement, for people who find that nothing is there."""

    def asked(self, placement: Placement) -> str:
        """Which account was asked, where, as whom, and what differs from the placements that are there: a sentence.

        Raises:
            ClsError: another is asked than the one that *placement* names.
        """


# ---- descriptions ----------------------------------------------------------------------------------------------

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_TYPE = re.compile(r"[a-z][a-z0-9-]*:[a-z][a-z0-9-]*:[a-z][A-Za-z0-9]*")


ElementClass = type[Element]  # named here, since in a component `type` is a field


@frozen(kw_only=True)
class ProviderEntry:
    """A provider's name, and how to get it; ``unavailable`` says plainly why there is nothing yet.

    Without a ``bootstrap``, ``no_bootstrap`` says why ``cls bootstrap`` has nothing to do. ``capabilities`` tell what
    the provider can do and what not, and why, for ``cls show capabilities``.
    """

    name: str = field(validator=matches_re(_NAME))
    summary: str
    load: Callable[[], Provider] = field(repr=False)
    unavailable: str = ""
    bootstrap: Callable[[], Bootstrap] | None = field(default=None, repr=False)
    no_bootstrap: str = "its placements need nothing to be made beforehand"
    capabilities: Mapping[Capability, Ability] = field(factory=dict, repr=False)


OpenStore = Callable[[str, Placement | None], ObjectStore]
"""Opens the store rooted at a location, as a placement reaches it: None where the location belongs to no placement."""


@frozen(kw_only=True)
class StoreScheme:
    """A URI scheme and the store behind it: ``load()(root, placement)`` opens the store rooted at *root*.

    *placement* may be of another provider: what is declared on one cloud may be kept on another.
    ``variables(placement)`` are the environment variables that lead other programs, such as one in a container, to
    the same place: an endpoint or a region, and no credentials.
    """

    scheme: str = field(validator=matches_re(_NAME))
    summary: str
    load: Callable[[], OpenStore] = field(repr=False)
    variables: Callable[[Placement | None], Mapping[str, str]] = field(default=lambda _: {}, repr=False)


@frozen(kw_only=True)
class Component:
    """What a plugin offers under one ``type``: the class it is declared with, and how to get what does it.

    Raises:
        PluginError: *model* does not derive from what this kind of component is declared with.
    """

    declares: ClassVar[ElementClass]

    type: str = field(validator=matches_re(_TYPE))
    model: ElementClass
    summary: str

    def __attrs_post_init__(self) -> None:
        if not issubclass(self.model, self.declares):
            msg = f"{self.type}: {self.model.__name__} is not a {self.declares.__name__}"
            raise PluginError(msg)


@frozen(kw_only=True)
class ResourceComponent(Component):
    """``load()(resource, surroundings)`` makes the resource if it is not there."""

    declares = Resource
    load: Callable[[], Callable[[Any, Surroundings], None]] = field(repr=False)


@frozen(kw_only=True)
class BorderComponent(Component):
    """A way in or a way out; offered are the two kinds of it."""

    declares: ClassVar[ElementClass] = Boundary


@frozen(kw_only=True)
class BoundaryComponent(BorderComponent):
    """``load()(boundary, surroundings)`` opens where its arrivals come from.

    Where a service puts notices aside that it could not deliver, ``aside()(boundary, surroundings)`` gives these.
    """

    declares = IngressBoundary
    load: Callable[[], Callable[[Any, Surroundings], ArrivalSource]] = field(repr=False)
    aside: Callable[[], Callable[[Any, Surroundings], Redrivable]] | None = field(default=None, repr=False)


@frozen(kw_only=True)
class EgressComponent(BorderComponent):
    """``load()(boundary, surroundings)`` gives the workload that takes a lot out; it has no sinks."""

    declares = EgressBoundary
    load: Callable[[], Callable[[Any, Surroundings], Workload]] = field(repr=False)


@frozen(kw_only=True)
class BarrierComponent(Component):
    """``load()(barrier, surroundings)`` gives the workload that makes the manifest of its one sink, ``main``."""

    declares = Barrier
    load: Callable[[], Callable[[Any, Surroundings], Workload]] = field(repr=False)


@frozen(kw_only=True)
class ArcComponent(Component):
    """``load()(arc, surroundings)`` gives the workload.

    What is worked in a container tells it of an arc by *container*, so that any `ContainerEngine` can run it.
    """

    declares = Arc
    load: Callable[[], Callable[[Any, Surroundings], Workload]] = field(repr=False)
    container: Callable[[Any], Container] | None = field(default=None, repr=False)


@frozen(kw_only=True)
class ActivityComponent(Component):
    """``load()(activity, surroundings)`` gives what is run for each interval."""

    declares = Activity
    load: Callable[[], Callable[[Any, Surroundings], RunnableActivity]] = field(repr=False)


@frozen(kw_only=True)
class NotifierComponent(Component):
    """``load()(notifier, surroundings)`` gives what announces the project's events elsewhere."""

    declares = Notifier
    load: Callable[[], Callable[[Any, Surroundings], Publisher]] = field(repr=False)


@frozen(kw_only=True)
class ContainerEngine:
    """What runs containers here, by name: ``load()(arc, container, surroundings)`` gives the workload of an arc."""

    name: str = field(validator=matches_re(_NAME))
    summary: str
    load: Callable[[], Callable[[Arc, Container, Surroundings], Workload]] = field(repr=False)


@frozen(kw_only=True)
class DeployerEntry:
    """What deploys to a provider natively, by the provider's name."""

    provider: str = field(validator=matches_re(_NAME))
    summary: str
    load: Callable[[], Any] = field(repr=False)


@frozen(kw_only=True)
class ProjectFormat:
    """A suffix of project files and how to read them: text in, JSON values (one or a list) out."""

    suffix: str = field(validator=matches_re(re.compile(r"\.[a-z0-9]+")))
    summary: str
    load: Callable[[], Callable[[str], Any]] = field(repr=False)
