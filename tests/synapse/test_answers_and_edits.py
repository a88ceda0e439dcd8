"""With matrix-nio: what answers or edits an item carries at least its label (L2, L4)."""

from __future__ import annotations

from tests.support.community import LABEL_KEY, Community, assert_badges, assert_sentence, label_of, origin_of
from tests.synapse.samples import MXC, edit, html, poll, reply, text, thread

# --- Parents ----------------------------------------------------------------------------------------------------


async def test_replies_threads_and_poll_ends_carry_their_parents_label(community: Community) -> None:
    secret = await community.sent(text("TLP:RED The pump is broken"), "named")
    for relation in (reply(secret), thread(secret)):
        told = await community.told(text("Since when?", **relation), "named", by="finn")
        assert (label_of(told), origin_of(told)) == ("TLP:RED", "parent")
        laxer = await community.told(text("TLP:GREEN since when?", **relation), "named", by="finn")
        assert (label_of(laxer), origin_of(laxer)) == ("TLP:RED", "parent")
    start = await community.sent(poll("TLP:RED Who goes?", "Ana", "Finn"), "named", event_type="m.poll.start")
    end = {"m.text": "Over.", "m.relates_to": {"rel_type": "m.reference", "event_id": start}}
    told = await community.told(end, "named", event_type="m.poll.end")
    assert (label_of(told), origin_of(told)) == ("TLP:RED", "parent")


async def test_stricter_answer_to_a_laxer_parent_keeps_its_own_label(community: Community) -> None:
    mild = await community.sent(text("TLP:GREEN Tides"), "named")
    told = await community.told(text("TLP:RED Secret tides", **reply(mild)), "named")
    assert (label_of(told), origin_of(told)) == ("TLP:RED", "text")
    told = await community.told(text("Tides indeed", **reply(mild)), "named")
    assert (label_of(told), origin_of(told)) == ("TLP:GREEN", "parent")


async def test_quoted_badge_and_marker_of_an_old_reply_fallback_are_not_the_writers(community: Community) -> None:
    mild = await community.sent(text("TLP:GREEN Tides"), "named")
    fallback = html(
        "> <@ana:belisha.localhost> [TLP:RED] Tides\n\nThanks",
        "<mx-reply><blockquote>[TLP:RED] Tides</blockquote></mx-reply>Thanks",
        **reply(mild),
    )
    told = await community.told(fallback, "named")
    assert (label_of(told), origin_of(told)) == ("TLP:GREEN", "parent")
    assert "mx-reply" not in told["formatted_body"]


async def test_unreadable_parent_counts_as_the_ceiling(community: Community) -> None:
    elsewhere = await community.sent(text("TLP:GREEN elsewhere"), "open")
    for parent in ("$unknown", elsewhere):
        told = await community.told(text("Well?", **reply(parent)), "closed")
        assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "parent"), parent
    # Synapse itself refuses a thread or an edit of what is not in the room.
    for parent in ("$unknown", elsewhere):
        assert (await community.refused(text("Well?", **thread(parent)), "closed")).status_code == "M_UNKNOWN"


# --- Edits ------------------------------------------------------------------------------------------------------


async def test_typo_fix_keeps_the_label_with_one_badge_everywhere(community: Community) -> None:
    original = await community.sent(text("TLP:GREEN The pmup"), "closed")
    shown = await community.read(original, "closed")
    # Element's edit box holds what was shown, badge and all.
    fixed = shown["body"].replace("pmup", "pump")
    told = await community.told(edit(original, text(fixed)), "closed")
    assert (label_of(told), told["m.new_content"]["body"]) == ("TLP:GREEN", "[TLP:GREEN] TLP:GREEN The pump")
    assert_badges({key: value for key, value in told.items() if key != "m.new_content"} | {"body": told["body"]})
    assert_badges(told["m.new_content"])


async def test_edit_of_a_default_label_with_its_badge_in_the_box_is_no_relabel(community: Community) -> None:
    original = await community.sent(html("a *b*", "a <em>b</em>"), "closed")
    shown = await community.read(original, "closed")
    again = html(shown["body"].replace("a", "c"), shown["formatted_body"].replace(">a", ">c"))
    told = await community.told(edit(original, again), "closed")
    assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "parent")
    assert_badges(told)


