"""The ``cls`` group, and the one place where an error becomes words and an exit code.

To add a command of core: a module in this package with a `click.Command`, and a line in `COMMANDS`. The module
is imported when its command is called; ``cls --help`` reads the line.
"""

from __future__ import annotations

import errno
import importlib
import logging
import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import define, evolve

from clusterless.cli.helping import Context, fitted, misuse
from clusterless.errors import SHOWN, ClsError, MalformedError, PluginError, closest
from clusterless.plugins import find_plugins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clusterless.cli.settings import Config

COMMANDS: Mapping[str, tuple[str, str]] = {
    "arcs": ("clusterless.cli.standing:arcs", "Show deployed arcs, and how their lots stand."),
    "audit": ("clusterless.cli.audit:audit", "Find what is wrong with a dataset's objects."),
    "backfill": ("clusterless.cli.backfill:backfill", "Work lots of history."),
    "bootstrap": ("clusterless.cli.bootstrap:bootstrap", "Make what a placement needs beforehand, or remove it."),
    "completion": ("clusterless.cli.completion:completion", "Have the shell complete what is typed."),
    "config": ("clusterless.cli.config:config", "Show or write what is set once for all commands."),
    "datasets": ("clusterless.cli.standing:datasets", "Show datasets, and how their lots stand."),
    "disable": ("clusterless.cli.switches:disable", "Turn off what runs or is deployed; what arrives is kept."),
    "doctor": ("clusterless.cli.doctor:doctor", "Look whether this environment and stores are fit to run on."),
    "dupes": ("clusterless.cli.dupes:dupes", "Find what a dataset holds twice."),
    "enable": ("clusterless.cli.switches:enable", "Turn on again what was disabled, and say from when."),
    "explain": ("clusterless.cli.explain:explain", "Tell what became of a lot, an object or an attempt."),
    "exec": ("clusterless.cli.exec:execute", "Work one lot, now, and show what it prints."),
    "gaps": ("clusterless.cli.gaps:gaps", "Show which lots are missing, and why."),
    "graph": ("clusterless.cli.graph:graph", "Draw projects, datasets and what works them."),
    "init": ("clusterless.cli.init:init", "Make a project to start from."),
    "local": ("clusterless.cli.local:local", "Print a script that works a lot by hand."),
    "placements": ("clusterless.cli.placements:placements", "Show the placements that there are."),
    "plans": ("clusterless.cli.plans:plans", "Show plans of work on lots, and how far they are."),
    "plugins": ("clusterless.cli.plugins:plugins", "Show what is installed, what it offers, and what failed."),
    "policy": ("clusterless.cli.policy:policy", "Print the permissions that running projects needs."),
    "projects": ("clusterless.cli.projects:projects", "Show the projects that a placement knows."),
    "redrive": ("clusterless.cli.redrive:redrive", "Send what notifiers could not announce."),
    "replay": ("clusterless.cli.replay:replay", "Work lots again, and replace what they came to."),
    "rollback": ("clusterless.cli.rollback:rollback", "Mark lots as replaceable, or remove what they came to."),
    "run": ("clusterless.cli.run:run", "Run projects here, until told to stop."),
    "show": ("clusterless.cli.show:show", "Show components and models, as they are written in project files."),
    "status": ("clusterless.cli.status:status", "Show how lots stand, and what is behind."),
    "verify": ("clusterless.cli.verify:verify", "Check project files, and say everything that is wrong."),
}

OUTPUTS = ("table", "json", "csv", "tsv")

_log = logging.getLogger(__name__)


F = TypeVar("F", bound=Callable[..., Any])


@define(kw_only=True)
class Session:
    """What was said before the command's name; commands get it by ``@click.pass_obj``."""

    given: str | None = None
    settings: tuple[str, ...] = ()
    verbosity: int = 0

    @cached_property
    def config(self) -> Config:
        """What people have set, read when it is first asked for."""
        from clusterless.cli.settings import load_config

        return load_config(self.settings)

    @property
    def output(self) -> str:
        """The form of reports."""
        return self.given or self.config.report.output.value


def reports(command: F) -> F:
    """Lets ``--output`` stand after the command's name too."""
    return click.option(
        "--output", type=click.Choice(OUTPUTS), expose_value=False, callback=_as_output, help="The form of the report."
    )(command)


def _as_output(ctx: click.Context, _: click.Parameter, output: str | None) -> None:
    if output and isinstance(ctx.obj, Session):
        ctx.obj = evolve(ctx.obj, given=output)


