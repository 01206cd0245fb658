// The page of a run: one stream of states and events, one of pictures.
import { duration, put } from "./format.js";
import { Link } from "./link.js";
import { Log } from "./log.js";
import { FlightMap } from "./map.js";
import { Picture } from "./picture.js";
import { showCounts, showFigures, showHealth, showNow } from "./view.js";

const STALE_S = 3; // without a new frame
const LEVELS = { detecting: "good", starting: "none", waiting: "warning", late: "warning", hung: "bad", ending: "none" };

const $ = (id) => document.getElementById(id);
const log = new Log($("log"), $("missed"));
const map = new FlightMap("map", (text) => {
  put("map-note", text);
  $("map-note").title = text; // where it is too long to be shown whole
});
const picture = new Picture($("picture"), (text) => (refusal = text));
let refusal = "";
let state = null;
let stateAt = 0;
let run = null;
let over = false;
let lost = null;

const link = new Link({
  state(told) {
    if (run !== null && told.run !== run) begin(told.run);
    if (state === null || lost !== null || over) picture.open();
    run = told.run;
    over = false;
    state = told;
    stateAt = performance.now();
    showFigures(told);
    showNow(told.frame);
    showCounts(told);
    showHealth(told);
    map.show(told);
    showState();
  },
  fresh(told) {
    if (run !== told.run) begin(told.run);
  },
  log: (event) => log.add(event),
  missed: (told) => log.leave(told.left_out),
  over() {
    over = true;
  },
  lost(seconds) {
    lost = seconds;
    showState();
  },
});

function begin(name) {
  run = name;
  log.clear();
  map.reset();
}

function age() {
  return state === null || state.age_s === null ? null : state.age_s + (performance.now() - stateAt) / 1000;
}

function showState() {
  const old = age();
  const stale = old !== null && old >= STALE_S;
  if (lost !== null) {
    const why = over ? "The run has ended" : "Connection lost";
    say("bad", `${why}: trying again, ${duration(lost)}`);
  } else if (state === null) {
    say("none", "Connecting");
  } else if (stale && state.state !== "ending") {
    say("bad", `STALE: no frame for ${duration(old)}`);
  } else {
    say(LEVELS[state.state] ?? "none", state.state_words);
  }
  put("doing", state === null || lost !== null || state.state === "detecting" ? "" : state.doing);
  const text = lost !== null ? (over ? "The run has ended: its last picture" : "Connection lost: this picture is old") : stale ? `STALE: no frame for ${duration(old)}` : refusal;
  put("stale", text);
  $("stale").hidden = text === "";
  document.documentElement.toggleAttribute("data-stale", lost !== null || stale);
}

function say(level, text) {
  $("state").dataset.level = level;
  put("state-text", text);
  document.title = `${text} – thermal-edge`;
}

// ---- buttons and keys ----

const dark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function theme(next) {
  if (next) {
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* it holds until the page is closed */ }
  }
  $("theme").textContent = dark() ? "Light" : "Dark"; // what it leads to
  map.paint();
}

function large() {
  const on = $("large").getAttribute("aria-pressed") !== "true";
  $("large").setAttribute("aria-pressed", String(on));
  document.querySelector("main").toggleAttribute("data-large", on);
}

const keys = {
  p: large,
  m: () => $("map").focus(),
  f: () => map.follow(!map.follows),
  e: () => $("log-scroll").focus(),
  t: () => theme(dark() ? "light" : "dark"),
  "?": () => $("help").showModal(),
};
$("theme").addEventListener("click", keys.t);
$("large").addEventListener("click", large);
$("follow").addEventListener("click", keys.f);
$("help-open").addEventListener("click", keys["?"]);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) return;
  const does = keys[event.key.toLowerCase()];
  if (!does) return;
  event.preventDefault();
  does();
});

fetch("/api/pages").then((answer) => answer.json()).then((pages) => {
  for (const { name, path } of pages) {
    const leads = document.createElement("a");
    leads.textContent = name;
    leads.href = path;
    $("pages").append(leads);
  }
}, () => {});
theme();
