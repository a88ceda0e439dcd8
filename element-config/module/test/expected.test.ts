import type { MatrixEvent } from "@element-hq/element-web-module-api";
import { expect, it } from "vitest";

import recorded from "../../../tests/element/recorded.json";
import { Remembered, typed } from "../src/expected";
import { read } from "../src/policy";

function event(one: (typeof recorded)["text"], more: Partial<MatrixEvent> = {}): MatrixEvent {
    return {
        eventId: one.event_id,
        roomId: one.room_id,
        sender: one.sender,
        type: one.type,
        originServerTs: one.origin_server_ts,
        content: one.content,
        unsigned: one.unsigned,
        ...more,
    };
}

it.each([
    ["TLP:RED The pump", "TLP:RED"],
    ["  [tlp:amber+strict] list", "TLP:AMBER+STRICT"],
    ["🚨 tlp amber strict list", "TLP:AMBER+STRICT"],
    ["TLP-WHITE all", "TLP:CLEAR"],
    ["words\n\n(TLP: GREEN)\n", "TLP:GREEN"],
    ["TLP:GREEN words\nTLP:AMBER", "TLP:AMBER"],
])("reads what %j says of itself", (text, name) => {
    expect(typed(text)).toMatchObject({ name });
});

it("reads no marker in running text, and says what is no label", () => {
    expect(typed("the TLP:RED rules say")).toBeUndefined();
    expect(typed("words\nTLP:RED is spoken of here")).toBeUndefined();
    expect(typed("TLP:PURPLE x")).toEqual({ wrong: "TLP:PURPLE" });
});

it("expects the room's default as the newest event by the room has it, of recorded events", () => {
    const remembered = new Remembered();
    const { text, green } = recorded;
    expect(remembered.expected("x", text.room_id)).toEqual({ kind: "unknown" });
    remembered.note(event(text));
    remembered.note(event(recorded.red));
    remembered.note(event(green));
    expect(remembered.expected("x", text.room_id)).toMatchObject({ kind: "room", label: { name: "TLP:AMBER" } });
    expect(remembered.expected("x", green.room_id)).toMatchObject({ kind: "room", label: { name: "TLP:GREEN" } });
    expect(remembered.expected("x", recorded.red.room_id).kind).toBe("unknown"); // nothing there had its room's
    const changed = { "org.belisha.tlp": { label: "TLP:GREEN", by: "room" } };
    remembered.note(event(text, { eventId: "$old", originServerTs: 1, content: changed }));
    expect(remembered.expected("x", text.room_id)).toMatchObject({ label: { name: "TLP:AMBER" } });
});

it("expects the stricter of what is typed and what is answered, and nothing where that is not known", () => {
    const remembered = new Remembered();
    const { red } = recorded;
    remembered.note(event(red));
    const answer = (text: string, to: string): unknown => remembered.expected(text, red.room_id, to);
    expect(answer("TLP:GREEN x", red.event_id)).toMatchObject({ kind: "answered", label: { name: "TLP:RED" } });
    expect(remembered.expected("TLP:GREEN x", red.room_id)).toMatchObject({ kind: "typed", label: { name: "TLP:GREEN" } });
    expect(answer("TLP:GREEN x", "$unknown")).toEqual({ kind: "unknown" });
    expect(answer("TLP:PURPLE x", red.event_id)).toEqual({ kind: "wrong", word: "TLP:PURPLE" });
});

it("goes by the policy where there is one, and tells what the room cannot carry", () => {
    const remembered = new Remembered();
    const policy = read({ kind: "open", default: "TLP:GREEN", ceiling: "TLP:GREEN" }, false);
    const typing = (text: string): unknown => remembered.expected(text, "!new:x", undefined, policy);
    expect(typing("x")).toMatchObject({ kind: "room", label: { name: "TLP:GREEN" } });
    expect(typing("TLP:CLEAR x")).toMatchObject({ kind: "typed", label: { name: "TLP:CLEAR" } });
    expect(typing("TLP:AMBER x")).toMatchObject({ kind: "above", label: { name: "TLP:AMBER" }, ceiling: { name: "TLP:GREEN" } });
});

it("tells who watches when a default has become known, once Element has drawn", async () => {
    const remembered = new Remembered();
    let heard = 0;
    const end = remembered.watch(() => (heard += 1));
    remembered.note(event(recorded.text));
    expect([remembered.defaultOf(recorded.text.room_id)?.name, heard]).toEqual(["TLP:AMBER", 0]);
    await Promise.resolve();
    expect(heard).toBe(1);
    remembered.note(event(recorded.text));
    end();
    await Promise.resolve();
    expect(heard).toBe(1);
});
