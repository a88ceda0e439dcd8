// \0rolldown/runtime.js
var e = (e, t) => () => (t || (e((t = { exports: {} }).exports, t, t.exports), e = null), t.exports);
// src/approve.ts
function t(e, t, n, r) {
	if (e.templateUrl !== `${n}/widget?widgetId=$matrix_widget_id&room=$matrix_room_id` || e.type !== "m.custom" || e.origin !== new URL(n).origin || e.roomId === void 0) return;
	let i = r(e.roomId)?.kind;
	if (i !== "open" && i !== "closed") return;
	let a = /* @__PURE__ */ new Set([
		"org.matrix.msc2762.send.event:m.room.message",
		`org.matrix.msc2762.timeline:${e.roomId}`,
		"org.matrix.msc4039.upload_file"
	]);
	return [...t].every((e) => a.has(e)) ? new Set(t) : void 0;
}
// src/hostReact.ts
var n = { Component: Object }, { Component: r, useEffect: i, useId: a, useLayoutEffect: o, useRef: s, useState: c } = window.React ?? n, l = 8;
function u(e, t) {
	let n = t.getBoundingClientRect(), r = e.getBoundingClientRect(), i = n.bottom + r.height + l <= window.innerHeight ? n.bottom : Math.max(l, n.top - r.height);
	e.style.top = `${String(i)}px`, e.style.left = `${String(Math.max(l, Math.min(n.left, window.innerWidth - r.width - l)))}px`;
}
// node_modules/react/cjs/react-jsx-runtime.production.js
var d = /* @__PURE__ */ e(((e) => {
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
})), f = (/* @__PURE__ */ e(((e, t) => {
	t.exports = d();
})))();
function p({ know: e, watch: t, way: n, words: r }) {
	let [o, l] = c(e), d = s(null), p = s(null), h = a();
	i(() => (l(e()), t(() => {
		l(e());
	})), [e, t]);
	let g = o.policy?.default ?? o.default;
	if (g === void 0) return null;
	let _ = o.policy === void 0 ? void 0 : r(`kind_${o.policy.kind}`), v = [_, g.name].filter((e) => e !== void 0).join(" · ");
	return /* @__PURE__ */ (0, f.jsxs)(f.Fragment, { children: [/* @__PURE__ */ (0, f.jsxs)("button", {
		ref: d,
		type: "button",
		className: "belisha_badge belisha_chip",
		style: { color: g.colour },
		popoverTarget: h,
		"aria-label": r("chip", { room: v }),
		children: [_ !== void 0 && /* @__PURE__ */ (0, f.jsxs)("span", {
			className: "belisha_chip_kind",
			children: [_, " · "]
		}), g.name]
	}), /* @__PURE__ */ (0, f.jsxs)("div", {
		ref: p,
		id: h,
		popover: "auto",
		role: "dialog",
		"aria-label": r("chip_title"),
		className: "belisha_tip",
		onToggle: () => {
			p.current !== null && d.current !== null && u(p.current, d.current);
		},
		children: [/* @__PURE__ */ (0, f.jsx)(m, {
			known: o,
			label: g,
			words: r
		}), /* @__PURE__ */ (0, f.jsx)(ee, {
			known: o,
			way: n,
			words: r,
			close: () => {
				p.current?.hidePopover();
			}
		})]
	})] });
}
function m({ known: { policy: e }, label: t, words: n }) {
	return /* @__PURE__ */ (0, f.jsxs)(f.Fragment, { children: [
		e !== void 0 && /* @__PURE__ */ (0, f.jsx)("p", { children: n(`kind_${e.kind}_why`) }),
		/* @__PURE__ */ (0, f.jsxs)("p", { children: [
			n("chip_default"),
			" ",
			/* @__PURE__ */ (0, f.jsx)("strong", {
				style: { color: t.colour },
				children: t.name
			}),
			" – ",
			n(`${t.name}.who`)
		] }),
		e !== void 0 && /* @__PURE__ */ (0, f.jsxs)("p", { children: [
			n("chip_ceiling"),
			" ",
			/* @__PURE__ */ (0, f.jsx)("strong", {
				style: { color: e.ceiling.colour },
				children: e.ceiling.name
			})
		] }),
		e?.isClosed === !0 && /* @__PURE__ */ (0, f.jsx)("p", { children: n("chip_closed") }),
		e === void 0 && /* @__PURE__ */ (0, f.jsx)("p", { children: n("chip_seen") })
	] });
}
function ee({ known: e, way: t, words: n, close: r }) {
	if (e.policy !== void 0 && e.policy.kind !== "open" && e.policy.kind !== "closed") return e.policy.kind === "space" ? null : /* @__PURE__ */ (0, f.jsx)("p", { children: n("who_members") });
	let i = t();
	return i === void 0 ? /* @__PURE__ */ (0, f.jsx)("p", { children: n("who_members") }) : i.kind === "widget" ? /* @__PURE__ */ (0, f.jsx)("button", {
		type: "button",
		className: "belisha_action",
		onClick: () => {
			r(), i.open();
		},
		children: n("who")
	}) : /* @__PURE__ */ (0, f.jsx)("a", {
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
var te = 2e3, x = /^[\s([{"'“‘«»\p{Extended_Pictographic}\uFE0F\u200D]*tlp(?::[ ]?|[- ])([a-z]+(?:[+ -]strict(?![\w-]))?)/iu;
function S(e) {
	let t = e.trimEnd().split("\n"), n = t[t.length - 1] ?? "", r = [x.exec(e), x.exec(n)].filter((e, t) => e !== null && (t === 0 || /^[\])}."'\s]*$/.test(n.slice(e[0].length)))), i;
	for (let e of r) {
		let t = (e?.[1] ?? "").toUpperCase().replace(/[ -]STRICT$/, "+STRICT").replace(/^WHITE$/, "CLEAR"), n = y(`TLP:${t}`);
		if (n === void 0) return { wrong: `TLP:${t}` };
		i = w(i, n);
	}
	return i;
}
var C = class {
	defaults = /* @__PURE__ */ new Map();
	items = /* @__PURE__ */ new Map();
	watching = /* @__PURE__ */ new Set();
	note(e) {
		let t = v(e);
		if (t.kind !== "label") return;
		this.items.delete(e.eventId), this.items.set(e.eventId, t.label);
		let [n] = this.items.keys();
		this.items.size > te && n !== void 0 && this.items.delete(n);
		let r = this.defaults.get(e.roomId);
		ne(e) && (r === void 0 || r.at <= e.originServerTs) && (this.defaults.set(e.roomId, {
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
		let i = S(e);
		if (i !== void 0 && "wrong" in i) return {
			kind: "wrong",
			word: i.wrong
		};
		let a = n === void 0 ? void 0 : this.items.get(n);
		if (n !== void 0 && a === void 0) return { kind: "unknown" };
		let o = w(i, a);
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
function w(e, t) {
	return e === void 0 || t === void 0 ? e ?? t : b(t, e) ? t : e;
}
function ne(e) {
	let t = (e.isEncrypted === !0 ? e.wireContent : e.content)?.[g];
	return typeof t == "object" && !!t && "by" in t && t.by === "room";
}
// src/drawn.ts
var T = "org.belisha.card", re = {
	"org.belisha.waiting": "waiting",
	"org.belisha.question": "question",
	"org.belisha.alert": "alert"
}, ie = /^@belisha_[^:]*:/, ae = /^[\s[(]*tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])\s]*$/i, E = 200, D = 280;
function O(e, t) {
	if (e.type === "m.room.message" && e.stateKey === void 0) {
		if (ie.test(e.sender)) return k(e.content);
		if (!(t === void 0 || N(e.content))) return t.purpose === "announcements" ? {
			kind: "card",
			card: "announcement"
		} : t.purpose === "blog" ? A(e.content) : void 0;
	}
}
function k(e) {
	if (e[T] === "result") return j(e.formatted_body) ?? {
		kind: "card",
		card: "result"
	};
	if (e[T] === "report") return {
		kind: "card",
		card: "report"
	};
	let [, t] = Object.entries(re).find(([t]) => t in e) ?? [];
	return t === void 0 ? void 0 : {
		kind: "card",
		card: t
	};
}
function A(e) {
	if (e.msgtype !== "m.text" || typeof e.formatted_body != "string") return;
	let { body: t } = new DOMParser().parseFromString(e.formatted_body, "text/html"), n = t.querySelector("h1, h2, h3, h4, h5, h6"), r = P(n?.textContent).replace(/^\[TLP:[A-Z+]+\]\s*/, "");
	if (n === null || r === "") return;
	let i = t.ownerDocument.createRange();
	i.setStart(t, 0), i.setEndBefore(n);
	let a = P(i.toString());
	if (a !== "" && !ae.test(a)) return;
	i.setStartAfter(n), i.setEndAfter(t);
	let o = P(i.toString()), s = o.length > D;
	return {
		kind: "post",
		title: F(r, E),
		excerpt: F(o, D),
		isLong: s
	};
}
function j(e) {
	if (typeof e != "string") return;
	let { body: t } = new DOMParser().parseFromString(e, "text/html"), n = [...t.querySelectorAll("p")].find((e) => e.querySelector("strong") !== null), r = n?.nextElementSibling, i = [...t.querySelectorAll("tbody tr")].map((e) => M([...e.children].map((e) => P(e.textContent))));
	if (!(n === void 0 || r?.tagName !== "P" || i.length === 0 || i.includes(void 0))) return {
		kind: "result",
		question: P(n.querySelector("strong")?.textContent),
		sentence: P(r.textContent),
		bars: i.filter((e) => e !== void 0)
	};
}
function M([e = "", t = "", n = ""]) {
	let r = /^(\d{1,3})\s?%$/.exec(n);
	return r === null || !/^\d+$/.test(t) ? void 0 : {
		answer: e,
		said: `${t} (${n})`,
		share: Math.min(100, Number(r[1]))
	};
}
function N(e) {
	let t = e["m.relates_to"];
	return typeof t == "object" && !!t && ("rel_type" in t || "m.in_reply_to" in t);
}
function P(e) {
	return (e ?? "").replace(/\s+/g, " ").trim();
}
function F(e, t) {
	return e.length <= t ? e : `${e.slice(0, t).replace(/\s+\S*$/, "")} …`;
}
// src/Badge.tsx
function I({ shown: e, words: t }) {
	let [n, r] = c(!1), i = s(null), l = s(null), d = a();
	if (o(() => {
		let [e, t] = [i.current, l.current];
		if (!n || e === null || t === null) return;
		t.showPopover(), u(t, e);
		let a = (e) => {
			e.key === "Escape" && (e.stopPropagation(), r(!1));
		}, o = (n) => {
			n.target !== t && u(t, e);
		};
		return document.addEventListener("keydown", a, !0), document.addEventListener("scroll", o, !0), () => {
			document.removeEventListener("keydown", a, !0), document.removeEventListener("scroll", o, !0);
		};
	}, [n]), e.kind === "nothing") return null;
	let p = e.kind === "label" ? e.label : void 0;
	return /* @__PURE__ */ (0, f.jsxs)("span", {
		onMouseEnter: () => {
			r(!0);
		},
		onMouseLeave: () => {
			r(!1);
		},
		children: [/* @__PURE__ */ (0, f.jsx)("button", {
			ref: i,
			type: "button",
			className: p === void 0 ? "belisha_badge belisha_badge_missing" : "belisha_badge",
			style: p === void 0 ? {} : { color: p.colour },
			"aria-label": p === void 0 ? t("missing") : t("badge", { label: p.name }),
			"aria-describedby": n ? d : void 0,
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
		}), n && /* @__PURE__ */ (0, f.jsx)("div", {
			ref: l,
			id: d,
			role: "tooltip",
			className: "belisha_tip",
			popover: "manual",
			children: p === void 0 ? /* @__PURE__ */ (0, f.jsx)("p", { children: t("missing_why") }) : /* @__PURE__ */ (0, f.jsx)(L, {
				label: p,
				words: t
			})
		})]
	});
}
function L({ label: e, words: t }) {
	return /* @__PURE__ */ (0, f.jsxs)(f.Fragment, { children: [
		/* @__PURE__ */ (0, f.jsxs)("p", { children: [
			/* @__PURE__ */ (0, f.jsx)("strong", {
				style: { color: e.colour },
				children: e.name
			}),
			" – ",
			t(`${e.name}.who`)
		] }),
		/* @__PURE__ */ (0, f.jsx)("ul", { children: e.may.map((n, r) => /* @__PURE__ */ (0, f.jsx)("li", { children: t(`${e.name}.may.${String(r)}`) }, n.act)) }),
		/* @__PURE__ */ (0, f.jsx)("p", { children: t(`${e.name}.stricter`) })
	] });
}
// src/Frame.tsx
function R({ item: e, words: t, address: n, children: r }) {
	let i = a();
	return /* @__PURE__ */ (0, f.jsxs)("article", {
		className: "belisha_card",
		"aria-labelledby": i,
		children: [
			/* @__PURE__ */ (0, f.jsx)("p", {
				id: i,
				className: "belisha_card_kind",
				children: e.kind === "card" ? t(`card_${e.card}`) : t(`card_${e.kind}`)
			}),
			e.kind === "post" && /* @__PURE__ */ (0, f.jsx)(z, {
				item: e,
				words: t,
				address: n,
				original: r
			}),
			e.kind === "result" && /* @__PURE__ */ (0, f.jsx)(B, {
				item: e,
				words: t,
				original: r
			}),
			e.kind === "card" && r
		]
	});
}
function z({ item: e, words: t, address: n, original: r }) {
	return /* @__PURE__ */ (0, f.jsxs)(f.Fragment, { children: [e.isLong ? /* @__PURE__ */ (0, f.jsxs)(f.Fragment, { children: [
		/* @__PURE__ */ (0, f.jsx)("p", {
			className: "belisha_card_title",
			children: e.title
		}),
		/* @__PURE__ */ (0, f.jsx)("p", { children: e.excerpt }),
		/* @__PURE__ */ (0, f.jsxs)("details", { children: [/* @__PURE__ */ (0, f.jsx)("summary", { children: t("post_here") }), r] })
	] }) : r, n !== void 0 && /* @__PURE__ */ (0, f.jsx)("p", { children: /* @__PURE__ */ (0, f.jsx)("a", {
		className: "belisha_card_link",
		href: n,
		target: "_blank",
		rel: "noopener noreferrer",
		children: t("post_portal")
	}) })] });
}
function B({ item: e, words: t, original: n }) {
	return /* @__PURE__ */ (0, f.jsxs)(f.Fragment, { children: [
		/* @__PURE__ */ (0, f.jsx)("p", {
			className: "belisha_card_title",
			children: e.question
		}),
		/* @__PURE__ */ (0, f.jsx)("p", { children: e.sentence }),
		/* @__PURE__ */ (0, f.jsx)("ul", {
			className: "belisha_bars",
			children: e.bars.map((e, t) => /* @__PURE__ */ (0, f.jsxs)("li", { children: [
				/* @__PURE__ */ (0, f.jsx)("span", { children: e.answer }),
				" ",
				/* @__PURE__ */ (0, f.jsx)("strong", { children: e.said }),
				/* @__PURE__ */ (0, f.jsx)("span", {
					className: "belisha_bar",
					"aria-hidden": "true",
					children: /* @__PURE__ */ (0, f.jsx)("span", { style: { width: `${String(e.share)}%` } })
				})
			] }, t))
		}),
		/* @__PURE__ */ (0, f.jsxs)("details", { children: [/* @__PURE__ */ (0, f.jsx)("summary", { children: t("result_all") }), n] })
	] });
}
// src/textBadge.ts
var V = "span[data-mx-bg-color]", H = ".mx_EventTile_body";
function U(e, t) {
	let n = `[${t}]`;
	for (let t of [e, ...e.querySelectorAll(H)]) {
		let r = W(t), i = r?.parentElement?.closest(V);
		if (i instanceof HTMLElement && e.contains(i) && i.textContent === n) return i.hidden = !0, !0;
		let a = r?.data.trimStart() ?? "";
		if (r !== null && a.startsWith(n)) return r.data = a.slice(n.length).trimStart(), !0;
	}
	return !1;
}
function W(e) {
	let t = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
	for (let e = t.nextNode(); e !== null; e = t.nextNode()) if (e instanceof Text && e.data.trim() !== "" && e.parentElement?.closest("[hidden]") === null) return e;
	return null;
}
// src/Item.tsx
function G({ shown: e, warning: t, item: n, address: r, words: i, original: a }) {
	let c = s(null), l = e.kind === "label" ? e.label.name : void 0;
	o(() => {
		let e = c.current;
		if (e === null || l === void 0) return;
		let t = {
			childList: !0,
			characterData: !0,
			subtree: !0
		}, n = new MutationObserver(() => {
			r();
		}), r = () => {
			n.disconnect(), U(e, l), n.observe(e, t);
		};
		return r(), () => {
			n.disconnect();
		};
	}, [l]);
	let u = /* @__PURE__ */ (0, f.jsx)("div", {
		ref: c,
		className: "belisha_item_content",
		children: a()
	});
	return /* @__PURE__ */ (0, f.jsxs)("div", {
		className: "belisha_item",
		children: [/* @__PURE__ */ (0, f.jsx)(I, {
			shown: e,
			words: i
		}), t === void 0 ? n === void 0 ? u : /* @__PURE__ */ (0, f.jsx)(R, {
			item: n,
			words: i,
			address: r,
			children: u
		}) : /* @__PURE__ */ (0, f.jsxs)("details", {
			className: "belisha_warning belisha_item_content",
			children: [/* @__PURE__ */ (0, f.jsx)("summary", { children: t === "" ? i("warning_alone") : i("warning", { words: t }) }), u]
		})]
	});
}
var K = class extends r {
	state = { failed: !1 };
	static getDerivedStateFromError() {
		return { failed: !0 };
	}
	render() {
		return this.state.failed ? this.props.original() : this.props.children;
	}
}, q = "org.belisha.room", J = [
	"open",
	"closed",
	"named",
	"service",
	"space"
], Y = "RoomState.events", oe = class {
	api;
	constructor(e) {
		this.api = e;
	}
	of(e) {
		try {
			let t = this.sdkRoom(e)?.currentState, n = t?.getStateEvents("m.room.encryption", "") != null;
			return se(t?.getStateEvents(q, "")?.getContent(), n);
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
function se(e, t) {
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
function ce({ expected: e, words: t }) {
	if (e.kind === "unknown") return /* @__PURE__ */ (0, f.jsx)("p", {
		className: "belisha_preview",
		children: t("preview_unknown")
	});
	if (e.kind === "wrong") return /* @__PURE__ */ (0, f.jsxs)("p", {
		className: "belisha_preview",
		children: ["⚠ ", t("preview_wrong", { word: e.word })]
	});
	if (e.kind === "above") {
		let n = t("preview_above", {
			label: e.label.name,
			ceiling: e.ceiling.name
		});
		return /* @__PURE__ */ (0, f.jsxs)("p", {
			className: "belisha_preview",
			children: ["⚠ ", n]
		});
	}
	let { label: n } = e;
	return /* @__PURE__ */ (0, f.jsxs)("p", {
		className: "belisha_preview",
		children: [
			/* @__PURE__ */ (0, f.jsx)("span", {
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
var le = "\n.belisha_item { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; }\n.belisha_item_content { flex: 1 1 12em; min-width: 0; }\n.belisha_badge { font: inherit; font-size: 0.75em; font-weight: 600; line-height: 1.4; letter-spacing: 0.02em; white-space: nowrap;\n  min-height: 24px; padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; cursor: help; }\n.belisha_badge:focus-visible { outline: 2px solid #fff; box-shadow: 0 0 0 5px #000; }\n.belisha_badge_missing { color: #000; background: #ffd9d6; border: 2px dashed #a30000; }\n.belisha_tip { position: fixed; inset: auto; margin: 0; box-sizing: border-box; width: max-content; max-width: min(26rem, calc(100vw - 16px));\n  max-height: calc(100vh - 16px); overflow: auto; padding: 10px 12px; border: 1px solid #767676; border-radius: 8px; background: #000;\n  color: #fff; font-size: 0.875rem; line-height: 1.4; text-align: start; }\n.belisha_tip p, .belisha_tip li { font-size: inherit; }\n.belisha_tip p { margin: 0 0 6px; }\n.belisha_tip ul { margin: 0 0 6px; padding-inline-start: 1.1em; list-style: disc; }\n.belisha_chip { cursor: pointer; flex: none; }\n@media (max-width: 600px) { .belisha_chip_kind { display: none; } }\n.belisha_action { display: inline-block; box-sizing: border-box; min-height: 24px; padding: 4px 8px; border: 1px solid #fff; border-radius: 4px; background: #000; color: #fff;\n  font: inherit; text-decoration: underline; cursor: pointer; }\n.belisha_action:focus-visible { outline: 2px solid #ffc000; outline-offset: 2px; }\n.belisha_card { flex: 1 1 12em; min-width: 0; box-sizing: border-box; max-width: 42rem; padding: 8px 12px; border: 1px solid #767676; border-inline-start-width: 4px;\n  border-radius: 8px; overflow-wrap: anywhere; }\n.belisha_card > p { margin: 0 0 6px; }\n.belisha_card_kind { font-size: 0.75rem; font-weight: 600; }\n.belisha_card_title { font-size: 1.125rem; font-weight: 600; }\n.belisha_card summary { cursor: pointer; min-height: 24px; }\n.belisha_card_link { display: inline-block; min-height: 24px; color: inherit; text-decoration: underline; }\n.belisha_bars { list-style: none; margin: 0 0 6px; padding: 0; }\n.belisha_bars > li { margin: 0 0 6px; }\n.belisha_bar { display: block; height: 10px; border: 1px solid #767676; border-radius: 3px; overflow: hidden; }\n.belisha_bar > span { display: block; height: 100%; background: #767676; }\n.belisha_preview { margin: 4px 0; font-size: 0.875rem; line-height: 1.4; overflow-wrap: anywhere; }\n.belisha_preview_label { padding: 1px 6px; border: 1px solid #767676; border-radius: 4px; background: #000; font-weight: 600; white-space: nowrap; }\n.belisha_warning > summary { cursor: pointer; font-weight: 600; min-height: 24px; overflow-wrap: anywhere; }\n";
function ue() {
	let e = "belisha_style";
	if (document.getElementById(e) === null) {
		let t = document.createElement("style");
		t.id = e, t.textContent = le, document.head.append(t);
	}
}
// src/warning.ts
var de = /^(?:[[(]?tlp[: -] ?(?:red|amber(?:[+ -]strict)?|green|clear|white)[\])]?\s*)*/i, fe = /^CW:[ \t]*/i, pe = / [—–|-] |\. |[.!?]$/, me = 80;
function he(e) {
	let t = e.content.body;
	if (typeof t != "string") return;
	let n = t.replace(de, ""), r = fe.exec(n);
	if (r === null) return;
	let [i = "", ...a] = n.slice(r[0].length).split("\n"), o = typeof e.content.url == "string" || typeof e.content.file == "object", s = pe.exec(i);
	return (a.some((e) => e.trim() !== "") || o ? i : s === null ? "" : i.slice(0, s.index)).trim().slice(0, me);
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
function ge(e) {
	let t = Object.entries(X).map(([e, t]) => [Z + e, {
		en: t,
		"en-GB": t
	}]);
	return e.register(Object.fromEntries(t)), (t, n = {}) => {
		let r = Z + t, i = e.translate(r, n);
		return i === r ? _e(t, n) : i;
	};
}
function _e(e, t = {}) {
	return (X[e] ?? e).replace(/%\((\w+)\)s/g, (e, n) => t[n] ?? "");
}
// src/index.tsx
var Q = class {
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
		ue();
		let e = ge(this.api.i18n), n = new C(), r = new oe(this.api), i = this.portal();
		this.api.customComponents.registerMessageRenderer((e) => (n.note(e), v(e).kind !== "nothing"), ({ mxEvent: t }, n) => {
			if (n === void 0) throw Error("Element shows nothing of this event");
			let a = () => n(), o = [t.roomId, t.eventId].map(encodeURIComponent).join("/");
			return /* @__PURE__ */ (0, f.jsx)(K, {
				original: a,
				children: /* @__PURE__ */ (0, f.jsx)(G, {
					shown: v(t),
					warning: he(t),
					item: O(t, r.of(t.roomId)),
					address: i === void 0 ? void 0 : `${i}/blog/${o}`,
					words: e,
					original: a
				})
			});
		}), $("what a message would be labelled", () => {
			this.previewLabels(n, r, e);
		}), $("what a room carries, in its header", () => {
			this.showChip(n, r, i, e);
		}), i !== void 0 && ($("the portal", () => {
			this.showPortal(i, e);
		}), $("answering for the page for writing", () => {
			this.api.widgetLifecycle.registerCapabilitiesApprover((e, n) => t(e, n, i, (e) => r.of(e)));
		}));
	}
	previewLabels(e, t, n) {
		this.api.customComponents.registerComposerPreview((e) => e.trim() !== "" && !e.startsWith("/"), (r, i) => {
			let a = () => i(r), { text: o, roomId: s, relation: c } = r, l = e.expected(o, s, c?.inReplyToEventId, t.of(s));
			return /* @__PURE__ */ (0, f.jsxs)(K, {
				original: a,
				children: [/* @__PURE__ */ (0, f.jsx)(ce, {
					expected: l,
					words: n
				}), a()]
			});
		});
	}
	showChip(e, t, n, r) {
		let i = /* @__PURE__ */ new Map();
		this.api.extras.addRoomHeaderButtonCallback((a) => {
			let o = i.get(a) ?? /* @__PURE__ */ (0, f.jsx)(K, {
				original: () => /* @__PURE__ */ (0, f.jsx)(f.Fragment, {}),
				children: /* @__PURE__ */ (0, f.jsx)(p, {
					know: () => ({
						policy: t.of(a),
						default: e.defaultOf(a)
					}),
					watch: (n) => ve(t.watch(a, n), e.watch(n)),
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
			icon: /* @__PURE__ */ (0, f.jsx)(ye, {}),
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
function ve(e, t) {
	return () => {
		e(), t();
	};
}
function ye() {
	return /* @__PURE__ */ (0, f.jsxs)("svg", {
		viewBox: "0 0 24 24",
		width: "24",
		height: "24",
		"aria-hidden": "true",
		children: [/* @__PURE__ */ (0, f.jsx)("circle", {
			cx: "12",
			cy: "8",
			r: "6",
			fill: "#ffc000",
			stroke: "#000"
		}), /* @__PURE__ */ (0, f.jsx)("path", {
			d: "M11 14h2v9h-2z",
			fill: "#767676"
		})]
	});
}
export { Q as default };
