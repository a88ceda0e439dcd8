/**
 * Answers for the member what the page for writing asks of Element (MSC2762, MSC4039): that page alone, as the steward puts it
 * into groups, and for no more than it needs there. About all else Element asks the member, as it does without us.
 *
 * Who may see whom the member is (an OpenID token), and whether a page is loaded, Element goes on asking.
 */
import type { WidgetDescriptor } from "@element-hq/element-web-module-api";

import type { Policy } from "./policy";

/** What the page may have; undefined where Element is to ask. */
export function approved(
    widget: WidgetDescriptor,
    requested: Set<string>,
    portal: string,
    policyOf: (roomId: string) => Policy | undefined,
): Set<string> | undefined {
    // Its address names the room that Element shows it in, and no other could stand there.
    const isOurs = widget.templateUrl === `${portal}/widget?widgetId=$matrix_widget_id&room=$matrix_room_id`;
    if (!isOurs || widget.type !== "m.custom" || widget.origin !== new URL(portal).origin || widget.roomId === undefined) {
        return undefined;
    }
    const kind = policyOf(widget.roomId)?.kind;
    if (kind !== "open" && kind !== "closed") {
        return undefined; // the page is for groups (rule P1)
    }
    const needed = new Set([
        "org.matrix.msc2762.send.event:m.room.message",
        `org.matrix.msc2762.timeline:${widget.roomId}`,
        "org.matrix.msc4039.upload_file",
    ]);
    return [...requested].every((one) => needed.has(one)) ? new Set(requested) : undefined;
}
