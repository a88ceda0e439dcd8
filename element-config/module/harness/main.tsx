/**
 * As much of Element as the module meets: the real ModuleLoader, which loads what config.json names, and a timeline whose events
 * are drawn as Element draws them, through the renderer that was registered.
 *
 * ?theme=dark, ?broken=words (the module's own drawing throws), ?broken=react (Element shares none), ?broken=rooms (rooms say
 * what the interface promises and no more), ?header=NAME (the header of a recorded room)
 */
import { ModuleLoader } from "@element-hq/element-web-module-api";
import type {
    Api,
    Config,
    CustomComposerPreviewRenderFunction,
    CustomMessageRenderFunction,
    MatrixEvent,
    SpacePanelItemProps,
    Translations,
} from "@element-hq/element-web-module-api";
import * as React from "react";
import type { JSX } from "react";
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";

import "./element.css";
import { client, Header, headers, roomOf, setRooms, widget } from "./rooms";
import type { State } from "./rooms";

interface Recorded {
    event_id: string;
    room_id: string;
    sender: string;
    type: string;
    origin_server_ts: number;
    content: Record<string, unknown>;
    unsigned: Record<string, unknown>;
    /** What was inside of an encrypted event, where Element could open it. */
    clear?: { type: string; content: Record<string, unknown> };
}
type Filter = (event: MatrixEvent) => boolean;

const asked = new URLSearchParams(location.search);
const renderers: { filter: Filter; render: CustomMessageRenderFunction }[] = [];
const previews: { filter: (text: string, roomId: string) => boolean; render: CustomComposerPreviewRenderFunction }[] = [];
const spaces = new Map<string, SpacePanelItemProps>();
let config: Config;
const known = new Map<string, string>();

const api = {
    customComponents: {
        registerMessageRenderer: (filter: Filter, render: CustomMessageRenderFunction) => {
            renderers.push({ filter, render });
        },
        registerComposerPreview: (filter: (typeof previews)[0]["filter"], render: CustomComposerPreviewRenderFunction) => {
            previews.push({ filter, render });
        },
    },
    client,
    widget,
    widgetLifecycle: { registerCapabilitiesApprover: () => undefined },
    config: { get: (key: keyof Config) => config[key] },
    extras: {
        addRoomHeaderButtonCallback: (make: (typeof headers)[0]) => {
            headers.push(make);
        },
        setSpacePanelItem: (key: string, item: SpacePanelItemProps) => {
            spaces.set(key, item);
        },
    },
    i18n: {
        language: "en",
        register: (told: Partial<Translations>) => {
            for (const [key, texts] of Object.entries(told)) {
                known.set(key, texts?.en ?? key);
            }
        },
        translate: (key: string, variables: Record<string, string> = {}) => {
            if (asked.get("broken") === "words") {
                throw new Error("broken on purpose");
            }
            return (known.get(key) ?? key).replace(/%\((\w+)\)s/g, (_whole, name: string) => variables[name] ?? "");
        },
    },
} as unknown as Api;

/** As Element's CustomComponentsApi: the first renderer that wants the event, and its own drawing where one fails. */
function drawn(event: MatrixEvent, original: () => JSX.Element): JSX.Element {
    const chosen = renderers.find(({ filter }) => {
        try {
            return filter(event);
        } catch {
            return false;
        }
    });
    try {
        return chosen?.render({ mxEvent: event }, original) ?? original();
    } catch {
        return original();
    }
}

/** As Element's TextualBody: cleaned HTML into a node that React leaves alone, with colours where they were asked for. */
function Text({ content }: { content: Record<string, unknown> }): JSX.Element {
    const html = content.formatted_body;
    if (typeof html !== "string") {
        return <span className="mx_EventTile_body">{String(content.body)}</span>;
    }
    const parsed = new DOMParser().parseFromString(html, "text/html");
    for (const loading of parsed.querySelectorAll("img, link, video")) {
        loading.remove(); // what is no picture of the homeserver, and there are none here
    }
    for (const span of parsed.querySelectorAll<HTMLElement>("[data-mx-bg-color]")) {
        span.style.backgroundColor = span.dataset.mxBgColor ?? "";
        span.style.color = span.dataset.mxColor ?? "";
    }
    return <span className="mx_EventTile_body" dir="auto" dangerouslySetInnerHTML={{ __html: parsed.body.innerHTML }} />;
}

