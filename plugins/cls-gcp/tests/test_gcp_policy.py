"""The roles that projects need are named for what is declared, and no more than what is declared needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clusterless.cli.app import main

PLACED = {"provider": "gcp", "stage": "dev", "account": "my-project", "region": "europe-west1"}
OWN = "//cloudresourcemanager.googleapis.com/projects/my-project"


@pytest.fixture(autouse=True)
def here(apart: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apart.chdir(tmp_path)


def bucket(name: str) -> str:
    return f"//storage.googleapis.com/projects/_/buckets/{name}"


def topic(name: str) -> str:
    return f"//pubsub.googleapis.com/projects/my-project/topics/{name}"


def granted(**parts: Any) -> set[tuple[str, str]]:
    """Roles and what they are on, without those of the placement's own buckets and bus."""
    Path("p.json").write_text(
        json.dumps({"project": {"name": "p", "version": "1"}, "placement": PLACED, **parts}), "utf-8"
    )
    done = CliRunner().invoke(main, ["policy", "p.json"])
    assert done.exit_code == 0, done.output
    found = {(each["role"], each["resource"]) for each in json.loads(done.stdout)}
    own = {
        ("roles/storage.objectUser", bucket(f"dev-clusterless-{kind}-my-project-europe-west1"))
        for kind in ("metadata", "arc-state", "manifest")
    }
    on_bus = {(f"roles/pubsub.{each}", topic("DEV-arc-events-europe-west1")) for each in ("publisher", "viewer")}
    assert own | on_bus <= found
    return found - own - on_bus


def boundary(**more: Any) -> dict[str, Any]:
    dataset = {"name": "raw", "version": "1", "pathURI": "gs://data/in/"}
    listener = {"type": "gcp:core:gcsPutListenerBoundary", "name": "arrive", "lotUnit": "Sixtieths"}
    return {**listener, "notices": "listing", "dataset": dataset, **more}


def arc(type_: str = "gcsCopyArc", where: str = "gs://out/", **more: Any) -> dict[str, Any]:
    return {
        "type": f"gcp:core:{type_}",
        "name": "copy",
        "sources": {"main": {"name": "raw", "version": "1"}},
        "sinks": {"main": {"name": "out", "version": "1", "pathURI": where}},
        **more,
    }


def test_what_is_only_read_may_only_be_read() -> None:
    assert granted(boundaries=[boundary()]) == {("roles/storage.objectViewer", bucket("data"))}
    assert granted(boundaries=[boundary()], arcs=[arc()]) == {
        ("roles/storage.objectViewer", bucket("data")),
        ("roles/storage.objectUser", bucket("out")),
        ("roles/pubsub.editor", OWN),
    }


def test_who_may_write_need_not_be_let_read() -> None:
    assert granted(boundaries=[boundary()], arcs=[arc(where="gs://data/out/")]) == {
        ("roles/storage.objectUser", bucket("data")),
        ("roles/pubsub.editor", OWN),
    }


def test_what_changes_whom_a_bucket_tells_may_do_so() -> None:
    assert granted(boundaries=[boundary(notices="pubSub")], arcs=[arc()]) == {
        ("roles/storage.admin", bucket("data")),
        ("roles/storage.objectUser", bucket("out")),
        ("roles/pubsub.admin", OWN),
    }


def test_what_is_made_needs_the_project() -> None:
    made = [
        {"type": "gcp:core:gcsBucket", "name": "b", "bucketName": "data"},
        {"type": "gcp:core:pubSubTopic", "name": "t", "topicName": "told"},
    ]
    assert granted(resources=made) == {("roles/storage.admin", OWN), ("roles/pubsub.editor", OWN)}
    assert granted(resources=[{**each, "exclude": True} for each in made]) == set()


def test_who_is_told_and_what_is_run() -> None:
    told = {"type": "gcp:core:pubSubNotifier", "name": "n", "topic": "told"}
    job = arc("cloudRunJobArc", workload={"job": "j-1"}, sources={"main": {"name": "raw", "version": "1",
              "subscribe": False}})  # fmt: skip
    assert granted(notifiers=[told], arcs=[job]) == {
        ("roles/pubsub.publisher", topic("told")),
        ("roles/run.developer", "//run.googleapis.com/projects/my-project/locations/europe-west1/jobs/j-1"),
        ("roles/storage.objectUser", bucket("out")),
    }


def test_a_source_in_another_placement_may_be_read_there() -> None:
    elsewhere = {**PLACED, "stage": "prod"}
    source = {"name": "raw", "version": "1", "placement": elsewhere, "subscribe": False}
    found = granted(arcs=[arc(sources={"main": source})])
    assert {resource for role, resource in found if role == "roles/storage.objectViewer"} == {
        bucket(f"prod-clusterless-{kind}-my-project-europe-west1") for kind in ("metadata", "manifest")
    }


def asked_of_gcp(provider: str, **parts: Any) -> set[tuple[str, str]]:
    """What a project that is placed on another *provider* needs here."""
    placement = {"provider": provider, "account": "000000000000", "region": "us-west-2"}
    Path("p.json").write_text(json.dumps({"project": {"name": "p", "version": "1"}, "placement": placement, **parts}))
    done = CliRunner().invoke(main, ["policy", "p.json", "--provider", "gcp"])
    assert done.exit_code == 0, done.output
    return {(each["role"], each["resource"]) for each in json.loads(done.stdout)}


def test_who_reads_from_another_cloud_may_read_here_and_listen_if_it_subscribes() -> None:
    source = {"name": "raw", "version": "1", "placement": PLACED}
    reading = {
        ("roles/storage.objectViewer", bucket(f"dev-clusterless-{kind}-my-project-europe-west1"))
        for kind in ("metadata", "manifest")
    }
    copy = {**arc(where="s3://out/"), "type": "cls:core:copyArc"}
    silent = {"main": {**source, "subscribe": False}}
    assert asked_of_gcp("aws", arcs=[{**copy, "sources": silent}]) == reading
    listening = reading | {("roles/pubsub.editor", OWN)}
    assert asked_of_gcp("aws", arcs=[{**copy, "sources": {"main": source}}]) == listening


def test_an_inbox_is_emptied_by_its_reader_and_filled_by_who_announces() -> None:
    source = {"name": "raw", "version": "1", "inbox": "gs://post/a/", "placement": {**PLACED, "stage": "prod"}}
    assert {("roles/storage.admin", bucket("post")), ("roles/pubsub.admin", OWN)} <= granted(
        arcs=[arc(sources={"main": source})]
    )
    tell = {"type": "cls:core:inboxNotifier", "name": "tell", "pathURI": "gs://post/a/", "placement": PLACED}
    assert asked_of_gcp("aws", notifiers=[tell]) == {("roles/storage.objectUser", bucket("post"))}
