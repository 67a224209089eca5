"""How Google Cloud is reached: settings, the environment, credentials that are not there, and names that cannot be."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions as api
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from requests.exceptions import ConnectionError as Unreached
from requests.exceptions import ReadTimeout

from cls_gcp import clients
from cls_gcp.errors import asking
from cls_gcp.names import check_bucket, check_project, labels, parse_topic
from cls_gcp.provider import GcpProvider
from cls_gcp.settings import Reach, reach
from clusterless.errors import (
    ClsError,
    InvalidValueError,
    MalformedError,
    ObjectExistsError,
    ObjectMissingError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.model.placement import Placement
from clusterless.model.project import Project

PLACE = Placement(provider="gcp", stage="dev", account="my-project", region="europe-west1")


@pytest.fixture
def settings(apart: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a ``.clsconfig-gcp`` is looked for."""
    (tmp_path / "here").mkdir()
    apart.chdir(tmp_path / "here")
    return tmp_path / "here/.clsconfig-gcp"


# ---- what is set -----------------------------------------------------------------------------------------------


def test_without_settings_the_sdk_finds_all_but_the_project(settings: Path) -> None:
    assert reach(None) == Reach()
    assert reach(PLACE) == Reach(project="my-project")
    assert reach(Placement(provider="aws", account="123456789012")) == Reach()


def test_what_is_set_for_the_placement_counts_before_the_environment_and_that_before_the_rest(
    settings: Path, apart: pytest.MonkeyPatch
) -> None:
    settings.write_text(
        f'endpoint = "http://all:1"\nimpersonate = "all@x"\n[placements."{PLACE.id}"]\nimpersonate = "own@x"\n'
    )
    assert reach(None) == Reach(endpoint="http://all:1", impersonate="all@x")
    apart.setenv("STORAGE_EMULATOR_HOST", "localhost:4443/")
    apart.setenv("PUBSUB_EMULATOR_HOST", "localhost:8085")
    found = reach(PLACE)
    assert (found.endpoint, found.pubsub_endpoint) == ("http://localhost:4443", "localhost:8085")
    assert found.impersonate == "own@x"


def test_credentials_that_the_environment_names_are_left_to_the_sdk(settings: Path, apart: pytest.MonkeyPatch) -> None:
    settings.write_text('credentials = "key.json"')
    assert reach(None).credentials == "key.json"
    apart.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/other.json")
    assert reach(None).credentials is None


def test_what_there_is_not_to_be_set_is_told(settings: Path) -> None:
    settings.write_text('projekt = "x"')
    with pytest.raises(MalformedError, match="projekt"):
        reach(None)


# ---- clients ---------------------------------------------------------------------------------------------------


def test_clients_are_made_once_and_ask_where_they_are_told(settings: Path) -> None:
    one = Reach(endpoint="http://127.0.0.1:1", project="p-one-two")
    assert clients.storage(one) is clients.storage(one)
    assert clients.storage(one) is not clients.storage(Reach(endpoint="http://127.0.0.1:2"))
    assert clients.storage(one).project == "p-one-two"


def test_no_credentials_go_in_plain_text(settings: Path, tmp_path: Path) -> None:
    key = tmp_path / "user.json"
    key.write_text(
        json.dumps({"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"})
    )
    plain = Reach(endpoint="http://127.0.0.1:1", credentials=str(key))
    assert isinstance(clients.session(plain).credentials, AnonymousCredentials)
    safe = Reach(endpoint="https://127.0.0.1:1", credentials=str(key))
    assert clients.session(safe).credentials.refresh_token == "c"


def test_impersonation_is_by_the_credentials_that_are_set(settings: Path, tmp_path: Path) -> None:
    key = tmp_path / "user.json"
    key.write_text(
        json.dumps({"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"})
    )
    acting = clients.session(Reach(credentials=str(key), impersonate="own@x")).credentials
    assert acting.service_account_email == "own@x"


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"type": "external_account"}', '{"type": "service_account"}']
)
def test_credentials_that_cannot_be_used_are_told_with_their_file(
    settings: Path, tmp_path: Path, content: str | None
) -> None:
    key = tmp_path / "key.json"
    if content is not None:
        key.write_text(content)
    with pytest.raises(StoreRefusedError, match=r"key\.json cannot be used") as refused:
        clients.storage(Reach(credentials=str(key)))
    assert refused.value.hint


def test_where_there_are_no_credentials_it_is_said_how_to_have_some(settings: Path) -> None:
    with pytest.raises(StoreRefusedError, match="there are no Google Cloud credentials") as refused:
        clients.storage(Reach())
    assert "gcloud auth application-default login" in refused.value.hint


# ---- a placement -----------------------------------------------------------------------------------------------


