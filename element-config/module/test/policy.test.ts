import type { Api } from "@element-hq/element-web-module-api";
import { expect, it } from "vitest";

import { Policies, read } from "../src/policy";

const CONTENT = { kind: "closed", default: "TLP:AMBER", ceiling: "TLP:AMBER+STRICT", organisations: [], purpose: "blog" };

it.each([
    [undefined],
    ["closed"],
    [{}],
    [{ ...CONTENT, kind: "secret" }],
    [{ ...CONTENT, default: "TLP:PURPLE" }],
    [{ ...CONTENT, ceiling: undefined }],
])("reads no policy out of %j", (content) => {
    expect(read(content, false)).toBeUndefined();
});

it("reads what a room is, and is strict where it is encrypted or cannot tell", () => {
    const found = read(CONTENT, false);
    expect([found?.kind, found?.default.name, found?.ceiling.name, found?.purpose]).toEqual(["closed", "TLP:AMBER", "TLP:AMBER+STRICT", "blog"]);
    expect(found?.isClosed).toBe(false);
    expect(read(CONTENT, true)?.default.name).toBe("TLP:AMBER+STRICT");
    expect(read({ ...CONTENT, frozen: "?" }, false)?.isClosed).toBe(true);
});

it.each([
    ["there is no room", () => null],
    ["a room has no more than the interface says", () => ({ id: "!1:x" })],
    ["its inside is another", () => ({ sdkRoom: { currentState: {} } })],
    ["nobody is signed in", () => { throw new Error("no client"); }],
])("does without a policy where %s", (_why, getRoom) => {
    const policies = new Policies({ client: { getRoom } } as unknown as Api);
    expect(policies.of("!1:x")).toBeUndefined();
    expect(() => { policies.watch("!1:x", () => undefined)(); }).not.toThrow();
});
