/** Shows where the others' cursors are. Their names are the server's word; what they have selected is drawn over. */

import { StateEffect, StateField, type Extension, type Range } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import * as Y from "yjs";
import type { Person } from "./connection";

/** So many colours there are; who has which follows from their number. */
export const COLOURS = 6;

const placed = StateEffect.define<DecorationSet>();

class Caret extends WidgetType {
    constructor(
        private readonly name: string,
        private readonly colour: number,
    ) {
        super();
    }

    override eq(other: Caret): boolean {
        return other.name === this.name && other.colour === this.colour;
    }

    toDOM(): HTMLElement {
        const caret = document.createElement("span");
        caret.className = `pad-caret pad-colour-${this.colour}`;
        caret.setAttribute("aria-hidden", "true");
        const name = document.createElement("span");
        name.className = "pad-caret-name";
        name.textContent = this.name;
        caret.append(name);
        return caret;
    }
}

const shown = StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(value, transaction) {
        for (const effect of transaction.effects) if (effect.is(placed)) return effect.value;
        return value.map(transaction.changes);
    },
    provide: (field) => EditorView.decorations.from(field),
});

export function cursors(): Extension {
    return shown;
}

/** Draws the cursors of these people. */
export function draw(view: EditorView, text: Y.Text, people: Person[]): void {
    const found: Range<Decoration>[] = [];
    for (const one of people) {
        const ends = one.place?.map((end) => position(text, end)) ?? [];
        const [anchor, head] = ends;
        if (anchor == null || head == null) continue;
        const colour = one.id % COLOURS;
        const [from, to] = anchor < head ? [anchor, head] : [head, anchor];
        if (to > view.state.doc.length) continue;
        if (to > from) found.push(Decoration.mark({ class: `pad-selected pad-colour-${colour}` }).range(from, to));
        found.push(Decoration.widget({ widget: new Caret(one.name, colour), side: 1 }).range(head));
    }
    view.dispatch({ effects: placed.of(Decoration.set(found, true)) });
}

/** Writes down a place that stays where it is while others write before it: by what is behind it, or before it. */
export function written(text: Y.Text, at: number, side: 0 | -1 = 0): string {
    const bytes = Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(text, at, side));
    return btoa(String.fromCharCode(...bytes));
}

/** Where a place is now; null where it cannot be found. */
export function position(text: Y.Text, given: string): number | null {
    try {
        const bytes = Uint8Array.from(atob(given), (one) => one.charCodeAt(0));
        const found = text.doc && Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(bytes), text.doc);
        return found && found.type === text ? found.index : null;
    } catch {
        return null;
    }
}