def test_a_project_and_a_region_that_are_left_out_are_those_of_the_environment(
    settings: Path, apart: pytest.MonkeyPatch
) -> None:
    apart.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    apart.setenv("GOOGLE_CLOUD_REGION", "europe-west1")
    assert GcpProvider().complete(Placement(provider="gcp", stage="dev")) == PLACE


def test_without_a_region_it_is_said_where_to_write_one(settings: Path) -> None:
    with pytest.raises(InvalidValueError, match="no region is given") as refused:
        GcpProvider().complete(Placement(provider="gcp", account="my-project"))
    assert "GOOGLE_CLOUD_REGION" in refused.value.hint


@pytest.mark.parametrize(
    ("account", "region", "told"),
    [
        ("123456", "europe-west1", "'123456' is not a project"),
        ("My-Project", "europe-west1", "'My-Project' is not a project"),
        ("my-project", "mars", "'mars' is not a location"),
        ("my-project", "us_east_1", "'us_east_1' is not a location"),
    ],
)
def test_what_is_no_project_or_location_is_refused(settings: Path, account: str, region: str, told: str) -> None:
    with pytest.raises(InvalidValueError, match=told):
        GcpProvider().complete(Placement(provider="gcp", account=account, region=region))


@pytest.mark.parametrize("region", ["us-central1", "northamerica-northeast1", "me-west1", "us", "eu", "nam4"])
def test_locations_of_all_kinds_are_taken(settings: Path, region: str) -> None:
    placement = Placement(provider="gcp", account="my-project", region=region)
    roots = GcpProvider().roots(placement, Path())
    assert roots.metadata == f"gs://clusterless-metadata-my-project-{region}/"


def test_a_stage_that_makes_too_long_a_name_is_refused(settings: Path) -> None:
    with pytest.raises(InvalidValueError, match="cannot be the name of a bucket"):
        GcpProvider().roots(Placement(provider="gcp", stage="s" * 30, account="my-project", region="us"), Path())


# ---- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "A-bucket", "-a-b", "a..b", "goog-it", "my-google", "1.2.3.4", "x" * 64])
def test_what_cannot_be_a_bucket_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError):
        check_bucket(name)
    check_bucket("a-bucket_of.mine")


@pytest.mark.parametrize(
    "name", ["", "ab", "1abc", "google-it", "projects/p/topics/", "a b c", "projects/p/subscriptions/x"]
)
def test_what_cannot_be_a_topic_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_topic(name, "p")
    assert str(parse_topic("abc", "p")) == "projects/p/topics/abc"
    assert str(parse_topic("projects/q/topics/abc", "p")) == "projects/q/topics/abc"


def test_labels_are_such_as_the_service_takes() -> None:
    made = labels(Project(name="My.Project", version="2023.1"), PLACE)
    assert made == {"cls-project-name": "my_project", "cls-project-version": "2023_1", "cls-project-stage": "dev"}
    check_project("my-project")


# ---- what the SDKs raise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (DefaultCredentialsError("none"), StoreRefusedError),
        (RefreshError("expired"), StoreRefusedError),
        (TransportError("no metadata server"), StoreUnavailableError),
        (Unreached("refused"), StoreUnavailableError),
        (ReadTimeout("late"), StoreUnavailableError),
        (api.NotFound("topic"), ObjectMissingError),
        (api.AlreadyExists("topic"), ObjectExistsError),
        (api.Aborted("between"), StoreUnavailableError),
        (api.PermissionDenied("no"), StoreRefusedError),
        (api.Unauthenticated("who"), StoreRefusedError),
        (api.ResourceExhausted("quota"), StoreUnavailableError),
        (api.ServiceUnavailable("later"), StoreUnavailableError),
        (api.DeadlineExceeded("later"), StoreUnavailableError),
        (api.InvalidArgument("filter"), StoreRefusedError),
        (api.RetryError("gave up", None), StoreUnavailableError),
    ],
)
def test_each_error_means_one_thing_and_can_be_sent_home(raised: Any, kind: type[ClsError]) -> None:
    with pytest.raises(ClsError, match=r"^the thing: ") as found, asking("the thing"):
        raise raised
    assert type(found.value) is kind
    assert pickle.loads(pickle.dumps(found.value)).problem == found.value.problem


def test_what_is_none_of_theirs_goes_by() -> None:
    with pytest.raises(KeyError), asking("the thing"):
        raise KeyError("x")


def test_a_signature_in_an_address_is_not_told() -> None:
    with pytest.raises(ClsError) as found, asking("the thing"):
        raise api.BadRequest("GET https://storage.googleapis.com/b/o?X-Goog-Signature=abc&x=1: not now")
    assert "abc" not in str(found.value)
    assert "https://storage.googleapis.com/b/o" in str(found.value)
    assert "not now" in str(found.value)
