// SPDX-License-Identifier: MIT
// The page of `wavehand explain --html`: a list of connections and, for the chosen one, its ladder,
// the words of a segment's header, the state machine and a plot. Everything it shows is in the page.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
const read = (id) => JSON.parse($(id).textContent);

/** An element with attributes and children; text is never parsed as markup. */
function make(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// ------------------------------------------------------------------------------------- words

function duration(seconds) {
  if (!seconds) return "0";
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toPrecision(3)} ms`;
  if (seconds < 100) return `${seconds.toPrecision(3)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
const bytes = (n) => (n < 1e6 ? `${n} byte${n === 1 ? "" : "s"}` : n < 1e9 ? `${(n / 1e6).toFixed(2)} MB` : `${(n / 1e9).toFixed(2)} GB`);
const many = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const rate = (n) => (n >= 1e9 ? `${(n / 1e9).toPrecision(3)} Gbit/s` : n >= 1e6 ? `${(n / 1e6).toPrecision(3)} Mbit/s` : n >= 1e3 ? `${(n / 1e3).toPrecision(3)} kbit/s` : `${n} bit/s`);
const end = (e) => (e.address.includes(":") ? `[${e.address}]:${e.port}` : `${e.address}:${e.port}`);
const stateWords = (set) => (set.length >= 11 ? "any state" : set.length > 3 ? `one of ${set.length}` : set.join(" or "));
const relative = (number, first) => (first === null ? number : (number - first) >>> 0);

const FLAGS = {
  SYN: "SYN: opens; its number is where the sender begins to count",
  ACK: "ACK: the acknowledgement number counts",
  FIN: "FIN: the sender has said all it will",
  RST: "RST: the connection is at an end, at once",
  PSH: "PSH: hand the data to the program now",
  URG: "URG: urgent data are under way",
  ECE: "ECE: congestion was met (or, in a SYN, ECN is offered)",
  CWR: "CWR: the sender has slowed down",
};
const FATES = { unknown: "not seen to arrive", arrived: "arrived", lost: "lost on the path", refused: "arrived and was refused" };

// --------------------------------------------------------------------------------- the list

const summary = read("summary");
const machine = read("machine");
const connections = [...document.querySelectorAll("script.connection")].map((script) => JSON.parse(script.textContent));
const GRADES = ["failed", "troubled", "unknown", "open", "clean"];
let chosenVerdict = null;
let current = null;

function fillSummary() {
  const rows = Object.entries(summary.verdicts).map(([name, count]) => ({ name, count, ...summary.words[name] }));
  rows.sort((a, b) => GRADES.indexOf(a.grade) - GRADES.indexOf(b.grade) || b.count - a.count);
  $("verdicts").replaceChildren(...rows.map((row) => make("tr", { "data-verdict": row.name, "aria-pressed": "false" },
    make("td", { class: "number" }, String(row.count)),
    make("td", {}, make("span", { class: `grade ${row.grade}` }, row.grade)),
    make("td", {}, make("button", { class: "link", onclick: () => chooseVerdict(row.name) }, row.name)),
    make("td", { class: "wide" }, row.words))));
}

function chooseVerdict(name) {
  chosenVerdict = chosenVerdict === name ? null : name;
  for (const row of $("verdicts").children) row.setAttribute("aria-pressed", String(row.dataset.verdict === chosenVerdict));
  fillList();
}

let order = { key: null, down: false };
const KEYS = {
  number: (c) => c.number, ends: (c) => `${end(c.client)} ${end(c.server)}`,
  verdict: (c) => `${GRADES.indexOf(c.verdict.grade)} ${c.verdict.name}`, duration: (c) => c.duration, packets: (c) => c.packets,
};

function fillList() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = connections.filter((c) => {
    const text = `#${c.number} ${end(c.client)} ${end(c.server)} ${c.verdict.name} ${c.verdict.text}`.toLowerCase();
    return (!chosenVerdict || c.verdict.name === chosenVerdict) && words.every((word) => text.includes(word));
  });
  if (order.key) {
    const key = KEYS[order.key];
    shown.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (order.down ? -1 : 1));
  }
  $("rows").replaceChildren(...shown.map(listRow));
  const left = summary.left_out ? `; ${summary.left_out} more are not in this page` : "";
  $("count").textContent = `${shown.length} of ${many(connections.length, "connection")}${left}`;
}

