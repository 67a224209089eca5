"""``cls placements``: what there is, as far as it can be seen from here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from clusterless.cli.app import Session, reports
from clusterless.cli.render import Report, show
from clusterless.cli.words import say
from clusterless.errors import ClsError, StoreRefusedError, StoreUnavailableError
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins
from clusterless.provider import ProviderEntry

COLUMNS = ("provider", "stage", "account", "region")
_NO_SUCH = "no placement that is there is like that; cls placements shows all"
_NONE = "no placement is bootstrapped, as seen from this folder and CLS_LOCAL_ROOT, nor was anything run in a local one"
_EXAMPLES = """
\b
Examples:
  cls placements
  cls placements --output json
  cls placements --stage=
"""


@click.command(epilog=_EXAMPLES)
@reports
# Named otherwise than where a placement is picked: what is set for all commands picks, and does not filter.
@click.option("--provider", "of_provider", metavar="NAME", help="Of this provider only.")
@click.option("--stage", "of_stage", metavar="NAME", help="Of this stage only; with --stage= those without one.")
@click.option("--account", "of_account", metavar="NAME", help="Of this account only.")
@click.option("--region", "of_region", metavar="NAME", help="Of this region only.")
@click.pass_obj
def placements(
    session: Session, of_provider: str | None, of_stage: str | None, of_account: str | None, of_region: str | None
) -> None:
    """Show the placements that there are: those bootstrapped, and local ones that anything was run in.

    Local ones are looked for below CLS_LOCAL_ROOT, else below the nearest folder .clusterless.
    A provider that cannot be asked is named, and an error only where no other is asked.
    """
    wanted = (of_provider, of_stage, of_account, of_region)
    entries = [each for each in find_plugins().providers().values() if of_provider in {None, each.name}]
    failures: list[ClsError] = []
    found = {each.id: each for entry in entries for each in _seen(entry, failures, is_asked_for=len(entries) == 1)}
    rows = [(each.provider, each.stage, each.account, each.region) for _, each in sorted(found.items())]
    shown = tuple(row for row in rows if _is_wanted(row, wanted))
    show(Report(COLUMNS, shown, nothing=_NO_SUCH if rows else _NONE), session.output)
    if failures:
        raise failures[0]  # once all that could be seen is shown


def _seen(entry: ProviderEntry, failures: list[ClsError], *, is_asked_for: bool) -> Iterator[Placement]:
    if entry.bootstrap is None or entry.unavailable:
        return
    try:
        yield from entry.bootstrap().placements(Path.cwd())
    except (StoreRefusedError, StoreUnavailableError) as error:
        if is_asked_for:
            failures.append(error)
        else:  # who has its plugin installed need not have an account
            say(f"left out: those of {entry.name}: {error.problem}")
    except ClsError as error:
        failures.append(error)


def _is_wanted(row: tuple[str | None, ...], wanted: tuple[str | None, ...]) -> bool:
    return all(filter_ is None or (value or "") == filter_ for value, filter_ in zip(row, wanted, strict=True))
