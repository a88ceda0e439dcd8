import type { MatrixEvent } from "@element-hq/element-web-module-api";
import { describe, expect, it } from "vitest";

import { KEY, shown } from "../src/label";

type Event = MatrixEvent & { isEncrypted?: boolean; wireContent?: Record<string, unknown> };

function event(content: Record<string, unknown>, more: Partial<Event> = {}): Event {
    return {
        eventId: "$1",
        roomId: "!1:belisha.localhost",
        sender: "@ana:belisha.localhost",
        type: "m.room.message",
        unsigned: {},
        originServerTs: 1,
        content,
        ...more,
    };
}
const amber = { [KEY]: { label: "TLP:AMBER", by: "room" } };

describe("which label an event carries", () => {
    it.each(["TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR"])("is its key: %s", (label) => {
        expect(shown(event({ body: "x", [KEY]: { label, by: "text" } }))).toMatchObject({ kind: "label", label: { name: label } });
    });
    it.each([
        ["nothing", undefined],
        ["another scheme", { label: "SECRET" }],
        ["lower case", { label: "tlp:red" }],
        ["a text", "TLP:RED"],
        ["a list", ["TLP:RED"]],
        ["null", null],
        ["a number", { label: 3 }],
    ])("is missing where the key is %s", (_name, written) => {
        expect(shown(event(written === undefined ? {} : { [KEY]: written }))).toEqual({ kind: "missing" });
    });
    it.each(["m.sticker", "m.poll.start", "org.matrix.msc3381.poll.end", "m.room.encrypted"])("is missed on %s", (type) => {
        expect(shown(event({}, { type }))).toEqual({ kind: "missing" });
    });
    it.each([
        ["what members do", { type: "m.reaction" }],
        ["a room's state", { type: "m.room.topic", stateKey: "" }],
        ["what is not sent yet", { eventId: "~!1:x:1" }],
        ["what was taken back", { unsigned: { redacted_because: {} } }],
    ])("is not asked of %s", (_name, more) => {
        expect(shown(event({}, more))).toEqual({ kind: "nothing" });
    });
    it("of what was encrypted is the server's, beside the ciphertext, and never the sender's inside", () => {
        const forged = { body: "x", [KEY]: { label: "TLP:CLEAR", by: "sender" } };
        const encrypted = { isEncrypted: true, wireContent: { ciphertext: "…", ...amber } };
        expect(shown(event(forged, encrypted))).toMatchObject({ label: { name: "TLP:AMBER" } });
        expect(shown(event(forged, { isEncrypted: true, wireContent: { ciphertext: "…" } }))).toEqual({ kind: "missing" });
        expect(shown(event(forged, { isEncrypted: true }))).toEqual({ kind: "missing" });
    });
    it("is that of a type of its own too, where the server wrote one", () => {
        expect(shown(event(amber, { type: "m.beacon_info", stateKey: "@ana:x" }))).toMatchObject({ kind: "label" });
    });
});
