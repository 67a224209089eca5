"""How Azure is reached: settings, the environment, credentials that are not there, and names that cannot be."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseTimeoutError,
)
from azure.identity import CredentialUnavailableError
from requests.exceptions import ChunkedEncodingError

from cls_azure import clients
from cls_azure.errors import asking
from cls_azure.names import check_container, check_marks, marks
from cls_azure.settings import Reach, account_of, defaults, reach
from cls_azure.store import open_container
from clusterless.errors import (
    ClsError,
    InvalidValueError,
    MalformedError,
    StoreRefusedError,
    StoreUnavailableError,
)
from clusterless.model.placement import Placement
from clusterless.model.project import Project

PLACE = Placement(provider="azure", stage="dev", account="myaccount", region="westeurope")
STRING = "DefaultEndpointsProtocol=https;AccountName=myaccount;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"
OTHERS = STRING.replace("myaccount", "others")


@pytest.fixture
def settings(apart: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a ``.clsconfig-azure`` is looked for."""
    (tmp_path / "here").mkdir()
    apart.chdir(tmp_path / "here")
    return tmp_path / "here/.clsconfig-azure"


# ---- what is set -----------------------------------------------------------------------------------------------


def test_without_settings_the_sdk_finds_all_but_the_account(settings: Path) -> None:
    assert reach(None) == Reach()
    assert reach(PLACE) == Reach(account="myaccount")
    assert reach(Placement(provider="aws", account="123456789012")) == Reach()


def test_what_is_set_for_the_placement_counts_before_the_environment_and_that_before_the_rest(
    settings: Path, apart: pytest.MonkeyPatch
) -> None:
    settings.write_text(
        'subscription = "s-all"\nclient = "c-all"\nblobEndpoint = "https://all/"\n'
        f'[placements."{PLACE.id}"]\nclient = "c-own"\neventGrid = "https://own/api/events"\n'
    )
    assert reach(None) == Reach(blob_endpoint="https://all/", subscription="s-all", client="c-all")
    apart.setenv("AZURE_SUBSCRIPTION_ID", "s-env")
    apart.setenv("AZURE_CLIENT_ID", "c-env")  # which the SDK finds by itself
    assert (reach(None).subscription, reach(None).client) == ("s-env", None)
    found = reach(PLACE)
    assert (found.subscription, found.client, found.blob_endpoint) == ("s-env", "c-own", "https://all/")
    assert found.event_grid == "https://own/api/events"


def test_a_connection_string_is_for_its_own_account_only(settings: Path, apart: pytest.MonkeyPatch) -> None:
    apart.setenv("AZURE_STORAGE_CONNECTION_STRING", OTHERS)
    assert reach(None) == Reach(account="others", connection_string=OTHERS)
    assert reach(PLACE) == Reach(account="myaccount")
    apart.setenv("AZURE_STORAGE_CONNECTION_STRING", STRING)
    assert reach(PLACE) == Reach(account="myaccount", connection_string=STRING)


def test_a_key_is_for_the_account_that_is_named_beside_it(settings: Path, apart: pytest.MonkeyPatch) -> None:
    apart.setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
    assert reach(PLACE) == Reach(account="myaccount")
    apart.setenv("AZURE_STORAGE_ACCOUNT", "myaccount")
    assert reach(PLACE) == reach(None) == Reach(account="myaccount", key="c2VjcmV0")
    apart.setenv("AZURE_STORAGE_ACCOUNT", "others")
    assert reach(PLACE) == Reach(account="myaccount")


