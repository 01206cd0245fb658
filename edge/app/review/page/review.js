// The reviewing page: keys, buttons, and what follows from them.

import { load, reviewed, say, sayMissed, state, undo, verdictOf } from "./state.js";
import { current, filter, grid, marks as cardMarks, more, one, range, shown, stretch } from "./views.js";
import { frame, marks as frameMarks, draw, prepare, show } from "./frame.js";

const $ = (id) => document.getElementById(id);
const LOOK_MS = 4000; // how often others' words and new tracks are looked for
let view = "one";
let done = []; // what was said here: the numbers of its lines, once they are known, and of which tracks

function tell(text) { $("status").textContent = text; }

function fail(error) {
  $("alert").textContent = `${error.message || error}`;
  $("alert").hidden = false;
}

function update() {
  const n = reviewed();
  $("count").textContent = `${n} of ${state.tracks.length} reviewed`;
  $("bar").max = Math.max(state.tracks.length, 1); $("bar").value = n;
  if (view === "one") one();
  if (view === "grid") cardMarks();
  if (view === "frame") { frameMarks(); draw(); }
}

function refilter() {
  filter();
  if (view === "grid") grid();
  update();
}

async function again() {
  try {
    if (!await load()) return;
    $("alert").hidden = true;
    $("flight").textContent = state.flight;
    $("live").hidden = !state.live;
    document.title = `Review ${state.flight}`;
    options();
    refilter();
    const warnings = [];
    if (state.review.torn) warnings.push(`${state.review.torn} lines of the review were left unfinished by a power cut and say nothing`);
    if (state.faintLeftOut) warnings.push(`${state.faintLeftOut} fainter tracks were not kept`);
    if (!state.classes.length) warnings.push("the names of the classes are not known: no class can be corrected");
    if (warnings.length) tell(warnings.join("; "));
  } catch (error) { fail(error); }
}

function options() {
  const names = [...new Set([...state.tracks.map((track) => track.class), ...state.classes])];
  fill($("f-class"), [["", "all"], ...names.map((name) => [name, name])]);
  fill($("label"), [["", "as found"], ...state.classes.map((name, i) => [String(i), name])]);
}

function fill(select, pairs) {
  const wanted = JSON.stringify(pairs);
  if (select.dataset.filled === wanted) return;
  const before = select.value;
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
  select.value = pairs.some(([value]) => value === before) ? before : "";
  select.dataset.filled = wanted;
}

function open(name) {
  view = name;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.view === name;
    tab.setAttribute("aria-selected", String(chosen));
    $(tab.dataset.view).hidden = !chosen;
  }
  $("missed-word").textContent = name === "frame" ? "Missed here" : "Missed…";
  for (const id of ["right", "wrong", "unsure"]) $(id).disabled = name === "frame";
  if (name === "grid") { grid(); $("cards").focus({ preventScroll: true }); }
  if (name === "frame") {
    const seq = state.live ? null : current()?.best ?? null;
    show(seq).catch(fail);
  }
  update();
}

function label() {
  const value = $("label").value;
  return value === "" ? null : Number(value);
}

async function decide(verdict) {
  if (view === "frame") return;
  const bulk = view === "grid";
  const numbers = bulk ? [...shown.selected] : current() ? [current().track] : [];
  if (!numbers.length) { tell(bulk ? "select some tracks first" : "there is no track"); return; }
  const as = verdict === "right" ? label() : null;
  const name = $("by").value.trim();
  const sent = say(verdict, numbers, as, name);
  $("label").value = "";
  const what = numbers.length === 1 ? `track ${state.byNumber.get(numbers[0]).name}` : `${numbers.length} tracks`;
  if (bulk) shown.selected.clear(); else next();
  update();
  tell(`${what}: ${verdict}. ${reviewed()} of ${state.tracks.length} reviewed`);
  const kept = { lines: sent.then((all) => all.map((told) => told.n)), tracks: numbers };
  done.push(kept); // at once: Z right after it means this one, whose answer may still be on its way
  try {
    await kept.lines;
    $("alert").hidden = true;
  } catch (error) {
    done.splice(done.indexOf(kept), 1);
    await lost(error);
  }
}

// what could not be kept must not seem kept
async function lost(error) {
  await new Promise((go) => setTimeout(go, 50)); // until what else was said has its answer
  await load(true).catch(() => {});
  update();
  fail(new Error(`it was not kept: ${error.message}`));
}

// to the next one of the list that nobody has reviewed, else to the next
function next() {
  const { list, at } = shown;
  const ahead = list.findIndex((track, i) => i > at && !verdictOf(track.track));
  const open = ahead >= 0 ? ahead : list.findIndex((track) => !verdictOf(track.track));
  shown.at = open >= 0 ? open : Math.min(at + 1, list.length - 1);
}

