/** The module's sentences, in British English, and whatever translations Element has of them. */
import type { I18nApi } from "@element-hq/element-web-module-api";

import labels from "./labels.json";

const SENTENCES: Record<string, string> = {
    badge: "Label %(label)s",
    missing: "No label",
    missing_why: "This carries no label that can be shown. Treat it as the strictest that its room carries, and ask whoever sent it.",
    warning: "Content warning: %(words)s",
    warning_alone: "Content warning",
    preview_typed: "as you wrote:",
    preview_answered: "as what you answer:",
    preview_room: "as this room gives it:",
    preview_unknown: "The server gives this a label: the room’s own, or a stricter one.",
    preview_wrong: "%(word)s is no label, and would be refused. Labels are TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT and TLP:RED.",
    preview_above: "%(label)s is stricter than what this room can carry (%(ceiling)s), and would be refused. Start a direct chat with exactly those people instead.",
    kind_open: "Open",
    kind_open_why: "An open group: every member of the community may join it and read it.",
    kind_closed: "Closed",
    kind_closed_why: "A closed group: its members are those who were let in.",
    kind_named: "Named",
    kind_named_why: "A room of named people: nobody else comes in, and no bot.",
    kind_service: "Service",
    kind_service_why: "Between one member and the steward bot.",
    kind_space: "Space",
    kind_space_why: "A space: it lists groups, and has no messages.",
    chip: "This room: %(room)s",
    chip_title: "What this room carries",
    chip_default: "A message without a label gets",
    chip_ceiling: "At the strictest it carries",
    chip_closed: "Nothing can be written here now.",
    chip_seen: "That is what the newest messages shown here say.",
    who: "Who can see this",
    who_portal: "Who can see this, on the portal",
    who_members: "Who can see this: exactly those in the list of its members.",
    card_post: "Post",
    post_here: "Read it here",
    post_portal: "On the portal, with its versions and comments",
    card_result: "Result of a poll",
    result_all: "All of it, in words",
    card_report: "Report",
    card_waiting: "Somebody waits to be let in",
    card_question: "A question to you",
    card_alert: "A file was stopped",
    card_announcement: "Announcement",
    portal: "Portal",
    portal_why: "Groups, polls, posts and documents of this community, in a new tab",
};
const PREFIX = "org.belisha|";

for (const label of labels) {
    SENTENCES[`${label.name}.who`] = label.who;
    SENTENCES[`${label.name}.stricter`] = label.stricter;
    for (const [index, act] of label.may.entries()) {
        SENTENCES[`${label.name}.may.${String(index)}`] = `${act.act}: ${act.answer}`;
    }
}

export type Words = (key: string, variables?: Record<string, string>) => string;

/** Registers the sentences, and gives what says them. */
export function words(i18n: I18nApi): Words {
    const told = Object.entries(SENTENCES).map(([key, text]) => [PREFIX + key, { en: text, "en-GB": text }] as const);
    i18n.register(Object.fromEntries(told));
    return (key, variables = {}) => {
        const name = PREFIX + key;
        const said = i18n.translate(name, variables);
        return said === name ? english(key, variables) : said;
    };
}

/** A sentence without any translation. */
export function english(key: string, variables: Record<string, string> = {}): string {
    return (SENTENCES[key] ?? key).replace(/%\((\w+)\)s/g, (_whole, name: string) => variables[name] ?? "");
}
