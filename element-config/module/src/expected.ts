/**
 * The label that a message would be given, as far as Element lets a module know: it tells neither a room's state nor its kind.
 *
 * So this goes by what has been drawn of the room: an event labelled by its room (`by: "room"`) has the room's default. What is
 * typed counts as the server reads it (docs/members.md) in its plain forms. The server decides, and may be stricter.
 */
import type { MatrixEvent } from "@element-hq/element-web-module-api";

import { KEY, shown } from "./label";
import type { Label, Wired } from "./label";
import labels from "./labels.json";

/** labels.json is in this order. */
const STRICTEST_FIRST = labels.map((one) => one.name);
const MOST_REMEMBERED = 2000;
const MARKER = /^[\s([{"'“‘«»\p{Extended_Pictographic}\uFE0F\u200D]*tlp(?::[ ]?|[- ])([a-z]+(?:[+ -]strict(?![\w-]))?)/iu;

export type Expected =
    | { kind: "typed" | "answered" | "room"; label: Label }
    | { kind: "unknown" }
    | { kind: "wrong"; word: string };

/** What the typed text says of itself, at its start and as its last line alone; `wrong` where that is no label. */
export function typed(text: string): Label | { wrong: string } | undefined {
    const lines = text.trimEnd().split("\n");
    const last = lines[lines.length - 1] ?? "";
    const ends = [MARKER.exec(text), MARKER.exec(last)].filter((found, end) => {
        return found !== null && (end === 0 || /^[\])}."'\s]*$/.test(last.slice(found[0].length)));
    });
    let strictest: Label | undefined;
    for (const found of ends) {
        const word = (found?.[1] ?? "").toUpperCase().replace(/[ -]STRICT$/, "+STRICT").replace(/^WHITE$/, "CLEAR");
        const label = labels.find((one) => one.name === `TLP:${word}`);
        if (label === undefined) {
            return { wrong: `TLP:${word}` };
        }
        strictest = stricter(strictest, label);
    }
    return strictest;
}

export class Remembered {
    private readonly defaults = new Map<string, { at: number; label: Label }>();
    private readonly items = new Map<string, Label>();

    /** Notes what an event that is drawn tells of its room, and its label for those that answer it. */
    public note(event: Wired): void {
        const found = shown(event);
        if (found.kind !== "label") {
            return;
        }
        this.items.delete(event.eventId);
        this.items.set(event.eventId, found.label);
        const [oldest] = this.items.keys();
        if (this.items.size > MOST_REMEMBERED && oldest !== undefined) {
            this.items.delete(oldest);
        }
        const known = this.defaults.get(event.roomId);
        if (isByRoom(event) && (known === undefined || known.at <= event.originServerTs)) {
            this.defaults.set(event.roomId, { at: event.originServerTs, label: found.label });
        }
    }

    /** What a text in a room's composer would be labelled, where `answers` is what it answers, in a thread too. */
    public expected(text: string, roomId: string, answers?: string): Expected {
        const said = typed(text);
        if (said !== undefined && "wrong" in said) {
            return { kind: "wrong", word: said.wrong };
        }
        const parent = answers === undefined ? undefined : this.items.get(answers);
        if (answers !== undefined && parent === undefined) {
            return { kind: "unknown" }; // stricter than what was typed, perhaps
        }
        const strictest = stricter(said, parent);
        if (strictest !== undefined) {
            return { kind: strictest === said ? "typed" : "answered", label: strictest };
        }
        const own = this.defaults.get(roomId);
        return own === undefined ? { kind: "unknown" } : { kind: "room", label: own.label };
    }
}

function stricter(one: Label | undefined, other: Label | undefined): Label | undefined {
    if (one === undefined || other === undefined) {
        return one ?? other;
    }
    return STRICTEST_FIRST.indexOf(one.name) <= STRICTEST_FIRST.indexOf(other.name) ? one : other;
}

function isByRoom(event: Wired & MatrixEvent): boolean {
    const written = (event.isEncrypted === true ? event.wireContent : event.content)?.[KEY];
    return typeof written === "object" && written !== null && "by" in written && written.by === "room";
}
