// One whole frame with what was found in it; a box is drawn around what was missed.

import { frameAt, state } from "./state.js";

const $ = (id) => document.getElementById(id);
const LEAST = 3; // pixels of the frame: a smaller box is a slip of the finger

export const frame = { at: null, box: null, size: null };
let from = null;

export async function show(seq, step = 0) {
  const found = await frameAt(seq, step);
  if (found === null && step) return; // the first or the last
  frame.at = found; frame.box = null; frame.size = null;
  const image = $("whole");
  $("frame-title").textContent = found ? `Frame ${found.seq}` : "no frame";
  $("newest").hidden = !state.live;
  image.onload = () => {
    frame.size = [image.naturalWidth, image.naturalHeight];
    image.dataset.seq = found.seq; // which one can be drawn on
    image.hidden = false; $("no-frame").hidden = true;
    draw();
  };
  image.onerror = () => noPicture(state.frames.why_not || "there is no picture of this frame");
  if (found) {
    image.alt = `Frame ${found.seq}, ${found.detections.length} found in it`;
    image.src = `/frames/${found.seq}.png`;
  } else noPicture(state.frames.why_not || "there is no frame");
  const note = [];
  if (found) note.push(found.utc || "no time", found.searched ? `${found.detections.length} found` : "not searched");
  if (found && !found.kept) note.push(state.frames.why_not || "its pixels are not kept");
  $("frame-note").textContent = note.join(" · ");
  marks();
  draw();
}

function noPicture(why) {
  $("whole").hidden = true; $("no-frame").hidden = false; $("no-frame").textContent = why;
  draw();
}

export function marks() {
  const here = frame.at ? state.review.missed.filter((mark) => mark.frame === frame.at.seq) : [];
  $("marks").replaceChildren(...here.map((mark) => {
    const item = document.createElement("li");
    item.className = "mark";
    const where = mark.box ? `at ${mark.box.map(Math.round).join(", ")}` : "somewhere";
    item.textContent = `+ missed ${state.classes[mark.label] ?? "something"}, ${where}`;
    return item;
  }));
}

// where the picture lies within its stage, and how large a pixel of the frame is
function placed() {
  const stage = $("boxes").getBoundingClientRect();
  const [w, h] = frame.size;
  const scale = Math.min(stage.width / w, stage.height / h);
  return { scale, left: (stage.width - w * scale) / 2, top: (stage.height - h * scale) / 2, stage };
}

export function draw() {
  const canvas = $("boxes");
  const ratio = devicePixelRatio || 1;
  const area = canvas.getBoundingClientRect();
  canvas.width = Math.round(area.width * ratio); canvas.height = Math.round(area.height * ratio);
  if (!frame.size || !frame.at) return;
  const pen = canvas.getContext("2d");
  const { scale, left, top } = placed();
  pen.scale(ratio, ratio);
  pen.font = "600 15px system-ui, sans-serif";
  const box = ([x1, y1, x2, y2], colour, text, dash) => {
    pen.lineWidth = 5; pen.strokeStyle = "#000"; pen.setLineDash(dash);
    const where = [left + x1 * scale, top + y1 * scale, (x2 - x1) * scale, (y2 - y1) * scale];
    pen.strokeRect(...where);
    pen.lineWidth = 2.5; pen.strokeStyle = colour; pen.strokeRect(...where);
    const at = [where[0], Math.max(where[1] - 6, 16)];
    pen.setLineDash([]); pen.lineWidth = 4; pen.strokeStyle = "#000"; pen.strokeText(text, ...at);
    pen.fillStyle = colour; pen.fillText(text, ...at);
  };
  for (const found of frame.at.detections) box(found.box, "#ffd166", `${found.class} ${found.score.toFixed(2)}`, []);
  for (const mark of state.review.missed) if (mark.frame === frame.at.seq && mark.box) box(mark.box, "#9ec1ff", "missed", []);
  if (frame.box) box(frame.box, "#fff", "", [7, 5]);
}

function point(event) {
  const { scale, left, top, stage } = placed();
  const clamp = (v, most) => Math.max(0, Math.min(most, v));
  return [clamp((event.clientX - stage.left - left) / scale, frame.size[0]), clamp((event.clientY - stage.top - top) / scale, frame.size[1])];
}

export function prepare() {
  const canvas = $("boxes");
  canvas.addEventListener("pointerdown", (event) => {
    if (!frame.size || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    from = point(event); frame.box = null; draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = point(event);
    frame.box = [Math.min(from[0], x), Math.min(from[1], y), Math.max(from[0], x), Math.max(from[1], y)];
    draw();
  });
  const end = () => {
    from = null;
    if (frame.box && (frame.box[2] - frame.box[0] < LEAST || frame.box[3] - frame.box[1] < LEAST)) frame.box = null;
    if (frame.box) frame.box = frame.box.map((v) => Math.round(v * 10) / 10);
    draw();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", () => { frame.box = null; end(); });
  addEventListener("resize", draw);
}
