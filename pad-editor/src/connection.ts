/** Keeps one pad in step with the server, as often as the connection breaks; what is written meanwhile is kept here. */

import * as Y from "yjs";
import type { Act, NoteChange } from "./notes";
import { ASK, CHANGE, frame, GIVE, read } from "./wire";

export interface Person {
    id: number;
    name: string;
    organisation: string;
    writes: boolean;
    place: [string, string] | null;
}

export interface Status {
    you: number;
    label: string;
    note: string;
    closed: string | null;
    redacts: boolean;
}

export interface Hears {
    status(status: Status): void;
    people(people: Person[]): void;
    /** What was changed beside the text; all that there is, where `whole` says so. */
    notes(changed: NoteChange[], whole: boolean): void;
    /** What was asked is kept, or was refused for this reason. */
    answered(act: Act, refused: string | null): void;
    /** Says how it goes: whether it is connected, and whether something is not safe yet. */
    state(connected: boolean, unsaved: boolean): void;
    /** It has ended for good; the sentence says why. */
    ended(sentence: string, refused: boolean): void;
}

/** What the server says, in JSON: one of these at a time. */
type Said = Partial<Status> & {
    saved?: number;
    here?: Person[];
    notes?: NoteChange[];
    whole?: boolean;
    noted?: number;
    refused?: string;
    end?: string;
    code?: number;
};

const REFUSED = 4400;
const ENDED = 4403;
const PAUSES = [500, 1000, 2000, 4000, 8000];

export class Connection {
    private socket: WebSocket | null = null;
    private tries = 0;
    private sent = 0;
    private saved = 0;
    private isOver = false;
    private isClosed = true;
    /** Whether the server has said what it has: before that, a change would build on what it may not know yet. */
    private isAsked = false;
    /** Changes that were made since the server's last word that all is safe. */
    private waits = false;
    /** What was asked about comments and suggestions, and was not answered: it is given again, in this order. */
    private readonly acts = new Map<number, Act>();
    private asked = 0;

    constructor(
        private readonly address: string,
        private readonly doc: Y.Doc,
        private readonly hears: Hears,
    ) {
        doc.on("update", (update: Uint8Array, origin: unknown) => {
            if (origin === this) return;
            this.waits = true;
            this.give(CHANGE, update);
            this.tell();
        });
        window.addEventListener("online", () => this.open());
        this.open();
    }

    get unsaved(): boolean {
        return this.waits || this.acts.size > 0;
    }

    /** What was written beside the text and was not acknowledged. */
    get unanswered(): string[] {
        return [...this.acts.values()].map((act) => (act.do === "accept" ? "" : (act.words ?? ""))).filter(Boolean);
    }

    /** Asks something about a comment or a suggestion, as often as it takes. */
    ask(act: Act): void {
        // What is typed on in a suggestion takes the place of what was typed before.
        if (act.do === "suggest") {
            for (const [number, one] of this.acts) if (one.do === "suggest" && one.note === act.note) this.acts.delete(number);
        }
        this.acts.set(++this.asked, act);
        this.sendAct(this.asked, act);
        this.tell();
    }

    private sendAct(number: number, act: Act): void {
        if (this.socket?.readyState !== WebSocket.OPEN || !this.isAsked) return;
        this.socket.send(JSON.stringify({ note: { ...act, number } }));
    }

    point(place: [string, string] | null): void {
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ place }));
    }

    private open(): void {
        if (this.isOver || this.socket) return;
        const socket = new WebSocket(this.address);
        socket.binaryType = "arraybuffer";
        this.socket = socket;
        this.sent = this.saved = 0;
        this.isClosed = true;
        this.isAsked = false;
        socket.onopen = () => {
            this.tries = 0;
            socket.send(frame(ASK, Y.encodeStateVector(this.doc)));
            this.tell();
        };
        socket.onmessage = (message: MessageEvent<ArrayBuffer | string>) => {
            if (typeof message.data === "string") this.word(JSON.parse(message.data));
            else this.take(new Uint8Array(message.data));
        };
        socket.onclose = (closed) => {
            if (this.socket !== socket) return;
            this.socket = null;
            if (this.isOver) return;
            if (closed.code === ENDED || closed.code === REFUSED) {
                this.end("This page was closed by the server.", closed.code === REFUSED);
                return;
            }
            this.tell();
            const pause = PAUSES[Math.min(this.tries++, PAUSES.length - 1)] ?? 8000;
            window.setTimeout(() => this.open(), pause * (0.75 + Math.random() / 2));
        };
    }

    private take(data: Uint8Array): void {
        const { kind, body } = read(data);
        if (kind !== ASK) {
            Y.applyUpdate(this.doc, body, this);
            return;
        }
        // What this page has beyond that: all that was written while there was no connection.
        this.isAsked = true;
        if (!this.isClosed) this.give(GIVE, Y.encodeStateAsUpdate(this.doc, body));
        for (const [number, act] of this.acts) this.sendAct(number, act);
    }

    private word(said: Said): void {
        if (said.saved !== undefined) {
            this.saved = said.saved;
            if (this.saved >= this.sent) this.waits = false;
            this.tell();
        } else if (said.notes) {
            this.hears.notes(said.notes, said.whole === true);
        } else if (said.noted !== undefined) {
            const act = this.acts.get(said.noted);
            this.acts.delete(said.noted);
            if (act) this.hears.answered(act, said.refused ?? null);
            this.tell();
        } else if (said.here) {
            this.hears.people(said.here);
        } else if (said.end !== undefined) {
            if (said.code === ENDED || said.code === REFUSED) this.end(said.end, said.code === REFUSED);
        } else if (said.label !== undefined) {
            this.isClosed = Boolean(said.closed);
            this.hears.status(said as Status);
        }
    }

    private give(kind: number, update: Uint8Array): void {
        if (this.socket?.readyState !== WebSocket.OPEN || !this.isAsked) return;
        this.sent += 1;
        this.socket.send(frame(kind, update));
    }

    private tell(): void {
        this.hears.state(this.socket?.readyState === WebSocket.OPEN, this.unsaved);
    }

    private end(sentence: string, refused: boolean): void {
        this.isOver = true;
        this.socket?.close();
        this.hears.ended(sentence, refused);
    }
}
