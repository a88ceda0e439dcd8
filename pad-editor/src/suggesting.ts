/** Suggestion mode: what is typed or deleted is not in the text, but beside it, until somebody accepts it. */

import { EditorState, Prec, StateEffect, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { fromText } from "./binding";
import type { Placed } from "./notes";

/** What typing comes to: a suggestion as it is to be; without an id a new one, and nothing of it is left where it says nothing. */
export interface Suggested {
    id: string | null;
    from: number;
    to: number;
    words: string;
}

export interface Suggests {
    /** Whether it is switched on. */
    isOn(): boolean;
    /** The suggestions of this member that are open, the one that was typed in last first. */
    mine(): Placed[];
    typed(suggested: Suggested): void;
}

interface Plan {
    suggested: Suggested | null;
    cursor: number;
}

const typed = StateEffect.define<Suggested>();

export function suggesting(suggests: Suggests): Extension {
    return [
        EditorState.transactionFilter.of((transaction) => {
            if (!suggests.isOn() || !transaction.docChanged || transaction.annotation(fromText)) return transaction;
            const start = transaction.startState;
            let [from, to, nowFrom, nowTo] = [Infinity, -1, Infinity, -1];
            transaction.changes.iterChanges((a, b, nowA, nowB) => {
                [from, to] = [Math.min(from, a), Math.max(to, b)];
                [nowFrom, nowTo] = [Math.min(nowFrom, nowA), Math.max(nowTo, nowB)];
            });
            const inserted = transaction.newDoc.sliceString(nowFrom, nowTo, "\n");
            const { head, empty } = start.selection.main;
            return specs(plan(suggests.mine(), from, to, inserted, empty ? head : from));
        }),
        Prec.highest(
            keymap.of([
                { key: "Backspace", run: (view) => takeBack(view, suggests, 1) },
                { key: "Mod-Backspace", run: (view) => takeBack(view, suggests, Infinity) },
            ]),
        ),
        EditorView.updateListener.of((update) => {
            for (const one of update.transactions) {
                for (const effect of one.effects) if (effect.is(typed)) suggests.typed(effect.value);
            }
        }),
    ];
}

/** Deletes in what was just suggested, which is no part of the text: at the text's beginning there is nothing before it. */
function takeBack(view: EditorView, suggests: Suggests, most: number): boolean {
    const { head, empty } = view.state.selection.main;
    const found = suggests.isOn() && empty ? suggests.mine().find((one) => one.to === head && one.note.words) : undefined;
    if (!found) return false;
    view.dispatch(...specs(shortened(found, most)));
    return true;
}

function shortened(one: Placed, most: number): Plan {
    const words = most === 1 ? letters(one.note.words).slice(0, -1).join("") : one.note.words.replace(/\S+\s*$|\s+$/, "");
    return { suggested: { id: one.note.id, from: one.from, to: one.to, words }, cursor: one.to };
}

function letters(words: string): string[] {
    return [...new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(words)].map((one) => one.segment);
}

function plan(mine: Placed[], from: number, to: number, inserted: string, head: number): Plan {
    const near = mine.find((one) => one.from <= to && from <= one.to);
    if (!near) return { suggested: { id: null, from, to, words: inserted }, cursor: inserted || head === from ? to : from };
    const { note } = near;
    if (!inserted && note.words && head === to && to === near.to && to - from === 1) return shortened(near, 1);
    const suggested = {
        id: note.id,
        from: Math.min(from, near.from),
        to: Math.max(to, near.to),
        words: note.words + inserted,
    };
    return { suggested, cursor: inserted ? suggested.to : head === from ? to : from };
}

function specs({ suggested, cursor }: Plan) {
    return [{ selection: { anchor: cursor }, effects: suggested ? [typed.of(suggested)] : [], scrollIntoView: true }];
}