function listRow(c) {
  const open = make("button", { class: "link", "aria-label": `connection ${c.number}, ${c.verdict.name}`, onclick: () => openConnection(c), onkeydown: moveInList }, `#${c.number}`);
  return make("tr", { "data-number": c.number, "aria-selected": String(current === c) },
    make("td", {}, open), make("td", { class: "mono" }, `${end(c.client)} → ${end(c.server)}`),
    make("td", {}, make("span", { class: `grade ${c.verdict.grade}` }, c.verdict.name)),
    make("td", {}, c.verdict.confidence), make("td", { class: "number" }, duration(c.duration)),
    make("td", { class: "number" }, String(c.packets)));
}

function moveInList(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...$("rows").querySelectorAll("button")];
  const next = buttons[buttons.indexOf(event.currentTarget) + step];
  if (next) { next.focus(); event.preventDefault(); }
}

// ---------------------------------------------------------------------------- a connection

function openConnection(c) {
  current = c;
  for (const row of $("rows").children) row.setAttribute("aria-selected", String(Number(row.dataset.number) === c.number));
  $("detail").replaceChildren(
    make("h2", { id: "title", tabindex: "-1" }, `#${c.number} ${end(c.client)} → ${end(c.server)}`),
    make("p", { class: "verdict" }, make("span", { class: `grade ${c.verdict.grade}` }, c.verdict.name), ` (${c.verdict.confidence}) `),
    verdictText(c), make("p", { class: "quiet" }, `${c.verdict.section}${c.verdict.section ? " · " : ""}began ${c.began}`),
    make("div", { class: "split" }, ladder(c), make("aside", { class: "panel", id: "panel", "aria-live": "polite" }, make("h3", {}, "A segment, or a state"),
      make("p", { class: "quiet" }, "Point at a line for its header in words; choose a state for the arc that led to it. Arrow keys move between lines."))),
    plot(c), metrics(c));
  $("title").focus();
}

/** The sentence, its packets as buttons that lead to their lines. */
function verdictText(c) {
  const parts = c.verdict.text.split(/(packet \d+(?: of file \d+)?)/);
  return make("p", { class: "verdict", id: "sentence" }, ...parts.map((part) => {
    const packet = /^packet (\d+)(?: of file (\d+))?$/.exec(part);
    if (!packet) return part;
    return make("button", { class: "link", onclick: () => jump(Number(packet[1]), packet[2] ? packet[2] - 1 : null) }, part);
  }));
}

function jump(number, file) {
  const rungs = [...document.querySelectorAll(".rung[data-packet]")];
  const found = rungs.find((rung) => Number(rung.dataset.packet) <= number && number <= Number(rung.dataset.last) &&
    (file === null || Number(rung.dataset.file) === file));
  if (found) found.querySelector(".segment").focus();
}

function ladder(c) {
  let before = null;
  const rungs = (c.ladder || []).map((line) => {
    const row = rungRow(c, line, before);
    if (line.kind !== "left-out") before = line.states;
    return row;
  });
  return make("div", { class: "ladder", role: "list", "aria-label": "ladder of segments" },
    make("div", { class: "rung head" }, make("span", {}, "packet"), make("span", { class: "when" }, "seconds"), make("span", {}, "client"), make("span", {}, ""), make("span", {}, "server")),
    ...rungs);
}

function rungWords(c, line) {
  if (line.kind === "left-out") return `${line.packets} packets left out here`;
  if (line.kind === "icmp") return "ICMP error";
  if (line.kind === "fold") {
    const sent = [line.client_bytes, line.server_bytes].filter(Boolean).map(bytes).join(" and ");
    return sent ? `${sent} in ${many(line.segments, "segment")}` : `${line.acks} acknowledgements`;
  }
  const from = line.from === "client" ? 0 : 1;
  const shown = line.flags.filter((flag) => flag !== "PSH");
  const name = line.length && !shown.some((flag) => "SYN FIN RST".includes(flag)) ? "DATA" : shown.join("+") || "no flags";
  const ack = line.flags.includes("ACK") ? ` ack ${relative(line.ack, c.first[1 - from])}` : "";
  return `${name} seq ${relative(line.seq, c.first[from])}${ack}${line.length ? ` · ${bytes(line.length)}` : ""}`;
}

const colourOf = (line) => {
  if (line.kind !== "segment") return "seg-data";
  const flag = ["RST", "SYN", "FIN"].find((name) => line.flags.includes(name));
  return flag ? `seg-${flag}` : line.length ? "seg-data" : "seg-ack";
};

