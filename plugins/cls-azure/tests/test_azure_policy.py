"""The roles that projects need: those that are named for what is declared, and enough for what a run asks."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from beds.azurite import ACCOUNT, REGION, Azurite
from beds.proxy import Plan, proxied
from click.testing import CliRunner

from cls_azure import clients
from cls_azure.settings import reach
from clusterless.cli.app import main

GROUP = "/subscriptions/s-1/resourceGroups/g-1"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
READ, WRITE = "Storage Blob Data Reader", "Storage Blob Data Contributor"
QUEUES, SEND, POST = "Storage Queue Data Contributor", "Storage Queue Data Message Sender", "EventGrid Data Sender"


def container(name: str) -> str:
    return f"{STORAGE}/blobServices/default/containers/{name}"


def queue(name: str) -> str:
    return f"{STORAGE}/queueServices/default/queues/{name}"


@pytest.fixture
def group(apart: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    apart.chdir(tmp_path)
    apart.setenv("AZURE_SUBSCRIPTION_ID", "s-1")
    apart.setenv("AZURE_RESOURCE_GROUP", "g-1")
    return apart


def cls(*arguments: str, fails: int = 0) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == fails, done.output
    return done.stdout if not fails else done.output


def saved(**parts: Any) -> str:
    placement = {"provider": "azure", "stage": "dev", "account": ACCOUNT, "region": REGION}
    project = {"project": {"name": "p", "version": "1"}, "placement": placement, **parts}
    Path("p.json").write_text(json.dumps(project), "utf-8")
    return "p.json"


def granted(**parts: Any) -> set[tuple[str, str]]:
    """Roles and scopes, without those of the placement's own containers."""
    found = {(each["role"], each["scope"]) for each in json.loads(cls("policy", saved(**parts)))}
    own = {
        (WRITE, container(f"dev-clusterless-{kind}-{ACCOUNT}-{REGION}"))
        for kind in ("metadata", "arc-state", "manifest")
    }
    assert own <= found or (WRITE, STORAGE) in found
    return found - own


def boundary(where: str = "az://data/in/", **more: Any) -> dict[str, Any]:
    dataset = {"name": "raw", "version": "1", "pathURI": where}
    listener = {"type": "azure:core:blobPutListenerBoundary", "name": "arrive", "lotUnit": "Sixtieths"}
    return {**listener, "notices": "listing", "dataset": dataset, **more}


def arc(where: str = "az://out/", **source: Any) -> dict[str, Any]:
    return {
        "type": "azure:core:blobCopyArc",
        "name": "copy",
        "sources": {"main": {"name": "raw", "version": "1", "start": "all", **source}},
        "sinks": {"main": {"name": "out", "version": "1", "pathURI": where}},
    }


def notifier(type_: str, **values: Any) -> dict[str, Any]:
    return {"type": f"azure:core:{type_}", "name": "tell", **values}


# ---- what is named ---------------------------------------------------------------------------------------------


def test_what_is_only_read_may_only_be_read(group: pytest.MonkeyPatch) -> None:
    found = granted(boundaries=[boundary()], arcs=[arc()])
    assert found == {(READ, container("data")), (WRITE, container("out")), (QUEUES, STORAGE)}


def test_who_may_write_need_not_be_let_read(group: pytest.MonkeyPatch) -> None:
    found = granted(boundaries=[boundary()], arcs=[arc("az://data/out/")])
    assert found == {(WRITE, container("data")), (QUEUES, STORAGE)}
    made = {"type": "azure:core:blobContainer", "name": "c", "containerName": "data"}
    assert granted(resources=[made], boundaries=[boundary()]) == {(WRITE, STORAGE), (QUEUES, STORAGE)}


