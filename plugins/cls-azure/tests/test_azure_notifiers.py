"""What is told to queues, and to topics of Event Grid: by a server that answers as Event Grid's pages say it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from attrs import define, evolve, field
from azure.core.credentials import AccessToken
from beds.answering import Asked, answering
from beds.azurite import ACCOUNT, REGION, Azurite
from beds.placed import surroundings
from beds.proxy import Answer, Lost, Plan, proxied
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from cls_azure import clients
from cls_azure.components import EventGridNotifier, Form, StorageQueueNotifier
from cls_azure.messages import plain
from cls_azure.notifiers import KEY, EventGridPublisher, QueuePublisher
from cls_azure.provider import AzureProvider
from cls_azure.settings import reach
from clusterless import codec
from clusterless.errors import ClsError, NotifyError, NotifyRefusedError, StoreRefusedError, StoreUnavailableError
from clusterless.model.dataset import LocatedDataset
from clusterless.model.event import Event
from clusterless.model.lot import Lot
from clusterless.model.placement import Placement
from clusterless.provider import Surroundings
from clusterless.testing.clock import SettableClock

PLACE = Placement(provider="azure", stage="dev", account=ACCOUNT, region=REGION)
DATASET = LocatedDataset(name="a", version="1", path_uri="az://data/a/")
EVENT = Event(dataset=DATASET, lot=Lot.parse("20230101PT5M000"), manifest="az://m/manifest.json")
SECRET = "c2VjcmV0LWtleQ=="


def read(headers: dict[str, str], body: bytes) -> Any:
    """What those who wrote the format make of it."""
    return from_http_event(HTTPMessage(headers=headers, body=body))


# ---- queues ----------------------------------------------------------------------------------------------------


@pytest.fixture
def around(azure: Azurite, tmp_path: Path) -> Surroundings:
    return evolve(surroundings(PLACE, tmp_path), clock=SettableClock())


@pytest.fixture
def queue(around: Surroundings) -> Any:
    """The SDK's client of a queue that is somebody's own."""
    return clients.queues(reach(PLACE)).create_queue(f"theirs-{uuid4().hex[:8]}")


def queue_notifier(queue: str, form: Form = Form.EVENT) -> StorageQueueNotifier:
    return StorageQueueNotifier(type="azure:core:storageQueueNotifier", name="it", queue=queue, form=form)


def test_a_queue_is_told_the_event(around: Surroundings, queue: Any) -> None:
    QueuePublisher(queue_notifier(queue.queue_name), around).publish(EVENT)
    (message,) = queue.receive_messages()
    assert plain(message.content) == codec.record_bytes(EVENT)
    assert not message.content.startswith("{")


def test_a_queue_is_told_a_cloud_event(around: Surroundings, queue: Any) -> None:
    url = f"https://{ACCOUNT}.queue.core.windows.net/{queue.queue_name}"
    QueuePublisher(queue_notifier(url, Form.CLOUD_EVENT), around).publish(EVENT)
    (message,) = queue.receive_messages()
    told = read({"content-type": "application/cloudevents+json"}, plain(message.content))
    assert (told.get_id(), told.get_data()) == ("a/1/20230101PT5M000/0", codec.to_json(EVENT))


def test_a_queue_that_is_not_there_is_told_of(around: Surroundings) -> None:
    with pytest.raises(NotifyError, match="there is no queue nowhere"):
        QueuePublisher(queue_notifier("nowhere"), around).publish(EVENT)


def test_a_queue_of_another_account_is_asked_there_and_without_our_key(
    around: Surroundings, apart: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def queues(reach: Any) -> AskedQueues:
        asked.append(reach)
        return AskedQueues()

    apart.setattr(clients, "queues", queues)
    QueuePublisher(queue_notifier("https://them.queue.core.windows.net/a-queue"), around)
    (reached,) = asked
    assert (reached.account, reached.key, reached.connection_string) == ("them", None, None)


class AskedQueues:
    def get_queue_client(self, name: str) -> Any:
        return self


# ---- Event Grid ------------------------------------------------------------------------------------------------


@define
class Grid:
    """A topic, as far as its documentation tells: it takes CloudEvents by its key, or by a token."""

    keys: tuple[str, ...] = (f"aeg-sas-key {SECRET}", "authorization Bearer a-token")
    most: int = 1 << 20  # bytes
    taken: list[Any] = field(factory=list)
    bodies: list[Any] = field(factory=list)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if not any(asked.headers.get(key.split()[0]) == key.partition(" ")[2] for key in self.keys):
            return refused(401, "Unauthorized")
        if asked.path != "/api/events?api-version=2018-01-01":
            return refused(404, "NotFound")
        if len(asked.body) > self.most:
            return refused(413, "PayloadTooLarge")
        if asked.headers["content-type"] != "application/cloudevents-batch+json; charset=utf-8":
            return refused(400, "BadRequest")
        self.bodies += asked.json
        self.taken += [read({"content-type": "application/cloudevents+json"}, _json(each)) for each in asked.json]
        return 200, None


def refused(status: int, code: str) -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": "so it is"}}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture
def grid() -> Grid:
    return Grid()


@pytest.fixture
def plan() -> Plan:
    return Plan()


@pytest.fixture
def offline(apart: pytest.MonkeyPatch, tmp_path: Path) -> Surroundings:
    """A placement of which nothing but a topic is asked."""
    apart.chdir(tmp_path)
    apart.setenv("TOPIC_KEY", SECRET)
    return evolve(surroundings(PLACE, tmp_path), clock=SettableClock())


@pytest.fixture
def endpoint(grid: Grid, plan: Plan) -> Iterator[str]:
    with answering(grid.answer) as server, proxied(server, plan) as proxy:
        yield f"{proxy}/api/events"


def publisher(endpoint: str, around: Surroundings, key_env: str | None = "TOPIC_KEY") -> EventGridPublisher:
    type_ = "azure:core:eventGridNotifier"
    return EventGridPublisher(EventGridNotifier(type=type_, name="it", endpoint=endpoint, key_env=key_env), around)


def test_a_topic_is_told_a_cloud_event(endpoint: str, offline: Surroundings, grid: Grid) -> None:
    publisher(endpoint, offline).publish(EVENT)
    (told,) = grid.taken
    assert (told.get_id(), told.get_data()) == ("a/1/20230101PT5M000/0", codec.to_json(EVENT))
    assert told.get_subject() == "a/1/20230101PT5M000"
    assert "time" not in grid.bodies[0]


@pytest.mark.parametrize(
    ("becomes", "raised", "after", "says"),
    [
        (Answer(413), NotifyRefusedError, 0, "answered 413"),
        (Answer(400), NotifyRefusedError, 0, "answered 400"),
        (Answer(429, headers={"Retry-After": "30"}), NotifyError, 30, "answered 429"),
        (Answer(503, headers={"Retry-After": "999999"}), NotifyError, 3600, "answered 503"),
        (Answer(429, headers={"Retry-After": "soon"}), StoreUnavailableError, 0, "fewer requests"),
        (Answer(503), StoreUnavailableError, 0, "could not answer"),
        (Answer(403), StoreRefusedError, 0, "access was denied"),
        (Lost(), StoreUnavailableError, 0, "the connection broke"),
    ],
)
def test_what_a_topic_does_not_take_is_told_with_what_to_do(
    endpoint: str, offline: Surroundings, plan: Plan, becomes: Answer | Lost, raised: Any, after: float, says: str
) -> None:
    plan.add("POST /api/events", becomes)
    with pytest.raises(raised, match=says) as told:
        publisher(endpoint, offline).publish(EVENT)
    assert getattr(told.value, "after", 0) == after
    assert SECRET not in f"{told.value} {told.value.hint}"
    assert plan.asked == ["POST /api/events?api-version=2018-01-01"]


def test_a_key_that_is_not_the_topics_is_told_of(
    endpoint: str, offline: Surroundings, apart: pytest.MonkeyPatch
) -> None:
    apart.setenv("TOPIC_KEY", "another")
    with pytest.raises(StoreRefusedError, match="does not take these credentials") as told:
        publisher(endpoint, offline).publish(EVENT)
    assert "another" not in str(told.value)


def test_what_is_too_large_is_refused_for_good(endpoint: str, offline: Surroundings, grid: Grid) -> None:
    grid.most = 10
    with pytest.raises(NotifyRefusedError):
        publisher(endpoint, offline).publish(EVENT)
    assert grid.taken == []


def test_no_token_goes_in_plain_text(endpoint: str, offline: Surroundings, apart: pytest.MonkeyPatch) -> None:
    apart.setattr(clients, "identity", lambda _: Somebody())
    with pytest.raises(ClsError, match="TLS"):
        publisher(endpoint, offline, None).publish(EVENT)


class Somebody:
    asked: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.asked.append(scopes)
        return AccessToken("a-token", 1 << 40)


def test_without_a_key_an_identity_is_used(
    grid: Grid, offline: Surroundings, apart: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    apart.setattr(clients, "identity", lambda _: Somebody())
    apart.setenv("REQUESTS_CA_BUNDLE", str(certified(tmp_path)))
    with answering(grid.answer, tmp_path / "server.pem") as server:
        publisher(f"{server}/api/events", offline, None).publish(EVENT)
    assert len(grid.taken) == 1
    assert Somebody.asked[-1] == ("https://eventgrid.azure.net/.default",)


def certified(folder: Path) -> Path:
    """A certificate for this machine, alone; its key is with it in ``server.pem``."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = made.public_bytes(serialization.Encoding.PEM)
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(own + written)
    (folder / "certificate.pem").write_bytes(written)
    return folder / "certificate.pem"


# ---- the placement's own topic ---------------------------------------------------------------------------------


def test_the_placements_events_go_to_the_topic_that_is_set(
    endpoint: str, offline: Surroundings, grid: Grid, plan: Plan, apart: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".clsconfig-azure").write_text(f'eventGrid = "{endpoint}"')
    apart.setenv(KEY, SECRET)
    plan.add("POST /api/events", Answer(503), Lost())
    AzureProvider().publisher(offline).publish(EVENT)
    assert {told.get_id() for told in grid.taken} == {"a/1/20230101PT5M000/0"}
    assert len(plan.asked) == 3


def test_a_topic_that_never_answers_is_told_of(
    endpoint: str, offline: Surroundings, plan: Plan, apart: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".clsconfig-azure").write_text(f'eventGrid = "{endpoint}"')
    apart.setenv(KEY, SECRET)
    plan.add("POST /api/events", *[Answer(503)] * 9)
    with pytest.raises(StoreUnavailableError, match="the Event Grid topic 127"):
        AzureProvider().publisher(offline).publish(EVENT)
    assert len(plan.asked) == 4