function rungRow(c, line, before) {
  const right = line.from === "client";
  const both = line.kind === "fold" && line.client_bytes > 0 && line.server_bytes > 0;
  const words = rungWords(c, line);
  const notes = [line.mark && summary.marks[line.mark], line.fate === "lost" ? "lost on the path" : "",
    line.sent_again ? `${line.sent_again} sent again` : "", line.out_of_order ? `${line.out_of_order} out of order` : "",
    line.icmp || ""].filter(Boolean).join("; ");
  const tip = (shown, sign) => (shown ? make("span", { class: "tip", "aria-hidden": "true" }, sign) : null);
  const shaft = () => make("span", { class: "shaft", "aria-hidden": "true" });
  const lost = line.fate === "lost" ? "✕" : null;
  const arrow = make("span", { class: "arrow" }, tip(!right || both, lost || "◀"), shaft(), words, shaft(), tip(right || both, lost || "▶"));
  const show = () => showHeader(c, line);
  const segment = make("button", { class: `segment ${colourOf(line)}${line.fate === "lost" ? " lost" : ""}`, onmouseenter: show, onfocus: show, onclick: show, onkeydown: moveInLadder,
    "aria-label": `packet ${line.packet}, ${right ? "client to server" : "server to client"}: ${words}${notes ? `; ${notes}` : ""}` }, arrow);
  return make("div", { class: "rung", role: "listitem", "data-packet": line.packet, "data-last": line.last_packet || line.packet, "data-file": line.file },
    make("span", {}, line.kind === "left-out" ? "" : String(line.packet)), make("span", { class: "when" }, line.time.toFixed(6)),
    stateButton(line, before, "client"), segment, stateButton(line, before, "server"),
    notes ? make("span", { class: "note" }, notes) : null);
}

function stateButton(line, before, side) {
  if (line.kind === "left-out") return make("span", {});
  const now = stateWords(line.states[side]);
  const was = before ? stateWords(before[side]) : now;
  return make("button", { class: `state${now !== was ? " changed" : ""}`, onclick: () => showArc(side, before ? before[side] : null, line.states[side], line),
    "aria-label": `${side}: ${now}; show the arc` }, now);
}

function moveInLadder(event) {
  if (event.key === "Escape") { $("search").focus(); return; }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...document.querySelectorAll(".segment")];
  const next = all[all.indexOf(event.currentTarget) + step];
  if (next) { next.focus(); event.preventDefault(); }
}

// ------------------------------------------------------------------------------- the panel

function list(rows) {
  return make("dl", {}, ...rows.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, ...[].concat(value))]));
}

function showHeader(c, line) {
  for (const rung of document.querySelectorAll(".rung.chosen")) rung.classList.remove("chosen");
  const row = [...document.querySelectorAll(".rung[data-packet]")].find((rung) => Number(rung.dataset.packet) === line.packet && Number(rung.dataset.file) === line.file);
  if (row) row.classList.add("chosen");
  const from = line.from === "client" ? 0 : 1;
  const scale = c.window_scale[from];
  const title = `Packet ${line.packet}${summary.files.length > 1 ? ` of file ${line.file + 1}` : ""}, from the ${line.from}`;
  if (line.kind !== "segment") {
    $("panel").replaceChildren(make("h3", {}, title), make("p", {}, rungWords(c, line)), line.kind === "fold" ? make("p", { class: "quiet" }, `up to packet ${line.last_packet}: data that went as it should, with its acknowledgements`) : null);
    return;
  }
  const scaled = scale !== null && !line.flags.includes("SYN");
  const window = scaled ? `${line.window * 2 ** scale} bytes (${line.window} × 2^${scale})` : `${line.window} in the header`;
  $("panel").replaceChildren(make("h3", {}, title), list([
    ["flags", line.flags.map((flag) => make("div", {}, FLAGS[flag] || flag))],
    ["number", `${relative(line.seq, c.first[from])} (${line.seq})`],
    ["acknowledges", line.flags.includes("ACK") ? `everything before ${relative(line.ack, c.first[1 - from])} (${line.ack})` : null],
    ["data", line.length ? bytes(line.length) : null],
    ["window", line.flags.includes("RST") ? null : window],
    ["options", [line.mss ? `largest segment ${line.mss}` : "", line.window_scale !== undefined ? `window scale ${line.window_scale}` : "", line.sack_permitted ? "SACK allowed" : "",
      line.tsval !== undefined ? `timestamp ${line.tsval}, echoes ${line.tsecr}` : ""].filter(Boolean).join(", ")],
    ["TTL", String(line.hops)], ["what it is", line.mark ? summary.marks[line.mark] : null], ["fate", FATES[line.fate]],
  ]));
}

