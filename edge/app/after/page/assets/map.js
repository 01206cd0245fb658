// The map: metres east and north, drawn on a canvas; no tiles, no network.

const map = { scale: 1, east: 0, north: 0, chosen: -1, width: 0, height: 0, printing: false };

function mapStyle(name) {
  return getComputedStyle(byId("map-canvas")).getPropertyValue("--map-" + name).trim();
}

function extent() {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (x, y) => {
    if (x < box[0]) box[0] = x;
    if (y < box[1]) box[1] = y;
    if (x > box[2]) box[2] = x;
    if (y > box[3]) box[3] = y;
  };
  for (let row = 0; row < N; row++) if (known(R.east[row])) take(R.east[row], R.north[row]);
  const lines = [...FACTS.map.way, ...FACTS.map.seen, ...FACTS.map.searched.flat()];
  for (const line of lines) for (let i = 0; i < line.length; i += 2) take(line[i] / 10, line[i + 1] / 10);
  return box[0] > box[2] ? [-10, -10, 10, 10] : box;
}

function fitMap() {
  const [west, south, east, north] = extent();
  const size = Math.max((east - west) / Math.max(map.width - 80, 50), (north - south) / Math.max(map.height - 80, 50), 0.01);
  map.scale = 1 / size;
  map.east = (west + east) / 2;
  map.north = (south + north) / 2;
  drawMap();
}

const toX = (east) => map.width / 2 + (east - map.east) * map.scale;
const toY = (north) => map.height / 2 - (north - map.north) * map.scale;
const nice = (least) => {
  const ten = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= least);
};

function trace(pen, line) {
  for (let i = 0; i < line.length; i += 2) {
    const x = toX(line[i] / 10), y = toY(line[i + 1] / 10);
    if (i) pen.lineTo(x, y);
    else pen.moveTo(x, y);
  }
}

function areas(pen, list, fill, stroke) {
  pen.beginPath();
  for (const line of list) {
    trace(pen, line);
    pen.closePath();
  }
  if (fill) {
    pen.fillStyle = fill;
    pen.fill("evenodd");
  }
  if (stroke) {
    pen.strokeStyle = stroke;
    pen.lineWidth = 1;
    pen.stroke();
  }
}

function drawMap() {
  const canvas = byId("map-canvas");
  if (!canvas || !FACTS.map) return;
  const ratio = Math.max(window.devicePixelRatio || 1, 1.5);
  if (!map.printing) {
    map.width = canvas.clientWidth;
    map.height = canvas.clientHeight;
  }
  if (!map.width) return;
  canvas.width = Math.round(map.width * ratio);
  canvas.height = Math.round(map.height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = mapStyle("paper");
  pen.fillRect(0, 0, map.width, map.height);
  const on = (name) => byId("map-" + name)?.checked;
  if (on("seen")) for (const line of FACTS.map.seen) areas(pen, [line], mapStyle("seen"));
  if (on("searched")) for (const rings of FACTS.map.searched) areas(pen, rings, mapStyle("searched"), mapStyle("searched-line"));
  if (on("gaps")) for (const gap of FACTS.map.gaps) areas(pen, gap.rings, mapStyle("gap"), mapStyle("gap-line"));
  grid(pen);
  if (on("way")) {
    pen.beginPath();
    for (const line of FACTS.map.way) trace(pen, line);
    pen.strokeStyle = mapStyle("way");
    pen.lineWidth = 1.5;
    pen.stroke();
  }
  points(pen, on("errors"), on("names"));
  furniture(pen);
}

function grid(pen) {
  const step = nice(80 / map.scale);
  pen.lineWidth = 1;
  pen.strokeStyle = mapStyle("grid");
  pen.fillStyle = mapStyle("faint");
  pen.font = "11px system-ui, sans-serif";
  pen.beginPath();
  const west = map.east - map.width / 2 / map.scale, south = map.north - map.height / 2 / map.scale;
  for (let e = Math.ceil(west / step) * step; toX(e) < map.width; e += step) {
    pen.moveTo(toX(e), 0);
    pen.lineTo(toX(e), map.height);
    if (toX(e) > 40) pen.fillText(fixed(e, step < 1 ? 1 : 0, "m"), toX(e) + 3, 12);
  }
  for (let n = Math.ceil(south / step) * step; toY(n) > 0; n += step) {
    pen.moveTo(0, toY(n));
    pen.lineTo(map.width, toY(n));
    if (toY(n) > 24) pen.fillText(fixed(n, step < 1 ? 1 : 0, "m"), 3, toY(n) - 3);
  }
  pen.stroke();
}

function points(pen, errors, names) {
  const shown = [];
  for (let row = 0; row < N; row++) {
    if (!known(R.east[row])) continue;
    const x = toX(R.east[row]), y = toY(R.north[row]);
    if (x > -50 && y > -50 && x < map.width + 50 && y < map.height + 50) shown.push([row, x, y]);
  }
  const crowd = shown.length > 5000;
  for (const [row, x, y] of shown) {
    pen.strokeStyle = pen.fillStyle = colourOf(row);
    if (crowd) {
      pen.fillRect(x - 1, y - 1, 2, 2);
      continue;
    }
    const radius = R.sigma[row] * map.scale;
    if (errors && radius > 4) {
      pen.globalAlpha = 0.7;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.arc(x, y, Math.min(radius, 1e4), 0, 7);
      pen.stroke();
      pen.globalAlpha = 1;
    }
    pen.beginPath();
    pen.arc(x, y, 4.5, 0, 7);
    if (R.animal[row] || !FACTS.counted) pen.fill();
    else {
      pen.lineWidth = 2;
      pen.stroke();
    }
    if (row === map.chosen) {
      pen.strokeStyle = mapStyle("ink");
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, 9, 0, 7);
      pen.stroke();
    }
  }
  if (names && shown.length <= 400) label(pen, shown);
}

