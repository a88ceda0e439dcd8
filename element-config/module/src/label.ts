/** Which label an event carries: the key that the server wrote, wherever it stands, and nothing that a sender could have written. */
import type { MatrixEvent } from "@element-hq/element-web-module-api";

import labels from "./labels.json";

export const KEY = "org.belisha.tlp";

export type LabelName = (typeof labels)[number]["name"];
export type Label = (typeof labels)[number];

/** What is shown beside an event: its label; that it has none, though it should; or nothing. */
export type Shown = { kind: "label"; label: Label } | { kind: "missing" } | { kind: "nothing" };

/** What Element tells modules of an event beyond the types of the package (seen in its source; absent in older ones). */
export interface Wired extends MatrixEvent {
    isEncrypted?: boolean;
    wireContent?: Record<string, unknown>;
}

/** Content, which always has a label (rule L1); polls under both of their names. */
const CONTENT = new Set([
    "m.room.message",
    "m.room.encrypted",
    "m.sticker",
    "m.poll.start",
    "m.poll.end",
    "org.matrix.msc3381.poll.start",
    "org.matrix.msc3381.poll.end",
]);

export function shown(event: Wired): Shown {
    if (event.eventId.startsWith("~") || "redacted_because" in event.unsigned) {
        return { kind: "nothing" }; // not sent yet, or taken back
    }
    // Inside of what was encrypted, a key is the sender's word; the server's stands beside the ciphertext.
    const content = event.isEncrypted === true ? event.wireContent : event.content;
    const written = content?.[KEY];
    if (written === undefined) {
        return event.stateKey === undefined && CONTENT.has(event.type) ? { kind: "missing" } : { kind: "nothing" };
    }
    const name = typeof written === "object" && written !== null && "label" in written ? written.label : undefined;
    const label = labelNamed(name);
    return label === undefined ? { kind: "missing" } : { kind: "label", label };
}

export function labelNamed(name: unknown): Label | undefined {
    return labels.find((one) => one.name === name);
}

/** Whether one label is stricter than another; labels.json begins with the strictest. */
export function isStricter(one: Label, other: Label): boolean {
    return labels.indexOf(one) < labels.indexOf(other);
}
