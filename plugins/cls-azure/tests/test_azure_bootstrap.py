"""A placement is made as a whole, kept with its data, and removed with nothing left."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import uuid4

import pytest
from beds.azurite import ACCOUNT, REGION, Azurite
from beds.proxy import Answer, Plan, proxied

from cls_azure import clients, queues
from cls_azure.bootstrap import AzureBootstrap
from cls_azure.events import marks
from cls_azure.settings import reach
from cls_azure.store import open_container
from clusterless import layout
from clusterless.bootstrap import Action
from clusterless.deploy.bootstrap import survey_ground
from clusterless.errors import InvalidValueError, StoreRefusedError, StoreUnavailableError
from clusterless.model.dataset import Dataset
from clusterless.model.placement import Placement
from clusterless.plugins import find_plugins

DATASET = Dataset(name="raw", version="1")


@pytest.fixture
def place(azure: Azurite) -> Placement:
    return Placement(provider="azure", stage=f"b{uuid4().hex[:6]}", account=ACCOUNT, region=REGION)


def bootstrapped(place: Placement) -> None:
    ground = survey_ground(place, Path.cwd(), find_plugins())
    ground.make(ground.to_make())


def there(place: Placement) -> list[str]:
    """Which of the placement's containers are there."""
    found = [each.name for each in clients.blobs(reach(place)).list_containers()]
    return [name for name in layout.store_names(place) if name in found]


def put(place: Placement, kind: int, key: str) -> None:
    open_container(f"az://{layout.store_names(place)[kind]}/", place).put(key, b"x")


def actions(place: Placement, *, with_data: bool = False) -> list[Action]:
    return [step.action for step in AzureBootstrap().remove(place, Path(), with_data).steps]


def test_all_is_made_and_then_kept(place: Placement) -> None:
    plan = AzureBootstrap().make(place, Path())
    assert [step.action for step in plan.steps] == [Action.CREATE] * 3
    assert there(place) == []  # a plan leaves nothing behind
    made = plan.apply()
    assert list(made) == ["metadata", "arcState", "manifest"]
    assert made["arcState"] == {"name": f"{place.stage}-clusterless-arc-state-{ACCOUNT}-{REGION}"}
    assert not AzureBootstrap().make(place, Path()).changes
    for name in there(place):
        client = clients.blobs(reach(place)).get_container_client(name)
        assert client.get_container_properties().public_access is None


def test_it_is_recorded_and_found_by_its_containers(place: Placement, caplog: pytest.LogCaptureFixture) -> None:
    ground = survey_ground(place, Path.cwd(), find_plugins())
    assert (ground.recorded, ground.projects) == (None, [])
    bootstrapped(place)
    assert place in list(AzureBootstrap().placements(Path()))
    put(place, 0, "metadata.json")
    with caplog.at_level(logging.WARNING):
        assert place not in list(AzureBootstrap().placements(Path()))
    assert "a placement is passed over" in caplog.text


def test_none_are_looked_for_where_no_account_is_named(apart: pytest.MonkeyPatch) -> None:
    assert list(AzureBootstrap().placements(Path())) == []


def test_what_a_command_left_half_made_is_made_whole(place: Placement) -> None:
    plan = AzureBootstrap().make(place, Path())
    clients.blobs(reach(place)).create_container(layout.store_names(place)[1], metadata={"clsbootstrap": "1"})
    assert [step.action for step in AzureBootstrap().make(place, Path()).steps] == [
        Action.CREATE,
        Action.KEEP,
        Action.CREATE,
    ]
    plan.apply()  # which was made before, and is as good
    assert len(there(place)) == 3


def test_what_others_have_made_is_taken_whole_and_never_removed(place: Placement) -> None:
    names = layout.store_names(place)
    service = clients.blobs(reach(place))
    service.create_container(names[0])
    with pytest.raises(StoreRefusedError, match=r"is half made: az://.*metadata.* was not made by cls bootstrap"):
        AzureBootstrap().make(place, Path())
    for name in names[1:]:
        service.create_container(name)
    assert [step.action for step in AzureBootstrap().make(place, Path()).steps] == [Action.KEEP] * 3
    with pytest.raises(StoreRefusedError, match="removes only what it has made"):
        AzureBootstrap().remove(place, Path(), True)


def test_what_is_gone_since_it_was_bootstrapped_is_not_made_anew(place: Placement) -> None:
    """An empty ledger in place of one that was lost would tell that nothing was ever done."""
    bootstrapped(place)
    clients.blobs(reach(place)).delete_container(layout.store_names(place)[1])
    with pytest.raises(StoreRefusedError, match=r"arc-state.*is gone since it was bootstrapped") as refused:
        AzureBootstrap().make(place, Path())
    assert "--destroy" in refused.value.hint


def test_what_holds_data_is_kept_and_found_again(place: Placement) -> None:
    bootstrapped(place)
    put(place, 2, "datasets/a")
    assert actions(place) == [Action.REMOVE, Action.REMOVE, Action.KEEP]
    ground = survey_ground(place, Path.cwd(), find_plugins())
    ground.remove(ground.to_remove(with_data=False))
    assert there(place) == [layout.store_names(place)[2]]
    assert [step.action for step in AzureBootstrap().make(place, Path()).steps] == [
        Action.CREATE,
        Action.CREATE,
        Action.KEEP,
    ]
    ground.remove(AzureBootstrap().remove(place, Path(), True))
    assert there(place) == []


def test_the_queues_of_its_subscribers_go_with_it_and_no_others(place: Placement) -> None:
    bootstrapped(place)
    service = clients.queues(reach(place))
    own, other = f"q-{place.stage}", f"o-{place.stage}"
    queues.make(service, own, marks(place, [DATASET]))
    elsewhere = Placement(provider="azure", stage="other", account=ACCOUNT, region=REGION)
    queues.make(service, other, marks(elsewhere, [DATASET]))
    plan = AzureBootstrap().remove(place, Path(), False)
    assert plan.steps[0].what == f"queue {own}"
    plan.apply()
    names = [each.name for each in service.list_queues()]
    assert own not in names
    assert other in names


def test_a_stage_that_makes_too_long_a_name_is_refused(place: Placement) -> None:
    with pytest.raises(InvalidValueError, match="cannot be the name of a container"):
        AzureBootstrap().make(Placement(provider="azure", stage="s" * 40, account=ACCOUNT, region=REGION), Path())


def test_a_container_that_is_being_removed_is_to_be_waited_for(
    azure: Azurite, place: Placement, apart: pytest.MonkeyPatch
) -> None:
    plan = Plan()
    with proxied(azure.blob.removesuffix(f"/{ACCOUNT}"), plan) as endpoint:
        for name, value in azure.variables(blob=f"{endpoint}/{ACCOUNT}").items():
            apart.setenv(name, value)
        plan.add("PUT .*restype=container", Answer(409, headers={"x-ms-error-code": "ContainerBeingDeleted"}))
        with pytest.raises(StoreUnavailableError, match="is being removed"):
            AzureBootstrap().make(place, Path()).apply()
