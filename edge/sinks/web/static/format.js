// Numbers and times as the page writes them. What is not known is a dash.
export const DASH = "–";

export const number = (value, digits = 0) =>
  Number.isFinite(value) ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : DASH;

export const whole = (value) => (Number.isFinite(value) ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f") : DASH);

export const gigabytes = (bytes) => (Number.isFinite(bytes) ? number(bytes / 1e9, bytes < 1e11 ? 1 : 0) : DASH);

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return DASH;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600, 1)} h`;
}

export function clock(utc) {
  const at = new Date(utc);
  return Number.isNaN(at.getTime()) ? DASH : at.toLocaleTimeString("en-GB");
}

// An element with a text: never HTML, whatever a class is called.
export function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Writes a text only where it changed: a screen reader is not told the same again.
export function put(id, text) {
  const at = document.getElementById(id);
  if (at.textContent !== text) at.textContent = text;
}
