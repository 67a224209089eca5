"""How ``cls:core:retentionActivity`` is declared."""

from __future__ import annotations

from attrs import field, frozen

from clusterless.engine.retention import check_age
from clusterless.model.activity import Activity
from clusterless.model.dataset import Dataset


@frozen(kw_only=True)
class RetentionActivity(Activity):
    """Removes the lots of a dataset of its project that ended longer than ``age`` ago.

    A lot that a declared subscriber has not consumed stays, with all after it, and is told. What a run
    gives up, the next run (two minutes later or more) removes: its objects, then its manifests, which say ``removed``.
    """

    dataset: Dataset
    age: str = field()

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        return (self.dataset,)

    @age.validator
    def _is_an_age(self, _: object, age: str) -> None:
        check_age(age)
