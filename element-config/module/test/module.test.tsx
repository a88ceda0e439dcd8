import type { Api, CustomComposerPreviewRenderFunction, CustomMessageRenderFunction, MatrixEvent, SpacePanelItemProps } from "@element-hq/element-web-module-api";
import type { JSX } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeEach, expect, it, vi } from "vitest";

import BelishaModule from "../src/index";

let filter: (event: MatrixEvent) => boolean;
let render: CustomMessageRenderFunction;
let preview: CustomComposerPreviewRenderFunction;
let panel: SpacePanelItemProps | undefined;
let approves = false;
let portal: string | undefined;

async function load(): Promise<void> {
    panel = undefined;
    approves = false;
    const customComponents = {
        registerMessageRenderer: (first: (event: MatrixEvent) => boolean, second: CustomMessageRenderFunction) => {
            [filter, render] = [first, second];
        },
        registerComposerPreview: (_filter: unknown, second: CustomComposerPreviewRenderFunction) => {
            preview = second;
        },
    };
    const extras = {
        addRoomHeaderButtonCallback: () => undefined,
        setSpacePanelItem: (_key: string, props: SpacePanelItemProps) => {
            panel = props;
        },
    };
    const config = { get: () => ({ logo_link_url: portal }) };
    const i18n = { register: () => undefined, translate: (key: string) => key };
    const widgetLifecycle = {
        registerCapabilitiesApprover: () => {
            approves = true;
        },
    };
    await new BelishaModule({ customComponents, extras, config, i18n, widgetLifecycle } as unknown as Api).load();
}

beforeEach(async () => {
    vi.stubGlobal("document", { getElementById: () => ({}) });
    vi.stubGlobal("React", {});
    portal = "https://portal.example";
    await load();
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

it("says above the composer what a message would be labelled, and leaves Element's own preview there", () => {
    filter(event({ body: "x", "org.belisha.tlp": { label: "TLP:GREEN", by: "room" } }));
    const original = (): JSX.Element => <p>Element’s own</p>;
    const html = renderToStaticMarkup(preview({ text: "x", roomId: "!1:x" }, original));
    expect(html).toContain("TLP:GREEN</span> as this room gives it:");
    expect(html).toContain("<p>Element’s own</p>");
});

it("shows the portal where config.json names a page, and answers for nothing else", async () => {
    expect([panel?.label, approves]).toEqual(["Portal", true]);
    for (const wrong of [undefined, "javascript:alert(1)"]) {
        portal = wrong;
        await load();
        expect([panel, approves]).toEqual([undefined, false]);
    }
});
