"""What the steward bot says of registration tokens, in the own room of who asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from belisha.policy.muted import told as moment
from belisha.translation import _, many
from bots.kernel.answers import Block, Link, Typed, Words, paragraph, points, say
from bots.kernel.bot import Context
from bots.kernel.calls import Answer, Call, Outcome
from bots.steward import named


def made(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """A new token, and what to do with it."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    revoke = Typed(f"!invite revoke {done['id']}")
    token, until = done.get("token"), moment(int(done["expires"]))
    if not isinstance(token, str):
        lost = _("I made a registration token, and its answer was lost. Nobody has seen it. Please write {revoke}.")
        return Answer((say(lost, revoke=revoke), paragraph(_("Then ask me for a new one."))))
    people = many("{count} new member", "{count} new members", int(done["uses"]))
    whom = _("Hand this to {people} of {organisation}, in a way that nobody else reads:")
    ends = _("It holds until {until}, and no longer than you may invite. I show it only now; {revoke} ends it.")
    page = done.get("page")
    steps = _in_element(done, token) if page is None else _on_the_portal(done, str(page), token)
    return Answer(
        (
            say(whom, people=people, organisation=str(done["organisation"])),
            points(steps),
            say(ends, until=until, revoke=revoke),
        )
    )


def _in_element(done: Mapping[str, Any], token: str) -> list[Sequence[Words]]:
    """How a new member makes their account in a client."""
    return [
        say(
            _("Open Element, choose “Create account”, and as server {server}."), server=Typed(str(done["homeserver"]))
        ).words,
        (_("Choose a user name, as anna.keller, and a password of at least 12 characters."),),
        say(_("When you are asked for a registration token, write {token}."), token=Typed(token)).words,
    ]


def _on_the_portal(done: Mapping[str, Any], page: str, token: str) -> list[Sequence[Words]]:
    """The same where an account needs a second factor, for which clients have no place."""
    server = Typed(str(done["homeserver"]))
    return [
        say(_("Have a phone with an authenticator app at hand, and open {page}."), page=Link(page, page)).words,
        say(_("As registration token, write {token}."), token=Typed(token)).words,
        (_("Choose a user name, as anna.keller, and a password, and let the app take the key that the page shows."),),
        say(
            _("Sign in to Element at {server} with the password and, straight behind it, the six digits of the app."),
            server=server,
        ).words,
    ]


def listed(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """The tokens of an organisation, by their ids; no token is shown again."""
    done = outcome.done
    if done is None:
        return Answer((paragraph(outcome.refused),))
    organisation, found = named.organisation(done, done.get("organisation", "")), done.get("invitations") or ()
    if not found:
        return Answer((say(_("{organisation} has no registration token."), organisation=organisation),))
    blocks: tuple[Block, ...] = (
        say(_("Registration tokens of {organisation}, by their ids:"), organisation=organisation),
        points([_line(one) for one in found]),
        say(_("To end one, write {revoke}."), revoke=Typed("!invite revoke ID")),
    )
    return Answer(blocks)


def _line(one: Mapping[str, Any]) -> Sequence[Words]:
    left = many("{count} use left", "{count} uses left", int(one["left"]))
    words: list[Words] = [Typed(str(one["id"])), ": ", left, ", "]
    words += say(_("until {moment}"), moment=moment(int(one["expires"]))).words
    if one.get("made_by"):
        words += [", ", *say(_("made by {member}"), member=Typed(f"@{one['made_by']}")).words]
    if one.get("name"):
        words += [", ", *say(_("for {name}"), name=str(one["name"])).words]
    if not one.get("holds"):
        words += [", ", _("holds no more")]
    return words


def revoked(_call: Call, outcome: Outcome, _context: Context) -> Answer:
    """That a token is no more."""
    if outcome.done is None:
        return Answer((paragraph(outcome.refused),))
    return Answer((paragraph(_("Done: nobody can register with it any more. Whoever has used it stays.")),))


#: How these acts are told about.
TOLD: Final[Mapping[str, Callable[[Call, Outcome, Context], Answer]]] = {
    "invitation_make": made,
    "invitation_list": listed,
    "invitation_revoke": revoked,
}
