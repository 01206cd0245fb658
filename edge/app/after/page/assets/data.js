// The data of the page: facts, columns of tracks, pictures; nothing is unpacked before it is shown.
"use strict";

const byId = (id) => document.getElementById(id);
const FACTS = JSON.parse(byId("facts").textContent);
const R = {};
const TYPES = { Float64: Float64Array, Float32: Float32Array, Uint32: Uint32Array, Uint16: Uint16Array, Uint8: Uint8Array };

for (const [name, kind] of Object.entries(FACTS.columns)) {
  const text = atob(byId("col-" + name).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  R[name] = new TYPES[kind](bytes.buffer);
}
const N = R.track.length;
const WORDS = ["", "right", "wrong", "unsure"];

function make(tag, options, ...children) {
  const { data, aria, on, ...rest } = options || {};
  const one = document.createElement(tag);
  for (const [key, value] of Object.entries(rest)) if (value !== undefined) one[key] = value;
  for (const [key, value] of Object.entries(aria || {})) one.setAttribute("aria-" + key, value);
  for (const [key, value] of Object.entries(on || {})) one.addEventListener(key, value);
  one.append(...children);
  return one;
}

const chunks = new Map();

// Pictures of a row, as data URIs, the best first; [] where the page has none.
function pictures(row) {
  const number = R.chunk[row];
  if (!number) return [];
  if (!chunks.has(number)) {
    if (chunks.size > 40) chunks.clear();
    chunks.set(number, JSON.parse(byId("c" + number).textContent));
  }
  return (chunks.get(number)[row] || []).map((data) => "data:image/png;base64," + data);
}

const className = (row) => FACTS.classes[R.label[row]] ?? "class " + R.label[row];
const colourOf = (row) => FACTS.colours[R.label[row] % FACTS.colours.length];
const nameOf = (row) => className(row) + " " + R.track[row];
const known = Number.isFinite;

function fixed(value, digits, unit) {
  if (!known(value)) return "–";
  const text = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return text.replaceAll(",", "\u202f") + (unit ? "\u00a0" + unit : "");
}

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const rest = two(Math.floor(whole / 60) % 60) + ":" + two(whole % 60);
  return whole >= 3600 ? Math.floor(whole / 3600) + ":" + rest : rest;
}

// The time of day where it is known, else seconds since the first frame.
function when(row) {
  if (!known(R.epoch[row])) return "+" + clock(R.first[row]);
  const date = new Date(R.epoch[row] * 1000);
  return Number.isNaN(date.getTime()) ? "–" : date.toISOString().slice(0, 19).replace("T", " ");
}

function place(row) {
  if (!known(R.east[row]) || !FACTS.map) return "";
  const lat = FACTS.map.home[0] + R.north[row] / FACTS.map.degree[0];
  let lon = FACTS.map.home[1] + R.east[row] / FACTS.map.degree[1];
  if (lon > 180) lon -= 360;
  return lat.toFixed(6) + ", " + lon.toFixed(6);
}

// Counted individuals in their order: {animal, rows}; and tracks as such, each alone.
const ANIMALS = [];
const AT = new Map();
for (let row = 0; row < N && R.animal[row] > 0; row++) {
  const last = ANIMALS[ANIMALS.length - 1];
  if (last && last.animal === R.animal[row]) last.rows.push(row);
  else {
    AT.set(R.animal[row], ANIMALS.length);
    ANIMALS.push({ animal: R.animal[row], rows: [row] });
  }
}
const groupOf = (row) => (R.animal[row] ? ANIMALS[AT.get(R.animal[row])] : { animal: 0, rows: [row] });

function announce(text) {
  byId("told").textContent = text;
}
