/** In a room's header: what it is and what it carries, and the way to see who reads it. */
import { useEffect, useId, useRef, useState } from "react";
import type { JSX } from "react";

import { place } from "./place";
import type { Label } from "./label";
import type { Policy } from "./policy";
import type { Words } from "./words";

/** What a room is known to be; without a policy, the default that its messages show. */
export interface Known {
    policy: Policy | undefined;
    default: Label | undefined;
}

/** How one sees who reads a room: in the page that is a widget there, on the portal, or by what is said. */
export type Way = { kind: "widget"; open: () => void } | { kind: "portal"; address: string } | undefined;

interface Props {
    know: () => Known;
    watch: (heard: () => void) => () => void;
    way: () => Way;
    words: Words;
}

export function Chip({ know, watch, way, words }: Props): JSX.Element | null {
    const [known, setKnown] = useState(know);
    const button = useRef<HTMLButtonElement>(null);
    const panel = useRef<HTMLDivElement>(null);
    const id = useId();
    useEffect(() => {
        setKnown(know());
        return watch(() => {
            setKnown(know());
        });
    }, [know, watch]);
    const label = known.policy?.default ?? known.default;
    if (label === undefined) {
        return null;
    }
    const kind = known.policy === undefined ? undefined : words(`kind_${known.policy.kind}`);
    const said = [kind, label.name].filter((one) => one !== undefined).join(" · ");
    return (
        <>
            <button
                ref={button}
                type="button"
                className="belisha_badge belisha_chip"
                style={{ color: label.colour }}
                popoverTarget={id}
                aria-label={words("chip", { room: said })}
            >
                {kind !== undefined && <span className="belisha_chip_kind">{kind} · </span>}
                {label.name}
            </button>
            <div
                ref={panel}
                id={id}
                popover="auto"
                role="dialog"
                aria-label={words("chip_title")}
                className="belisha_tip"
                onToggle={() => {
                    if (panel.current !== null && button.current !== null) {
                        place(panel.current, button.current);
                    }
                }}
            >
                <Told known={known} label={label} words={words} />
                <Who
                    known={known}
                    way={way}
                    words={words}
                    close={() => {
                        panel.current?.hidePopover();
                    }}
                />
            </div>
        </>
    );
}

function Told({ known: { policy }, label, words }: { known: Known; label: Label; words: Words }): JSX.Element {
    return (
        <>
            {policy !== undefined && <p>{words(`kind_${policy.kind}_why`)}</p>}
            <p>
                {words("chip_default")} <strong style={{ color: label.colour }}>{label.name}</strong> – {words(`${label.name}.who`)}
            </p>
            {policy !== undefined && (
                <p>
                    {words("chip_ceiling")} <strong style={{ color: policy.ceiling.colour }}>{policy.ceiling.name}</strong>
                </p>
            )}
            {policy?.isClosed === true && <p>{words("chip_closed")}</p>}
            {policy === undefined && <p>{words("chip_seen")}</p>}
        </>
    );
}

function Who({ known, way, words, close }: { known: Known; way: () => Way; words: Words; close: () => void }): JSX.Element | null {
    if (known.policy !== undefined && known.policy.kind !== "open" && known.policy.kind !== "closed") {
        return known.policy.kind === "space" ? null : <p>{words("who_members")}</p>;
    }
    const found = way();
    if (found === undefined) {
        return <p>{words("who_members")}</p>;
    }
    return found.kind === "widget" ? (
        <button
            type="button"
            className="belisha_action"
            onClick={() => {
                close();
                found.open();
            }}
        >
            {words("who")}
        </button>
    ) : (
        <a className="belisha_action" href={found.address} target="_blank" rel="noopener noreferrer">
            {words("who_portal")}
        </a>
    );
}
