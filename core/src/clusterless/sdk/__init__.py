"""What the code of a workload imports: one lot's work, its source objects and its sinks.

    from clusterless.sdk import LotWork

    def delayed(work: LotWork) -> None:
        for source in work.source("main"):
            rows = parse(source.read())
            with work.sink("main").open(f"lot={work.lot}/{source.name}-{work.attempt}") as stream:
                stream.write(render(rows))

`cls:core:pythonArc` calls such a function for each lot, `cls:core:pythonActivity` one that takes an
`ActivityWork` on a clock. A container or a script uses
`LotWork.from_environment` itself, or runs ``python -m clusterless.sdk module:function``.
"""

from __future__ import annotations

from clusterless.sdk.activity import ActivityWork
from clusterless.sdk.objects import Sink, Source, SourceObject
from clusterless.sdk.work import LotWork

__all__ = ["ActivityWork", "LotWork", "Sink", "Source", "SourceObject"]