def asked_of_azure(**parts: Any) -> set[tuple[str, str]]:
    """What a project that is placed on AWS needs here."""
    placement = {"provider": "aws", "account": "000000000000", "region": "us-west-2"}
    Path("p.json").write_text(json.dumps({"project": {"name": "p", "version": "1"}, "placement": placement, **parts}))
    return {(each["role"], each["scope"]) for each in json.loads(cls("policy", "p.json", "--provider", "azure"))}


def test_who_reads_from_another_cloud_may_read_here_and_listen_if_it_subscribes(group: pytest.MonkeyPatch) -> None:
    there = {"provider": "azure", "stage": "dev", "account": ACCOUNT, "region": REGION}
    reading = {(READ, container(f"dev-clusterless-{kind}-{ACCOUNT}-{REGION}")) for kind in ("metadata", "manifest")}
    copy = {**arc("s3://out/", placement=there, subscribe=False), "type": "cls:core:copyArc"}
    assert asked_of_azure(arcs=[copy]) == reading
    copy["sources"]["main"]["subscribe"] = True
    assert asked_of_azure(arcs=[copy]) == reading | {(QUEUES, STORAGE)}


def test_an_inbox_is_emptied_by_its_reader_and_filled_by_who_announces(group: pytest.MonkeyPatch) -> None:
    place = {"provider": "azure", "stage": "dev", "account": ACCOUNT, "region": REGION}
    found = granted(arcs=[arc(inbox="az://post/a/", placement={**place, "stage": "prod"})])
    assert {(WRITE, container("post")), ("EventGrid EventSubscription Contributor", STORAGE)} <= found
    tell = {"type": "cls:core:inboxNotifier", "name": "tell", "pathURI": "az://post/a/", "placement": place}
    assert asked_of_azure(notifiers=[tell]) == {(WRITE, container("post"))}


def test_events_by_a_topic_are_posted_there(group: pytest.MonkeyPatch) -> None:
    Path(".clsconfig-azure").write_text('eventGrid = "https://lots.westeurope-1.eventgrid.azure.net/api/events"')
    topic = (POST, f"{GROUP}/providers/Microsoft.EventGrid/topics/lots")
    assert granted(boundaries=[boundary()]) == {topic, (READ, container("data"))}
    sent = notifier("storageQueueNotifier", queue="told")
    assert granted(notifiers=[sent]) == {topic, (SEND, queue("told"))}
    posted = notifier("eventGridNotifier", endpoint="https://other.westeurope-1.eventgrid.azure.net/api/events")
    assert granted(notifiers=[posted]) == {topic, (POST, f"{GROUP}/providers/Microsoft.EventGrid/topics/other")}
    assert granted(notifiers=[{**posted, "keyEnv": "TOPIC_KEY"}]) == {topic}


def test_whoever_has_event_grid_tell_of_blobs_and_lots_may_do_so(group: pytest.MonkeyPatch) -> None:
    tell, see, data = "EventGrid EventSubscription Contributor", "Reader", (READ, container("data"))
    found = granted(boundaries=[boundary(notices="eventGrid")])
    assert found == {(tell, STORAGE), (see, STORAGE), (QUEUES, STORAGE), data}
    Path(".clsconfig-azure").write_text('eventGrid = "https://lots.westeurope-1.eventgrid.azure.net/api/events"')
    topic = f"{GROUP}/providers/Microsoft.EventGrid/topics/lots"
    found = granted(boundaries=[boundary()], arcs=[arc("az://data/")])
    assert found == {(POST, topic), (tell, topic), (see, topic), (see, STORAGE), (QUEUES, STORAGE), (WRITE, data[1])}


@pytest.mark.parametrize("job", ["box", f"{GROUP}/providers/Microsoft.App/jobs/box"])
def test_a_job_may_be_run(group: pytest.MonkeyPatch, job: str) -> None:
    worked = {**arc(subscribe=False), "type": "azure:core:containerAppsJobArc", "workload": {"job": job}}
    found = granted(arcs=[worked])
    assert ("Container Apps Jobs Operator", f"{GROUP}/providers/Microsoft.App/jobs/box") in found