const PLACES = {
  CLOSED: [150, 16], LISTEN: [60, 60], "SYN-SENT": [240, 60], "SYN-RECEIVED": [60, 112], ESTABLISHED: [240, 112],
  "FIN-WAIT-1": [60, 168], "CLOSE-WAIT": [240, 168], "FIN-WAIT-2": [60, 226], CLOSING: [150, 226], "LAST-ACK": [240, 226], "TIME-WAIT": [105, 278],
};

function showArc(side, before, now, line) {
  const taken = before ? machine.filter((arc) => before.includes(arc.from) && now.includes(arc.to) && arc.from !== arc.to) : [];
  const sure = before && before.length === 1 && now.length === 1 && before[0] !== now[0];
  const path = sure && taken.length === 0 ? twoSteps(before[0], now[0]) : taken.filter((arc) => !sure || arc.to === now[0]);
  const picture = make("svg:svg", { viewBox: "0 0 300 300", role: "img", "aria-label": "state machine of TCP" },
    ...machine.filter((arc) => arc.from !== arc.to).map((arc) => {
      const [x1, y1] = PLACES[arc.from]; const [x2, y2] = PLACES[arc.to];
      return make("svg:line", { x1, y1, x2, y2, class: `arc${path.includes(arc) && now.length < 4 ? " taken" : ""}` });
    }),
    ...Object.entries(PLACES).flatMap(([name, [x, y]]) => [
      make("svg:rect", { x: x - 43, y: y - 10, width: 86, height: 20, rx: 5, class: `node${now.includes(name) ? " here" : ""}` }),
      make("svg:text", { x, y: y + 4, "text-anchor": "middle" }, name)]));
  const words = path.length && now.length < 4
    ? path.map((arc) => make("p", { class: "arc-words" }, `${arc.from} → ${arc.to}: ${arc.event} (${arc.section})`))
    : [make("p", { class: "arc-words" }, before ? "No arc is certain here: the state did not change, or several remain possible." : "The first that was seen of this end.")];
  $("panel").replaceChildren(make("h3", {}, `The ${side} after packet ${line.packet}: ${stateWords(now)}`), picture, ...words);
}

/** Two arcs that one segment takes an end along, as an acknowledgement and a FIN do. */
function twoSteps(from, to) {
  for (const first of machine) {
    if (first.from !== from) continue;
    const second = machine.find((arc) => arc.from === first.to && arc.to === to);
    if (second) return [first, second];
  }
  return [];
}

// --------------------------------------------------------------------------------- the plot

