/** Above the composer: the label that what is typed there would be given. */
import type { JSX } from "react";

import type { Expected } from "./expected";
import type { Words } from "./words";

export function Preview({ expected, words }: { expected: Expected; words: Words }): JSX.Element {
    if (expected.kind === "unknown") {
        return <p className="belisha_preview">{words("preview_unknown")}</p>;
    }
    if (expected.kind === "wrong") {
        return <p className="belisha_preview">⚠ {words("preview_wrong", { word: expected.word })}</p>;
    }
    if (expected.kind === "above") {
        const told = words("preview_above", { label: expected.label.name, ceiling: expected.ceiling.name });
        return <p className="belisha_preview">⚠ {told}</p>;
    }
    const { label } = expected;
    return (
        <p className="belisha_preview">
            <span className="belisha_preview_label" style={{ color: label.colour }}>
                {label.name}
            </span>{" "}
            {words(`preview_${expected.kind}`)} {words(`${label.name}.who`)}
        </p>
    );
}
