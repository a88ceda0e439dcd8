/** An event as Element draws it, with its label beside it. */
import { Component, useLayoutEffect, useRef } from "react";
import type { JSX, ReactNode } from "react";

import { Badge } from "./Badge";
import { Frame } from "./Frame";
import type { Drawn } from "./drawn";
import type { Shown } from "./label";
import { hideTextBadge } from "./textBadge";
import type { Words } from "./words";

interface Props {
    shown: Shown;
    warning: string | undefined;
    /** What more than a message it is. */
    item: Drawn | undefined;
    /** A post's page on the portal. */
    address: string | undefined;
    words: Words;
    original: () => JSX.Element;
}

export function Item({ shown, warning, item, address, words, original }: Props): JSX.Element {
    const content = useRef<HTMLDivElement>(null);
    const name = shown.kind === "label" ? shown.label.name : undefined;
    useLayoutEffect(() => {
        const drawn = content.current;
        if (drawn === null || name === undefined) {
            return undefined;
        }
        const watch = { childList: true, characterData: true, subtree: true };
        const observer = new MutationObserver(() => {
            hide();
        });
        const hide = (): void => {
            observer.disconnect(); // it would see our own change
            hideTextBadge(drawn, name);
            observer.observe(drawn, watch);
        };
        hide(); // and again when Element draws anew: an edit, pictures that have come, a search's marks
        return () => {
            observer.disconnect();
        };
    }, [name]);
    const drawn = (
        <div ref={content} className="belisha_item_content">
            {original()}
        </div>
    );
    const framed =
        item === undefined ? (
            drawn
        ) : (
            <Frame item={item} words={words} address={address}>
                {drawn}
            </Frame>
        );
    return (
        <div className="belisha_item">
            <Badge shown={shown} words={words} />
            {warning === undefined ? (
                framed
            ) : (
                <details className="belisha_warning belisha_item_content">
                    <summary>{warning === "" ? words("warning_alone") : words("warning", { words: warning })}</summary>
                    {drawn}
                </details>
            )}
        </div>
    );
}

/** Draws the event as Element does by itself as soon as anything of ours fails. */
export class OrOriginal extends Component<{ original: () => JSX.Element; children: ReactNode }, { failed: boolean }> {
    public override state = { failed: false };

    public static getDerivedStateFromError(): { failed: boolean } {
        return { failed: true };
    }

    public override render(): ReactNode {
        return this.state.failed ? this.props.original() : this.props.children;
    }
}
