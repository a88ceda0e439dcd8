/**
 * The label that a message would be given, as far as a module can know.
 *
 * Where the room's policy cannot be read, this goes by what has been drawn of the room: an event labelled by its room
 * (`by: "room"`) has the room's default. What is typed counts as the server reads it (docs/members.md) in its plain forms. The
 * server decides, and may be stricter.
 */
import type { MatrixEvent } from "@element-hq/element-web-module-api";

import { isStricter, KEY, labelNamed, shown } from "./label";
import type { Label, Wired } from "./label";
import type { Policy } from "./policy";

const MOST_REMEMBERED = 2000;
const MARKER = /^[\s([{"'“‘«»\p{Extended_Pictographic}\uFE0F\u200D]*tlp(?::[ ]?|[- ])([a-z]+(?:[+ -]strict(?![\w-]))?)/iu;

export type Expected =
    | { kind: "typed" | "answered" | "room"; label: Label }
    | { kind: "above"; label: Label; ceiling: Label }
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
        const label = labelNamed(`TLP:${word}`);
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
    private readonly watching = new Set<() => void>();

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
            if (known?.label !== found.label) {
                // Not while Element draws.
                queueMicrotask(() => {
                    this.watching.forEach((heard) => {
                        heard();
                    });
                });
            }
        }
    }

    /** Calls when a room's default may have become known, or another; gives what ends that. */
    public watch(heard: () => void): () => void {
        this.watching.add(heard);
        return () => {
            this.watching.delete(heard);
        };
    }

    /** A room's default, as the newest of its messages says that was drawn. */
    public defaultOf(roomId: string): Label | undefined {
        return this.defaults.get(roomId)?.label;
    }

    /** What a text in a room's composer would be labelled, where `answers` is what it answers, in a thread too. */
    public expected(text: string, roomId: string, answers?: string, policy?: Policy): Expected {
        const said = typed(text);
        if (said !== undefined && "wrong" in said) {
            return { kind: "wrong", word: said.wrong };
        }
        const parent = answers === undefined ? undefined : this.items.get(answers);
        if (answers !== undefined && parent === undefined) {
            return { kind: "unknown" }; // stricter than what was typed, perhaps
        }
        const strictest = stricter(said, parent);
        if (strictest !== undefined && policy !== undefined && isStricter(strictest, policy.ceiling)) {
            return { kind: "above", label: strictest, ceiling: policy.ceiling };
        }
        if (strictest !== undefined) {
            return { kind: strictest === said ? "typed" : "answered", label: strictest };
        }
        const own = policy?.default ?? this.defaultOf(roomId);
        return own === undefined ? { kind: "unknown" } : { kind: "room", label: own };
    }
}

function stricter(one: Label | undefined, other: Label | undefined): Label | undefined {
    if (one === undefined || other === undefined) {
        return one ?? other;
    }
    return isStricter(other, one) ? other : one;
}

function isByRoom(event: Wired & MatrixEvent): boolean {
    const written = (event.isEncrypted === true ? event.wireContent : event.content)?.[KEY];
    return typeof written === "object" && written !== null && "by" in written && written.by === "room";
}
