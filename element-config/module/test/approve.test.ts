import type { WidgetDescriptor } from "@element-hq/element-web-module-api";
import { expect, it } from "vitest";

import { approved } from "../src/approve";
import type { Policy } from "../src/policy";

const PORTAL = "https://portal.example";
const SEND = "org.matrix.msc2762.send.event:m.room.message";
const NEEDED = [SEND, "org.matrix.msc2762.timeline:!1:x", "org.matrix.msc4039.upload_file"];
const PAGE: WidgetDescriptor = {
    id: "belisha-composer",
    type: "m.custom",
    origin: PORTAL,
    roomId: "!1:x",
    creatorUserId: "@ana:x",
    templateUrl: `${PORTAL}/widget?widgetId=$matrix_widget_id&room=$matrix_room_id`,
};

function answer(more: object = {}, requested = NEEDED, kind: string | undefined = "closed"): string[] | undefined {
    const policyOf = (): Policy | undefined => (kind === "" ? undefined : ({ kind } as Policy));
    const found = approved({ ...PAGE, ...more }, new Set(requested), PORTAL, policyOf);
    return found === undefined ? undefined : [...found];
}

it("approves what the page for writing needs in a group", () => {
    expect(answer()).toEqual(NEEDED);
    expect(answer({}, [SEND], "open")).toEqual([SEND]);
});

it.each([
    ["another page of the portal's", { templateUrl: `${PORTAL}/polls/new` }],
    ["the page for another room", { templateUrl: `${PORTAL}/widget?widgetId=$matrix_widget_id&room=!2:x` }],
    ["somebody else's page", { templateUrl: PAGE.templateUrl.replace(PORTAL, `${PORTAL}.elsewhere.example`) }],
    ["another origin", { origin: "https://elsewhere.example" }],
    ["another kind of widget", { type: "m.jitsi" }],
    ["a widget of one's account", { roomId: undefined }],
])("leaves %s to Element's question", (_what, more) => {
    expect(answer(more)).toBeUndefined();
});

it.each([
    "org.matrix.msc2762.timeline:!2:x",
    "org.matrix.msc2762.timeline:*",
    "org.matrix.msc2762.receive.event:m.room.message",
    "org.matrix.msc2762.send.state_event:m.room.name",
    "org.matrix.msc2762.send.event:m.room.message#m.text",
    "m.always_on_screen",
])("approves nothing where %s is asked for besides", (more) => {
    expect(answer({}, [...NEEDED, more])).toBeUndefined();
});

it.each(["named", "service", "space", ""])("approves nothing in a room of kind “%s”", (kind) => {
    expect(answer({}, NEEDED, kind)).toBeUndefined();
});
