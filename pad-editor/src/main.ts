/** The page of a pad: an editor, who is here, and whether all is safe. */

import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import * as Y from "yjs";
import { Beside } from "./beside";
import { binding } from "./binding";
import { Connection, type Person, type Status } from "./connection";
import { COLOURS, cursors, draw, written } from "./cursors";
import { look } from "./look";
import { begin, code, link, within, wrap } from "./markdown";
import { Toolbar } from "./toolbar";

function part<T extends HTMLElement>(name: string): T {
    const found = document.querySelector<T>(`[data-pad-${name}]`);
    if (!found) throw new Error(name);
    return found;
}

/** What the editor's own style would say otherwise: it knows nothing of dark pages. */
const theme = EditorView.theme({
    "&": { background: "var(--sheet)", border: "1px solid var(--line)", borderRadius: "8px" },
    "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "2px" },
    ".cm-scroller": { fontFamily: "inherit", lineHeight: "1.6", minHeight: "20rem" },
    ".cm-content": { caretColor: "currentColor", padding: ".75rem 0" },
    ".cm-line": { padding: "0 .75rem" },
    ".cm-placeholder": { color: "var(--soft)" },
});

function start(pad: HTMLElement): void {
    const doc = new Y.Doc();
    const text = doc.getText("text");
    const undo = new Y.UndoManager(text, { trackedOrigins: new Set(), captureTimeout: 500 });
    const writable = new Compartment();
    let me = 0;
    let people: Person[] = [];
    let isOver = false;
    let closed = pad.dataset["closed"] ?? "";

    // In a root of its own the editor's styles are sheets of that, which the portal's policy lets be; in the page itself
    // they would be inline. What the portal says of pads goes in, too.
    const root = part("editor").attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    for (const { cssRules } of document.styleSheets) {
        for (const { cssText } of cssRules) if (cssText.includes(".pad-")) sheet.insertRule(cssText, sheet.cssRules.length);
    }
    root.adoptedStyleSheets = [sheet];
    const beside = new Beside(
        text,
        part,
        () => view,
        (act) => connection.ask(act),
        drawSoon,
    );
    const strong = () => wrap(view, "**", /^StrongEmphasis$/);
    const emphasis = () => wrap(view, "*", /^Emphasis$/);
    const comment = () => {
        if (!closed && !isOver) beside.begin();
        return true;
    };
    const view: EditorView = new EditorView({
        root,
        parent: root,
        state: EditorState.create({
            extensions: [
                look(),
                binding(text),
                cursors(),
                beside.extension,
                EditorView.lineWrapping,
                theme,
                placeholder("Write here. The first line is the title."),
                EditorView.contentAttributes.of({ "aria-label": "The text of the pad. To leave it with Tab, press Escape first." }),
                keymap.of([
                    // Also where something is selected, which Escape undoes: the next Tab leads out of the text.
                    {
                        key: "Escape",
                        run: (editor) => {
                            editor.setTabFocusMode(2000);
                            return false;
                        },
                    },
                    { key: "Mod-b", run: strong, preventDefault: true },
                    { key: "Mod-i", run: emphasis, preventDefault: true },
                    { key: "Mod-k", run: () => link(view), preventDefault: true },
                    { key: "Mod-Alt-m", run: comment, preventDefault: true },
                    { key: "Mod-z", run: () => undo.undo() !== null || true, preventDefault: true },
                    { key: "Mod-y", mac: "Mod-Shift-z", run: () => undo.redo() !== null || true, preventDefault: true },
                    indentWithTab,
                    ...defaultKeymap,
                ]),
                writable.of(writes(false)),
                EditorView.updateListener.of((update) => {
                    if (update.selectionSet || update.focusChanged) point();
                    if (update.docChanged) beside.moved(update.changes);
                    if (update.selectionSet || update.docChanged) showSoon();
                }),
            ],
        }),
    });
    doc.on("beforeTransaction", (transaction: Y.Transaction) => {
        if (transaction.local && transaction.origin !== undo) undo.addTrackedOrigin(transaction.origin);
    });

    function writes(may: boolean) {
        return [EditorState.readOnly.of(!may), EditorView.editable.of(may)];
    }

    function point(): void {
        const { anchor, head } = view.state.selection.main;
        connection.point(view.hasFocus ? [written(text, anchor), written(text, head)] : null);
    }

    /** Draws the others' cursors at the next chance: what has just changed may still be on its way into the editor. */
    let isToDraw = false;
    function drawSoon(): void {
        if (isToDraw) return;
        isToDraw = true;
        requestAnimationFrame(() => {
            isToDraw = false;
            if (isOver) return;
            draw(view, text, people.filter((one) => one.id !== me));
            beside.draw();
        });
    }

    let isToShow = false;
    function showSoon(): void {
        if (isToShow) return;
        isToShow = true;
        requestAnimationFrame(() => {
            isToShow = false;
            toolbar.show(!closed && !isOver);
        });
    }

    const list = /^[-*+] /;
    const numbered = /^\d+[.)] /;
    const at = (mark: RegExp) => mark.test(view.state.doc.lineAt(view.state.selection.main.head).text);
    const toolbar = new Toolbar(part("toolbar"), [
        { name: "Bold", shown: "B", look: "pad-strong", keys: "Ctrl+B", run: strong, pressed: () => within(view.state, /^StrongEmphasis$/) },
        { name: "Italic", shown: "I", look: "pad-emphasis", keys: "Ctrl+I", run: emphasis, pressed: () => within(view.state, /^Emphasis$/) },
        { name: "Heading", shown: "H", run: () => begin(view, () => "## ", /^#{1,6} /), pressed: () => at(/^#{1,6} /) },
        { name: "List", shown: "•", run: () => begin(view, () => "- ", list), pressed: () => at(list) },
        { name: "Numbered list: 1.", shown: "1.", run: () => begin(view, (one) => `${one}. `, numbered), pressed: () => at(numbered) },
        { name: "Quotation", shown: "“", run: () => begin(view, () => "> ", /^> ?/), pressed: () => at(/^>/) },
        { name: "Code", shown: "<>", look: "pad-code", run: () => code(view), pressed: () => within(view.state, /^(InlineCode|FencedCode)$/) },
        { name: "Link", shown: "Link", look: "pad-link", keys: "Ctrl+K", run: () => link(view), pressed: () => within(view.state, /^Link$/) },
        { name: "Comment", shown: "Comment", keys: "Ctrl+Alt+M", run: comment },
        { name: "Suggest", shown: "Suggest", run: () => beside.suggest(), pressed: () => beside.isSuggesting },
    ]);

    function say(words: string): void {
        const state = part("state");
        if (state.textContent !== words) state.textContent = words;
    }

    const address = new URL(pad.dataset["pad"] ?? "", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const connection = new Connection(address.href, doc, {
        status(status: Status) {
            me = status.you;
            closed = status.closed ?? "";
            view.dispatch({ effects: writable.reconfigure(writes(!closed && !isOver)) });
            beside.may({ writes: !closed, redacts: status.redacts });
            showSoon();
            const note = part("note");
            note.textContent = [status.note, closed].filter(Boolean).join(" ");
            note.hidden = !note.textContent;
            const chip = document.querySelector(".rollup .chip");
            if (chip) {
                chip.textContent = status.label;
                chip.className = `chip chip-${status.label.replace("TLP:", "").replace("+", "-").toLowerCase()}`;
            }
        },
        people(here) {
            people = here;
            beside.here(here);
            const list = part("people");
            list.replaceChildren(
                ...here.map((one) => {
                    const item = document.createElement("li");
                    item.className = `pad-colour-${one.id % COLOURS}`;
                    item.textContent = `${one.name} (${one.organisation})${one.id === me ? ", you" : ""}`;
                    return item;
                }),
            );
            drawSoon();
        },
        notes: (changed, whole) => beside.hear(changed, whole),
        answered: (act, refused) => beside.answered(act, refused),
        state(connected, unsaved) {
            if (isOver) return;
            if (!connected) say("Not connected. What you write is kept in this page, and sent when the connection is back.");
            else say(unsaved ? "Saving …" : closed ? "Connected" : "All is saved");
        },
        ended(sentence, refused) {
            isOver = true;
            say(sentence);
            part("toolbar").hidden = true;
            part("note").hidden = true;
            view.dispatch({ effects: writable.reconfigure(writes(false)) });
            if (refused || connection.unsaved) {
                const lost = part("lost");
                lost.hidden = false;
                const copy = lost.querySelector("textarea");
                if (copy) copy.value = [refused ? text.toString() : "", ...connection.unanswered].filter(Boolean).join("\n\n");
            }
            if (!refused) {
                // What is not for this member any more does not stay on their screen.
                part("editor").remove();
                part("people").remove();
                part("beside").remove();
                part("comment").remove();
            }
        },
    });
    text.observe(() => {
        const first = text.toString().slice(0, 500).split("\n").find((line) => line.replace(/^#+/, "").trim());
        part("title").textContent = first?.replace(/^\s*#+/, "").trim() || "A pad without a title";
        drawSoon();
    });
    window.addEventListener("beforeunload", (event) => {
        beside.flush();
        if (connection.unsaved && !isOver) event.preventDefault();
    });
}

const pad = document.querySelector<HTMLElement>("[data-pad]");
if (pad) start(pad);
