// A state of the run, into the page.
import { DASH, duration, element, gigabytes, number, put, whole } from "./format.js";

export function showFigures(state) {
  put("fps", number(state.fps, 1));
  put("latency", whole(state.latency_ms.p50));
  put("frames", whole(state.frames));
  put("dropped", whole(state.dropped));
  put("following", whole(state.following));
  put("height", number(state.pose?.height, state.pose?.height < 100 ? 1 : 0));
  put("pose-age", state.pose_age_s === null ? DASH : number(state.pose_age_s, state.pose_age_s < 10 ? 1 : 0));
  put("disk", gigabytes(state.disk_free));
  warn("pose-age", state.pose_age_s > 3);
  warn("disk", state.disk_free !== null && state.disk_free < 2e9);
  put("run-name", [state.mission, state.model, state.backend].filter(Boolean).join(" · "));
}

function warn(id, on) {
  document.getElementById(id).closest("div").classList.toggle("warn", Boolean(on));
}

export function showNow(frame) {
  if (!frame) return put("now", "No frame yet");
  const told = frame.now.map((one) => {
    const warm = one.celsius === null ? "" : ` ${number(one.celsius, 1)} °C`;
    return `${one.class}${one.track === null ? "" : ` ${one.track}`}${warm}`;
  });
  const flags = frame.flags.includes("ffc") ? " · shutter closed" : "";
  put("now", `Frame ${frame.seq}${flags} · ${frame.found} found${told.length ? ": " : ""}${told.join(", ")}`);
}

// Where a name is too long for its column, it breaks between its words first: Other|Vehicle.
function nameCell(name) {
  const cell = element("td");
  name.split(/(?<=[a-z])(?=[A-Z])/).forEach((word, i) => cell.append(...(i ? [element("wbr")] : []), word));
  return cell;
}

export function showCounts(state) {
  const counts = state.counts?.classes ?? {};
  const names = [...new Set([...Object.keys(counts), ...Object.keys(state.tracks)])].sort();
  const rows = names.map((name) => {
    const one = counts[name];
    const tracks = Math.max(state.tracks[name] ?? 0, one?.tracks ?? 0);
    const old = one && one.tracks === 0 && tracks > 0; // counted before the first one came
    const row = element("tr", undefined, { "data-class": name });
    row.append(
      nameCell(name),
      element("td", whole(tracks)),
      element("td", whole(old ? NaN : (one?.count ?? NaN))),
      element("td", interval(old ? undefined : one)),
    );
    return row;
  });
  keep("counts", rows);
  put("counts-note", note(state.counts));
}

function interval(one) {
  if (!one || one.low === null || one.low === undefined) return DASH;
  return one.high === null ? `≥ ${whole(one.low)}` : `${whole(one.low)} to ${whole(one.high)}`;
}

function note(counts) {
  if (!counts) return "First count after a minute";
  const level = Object.values(counts.classes ?? {}).find((one) => one.level)?.level;
  const known = level ? `${number(100 * level)} % interval` : "No positions: tracks are not merged to a count";
  const tracks = Object.values(counts.classes ?? {}).reduce((sum, one) => sum + one.tracks, 0);
  return `${known} · ${duration(counts.age_s)} ago, of ${whole(tracks)} track${tracks === 1 ? "" : "s"}`;
}

export function showHealth(state) {
  const lines = [];
  const say = (level, name, words) => {
    const line = element("li", undefined, { "data-level": level });
    line.append(element("b", name), element("span", words));
    lines.push(line);
  };
  for (const name of state.failed) say("bad", name, "has stopped: it writes nothing more");
  for (const one of state.conditions) say("warning", one.name, one.words);
  for (const step of state.degraded) {
    const [name, ...rest] = step.split(": ");
    say("warning", name, rest.join(": "));
  }
  if (!state.conditions.length) say("good", "Picture", "no condition holds");
  if (!state.degraded.length) say("good", "Board", "nothing is given up");
  for (const link of state.links) {
    const sent = `${whole(link.sent)} sent${link.waiting ? `, ${whole(link.waiting)} wait` : ""}${link.dropped ? `, ${whole(link.dropped)} lost` : ""}`;
    say(link.away ? "warning" : "good", `Link ${link.name}`, link.away ? `away: ${link.error ?? link.to}; ${sent}` : `there; ${sent}`);
  }
  if (state.recording !== null) say(state.recording.startsWith("stopped") ? "bad" : "good", "Recording", state.recording);
  if (state.lost) say("warning", "Frames", `${whole(state.lost)} never came`);
  keep("health", lines);
}

// Puts these elements there, only where they are others: what is read or scrolled is not disturbed.
function keep(id, elements) {
  const at = document.getElementById(id);
  const text = elements.map((one) => one.outerHTML).join("");
  if (at.dataset.shown === text) return;
  at.dataset.shown = text;
  at.replaceChildren(...elements);
}