function plot(c) {
  const sides = ["client", "server"].filter((side) => c.plot && c.plot[side].length);
  if (!sides.length) return null;
  const box = { x: 60, y: 10, w: 860, h: 260 };
  const whole = { t0: 0, t1: Math.max(c.duration, 1e-6), s0: 0, s1: 1 };
  for (const side of sides) for (const [, seq, length] of c.plot[side]) whole.s1 = Math.max(whole.s1, seq + length);
  let view = { ...whole };
  const svg = make("svg:svg", { class: "plot", viewBox: "0 0 940 310", tabindex: "0", role: "img", "aria-label": "numbers of segments over time; plus and minus zoom, arrow keys move, 0 shows all" });
  const draw = () => {
    const X = (t) => box.x + (t - view.t0) / (view.t1 - view.t0) * box.w;
    const Y = (s) => box.y + box.h - (s - view.s0) / (view.s1 - view.s0) * box.h;
    const parts = [make("svg:rect", { ...{ x: box.x, y: box.y, width: box.w, height: box.h }, class: "axis" })];
    for (let i = 0; i <= 4; i++) {
      const t = view.t0 + (view.t1 - view.t0) * i / 4; const s = view.s0 + (view.s1 - view.s0) * i / 4;
      parts.push(make("svg:text", { x: X(t), y: box.y + box.h + 18, "text-anchor": "middle" }, `${t.toPrecision(4)} s`), make("svg:text", { x: box.x - 6, y: Y(s) + 4, "text-anchor": "end" }, String(Math.round(s))));
    }
    for (const side of sides) for (const [t, seq, length, mark] of c.plot[side]) {
      if (t < view.t0 || t > view.t1 || seq + length < view.s0 || seq > view.s1) continue;
      const shape = make("svg:rect", { x: X(t) - 1.5, y: Math.max(Y(seq + length), box.y), width: 3.5, height: Math.max(Math.min(Y(seq), box.y + box.h) - Math.max(Y(seq + length), box.y), 3.5), class: mark ? "dot-marked" : side === "client" ? "dot-data" : "dot-server" });
      shape.append(make("svg:title", {}, `${side}: ${seq}, ${bytes(length)}${mark ? `, ${summary.marks[mark]}` : ""}`));
      parts.push(shape);
    }
    svg.replaceChildren(...parts);
  };
  const zoom = (factor, at = 0.5) => {
    const t = view.t0 + (view.t1 - view.t0) * at; const width = Math.min((view.t1 - view.t0) * factor, whole.t1);
    view.t0 = Math.max(0, t - width * at); view.t1 = view.t0 + width; draw();
  };
  const move = (share) => { const step = (view.t1 - view.t0) * share; view.t0 += step; view.t1 += step; draw(); };
  svg.addEventListener("wheel", (event) => { event.preventDefault(); const r = svg.getBoundingClientRect(); zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.min(Math.max((event.clientX - r.left) / r.width, 0), 1)); }, { passive: false });
  svg.addEventListener("keydown", (event) => {
    const act = { "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1.4), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), 0: () => { view = { ...whole }; draw(); } }[event.key];
    if (act) { act(); event.preventDefault(); }
  });
  draw();
  const key = (colour, words) => make("span", {}, make("span", { class: "key", style: `background: var(${colour})`, "aria-hidden": "true" }), words);
  return make("section", {}, make("h2", {}, "Numbers over time"), svg, make("p", { class: "legend" }, key("--accent", "from the client"), key("--clean", "from the server"), key("--failed", "sent again, out of order …"),
    make("span", { class: "quiet" }, "wheel or + and − zoom, arrow keys move, 0 shows all")));
}

// ------------------------------------------------------------------------------ the figures

function metrics(c) {
  const m = c.metrics;
  const rows = [["captured", { unknown: "", client: "at the client", server: "at the server", middle: "between the ends", both: "at both ends" }[m.vantage]],
    ["handshake", m.handshake_rtt ? duration(m.handshake_rtt) : m.open_time ? `${duration(m.open_time)}, with repeats` : ""], ["first byte after", m.first_byte_time ? duration(m.first_byte_time) : ""]];
  for (const side of ["client", "server"]) {
    const s = m[side];
    rows.push([`the ${side} sent`, `${bytes(s.fresh_bytes)}${s.bits_per_second ? `, ${rate(s.bits_per_second)}` : ""}`],
      ["  round trip of its data", s.rtt_median ? `${duration(s.rtt_median)} (least ${duration(s.rtt_least)})` : ""],
      ["  sent again", s.retransmissions ? `${s.retransmissions}: ${s.fast} fast, ${s.timeouts} by timeout, ${s.tail_probes} tail probes, ${s.spurious} spurious, ${s.syn_fin_again} SYN or FIN` : ""],
      ["  out of order, duplicated, damaged", s.reordered + s.copies + s.damaged ? `${s.reordered}, ${s.copies}, ${s.damaged}` : ""],
      ["  window closed", s.zero_windows ? `${s.zero_windows} times, ${duration(s.zero_window_time)} in all` : ""],
      ["  held back by", s.limit !== "unknown" ? `${s.limit}, ${s.limited_percent} % of the time` : ""]);
  }
  return make("section", {}, make("h2", {}, "Figures"), make("div", { class: "scroll" }, make("table", { class: "metrics" }, make("tbody", {},
    ...rows.filter(([, value]) => value).map(([name, value]) => make("tr", {}, make("td", {}, name), make("td", { class: "wide" }, value)))))));
}

// ------------------------------------------------------------------------------------ begin

fillSummary();
$("search").addEventListener("input", fillList);
for (const header of document.querySelectorAll("th[data-key]")) {
  header.firstElementChild.addEventListener("click", () => {
    order = { key: header.dataset.key, down: order.key === header.dataset.key && !order.down };
    for (const other of document.querySelectorAll("th[data-key]")) other.setAttribute("aria-sort", other === header ? (order.down ? "descending" : "ascending") : "none");
    fillList();
  });
}
fillList();
