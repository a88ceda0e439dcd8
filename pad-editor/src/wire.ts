/** The frames of the sync protocol (github.com/yjs/y-protocols, PROTOCOL.md), and numbers as lib0 writes them. */

export const ASK = 0;
export const GIVE = 1;
export const CHANGE = 2;

export function frame(kind: number, body: Uint8Array): Uint8Array {
    const length: number[] = [];
    let left = body.length;
    for (; left > 0x7f; left = Math.floor(left / 128)) length.push((left & 0x7f) | 0x80);
    length.push(left);
    return Uint8Array.from([0, kind, ...length, ...body]);
}

export function read(data: Uint8Array): { kind: number; body: Uint8Array } {
    let at = 2;
    let length = 0;
    for (let shift = 1; ; shift *= 128) {
        const byte = data[at++] ?? 0;
        length += (byte & 0x7f) * shift;
        if (byte < 0x80) break;
    }
    return { kind: data[1] ?? CHANGE, body: data.subarray(at, at + length) };
}
