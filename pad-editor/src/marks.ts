/** Marks in the text what is commented on, and shows suggestions there as what would go and what would come. */

import { StateEffect, StateField, type Extension, type Range } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Note, Placed } from "./notes";

const marked = StateEffect.define<DecorationSet>();

class Inserted extends WidgetType {
    constructor(
        private readonly id: string,
        private readonly words: string,
        private readonly colour: number,
        private readonly by: string,
    ) {
        super();
    }

    override eq(other: Inserted): boolean {
        return other.id === this.id && other.words === this.words && other.colour === this.colour && other.by === this.by;
    }

    toDOM(): HTMLElement {
        const inserted = document.createElement("ins");
        inserted.className = `pad-inserted pad-colour-${this.colour}`;
        inserted.title = this.by;
        inserted.textContent = this.words;
        return inserted;
    }
}

const shown = StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(value, transaction) {
        for (const effect of transaction.effects) if (effect.is(marked)) return effect.value;
        return value.map(transaction.changes);
    },
    provide: (field) => EditorView.decorations.from(field),
});

export function marks(): Extension {
    return shown;
}

export function drawMarks(view: EditorView, placed: Placed[], colour: (note: Note) => number): void {
    const found: Range<Decoration>[] = [];
    for (const { note, from, to } of placed) {
        if (to > view.state.doc.length || note.state !== "open") continue;
        const class_ = `pad-colour-${colour(note)}`;
        if (note.kind === "comment") {
            if (to > from) found.push(Decoration.mark({ tagName: "mark", class: `pad-noted ${class_}` }).range(from, to));
            continue;
        }
        const by = note.mine ? "You suggest this" : `${note.name || "Somebody"} suggests this`;
        if (to > from) {
            found.push(Decoration.mark({ tagName: "del", class: `pad-deleted ${class_}`, attributes: { title: by } }).range(from, to));
        }
        if (note.words) {
            const widget = new Inserted(note.id, note.words, colour(note), by);
            found.push(Decoration.widget({ widget, side: -1 }).range(to));
        }
    }
    view.dispatch({ effects: marked.of(Decoration.set(found, true)) });
}
