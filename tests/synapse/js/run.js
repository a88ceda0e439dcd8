// The basic run with matrix-js-sdk: reads one JSON object from standard input, writes one to standard output.
//
// in:  {homeserver, user, password, room, name, read: [event ids]}
// out: {sent: {step: event id}, synced: {event id: label}, read: {event id: label}, refusal: {...}, policy, heard: changes}

// matrix-js-sdk 43 is written for Node 22, which has this.
Promise.withResolvers ??= function () {
    let resolve, reject;
    const promise = new Promise((yes, no) => {
        resolve = yes;
        reject = no;
    });
    return { promise, resolve, reject };
};
// Standard output is for the result alone.
console.log = console.info = console.debug = console.trace = console.error;

const { createClient, ClientEvent, MatrixClient, MatrixError, MemoryStore, RoomEvent, M_POLL_KIND_DISCLOSED } = await import("matrix-js-sdk");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
logger.setLevel("silent");
const { PollStartEvent } = await import("matrix-js-sdk/lib/extensible_events_v1/PollStartEvent.js");

const LABEL = "org.belisha.tlp";
const PATIENCE_MS = 120_000;

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const given = JSON.parse(Buffer.concat(chunks).toString("utf8"));

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error: console.error, getChild: () => quiet };
const login = await createClient({ baseUrl: given.homeserver, logger: quiet }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: given.user },
    password: given.password,
});
// Without the scheduler of `createClient`, which sends again what it takes for lost, and fails where it was not.
const client = new MatrixClient({
    store: new MemoryStore({}),
    baseUrl: given.homeserver,
    userId: login.user_id,
    accessToken: login.access_token,
    deviceId: login.device_id,
    logger: quiet,
});
await client.startClient({ initialSyncLimit: 10, threadSupport: true, pendingEventOrdering: "detached" });
await until((done) => client.on(ClientEvent.Sync, (state) => state === "PREPARED" && done()));

const synced = {};
client.on(RoomEvent.Timeline, note);
client.on(RoomEvent.LocalEchoUpdated, note);

const text = (body) => ({ msgtype: "m.text", body });
const sent = {};
sent.default = (await client.sendMessage(given.room, text(`${given.name} says hello`))).event_id;
sent.marker = (await client.sendMessage(given.room, text("TLP:CLEAR The tide table"))).event_id;

const transaction = `corrected-${Date.now()}`;
let refusal = null;
try {
    await client.sendEvent(given.room, null, "m.room.message", text("TLP:RED The pump"), transaction);
} catch (error) {
    refusal = {
        isMatrixError: error instanceof MatrixError,
        status: error.httpStatus,
        errcode: error.errcode,
        error: error.data?.error,
        rule: error.data?.["org.belisha.rule"],
        label: error.data?.["org.belisha.label"],
    };
}
// What "Retry" does in a client: the same pending event, and so the same transaction id.
const room = client.getRoom(given.room);
const [pending] = room.getPendingEvents();
pending.event.content = text("TLP:GREEN The pump");
sent.corrected = (await client.resendEvent(pending, room)).event_id;
sent.thread = (await client.sendMessage(given.room, sent.marker, text("Since when?"))).event_id;
const poll = PollStartEvent.from("Who comes?", ["Ana", "Ben"], M_POLL_KIND_DISCLOSED).serialize();
sent.poll = (await client.sendEvent(given.room, poll.type, poll.content)).event_id;

const wanted = Object.values(sent);
await until((done) => {
    const look = () => {
        wanted.forEach((id) => room.findEventById(id) && note(room.findEventById(id)));
        if (wanted.every((id) => synced[id])) done();
    };
    client.on(ClientEvent.Event, look);
    client.on(RoomEvent.LocalEchoUpdated, look);
    look();
});

const read = {};
for (const id of [...given.read, ...wanted]) {
    read[id] = (await client.fetchRoomEvent(given.room, id)).content[LABEL];
}
// What Element's module reads of a room, and the name under which the room tells it of changes (element-config/module).
let heard = 0;
const hear = () => (heard += 1);
const state = room.currentState.getStateEvents("org.belisha.room", "");
room.on("RoomState.events", hear);
room.currentState.emit("RoomState.events", state, room.currentState, null);
room.off("RoomState.events", hear);
room.currentState.emit("RoomState.events", state, room.currentState, null);
const policy = state?.getContent();

client.stopClient();
process.stdout.write(JSON.stringify({ sent, synced, read, refusal, policy, heard }) + "\n", () => process.exit(0));

/** Keeps the label that sync brought; a local echo has none. */
function note(event) {
    const label = event.getContent()[LABEL];
    if (label && event.status === null) synced[event.getId()] = label;
}

/** Resolves when `subscribe`'s callback is called; ends the run where that takes too long. */
function until(subscribe) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("nothing came from sync")), PATIENCE_MS);
        subscribe(() => (clearTimeout(timer), resolve()));
    });
}
