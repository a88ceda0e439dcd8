/** Content warnings: a text that begins with `CW:` and words, behind which the rest is folded away. */
import type { MatrixEvent } from "@element-hq/element-web-module-api";

/** The server's badge, and the marker that its sender typed behind it. */
const LABELS = /^(?:[[(]?tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])]?\s*)*/i;
const WARNING = /^CW:[ \t]*/i;
/** What ends the words of a warning on the line that it shares with the rest. */
const END = / [—–|-] |\. |[.!?]$/;
const LONGEST = 80;

/** The words of a warning, empty where it has none of its own; undefined where there is no warning. */
export function warningOf(event: MatrixEvent): string | undefined {
    const body = event.content.body;
    if (typeof body !== "string") {
        return undefined;
    }
    const text = body.replace(LABELS, "");
    const start = WARNING.exec(text);
    if (start === null) {
        return undefined;
    }
    const [line = "", ...rest] = text.slice(start[0].length).split("\n");
    const isFile = typeof event.content.url === "string" || typeof event.content.file === "object";
    const end = END.exec(line);
    // One line without an end would show everything before anybody has chosen to see it.
    const words = rest.some((one) => one.trim() !== "") || isFile ? line : end === null ? "" : line.slice(0, end.index);
    return words.trim().slice(0, LONGEST);
}