// Numbers of tracks where there is room for them.
function label(pen, shown) {
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = mapStyle("ink");
  pen.strokeStyle = mapStyle("paper");
  pen.lineWidth = 3;
  pen.lineJoin = "round";
  const taken = shown.map(([, x, y]) => [x - 4, y - 4, x + 4, y + 4]);
  for (const [row, x, y] of shown) {
    const text = String(R.track[row]);
    const box = [x + 7, y - 6, x + 9 + 7 * text.length, y + 6];
    if (taken.some((b) => box[0] < b[2] && b[0] < box[2] && box[1] < b[3] && b[1] < box[3])) continue;
    taken.push(box);
    pen.strokeText(text, x + 7, y + 4);
    pen.fillText(text, x + 7, y + 4);
  }
}

function furniture(pen) {
  const metres = nice(90 / map.scale);
  const long = metres * map.scale, x = map.width - long - 16, y = map.height - 14;
  pen.fillStyle = mapStyle("paper");
  pen.globalAlpha = 0.85;
  pen.fillRect(x - 8, y - 22, long + 16, 30);
  pen.globalAlpha = 1;
  pen.strokeStyle = pen.fillStyle = mapStyle("ink");
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x, y - 5);
  pen.lineTo(x, y);
  pen.lineTo(x + long, y);
  pen.lineTo(x + long, y - 5);
  pen.stroke();
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(fixed(metres, metres < 1 ? 1 : 0, "m"), x + 2, y - 8);
  const right = map.width - 24;
  pen.beginPath();
  pen.moveTo(right, 34);
  pen.lineTo(right, 14);
  pen.lineTo(right - 5, 22);
  pen.moveTo(right, 14);
  pen.lineTo(right + 5, 22);
  pen.stroke();
  pen.fillText("N", right - 4, 48);
}

function nearest(x, y) {
  let best = -1, near = 14 * 14;
  for (let row = 0; row < N; row++) {
    const d = (toX(R.east[row]) - x) ** 2 + (toY(R.north[row]) - y) ** 2;
    if (d < near) [best, near] = [row, d];
  }
  return best;
}

function tell(row) {
  byId("map-told").textContent =
    row < 0 ? FACTS.map_hint : `${nameOf(row)}: ${place(row)} ± ${fixed(R.sigma[row], 1, "m")}, score ${fixed(R.score[row], 2)}`;
}

function zoomMap(factor, x = map.width / 2, y = map.height / 2) {
  const scale = Math.min(Math.max(map.scale * factor, 1e-4), 500);
  const by = 1 / map.scale - 1 / scale;
  map.east += (x - map.width / 2) * by;
  map.north -= (y - map.height / 2) * by;
  map.scale = scale;
  drawMap();
}

function showOnMap(row) {
  map.chosen = row;
  map.east = R.east[row];
  map.north = R.north[row];
  map.scale = Math.max(map.scale, 4);
  byId("map").scrollIntoView();
  byId("map-canvas").focus({ preventScroll: true });
  drawMap();
  tell(row);
}

function startMap() {
  const canvas = byId("map-canvas");
  if (!canvas || !FACTS.map) return;
  const held = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.offsetX, event.offsetY]);
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return tell(nearest(event.offsetX, event.offsetY));
    const now = [event.offsetX, event.offsetY];
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const far = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
      zoomMap(far(now) / far(before), other[0], other[1]);
    } else {
      map.east -= (now[0] - before[0]) / map.scale;
      map.north += (now[1] - before[1]) / map.scale;
      drawMap();
    }
    moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    held.set(event.pointerId, now);
  });
  const let_go = (event) => {
    if (event.type === "pointerup" && held.size === 1 && moved < 6) {
      const row = nearest(event.offsetX, event.offsetY);
      if (row >= 0) {
        map.chosen = row;
        drawMap();
        openViewer([groupOf(row)], 0);
      }
    }
    held.delete(event.pointerId);
  };
  canvas.addEventListener("pointerup", let_go);
  canvas.addEventListener("pointercancel", let_go);
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return;
      event.preventDefault();
      zoomMap(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    const by = 60 / map.scale;
    const steps = {
      ArrowLeft: () => (map.east -= by),
      ArrowRight: () => (map.east += by),
      ArrowUp: () => (map.north += by),
      ArrowDown: () => (map.north -= by),
      "+": () => zoomMap(1.5),
      "=": () => zoomMap(1.5),
      "-": () => zoomMap(1 / 1.5),
      0: fitMap,
    };
    if (!steps[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    steps[event.key]();
    drawMap();
  });
  byId("map-in").addEventListener("click", () => zoomMap(1.5));
  byId("map-out").addEventListener("click", () => zoomMap(1 / 1.5));
  byId("map-fit").addEventListener("click", fitMap);
  for (const box of document.querySelectorAll("#map input")) box.addEventListener("change", drawMap);
  tell(-1);
  drawMap();
  fitMap();
  new ResizeObserver(() => map.printing || drawMap()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawMap);
}

// Paper is white, and the map keeps its shape there.
function printMap(printing) {
  map.printing = printing;
  if (printing) document.documentElement.dataset.print = "yes";
  else delete document.documentElement.dataset.print;
  drawMap();
}
