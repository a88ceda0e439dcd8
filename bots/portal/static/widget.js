// The part of Matrix's Widget API that the portal speaks: it asks Element for an OpenID token, and on pages where something
// is written, to send it as the member's own (compose.js).
// https://github.com/matrix-org/matrix-doc/pull/2762, MSC1960 (OpenID), MSC4039 (files), matrix-widget-api's ClientWidgetApi.
"use strict";
{
  const origins = document.currentScript.dataset.origins.split(" ");
  const status = document.getElementById("widget");

  // Pages after the first have no parameters of their own, and a frame's storage is often closed: its name stays.
  // Below it may stand what somebody has begun to write (compose.js).
  const [nameBefore, ...begun] = window.name.split("\n");
  const widgetId = new URLSearchParams(location.search).get("widgetId") ?? nameBefore;
  window.name = [widgetId, ...begun].join("\n");
  let openidRequest = null;

  // What a page that sends needs: messages to one group, named, since Element may show another one by then; and files.
  const writing = document.querySelector("form[data-room]");
  const needed = writing ? ["org.matrix.msc2762.send.event:m.room.message", `org.matrix.msc2762.timeline:${writing.dataset.room}`] : [];
  const files = "org.matrix.msc4039.upload_file";
  const wanted = writing?.dataset.files ? [...needed, files] : needed;
  const waiting = new Map(); // what was asked of Element, by request

  const tell = (words) => {
    if (status) status.textContent = words;
  };

  const signIn = async (given) => {
    openidRequest = null;
    if (!given.access_token) return tell("Element did not say who you are. Open the portal in a tab of its own.");
    const body = new URLSearchParams({ token: given.access_token, server: given.matrix_server_name ?? "" });
    const answer = await fetch("/widget/sign-in", { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok) return tell("The portal could not sign you in here. Open it in a tab of its own.");
    const kept = await fetch("/confirm/state", { credentials: "same-origin", cache: "no-store" });
    if ((await kept.json()).state === "over") {
      return tell("This browser keeps nothing for pages inside Element. Open the portal in a tab of its own.");
    }
    // The group that Element shows it in; whether its member is there, the page asks.
    const room = new URLSearchParams(location.search).get("room");
    const page = location.pathname === "/widget/pads" ? "/pads" : "/write";
    location.replace(room ? `${page}?room=${encodeURIComponent(room)}` : "/");
  };

  const askElement = (origin) => {
    if (!status || openidRequest) return; // only the first page asks
    openidRequest = ask("get_openid", {}, origin);
  };

  const ask = (action, data, origin) => {
    const requestId = `portal-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    window.parent.postMessage({ api: "fromWidget", requestId, action, widgetId, data }, origin);
    return requestId;
  };

  let element = null; // the origin that has spoken
  const request = (action, data) =>
    new Promise((resolve) => {
      waiting.set(ask(action, data, element), resolve);
    });

  const answers = {
    capabilities: () => ({ capabilities: wanted }),
    notify_capabilities: (data) => {
      if (writing && needed.every((one) => data.approved?.includes(one))) {
        const detail = { request, mayUpload: data.approved.includes(files) };
        writing.dispatchEvent(new CustomEvent("element-allows", { detail }));
      }
      return {};
    },
    supported_api_versions: () => ({ supported_versions: ["0.0.1", "0.0.2"] }),
    openid_credentials: (data) => {
      if (openidRequest && data.original_request_id === openidRequest) void signIn(data);
      return {};
    },
  };

  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.parent || !origins.includes(origin) || data?.widgetId !== widgetId) return;
    element = origin;
    if (data.api === "fromWidget" && data.response && waiting.has(data.requestId)) {
      const resolve = waiting.get(data.requestId);
      waiting.delete(data.requestId);
      return resolve(data.response);
    }
    if (data.api === "toWidget" && !data.response) {
      const known = Object.hasOwn(answers, data.action);
      const response = known ? answers[data.action](data.data ?? {}) : { error: { message: "Not known here." } };
      window.parent.postMessage({ ...data, response }, origin);
      if (data.action === "notify_capabilities") askElement(origin);
    } else if (data.api === "fromWidget" && data.response && data.requestId === openidRequest) {
      if (data.response.state === "allowed") void signIn(data.response);
      else if (data.response.state !== "request") tell("Element did not say who you are. Open the portal in a tab of its own.");
    }
  });
}
