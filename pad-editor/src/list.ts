/** The list of comments and suggestions: everything that is shown in the text can be read and done here, too. */

import type { Act, Note, Placed } from "./notes";

export interface Rights {
    writes: boolean;
    redacts: boolean;
}

export interface Does {
    ask(act: Act): void;
    /** Goes to where something is in the text. */
    show(placed: Placed): void;
    colour(note: Note): number;
    /** What stands in the text between two places. */
    slice(from: number, to: number): string;
    reply(thread: string, words: string): void;
}

const time = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { dateStyle: "medium", timeStyle: "short" });

export class List {
    /** What each entry was made of, so that what did not change is left alone, and the focus with it. */
    private readonly made = new Map<string, { of: string; item: HTMLElement }>();
    /** The entry that somebody writes an answer to. */
    private answering: string | null = null;

    constructor(
        private readonly list: HTMLElement,
        private readonly title: HTMLElement,
        private readonly none: HTMLElement,
        private readonly does: Does,
    ) {}

    draw(all: Note[], placed: Placed[], rights: Rights, isWaiting: (id: string) => boolean): void {
        const threads = [...placed].sort((a, b) => order(a.note) - order(b.note) || a.from - b.from);
        const items = threads.map((one) => {
            const replies = all.filter((reply) => reply.thread === one.note.id);
            const now = this.does.slice(one.from, one.to);
            const waits = [one.note, ...replies].filter((note) => isWaiting(note.id)).map((note) => note.id);
            const isOpen = this.answering === one.note.id;
            const of = JSON.stringify([one.note, replies, rights, one.from === one.to, now === one.note.quoted, waits, isOpen, this.does.colour(one.note)]);
            const before = this.made.get(one.note.id);
            if (before?.of === of) return before.item;
            const item = this.item(one, replies, now, rights, waits);
            this.keep(before?.item, item);
            this.made.set(one.note.id, { of, item });
            return item;
        });
        const had = this.list.contains(document.activeElement);
        const ids = new Set(threads.map((one) => one.note.id));
        for (const id of this.made.keys()) if (!ids.has(id)) this.made.delete(id);
        if (items.length !== this.list.children.length || items.some((item, place) => item !== this.list.children[place])) {
            const focused = document.activeElement as HTMLElement | null;
            this.list.replaceChildren(...items);
            if (had && focused?.isConnected) focused.focus();
        }
        this.none.hidden = items.length > 0;
        // What had the focus is settled, and gone: it does not fall back to the page's beginning.
        if (had && !this.list.contains(document.activeElement)) (this.focusNext ?? this.title).focus();
        this.focusNext = null;
    }

    private focusNext: HTMLElement | null = null;

    /** An answer that is being written, and what has the focus, pass over from an entry to what takes its place. */
    private keep(before: HTMLElement | undefined, item: HTMLElement): void {
        if (!before) return;
        const [old, now] = [before.querySelector("textarea"), item.querySelector("textarea")];
        if (old && now) now.value = old.value;
        const focused = before.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["do"] : undefined;
        if (focused) this.focusNext = item.querySelector<HTMLElement>(`[data-do="${focused}"]`);
    }

    private item(one: Placed, replies: Note[], now: string, rights: Rights, waits: string[]): HTMLElement {
        const { note } = one;
        const item = element("li", `comment pad-note pad-colour-${this.does.colour(note)}`);
        const heading = element("h3", "", `${note.kind === "comment" ? "Comment" : "Suggestion"} by ${who(note)}`);
        heading.id = `pad-note-${note.id}`;
        if (note.state === "resolved") heading.append(" ", element("span", "tag", "Resolved"));
        item.append(heading, when(note, waits));
        item.append(...(note.kind === "comment" ? this.comment(one) : suggestion(note, now)));
        if (replies.length) {
            const list = element("ul", "pad-replies");
            list.setAttribute("aria-label", "Answers");
            list.append(
                ...replies.map((reply) => {
                    const entry = element("li");
                    const by = element("p", "small", `${who(reply)}, `);
                    by.append(...when(reply, waits).childNodes);
                    entry.append(by, element("p", "pad-words", reply.words));
                    if (rights.redacts || reply.mine) entry.append(this.remove(reply, "answer"));
                    return entry;
                }),
            );
            item.append(list);
        }
        const row = element("div", "pad-acts");
        const act = (name: string, does: Act["do"], more: Partial<Act> = {}) => {
            row.append(button(name, does, heading.id, () => this.does.ask({ do: does, note: note.id, ...more })));
        };
        row.append(button("Show in the text", "show", heading.id, () => this.does.show(one)));
        if (rights.writes && note.kind === "suggestion") {
            if (now === note.quoted) act("Accept", "accept", { words: note.words, quoted: note.quoted });
            if (!note.mine) act("Reject", "reject");
        }
        if (rights.writes) {
            if (note.kind === "comment" && note.state === "open") act("Resolve", "resolve");
            else if (note.kind === "comment") act("Open again", "reopen");
            row.append(
                button("Answer", "reply", heading.id, () => {
                    this.answering = note.id;
                    this.answer(item, note, heading.id);
                }),
            );
        }
        if (note.mine || rights.redacts) row.append(this.remove(note, note.kind, heading.id));
        item.append(row);
        if (this.answering === note.id && rights.writes) this.answer(item, note, heading.id, false);
        return item;
    }

