/** Brings an editor and a shared text together: what is typed goes into the text, what others write into the editor. */

import { Annotation, type Extension, type ChangeSpec } from "@codemirror/state";
import { EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type * as Y from "yjs";

/** Marks what came from the text, so that it does not go back there. */
export const fromText = Annotation.define<boolean>();

export function binding(text: Y.Text): Extension {
    return ViewPlugin.fromClass(
        class {
            private readonly heard: (event: Y.YTextEvent, transaction: Y.Transaction) => void;

            constructor(private readonly view: EditorView) {
                this.heard = (event, transaction) => {
                    if (transaction.origin === this) return;
                    const changes: ChangeSpec[] = [];
                    let at = 0;
                    for (const one of event.delta) {
                        if (one.insert !== undefined) changes.push({ from: at, insert: String(one.insert) });
                        else if (one.delete !== undefined) {
                            changes.push({ from: at, to: at + one.delete });
                            at += one.delete;
                        } else at += one.retain ?? 0;
                    }
                    this.view.dispatch({ changes, annotations: fromText.of(true) });
                };
                text.observe(this.heard);
            }

            update(update: ViewUpdate): void {
                if (!update.docChanged) return;
                if (update.transactions.every((one) => one.annotation(fromText))) return;
                text.doc?.transact(() => {
                    let moved = 0;
                    update.changes.iterChanges((from, to, _fromNow, _toNow, inserted) => {
                        const given = inserted.sliceString(0, inserted.length, "\n");
                        if (to > from) text.delete(from + moved, to - from);
                        if (given) text.insert(from + moved, given);
                        moved += given.length - (to - from);
                    });
                }, this);
            }

            destroy(): void {
                text.unobserve(this.heard);
            }
        },
    );
}
