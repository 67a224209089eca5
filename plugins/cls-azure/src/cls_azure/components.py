"""How the notifiers of Azure are declared; imports no SDK."""

from __future__ import annotations

import enum
import re

from attrs import field, frozen

from cls_azure.queues import parse_queue
from clusterless.errors import InvalidValueError
from clusterless.model.notifier import Notifier

# ---- notifiers -------------------------------------------------------------------------------------------------

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOPIC = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w./-]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[\w./-]*)?")


class Form(enum.Enum):
    """What a message is."""

    EVENT = "event"  # as in the queues of the placement's own subscribers
    CLOUD_EVENT = "cloudEvent"  # CloudEvents 1.0, in structured mode


@frozen(kw_only=True)
class StorageQueueNotifier(Notifier):
    """Puts each event into a queue, in base64, as Event Grid does and triggers of functions expect it.

    ``queue`` is the name of one in the placement's account, or ``https://ACCOUNT.queue.core.windows.net/NAME``.
    """

    queue: str = field()
    form: Form = Form.EVENT

    @queue.validator
    def _is_a_queue(self, _: object, text: str) -> None:
        parse_queue(text)


@frozen(kw_only=True)
class EventGridNotifier(Notifier):
    """Posts each event to a topic of Event Grid, in CloudEvents 1.0, which the topic's input schema must be.

    ``keyEnv`` names the environment variable that holds the topic's key. Without it, an identity that the SDK
    finds is used, which needs the role *EventGrid Data Sender*.
    """

    endpoint: str = field()
    key_env: str | None = field(default=None)

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.key_env,) if self.key_env else ()

    @endpoint.validator
    def _is_a_topic(self, _: object, url: str) -> None:
        if not _TOPIC.fullmatch(url):  # it is not repeated: a key may have been written into it
            msg = "not the endpoint of a topic: use one such as 'https://TOPIC.REGION-1.eventgrid.azure.net/api/events'"
            raise InvalidValueError(msg, hint="a key goes into an environment variable, which 'keyEnv' names")

    @key_env.validator
    def _is_a_variable(self, _: object, name: str | None) -> None:
        if name is not None and not _VARIABLE.fullmatch(name):  # what stands here may be the key itself
            msg = "not the name of an environment variable: use letters, digits and _, such as 'TOPIC_KEY'"
            raise InvalidValueError(msg)
