import type { MatrixEvent } from "@element-hq/element-web-module-api";
import { expect, it } from "vitest";

import recorded from "../../../tests/element/recorded.json";
import { Remembered, typed } from "../src/expected";

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
