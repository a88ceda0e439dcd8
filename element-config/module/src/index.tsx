/**
 * Shows the labels of a Belisha community in Element Web: a badge beside each event, content warnings folded away, what a message
 * would be labelled above the composer, what a room is and carries in its header, posts, results and cards as what they are,
 * and the portal in the space panel.
 */
import type { Api, Module, ModuleFactory } from "@element-hq/element-web-module-api";
import type { JSX } from "react";

import { approved } from "./approve";
import { Chip } from "./Chip";
import type { Way } from "./Chip";
import { Remembered } from "./expected";
import { itemOf } from "./drawn";
import { Item, OrOriginal } from "./Item";
import { shown } from "./label";
import { Policies } from "./policy";
import { Preview } from "./Preview";
import { addStyle } from "./style";
import { warningOf } from "./warning";
import { words } from "./words";
import type { Words } from "./words";

/** As much of matrix-widget-api's IWidget as is used; the package of the interface names it and does not bring it. */
interface Widget {
    url: string;
}

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
        const policies = new Policies(this.api);
        const portal = this.portal();
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
                const page = [mxEvent.roomId, mxEvent.eventId].map(encodeURIComponent).join("/");
                return (
                    <OrOriginal original={draw}>
                        <Item
                            shown={shown(mxEvent)}
                            warning={warningOf(mxEvent)}
                            item={itemOf(mxEvent, policies.of(mxEvent.roomId))}
                            address={portal === undefined ? undefined : `${portal}/blog/${page}`}
                            words={say}
                            original={draw}
                        />
                    </OrOriginal>
                );
            },
        );
        orWithout("what a message would be labelled", () => {
            this.previewLabels(remembered, policies, say);
        });
        orWithout("what a room carries, in its header", () => {
            this.showChip(remembered, policies, portal, say);
        });
        if (portal === undefined) {
            return;
        }
        orWithout("the portal", () => {
            this.showPortal(portal, say);
        });
        orWithout("answering for the page for writing", () => {
            this.api.widgetLifecycle.registerCapabilitiesApprover((widget, requested) =>
                approved(widget, requested, portal, (roomId) => policies.of(roomId)),
            );
        });
    }

    private previewLabels(remembered: Remembered, policies: Policies, say: Words): void {
        this.api.customComponents.registerComposerPreview(
            (text) => text.trim() !== "" && !text.startsWith("/"),
            (props, original) => {
                const draw = (): JSX.Element => original(props);
                const { text, roomId, relation } = props;
                const expected = remembered.expected(text, roomId, relation?.inReplyToEventId, policies.of(roomId));
                return (
                    <OrOriginal original={draw}>
                        <Preview expected={expected} words={say} />
                        {draw()}
                    </OrOriginal>
                );
            },
        );
    }

    private showChip(remembered: Remembered, policies: Policies, portal: string | undefined, say: Words): void {
        const made = new Map<string, JSX.Element>();
        // The same element each time: what is open in the header stays open while Element draws it anew.
        this.api.extras.addRoomHeaderButtonCallback((roomId) => {
            const chip = made.get(roomId) ?? (
                <OrOriginal key="org.belisha.chip" original={() => <></>}>
                    <Chip
                        know={() => ({ policy: policies.of(roomId), default: remembered.defaultOf(roomId) })}
                        watch={(heard) => both(policies.watch(roomId, heard), remembered.watch(heard))}
                        way={() => (portal === undefined ? undefined : this.wayTo(portal, roomId))}
                        words={say}
                    />
                </OrOriginal>
            );
            made.set(roomId, chip);
            return chip;
        });
    }

    /** Who reads a room: in the portal's page that stands in it, or on the portal. */
    private wayTo(portal: string, roomId: string): Way {
        try {
            const widgets = this.api.widget.getWidgetsInRoom(roomId) as unknown as Widget[];
            const ours = widgets.find((one) => one.url.startsWith(`${portal}/widget?`));
            if (ours !== undefined) {
                return {
                    kind: "widget",
                    open: () => {
                        this.api.widget.moveAppToContainer(ours, "top", roomId);
                    },
                };
            }
        } catch (error) {
            console.warn("The Belisha module sees no widgets", error);
        }
        return { kind: "portal", address: `${portal}/write?room=${encodeURIComponent(roomId)}#who` };
    }

    /** The portal's address is where Element's logo leads: config.json is made with that. */
    private portal(): string | undefined {
        try {
            const address = this.api.config.get("branding")?.logo_link_url;
            return address !== undefined && /^https?:\/\//.test(address) ? address.replace(/\/+$/, "") : undefined;
        } catch {
            return undefined;
        }
    }

    private showPortal(portal: string, say: Words): void {
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

function both(one: () => void, other: () => void): () => void {
    return () => {
        one();
        other();
    };
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
