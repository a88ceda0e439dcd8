// The directory finds while somebody types, and the editor adds tags by a tap; both pages work without it.
"use strict";

const later = (milliseconds, act) => {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(...given), milliseconds);
  };
};

const asked = async (address) => {
  const answer = await fetch(address, { credentials: "same-origin", cache: "no-store" });
  return answer.ok && !answer.redirected ? answer.json() : null;
};

const made = (name, text, style) => {
  const element = document.createElement(name);
  element.textContent = text;
  if (style) element.className = style;
  return element;
};

const search = document.querySelector("form[data-hits]");
if (search) {
  const list = document.getElementById("hits");
  const count = document.getElementById("count");
  let newest = 0;

  const card = (hit) => {
    const item = made("li", "", "card");
    const link = made("a", hit.name);
    link.href = hit.address;
    const heading = document.createElement("h2");
    heading.append(link);
    item.append(heading, made("p", hit.role ? `${hit.organisation} · ${hit.role}` : hit.organisation));
    if (hit.expertise.length) {
      const tags = made("p", "", "tags");
      for (const tag of hit.expertise) {
        const shown = made("span", "", "tag");
        shown.append(made("bdi", tag));
        tags.append(shown);
      }
      item.append(tags);
    }
    if (hit.reasons.length) item.append(made("p", `Matched ${hit.reasons.join("; ")}`, "small"));
    return item;
  };

  const look = later(250, async () => {
    const number = (newest += 1);
    const query = new URLSearchParams(new FormData(search)).toString();
    try {
      const found = await asked(`${search.dataset.hits}?${query}`);
      // An answer that comes late belongs to words that stand there no more.
      if (!found || number !== newest) return;
      const rollup = document.querySelector(".rollup");
      const chip = rollup.querySelector(".chip");
      chip.className = `chip ${found.label.style}`;
      chip.textContent = found.label.name;
      rollup.lastElementChild.textContent = found.label.says;
      list.replaceChildren(...found.hits.map(card));
      count.textContent = found.said;
      document.getElementById("notes").replaceChildren(...found.notes.map((note) => made("p", note, "note")));
      for (const old of document.querySelectorAll(".pages, .narrow")) old.hidden = true;
      history.replaceState(null, "", `${search.action}?${query}`);
    } catch {
      // The network is away for a moment; the button still works.
    }
  });
  search.querySelector("input[type=search]").addEventListener("input", look);
}

for (const place of document.querySelectorAll("[data-suggest]")) {
  const area = document.getElementById(place.dataset.suggest);
  const begun = () => area.value.split(/[,;\n]/).pop().trim();

  const offer = (tags) => {
    const has = area.value.split(/[,;\n]/).map((one) => one.trim().toLocaleLowerCase());
    const left = tags.filter((one) => !has.includes(one.toLocaleLowerCase()));
    place.replaceChildren(made("span", "Add:", "small"));
    for (const tag of left) {
      const button = made("button", tag, "tag");
      button.type = "button";
      button.addEventListener("click", () => {
        const before = area.value.slice(0, area.value.length - begun().length).trimEnd();
        area.value = `${before}${before && !before.endsWith(",") ? "," : ""}${before ? " " : ""}${tag}, `;
        area.focus();
        button.remove();
      });
      place.append(button);
    }
    place.hidden = left.length === 0;
  };

  offer([...place.querySelectorAll(".tag")].map((one) => one.textContent));
  area.addEventListener(
    "input",
    later(250, async () => {
      const query = new URLSearchParams({ field: place.dataset.suggest, begins: begun() });
      try {
        const found = await asked(`/directory/tags?${query}`);
        if (found) offer(found.tags);
      } catch {
        // As above.
      }
    }),
  );
}
