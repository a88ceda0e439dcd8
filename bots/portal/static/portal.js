// What is nicer with a script; every page works without it.
"use strict";

// The sign-in goes on by itself once the member's message has arrived.
const form = document.querySelector("form[data-watch]");
if (form) {
  const waiting = document.getElementById("waiting");
  const look = async () => {
    let state = "waiting";
    try {
      const answer = await fetch(form.dataset.watch, { credentials: "same-origin", cache: "no-store" });
      if (answer.ok) state = (await answer.json()).state;
    } catch {
      // The network is away for a moment.
    }
    if (state === "confirmed") {
      waiting.textContent = "Your message has arrived.";
      form.requestSubmit();
    } else if (state === "over") {
      location.reload();
    } else {
      setTimeout(look, 2000);
    }
  };
  waiting.textContent = "This page goes on by itself once your message has arrived.";
  setTimeout(look, 1000);
}

// A long list of groups is searched by what its cards say.
const box = document.querySelector("[data-filter]");
const cards = box ? [...document.getElementById(box.dataset.filter).children] : [];
if (cards.length > 3) {
  box.hidden = false;
  const found = document.getElementById("found");
  box.querySelector("input").addEventListener("input", (event) => {
    const words = event.target.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const text = card.textContent.toLocaleLowerCase();
      card.hidden = !words.every((word) => text.includes(word));
      shown += card.hidden ? 0 : 1;
    }
    found.textContent = words.length ? `${shown} of ${cards.length} groups` : "";
  });
}

// Of a file that cannot be drawn there is no small picture.
for (const picture of document.querySelectorAll(".preview img")) {
  picture.decode().catch(() => {
    picture.parentElement.hidden = true;
  });
}

// Who signs out leaves nothing that they had begun to write (compose.js) to whoever sits here next.
document.querySelector('form[action="/sign-out"]')?.addEventListener("submit", () => {
  window.name = window.name.split("\n", 1)[0];
  try {
    sessionStorage.clear();
  } catch {
    // Where it is closed, nothing is in it.
  }
});