function Original({ event }: { event: MatrixEvent }): JSX.Element {
    const { content } = event;
    if (event.type === "m.room.encrypted") {
        return <div className="mx_EventTile_content">Unable to decrypt this message</div>;
    }
    const poll = (content["org.matrix.msc3381.poll.start"] ?? content["m.poll"] ?? content["m.poll.start"]) as
        | { question?: Record<string, unknown> }
        | undefined;
    if (poll?.question !== undefined) {
        const final = poll.question["m.text"] as string | { body: string }[] | undefined;
        const question = poll.question["org.matrix.msc1767.text"] ?? (typeof final === "string" ? final : final?.[0]?.body);
        return <h2 className="mx_MPollBody">{question as string}</h2>;
    }
    if (typeof content.filename === "string") {
        return (
            <div>
                <div className="mx_MFileBody">{content.filename}</div>
                <div className="mx_MTextBody mx_EventTile_caption">
                    <Text content={content} />
                </div>
            </div>
        );
    }
    return (
        <div className="mx_MTextBody mx_EventTile_content">
            <Text content={content} />
        </div>
    );
}

/** As Element's CustomComponentsApi hands it over, with what the types of the package do not have. */
function event(one: Recorded): MatrixEvent {
    const wire = { isEncrypted: one.type === "m.room.encrypted", wireContent: one.content };
    return {
        ...wire,
        eventId: one.event_id,
        roomId: one.room_id,
        sender: one.sender,
        type: one.clear?.type ?? one.type,
        originServerTs: one.origin_server_ts,
        content: one.clear?.content ?? one.content,
        unsigned: one.unsigned,
    };
}

function Timeline({ recorded }: { recorded: Record<string, Recorded> }): JSX.Element {
    return (
        <ol className="mx_RoomView_MessageList">
            {Object.entries(recorded).map(([name, one]) => {
                const mxEvent = event(one);
                return (
                    <li key={name} className="mx_EventTile" data-name={name}>
                        {drawn(mxEvent, () => (
                            <Original event={mxEvent} />
                        ))}
                    </li>
                );
            })}
        </ol>
    );
}

/** The composer of a room, with what stands above it; `answers` is the event that it answers. */
function Composer({ roomId, answers }: { roomId: string; answers: string | undefined }): JSX.Element {
    const [text, setText] = React.useState("");
    const original = (): JSX.Element => <p className="mx_original">Element’s own preview</p>;
    const chosen = previews.find(({ filter }) => filter(text, roomId));
    const relation = answers === undefined ? {} : { relation: { inReplyToEventId: answers } };
    return (
        <div className="mx_MessageComposer">
            {chosen === undefined ? original() : chosen.render({ text, roomId, ...relation }, original)}
            <textarea
                aria-label="Message"
                value={text}
                onChange={(change) => {
                    setText(change.target.value);
                }}
            />
        </div>
    );
}

function Spaces(): JSX.Element {
    return (
        <nav aria-label="Spaces" className="mx_SpacePanel">
            {[...spaces].map(([key, item]) => (
                <button key={key} type="button" title={item.tooltip} onClick={item.onSelected}>
                    {item.icon} {item.label}
                </button>
            ))}
        </nav>
    );
}

async function start(): Promise<void> {
    document.documentElement.dataset.theme = asked.get("theme") ?? "light";
    if (asked.get("broken") !== "react") {
        (window as { React?: typeof React }).React = React;
    }
    config = (await (await fetch("config.json")).json()) as Config;
    const recorded = (await (await fetch("recorded.json")).json()) as Record<string, Recorded>;
    setRooms((await (await fetch("rooms.json")).json()) as Record<string, State>, asked.get("broken") === "rooms");
    const header = roomOf(asked.get("header") ?? "");
    const loader = new ModuleLoader(api);
    for (const address of config.modules ?? []) {
        await loader.load((await import(/* @vite-ignore */ address)) as Parameters<ModuleLoader["load"]>[0]);
    }
    await loader.start();
    const place = document.getElementById("matrixchat");
    if (place === null) {
        throw new Error("the page has no place for the timeline");
    }
    const root = createRoot(place);
    const draw = (events: Record<string, Recorded>): void => {
        flushSync(() => {
            root.render(
                <>
                    <Spaces />
                    {header === undefined ? <h1>Pilots</h1> : <Header roomId={header} />}
                    <Timeline recorded={events} />
                    <Composer
                        key={asked.get("room") ?? "text"}
                        roomId={recorded[asked.get("room") ?? "text"]?.room_id ?? ""}
                        answers={recorded[asked.get("answers") ?? ""]?.event_id}
                    />
                </>,
            );
        });
    };
    draw(recorded);
    Object.assign(window, { recorded, draw });
    document.documentElement.dataset.ready = "true";
}

void start();