async def test_edit_with_a_laxer_marker_is_refused_with_the_way_out(community: Community) -> None:
    original = await community.sent(text("The pump"), "closed")
    refused = await community.refused(edit(original, text("TLP:GREEN The pump")), "closed")
    assert refused.status_code == "ORG.BELISHA.LAXER_EDIT"
    assert "TLP:AMBER" in refused.message and "TLP:GREEN" in refused.message
    assert_sentence(refused.message)
    by_key = edit(original, text("The pump", **{LABEL_KEY: {"label": "TLP:CLEAR"}}))
    assert (await community.refused(by_key, "closed")).status_code == "ORG.BELISHA.LAXER_EDIT"


async def test_edit_with_a_stricter_marker_raises(community: Community) -> None:
    original = await community.sent(text("TLP:GREEN The pump"), "closed")
    told = await community.told(edit(original, text("TLP:AMBER The pump")), "closed")
    assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "text")
    assert_badges(told["m.new_content"])
    above = edit(original, text("TLP:RED The pump"))
    assert (await community.refused(above, "closed")).status_code == "ORG.BELISHA.ABOVE_CEILING"


async def test_what_an_edit_raised_stays_raised(community: Community) -> None:
    original = await community.sent(text("TLP:GREEN The pump"), "closed")
    raised = await community.told(edit(original, text("TLP:AMBER The pump")), "closed")
    # The edit box now holds the badge of the edit.
    again = await community.told(edit(original, text(raised["m.new_content"]["body"])), "closed")
    assert (label_of(again), again["m.new_content"]["body"]) == ("TLP:AMBER", "[TLP:AMBER] TLP:AMBER The pump")
    told = await community.told(edit(original, text("The pump again")), "closed")
    assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "parent")
    told = await community.told(text("Which pump?", **reply(original)), "closed", by="ben")
    assert (label_of(told), origin_of(told)) == ("TLP:AMBER", "parent")
    laxer = await community.refused(edit(original, text("TLP:GREEN The pump")), "closed")
    assert laxer.status_code == "ORG.BELISHA.LAXER_EDIT"


async def test_edit_by_somebody_else_is_refused(community: Community) -> None:
    """Clients ignore an edit that is not its sender's own."""
    original = await community.sent(text("TLP:GREEN The pump"), "closed")
    for by in ("ben", "cora"):
        kind = "closed" if by == "ben" else "strict"
        mine = original if by == "ben" else await community.sent(text("TLP:GREEN The pump"), kind)
        refused = await community.refused(edit(mine, text("TLP:AMBER The pump")), kind, by=by)
        assert refused.status_code == "ORG.BELISHA.NOT_YOURS"
        assert_sentence(refused.message)
    assert label_of(await community.told(edit(original, text("The pump again")), "closed")) == "TLP:GREEN"


async def test_edit_of_an_edit_or_of_another_type_is_refused(community: Community) -> None:
    original = await community.sent(text("TLP:GREEN The pump"), "closed")
    once = await community.sent(edit(original, text("The pump 2")), "closed")
    for of, event_type in ((once, "m.room.message"), (original, "m.sticker")):
        content = edit(of, text("The pump 3", url=MXC))
        status, body = await community.put("ana", "closed", content, event_type=event_type)
        # Synapse itself refuses an edit of an edit in its own words.
        assert status == 400 and body["errcode"] in ("ORG.BELISHA.MALFORMED", "M_UNKNOWN"), body


async def test_caption_edit_keeps_the_file_name(community: Community) -> None:
    image = {"msgtype": "m.image", "body": "Buoy", "filename": "buoy.png", "url": MXC}
    original = await community.sent(image, "closed")
    told = await community.told(edit(original, {**image, "body": "[TLP:AMBER] Buoy 7"}), "closed")
    assert told["m.new_content"]["filename"] == "buoy.png"
    assert told["m.new_content"]["body"] == "[TLP:AMBER] Buoy 7"
    assert label_of(told) == "TLP:AMBER"
