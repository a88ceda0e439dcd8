import type { MatrixEvent } from "@element-hq/element-web-module-api";
import { expect, it } from "vitest";

import { itemOf } from "../src/drawn";
import type { Policy } from "../src/policy";

const BOT = "@belisha_steward:x";
const POLICY = { purpose: "announcements" } as unknown as Policy;

function event(sender: string, content: Record<string, unknown>, stateKey?: string): MatrixEvent {
    const whole = { eventId: "$1", roomId: "!1:x", sender, type: "m.room.message", unsigned: {}, originServerTs: 1, content };
    return stateKey === undefined ? whole : { ...whole, stateKey };
}

it.each([
    ["report", { "org.belisha.card": "report" }],
    ["waiting", { "org.belisha.waiting": { id: "1" } }],
    ["question", { "org.belisha.question": { text: "!x" } }],
    ["alert", { "org.belisha.alert": {} }],
])("knows a card of the steward's: %s", (card, content) => {
    expect(itemOf(event(BOT, content), undefined)).toEqual({ kind: "card", card });
    for (const sender of ["@ana:x", "@belisha:x", "@ana_belisha_steward:x", "@belisha"]) {
        expect(itemOf(event(sender, content), undefined), sender).toBeUndefined();
    }
    expect(itemOf(event(BOT, content, ""), undefined)).toBeUndefined();
});

it("knows an announcement by where it stands, and not by a key that anybody can write", () => {
    const content = { body: "x", "org.belisha.announcement": {} };
    expect(itemOf(event("@ana:x", content), undefined)).toBeUndefined();
    expect(itemOf(event("@ana:x", content), POLICY)).toEqual({ kind: "card", card: "announcement" });
    const answer = { ...content, "m.relates_to": { "m.in_reply_to": { event_id: "$2" } } };
    expect(itemOf(event("@ana:x", answer), POLICY)).toBeUndefined();
    expect(itemOf(event(BOT, { body: "x" }), POLICY)).toBeUndefined();
});
