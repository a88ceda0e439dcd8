import type { Api, CustomMessageRenderFunction, MatrixEvent } from "@element-hq/element-web-module-api";
import type { JSX } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeEach, expect, it, vi } from "vitest";

import BelishaModule from "../src/index";

let filter: (event: MatrixEvent) => boolean;
let render: CustomMessageRenderFunction;

beforeEach(async () => {
    vi.stubGlobal("document", { getElementById: () => ({}) });
    vi.stubGlobal("React", {});
    const customComponents = {
        registerMessageRenderer: (first: (event: MatrixEvent) => boolean, second: CustomMessageRenderFunction) => {
            [filter, render] = [first, second];
        },
    };
    const i18n = { register: () => undefined, translate: (key: string) => key };
    await new BelishaModule({ customComponents, i18n } as unknown as Api).load();
});

function event(content: Record<string, unknown>, type = "m.room.message"): MatrixEvent {
    return { eventId: "$1", roomId: "!1:x", sender: "@a:x", type, unsigned: {}, originServerTs: 1, content };
}
function drawn(mxEvent: MatrixEvent): string {
    const original = (): JSX.Element => <p>Element’s own</p>;
    return renderToStaticMarkup(render({ mxEvent }, original));
}

it("draws the label as a button with its name, beside what Element draws", () => {
    const html = drawn(event({ body: "x", "org.belisha.tlp": { label: "TLP:AMBER+STRICT", by: "room" } }));
    expect(html).toContain('aria-label="Label TLP:AMBER+STRICT"');
    expect(html).toContain("color:#FFC000");
    expect(html).toContain("<p>Element’s own</p>");
});

it("warns where there is none, and folds what has a content warning", () => {
    const html = drawn(event({ body: "CW: <b>\nx" }));
    expect(html).toContain("⚠ No label");
    expect(html).toContain("<summary>Content warning: &lt;b&gt;</summary>");
    expect(html).not.toContain("<details open");
});

it("does not keep an Element from starting that lacks what we need", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await new BelishaModule({} as unknown as Api).load();
    vi.unstubAllGlobals();
    await new BelishaModule({} as unknown as Api).load();
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
});

it("leaves all else to Element", () => {
    expect(filter(event({}, "m.reaction"))).toBe(false);
    expect(filter(event({}))).toBe(true);
    expect(() => render({ mxEvent: event({}) })).toThrow();
});
