import type { I18nApi } from "@element-hq/element-web-module-api";
import { expect, it } from "vitest";

import labels from "../src/labels.json";
import { english, words } from "../src/words";

/** Element's, with what was registered in one language; a key that it does not know comes back as it is. */
function i18n(language: string, said: Record<string, string> = {}): I18nApi {
    const known = new Map(Object.entries(said));
    const translate = (key: string): string => known.get(key) ?? key;
    return {
        language,
        register: (told: Record<string, Record<string, string>>) => {
            for (const [key, texts] of Object.entries(told)) {
                const text = texts[language];
                if (text !== undefined && !known.has(key)) {
                    known.set(key, text);
                }
            }
        },
        translate,
        humanizeTime: String,
    };
}

it("says everything of every label in English, and in other languages what was translated", () => {
    const [say, other] = [words(i18n("en")), words(i18n("fr", { "org.belisha|missing": "Sans marquage" }))];
    for (const label of labels) {
        expect(say(`${label.name}.who`)).toBe(label.who);
        expect(label.may).toHaveLength(5);
        expect(other(`${label.name}.may.4`)).toContain(label.may[4]?.answer);
    }
    expect([say("missing"), other("missing")]).toEqual(["No label", "Sans marquage"]);
    expect(english("warning", { words: "x" })).toBe("Content warning: x");
});
