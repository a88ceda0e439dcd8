// An encrypted attachment between two members, with matrix-js-sdk's own cryptography: reads one JSON object, writes one.
//
// in:  {homeserver, sender, reader, password, readerId, text}
// out: {room, mxc, thumbnail, event, opened, small}: `opened` and `small` are what the reader decrypted

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

const { createClient } = await import("matrix-js-sdk");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
logger.setLevel("silent");

const PATIENCE_MS = 120_000;
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const given = JSON.parse(Buffer.concat(chunks).toString("utf8"));

const sender = await signedIn(given.sender);
const reader = await signedIn(given.reader);
const made = await sender.createRoom({
    preset: "trusted_private_chat",
    is_direct: true,
    invite: [given.readerId],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
});
await reader.joinRoom(made.room_id);
await until(() => sender.getRoom(made.room_id)?.getMember(given.readerId)?.membership === "join");
// Its keys are uploaded behind the first sync: without them it would be given none of the message's.
await until(async () => {
    const devices = await sender.getCrypto().getUserDeviceInfo([given.readerId], true);
    return devices.get(given.readerId)?.has(reader.getDeviceId());
});

// As clients do it: the encrypted bytes go up without name or type, their key goes into the encrypted event.
const file = await uploaded(Buffer.from(given.text));
const thumbnail = await uploaded(Buffer.from(`small ${given.text}`));
const content = { msgtype: "m.image", body: "chart.png", file, info: { thumbnail_file: thumbnail } };
const { event_id: event } = await sender.sendMessage(made.room_id, content);

let shown;
await until(async () => {
    shown = reader.getRoom(made.room_id)?.findEventById(event);
    if (shown?.isBeingDecrypted() || shown?.isDecryptionFailure()) await shown.attemptDecryption(reader.getCrypto());
    return shown?.getContent().file;
});
const opened = await decrypted(shown.getContent().file);
const small = await decrypted(shown.getContent().info.thumbnail_file);
for (const client of [sender, reader]) client.stopClient();
process.stdout.write(
    JSON.stringify({ room: made.room_id, mxc: file.url, thumbnail: thumbnail.url, event, opened, small }) + "\n",
    () => process.exit(0),
);

async function signedIn(user) {
    const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error: console.error, getChild: () => quiet };
    const login = await createClient({ baseUrl: given.homeserver, logger: quiet }).loginRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user },
        password: given.password,
    });
    const client = createClient({
        baseUrl: given.homeserver,
        userId: login.user_id,
        accessToken: login.access_token,
        deviceId: login.device_id,
        logger: quiet,
    });
    await client.initRustCrypto({ useIndexedDB: false });
    await client.startClient({ initialSyncLimit: 10 });
    await until(() => client.isInitialSyncComplete());
    return client;
}

/** Encrypts and uploads; the `EncryptedFile` of it (Matrix 1.16, "Sending encrypted attachments"). */
async function uploaded(data) {
    const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
    const iv = new Uint8Array(16);
    crypto.getRandomValues(iv.subarray(0, 8));
    const secret = await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 64 }, key, data);
    const hash = await crypto.subtle.digest("SHA-256", secret);
    const { content_uri: url } = await sender.uploadContent(new Blob([secret]), {
        includeFilename: false,
        type: "application/octet-stream",
    });
    const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
    return {
        url,
        key: await crypto.subtle.exportKey("jwk", key),
        iv: unpadded(iv),
        hashes: { sha256: unpadded(hash) },
        v: "v2",
    };
}

async function decrypted(file) {
    const address = reader.mxcUrlToHttp(file.url, undefined, undefined, undefined, false, true, true);
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${reader.getAccessToken()}` } });
    if (answer.status !== 200) return `status ${answer.status}`;
    const key = await crypto.subtle.importKey("jwk", file.key, { name: "AES-CTR" }, false, ["decrypt"]);
    const counter = Buffer.from(file.iv, "base64");
    const data = await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, key, await answer.arrayBuffer());
    return Buffer.from(data).toString("utf8");
}

/** Waits until something is so; ends the run where that takes too long. */
async function until(isSo) {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
        if (await isSo()) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`it did not become so: ${isSo}`);
}
