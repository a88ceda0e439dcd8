/**
 * The badge that the server wrote into the text for other clients, which would be seen and read out twice.
 *
 * It is hidden where it is drawn and only where it says the same as the key. Nothing is moved about: what Element's own
 * component has drawn stays its own. Gives whether there was one.
 */
const COLOUR = "span[data-mx-bg-color]";
const BODY = ".mx_EventTile_body";

export function hideTextBadge(drawn: Element, name: string): boolean {
    const badge = `[${name}]`;
    // beside a picture or a file, the text is its caption
    for (const part of [drawn, ...drawn.querySelectorAll(BODY)]) {
        const first = firstText(part);
        const span = first?.parentElement?.closest(COLOUR);
        if (span instanceof HTMLElement && drawn.contains(span) && span.textContent === badge) {
            span.hidden = true;
            return true;
        }
        const text = first?.data.trimStart() ?? "";
        if (first !== null && text.startsWith(badge)) {
            first.data = text.slice(badge.length).trimStart();
            return true;
        }
    }
    return false;
}

/** The first text in an element that says anything and is not hidden already. */
function firstText(drawn: Element): Text | null {
    const walker = document.createTreeWalker(drawn, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        if (node instanceof Text && node.data.trim() !== "" && node.parentElement?.closest("[hidden]") === null) {
            return node;
        }
    }
    return null;
}
