// Pages on which something is written for a group: what Element allows is offered here, and what it refuses is said.
// The member's own client sends (widget.js); nothing that is typed is kept but in this tab, and only until it is sent.
"use strict";
{
  const form = document.querySelector("form[data-room], form[data-keep]");
  const part = (name) => document.querySelector(`[data-${name}]`);

  // --- A text survives the loading of its page anew: in this tab, for this member, for this group ---------------------
  // A frame's storage is closed in some browsers; its name is its own, lasts as long as the frame, and begins with the
  // widget's id (widget.js).
  const PREFIX = "draft ";
  const named = () => {
    try {
      return JSON.parse(window.name.slice(window.name.indexOf("\n") + 1));
    } catch {
      return {};
    }
  };
  const write = (all) => (window.name = `${window.name.split("\n", 1)[0]}\n${JSON.stringify(all)}`);
  const drafts = () => {
    try {
      return { ...sessionStorage };
    } catch {
      return named();
    }
  };
  const put = (key, value) => {
    try {
      sessionStorage.setItem(key, value);
    } catch {
      write({ ...named(), [key]: value });
    }
  };
  const drop = (key) => {
    try {
      sessionStorage.removeItem(key);
    } catch {
      write(Object.fromEntries(Object.entries(named()).filter(([one]) => one !== key)));
    }
  };

  const mine = form?.dataset.draft ? `${PREFIX}${form.dataset.draft} ` : "";
  const kept = mine && `${mine}${form.dataset.keep ?? form.dataset.room}`;
  const text = form?.querySelector("textarea[name=text]");
  if (mine) {
    const ofOthers = Object.keys(drafts()).filter((key) => key.startsWith(PREFIX) && !key.startsWith(mine));
    ofOthers.forEach(drop); // who was here before
    if (part("sent")) drop(kept);
  }
  const fields = form?.dataset.keep ? [...form.querySelectorAll("[data-kept]")] : [];
  if (fields.length) {
    const told = part("keeping");
    const discard = part("discard");
    const say = (words, isKept) => {
      told.textContent = words;
      discard.hidden = !isKept;
    };
    const read = () => {
      try {
        return JSON.parse(drafts()[kept]);
      } catch {
        return null;
      }
    };
    const draft = read();
    // What the portal gives back is newer than what was kept.
    if (draft && fields.every((one) => one.tagName === "SELECT" || !one.value.trim())) {
      for (const one of fields) if (typeof draft[one.name] === "string") one.value = draft[one.name];
      // A blog that they are in no more, or a label that is none: the first of those that there are.
      for (const one of fields) if (one.tagName === "SELECT" && one.selectedIndex < 0) one.selectedIndex = 0;
      say(`Your draft of ${draft.at} is here again: it was kept in this tab.`, true);
    }
    form.addEventListener("input", () => {
      const at = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      put(kept, JSON.stringify({ at, ...Object.fromEntries(fields.map((one) => [one.name, one.value])) }));
      say(`Draft kept in this tab at ${at}.`, true);
    });
    discard.addEventListener("click", () => {
      drop(kept);
      for (const one of fields) if (one.tagName !== "SELECT") one.value = "";
      say("The draft is gone.", false);
      fields.find((one) => one.tagName !== "SELECT").focus();
    });
  } else if (kept && text) {
    if (!text.value.trim()) text.value = drafts()[kept] ?? "";
    text.addEventListener("input", () => put(kept, text.value));
  }

  // --- Who reads it, counted anew with every label that is picked -----------------------------------------------------
  const readers = document.querySelector("[data-audience]");
  const count = async () => {
    try {
      const answer = await fetch(readers.dataset.audience, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok || answer.redirected) return;
      const found = await answer.json();
      const picked = form.querySelector("input[name=label]:checked")?.value;
      part("readers").textContent = `${picked ? `${picked}: ` : ""}${found.said}`;
      part("organisations").replaceChildren(
        ...found.organisations.map((one) => {
          const line = document.createElement("li");
          line.textContent = one;
          return line;
        }),
      );
    } catch {
      // The network is away for a moment; what stands there was so when the page was loaded.
    }
  };
  if (readers && form) {
    for (const one of form.querySelectorAll("input[name=label]")) one.addEventListener("change", count);
    window.addEventListener("focus", count);
  }

  // --- Sending --------------------------------------------------------------------------------------------------------
  const sending = form?.querySelector("[data-sending]");
  const file = document.getElementById("file");
  const TYPES = { image: "m.image", video: "m.video", audio: "m.audio" };
  let element = null;
  let isBusy = false;

  const problem = (words) => {
    sending.textContent = "";
    const told = part("problem");
    if (!told) {
      sending.textContent = words;
      return;
    }
    told.textContent = words;
    document.getElementById("problem").hidden = false;
    document.getElementById("problem").scrollIntoView({ block: "nearest" });
  };

  // What the server says of a refusal; an Element that does not pass it on leaves it to the steward (MSC2762, errors).
  const refused = (response) => {
    const said = response.error?.matrix_api_error?.response?.error;
    problem(said || "It was not sent. The steward tells you in your chat why, where the server refused it.");
  };

  const content = async () => {
    if (form.dataset.content) return { room: form.dataset.room, content: JSON.parse(form.dataset.content) };
    const fields = new URLSearchParams(new FormData(form));
    fields.set("step", file?.files.length || form.dataset.attach ? "send-file" : "send");
    const answer = await fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" });
    if (answer.redirected) return { problem: "Your session here has ended. Your text is kept in this tab: load this page anew." };
    if (!answer.ok) return { problem: "The portal cannot say right now what may be sent. Please try again in a minute." };
    return answer.json();
  };

  // A file that the portal makes: of the kind that was picked.
  const attached = async () => {
    sending.textContent = "Your file is being made …";
    const picked = form.querySelector("input[name=kind]:checked").value;
    const answer = await fetch(form.dataset.attach.replace("{kind}", picked), { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error("no file");
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))[1];
    return new File([await answer.blob()], name, { type: answer.headers.get("Content-Type").split(";")[0] });
  };

  const withFile = async (message) => {
    const chosen = form.dataset.attach ? await attached() : file?.files[0];
    if (!chosen) return message;
    sending.textContent = "Your file is on its way …";
    const uploaded = await element.request("org.matrix.msc4039.upload_file", { file: chosen });
    if (typeof uploaded.content_uri !== "string") return void refused(uploaded);
    const type = TYPES[chosen.type.split("/")[0]] ?? "m.file";
    const info = { size: chosen.size, ...(chosen.type ? { mimetype: chosen.type } : {}) };
    const about = { msgtype: type, url: uploaded.content_uri, filename: chosen.name, info };
    return { ...message, ...about, body: message.body || chosen.name };
  };

  const send = async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      document.getElementById("problem")?.setAttribute("hidden", "");
      part("sent")?.remove(); // of the message before
      sending.textContent = "It is on its way …";
      const found = await content();
      if (found.problem) return problem(found.problem);
      const message = await withFile(found.content);
      if (!message) return;
      const response = await element.request("send_event", { type: "m.room.message", content: message, room_id: found.room });
      if (typeof response.event_id !== "string") return refused(response);
      if (kept) drop(kept);
      location.replace(form.dataset.next.replace("{event}", encodeURIComponent(response.event_id)));
    } catch {
      problem("The network is away. Your text is still here: please try again.");
    } finally {
      isBusy = false;
    }
  };

  form?.addEventListener("element-allows", ({ detail }) => {
    element = detail;
    const button = form.querySelector("button[data-publish]");
    button.hidden = false;
    button.onclick = send;
    if (form.dataset.attach && !detail.mayUpload) button.hidden = true;
    const place = form.querySelector("[data-file]");
    if (!place || !detail.mayUpload) return;
    place.hidden = false;
    file.onchange = () => (form.querySelector("[data-look]").disabled = file.files.length > 0);
  });
}
