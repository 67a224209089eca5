"""A CloudFormation stack: looked at, its changes proposed and made, and removed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from cls_aws.errors import asking, code
from cls_aws.tags import listed
from clusterless.errors import StoreRefusedError, StoreUnavailableError
from clusterless.provider import Clock

_log = logging.getLogger(__name__)

_LOOK = 2.0  # seconds between looks at how far it is
_PATIENCE = 900  # looks: half an hour
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_EMPTY = "REVIEW_IN_PROGRESS"  # only changes to it were ever proposed


@frozen(kw_only=True)
class Found:
    """A stack as it is; *reason* says why it is in that *status*, where CloudFormation does."""

    status: str
    reason: str = ""
    tags: Mapping[str, str]

    @property
    def is_busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def is_whole(self) -> bool:
        """Whether it is as some template says: made, updated, or back to where it was before an update failed."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}


@frozen(kw_only=True)
class Change:
    """What a proposal does (``Add``, ``Modify``, ``Remove``) with what the template calls *logical*."""

    action: str
    logical: str
    is_replaced: bool = False


@frozen
class Stack:
    """The stack *name*, asked for by the SDK's client *cf*; *new_id* makes up the names of proposals."""

    cf: Any = field(repr=False)
    name: str
    clock: Clock = field(repr=False)
    new_id: Callable[[], str] = field(repr=False)

    def find(self) -> Found | None:
        """The stack; None where there is none, or nothing but a proposal of one."""
        found = self._describe()
        return None if found is None or found.status == _EMPTY else found

    def propose(self, template: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Change]:
        """What would change if the stack were as *template*; the stack is left as it is."""
        is_new = self.find() is None
        proposal = self._proposed(template, tags, is_new)
        with asking(self._what):
            changes = list(self._changes(proposal))
            self.cf.delete_change_set(StackName=self.name, ChangeSetName=proposal)
            if is_new:
                self.cf.delete_stack(StackName=self.name)
        if is_new:
            self._ended(_is_left)  # until it is gone, none of that name can be made
        return changes

    def make(self, template: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Have the stack as *template*.

        Raises:
            StoreRefusedError: it came to something else, which CloudFormation says why.
        """
        proposal = self._proposed(template, tags, self.find() is None)
        with asking(self._what):
            self.cf.execute_change_set(StackName=self.name, ChangeSetName=proposal)
        ended = self._ended()
        if ended is None or not ended.is_whole or "ROLLBACK" in ended.status:
            raise self._failed(ended)

    def remove(self) -> None:
        """Remove the stack and all that it made.

        Raises:
            StoreRefusedError: something of it could not be removed.
        """
        with asking(self._what):
            self.cf.delete_stack(StackName=self.name)
        ended = self._ended(_is_left)
        if ended is not None and ended.status != "DELETE_COMPLETE":
            raise self._failed(ended)

    @property
    def _what(self) -> str:
        return f"the CloudFormation stack {self.name}"

    def _describe(self) -> Found | None:
        from botocore.exceptions import ClientError

        with asking(self._what):
            try:
                (found,) = self.cf.describe_stacks(StackName=self.name)["Stacks"]
            except ClientError as error:
                if code(error.response) == "ValidationError" and "does not exist" in str(error):
                    return None
                raise
        tags = {each["Key"]: each["Value"] for each in found.get("Tags", [])}
        return Found(status=found["StackStatus"], reason=found.get("StackStatusReason", ""), tags=tags)

    def _proposed(self, template: Mapping[str, Any], tags: Mapping[str, str], is_new: bool) -> str:
        """The name of a change set that is worked out, though there may be nothing in it."""
        proposal = f"cls-{self.new_id()}"
        with asking(self._what):
            self.cf.create_change_set(
                StackName=self.name,
                ChangeSetName=proposal,
                ChangeSetType="CREATE" if is_new else "UPDATE",
                TemplateBody=json.dumps(template),
                Tags=listed(tags),
            )
        for _ in range(_PATIENCE):
            with asking(self._what):
                told = self.cf.describe_change_set(StackName=self.name, ChangeSetName=proposal)
            if told["Status"] == "CREATE_COMPLETE":
                return proposal
            if told["Status"] == "FAILED":
                reason = told.get("StatusReason", "")
                if any(words in reason for words in _NOTHING):
                    return proposal
                msg = f"{self._what} cannot be as it is to be: {reason}"
                raise StoreRefusedError(msg)
            self.clock.sleep(_LOOK)
        msg = f"{self._what}: what would change was not worked out in time"
        raise StoreUnavailableError(msg)

    def _changes(self, proposal: str) -> Any:
        more: dict[str, str] = {}
        while True:
            told = self.cf.describe_change_set(StackName=self.name, ChangeSetName=proposal, **more)
            for each in told.get("Changes", []):
                change = each["ResourceChange"]
                replaced = change.get("Replacement") == "True"
                yield Change(action=change["Action"], logical=change["LogicalResourceId"], is_replaced=replaced)
            if not told.get("NextToken"):
                return
            more = {"NextToken": told["NextToken"]}

    def _ended(self, moves: Callable[[Found], bool] = lambda found: found.is_busy) -> Found | None:
        """The stack once nothing *moves* any more; None where it is gone."""
        for _ in range(_PATIENCE):
            found = self._describe()
            if found is None or not moves(found):
                return found
            self.clock.sleep(_LOOK)
        msg = f"{self._what} is still being changed after half an hour"
        raise StoreUnavailableError(msg, hint="look at it in the CloudFormation console, and run this again")

    def _failed(self, ended: Found | None) -> StoreRefusedError:
        told = "is gone" if ended is None else f"ended as {ended.status}: {ended.reason}".rstrip(": ")
        return StoreRefusedError(
            f"{self._what} {told}{self._first_failure()}",
            hint="mend that, and run cls bootstrap again: it says what to do",
        )

    def _first_failure(self) -> str:
        """What failed first, which is why all else was cancelled."""
        try:
            with asking(self._what):
                happened = self.cf.describe_stack_events(StackName=self.name)["StackEvents"]
        except (StoreRefusedError, StoreUnavailableError):
            return ""
        failed = [each for each in happened if each.get("ResourceStatus", "").endswith("_FAILED")]
        if not failed:
            return ""
        return f" ({failed[-1].get('LogicalResourceId')}: {failed[-1].get('ResourceStatusReason', 'no reason given')})"


def _is_left(found: Found) -> bool:
    """Whether a stack that is removed is still to go: at first it may be shown as it was."""
    return found.status not in {"DELETE_COMPLETE", "DELETE_FAILED"}