def test_a_source_in_another_placement_may_be_read_there(group: pytest.MonkeyPatch) -> None:
    elsewhere = {"provider": "azure", "stage": "prod", "account": "other", "region": REGION}
    found = granted(arcs=[arc(placement=elsewhere, subscribe=False)])
    other = container("X").replace(ACCOUNT, "other")
    assert {scope for role, scope in found if role == READ} == {
        other.replace("X", f"prod-clusterless-{kind}-other-{REGION}") for kind in ("metadata", "manifest")
    }


def test_a_queue_of_another_account_is_told_of(group: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    sent = notifier("storageQueueNotifier", queue="https://other.queue.core.windows.net/told")
    with caplog.at_level(logging.WARNING):
        assert granted(notifiers=[sent]) == {(QUEUES, STORAGE)}
    assert not [each for each in json.loads(cls("policy", "p.json")) if "other" in each["scope"]]


@pytest.mark.parametrize(
    ("name", "told"), [("AZURE_SUBSCRIPTION_ID", "subscription"), ("AZURE_RESOURCE_GROUP", "resource group")]
)
def test_where_the_account_is_must_be_known(group: pytest.MonkeyPatch, name: str, told: str) -> None:
    group.delenv(name)
    assert f"no {told} is given" in cls("policy", saved(), fails=2)


# ---- what a run asks -------------------------------------------------------------------------------------------


def allows(grants: list[dict[str, str]], method: str, path: str) -> bool:
    """Whether a request for blobs is one that a role allows, by the place that it is about."""
    name = path.strip("/").partition("/")[0]
    scopes = {STORAGE, container(name)} if name else {STORAGE}
    roles = {WRITE} if method in {"PUT", "DELETE", "POST"} else {READ, WRITE}
    return any(each["role"] in roles and each["scope"] in scopes for each in grants)


@pytest.mark.slow
def test_a_run_asks_nothing_that_its_roles_do_not_allow(azurite_bed: Azurite, group: pytest.MonkeyPatch) -> None:
    stage, plan = f"p{uuid4().hex[:6]}", Plan()
    with proxied(azurite_bed.blob.removesuffix(f"/{ACCOUNT}"), plan) as endpoint:
        for name, value in azurite_bed.variables(blob=f"{endpoint}/{ACCOUNT}").items():
            group.setenv(name, value)
        placement = {"provider": "azure", "stage": stage, "account": ACCOUNT, "region": REGION}
        for name in (f"{stage}-data", f"{stage}-out"):
            clients.blobs(reach(None)).create_container(name)
        where = boundary(f"az://{stage}-data/in/", graceSec=0)
        file = saved(placement=placement, boundaries=[where], arcs=[arc(f"az://{stage}-out/")])
        cls("bootstrap", "--provider", "azure", "--stage", stage, "--account", ACCOUNT, "--region", REGION, "--approve")
        grants = json.loads(cls("policy", file))
        blob = clients.blobs(reach(None)).get_blob_client(f"{stage}-data", "in/a.txt")
        blob.upload_blob(b"1")
        plan.asked.clear()
        cls("run", file, "--until-idle", "--seal-open")
        asked = list(plan.asked)
        copied = clients.blobs(reach(None)).get_blob_client(f"{stage}-out", "a.txt")
        assert copied.download_blob().readall() == b"1"
    parts = [re.fullmatch(rf"(\w+) /{ACCOUNT}([^?]*)(?:\?.*)?", each) for each in asked]
    assert [each[0] for each in parts if each and not allows(grants, each[1], each[2])] == []
    assert all(parts)
    assert any(each.startswith(f"PUT /{ACCOUNT}/{stage}-out/a.txt") for each in asked)
    assert not any(each.startswith(f"GET /{ACCOUNT}/{stage}-data/in/a.txt") for each in asked), "the service copies"
    assert not allows(grants, "PUT", f"/{stage}-data/in/x")
