/** Rooms as Element's interface gives them to modules, made of recorded state, and the header of one of them. */
import type { Api, RoomHeaderButtonsCallback } from "@element-hq/element-web-module-api";
import type { JSX } from "react";

/** Type of state -> content, and the name by which tests know the room. */
export type State = Record<string, unknown> & { key: string };

export const headers: RoomHeaderButtonsCallback[] = [];
/** Widgets that were moved to the top, by their rooms. */
const moved: [string, string][] = [];
let rooms: Record<string, State> = {};
let isPlain = false;
const hearing = new Map<string, Set<() => void>>();

/** With `plain`, rooms have nothing but what the interface says. */
export function setRooms(recorded: Record<string, State>, plain: boolean): void {
    rooms = recorded;
    isPlain = plain;
    Object.assign(window, { moved, change });
}

export function roomOf(key: string): string | undefined {
    return Object.entries(rooms).find(([, state]) => state.key === key)?.[0];
}

/** Changes a room's state, as a sync does. */
function change(key: string, type: string, content: Record<string, unknown>): void {
    const [roomId, state] = Object.entries(rooms).find(([, one]) => one.key === key) ?? [];
    if (roomId !== undefined && state !== undefined) {
        state[type] = content;
        hearing.get(roomId)?.forEach((heard) => {
            heard();
        });
    }
}

/** As Element's models/Room.ts: what the interface says, made of matrix-js-sdk's room. */
function room(id: string): unknown {
    const state = rooms[id];
    if (state === undefined) {
        return null;
    }
    const told = { id, name: { value: state.key }, getLastActiveTimestamp: () => 0 };
    const heard = hearing.get(id) ?? new Set();
    hearing.set(id, heard);
    const getStateEvents = (type: string): unknown => (type in state ? { getContent: () => state[type] } : null);
    const sdkRoom = {
        currentState: { getStateEvents },
        on: (_name: string, listener: () => void) => heard.add(listener),
        off: (_name: string, listener: () => void) => heard.delete(listener),
    };
    return isPlain ? told : { ...told, sdkRoom };
}

export const client = { getRoom: room } as unknown as Api["client"];

export const widget = {
    getWidgetsInRoom: (roomId: string) => {
        const ours = rooms[roomId]?.["im.vector.modular.widgets"];
        return ours === undefined ? [] : [ours];
    },
    moveAppToContainer: (app: { id: string }, container: string, roomId: string) => {
        moved.push([rooms[roomId]?.key ?? "", `${app.id} ${container}`]);
    },
} as unknown as Api["widget"];

/** As Element's RoomView: the buttons of every module, in one header. */
export function Header({ roomId }: { roomId: string }): JSX.Element {
    return (
        <header className="mx_RoomHeader">
            <h1>{(rooms[roomId]?.["m.room.name"] as { name: string } | undefined)?.name ?? rooms[roomId]?.key}</h1>
            {headers.map((make, index) => (
                <span key={index}>{make(roomId)}</span>
            ))}
        </header>
    );
}
