// \0rolldown/runtime.js
var e = (e, t) => () => (t || (e((t = { exports: {} }).exports, t, t.exports), e = null), t.exports), t = [
	{
		name: "TLP:RED",
		colour: "#FF2B2B",
		who: "only the people whom it was sent to may see it.",
		may: [
			{
				act: "Tell my team",
				answer: "no: it is for the people whom it was sent to, and for nobody else."
			},
			{
				act: "Forward it",
				answer: "no, neither here nor elsewhere; ask its source to name the others too."
			},
			{
				act: "Print it",
				answer: "better not: nobody but you may see the paper."
			},
			{
				act: "Store it in a case system",
				answer: "no, unless nobody but you can open it."
			},
			{
				act: "Quote it in a report",
				answer: "no; ask its source for a version that may be quoted."
			}
		],
		stricter: "Where this platform is stricter than FIRST: on it, this label stays in a room whose people are named when it is made, and nobody can be added."
	},
	{
		name: "TLP:AMBER+STRICT",
		colour: "#FFC000",
		who: "your own organisation may see it, where people need to know.",
		may: [
			{
				act: "Tell my team",
				answer: "yes, those of your own organisation who need to know, and nobody else: clients neither."
			},
			{
				act: "Forward it",
				answer: "not here, since only its source shares it with another room; elsewhere within your own organisation, to those who need to know."
			},
			{
				act: "Print it",
				answer: "yes, for those people, with the label on the paper; it does not leave your organisation."
			},
			{
				act: "Store it in a case system",
				answer: "yes, where only those people can open it, with the label in the record."
			},
			{
				act: "Quote it in a report",
				answer: "yes, in one that carries this label and stays within your own organisation."
			}
		],
		stricter: "Where this platform is stricter than FIRST: on it, this label stays within its group, which lists its organisations and has none but their members."
	},
	{
		name: "TLP:AMBER",
		colour: "#FFC000",
		who: "your organisation and its clients may see it, where they need to know.",
		may: [
			{
				act: "Tell my team",
				answer: "yes, those of your organisation who need to know, and its clients who need to know."
			},
			{
				act: "Forward it",
				answer: "not here, since only its source shares it with another room; elsewhere to those of your organisation and its clients who need to know."
			},
			{
				act: "Print it",
				answer: "yes, for those people, with the label on the paper."
			},
			{
				act: "Store it in a case system",
				answer: "yes, where only those people can open it, with the label in the record."
			},
			{
				act: "Quote it in a report",
				answer: "yes, in one that carries this label and goes to those people alone."
			}
		],
		stricter: "Where this platform is stricter than FIRST: on it, this label stays within its group."
	},
	{
		name: "TLP:GREEN",
		colour: "#33FF00",
		who: "the community may see it, and no public channel.",
		may: [
			{
				act: "Tell my team",
				answer: "yes, and peers and partner organisations of your community."
			},
			{
				act: "Forward it",
				answer: "yes: here to any group or member, elsewhere to peers and partners, and never over a public channel."
			},
			{
				act: "Print it",
				answer: "yes, for those people; do not leave it where the public could read it."
			},
			{
				act: "Store it in a case system",
				answer: "yes, in a system that is not open to the public."
			},
			{
				act: "Quote it in a report",
				answer: "yes, in one that carries this label or a stricter one and is not published."
			}
		],
		stricter: "Where this platform is stricter than FIRST: the community is the members of this platform, and nobody else."
	},
	{
		name: "TLP:CLEAR",
		colour: "#FFFFFF",
		who: "anybody may see it.",
		may: [
			{
				act: "Tell my team",
				answer: "yes, and anybody else."
			},
			{
				act: "Forward it",
				answer: "yes, to anybody, here and elsewhere."
			},
			{
				act: "Print it",
				answer: "yes, and the paper may lie anywhere."
			},
			{
				act: "Store it in a case system",
				answer: "yes, in any system."
			},
			{
				act: "Quote it in a report",
				answer: "yes, in a published one too; copyright still holds."
			}
		],
		stricter: "For this label the platform is as FIRST has it: there is no limit."
	}
], n = "org.belisha.tlp", r = /* @__PURE__ */ new Set([
	"m.room.message",
	"m.room.encrypted",
	"m.sticker",
	"m.poll.start",
	"m.poll.end",
	"org.matrix.msc3381.poll.start",
	"org.matrix.msc3381.poll.end"
]);
function i(e) {
	if (e.eventId.startsWith("~") || "redacted_because" in e.unsigned) return { kind: "nothing" };
	let i = (e.isEncrypted === !0 ? e.wireContent : e.content)?.[n];
	if (i === void 0) return e.stateKey === void 0 && r.has(e.type) ? { kind: "missing" } : { kind: "nothing" };
	let a = typeof i == "object" && i && "label" in i ? i.label : void 0, o = t.find((e) => e.name === a);
	return o === void 0 ? { kind: "missing" } : {
		kind: "label",
		label: o
	};
}
// src/expected.ts
var a = t.map((e) => e.name), o = 2e3, s = /^[\s([{"'“‘«»\p{Extended_Pictographic}\uFE0F\u200D]*tlp(?::[ ]?|[- ])([a-z]+(?:[+ -]strict(?![\w-]))?)/iu;
function c(e) {
	let n = e.trimEnd().split("\n"), r = n[n.length - 1] ?? "", i = [s.exec(e), s.exec(r)].filter((e, t) => e !== null && (t === 0 || /^[\])}."'\s]*$/.test(r.slice(e[0].length)))), a;
	for (let e of i) {
		let n = (e?.[1] ?? "").toUpperCase().replace(/[ -]STRICT$/, "+STRICT").replace(/^WHITE$/, "CLEAR"), r = t.find((e) => e.name === `TLP:${n}`);
		if (r === void 0) return { wrong: `TLP:${n}` };
		a = u(a, r);
	}
	return a;
}
var l = class {
	defaults = /* @__PURE__ */ new Map();
	items = /* @__PURE__ */ new Map();
	note(e) {
		let t = i(e);
		if (t.kind !== "label") return;
		this.items.delete(e.eventId), this.items.set(e.eventId, t.label);
		let [n] = this.items.keys();
		this.items.size > o && n !== void 0 && this.items.delete(n);
		let r = this.defaults.get(e.roomId);
		d(e) && (r === void 0 || r.at <= e.originServerTs) && this.defaults.set(e.roomId, {
			at: e.originServerTs,
			label: t.label
		});
	}
	expected(e, t, n) {
		let r = c(e);
		if (r !== void 0 && "wrong" in r) return {
			kind: "wrong",
			word: r.wrong
		};
		let i = n === void 0 ? void 0 : this.items.get(n);
		if (n !== void 0 && i === void 0) return { kind: "unknown" };
		let a = u(r, i);
		if (a !== void 0) return {
			kind: a === r ? "typed" : "answered",
			label: a
		};
		let o = this.defaults.get(t);
		return o === void 0 ? { kind: "unknown" } : {
			kind: "room",
			label: o.label
		};
	}
};
function u(e, t) {
	return e === void 0 || t === void 0 ? e ?? t : a.indexOf(e.name) <= a.indexOf(t.name) ? e : t;
}
function d(e) {
	let t = (e.isEncrypted === !0 ? e.wireContent : e.content)?.[n];
	return typeof t == "object" && !!t && "by" in t && t.by === "room";
}
// src/hostReact.ts
var f = { Component: Object }, { Component: p, useId: m, useLayoutEffect: h, useRef: g, useState: _ } = window.React ?? f, v = /* @__PURE__ */ e(((e) => {
	var t = Symbol.for("react.transitional.element"), n = Symbol.for("react.fragment");
	function r(e, n, r) {
		var i = null;
		if (r !== void 0 && (i = "" + r), n.key !== void 0 && (i = "" + n.key), "key" in n) for (var a in r = {}, n) a !== "key" && (r[a] = n[a]);
		else r = n;
		return n = r.ref, {
			$$typeof: t,
			type: e,
			key: i,
			ref: n === void 0 ? null : n,
			props: r
		};
	}
	e.Fragment = n, e.jsx = r, e.jsxs = r;
})), y = (/* @__PURE__ */ e(((e, t) => {
	t.exports = v();
})))(), b = 8;
function x({ shown: e, words: t }) {
	let [n, r] = _(!1), i = g(null), a = g(null), o = m();
	if (h(() => {
		let [e, t] = [i.current, a.current];
		if (!n || e === null || t === null) return;
		t.showPopover(), C(t, e);
		let o = (e) => {
			e.key === "Escape" && (e.stopPropagation(), r(!1));
		}, s = (n) => {
			n.target !== t && C(t, e);
		};
		return document.addEventListener("keydown", o, !0), document.addEventListener("scroll", s, !0), () => {
			document.removeEventListener("keydown", o, !0), document.removeEventListener("scroll", s, !0);
		};
	}, [n]), e.kind === "nothing") return null;
	let s = e.kind === "label" ? e.label : void 0;
	return /* @__PURE__ */ (0, y.jsxs)("span", {
		onMouseEnter: () => {
			r(!0);
		},
		onMouseLeave: () => {
			r(!1);
		},
		children: [/* @__PURE__ */ (0, y.jsx)("button", {
			ref: i,
			type: "button",
			className: s === void 0 ? "belisha_badge belisha_badge_missing" : "belisha_badge",
			style: s === void 0 ? {} : { color: s.colour },
			"aria-label": s === void 0 ? t("missing") : t("badge", { label: s.name }),
			"aria-describedby": n ? o : void 0,
			onFocus: () => {
				r(!0);
			},
			onBlur: () => {
				r(!1);
			},
			onClick: () => {
				r(!0);
			},
			children: s === void 0 ? `⚠ ${t("missing")}` : s.name
		}), n && /* @__PURE__ */ (0, y.jsx)("div", {
			ref: a,
			id: o,
			role: "tooltip",
			className: "belisha_tip",
			popover: "manual",
			children: s === void 0 ? /* @__PURE__ */ (0, y.jsx)("p", { children: t("missing_why") }) : /* @__PURE__ */ (0, y.jsx)(S, {
				label: s,
				words: t
			})
		})]
	});
}
function S({ label: e, words: t }) {
	return /* @__PURE__ */ (0, y.jsxs)(y.Fragment, { children: [
		/* @__PURE__ */ (0, y.jsxs)("p", { children: [
			/* @__PURE__ */ (0, y.jsx)("strong", {
				style: { color: e.colour },
				children: e.name
			}),
			" – ",
			t(`${e.name}.who`)
		] }),
		/* @__PURE__ */ (0, y.jsx)("ul", { children: e.may.map((n, r) => /* @__PURE__ */ (0, y.jsx)("li", { children: t(`${e.name}.may.${String(r)}`) }, n.act)) }),
		/* @__PURE__ */ (0, y.jsx)("p", { children: t(`${e.name}.stricter`) })
	] });
}
function C(e, t) {
	let n = t.getBoundingClientRect(), r = e.getBoundingClientRect(), i = n.bottom + r.height + b <= window.innerHeight ? n.bottom : Math.max(b, n.top - r.height);
	e.style.top = `${String(i)}px`, e.style.left = `${String(Math.max(b, Math.min(n.left, window.innerWidth - r.width - b)))}px`;
}
// src/textBadge.ts
var w = "span[data-mx-bg-color]", T = ".mx_EventTile_body";
function E(e, t) {
	let n = `[${t}]`;
	for (let t of [e, ...e.querySelectorAll(T)]) {
		let r = D(t), i = r?.parentElement?.closest(w);
		if (i instanceof HTMLElement && e.contains(i) && i.textContent === n) return i.hidden = !0, !0;
		let a = r?.data.trimStart() ?? "";
		if (r !== null && a.startsWith(n)) return r.data = a.slice(n.length).trimStart(), !0;
	}
	return !1;
}
function D(e) {
	let t = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
	for (let e = t.nextNode(); e !== null; e = t.nextNode()) if (e instanceof Text && e.data.trim() !== "" && e.parentElement?.closest("[hidden]") === null) return e;
	return null;
}
// src/Item.tsx
function O({ shown: e, warning: t, words: n, original: r }) {
	let i = g(null), a = e.kind === "label" ? e.label.name : void 0;
	h(() => {
		let e = i.current;
		if (e === null || a === void 0) return;
		let t = {
			childList: !0,
			characterData: !0,
			subtree: !0
		}, n = new MutationObserver(() => {
			r();
		}), r = () => {
			n.disconnect(), E(e, a), n.observe(e, t);
		};
		return r(), () => {
			n.disconnect();
		};
	}, [a]);
	let o = /* @__PURE__ */ (0, y.jsx)("div", {
		ref: i,
		className: "belisha_item_content",
		children: r()
	});
	return /* @__PURE__ */ (0, y.jsxs)("div", {
		className: "belisha_item",
		children: [/* @__PURE__ */ (0, y.jsx)(x, {
			shown: e,
			words: n
		}), t === void 0 ? o : /* @__PURE__ */ (0, y.jsxs)("details", {
			className: "belisha_warning belisha_item_content",
			children: [/* @__PURE__ */ (0, y.jsx)("summary", { children: t === "" ? n("warning_alone") : n("warning", { words: t }) }), o]
		})]
	});
}
var k = class extends p {
	state = { failed: !1 };
	static getDerivedStateFromError() {
		return { failed: !0 };
	}
	render() {
		return this.state.failed ? this.props.original() : this.props.children;
	}
};
// src/Preview.tsx
function A({ expected: e, words: t }) {
	if (e.kind === "unknown") return /* @__PURE__ */ (0, y.jsx)("p", {
		className: "belisha_preview",
		children: t("preview_unknown")
	});
	if (e.kind === "wrong") return /* @__PURE__ */ (0, y.jsxs)("p", {
		className: "belisha_preview",
		children: ["⚠ ", t("preview_wrong", { word: e.word })]
	});
	let { label: n } = e;
	return /* @__PURE__ */ (0, y.jsxs)("p", {
		className: "belisha_preview",
		children: [
			/* @__PURE__ */ (0, y.jsx)("span", {
				className: "belisha_preview_label",
				style: { color: n.colour },
				children: n.name
			}),
			" ",
			t(`preview_${e.kind}`),
			" ",
			t(`${n.name}.who`)
		]
	});
}
// src/style.ts
var j = "\n.belisha_item { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; }\n.belisha_item_content { flex: 1 1 12em; min-width: 0; }\n.belisha_badge { font: inherit; font-size: 0.75em; font-weight: 600; line-height: 1.4; letter-spacing: 0.02em; white-space: nowrap;\n  min-height: 24px; padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; cursor: help; }\n.belisha_badge:focus-visible { outline: 2px solid #fff; box-shadow: 0 0 0 5px #000; }\n.belisha_badge_missing { color: #000; background: #ffd9d6; border: 2px dashed #a30000; }\n.belisha_tip { position: fixed; inset: auto; margin: 0; box-sizing: border-box; width: max-content; max-width: min(26rem, calc(100vw - 16px));\n  max-height: calc(100vh - 16px); overflow: auto; padding: 10px 12px; border: 1px solid #767676; border-radius: 8px; background: #000;\n  color: #fff; font-size: 0.875rem; line-height: 1.4; text-align: start; }\n.belisha_tip p, .belisha_tip li { font-size: inherit; }\n.belisha_tip p { margin: 0 0 6px; }\n.belisha_tip ul { margin: 0 0 6px; padding-inline-start: 1.1em; list-style: disc; }\n.belisha_preview { margin: 4px 0; font-size: 0.875rem; line-height: 1.4; overflow-wrap: anywhere; }\n.belisha_preview_label { padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; font-weight: 600; white-space: nowrap; }\n.belisha_warning > summary { cursor: pointer; font-weight: 600; min-height: 24px; overflow-wrap: anywhere; }\n";
function M() {
	let e = "belisha_style";
	if (document.getElementById(e) === null) {
		let t = document.createElement("style");
		t.id = e, t.textContent = j, document.head.append(t);
	}
}
// src/warning.ts
var N = /^(?:[[(]?tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])]?\s*)*/i, P = /^CW:[ \t]*/i, F = / [—–|-] |\. |[.!?]$/, I = 80;
function L(e) {
	let t = e.content.body;
	if (typeof t != "string") return;
	let n = t.replace(N, ""), r = P.exec(n);
	if (r === null) return;
	let [i = "", ...a] = n.slice(r[0].length).split("\n"), o = typeof e.content.url == "string" || typeof e.content.file == "object", s = F.exec(i);
	return (a.some((e) => e.trim() !== "") || o ? i : s === null ? "" : i.slice(0, s.index)).trim().slice(0, I);
}
// src/words.ts
var R = {
	badge: "Label %(label)s",
	missing: "No label",
	missing_why: "This carries no label that can be shown. Treat it as the strictest that its room carries, and ask whoever sent it.",
	warning: "Content warning: %(words)s",
	warning_alone: "Content warning",
	preview_typed: "as you wrote:",
	preview_answered: "as what you answer:",
	preview_room: "as this room gives it:",
	preview_unknown: "The server gives this a label: the room’s own, or a stricter one.",
	preview_wrong: "%(word)s is no label, and would be refused. Labels are TLP:CLEAR, TLP:GREEN, TLP:AMBER, TLP:AMBER+STRICT and TLP:RED.",
	portal: "Portal",
	portal_why: "Groups, polls, posts and documents of this community, in a new tab"
}, z = "org.belisha|";
for (let e of t) {
	R[`${e.name}.who`] = e.who, R[`${e.name}.stricter`] = e.stricter;
	for (let [t, n] of e.may.entries()) R[`${e.name}.may.${String(t)}`] = `${n.act}: ${n.answer}`;
}
function B(e) {
	let t = Object.entries(R).map(([e, t]) => [z + e, {
		en: t,
		"en-GB": t
	}]);
	return e.register(Object.fromEntries(t)), (t, n = {}) => {
		let r = z + t, i = e.translate(r, n);
		return i === r ? V(t, n) : i;
	};
}
function V(e, t = {}) {
	return (R[e] ?? e).replace(/%\((\w+)\)s/g, (e, n) => t[n] ?? "");
}
// src/index.tsx
var H = class {
	api;
	static moduleApiVersion = "^2.0.0";
	constructor(e) {
		this.api = e;
	}
	load() {
		try {
			this.register();
		} catch (e) {
			console.warn("The Belisha module shows no labels", e);
		}
		return Promise.resolve();
	}
	register() {
		if (!("React" in globalThis)) throw Error("this Element shares no React with its modules");
		M();
		let e = B(this.api.i18n), t = new l();
		this.api.customComponents.registerMessageRenderer((e) => (t.note(e), i(e).kind !== "nothing"), ({ mxEvent: t }, n) => {
			if (n === void 0) throw Error("Element shows nothing of this event");
			let r = () => n();
			return /* @__PURE__ */ (0, y.jsx)(k, {
				original: r,
				children: /* @__PURE__ */ (0, y.jsx)(O, {
					shown: i(t),
					warning: L(t),
					words: e,
					original: r
				})
			});
		}), U("what a message would be labelled", () => {
			this.previewLabels(t, e);
		}), U("the portal", () => {
			this.showPortal(e);
		});
	}
	previewLabels(e, t) {
		this.api.customComponents.registerComposerPreview((e) => e.trim() !== "" && !e.startsWith("/"), (n, r) => {
			let i = () => r(n), a = e.expected(n.text, n.roomId, n.relation?.inReplyToEventId);
			return /* @__PURE__ */ (0, y.jsxs)(k, {
				original: i,
				children: [/* @__PURE__ */ (0, y.jsx)(A, {
					expected: a,
					words: t
				}), i()]
			});
		});
	}
	showPortal(e) {
		let t = this.api.config.get("branding")?.logo_link_url;
		t !== void 0 && /^https?:\/\//.test(t) && this.api.extras.setSpacePanelItem("org.belisha.portal", {
			label: e("portal"),
			tooltip: e("portal_why"),
			icon: /* @__PURE__ */ (0, y.jsx)(W, {}),
			onSelected: () => {
				window.open(t, "_blank", "noopener,noreferrer");
			}
		});
	}
};
function U(e, t) {
	try {
		t();
	} catch (t) {
		console.warn(`The Belisha module does without ${e}`, t);
	}
}
function W() {
	return /* @__PURE__ */ (0, y.jsxs)("svg", {
		viewBox: "0 0 24 24",
		width: "24",
		height: "24",
		"aria-hidden": "true",
		children: [/* @__PURE__ */ (0, y.jsx)("circle", {
			cx: "12",
			cy: "8",
			r: "6",
			fill: "#ffc000",
			stroke: "#000"
		}), /* @__PURE__ */ (0, y.jsx)("path", {
			d: "M11 14h2v9h-2z",
			fill: "#767676"
		})]
	});
}
export { H as default };
