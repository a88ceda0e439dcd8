/**
 * Shows the labels of a Belisha community in Element Web: a badge beside each event, content warnings folded away, what a message
 * would be labelled above the composer, and the portal in the space panel.
 */
import type { Api, Module, ModuleFactory } from "@element-hq/element-web-module-api";
import type { JSX } from "react";

import { Remembered } from "./expected";
import { Item, OrOriginal } from "./Item";
import { shown } from "./label";
import { Preview } from "./Preview";
import { addStyle } from "./style";
import { warningOf } from "./warning";
import { words } from "./words";
import type { Words } from "./words";

class BelishaModule implements Module {
    public static readonly moduleApiVersion = "^2.0.0";

    public constructor(private readonly api: Api) {}

    public load(): Promise<void> {
        try {
            this.register();
        } catch (error) {
            // Element starts without us; members see the labels in the texts, as everywhere else.
            console.warn("The Belisha module shows no labels", error);
        }
        return Promise.resolve();
    }

    private register(): void {
        if (!("React" in globalThis)) {
            throw new Error("this Element shares no React with its modules");
        }
        addStyle();
        const say = words(this.api.i18n);
        const remembered = new Remembered();
        // Where the filter or the renderer throws, Element draws the event as it does by itself.
        this.api.customComponents.registerMessageRenderer(
            (event) => {
                remembered.note(event);
                return shown(event).kind !== "nothing";
            },
            ({ mxEvent }, original) => {
                if (original === undefined) {
                    throw new Error("Element shows nothing of this event"); // and goes on showing nothing
                }
                const draw = (): JSX.Element => original();
                return (
                    <OrOriginal original={draw}>
                        <Item shown={shown(mxEvent)} warning={warningOf(mxEvent)} words={say} original={draw} />
                    </OrOriginal>
                );
            },
        );
        orWithout("what a message would be labelled", () => {
            this.previewLabels(remembered, say);
        });
        orWithout("the portal", () => {
            this.showPortal(say);
        });
    }

    private previewLabels(remembered: Remembered, say: Words): void {
        this.api.customComponents.registerComposerPreview(
            (text) => text.trim() !== "" && !text.startsWith("/"),
            (props, original) => {
                const draw = (): JSX.Element => original(props);
                const expected = remembered.expected(props.text, props.roomId, props.relation?.inReplyToEventId);
                return (
                    <OrOriginal original={draw}>
                        <Preview expected={expected} words={say} />
                        {draw()}
                    </OrOriginal>
                );
            },
        );
    }

    /** The portal's address is where Element's logo leads: config.json is made with that. */
    private showPortal(say: Words): void {
        const portal = this.api.config.get("branding")?.logo_link_url;
        if (portal === undefined || !/^https?:\/\//.test(portal)) {
            return;
        }
        this.api.extras.setSpacePanelItem("org.belisha.portal", {
            label: say("portal"),
            tooltip: say("portal_why"),
            icon: <Globe />,
            onSelected: () => {
                window.open(portal, "_blank", "noopener,noreferrer");
            },
        });
    }
}

/** Does without one part where this Element lacks what it needs; these interfaces are not settled yet. */
function orWithout(part: string, add: () => void): void {
    try {
        add();
    } catch (error) {
        console.warn(`The Belisha module does without ${part}`, error);
    }
}

/** A Belisha beacon. */
function Globe(): JSX.Element {
    return (
        <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <circle cx="12" cy="8" r="6" fill="#ffc000" stroke="#000" />
            <path d="M11 14h2v9h-2z" fill="#767676" />
        </svg>
    );
}

export default BelishaModule satisfies ModuleFactory;
