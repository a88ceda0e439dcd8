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
