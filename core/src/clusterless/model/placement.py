"""Where a project lives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen
from attrs.validators import optional

from clusterless.model.naming import check_name


@frozen(kw_only=True)
class Placement:
    """A provider's account and region, and a stage to live side by side in.

    Providers fill in what may be left out (`clusterless.provider.Provider.complete`).
    """

    provider: str = field(validator=check_name)
    stage: str | None = field(default=None, validator=optional(check_name))
    account: str | None = field(default=None, validator=optional(check_name))
    region: str | None = field(default=None, validator=optional(check_name))

    @property
    def id(self) -> str:
        return ":".join(str(part or "null") for part in (self.provider, self.stage, self.account, self.region))

    @property
    def title(self) -> str:
        """As people read it: what is known of it."""
        return " ".join(filter(None, (self.provider, self.stage, self.account, self.region)))


def bootstrap_command(placement: Placement) -> str:
    """What to type for a completed *placement* that is not bootstrapped."""
    named = (("stage", placement.stage), ("account", placement.account), ("region", placement.region))
    options = "".join(f" --{option} {value}" for option, value in named if value)
    return f"cls bootstrap --provider {placement.provider}{options}"


BOOTSTRAP_VERSION = "1"


@frozen(kw_only=True)
class Bootstrapped:
    """``metadata.json``: that the placement was made, and what is known of what was made (FORMATS 4.4).

    *placement* is missing in what the reference system wrote; the store's name tells it there.
    """

    create_date_time: datetime
    exports: Mapping[str, Mapping[str, str]]
    version: str = BOOTSTRAP_VERSION
    placement: Placement | None = None
