/**
 * What more than a message an event is: a post, the result of a poll, a card of the steward's, an announcement.
 *
 * What a bot says is known by its sender: nobody else can hold an account whose name begins so (the registration of the
 * bots). What a member says counts by its room's purpose, since anybody can write any key into a message.
 */
import type { MatrixEvent } from "@element-hq/element-web-module-api";

import type { Policy } from "./policy";

const CARD = "org.belisha.card";
/** Keys that the server and the bots write for themselves, and what a message with one is. */
const KEYS = { "org.belisha.waiting": "waiting", "org.belisha.question": "question", "org.belisha.alert": "alert" } as const;
const BOT = /^@belisha_[^:]*:/;
const LABEL = /^[\s[(]*tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])\s]*$/i;
const LONGEST_TITLE = 200;
const EXCERPT = 280;

export interface Bar {
    answer: string;
    said: string;
    /** Of a hundred. */
    share: number;
}

export type Drawn =
    | { kind: "post"; title: string; excerpt: string; isLong: boolean }
    | { kind: "result"; question: string; sentence: string; bars: Bar[] }
    | { kind: "card"; card: "report" | "result" | "announcement" | (typeof KEYS)[keyof typeof KEYS] };

/** What an event is besides a message; undefined where it is nothing more, or cannot be read. */
export function itemOf(event: MatrixEvent, policy: Policy | undefined): Drawn | undefined {
    if (event.type !== "m.room.message" || event.stateKey !== undefined) {
        return undefined;
    }
    if (BOT.test(event.sender)) {
        return ofBot(event.content);
    }
    if (policy === undefined || isAnswer(event.content)) {
        return undefined;
    }
    if (policy.purpose === "announcements") {
        return { kind: "card", card: "announcement" };
    }
    return policy.purpose === "blog" ? post(event.content) : undefined;
}

function ofBot(content: Record<string, unknown>): Drawn | undefined {
    if (content[CARD] === "result") {
        return result(content.formatted_body) ?? { kind: "card", card: "result" };
    }
    if (content[CARD] === "report") {
        return { kind: "card", card: "report" };
    }
    const [, card] = Object.entries(KEYS).find(([key]) => key in content) ?? [];
    return card === undefined ? undefined : { kind: "card", card };
}

/** A text that begins with a heading, as the portal reads posts; a post that is a file stays a file. */
function post(content: Record<string, unknown>): Drawn | undefined {
    if (content.msgtype !== "m.text" || typeof content.formatted_body !== "string") {
        return undefined;
    }
    const { body } = new DOMParser().parseFromString(content.formatted_body, "text/html");
    const heading = body.querySelector("h1, h2, h3, h4, h5, h6");
    const title = plain(heading?.textContent).replace(/^\[TLP:[A-Z+]+\]\s*/, "");
    if (heading === null || title === "") {
        return undefined;
    }
    const whole = body.ownerDocument.createRange();
    whole.setStart(body, 0);
    whole.setEndBefore(heading);
    const before = plain(whole.toString());
    if (before !== "" && !LABEL.test(before)) {
        return undefined;
    }
    whole.setStartAfter(heading);
    whole.setEndAfter(body);
    const text = plain(whole.toString());
    const isLong = text.length > EXCERPT;
    return { kind: "post", title: short(title, LONGEST_TITLE), excerpt: short(text, EXCERPT), isLong };
}

/** The bot's sentence and table; undefined where they are not as it writes them. */
function result(html: unknown): Drawn | undefined {
    if (typeof html !== "string") {
        return undefined;
    }
    const { body } = new DOMParser().parseFromString(html, "text/html");
    const asked = [...body.querySelectorAll("p")].find((one) => one.querySelector("strong") !== null);
    const told = asked?.nextElementSibling;
    const bars = [...body.querySelectorAll("tbody tr")].map((row) => bar([...row.children].map((one) => plain(one.textContent))));
    if (asked === undefined || told?.tagName !== "P" || bars.length === 0 || bars.includes(undefined)) {
        return undefined;
    }
    return {
        kind: "result",
        question: plain(asked.querySelector("strong")?.textContent),
        sentence: plain(told.textContent),
        bars: bars.filter((one) => one !== undefined),
    };
}

function bar([answer = "", votes = "", share = ""]: string[]): Bar | undefined {
    const percent = /^(\d{1,3})\s?%$/.exec(share);
    return percent === null || !/^\d+$/.test(votes)
        ? undefined
        : { answer, said: `${votes} (${share})`, share: Math.min(100, Number(percent[1])) };
}

function isAnswer(content: Record<string, unknown>): boolean {
    const relates = content["m.relates_to"];
    return typeof relates === "object" && relates !== null && ("rel_type" in relates || "m.in_reply_to" in relates);
}

function plain(text: string | null | undefined): string {
    return (text ?? "").replace(/\s+/g, " ").trim();
}

function short(text: string, most: number): string {
    return text.length <= most ? text : `${text.slice(0, most).replace(/\s+\S*$/, "")} …`;
}