def test_a_file_holds_the_connection_string_of_a_placement(
    settings: Path, apart: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(f"{STRING}\n")
    settings.write_text(f'[placements."{PLACE.id}"]\ncredentials = "{key}"\n')
    apart.setenv("AZURE_STORAGE_CONNECTION_STRING", OTHERS)
    assert reach(PLACE) == Reach(account="myaccount", connection_string=STRING)
    assert reach(None) == Reach(account="others", connection_string=OTHERS)
    key.write_text(OTHERS)
    with pytest.raises(StoreRefusedError, match="is not one of the storage account myaccount"):
        reach(PLACE)


def test_a_file_may_hold_for_all(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(STRING)
    settings.write_text(f'credentials = "{tmp_path / "key"}"\nregion = "westeurope"')
    assert reach(None) == reach(PLACE) == Reach(account="myaccount", connection_string=STRING)
    assert (defaults().account, defaults().region) == ("myaccount", "westeurope")


@pytest.mark.parametrize("content", [None, "", "c2VjcmV0", "AccountKey=c2VjcmV0"])
def test_what_is_no_connection_string_is_told_with_its_file_and_not_shown(
    settings: Path, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    settings.write_text(f'credentials = "{tmp_path / "key"}"')
    with pytest.raises(StoreRefusedError, match="key") as refused:
        reach(None)
    assert refused.value.hint
    assert "c2VjcmV0" not in str(refused.value)


def test_what_there_is_not_to_be_set_is_told(settings: Path) -> None:
    settings.write_text('acount = "x"')
    with pytest.raises(MalformedError, match="acount"):
        reach(None)


def test_no_secret_shows_in_a_reach() -> None:
    assert "c2VjcmV0" not in repr(Reach(account="a", connection_string=STRING, key="c2VjcmV0"))


@pytest.mark.parametrize(
    ("string", "account"),
    [
        (STRING, "myaccount"),
        ("UseDevelopmentStorage=true", "devstoreaccount1"),
        ("BlobEndpoint=https://myaccount.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x", "myaccount"),
        ("accountname=a;ACCOUNTKEY=b==", "a"),
        ("hello", None),
    ],
)
def test_the_account_of_a_connection_string_is_found_as_the_sdk_finds_it(string: str, account: str | None) -> None:
    assert account_of(string) == account


# ---- clients ---------------------------------------------------------------------------------------------------


def test_clients_are_made_once_and_ask_where_they_are_told(settings: Path) -> None:
    one = Reach(account="one", key="c2VjcmV0", blob_endpoint="http://127.0.0.1:1/one")
    assert clients.blobs(one) is clients.blobs(one)
    assert clients.blobs(one) is not clients.blobs(Reach(account="two", key="c2VjcmV0"))
    assert clients.blobs(one).url.rstrip("/") == "http://127.0.0.1:1/one"
    assert clients.queues(one).url.rstrip("/") == "https://one.queue.core.windows.net"


@pytest.mark.parametrize("string", [STRING, f"{STRING};QueueEndpoint=https://other/;BlobEndpoint=https://other/"])
def test_an_endpoint_that_is_set_counts_before_that_of_the_connection_string(string: str) -> None:
    led = Reach(
        account="myaccount", connection_string=string, blob_endpoint="http://127.0.0.1:1/b", queue_endpoint="http://q:2"
    )
    assert clients.blobs(led).url.rstrip("/") == "http://127.0.0.1:1/b"
    assert clients.queues(led).url.rstrip("/") == "http://q:2"
    assert clients.blobs(led).credential.account_key == "c2VjcmV0"


def test_without_an_account_it_is_said_where_to_name_one(settings: Path) -> None:
    with pytest.raises(StoreRefusedError, match="no storage account of Azure is given") as refused:
        open_container("az://data/", None).get("a")
    assert "AZURE_STORAGE_ACCOUNT" in refused.value.hint


def test_no_token_goes_in_plain_text(settings: Path) -> None:
    with pytest.raises(StoreRefusedError, match="HTTPS"):
        clients.blobs(Reach(account="one", blob_endpoint="http://127.0.0.1:1"))


def test_a_root_without_a_container_is_refused(settings: Path) -> None:
    with pytest.raises(StoreRefusedError, match="names no container"):
        open_container("az:///a/", None)


# ---- names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "ab", "A-container", "-a-b", "a--b", "ab-", "a_b", "x" * 64, "$logs"])
def test_what_cannot_be_a_container_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError):
        check_container(name)
    check_container("a-container-1")


@pytest.mark.parametrize("metadata", [{"a-b": "x"}, {"1a": "x"}, {"": "x"}, {"a": "ü"}, {"a": "x\n"}, {"a": " x"}])
def test_what_cannot_be_metadata_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(InvalidValueError):
        check_marks(metadata)


def test_what_is_made_is_marked_by_names_that_azure_takes() -> None:
    made = marks(Project(name="My.Project", version="2023.1"), PLACE)
    assert made == {"clsprojectname": "My.Project", "clsprojectversion": "2023.1", "clsprojectstage": "dev"}
    check_marks(made)


# ---- what the SDKs raise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (CredentialUnavailableError("none"), StoreRefusedError),
        (ClientAuthenticationError("DefaultAzureCredential failed"), StoreRefusedError),
        (ServiceRequestError("refused"), StoreUnavailableError),
        (ServiceResponseTimeoutError("late"), StoreUnavailableError),
        (ChunkedEncodingError("broke"), StoreUnavailableError),
        (AzureError("MD5 mismatch. Expected value is 'x', computed value is 'y'."), StoreUnavailableError),
        (HttpResponseError("no answer"), StoreUnavailableError),
        (ValueError("Token credential is only supported with HTTPS."), StoreRefusedError),
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
    with pytest.raises(InvalidValueError), asking("the thing"):
        raise InvalidValueError("x")


def test_a_signature_in_an_address_is_not_told() -> None:
    with pytest.raises(ClsError) as found, asking("the thing"):
        raise HttpResponseError("GET https://a.blob.core.windows.net/c/b?sv=1&sig=abc: not now")
    assert "abc" not in str(found.value)
    assert "https://a.blob.core.windows.net/c/b" in str(found.value)
    assert "not now" in str(found.value)