    private comment({ note, from, to }: Placed): HTMLElement[] {
        const about = element("p", "small", from === to ? "On words that were deleted:" : "On:");
        const quote = element("blockquote", "pad-words", note.quoted || this.does.slice(from, to));
        return [about, quote, element("p", "pad-words", note.words)];
    }

    private remove(note: Note, what: string, described?: string): HTMLButtonElement {
        const name = note.mine ? "Take back" : `Remove this ${what}`;
        return button(name, `remove-${note.id}`, described, () => this.does.ask({ do: "remove", note: note.id }));
    }

    private answer(item: HTMLElement, note: Note, described: string, focus = true): void {
        if (item.querySelector("form")) return item.querySelector("textarea")?.focus();
        const form = element("form", "pad-writing") as HTMLFormElement;
        const label = element("label", "", "Your answer") as HTMLLabelElement;
        const field = element("textarea") as HTMLTextAreaElement;
        field.id = label.htmlFor = `pad-answer-${note.id}`;
        field.maxLength = 2000;
        field.rows = 2;
        field.required = true;
        field.dataset["do"] = "answer";
        const row = element("div", "pad-acts");
        const send = button("Send the answer", "send", described, () => undefined);
        send.type = "submit";
        const close = () => {
            this.answering = null;
            form.remove();
            item.querySelector<HTMLElement>('[data-do="reply"]')?.focus();
        };
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            const words = field.value;
            if (!words.trim()) return;
            close();
            this.does.reply(note.id, words);
        });
        form.addEventListener("keydown", (event) => {
            if (event.key === "Escape") close();
        });
        row.append(send, button("Cancel", "cancel", described, close));
        form.append(label, field, row);
        item.append(form);
        if (focus) field.focus();
    }
}

function order(note: Note): number {
    return note.state === "open" ? 0 : 1;
}

function suggestion(note: Note, now: string): HTMLElement[] {
    const found: HTMLElement[] = [];
    const row = (says: string, tag: "del" | "ins", words: string) => {
        const line = element("p", "pad-words", `${says} `);
        line.append(element(tag, tag === "del" ? "pad-deleted" : "pad-inserted", words));
        found.push(line);
    };
    if (note.quoted) row("Delete:", "del", note.quoted);
    if (note.words) row("Insert:", "ins", note.words);
    if (now !== note.quoted) {
        found.push(element("p", "small", "What it would change was written anew since, so it cannot be accepted as it is."));
    }
    return found;
}

export function who(note: Note): string {
    if (note.mine) return "you";
    if (!note.name) return "somebody who has left";
    return note.organisation ? `${note.name} (${note.organisation})` : note.name;
}

function when(note: Note, waits: string[]): HTMLElement {
    const line = element("p", "small");
    if (waits.includes(note.id)) line.textContent = "Saving …";
    else {
        const at = element("time", "", time.format(note.at * 1000)) as HTMLTimeElement;
        at.dateTime = new Date(note.at * 1000).toISOString();
        line.append(at);
    }
    return line;
}

function button(name: string, does: string, described: string | undefined, run: () => void): HTMLButtonElement {
    const made = element("button", "quiet", name) as HTMLButtonElement;
    made.type = "button";
    made.dataset["do"] = does;
    if (described) made.setAttribute("aria-describedby", described);
    made.addEventListener("click", run);
    return made;
}

function element(tag: string, class_ = "", words = ""): HTMLElement {
    const made = document.createElement(tag);
    if (class_) made.className = class_;
    if (words) made.textContent = words;
    return made;
}
