/** Comments and suggestions as this page knows them: what the server has, and what is on its way there. */

import type * as Y from "yjs";
import { position, written } from "./cursors";

export interface Note {
    id: string;
    /** What a reply belongs to; empty for others. */
    thread: string;
    kind: "comment" | "reply" | "suggestion";
    state: string;
    /** Where what it is about begins and ends, as an editor writes places down. */
    begins: string;
    ends: string;
    /** What was written; of a suggestion what would stand there instead. */
    words: string;
    /** What it is about, as it was then. */
    quoted: string;
    name: string;
    organisation: string;
    mine: boolean;
    at: number;
}

/** A note as it is now, or that it is settled or was taken back. */
export type NoteChange = Note | { id: string; state: string };

export interface Act {
    do: "comment" | "reply" | "suggest" | "resolve" | "reopen" | "remove" | "accept" | "reject";
    note: string;
    thread?: string;
    begins?: string;
    ends?: string;
    words?: string;
    quoted?: string;
}

/** A note, and where it is in the text now; of one whose words were deleted both ends are the same. */
export interface Placed {
    note: Note;
    from: number;
    to: number;
}

export class Notes {
    private readonly kept = new Map<string, Note>();
    /** What this page has written and the server has not answered yet. */
    private readonly waiting = new Map<string, Note>();

    constructor(private readonly text: Y.Text) {}

    all(): Note[] {
        const found = new Map([...this.kept, ...this.waiting]);
        return [...found.values()].filter((one) => one.state !== "gone").sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    }

    get(id: string): Note | undefined {
        return this.waiting.get(id) ?? this.kept.get(id);
    }

    hear(changed: NoteChange[], whole: boolean): void {
        if (whole) this.kept.clear();
        for (const one of changed) {
            if ("kind" in one) this.kept.set(one.id, one);
            else {
                this.kept.delete(one.id);
                this.waiting.delete(one.id);
            }
        }
    }

    /** Begins something that this page writes. */
    write(act: Act, about: Partial<Note>): void {
        const before = this.get(act.note);
        this.waiting.set(act.note, {
            id: act.note,
            thread: act.thread ?? "",
            kind: act.do === "suggest" ? "suggestion" : act.do === "reply" ? "reply" : "comment",
            state: "open",
            begins: act.begins ?? "",
            ends: act.ends ?? "",
            words: act.words ?? "",
            quoted: before?.quoted ?? "",
            name: before?.name ?? "",
            organisation: before?.organisation ?? "",
            mine: true,
            at: before?.at ?? Date.now() / 1000,
            ...about,
        });
    }

    /** It will not be there, whatever the server has of it. */
    hide(id: string): void {
        const before = this.get(id);
        if (before) this.waiting.set(id, { ...before, state: "gone" });
    }

    /** The server has answered: from here on its word counts. */
    settle(id: string): void {
        this.waiting.delete(id);
    }

    isWaiting(id: string): boolean {
        return this.waiting.has(id);
    }

    placed(): Placed[] {
        const found: Placed[] = [];
        for (const note of this.all()) {
            if (note.kind === "reply") continue;
            const [from, to] = [position(this.text, note.begins), position(this.text, note.ends)];
            if (from !== null && to !== null) found.push({ note, from, to: Math.max(from, to) });
        }
        return found;
    }

    /** The two ends of something, as they are written down: what is typed beside it is not part of it. */
    ends(from: number, to: number): { begins: string; ends: string } {
        const side = from === to ? -1 : 0;
        return { begins: written(this.text, from, side), ends: written(this.text, to, -1) };
    }
}

/** A number that no other page gives. */
export function fresh(): string {
    return crypto.randomUUID();
}
