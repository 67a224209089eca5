"""Asks plugins what they offer; the only user of pluggy's manager."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from clusterless import hookspecs
from clusterless.errors import ClsError, NotInstalledError, PluginError, did_you_mean
from clusterless.plugins.found import DISABLE, Failure, Plugin, broken, named, words

# `cls --help` asks for commands only: what the other answers are made of is imported when there is one.
if TYPE_CHECKING:
    from pathlib import Path

    import click

    from clusterless.model.placement import Placement
    from clusterless.provider import (
        ActivityComponent,
        ArcComponent,
        BarrierComponent,
        BorderComponent,
        Component,
        ContainerEngine,
        DeployerEntry,
        NotifierComponent,
        OpenStore,
        ProjectFormat,
        Provider,
        ProviderEntry,
        ResourceComponent,
        StoreRoots,
        StoreScheme,
    )
    from clusterless.store.api import ObjectStore

_SCHEME_PACKAGES = {"s3": "cls-aws", "gs": "cls-gcp", "abfs": "cls-azure", "abfss": "cls-azure", "az": "cls-azure"}

_trace = logging.getLogger("clusterless.hooks")
_log = logging.getLogger(__name__)

T = TypeVar("T")


class Plugins:
    """What the given plugins offer, each kind by name. Answers are asked for once, when first wanted."""

    def __init__(
        self, plugins: Iterable[Plugin], failures: Iterable[Failure] = (), disabled: Iterable[Plugin] = ()
    ) -> None:
        self._manager = pluggy.PluginManager(hookspecs.NAME)
        self._manager.add_hookspecs(hookspecs)
        self._failures = list(failures)
        self._disabled = tuple(disabled)
        self._answers: dict[str, tuple[tuple[Plugin, Any], ...]] = {}
        self._loaded: dict[str, Provider] = {}
        self._stores: dict[tuple[str, Placement | None], ObjectStore] = {}
        self._reached: dict[str, Placement] = {}
        self._plugins = [plugin for plugin in plugins if self._register(plugin)]

    @property
    def installed(self) -> Sequence[Plugin]:
        """The plugins that could be loaded."""
        return tuple(self._plugins)

    @property
    def failures(self) -> Sequence[Failure]:
        """The plugins that could not be loaded, or have failed to answer so far."""
        return tuple(self._failures)

    @property
    def disabled(self) -> Sequence[Plugin]:
        """The plugins that are installed, and were not loaded since they are not wanted."""
        return self._disabled

    # ---- what is offered, by name: each raises PluginError where two plugins claim one name ----

    def providers(self) -> Mapping[str, ProviderEntry]:
        return self._by_name("cls_providers", "provider", lambda entry: entry.name)

    def stores(self) -> Mapping[str, StoreScheme]:
        return self._by_name("cls_stores", "scheme", lambda scheme: scheme.scheme)

    def resources(self) -> Mapping[str, ResourceComponent]:
        return self._by_name("cls_resources", "component", _type)

    def boundaries(self) -> Mapping[str, BorderComponent]:
        return self._by_name("cls_boundaries", "component", _type)

    def barriers(self) -> Mapping[str, BarrierComponent]:
        return self._by_name("cls_barriers", "component", _type)

    def arcs(self) -> Mapping[str, ArcComponent]:
        return self._by_name("cls_arcs", "component", _type)

    def activities(self) -> Mapping[str, ActivityComponent]:
        return self._by_name("cls_activities", "component", _type)

    def notifiers(self) -> Mapping[str, NotifierComponent]:
        return self._by_name("cls_notifiers", "component", _type)

    def components(self) -> Mapping[str, Component]:
        """Components of every kind, by type."""
        return named("component", [answer for hook in _COMPONENTS for answer in self._ask(hook)], _type)

    def engines(self) -> Mapping[str, ContainerEngine]:
        return self._by_name("cls_engines", "container engine", lambda engine: engine.name)

    def deployers(self) -> Mapping[str, DeployerEntry]:
        return self._by_name("cls_deployers", "deployer", lambda entry: entry.provider)

    def project_formats(self) -> Mapping[str, ProjectFormat]:
        return self._by_name("cls_project_formats", "project file suffix", lambda format_: format_.suffix)

    def commands(self) -> Mapping[str, click.Command]:
        return self._by_name("cls_commands", "command", lambda command: command.name or "")

    def explain(self, error: BaseException) -> str | None:
        """What the plugin that knows this SDK exception has to say about it, if any does."""
        try:
            answer = self._manager.hook.cls_explain_error(error=error)
        except Exception:  # noqa: BLE001 -- while wording one error, another must not take its place
            _log.debug("a plugin failed while explaining %r", error, exc_info=True)
            return None
        return answer if isinstance(answer, str) else None

    # ---- one of them, ready to use ----

    def provider(self, name: str) -> Provider:
        """The provider *name*, loaded.

        Raises:
            NotInstalledError: no plugin offers it, or the plugin offers nothing yet.
            PluginError: its plugin is installed, and its import broke.
        """
        if name not in self._loaded:
            entry = self.providers().get(name)
            if entry is None:
                raise self._absent(f"no provider named {name!r} {_known(self.providers())}", name, self.providers())
            self._loaded[name] = self._load(f"provider {name}", entry.load, entry.unavailable)
        return self._loaded[name]

    def open_store(self, uri: str) -> ObjectStore:
        """The store rooted at the location *uri*, asked again while it does not answer; always the same one.

        Raises:
            NotInstalledError: no plugin offers the scheme.
            PluginError: its plugin is installed, and its import broke.
        """
        root = uri if uri.endswith("/") else uri + "/"
        placement = self._placement(root)
        if (root, placement) not in self._stores:
            self._stores.setdefault((root, placement), _patient(self._scheme(root)(root, placement)))
        return self._stores[root, placement]

    def variables(self, uri: str) -> Mapping[str, str]:
        """What leads other programs to a location or object as its placement reaches it; empty where none is known."""
        from clusterless import layout

        scheme = self.stores().get(layout.scheme(uri))
        return scheme.variables(self._placement(uri)) if scheme else {}

    def entrust(self, location: str, placement: Placement) -> None:
        """Reach what lies below *location* as *placement* does from now on: with its endpoint and its credentials.

        The first placement that a location is entrusted to keeps it, and the nearest location above an object counts.
        """
        self._reached.setdefault(location if location.endswith("/") else location + "/", placement)

    def roots(self, placement: Placement, base: Path) -> StoreRoots:
        """Where the stores of a completed *placement* are, for a project file in folder *base*; entrusted to it.

        Raises:
            NotInstalledError: its provider is not installed.
            PluginError: its provider's plugin is installed, and its import broke.
        """
        roots = self.provider(placement.provider).roots(placement, base)
        for root in (roots.metadata, roots.arc_state, roots.manifest):
            self.entrust(root, placement)
        return roots

    def component(self, type_: str) -> Component:
        """The component of that type.

        Raises:
            NotInstalledError: no plugin offers it, or its provider's plugin offers nothing yet.
            PluginError: its plugin is installed, and its import broke.
        """
        known = self.components()
        if type_ in known:
            return known[type_]
        if hint := did_you_mean(type_, known):
            raise NotInstalledError(f"no component {type_!r}", hint=hint)
        if any(name.startswith(f"{type_.partition(':')[0]}:") for name in known):
            raise NotInstalledError(f"no component {type_!r}", hint="cls show component --list")
        raise self.absence(type_)

    def engine(self, name: str) -> ContainerEngine:
        """The container engine *name*.

        Raises:
            NotInstalledError: no plugin offers it.
            PluginError: its plugin is installed, and its import broke.
        """
        if name not in self.engines():
            raise self._absent(f"no container engine named {name!r} {_known(self.engines())}", name, self.engines())
        return self.engines()[name]

    def absence(self, type_: str) -> ClsError:
        """Why nothing offers what is of that type: not installed, broken, disabled, or nothing in it yet."""
        provider = type_.partition(":")[0]
        entry = self.providers().get(provider)
        if entry and entry.unavailable:
            return NotInstalledError(f"no component {type_!r}: {entry.unavailable}")
        return self._absent(f"no component {type_!r}", provider, self.providers())

    def offers(self, plugin: Plugin) -> Mapping[str, Sequence[str]]:
        """What one plugin offers: names, by kind."""
        offered: dict[str, list[str]] = {}
        for hook, kind, name in _KINDS:
            if names := [name(answer) for source, answer in self._ask(hook) if source is plugin]:
                offered[kind] = names
        return offered

    def check(self) -> None:
        """Ask for everything.

        Raises:
            PluginError: two plugins claim one name.
        """
        for ask in (
            self.providers,
            self.stores,
            self.components,
            self.engines,
            self.deployers,
            self.project_formats,
            self.commands,
        ):
            ask()

    def trace(self) -> None:
        """Write every hook call to stderr from now on."""
        _trace.addHandler(logging.StreamHandler())
        _trace.setLevel(logging.DEBUG)
        self._manager.trace.root.setwriter(lambda text: _trace.debug(text.rstrip("\n")))
        self._manager.enable_tracing()

    # ---- how ----

    def _register(self, plugin: Plugin) -> bool:
        try:
            hash(plugin.answers)  # pluggy keeps what cannot be hashed, and then can ask nobody
            self._manager.register(plugin.answers, name=plugin.name)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError, TypeError) as error:
            if self._manager.get_plugin(plugin.name) is plugin.answers:
                self._manager.unregister(plugin.answers)
            self._fail(plugin, f"does not fit the interface: {error}", error)
            return False
        return True

    def _fail(self, plugin: Plugin, problem: str, cause: BaseException) -> None:
        self._failures.append(Failure(plugin=plugin, error=broken(plugin, problem, cause)))

    def _ask(self, hook: str) -> tuple[tuple[Plugin, Any], ...]:
        if hook not in self._answers:
            self._answers[hook] = tuple(
                (plugin, answer) for plugin in self._plugins for answer in self._answer(plugin, hook)
            )
        return self._answers[hook]

    def _answer(self, plugin: Plugin, hook: str) -> Sequence[Any]:
        # Asked one by one, so that a mistake is laid at the right door.
        others = [other.answers for other in self._plugins if other is not plugin]
        try:
            batches = self._manager.subset_hook_caller(hook, others)()
            answers = [answer for batch in batches for answer in batch]
        except Exception as error:  # noqa: BLE001 -- a plugin may fail in any way; the others must go on
            self._fail(plugin, f"failed to answer {hook}: {words(error)}", error)
            return ()
        of = _class(hook) if answers else object
        wrong = next((answer for answer in answers if not isinstance(answer, of)), None)
        if wrong is not None:
            problem = f"answered {hook} with a {type(wrong).__name__}, not a {of.__name__}"
            self._fail(plugin, problem, TypeError(problem))
            return ()
        return answers

    def _by_name(self, hook: str, kind: str, name: Callable[[Any], str]) -> Mapping[str, Any]:
        return named(kind, self._ask(hook), name)

    def _placement(self, root: str) -> Placement | None:
        while root:  # from the location itself upward
            if root in self._reached:
                return self._reached[root]
            root = root[: root.rstrip("/").rfind("/") + 1]
        return None

    def _scheme(self, root: str) -> OpenStore:
        from clusterless import layout

        scheme = layout.scheme(root)
        entry = self.stores().get(scheme)
        if entry is None:
            package = _SCHEME_PACKAGES.get(scheme, f"cls-{scheme}")
            problem = f"{root}: no installed plugin opens {scheme + '://' if scheme else 'a location without a scheme'}"
            raise self._absent(f"{problem} {_known(self.stores())}", package.removeprefix("cls-"))
        return self._load(f"store {scheme}://", entry.load)

    def _load(self, what: str, load: Callable[[], T], unavailable: str = "") -> T:
        if unavailable:
            raise NotInstalledError(f"{what}: {unavailable}")
        try:
            return load()
        except ClsError:
            raise
        except Exception as error:
            msg = f"{what}: its plugin is installed, but loading it broke: {words(error)}"
            raise PluginError(msg, hint="cls plugins") from error

    def _absent(self, problem: str, name: str, known: Iterable[str] = ()) -> ClsError:
        """Why what the plugin *name* would offer is not there: a name that is close to one of *known* is mistyped."""
        for plugin in self._disabled:
            if name in {plugin.name, plugin.distribution.removeprefix("cls-")}:
                hint = f"take {plugin.name!r} out of {DISABLE}"
                return NotInstalledError(f"{problem}; its plugin is disabled", hint=hint)
        for failure in self._failures:
            if name in {failure.plugin.name, failure.plugin.distribution.removeprefix("cls-")}:
                return PluginError(f"{problem}: {failure.error.problem}", hint=failure.error.hint)
        entry = self.providers().get(name)
        if entry is not None:
            return NotInstalledError(f"{problem}: {entry.unavailable or 'its plugin does not offer it'}")
        otherwise = f"pip install cls-{name}" if name else "cls plugins"
        return NotInstalledError(problem, hint=did_you_mean(name, known, otherwise))


def _patient(store: ObjectStore) -> ObjectStore:
    from clusterless.runtime.clock import SystemClock, jitter
    from clusterless.store.retrying import RetryingStore

    return RetryingStore(store, SystemClock().sleep, jitter=jitter)


def _type(component: Component) -> str:
    return component.type


def _known(names: Iterable[str]) -> str:
    return f"(installed: {', '.join(sorted(names)) or 'none'})"


def _class(hook: str) -> type[Any]:
    """What *hook* is answered with."""
    if hook == "cls_commands":
        import click

        return click.Command
    from clusterless.plugins.answers import ANSWERS

    return ANSWERS[hook]


_COMPONENTS = ("cls_resources", "cls_boundaries", "cls_barriers", "cls_arcs", "cls_activities", "cls_notifiers")

_KINDS: Sequence[tuple[str, str, Callable[[Any], str]]] = (
    ("cls_providers", "providers", lambda entry: entry.name),
    ("cls_stores", "stores", lambda entry: f"{entry.scheme}://"),
    *((hook, hook.removeprefix("cls_"), _type) for hook in _COMPONENTS),
    ("cls_engines", "container engines", lambda engine: engine.name),
    ("cls_deployers", "deployers", lambda entry: entry.provider),
    ("cls_project_formats", "project formats", lambda entry: entry.suffix),
    ("cls_commands", "commands", lambda command: str(getattr(command, "name", None))),
)
