// \0rolldown/runtime.js
var e = (e, t) => () => (t || (e((t = { exports: {} }).exports, t, t.exports), e = null), t.exports), t = { Component: Object }, { Component: n, useId: r, useLayoutEffect: i, useRef: a, useState: o } = window.React ?? t, s = /* @__PURE__ */ e(((e) => {
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
})), c = (/* @__PURE__ */ e(((e, t) => {
	t.exports = s();
})))(), l = 8;
function u({ shown: e, words: t }) {
	let [n, s] = o(!1), l = a(null), u = a(null), p = r();
	if (i(() => {
		let [e, t] = [l.current, u.current];
		if (!n || e === null || t === null) return;
		t.showPopover(), f(t, e);
		let r = (e) => {
			e.key === "Escape" && (e.stopPropagation(), s(!1));
		}, i = (n) => {
			n.target !== t && f(t, e);
		};
		return document.addEventListener("keydown", r, !0), document.addEventListener("scroll", i, !0), () => {
			document.removeEventListener("keydown", r, !0), document.removeEventListener("scroll", i, !0);
		};
	}, [n]), e.kind === "nothing") return null;
	let m = e.kind === "label" ? e.label : void 0;
	return /* @__PURE__ */ (0, c.jsxs)("span", {
		onMouseEnter: () => {
			s(!0);
		},
		onMouseLeave: () => {
			s(!1);
		},
		children: [/* @__PURE__ */ (0, c.jsx)("button", {
			ref: l,
			type: "button",
			className: m === void 0 ? "belisha_badge belisha_badge_missing" : "belisha_badge",
			style: m === void 0 ? {} : { color: m.colour },
			"aria-label": m === void 0 ? t("missing") : t("badge", { label: m.name }),
			"aria-describedby": n ? p : void 0,
			onFocus: () => {
				s(!0);
			},
			onBlur: () => {
				s(!1);
			},
			onClick: () => {
				s(!0);
			},
			children: m === void 0 ? `⚠ ${t("missing")}` : m.name
		}), n && /* @__PURE__ */ (0, c.jsx)("div", {
			ref: u,
			id: p,
			role: "tooltip",
			className: "belisha_tip",
			popover: "manual",
			children: m === void 0 ? /* @__PURE__ */ (0, c.jsx)("p", { children: t("missing_why") }) : /* @__PURE__ */ (0, c.jsx)(d, {
				label: m,
				words: t
			})
		})]
	});
}
function d({ label: e, words: t }) {
	return /* @__PURE__ */ (0, c.jsxs)(c.Fragment, { children: [
		/* @__PURE__ */ (0, c.jsxs)("p", { children: [
			/* @__PURE__ */ (0, c.jsx)("strong", {
				style: { color: e.colour },
				children: e.name
			}),
			" – ",
			t(`${e.name}.who`)
		] }),
		/* @__PURE__ */ (0, c.jsx)("ul", { children: e.may.map((n, r) => /* @__PURE__ */ (0, c.jsx)("li", { children: t(`${e.name}.may.${String(r)}`) }, n.act)) }),
		/* @__PURE__ */ (0, c.jsx)("p", { children: t(`${e.name}.stricter`) })
	] });
}
function f(e, t) {
	let n = t.getBoundingClientRect(), r = e.getBoundingClientRect(), i = n.bottom + r.height + l <= window.innerHeight ? n.bottom : Math.max(l, n.top - r.height);
	e.style.top = `${String(i)}px`, e.style.left = `${String(Math.max(l, Math.min(n.left, window.innerWidth - r.width - l)))}px`;
}
// src/textBadge.ts
var p = "span[data-mx-bg-color]", m = ".mx_EventTile_body";
function h(e, t) {
	let n = `[${t}]`;
	for (let t of [e, ...e.querySelectorAll(m)]) {
		let r = g(t), i = r?.parentElement?.closest(p);
		if (i instanceof HTMLElement && e.contains(i) && i.textContent === n) return i.hidden = !0, !0;
		let a = r?.data.trimStart() ?? "";
		if (r !== null && a.startsWith(n)) return r.data = a.slice(n.length).trimStart(), !0;
	}
	return !1;
}
function g(e) {
	let t = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
	for (let e = t.nextNode(); e !== null; e = t.nextNode()) if (e instanceof Text && e.data.trim() !== "" && e.parentElement?.closest("[hidden]") === null) return e;
	return null;
}
// src/Item.tsx
function _({ shown: e, warning: t, words: n, original: r }) {
	let o = a(null), s = e.kind === "label" ? e.label.name : void 0;
	i(() => {
		let e = o.current;
		if (e === null || s === void 0) return;
		let t = {
			childList: !0,
			characterData: !0,
			subtree: !0
		}, n = new MutationObserver(() => {
			r();
		}), r = () => {
			n.disconnect(), h(e, s), n.observe(e, t);
		};
		return r(), () => {
			n.disconnect();
		};
	}, [s]);
	let l = /* @__PURE__ */ (0, c.jsx)("div", {
		ref: o,
		className: "belisha_item_content",
		children: r()
	});
	return /* @__PURE__ */ (0, c.jsxs)("div", {
		className: "belisha_item",
		children: [/* @__PURE__ */ (0, c.jsx)(u, {
			shown: e,
			words: n
		}), t === void 0 ? l : /* @__PURE__ */ (0, c.jsxs)("details", {
			className: "belisha_warning belisha_item_content",
			children: [/* @__PURE__ */ (0, c.jsx)("summary", { children: t === "" ? n("warning_alone") : n("warning", { words: t }) }), l]
		})]
	});
}
var v = class extends n {
	state = { failed: !1 };
	static getDerivedStateFromError() {
		return { failed: !0 };
	}
	render() {
		return this.state.failed ? this.props.original() : this.props.children;
	}
}, y = [
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
], b = "org.belisha.tlp", x = /* @__PURE__ */ new Set([
	"m.room.message",
	"m.room.encrypted",
	"m.sticker",
	"m.poll.start",
	"m.poll.end",
	"org.matrix.msc3381.poll.start",
	"org.matrix.msc3381.poll.end"
]);
function S(e) {
	if (e.eventId.startsWith("~") || "redacted_because" in e.unsigned) return { kind: "nothing" };
	let t = (e.isEncrypted === !0 ? e.wireContent : e.content)?.[b];
	if (t === void 0) return e.stateKey === void 0 && x.has(e.type) ? { kind: "missing" } : { kind: "nothing" };
	let n = typeof t == "object" && t && "label" in t ? t.label : void 0, r = y.find((e) => e.name === n);
	return r === void 0 ? { kind: "missing" } : {
		kind: "label",
		label: r
	};
}
// src/style.ts
var C = "\n.belisha_item { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; }\n.belisha_item_content { flex: 1 1 12em; min-width: 0; }\n.belisha_badge { font: inherit; font-size: 0.75em; font-weight: 600; line-height: 1.4; letter-spacing: 0.02em; white-space: nowrap;\n  min-height: 24px; padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; cursor: help; }\n.belisha_badge:focus-visible { outline: 2px solid #fff; box-shadow: 0 0 0 5px #000; }\n.belisha_badge_missing { color: #000; background: #ffd9d6; border: 2px dashed #a30000; }\n.belisha_tip { position: fixed; inset: auto; margin: 0; box-sizing: border-box; width: max-content; max-width: min(26rem, calc(100vw - 16px));\n  max-height: calc(100vh - 16px); overflow: auto; padding: 10px 12px; border: 1px solid #767676; border-radius: 8px; background: #000;\n  color: #fff; font-size: 0.875rem; line-height: 1.4; text-align: start; }\n.belisha_tip p, .belisha_tip li { font-size: inherit; }\n.belisha_tip p { margin: 0 0 6px; }\n.belisha_tip ul { margin: 0 0 6px; padding-inline-start: 1.1em; list-style: disc; }\n.belisha_warning > summary { cursor: pointer; font-weight: 600; min-height: 24px; overflow-wrap: anywhere; }\n";
function w() {
	let e = "belisha_style";
	if (document.getElementById(e) === null) {
		let t = document.createElement("style");
		t.id = e, t.textContent = C, document.head.append(t);
	}
}
// src/warning.ts
var T = /^(?:[[(]?tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])]?\s*)*/i, E = /^CW:[ \t]*/i, D = / [—–|-] |\. |[.!?]$/, O = 80;
function k(e) {
	let t = e.content.body;
	if (typeof t != "string") return;
	let n = t.replace(T, ""), r = E.exec(n);
	if (r === null) return;
	let [i = "", ...a] = n.slice(r[0].length).split("\n"), o = typeof e.content.url == "string" || typeof e.content.file == "object", s = D.exec(i);
	return (a.some((e) => e.trim() !== "") || o ? i : s === null ? "" : i.slice(0, s.index)).trim().slice(0, O);
}
// src/words.ts
var A = {
	badge: "Label %(label)s",
	missing: "No label",
	missing_why: "This carries no label that can be shown. Treat it as the strictest that its room carries, and ask whoever sent it.",
	warning: "Content warning: %(words)s",
	warning_alone: "Content warning"
}, j = "org.belisha|";
for (let e of y) {
	A[`${e.name}.who`] = e.who, A[`${e.name}.stricter`] = e.stricter;
	for (let [t, n] of e.may.entries()) A[`${e.name}.may.${String(t)}`] = `${n.act}: ${n.answer}`;
}
function M(e) {
	let t = Object.entries(A).map(([e, t]) => [j + e, {
		en: t,
		"en-GB": t
	}]);
	return e.register(Object.fromEntries(t)), (t, n = {}) => {
		let r = j + t, i = e.translate(r, n);
		return i === r ? N(t, n) : i;
	};
}
function N(e, t = {}) {
	return (A[e] ?? e).replace(/%\((\w+)\)s/g, (e, n) => t[n] ?? "");
}
// src/index.tsx
var P = class {
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
		w();
		let e = M(this.api.i18n);
		this.api.customComponents.registerMessageRenderer((e) => S(e).kind !== "nothing", ({ mxEvent: t }, n) => {
			if (n === void 0) throw Error("Element shows nothing of this event");
			let r = () => n();
			return /* @__PURE__ */ (0, c.jsx)(v, {
				original: r,
				children: /* @__PURE__ */ (0, c.jsx)(_, {
					shown: S(t),
					warning: k(t),
					words: e,
					original: r
				})
			});
		});
	}
};
export { P as default };
