// \0rolldown/runtime.js
var e = (e, t) => () => (t || (e((t = { exports: {} }).exports, t, t.exports), e = null), t.exports), t = { Component: Object }, { Component: n, useEffect: r, useId: i, useLayoutEffect: a, useRef: o, useState: s } = window.React ?? t, c = 8;
function l(e, t) {
	let n = t.getBoundingClientRect(), r = e.getBoundingClientRect(), i = n.bottom + r.height + c <= window.innerHeight ? n.bottom : Math.max(c, n.top - r.height);
	e.style.top = `${String(i)}px`, e.style.left = `${String(Math.max(c, Math.min(n.left, window.innerWidth - r.width - c)))}px`;
}
// node_modules/react/cjs/react-jsx-runtime.production.js
var u = /* @__PURE__ */ e(((e) => {
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
})), d = (/* @__PURE__ */ e(((e, t) => {
	t.exports = u();
})))();
function f({ know: e, watch: t, way: n, words: a }) {
	let [c, u] = s(e), f = o(null), h = o(null), g = i();
	r(() => (u(e()), t(() => {
		u(e());
	})), [e, t]);
	let _ = c.policy?.default ?? c.default;
	if (_ === void 0) return null;
	let v = [c.policy === void 0 ? void 0 : a(`kind_${c.policy.kind}`), _.name].filter((e) => e !== void 0).join(" · ");
	return /* @__PURE__ */ (0, d.jsxs)(d.Fragment, { children: [/* @__PURE__ */ (0, d.jsx)("button", {
		ref: f,
		type: "button",
		className: "belisha_badge belisha_chip",
		style: { color: _.colour },
		popoverTarget: g,
		"aria-label": a("chip", { room: v }),
		children: v
	}), /* @__PURE__ */ (0, d.jsxs)("div", {
		ref: h,
		id: g,
		popover: "auto",
		role: "dialog",
		"aria-label": a("chip_title"),
		className: "belisha_tip",
		onToggle: () => {
			h.current !== null && f.current !== null && l(h.current, f.current);
		},
		children: [/* @__PURE__ */ (0, d.jsx)(p, {
			known: c,
			label: _,
			words: a
		}), /* @__PURE__ */ (0, d.jsx)(m, {
			known: c,
			way: n,
			words: a,
			close: () => {
				h.current?.hidePopover();
			}
		})]
	})] });
}
function p({ known: { policy: e }, label: t, words: n }) {
	return /* @__PURE__ */ (0, d.jsxs)(d.Fragment, { children: [
		e !== void 0 && /* @__PURE__ */ (0, d.jsx)("p", { children: n(`kind_${e.kind}_why`) }),
		/* @__PURE__ */ (0, d.jsxs)("p", { children: [
			n("chip_default"),
			" ",
			/* @__PURE__ */ (0, d.jsx)("strong", {
				style: { color: t.colour },
				children: t.name
			}),
			" – ",
			n(`${t.name}.who`)
		] }),
		e !== void 0 && /* @__PURE__ */ (0, d.jsxs)("p", { children: [
			n("chip_ceiling"),
			" ",
			/* @__PURE__ */ (0, d.jsx)("strong", {
				style: { color: e.ceiling.colour },
				children: e.ceiling.name
			})
		] }),
		e?.isClosed === !0 && /* @__PURE__ */ (0, d.jsx)("p", { children: n("chip_closed") }),
		e === void 0 && /* @__PURE__ */ (0, d.jsx)("p", { children: n("chip_seen") })
	] });
}
function m({ known: e, way: t, words: n, close: r }) {
	if (e.policy !== void 0 && e.policy.kind !== "open" && e.policy.kind !== "closed") return e.policy.kind === "space" ? null : /* @__PURE__ */ (0, d.jsx)("p", { children: n("who_members") });
	let i = t();
	return i === void 0 ? /* @__PURE__ */ (0, d.jsx)("p", { children: n("who_members") }) : i.kind === "widget" ? /* @__PURE__ */ (0, d.jsx)("button", {
		type: "button",
		className: "belisha_action",
		onClick: () => {
			r(), i.open();
		},
		children: n("who")
	}) : /* @__PURE__ */ (0, d.jsx)("a", {
		className: "belisha_action",
		href: i.address,
		target: "_blank",
		rel: "noopener noreferrer",
		children: n("who_portal")
	});
}
// src/labels.json
var h = [
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
], g = "org.belisha.tlp", _ = /* @__PURE__ */ new Set([
	"m.room.message",
	"m.room.encrypted",
	"m.sticker",
	"m.poll.start",
	"m.poll.end",
	"org.matrix.msc3381.poll.start",
	"org.matrix.msc3381.poll.end"
]);
function v(e) {
	if (e.eventId.startsWith("~") || "redacted_because" in e.unsigned) return { kind: "nothing" };
	let t = (e.isEncrypted === !0 ? e.wireContent : e.content)?.[g];
	if (t === void 0) return e.stateKey === void 0 && _.has(e.type) ? { kind: "missing" } : { kind: "nothing" };
	let n = y(typeof t == "object" && t && "label" in t ? t.label : void 0);
	return n === void 0 ? { kind: "missing" } : {
		kind: "label",
		label: n
	};
}
function y(e) {
	return h.find((t) => t.name === e);
}
function b(e, t) {
	return h.indexOf(e) < h.indexOf(t);
}
// src/expected.ts
var x = 2e3, S = /^[\s([{"'“‘«»\p{Extended_Pictographic}\uFE0F\u200D]*tlp(?::[ ]?|[- ])([a-z]+(?:[+ -]strict(?![\w-]))?)/iu;
function C(e) {
	let t = e.trimEnd().split("\n"), n = t[t.length - 1] ?? "", r = [S.exec(e), S.exec(n)].filter((e, t) => e !== null && (t === 0 || /^[\])}."'\s]*$/.test(n.slice(e[0].length)))), i;
	for (let e of r) {
		let t = (e?.[1] ?? "").toUpperCase().replace(/[ -]STRICT$/, "+STRICT").replace(/^WHITE$/, "CLEAR"), n = y(`TLP:${t}`);
		if (n === void 0) return { wrong: `TLP:${t}` };
		i = T(i, n);
	}
	return i;
}
var w = class {
	defaults = /* @__PURE__ */ new Map();
	items = /* @__PURE__ */ new Map();
	watching = /* @__PURE__ */ new Set();
	note(e) {
		let t = v(e);
		if (t.kind !== "label") return;
		this.items.delete(e.eventId), this.items.set(e.eventId, t.label);
		let [n] = this.items.keys();
		this.items.size > x && n !== void 0 && this.items.delete(n);
		let r = this.defaults.get(e.roomId);
		E(e) && (r === void 0 || r.at <= e.originServerTs) && (this.defaults.set(e.roomId, {
			at: e.originServerTs,
			label: t.label
		}), r?.label !== t.label && queueMicrotask(() => {
			this.watching.forEach((e) => {
				e();
			});
		}));
	}
	watch(e) {
		return this.watching.add(e), () => {
			this.watching.delete(e);
		};
	}
	defaultOf(e) {
		return this.defaults.get(e)?.label;
	}
	expected(e, t, n, r) {
		let i = C(e);
		if (i !== void 0 && "wrong" in i) return {
			kind: "wrong",
			word: i.wrong
		};
		let a = n === void 0 ? void 0 : this.items.get(n);
		if (n !== void 0 && a === void 0) return { kind: "unknown" };
		let o = T(i, a);
		if (o !== void 0 && r !== void 0 && b(o, r.ceiling)) return {
			kind: "above",
			label: o,
			ceiling: r.ceiling
		};
		if (o !== void 0) return {
			kind: o === i ? "typed" : "answered",
			label: o
		};
		let s = r?.default ?? this.defaultOf(t);
		return s === void 0 ? { kind: "unknown" } : {
			kind: "room",
			label: s
		};
	}
};
function T(e, t) {
	return e === void 0 || t === void 0 ? e ?? t : b(t, e) ? t : e;
}
function E(e) {
	let t = (e.isEncrypted === !0 ? e.wireContent : e.content)?.[g];
	return typeof t == "object" && !!t && "by" in t && t.by === "room";
}
// src/drawn.ts
var D = "org.belisha.card", ee = {
	"org.belisha.waiting": "waiting",
	"org.belisha.question": "question",
	"org.belisha.alert": "alert"
}, te = /^@belisha_[^:]*:/, ne = /^[\s[(]*tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])\s]*$/i, re = 200, O = 280;
function k(e, t) {
	if (e.type === "m.room.message" && e.stateKey === void 0) {
		if (te.test(e.sender)) return A(e.content);
		if (!(t === void 0 || P(e.content))) return t.purpose === "announcements" ? {
			kind: "card",
			card: "announcement"
		} : t.purpose === "blog" ? j(e.content) : void 0;
	}
}
function A(e) {
	if (e[D] === "result") return M(e.formatted_body) ?? {
		kind: "card",
		card: "result"
	};
	if (e[D] === "report") return {
		kind: "card",
		card: "report"
	};
	let [, t] = Object.entries(ee).find(([t]) => t in e) ?? [];
	return t === void 0 ? void 0 : {
		kind: "card",
		card: t
	};
}
function j(e) {
	if (e.msgtype !== "m.text" || typeof e.formatted_body != "string") return;
	let { body: t } = new DOMParser().parseFromString(e.formatted_body, "text/html"), n = t.querySelector("h1, h2, h3, h4, h5, h6"), r = F(n?.textContent).replace(/^\[TLP:[A-Z+]+\]\s*/, "");
	if (n === null || r === "") return;
	let i = t.ownerDocument.createRange();
	i.setStart(t, 0), i.setEndBefore(n);
	let a = F(i.toString());
	if (a !== "" && !ne.test(a)) return;
	i.setStartAfter(n), i.setEndAfter(t);
	let o = F(i.toString()), s = o.length > O;
	return {
		kind: "post",
		title: I(r, re),
		excerpt: I(o, O),
		isLong: s
	};
}
function M(e) {
	if (typeof e != "string") return;
	let { body: t } = new DOMParser().parseFromString(e, "text/html"), n = [...t.querySelectorAll("p")].find((e) => e.querySelector("strong") !== null), r = n?.nextElementSibling, i = [...t.querySelectorAll("tbody tr")].map((e) => N([...e.children].map((e) => F(e.textContent))));
	if (!(n === void 0 || r?.tagName !== "P" || i.length === 0 || i.includes(void 0))) return {
		kind: "result",
		question: F(n.querySelector("strong")?.textContent),
		sentence: F(r.textContent),
		bars: i.filter((e) => e !== void 0)
	};
}
function N([e = "", t = "", n = ""]) {
	let r = /^(\d{1,3})\s?%$/.exec(n);
	return r === null || !/^\d+$/.test(t) ? void 0 : {
		answer: e,
		said: `${t} (${n})`,
		share: Math.min(100, Number(r[1]))
	};
}
function P(e) {
	let t = e["m.relates_to"];
	return typeof t == "object" && !!t && ("rel_type" in t || "m.in_reply_to" in t);
}
function F(e) {
	return (e ?? "").replace(/\s+/g, " ").trim();
}
function I(e, t) {
	return e.length <= t ? e : `${e.slice(0, t).replace(/\s+\S*$/, "")} …`;
}
// src/Badge.tsx
function L({ shown: e, words: t }) {
	let [n, r] = s(!1), c = o(null), u = o(null), f = i();
	if (a(() => {
		let [e, t] = [c.current, u.current];
		if (!n || e === null || t === null) return;
		t.showPopover(), l(t, e);
		let i = (e) => {
			e.key === "Escape" && (e.stopPropagation(), r(!1));
		}, a = (n) => {
			n.target !== t && l(t, e);
		};
		return document.addEventListener("keydown", i, !0), document.addEventListener("scroll", a, !0), () => {
			document.removeEventListener("keydown", i, !0), document.removeEventListener("scroll", a, !0);
		};
	}, [n]), e.kind === "nothing") return null;
	let p = e.kind === "label" ? e.label : void 0;
	return /* @__PURE__ */ (0, d.jsxs)("span", {
		onMouseEnter: () => {
			r(!0);
		},
		onMouseLeave: () => {
			r(!1);
		},
		children: [/* @__PURE__ */ (0, d.jsx)("button", {
			ref: c,
			type: "button",
			className: p === void 0 ? "belisha_badge belisha_badge_missing" : "belisha_badge",
			style: p === void 0 ? {} : { color: p.colour },
			"aria-label": p === void 0 ? t("missing") : t("badge", { label: p.name }),
			"aria-describedby": n ? f : void 0,
			onFocus: () => {
				r(!0);
			},
			onBlur: () => {
				r(!1);
			},
			onClick: () => {
				r(!0);
			},
			children: p === void 0 ? `⚠ ${t("missing")}` : p.name
		}), n && /* @__PURE__ */ (0, d.jsx)("div", {
			ref: u,
			id: f,
			role: "tooltip",
			className: "belisha_tip",
			popover: "manual",
			children: p === void 0 ? /* @__PURE__ */ (0, d.jsx)("p", { children: t("missing_why") }) : /* @__PURE__ */ (0, d.jsx)(R, {
				label: p,
				words: t
			})
		})]
	});
}
function R({ label: e, words: t }) {
	return /* @__PURE__ */ (0, d.jsxs)(d.Fragment, { children: [
		/* @__PURE__ */ (0, d.jsxs)("p", { children: [
			/* @__PURE__ */ (0, d.jsx)("strong", {
				style: { color: e.colour },
				children: e.name
			}),
			" – ",
			t(`${e.name}.who`)
		] }),
		/* @__PURE__ */ (0, d.jsx)("ul", { children: e.may.map((n, r) => /* @__PURE__ */ (0, d.jsx)("li", { children: t(`${e.name}.may.${String(r)}`) }, n.act)) }),
		/* @__PURE__ */ (0, d.jsx)("p", { children: t(`${e.name}.stricter`) })
	] });
}
// src/Frame.tsx
function z({ item: e, words: t, address: n, children: r }) {
	let a = i();
	return /* @__PURE__ */ (0, d.jsxs)("article", {
		className: "belisha_card",
		"aria-labelledby": a,
		children: [
			/* @__PURE__ */ (0, d.jsx)("p", {
				id: a,
				className: "belisha_card_kind",
				children: e.kind === "card" ? t(`card_${e.card}`) : t(`card_${e.kind}`)
			}),
			e.kind === "post" && /* @__PURE__ */ (0, d.jsx)(B, {
				item: e,
				words: t,
				address: n,
				original: r
			}),
			e.kind === "result" && /* @__PURE__ */ (0, d.jsx)(V, {
				item: e,
				words: t,
				original: r
			}),
			e.kind === "card" && r
		]
	});
}
function B({ item: e, words: t, address: n, original: r }) {
	return /* @__PURE__ */ (0, d.jsxs)(d.Fragment, { children: [e.isLong ? /* @__PURE__ */ (0, d.jsxs)(d.Fragment, { children: [
		/* @__PURE__ */ (0, d.jsx)("p", {
			className: "belisha_card_title",
			children: e.title
		}),
		/* @__PURE__ */ (0, d.jsx)("p", { children: e.excerpt }),
		/* @__PURE__ */ (0, d.jsxs)("details", { children: [/* @__PURE__ */ (0, d.jsx)("summary", { children: t("post_here") }), r] })
	] }) : r, n !== void 0 && /* @__PURE__ */ (0, d.jsx)("p", { children: /* @__PURE__ */ (0, d.jsx)("a", {
		className: "belisha_card_link",
		href: n,
		target: "_blank",
		rel: "noopener noreferrer",
		children: t("post_portal")
	}) })] });
}
function V({ item: e, words: t, original: n }) {
	return /* @__PURE__ */ (0, d.jsxs)(d.Fragment, { children: [
		/* @__PURE__ */ (0, d.jsx)("p", {
			className: "belisha_card_title",
			children: e.question
		}),
		/* @__PURE__ */ (0, d.jsx)("p", { children: e.sentence }),
		/* @__PURE__ */ (0, d.jsx)("ul", {
			className: "belisha_bars",
			children: e.bars.map((e, t) => /* @__PURE__ */ (0, d.jsxs)("li", { children: [
				/* @__PURE__ */ (0, d.jsx)("span", { children: e.answer }),
				" ",
				/* @__PURE__ */ (0, d.jsx)("strong", { children: e.said }),
				/* @__PURE__ */ (0, d.jsx)("span", {
					className: "belisha_bar",
					"aria-hidden": "true",
					children: /* @__PURE__ */ (0, d.jsx)("span", { style: { width: `${String(e.share)}%` } })
				})
			] }, t))
		}),
		/* @__PURE__ */ (0, d.jsxs)("details", { children: [/* @__PURE__ */ (0, d.jsx)("summary", { children: t("result_all") }), n] })
	] });
}
// src/textBadge.ts
var H = "span[data-mx-bg-color]", U = ".mx_EventTile_body";
function W(e, t) {
	let n = `[${t}]`;
	for (let t of [e, ...e.querySelectorAll(U)]) {
		let r = G(t), i = r?.parentElement?.closest(H);
		if (i instanceof HTMLElement && e.contains(i) && i.textContent === n) return i.hidden = !0, !0;
		let a = r?.data.trimStart() ?? "";
		if (r !== null && a.startsWith(n)) return r.data = a.slice(n.length).trimStart(), !0;
	}
	return !1;
}
function G(e) {
	let t = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
	for (let e = t.nextNode(); e !== null; e = t.nextNode()) if (e instanceof Text && e.data.trim() !== "" && e.parentElement?.closest("[hidden]") === null) return e;
	return null;
}
// src/Item.tsx
function K({ shown: e, warning: t, item: n, address: r, words: i, original: s }) {
	let c = o(null), l = e.kind === "label" ? e.label.name : void 0;
	a(() => {
		let e = c.current;
		if (e === null || l === void 0) return;
		let t = {
			childList: !0,
			characterData: !0,
			subtree: !0
		}, n = new MutationObserver(() => {
			r();
		}), r = () => {
			n.disconnect(), W(e, l), n.observe(e, t);
		};
		return r(), () => {
			n.disconnect();
		};
	}, [l]);
	let u = /* @__PURE__ */ (0, d.jsx)("div", {
		ref: c,
		className: "belisha_item_content",
		children: s()
	});
	return /* @__PURE__ */ (0, d.jsxs)("div", {
		className: "belisha_item",
		children: [/* @__PURE__ */ (0, d.jsx)(L, {
			shown: e,
			words: i
		}), t === void 0 ? n === void 0 ? u : /* @__PURE__ */ (0, d.jsx)(z, {
			item: n,
			words: i,
			address: r,
			children: u
		}) : /* @__PURE__ */ (0, d.jsxs)("details", {
			className: "belisha_warning belisha_item_content",
			children: [/* @__PURE__ */ (0, d.jsx)("summary", { children: t === "" ? i("warning_alone") : i("warning", { words: t }) }), u]
		})]
	});
}
var q = class extends n {
	state = { failed: !1 };
	static getDerivedStateFromError() {
		return { failed: !0 };
	}
	render() {
		return this.state.failed ? this.props.original() : this.props.children;
	}
}, ie = "org.belisha.room", J = [
	"open",
	"closed",
	"named",
	"service",
	"space"
], Y = "RoomState.events", ae = class {
	api;
	constructor(e) {
		this.api = e;
	}
	of(e) {
		try {
			let t = this.sdkRoom(e)?.currentState, n = t?.getStateEvents("m.room.encryption", "") != null;
			return oe(t?.getStateEvents(ie, "")?.getContent(), n);
		} catch {
			return;
		}
	}
	watch(e, t) {
		try {
			let n = this.sdkRoom(e);
			return n?.on(Y, t), () => {
				n?.off(Y, t);
			};
		} catch {
			return () => void 0;
		}
	}
	sdkRoom(e) {
		return this.api.client.getRoom(e)?.sdkRoom;
	}
};
function oe(e, t) {
	if (typeof e != "object" || !e) return;
	let n = e, r = J.find((e) => e === n.kind), [i, a] = [y(n.default), y(n.ceiling)];
	if (r === void 0 || i === void 0 || a === void 0) return;
	let o = [
		"frozen",
		"archived",
		"replaced"
	].some((e) => (n[e] ?? !1) !== !1);
	return {
		kind: r,
		default: t ? a : i,
		ceiling: a,
		purpose: n.purpose,
		isClosed: o
	};
}
// src/Preview.tsx
function se({ expected: e, words: t }) {
	if (e.kind === "unknown") return /* @__PURE__ */ (0, d.jsx)("p", {
		className: "belisha_preview",
		children: t("preview_unknown")
	});
	if (e.kind === "wrong") return /* @__PURE__ */ (0, d.jsxs)("p", {
		className: "belisha_preview",
		children: ["⚠ ", t("preview_wrong", { word: e.word })]
	});
	if (e.kind === "above") {
		let n = t("preview_above", {
			label: e.label.name,
			ceiling: e.ceiling.name
		});
		return /* @__PURE__ */ (0, d.jsxs)("p", {
			className: "belisha_preview",
			children: ["⚠ ", n]
		});
	}
	let { label: n } = e;
	return /* @__PURE__ */ (0, d.jsxs)("p", {
		className: "belisha_preview",
		children: [
			/* @__PURE__ */ (0, d.jsx)("span", {
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
var ce = "\n.belisha_item { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; }\n.belisha_item_content { flex: 1 1 12em; min-width: 0; }\n.belisha_badge { font: inherit; font-size: 0.75em; font-weight: 600; line-height: 1.4; letter-spacing: 0.02em; white-space: nowrap;\n  min-height: 24px; padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; cursor: help; }\n.belisha_badge:focus-visible { outline: 2px solid #fff; box-shadow: 0 0 0 5px #000; }\n.belisha_badge_missing { color: #000; background: #ffd9d6; border: 2px dashed #a30000; }\n.belisha_tip { position: fixed; inset: auto; margin: 0; box-sizing: border-box; width: max-content; max-width: min(26rem, calc(100vw - 16px));\n  max-height: calc(100vh - 16px); overflow: auto; padding: 10px 12px; border: 1px solid #767676; border-radius: 8px; background: #000;\n  color: #fff; font-size: 0.875rem; line-height: 1.4; text-align: start; }\n.belisha_tip p, .belisha_tip li { font-size: inherit; }\n.belisha_tip p { margin: 0 0 6px; }\n.belisha_tip ul { margin: 0 0 6px; padding-inline-start: 1.1em; list-style: disc; }\n.belisha_chip { cursor: pointer; max-width: 40vw; overflow: hidden; text-overflow: ellipsis; }\n.belisha_action { display: inline-block; box-sizing: border-box; min-height: 24px; padding: 4px 8px; border: 1px solid #fff; border-radius: 4px; background: #000; color: #fff;\n  font: inherit; text-decoration: underline; cursor: pointer; }\n.belisha_action:focus-visible { outline: 2px solid #ffc000; outline-offset: 2px; }\n.belisha_card { flex: 1 1 12em; min-width: 0; box-sizing: border-box; max-width: 42rem; padding: 8px 12px; border: 1px solid #767676; border-inline-start-width: 4px;\n  border-radius: 8px; overflow-wrap: anywhere; }\n.belisha_card > p { margin: 0 0 6px; }\n.belisha_card_kind { font-size: 0.75rem; font-weight: 600; }\n.belisha_card_title { font-size: 1.125rem; font-weight: 600; }\n.belisha_card summary { cursor: pointer; min-height: 24px; }\n.belisha_card_link { display: inline-block; min-height: 24px; color: inherit; text-decoration: underline; }\n.belisha_bars { list-style: none; margin: 0 0 6px; padding: 0; }\n.belisha_bars > li { margin: 0 0 6px; }\n.belisha_bar { display: block; height: 10px; border: 1px solid #767676; border-radius: 3px; overflow: hidden; }\n.belisha_bar > span { display: block; height: 100%; background: #767676; }\n.belisha_preview { margin: 4px 0; font-size: 0.875rem; line-height: 1.4; overflow-wrap: anywhere; }\n.belisha_preview_label { padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; font-weight: 600; white-space: nowrap; }\n.belisha_warning > summary { cursor: pointer; font-weight: 600; min-height: 24px; overflow-wrap: anywhere; }\n";
function le() {
	let e = "belisha_style";
	if (document.getElementById(e) === null) {
		let t = document.createElement("style");
		t.id = e, t.textContent = ce, document.head.append(t);
	}
}
// src/warning.ts
var ue = /^(?:[[(]?tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])]?\s*)*/i, de = /^CW:[ \t]*/i, fe = / [—–|-] |\. |[.!?]$/, pe = 80;
function me(e) {
	let t = e.content.body;
	if (typeof t != "string") return;
	let n = t.replace(ue, ""), r = de.exec(n);
	if (r === null) return;
	let [i = "", ...a] = n.slice(r[0].length).split("\n"), o = typeof e.content.url == "string" || typeof e.content.file == "object", s = fe.exec(i);
	return (a.some((e) => e.trim() !== "") || o ? i : s === null ? "" : i.slice(0, s.index)).trim().slice(0, pe);
}
// src/words.ts
var X = {
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
	preview_above: "%(label)s is stricter than what this room can carry (%(ceiling)s), and would be refused. Start a direct chat with exactly those people instead.",
	kind_open: "Open",
	kind_open_why: "An open group: every member of the community may join it and read it.",
	kind_closed: "Closed",
	kind_closed_why: "A closed group: its members are those who were let in.",
	kind_named: "Named",
	kind_named_why: "A room of named people: nobody else comes in, and no bot.",
	kind_service: "Service",
	kind_service_why: "Between one member and the steward bot.",
	kind_space: "Space",
	kind_space_why: "A space: it lists groups, and has no messages.",
	chip: "This room: %(room)s",
	chip_title: "What this room carries",
	chip_default: "A message without a label gets",
	chip_ceiling: "At the strictest it carries",
	chip_closed: "Nothing can be written here now.",
	chip_seen: "That is what the newest messages shown here say.",
	who: "Who can see this",
	who_portal: "Who can see this, on the portal",
	who_members: "Who can see this: exactly those in the list of its members.",
	card_post: "Post",
	post_here: "Read it here",
	post_portal: "On the portal, with its versions and comments",
	card_result: "Result of a poll",
	result_all: "All of it, in words",
	card_report: "Report",
	card_waiting: "Somebody waits to be let in",
	card_question: "A question to you",
	card_alert: "A file was stopped",
	card_announcement: "Announcement",
	portal: "Portal",
	portal_why: "Groups, polls, posts and documents of this community, in a new tab"
}, Z = "org.belisha|";
for (let e of h) {
	X[`${e.name}.who`] = e.who, X[`${e.name}.stricter`] = e.stricter;
	for (let [t, n] of e.may.entries()) X[`${e.name}.may.${String(t)}`] = `${n.act}: ${n.answer}`;
}
function Q(e) {
	let t = Object.entries(X).map(([e, t]) => [Z + e, {
		en: t,
		"en-GB": t
	}]);
	return e.register(Object.fromEntries(t)), (t, n = {}) => {
		let r = Z + t, i = e.translate(r, n);
		return i === r ? he(t, n) : i;
	};
}
function he(e, t = {}) {
	return (X[e] ?? e).replace(/%\((\w+)\)s/g, (e, n) => t[n] ?? "");
}
// src/index.tsx
var ge = class {
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
		le();
		let e = Q(this.api.i18n), t = new w(), n = new ae(this.api), r = this.portal();
		this.api.customComponents.registerMessageRenderer((e) => (t.note(e), v(e).kind !== "nothing"), ({ mxEvent: t }, i) => {
			if (i === void 0) throw Error("Element shows nothing of this event");
			let a = () => i(), o = [t.roomId, t.eventId].map(encodeURIComponent).join("/");
			return /* @__PURE__ */ (0, d.jsx)(q, {
				original: a,
				children: /* @__PURE__ */ (0, d.jsx)(K, {
					shown: v(t),
					warning: me(t),
					item: k(t, n.of(t.roomId)),
					address: r === void 0 ? void 0 : `${r}/blog/${o}`,
					words: e,
					original: a
				})
			});
		}), $("what a message would be labelled", () => {
			this.previewLabels(t, n, e);
		}), $("what a room carries, in its header", () => {
			this.showChip(t, n, r, e);
		}), $("the portal", () => {
			r !== void 0 && this.showPortal(r, e);
		});
	}
	previewLabels(e, t, n) {
		this.api.customComponents.registerComposerPreview((e) => e.trim() !== "" && !e.startsWith("/"), (r, i) => {
			let a = () => i(r), { text: o, roomId: s, relation: c } = r, l = e.expected(o, s, c?.inReplyToEventId, t.of(s));
			return /* @__PURE__ */ (0, d.jsxs)(q, {
				original: a,
				children: [/* @__PURE__ */ (0, d.jsx)(se, {
					expected: l,
					words: n
				}), a()]
			});
		});
	}
	showChip(e, t, n, r) {
		let i = /* @__PURE__ */ new Map();
		this.api.extras.addRoomHeaderButtonCallback((a) => {
			let o = i.get(a) ?? /* @__PURE__ */ (0, d.jsx)(q, {
				original: () => /* @__PURE__ */ (0, d.jsx)(d.Fragment, {}),
				children: /* @__PURE__ */ (0, d.jsx)(f, {
					know: () => ({
						policy: t.of(a),
						default: e.defaultOf(a)
					}),
					watch: (n) => _e(t.watch(a, n), e.watch(n)),
					way: () => n === void 0 ? void 0 : this.wayTo(n, a),
					words: r
				})
			}, "org.belisha.chip");
			return i.set(a, o), o;
		});
	}
	wayTo(e, t) {
		try {
			let n = this.api.widget.getWidgetsInRoom(t).find((t) => t.url.startsWith(`${e}/widget?`));
			if (n !== void 0) return {
				kind: "widget",
				open: () => {
					this.api.widget.moveAppToContainer(n, "top", t);
				}
			};
		} catch (e) {
			console.warn("The Belisha module sees no widgets", e);
		}
		return {
			kind: "portal",
			address: `${e}/write?room=${encodeURIComponent(t)}#who`
		};
	}
	portal() {
		try {
			let e = this.api.config.get("branding")?.logo_link_url;
			return e !== void 0 && /^https?:\/\//.test(e) ? e.replace(/\/+$/, "") : void 0;
		} catch {
			return;
		}
	}
	showPortal(e, t) {
		this.api.extras.setSpacePanelItem("org.belisha.portal", {
			label: t("portal"),
			tooltip: t("portal_why"),
			icon: /* @__PURE__ */ (0, d.jsx)(ve, {}),
			onSelected: () => {
				window.open(e, "_blank", "noopener,noreferrer");
			}
		});
	}
};
function $(e, t) {
	try {
		t();
	} catch (t) {
		console.warn(`The Belisha module does without ${e}`, t);
	}
}
function _e(e, t) {
	return () => {
		e(), t();
	};
}
function ve() {
	return /* @__PURE__ */ (0, d.jsxs)("svg", {
		viewBox: "0 0 24 24",
		width: "24",
		height: "24",
		"aria-hidden": "true",
		children: [/* @__PURE__ */ (0, d.jsx)("circle", {
			cx: "12",
			cy: "8",
			r: "6",
			fill: "#ffc000",
			stroke: "#000"
		}), /* @__PURE__ */ (0, d.jsx)("path", {
			d: "M11 14h2v9h-2z",
			fill: "#767676"
		})]
	});
}
export { ge as default };
