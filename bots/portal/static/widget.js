// The part of Matrix's Widget API that the portal speaks: it asks Element for an OpenID token, and on the page of a post
// that is written there, to send that one message as the member's own.
// https://github.com/matrix-org/matrix-doc/pull/2762, MSC1960 (OpenID), matrix-widget-api's ClientWidgetApi.
"use strict";
{
  const origins = document.currentScript.dataset.origins.split(" ");
  const status = document.getElementById("widget");

  // Pages after the first have no parameters of their own, and a frame's storage is often closed: its name stays.
  const widgetId = new URLSearchParams(location.search).get("widgetId") ?? window.name;
  window.name = widgetId;
  let openidRequest = null;

  // A post as it will be sent (MSC2762), and how its member is told what came of it.
  const post = document.querySelector("form[data-content]");
  const sending = post?.querySelector("[data-sending]");
  const wanted = post ? ["org.matrix.msc2762.send.event:m.room.message", `org.matrix.msc2762.timeline:${post.dataset.room}`] : [];
  let sendRequest = null;

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
    location.replace("/");
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
  const offer = () => {
    const button = post.querySelector("button[data-publish]");
    button.hidden = false;
    button.onclick = () => {
      if (sendRequest) return;
      sending.textContent = "Your post is on its way …";
      const content = JSON.parse(post.dataset.content);
      sendRequest = ask("send_event", { type: "m.room.message", content, room_id: post.dataset.room }, element);
    };
  };
  const sent = (response) => {
    sendRequest = null;
    if (typeof response.event_id === "string") {
      location.replace(`/blog/${encodeURIComponent(post.dataset.room)}/${encodeURIComponent(response.event_id)}`);
    } else {
      sending.textContent = "It was not sent. The steward tells you in your chat why, where the server refused it.";
    }
  };

  const answers = {
    capabilities: () => ({ capabilities: wanted }),
    notify_capabilities: (data) => {
      if (post && wanted.every((one) => data.approved?.includes(one))) offer();
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
    if (data.api === "fromWidget" && data.response && sendRequest && data.requestId === sendRequest) return sent(data.response);
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
