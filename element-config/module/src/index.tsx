/** Shows the labels of a Belisha community in Element Web: a badge beside each event, and content warnings folded away. */
import type { Api, Module, ModuleFactory } from "@element-hq/element-web-module-api";
import type { JSX } from "react";

import { Item, OrOriginal } from "./Item";
import { shown } from "./label";
import { addStyle } from "./style";
import { warningOf } from "./warning";
import { words } from "./words";

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
        // Where the filter or the renderer throws, Element draws the event as it does by itself.
        this.api.customComponents.registerMessageRenderer(
            (event) => shown(event).kind !== "nothing",
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
    }
}

export default BelishaModule satisfies ModuleFactory;
