// One track at a time, and many of them as cards.

import { state, verdictOf } from "./state.js";

const $ = (id) => document.getElementById(id);
const SIGN = { right: "✓ right", wrong: "✗ wrong", unsure: "? unsure" };
const AT_ONCE = 240; // cards that are made; more come when they are asked for

export const shown = { list: [], at: 0, selected: new Set(), anchor: 0, most: AT_ONCE };

// crops are dark where something hotter was in the frame: each is shown with its own black and white
let stretched = true;
const shownAs = (name) => `/${name}${stretched ? "?as=stretched" : ""}`;

export function stretch(on = !stretched) {
  stretched = on;
  $("stretch").setAttribute("aria-pressed", String(on));
  for (const image of document.querySelectorAll("#crop, #others img, #cards img")) {
    const src = image.getAttribute("src"); // one that was not shown yet has none
    if (src) image.src = shownAs(src.slice(1).split("?")[0]);
  }
}

export const current = () => shown.list[shown.at] || null;

export function words(number) {
  const said = verdictOf(number);
  if (!said) return "not reviewed";
  const as = said.label === null || said.label === undefined ? "" : `: ${state.classes[said.label] ?? said.label}`;
  return SIGN[said.verdict] + as;
}

export function filter() {
  const wanted = { verdict: $("f-verdict").value, kind: $("f-kind").value, name: $("f-class").value };
  const number = (id, otherwise) => ($(id).value === "" ? otherwise : Number($(id).value));
  const [low, high] = [number("f-low", 0), number("f-high", 1)];
  const [least, most] = [number("f-least", 0), number("f-most", Infinity)];
  const before = current();
  shown.list = state.tracks.filter((track) => {
    const said = verdictOf(track.track);
    const size = Math.max(...track.size);
    return (!wanted.name || track.class === wanted.name)
      && (!wanted.kind || track.faint === (wanted.kind === "faint"))
      && (!wanted.verdict || (wanted.verdict === "none" ? !said : said?.verdict === wanted.verdict))
      && track.score >= low && track.score <= high && size >= least && size <= most;
  });
  const by = {
    time: (a, b) => a.best - b.best, score: (a, b) => a.score - b.score, best: (a, b) => b.score - a.score,
    size: (a, b) => Math.max(...a.size) - Math.max(...b.size),
  }[$("f-order").value];
  shown.list.sort((a, b) => by(a, b) || a.track - b.track);
  shown.at = Math.max(0, before ? shown.list.findIndex((track) => track.track === before.track) : 0);
  const there = new Set(shown.list.map((track) => track.track));
  for (const one of shown.selected) if (!there.has(one)) shown.selected.delete(one); // nobody says of what is not seen
  $("f-count").textContent = `${shown.list.length} of ${state.tracks.length}`;
}

export function one() {
  const track = current();
  $("title").textContent = track ? `${track.class}, track ${track.name}` : "no track is left: change the filters";
  const verdict = track ? verdictOf(track.track) : null;
  $("verdict").textContent = track ? words(track.track) : "";
  $("verdict").className = `badge ${verdict ? verdict.verdict : ""}`;
  $("place").textContent = shown.list.length ? `${shown.at + 1} of ${shown.list.length}` : "0 of 0";
  $("back").disabled = shown.at <= 0;
  $("on").disabled = shown.at >= shown.list.length - 1;
  picture(track, 0);
  const facts = track ? [
    ["score", track.score.toFixed(2) + (track.faint ? ", below the threshold" : "")],
    ["seen", `${track.frames} frame${track.frames === 1 ? "" : "s"}, ${track.seconds} s`],
    ["size", `${Math.round(track.size[0])} × ${Math.round(track.size[1])} px`],
    ["time", track.utc ? track.utc.replace("T", " ").slice(0, 19) : "no clock"],
    ["warmth", track.celsius ? `${track.celsius[0].toFixed(1)} to ${track.celsius[2].toFixed(1)} °C` : "no scale"],
    ["place", track.position ? `${track.position[0].toFixed(5)}, ${track.position[1].toFixed(5)} ± ${track.position[2].toFixed(track.position[2] < 10 ? 1 : 0)} m` : "not known"],
    ["frame", String(track.best)],
  ] : [];
  $("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function picture(track, which) {
  const crops = track ? track.crops : [];
  const image = $("crop");
  image.hidden = !crops.length; $("no-crop").hidden = crops.length > 0 || !track;
  if (crops.length) {
    image.src = shownAs(crops[which]);
    image.alt = `Picture ${which + 1} of ${crops.length} of track ${track.name}, found as ${track.class}`;
  }
  $("others").replaceChildren(...crops.map((name, i) => {
    const button = element("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(i === which));
    button.setAttribute("aria-label", `picture ${i + 1}`);
    const small = element("img");
    small.src = shownAs(name); small.alt = "";
    button.append(small);
    button.onclick = () => picture(track, i);
    return button;
  }));
}

export function grid() {
  const cards = $("cards");
  const list = shown.list.slice(0, shown.most);
  const known = new Map([...cards.children].map((card) => [Number(card.dataset.track), card]));
  cards.replaceChildren(...list.map((track) => known.get(track.track) || card(track)));
  $("more").hidden = shown.list.length <= shown.most;
  marks();
}

export function more() {
  shown.most += AT_ONCE;
  grid();
}

// what changes on a card, without making it anew
export function marks() {
  [...$("cards").children].forEach((card, i) => {
    const number = Number(card.dataset.track);
    const verdict = verdictOf(number);
    const text = words(number);
    card.setAttribute("aria-selected", String(shown.selected.has(number)));
    card.classList.toggle("at", i === shown.at);
    const last = card.lastElementChild;
    last.textContent = text; last.className = verdict ? verdict.verdict : "";
    if (i === shown.at) $("cards").setAttribute("aria-activedescendant", card.id);
  });
  $("chosen").textContent = `${shown.selected.size} selected`;
}

function card(track) {
  const item = element("li");
  item.id = `card-${track.track}`;
  item.dataset.track = track.track;
  item.setAttribute("role", "option");
  const pic = element("div", track.crops.length ? "" : "no picture");
  pic.className = "pic";
  if (track.crops.length) {
    const image = element("img");
    image.loading = "lazy"; image.alt = ""; image.src = shownAs(track.crops[0]);
    pic.append(image);
  }
  item.append(pic, element("b", `${track.class} ${track.score.toFixed(2)}`), element("span", `track ${track.name}`), element("span"));
  return item;
}

// from the last card that was touched to this one
export function range(to) {
  const [from, end] = [Math.min(shown.anchor, to), Math.max(shown.anchor, to)];
  for (const track of shown.list.slice(from, end + 1)) shown.selected.add(track.track);
}

function element(kind, text) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  return made;
}