class _Sentences(logging.Formatter):
    """What is logged, as people read it; *named*: with the module that says it."""

    def __init__(self, *, named: bool) -> None:
        super().__init__("%(levelword)s: %(name)s: %(message)s" if named else "%(levelword)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        from clusterless.cli.words import plain

        record.levelword = record.levelname.lower()
        return plain(super().format(record))


def _is_told(record: logging.LogRecord) -> bool:
    """Details are told of our own code and of plugins': those of an SDK have what it signs its requests with."""
    return record.levelno > logging.DEBUG or record.name.startswith(("clusterless.", "cls_"))


class App(click.Group):
    """A group that imports a command when it is called, and words every error."""

    context_class = Context

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 -- the edge: nothing is left to catch it
            sys.exit(report(error))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except KeyboardInterrupt:
            sys.exit(130)
        except click.UsageError as error:
            raise misuse(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Click would call it an abort, and exit 1.
            ctx.exit(130)
        except click.UsageError as error:
            raise misuse(error) from None
        except ClsError as error:
            from clusterless.cli.again import again

            error.hint = again(error.hint)  # while it is known where this command was told to look
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*COMMANDS, *_plugin_commands()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return fitted(_load(COMMANDS[cmd_name][0]))
        command = _plugin_commands().get(cmd_name)
        return command and fitted(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = closest(args[0], self.list_commands(ctx))
            if close and "Did you mean" not in error.message:
                msg = f"{error.message} Did you mean {close!r}?"
                raise click.UsageError(msg, ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        others = {name: command.get_short_help_str() for name, command in _plugin_commands().items()}
        rows = {**others, **{name: text for name, (_, text) in COMMANDS.items()}}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows.items()))


_EXAMPLES = """
\b
Examples:
  cls init my-project
  cls run project.json --until-idle
  cls arcs status -p project.json
  cls run --help
"""


@click.group(
    "cls",
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXAMPLES,
)
@click.version_option(None, "-V", "--version", package_name="clusterless", prog_name="cls")
@click.option("-v", "verbosity", count=True, help="Say more on stderr: -v what is done, -vv details.")
@click.option("--output", type=click.Choice(OUTPUTS), help="The form of reports.  [default: table]")
@click.option("-D", "settings", multiple=True, metavar="KEY=VALUE", help="Set it for this time; see 'cls config show'.")
@click.pass_context
def main(ctx: click.Context, verbosity: int, output: str | None, settings: tuple[str, ...]) -> None:
    """Declare data pipelines; run them here or deploy them."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(level=level, stream=sys.stderr, force=True)
    (handler,) = logging.getLogger().handlers
    handler.setFormatter(_Sentences(named=verbosity > 0))
    handler.addFilter(_is_told)
    session = ctx.obj = Session(given=output, settings=settings, verbosity=verbosity)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    elif ctx.invoked_subcommand not in _UNCONFIGURED:
        ctx.default_map = _defaults(session.config)


_UNCONFIGURED = {"completion", "config", "init", "show"}
"""Commands that take no defaults from what is set, and so work where that is broken."""


def _defaults(config: Config) -> dict[str, Any]:
    """By command, what its options are where they are not given."""
    place = {name: getattr(config.placement, name) for name in ("provider", "stage", "account", "region")}
    given = {name: value for name, value in place.items() if value is not None}
    run = {"concurrency": config.run.concurrency} if config.run.concurrency else {}
    return {name: run if name == "run" else given for name in COMMANDS}


_SYSTEM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
"""What a system that is full or broken answers, wherever it is met."""


def report(error: Exception) -> int:
    """Say on stderr what went wrong and what to do about it; the exit code that goes with it."""
    if isinstance(error, BrokenPipeError) or getattr(error, "errno", None) == errno.EPIPE:
        return 1  # whoever was reading has gone; there is nobody to tell
    _log.info("the whole story", exc_info=error)
    hint = _hint(error)
    if isinstance(error, MalformedError) and len(error.findings) > SHOWN:
        hint = "; ".join(filter(None, [hint, "cls verify FILE... --output json tells all"]))
    if isinstance(error, ClsError):
        _say(f"error[{error.code}]: {error.problem}", hint)
        return error.exit_code
    if hint:
        _say(f"error[service]: {type(error).__name__}: {error}", hint)
        return 1
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        where = f": {error.filename}" if error.filename else ""
        _say(f"error[system]: {error.strerror}{where}", "make room, or raise the limit, and run it again")
        return 1
    problem = f"{type(error).__name__}: {error}"
    _say(f"error[bug]: {problem}", "this is a mistake in clusterless or a plugin: run it again with -v, and report it")
    return 1


def _say(problem: str, hint: str) -> None:
    from clusterless.cli.words import plain

    click.echo(plain(problem), err=True)
    if hint:
        click.echo(f"  hint: {plain(hint)}", err=True)


def _hint(error: BaseException) -> str:
    """The error's own hint, or what the plugin whose SDK raised it, or what it came from, says."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        if hint := getattr(cause, "hint", "") if isinstance(cause, ClsError) else find_plugins().explain(cause):
            return hint
        seen.add(id(cause))
        cause = cause.__cause__
    return ""


def _plugin_commands() -> Mapping[str, click.Command]:
    commands = find_plugins().commands()
    if clash := sorted(commands.keys() & COMMANDS.keys()):
        msg = f"a plugin claims the command {clash[0]!r}, which is clusterless's own"
        raise PluginError(msg, hint="cls plugins")
    return commands


def _load(target: str) -> click.Command:
    module, _, name = target.partition(":")
    command = getattr(importlib.import_module(module), name)
    assert isinstance(command, click.Command)
    return command
