/**
 * What a room may carry, as its `org.belisha.room` state says.
 *
 * Element's interface for modules (2.1.0) gives of a room its id, its name and when it was last active. Its state is in what
 * that object is made of, `sdkRoom`, which is Element's own and no part of the interface. This file is the one place that
 * touches it; where it is gone, there is no policy, and who asks does with what the messages say.
 */
import type { Api } from "@element-hq/element-web-module-api";

import { labelNamed } from "./label";
import type { Label } from "./label";

export const STATE = "org.belisha.room";
const KINDS = ["open", "closed", "named", "service", "space"] as const;
/** What matrix-js-sdk calls a change of a room's state. */
const CHANGED = "RoomState.events";

export type Kind = (typeof KINDS)[number];

export interface Policy {
    kind: Kind;
    default: Label;
    ceiling: Label;
    purpose: unknown;
    isClosed: boolean;
}

/** As much of matrix-js-sdk's Room as is used. */
interface SdkRoom {
    currentState: { getStateEvents: (type: string, key: string) => { getContent: () => unknown } | null };
    on: (name: string, heard: () => void) => unknown;
    off: (name: string, heard: () => void) => unknown;
}

export class Policies {
    public constructor(private readonly api: Api) {}

    /** A room's policy; undefined where there is none, or where this Element does not show it. */
    public of(roomId: string): Policy | undefined {
        try {
            const state = this.sdkRoom(roomId)?.currentState;
            const isEncrypted = state?.getStateEvents("m.room.encryption", "") != null;
            return read(state?.getStateEvents(STATE, "")?.getContent(), isEncrypted);
        } catch {
            return undefined;
        }
    }

    /** Calls when a room's state may have changed; gives what ends that. */
    public watch(roomId: string, heard: () => void): () => void {
        try {
            const room = this.sdkRoom(roomId);
            room?.on(CHANGED, heard);
            return () => {
                room?.off(CHANGED, heard);
            };
        } catch {
            return () => undefined;
        }
    }

    private sdkRoom(roomId: string): SdkRoom | undefined {
        const room = this.api.client.getRoom(roomId) as { sdkRoom?: SdkRoom } | null;
        return room?.sdkRoom;
    }
}

/** Reads the state; undefined where any part of it cannot be read. */
export function read(content: unknown, isEncrypted: boolean): Policy | undefined {
    if (typeof content !== "object" || content === null) {
        return undefined;
    }
    const told = content as Record<string, unknown>;
    const kind = KINDS.find((one) => one === told.kind);
    const [given, ceiling] = [labelNamed(told.default), labelNamed(told.ceiling)];
    if (kind === undefined || given === undefined || ceiling === undefined) {
        return undefined;
    }
    const isClosed = ["frozen", "archived", "replaced"].some((mark) => (told[mark] ?? false) !== false);
    // Nothing in an encrypted room can be read by the server: what has no label gets the strictest (rule R4).
    return { kind, default: isEncrypted ? ceiling : given, ceiling, purpose: told.purpose, isClosed };
}
