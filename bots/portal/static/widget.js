// The part of Matrix's Widget API that the portal speaks: it asks Element for an OpenID token, and for nothing else.
// https://github.com/matrix-org/matrix-doc/pull/2762, MSC1960 (OpenID), matrix-widget-api's ClientWidgetApi.
"use strict";
{
  const origins = document.currentScript.dataset.origins.split(" ");
  const status = document.getElementById("widget");

  // Pages after the first have no parameters of their own, and a frame's storage is often closed: its name stays.
  const widgetId = new URLSearchParams(location.search).get("widgetId") ?? window.name;
  window.name = widgetId;
  let openidRequest = null;

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
    openidRequest = `portal-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    const request = { api: "fromWidget", requestId: openidRequest, action: "get_openid", widgetId, data: {} };
    window.parent.postMessage(request, origin);
  };

  const answers = {
    capabilities: () => ({ capabilities: [] }),
    notify_capabilities: () => ({}),
    supported_api_versions: () => ({ supported_versions: ["0.0.1", "0.0.2"] }),
    openid_credentials: (data) => {
      if (openidRequest && data.original_request_id === openidRequest) void signIn(data);
      return {};
    },
  };

  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.parent || !origins.includes(origin) || data?.widgetId !== widgetId) return;
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
