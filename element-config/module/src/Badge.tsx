/** The badge beside an event, and what its label allows: shown by pointing at it or by the keyboard, gone with Escape. */
import { useId, useLayoutEffect, useRef, useState } from "react";
import type { JSX } from "react";

import type { Label, Shown } from "./label";
import { place } from "./place";
import type { Words } from "./words";

export function Badge({ shown, words }: { shown: Shown; words: Words }): JSX.Element | null {
    const [open, setOpen] = useState(false);
    const button = useRef<HTMLButtonElement>(null);
    const tip = useRef<HTMLDivElement>(null);
    const id = useId();
    useLayoutEffect(() => {
        const [badge, above] = [button.current, tip.current];
        if (!open || badge === null || above === null) {
            return undefined;
        }
        above.showPopover();
        place(above, badge);
        const onKey = (event: KeyboardEvent): void => {
            if (event.key === "Escape") {
                event.stopPropagation(); // Element would also close what stands behind
                setOpen(false);
            }
        };
        const onScroll = (event: Event): void => {
            if (event.target !== above) {
                place(above, badge); // also where the browser scrolls to what is focused
            }
        };
        document.addEventListener("keydown", onKey, true);
        document.addEventListener("scroll", onScroll, true);
        return () => {
            document.removeEventListener("keydown", onKey, true);
            document.removeEventListener("scroll", onScroll, true);
        };
    }, [open]);
    if (shown.kind === "nothing") {
        return null;
    }
    const label = shown.kind === "label" ? shown.label : undefined;
    return (
        <span
            onMouseEnter={() => {
                setOpen(true);
            }}
            onMouseLeave={() => {
                setOpen(false);
            }}
        >
            <button
                ref={button}
                type="button"
                className={label === undefined ? "belisha_badge belisha_badge_missing" : "belisha_badge"}
                style={label === undefined ? {} : { color: label.colour }}
                aria-label={label === undefined ? words("missing") : words("badge", { label: label.name })}
                aria-describedby={open ? id : undefined}
                onFocus={() => {
                    setOpen(true);
                }}
                onBlur={() => {
                    setOpen(false);
                }}
                onClick={() => {
                    setOpen(true);
                }}
            >
                {label === undefined ? `⚠ ${words("missing")}` : label.name}
            </button>
            {open && (
                <div ref={tip} id={id} role="tooltip" className="belisha_tip" popover="manual">
                    {label === undefined ? <p>{words("missing_why")}</p> : <Allowed label={label} words={words} />}
                </div>
            )}
        </span>
    );
}

function Allowed({ label, words }: { label: Label; words: Words }): JSX.Element {
    return (
        <>
            <p>
                <strong style={{ color: label.colour }}>{label.name}</strong> – {words(`${label.name}.who`)}
            </p>
            <ul>
                {label.may.map((act, index) => (
                    <li key={act.act}>{words(`${label.name}.may.${String(index)}`)}</li>
                ))}
            </ul>
            <p>{words(`${label.name}.stricter`)}</p>
        </>
    );
}
