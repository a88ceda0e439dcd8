/** How Markdown looks while it is written: as it will read, with its marks still there. Colours are the page's. */

import { defineLanguageFacet, HighlightStyle, Language, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { tags } from "@lezer/highlight";
import { GFM, parser } from "@lezer/markdown";

/** Without the languages that may stand inside of it, which would make this file twice as large. */
const markdown = new Language(defineLanguageFacet(), parser.configure(GFM), [], "markdown");

const style = HighlightStyle.define([
    { tag: tags.heading1, class: "pad-h1" },
    { tag: tags.heading2, class: "pad-h2" },
    { tag: [tags.heading3, tags.heading4, tags.heading5, tags.heading6], class: "pad-h3" },
    { tag: tags.strong, class: "pad-strong" },
    { tag: tags.emphasis, class: "pad-emphasis" },
    { tag: tags.strikethrough, class: "pad-struck" },
    { tag: tags.monospace, class: "pad-code" },
    { tag: tags.quote, class: "pad-quote" },
    { tag: [tags.link, tags.url], class: "pad-link" },
    { tag: tags.processingInstruction, class: "pad-mark" },
]);

export function look(): Extension {
    return [markdown, syntaxHighlighting(style)];
}
