/** The toolbar (WAI-ARIA Authoring Practices, toolbar pattern): one stop for the Tab key, arrows go along it. */

export interface Tool {
    /** What it says, for those who hear it; it holds what is shown. */
    name: string;
    shown: string;
    /** How the letters look that are shown. */
    look?: string;
    keys?: string;
    /** Whether it only looks at the text, and works for those who may not write. */
    reads?: boolean;
    run(): void;
    pressed?(): boolean;
}

export class Toolbar {
    private readonly buttons: HTMLButtonElement[] = [];
    private writes = false;

    constructor(
        bar: HTMLElement,
        private readonly tools: Tool[],
    ) {
        for (const tool of tools) {
            const button = document.createElement("button");
            button.type = "button";
            button.className = `pad-tool ${tool.look ?? ""}`.trim();
            button.textContent = tool.shown;
            button.setAttribute("aria-label", tool.name);
            button.title = tool.keys ? `${tool.name} (${tool.keys})` : tool.name;
            if (tool.keys) button.setAttribute("aria-keyshortcuts", tool.keys.replace("Ctrl", "Control"));
            button.tabIndex = this.buttons.length ? -1 : 0;
            // The text keeps what is selected in it.
            button.addEventListener("mousedown", (event) => event.preventDefault());
            button.addEventListener("click", () => {
                if (button.getAttribute("aria-disabled") !== "true") tool.run();
                this.show();
            });
            this.buttons.push(button);
        }
        bar.replaceChildren(...this.buttons);
        bar.addEventListener("keydown", (event) => this.key(event));
        bar.addEventListener("focusin", (event) => this.stop(this.buttons.indexOf(event.target as HTMLButtonElement)));
        bar.hidden = false;
        this.show();
    }

    /** Shows what holds where the cursor is, and whether anything can be done. */
    show(writes = this.writes): void {
        this.writes = writes;
        this.tools.forEach((tool, place) => {
            const button = this.buttons[place];
            if (tool.pressed) button?.setAttribute("aria-pressed", String(tool.pressed()));
            button?.setAttribute("aria-disabled", String(!writes && !tool.reads));
        });
    }

    private key(event: KeyboardEvent): void {
        const here = this.buttons.indexOf(event.target as HTMLButtonElement);
        const last = this.buttons.length - 1;
        const places: Record<string, number> = {
            ArrowRight: here === last ? 0 : here + 1,
            ArrowLeft: here === 0 ? last : here - 1,
            Home: 0,
            End: last,
        };
        const next = places[event.key];
        if (here < 0 || next === undefined) return;
        event.preventDefault();
        this.buttons[next]?.focus();
    }

    private stop(place: number): void {
        if (place < 0) return;
        this.buttons.forEach((button, at) => (button.tabIndex = at === place ? 0 : -1));
    }
}
