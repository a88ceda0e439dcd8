import { expect, it } from "vitest";

import { warningOf } from "../src/warning";

function of(body: unknown, more: Record<string, unknown> = {}): string | undefined {
    return warningOf({
        eventId: "$1",
        roomId: "!1:x",
        sender: "@a:x",
        type: "m.room.message",
        unsigned: {},
        originServerTs: 1,
        content: { body, ...more },
    });
}

it.each([
    ["CW: self-harm\nThe rest", "self-harm"],
    ["[TLP:AMBER] CW: self-harm\nThe rest", "self-harm"],
    ["[TLP:RED] TLP:RED CW: self-harm\nThe rest", "self-harm"],
    ["[TLP:AMBER+STRICT] (tlp:amber strict)\nCW: self-harm\nThe rest", "self-harm"],
    ["cw:violence — what happened", "violence"],
    ["CW: violence. What happened.", "violence"],
    ["CW: what happened was violent", ""],
    ["CW: everything ends here.", "everything ends here"],
    ["CW:\nThe rest", ""],
    [`CW: ${"x".repeat(200)}\nrest`, "x".repeat(80)],
])("folds %j behind its words", (body, words) => {
    expect(of(body)).toBe(words);
});

it("keeps the whole caption of a file as its words", () => {
    expect(of("CW: a wound", { url: "mxc://x/y" })).toBe("a wound");
});

it.each(["hello", "see CW: x", "[TLP:AMBER] hello", "", undefined, 7, "The CW: rule"])("leaves %j alone", (body) => {
    expect(of(body)).toBeUndefined();
});
