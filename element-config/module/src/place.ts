/** Puts what is told of a badge under it, or over it where there is no room, within the window. */
const GAP = 8;

export function place(told: HTMLElement, badge: HTMLElement): void {
    const at = badge.getBoundingClientRect();
    const size = told.getBoundingClientRect();
    const under = at.bottom + size.height + GAP <= window.innerHeight;
    const top = under ? at.bottom : Math.max(GAP, at.top - size.height);
    told.style.top = `${String(top)}px`;
    told.style.left = `${String(Math.max(GAP, Math.min(at.left, window.innerWidth - size.width - GAP)))}px`;
}
