/** What the toolbar does with Markdown: puts its marks there, and takes them away where they are. */

import { syntaxTree } from "@codemirror/language";
import { EditorSelection, type ChangeSpec, type EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

type Node = ReturnType<ReturnType<typeof syntaxTree>["resolveInner"]>;

/** Whether the cursor is in something of that name (github.com/lezer-parser/markdown). */
export function within(state: EditorState, name: RegExp): boolean {
    return found(state, name) !== null;
}

function found(state: EditorState, name: RegExp): Node | null {
    const { from, to } = state.selection.main;
    for (const side of [-1, 1] as const) {
        for (let node: Node | null = syntaxTree(state).resolveInner(from, side); node; node = node.parent) {
            if (name.test(node.name) && node.from <= from && to <= node.to) return node;
        }
    }
    return null;
}

/** Puts a mark on both sides of what is selected, or takes it away. */
export function wrap(view: EditorView, mark: string, name: RegExp): boolean {
    const { state } = view;
    const { from, to } = state.selection.main;
    const there = found(state, name);
    if (there?.firstChild && there.lastChild) {
        const { firstChild: before, lastChild: behind } = there;
        change(view, [
            { from: before.from, to: before.to },
            { from: behind.from, to: behind.to },
        ]);
        return true;
    }
    const changes = [
        { from, insert: mark },
        { from: to, insert: mark },
    ];
    change(view, changes, [from + mark.length, to + mark.length]);
    return true;
}

/** Begins each line that is selected with a mark, or takes it away where all have it. */
export function begin(view: EditorView, mark: (number: number) => string, there: RegExp): boolean {
    const { state } = view;
    const { from, to } = state.selection.main;
    const lines = [];
    for (let at = state.doc.lineAt(from); ; at = state.doc.line(at.number + 1)) {
        if (at.text.trim() || from === to) lines.push(at);
        if (at.to >= to || at.number === state.doc.lines) break;
    }
    const have = lines.every((line) => there.test(line.text));
    const changes = lines.map((line, place) => {
        const [old] = /^(?:#{1,6} |[-*+] |\d+[.)] )?/.exec(line.text) ?? [""];
        const [mine] = there.exec(line.text) ?? [""];
        if (have) return { from: line.from, to: line.from + mine.length, insert: "" };
        const gone = mark(1) === "> " ? "" : old;
        return { from: line.from, to: line.from + gone.length, insert: mark(place + 1) };
    });
    change(view, changes);
    return true;
}

/** Makes a link of what is selected; its address is selected then, to be written over. */
export function link(view: EditorView): boolean {
    const { from, to } = view.state.selection.main;
    const address = "https://";
    const changes = [
        { from, insert: "[" },
        { from: to, insert: `](${address})` },
    ];
    change(view, changes, [to + 3, to + 3 + address.length]);
    return true;
}

/** Code in a line, or lines of it. */
export function code(view: EditorView): boolean {
    const { state } = view;
    const { from, to } = state.selection.main;
    if (!state.sliceDoc(from, to).includes("\n")) return wrap(view, "`", /^InlineCode$/);
    const [first, last] = [state.doc.lineAt(from), state.doc.lineAt(to)];
    change(view, [
        { from: first.from, insert: "```\n" },
        { from: last.to, insert: "\n```" },
    ]);
    return true;
}

function change(view: EditorView, changes: ChangeSpec[], selected?: [number, number]): void {
    const selection = selected && EditorSelection.range(...selected);
    view.dispatch({ changes, ...(selection ? { selection } : {}), scrollIntoView: true, userEvent: "input" });
    view.focus();
}
