"""How commands ended, kept without content, so that none is carried out twice (rule P3)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from synapse.module_api import LoggingTransaction
from synapse.module_api.errors import SynapseError

from belisha.policy.decision import refuse
from synapse_modules.notice import without_quotations
from synapse_modules.refusal import refused

Json = dict[str, Any]


class Ended(Exception):
    """How a command ended, found while it was to be carried out."""

    def __init__(self, outcome: Json) -> None:
        super().__init__()
        self.outcome = outcome


class Record:
    """Where the end of one command is written down, in the transaction of what it changes."""

    def __init__(self, events: Sequence[str], room_id: str, act: str) -> None:
        """Knows the command.

        Args:
            events: those that stand for it.
            room_id: where they stand.
            act: what they ask for.
        """
        self.events = events
        self.room_id = room_id
        self.act = act

    def found(self, txn: LoggingTransaction) -> Json | None:
        """How it ended; None where it has not.

        Raises:
            SynapseError: 403 where it was carried out as something else.
        """
        for event_id in self.events:
            txn.execute("SELECT room_id, act, outcome FROM belisha_act WHERE event_id = ?", (event_id,))
            row = txn.fetchone()
            if row is not None and (row[0], row[1]) != (self.room_id, self.act):
                raise refused(_OTHERWISE)
            if row is not None:
                outcome: Json = json.loads(row[2])
                return outcome
        return None

    def not_ended(self, txn: LoggingTransaction) -> None:
        """Goes on where it has not ended.

        Raises:
            Ended: it has.
        """
        if (outcome := self.found(txn)) is not None:
            raise Ended(outcome)

    def done(self, txn: LoggingTransaction, **told: Any) -> Json:
        """Writes down that it is done; the outcome, with what is told of it besides."""
        outcome = {"outcome": "done", "act": self.act, **told}
        self._write(txn, outcome)
        return outcome

    def settle(self, txn: LoggingTransaction) -> None:
        """The same, for those who only want it written."""
        self.done(txn)

    @property
    def outcome(self) -> Json:
        """What `settle` writes down."""
        return {"outcome": "done", "act": self.act}

    def refused(self, txn: LoggingTransaction, error: SynapseError) -> Json:
        """Writes down that it is refused; nothing that the refusal quotes of the command is kept."""
        extra = {key: value for key, value in error.error_dict(None).items() if key.startswith("org.belisha.")}
        outcome = {"outcome": "refused", "errcode": error.errcode, "error": without_quotations(error.msg), **extra}
        self._write(txn, outcome)
        return outcome

    def _write(self, txn: LoggingTransaction, outcome: Json) -> None:
        # Without a word about conflicts: a second end of the same command undoes what came with it.
        txn.execute_batch(
            "INSERT INTO belisha_act (event_id, room_id, act, outcome, at) VALUES (?, ?, ?, ?, ?)",
            [(event_id, self.room_id, self.act, json.dumps(outcome), int(time.time())) for event_id in self.events],
        )


def answer(outcome: Mapping[str, Any]) -> Json:
    """What the bot is told of an outcome.

    Raises:
        SynapseError: 403 with the reason, where it was refused.
    """
    if outcome["outcome"] == "done":
        return dict(outcome)
    extra = {key: value for key, value in outcome.items() if key.startswith("org.belisha.")}
    raise SynapseError(HTTPStatus.FORBIDDEN, outcome["error"], outcome["errcode"], extra)


_OTHERWISE: Final = refuse("P3", "DIFFERS", "This command was carried out, and not as this is asked for.")