function step(by) {
  if (view === "frame") { if (frame.at) show(frame.at.seq, by).catch(fail); return; }
  shown.at = Math.max(0, Math.min(shown.list.length - 1, shown.at + by));
  update();
  if (view === "grid") document.querySelector("#cards .at")?.scrollIntoView({ block: "nearest" });
}

async function missed() {
  if (view !== "frame") { open("frame"); tell("draw a box around what was missed, then M"); return; }
  if (!frame.at) { tell(state.frames.why_not || "there is no frame"); return; }
  const { seq } = frame.at;
  try {
    const told = await sayMissed(seq, frame.box, label(), $("by").value.trim());
    done.push({ lines: Promise.resolve([told.n]), tracks: [] });
    frame.box = null; $("label").value = "";
    update();
    tell(told.kept ? `missed in frame ${seq}: kept as ${told.kept}` : `missed in frame ${seq}: marked; ${told.why_not}`);
    $("alert").hidden = true;
  } catch (error) { fail(error); }
}

async function takeBack() {
  const mine = done.at(-1);
  try {
    const lines = mine ? await mine.lines : [null]; // null: the last of all
    if (mine && !done.includes(mine)) return; // taken back meanwhile
    if (mine) done.splice(done.indexOf(mine), 1);
    let told = null;
    for (const n of [...lines].reverse()) told = await undo(n, $("by").value.trim());
    if (told.undone === null) { tell("there is nothing to undo"); return; }
    const at = mine ? shown.list.findIndex((track) => track.track === mine.tracks[0]) : -1;
    if (at >= 0) shown.at = at;
    update();
    tell(`taken back. ${reviewed()} of ${state.tracks.length} reviewed`);
    $("alert").hidden = true;
  } catch (error) { fail(error); }
}

function columns() {
  return Math.max(1, getComputedStyle($("cards")).gridTemplateColumns.split(" ").length);
}

function gridKey(key, shift) {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[key];
  if (by !== undefined) {
    if (!shift) shown.anchor = Math.max(0, Math.min(shown.list.length - 1, shown.at + by));
    step(by);
    if (shift) range(shown.at);
  } else if (key === " ") {
    toggle(shown.at, shift);
  } else if (key === "a") {
    for (const track of shown.list) shown.selected.add(track.track);
  } else if (key === "Escape") {
    shown.selected.clear();
  } else return false;
  cardMarks();
  return true;
}

function toggle(i, shift) {
  const track = shown.list[i];
  if (!track) return;
  shown.at = i;
  if (shift) range(i);
  else {
    shown.anchor = i;
    if (!shown.selected.delete(track.track)) shown.selected.add(track.track);
  }
}

const KEYS = {
  r: () => decide("right"), w: () => decide("wrong"), u: () => decide("unsure"), m: missed, z: takeBack, o: () => stretch(),
  1: () => open("one"), 2: () => open("grid"), 3: () => open("frame"),
  ArrowLeft: () => step(-1), ArrowRight: () => step(1),
};

const matches = (event, what) => event.target instanceof Element && event.target.matches(what);

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || matches(event, "input, select, textarea")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (matches(event, "button") && key === " ") return; // it presses the button
  if (view === "grid" && gridKey(key, event.shiftKey)) { event.preventDefault(); return; }
  if (!KEYS[key] || (event.repeat && "rwumzo".includes(key))) return; // a key that is held down says it once
  event.preventDefault();
  KEYS[key]();
});

$("cards").addEventListener("click", (event) => {
  const card = event.target.closest("li");
  if (!card) return;
  toggle([...$("cards").children].indexOf(card), event.shiftKey);
  cardMarks();
});
$("cards").addEventListener("dblclick", (event) => { if (event.target.closest("li")) open("one"); });
for (const tab of document.querySelectorAll("[role=tab]")) tab.onclick = () => open(tab.dataset.view);
for (const button of document.querySelectorAll("[data-step]")) button.onclick = () => step(Number(button.dataset.step));
$("newest").onclick = () => show(null).catch(fail);
for (const verdict of ["right", "wrong", "unsure"]) $(verdict).onclick = () => decide(verdict);
$("missed").onclick = missed; $("undo").onclick = takeBack;
$("stretch").onclick = () => stretch();
$("back").onclick = () => step(-1); $("on").onclick = () => step(1);
$("all").onclick = () => gridKey("a"); $("clear").onclick = () => gridKey("Escape"); $("more").onclick = more;
$("pick-below").onclick = () => {
  const least = Number($("below").value);
  for (const track of shown.list) if (track.score < least) shown.selected.add(track.track);
  cardMarks();
};
$("filters").addEventListener("input", refilter);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("by").value = localStorage.getItem("edge-review-by") || "";
$("by").addEventListener("change", () => localStorage.setItem("edge-review-by", $("by").value.trim()));

prepare();
await again();
open("one");
setInterval(again, LOOK_MS);
document.body.dataset.ready = "yes"; // for tests
