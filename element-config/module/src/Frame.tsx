/** Posts, results of polls and cards: what they are, in a frame around what Element draws of them. */
import { useId } from "react";
import type { JSX, ReactNode } from "react";

import type { Drawn } from "./drawn";
import type { Words } from "./words";

interface Props {
    item: Drawn;
    words: Words;
    /** The post on the portal. */
    address: string | undefined;
    children: ReactNode;
}

export function Frame({ item, words, address, children }: Props): JSX.Element {
    const id = useId();
    return (
        <article className="belisha_card" aria-labelledby={id}>
            <p id={id} className="belisha_card_kind">
                {item.kind === "card" ? words(`card_${item.card}`) : words(`card_${item.kind}`)}
            </p>
            {item.kind === "post" && <Post item={item} words={words} address={address} original={children} />}
            {item.kind === "result" && <Result item={item} words={words} original={children} />}
            {item.kind === "card" && children}
        </article>
    );
}

function Post({
    item,
    words,
    address,
    original,
}: {
    item: Drawn & { kind: "post" };
    words: Words;
    address: string | undefined;
    original: ReactNode;
}): JSX.Element {
    return (
        <>
            {item.isLong ? (
                <>
                    <p className="belisha_card_title">{item.title}</p>
                    <p>{item.excerpt}</p>
                    <details>
                        <summary>{words("post_here")}</summary>
                        {original}
                    </details>
                </>
            ) : (
                original
            )}
            {address !== undefined && (
                <p>
                    <a className="belisha_card_link" href={address} target="_blank" rel="noopener noreferrer">
                        {words("post_portal")}
                    </a>
                </p>
            )}
        </>
    );
}

function Result({
    item,
    words,
    original,
}: {
    item: Drawn & { kind: "result" };
    words: Words;
    original: ReactNode;
}): JSX.Element {
    return (
        <>
            <p className="belisha_card_title">{item.question}</p>
            <p>{item.sentence}</p>
            <ul className="belisha_bars">
                {item.bars.map((bar, index) => (
                    <li key={index}>
                        <span>{bar.answer}</span> <strong>{bar.said}</strong>
                        <span className="belisha_bar" aria-hidden="true">
                            <span style={{ width: `${String(bar.share)}%` }} />
                        </span>
                    </li>
                ))}
            </ul>
            <details>
                <summary>{words("result_all")}</summary>
                {original}
            </details>
        </>
    );
}
