// What is known of the flight, what was said of it, and the calls that say more. No view in here.

export const MOST_AT_ONCE = 4000; // tracks of one call: its body stays small

export const state = {
  flight: "", live: false, classes: [], tracks: [], byNumber: new Map(),
  frames: { newest: null, why_not: "" }, review: null, faintLeftOut: 0,
};

let stamp = "";
let chain = Promise.resolve(); // what is said is sent one after the other, in the order in which it was said
let waiting = 0;

async function answer(response) {
  let told = {};
  try { told = await response.json(); } catch { /* a server that breaks off */ }
  if (!response.ok) throw new Error(told.error || `the program answered ${response.status}`);
  return told;
}

export async function load(anew = false) {
  if (anew) stamp = "";
  const response = await fetch("/api/review", { headers: stamp ? { "If-None-Match": stamp } : {}, cache: "no-store" });
  if (response.status === 304) return false;
  const told = await answer(response);
  if (waiting) return false; // what was just said would seem undone
  stamp = response.headers.get("ETag") || "";
  state.flight = told.flight; state.live = told.live; state.classes = told.classes;
  state.tracks = told.tracks; state.frames = told.frames; state.faintLeftOut = told.faint_left_out;
  state.byNumber = new Map(told.tracks.map((track) => [track.track, track]));
  state.review = told.review;
  return true;
}

export function verdictOf(number) {
  const one = state.review && state.review.tracks[number];
  return one ? { verdict: one[0], label: one[1] } : null;
}

export function reviewed() {
  return state.tracks.filter((track) => verdictOf(track.track)).length;
}

function send(path, body) {
  waiting += 1;
  const sent = chain.then(async () => {
    const told = await answer(await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    }));
    return told;
  });
  chain = sent.catch(() => {}).then(() => { waiting -= 1; });
  return sent.then((told) => {
    if (waiting <= 1) state.review = told; // else more was said meanwhile: its answer comes
    return told;
  });
}

const by = (name) => (name ? { by: name } : {});

export async function say(verdict, numbers, label, name) {
  for (const number of numbers) state.review.tracks[number] = [verdict, label]; // at once; the answer says what counts
  const told = [];
  for (let i = 0; i < numbers.length; i += MOST_AT_ONCE) {
    told.push(await send("/api/review", { verdict, tracks: numbers.slice(i, i + MOST_AT_ONCE), label, ...by(name) }));
  }
  return told;
}

export const sayMissed = (frame, box, label, name) =>
  send("/api/review", { verdict: "missed", frame, box, label, ...by(name) });

export const undo = (n, name) => send("/api/review/undo", { n, ...by(name) });

export async function frameAt(seq, step) {
  const response = await fetch(`/api/frame/${seq ?? "newest"}?step=${step}`, { cache: "no-store" });
  return response.status === 404 ? null : answer(response);
}
