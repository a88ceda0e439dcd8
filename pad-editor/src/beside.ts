/** Comments and suggestions on the page: brings together the text, the list beside it and the server. */

import type { Extension } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import type * as Y from "yjs";
import type { Person } from "./connection";
import { COLOURS } from "./cursors";
import { List, who, type Rights } from "./list";
import { drawMarks, marks } from "./marks";
import { fresh, Notes, type Act, type Note, type NoteChange } from "./notes";
import { suggesting, type Suggested } from "./suggesting";

/** How long somebody pauses before what they suggest is sent, in milliseconds. */
const PAUSE = 250;

export class Beside {
    readonly extension: Extension;
    private readonly notes: Notes;
    private readonly list: List;
    private people: Person[] = [];
    private rights: Rights = { writes: false, redacts: false };
    private isOn = false;
    /** The suggestion that is being typed. */
    private current: string | null = null;
    private timer = 0;
    private about: { from: number; to: number } | null = null;

    constructor(
        private readonly text: Y.Text,
        private readonly part: <T extends HTMLElement>(name: string) => T,
        private readonly view: () => EditorView,
        private readonly ask: (act: Act) => void,
        private readonly drawSoon: () => void,
    ) {
        this.notes = new Notes(text);
        this.extension = [
            marks(),
            suggesting({
                isOn: () => this.isOn,
                mine: () => this.mine(),
                typed: (suggested) => this.typed(suggested),
            }),
        ];
        this.list = new List(part("list"), part("notes-title"), part("none"), {
            ask: (act) => this.act(act),
            show: ({ from, to }) => {
                view().dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
                view().focus();
            },
            colour: (note) => this.colour(note),
            slice: (from, to) => view().state.sliceDoc(from, to),
            reply: (thread, words) => this.send({ do: "reply", note: fresh(), thread, words }),
        });
        const form = part<HTMLFormElement>("comment");
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.comment();
        });
        form.addEventListener("keydown", (event) => {
            if (event.key === "Escape") this.close();
        });
        part("comment-cancel").addEventListener("click", () => this.close());
    }

    get isSuggesting(): boolean {
        return this.isOn;
    }

    /** Whether something is typed that was not sent yet. */
    get unsent(): boolean {
        return this.timer !== 0;
    }

    suggest(): void {
        this.isOn = !this.isOn;
        this.flush();
        this.current = null;
        const view = this.view();
        view.dom.classList.toggle("pad-suggesting", this.isOn);
        this.say(this.isOn ? "What you type now is a suggestion." : "What you type now is in the text.");
        view.focus();
    }

    /** Opens the form for a comment on what is selected. */
    begin(): void {
        const { from, to } = this.view().state.selection.main;
        if (from === to) {
            this.say("Select the words first that you would like to comment on.");
            this.part("hint-select").hidden = false;
            return;
        }
        this.part("hint-select").hidden = true;
        this.about = { from, to };
        const words = this.view().state.sliceDoc(from, to);
        this.part("comment-on").textContent = words.length > 120 ? `${words.slice(0, 119)}…` : words;
        this.part("comment").hidden = false;
        this.part("comment-words").focus();
    }

    hear(changed: NoteChange[], whole: boolean): void {
        if (!whole) {
            for (const one of changed) {
                if (!("kind" in one) || one.mine || this.notes.get(one.id)) continue;
                const does = { comment: "comments", reply: "answers", suggestion: "suggests a change" }[one.kind];
                this.say(`${who(one)} ${does}.`);
            }
        }
        this.notes.hear(changed, whole);
        this.drawSoon();
    }

    answered(act: Act, refused: string | null): void {
        // What was typed meanwhile is not sent yet: until then it is this page's word that counts.
        if (!this.timer || act.note !== this.current) this.notes.settle(act.note);
        if (refused !== null) this.refuse(refused, act);
        if (refused !== null && this.current === act.note) this.current = null;
        this.drawSoon();
    }

    here(people: Person[]): void {
        this.people = people;
    }

    may(rights: Rights): void {
        this.rights = rights;
        if (!rights.writes) {
            this.isOn = false;
            this.view().dom.classList.remove("pad-suggesting");
            this.close();
        }
        this.drawSoon();
    }

    /** The text was changed: what is written beside it stays at its words. */
    moved(changes: { mapPos(at: number, side: -1 | 1): number }): void {
        if (!this.about) return;
        this.about = { from: changes.mapPos(this.about.from, 1), to: changes.mapPos(this.about.to, -1) };
    }

    draw(): void {
        const placed = this.notes.placed();
        drawMarks(this.view(), placed, (note) => this.colour(note));
        this.list.draw(this.notes.all(), placed, this.rights, (id) => this.notes.isWaiting(id));
    }

    /** Sends what is typed and waits for a pause. */
    flush(): void {
        if (!this.timer) return;
        window.clearTimeout(this.timer);
        this.timer = 0;
        const note = this.current && this.notes.get(this.current);
        if (!note || note.state !== "open") return;
        this.ask({ do: "suggest", note: note.id, begins: note.begins, ends: note.ends, words: note.words });
    }

    private mine() {
        const found = this.notes.placed().filter(({ note }) => note.kind === "suggestion" && note.mine && note.state === "open");
        return found.sort((a, b) => Number(b.note.id === this.current) - Number(a.note.id === this.current) || b.note.at - a.note.at);
    }

    private typed({ id, from, to, words }: Suggested): void {
        if (id && id !== this.current) this.flush();
        const quoted = this.text.toString().slice(from, to);
        if (quoted === words) {
            // Nothing is left of it: what was typed was deleted again.
            if (id) this.act({ do: "remove", note: id });
            return;
        }
        if (!id) this.flush();
        this.current = id ?? fresh();
        this.notes.write({ do: "suggest", note: this.current, ...this.notes.ends(from, to), words }, { quoted });
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.flush(), PAUSE);
        this.drawSoon();
    }

    private comment(): void {
        const field = this.part<HTMLTextAreaElement>("comment-words");
        const words = field.value;
        if (!words.trim() || !this.about) return;
        const { from, to } = this.about;
        field.value = "";
        this.close();
        const quoted = this.text.toString().slice(from, to);
        this.send({ do: "comment", note: fresh(), ...this.notes.ends(from, to), words }, { quoted });
    }

    private send(act: Act, about: Partial<Note> = {}): void {
        this.part("refused").hidden = true;
        this.notes.write(act, about);
        this.ask(act);
        this.drawSoon();
    }

    private act(act: Act): void {
        this.part("refused").hidden = true;
        this.flush();
        if (act.do === "remove") {
            this.notes.hide(act.note);
            if (act.note === this.current) this.current = null;
        }
        this.ask(act);
        this.drawSoon();
    }

    /** Nothing that somebody wrote is gone without a word: it is shown once more, to be copied. */
    private refuse(sentence: string, act: Act): void {
        const told = this.part("refused");
        const isWritten = act.do === "comment" || act.do === "reply" || act.do === "suggest";
        told.textContent = isWritten && act.words ? `${sentence} You wrote: ${act.words}` : sentence;
        told.hidden = false;
    }

    private close(): void {
        const form = this.part("comment");
        if (form.hidden) return;
        form.hidden = true;
        this.about = null;
        this.view().focus();
    }

    private colour(note: Note): number {
        const here = this.people.find((one) => one.name === note.name && one.organisation === note.organisation);
        if (here) return here.id % COLOURS;
        let sum = 0;
        for (const letter of note.name + note.organisation) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
        return sum % COLOURS;
    }

    private say(words: string): void {
        this.part("heard").textContent = words;
    }
}
