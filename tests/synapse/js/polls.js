// Polls as matrix-js-sdk has them in `room.polls`: reads one JSON object, writes one.
//
// in:  {homeserver, user, password, room, polls: [event ids], begin: {question, answers, most} or null, vote: place or null}
// out: {begun: event id or null, polls: {event id: {question, kind, most, answers, ids, votes: {user id: [places]}, ended}}}

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

const { createClient, ClientEvent, M_POLL_KIND_DISCLOSED } = await import("matrix-js-sdk");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
logger.setLevel("silent");
const { PollStartEvent } = await import("matrix-js-sdk/lib/extensible_events_v1/PollStartEvent.js");
const { PollResponseEvent } = await import("matrix-js-sdk/lib/extensible_events_v1/PollResponseEvent.js");

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
const client = createClient({
    baseUrl: given.homeserver,
    userId: login.user_id,
    accessToken: login.access_token,
    deviceId: login.device_id,
    logger: quiet,
});

let begun = null;
if (given.begin) {
    const start = PollStartEvent.from(given.begin.question, given.begin.answers, M_POLL_KIND_DISCLOSED, given.begin.most);
    const { type, content } = start.serialize();
    begun = (await client.sendEvent(given.room, type, content)).event_id;
}
const wanted = [...given.polls, ...(begun ? [begun] : [])];
await client.startClient({ initialSyncLimit: 100 });
await until((done) => client.on(ClientEvent.Sync, (state) => state === "PREPARED" && done()));
const room = client.getRoom(given.room);
await room.processPollEvents(room.getLiveTimeline().getEvents());

const found = {};
for (const id of wanted) {
    const poll = room.polls.get(id);
    if (given.vote !== null) {
        const vote = PollResponseEvent.from([poll.pollEvent.answers[given.vote].id], id).serialize();
        await client.sendEvent(given.room, vote.type, vote.content);
    }
    await poll.getResponses();
    // Only the first page of them is waited for; the others come by themselves.
    while (poll.isFetchingResponses) await new Promise((go) => setTimeout(go, 50));
    const responses = (await poll.getResponses()).getRelations();
    const votes = {};
    for (const event of [...responses].sort((one, other) => one.getTs() - other.getTs())) {
        const response = event.unstableExtensibleEvent;
        response.validateAgainst(poll.pollEvent);
        votes[event.getSender()] = response.answerIds.map((each) => poll.pollEvent.answers.findIndex((a) => a.id === each));
    }
    found[id] = {
        question: poll.pollEvent.question.text,
        kind: poll.pollEvent.kind.name,
        most: poll.pollEvent.maxSelections,
        answers: poll.pollEvent.answers.map((each) => each.text),
        ids: poll.pollEvent.answers.map((each) => each.id),
        votes,
        ended: poll.isEnded,
    };
}
client.stopClient();
process.stdout.write(JSON.stringify({ begun, polls: found }) + "\n", () => process.exit(0));

/** Resolves when `subscribe`'s callback is called; ends the run where that takes too long. */
function until(subscribe) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("nothing came from sync")), PATIENCE_MS);
        subscribe(() => (clearTimeout(timer), resolve()));
    });
}
