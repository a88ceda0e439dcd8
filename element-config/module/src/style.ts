/** The module's look. FIRST's colours stand on black whatever the theme (TLP 2.0, section 7), with an edge that shows on black. */
export const STYLE = `
.belisha_item { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; }
.belisha_item_content { flex: 1 1 12em; min-width: 0; }
.belisha_badge { font: inherit; font-size: 0.75em; font-weight: 600; line-height: 1.4; letter-spacing: 0.02em; white-space: nowrap;
  min-height: 24px; padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; cursor: help; }
.belisha_badge:focus-visible { outline: 2px solid #fff; box-shadow: 0 0 0 5px #000; }
.belisha_badge_missing { color: #000; background: #ffd9d6; border: 2px dashed #a30000; }
.belisha_tip { position: fixed; inset: auto; margin: 0; box-sizing: border-box; width: max-content; max-width: min(26rem, calc(100vw - 16px));
  max-height: calc(100vh - 16px); overflow: auto; padding: 10px 12px; border: 1px solid #767676; border-radius: 8px; background: #000;
  color: #fff; font-size: 0.875rem; line-height: 1.4; text-align: start; }
.belisha_tip p, .belisha_tip li { font-size: inherit; }
.belisha_tip p { margin: 0 0 6px; }
.belisha_tip ul { margin: 0 0 6px; padding-inline-start: 1.1em; list-style: disc; }
.belisha_chip { cursor: pointer; flex: none; }
@media (max-width: 600px) { .belisha_chip_kind { display: none; } }
.belisha_action { display: inline-block; box-sizing: border-box; min-height: 24px; padding: 4px 8px; border: 1px solid #fff; border-radius: 4px; background: #000; color: #fff;
  font: inherit; text-decoration: underline; cursor: pointer; }
.belisha_action:focus-visible { outline: 2px solid #ffc000; outline-offset: 2px; }
.belisha_card { flex: 1 1 12em; min-width: 0; box-sizing: border-box; max-width: 42rem; padding: 8px 12px; border: 1px solid #767676; border-inline-start-width: 4px;
  border-radius: 8px; overflow-wrap: anywhere; }
.belisha_card > p { margin: 0 0 6px; }
.belisha_card_kind { font-size: 0.75rem; font-weight: 600; }
.belisha_card_title { font-size: 1.125rem; font-weight: 600; }
.belisha_card summary { cursor: pointer; min-height: 24px; }
.belisha_card_link { display: inline-block; min-height: 24px; color: inherit; text-decoration: underline; }
.belisha_bars { list-style: none; margin: 0 0 6px; padding: 0; }
.belisha_bars > li { margin: 0 0 6px; }
.belisha_bar { display: block; height: 10px; border: 1px solid #767676; border-radius: 3px; overflow: hidden; }
.belisha_bar > span { display: block; height: 100%; background: #767676; }
.belisha_preview { margin: 4px 0; font-size: 0.875rem; line-height: 1.4; overflow-wrap: anywhere; }
.belisha_preview_label { padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; font-weight: 600; white-space: nowrap; }
.belisha_warning > summary { cursor: pointer; font-weight: 600; min-height: 24px; overflow-wrap: anywhere; }
`;

/** Puts it on the page, once. */
export function addStyle(): void {
    const id = "belisha_style";
    if (document.getElementById(id) === null) {
        const style = document.createElement("style");
        style.id = id;
        style.textContent = STYLE;
        document.head.append(style);
    }
}
