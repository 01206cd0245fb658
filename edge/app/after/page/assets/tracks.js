// All tracks: filtered, sorted, as a table or as a gallery.

const COLUMNS = [
  ["track", "track", (r) => R.track[r], (r) => String(R.track[r])],
  ["class", "class", (r) => R.label[r], className],
  ["flight", "flight", (r) => R.flight[r], (r) => FACTS.flights[R.flight[r]], () => FACTS.flights.length > 1],
  ["score", "score", (r) => R.score[r], (r) => fixed(R.score[r], 3)],
  ["frames", "frames", (r) => R.frames[r], (r) => fixed(R.frames[r], 0)],
  ["first", FACTS.times_known ? "first seen, UTC" : "first seen", (r) => (known(R.epoch[r]) ? R.epoch[r] : R.first[r]), when],
  ["lasted", "seen for", (r) => R.lasted[r], (r) => fixed(R.lasted[r], 1, "s")],
  ["celsius", "°C max", (r) => R.cmax[r], (r) => fixed(R.cmax[r], 1), () => R.cmax.some(known)],
  ["size", "size, px", (r) => R.w[r] * R.h[r], (r) => fixed(R.w[r], 0) + " x " + fixed(R.h[r], 0)],
  ["sigma", "position ±", (r) => R.sigma[r], (r) => fixed(R.sigma[r], 1, "m"), () => R.sigma.some(known)],
  ["animal", "individual", (r) => R.animal[r] || Infinity, (r) => (R.animal[r] ? String(R.animal[r]) : "–"), () => FACTS.counted],
  ["verdict", "review", (r) => R.verdict[r], (r) => WORDS[R.verdict[r]] || "–", () => FACTS.reviewed],
].filter((column) => !column[4] || column[4]());
const TEXT = new Set(["class", "flight", "verdict"]);

const sorted = { by: "score", down: true };

function chosenRows() {
  const value = (id) => byId("filter-" + id)?.value ?? "";
  const label = value("class"), flight = value("flight"), verdict = value("verdict"), counted = value("counted");
  const number = value("track").trim();
  const least = (id) => (value(id) === "" || !known(Number(value(id))) ? -Infinity : Number(value(id)));
  const score = least("score"), celsius = least("celsius");
  const rows = [];
  for (let r = 0; r < N; r++) {
    if (label !== "" && R.label[r] !== Number(label)) continue;
    if (flight !== "" && R.flight[r] !== Number(flight)) continue;
    if (verdict !== "" && R.verdict[r] !== Number(verdict)) continue;
    if (counted !== "" && (R.animal[r] > 0) !== (counted === "1")) continue;
    if (number !== "" && String(R.track[r]) !== number) continue;
    if (R.score[r] < score || (celsius > -Infinity && !(R.cmax[r] >= celsius))) continue;
    rows.push(r);
  }
  const key = COLUMNS.find((column) => column[0] === sorted.by)[2];
  const way = sorted.down ? -1 : 1;
  const rank = (v) => (Number.isNaN(v) ? -Infinity : v);
  return rows.sort((a, b) => way * (rank(key(a)) - rank(key(b)) || 0) || a - b);
}

function startTracks() {
  const body = byId("track-rows"), head = byId("track-head");
  if (!body) return;
  let rows = [];
  const alone = () => rows.map((row) => ({ animal: 0, rows: [row] }));
  const line = (row, i) =>
    make(
      "tr",
      { className: row === map.chosen ? "chosen" : "" },
      ...COLUMNS.map(([name, , , text], k) =>
        k === 0
          ? make("th", { scope: "row" }, make("button", {
              type: "button",
              className: "link",
              textContent: text(row),
              aria: { label: "open " + nameOf(row) },
              on: { click: () => openViewer(alone(), i) },
            }))
          : make("td", { className: TEXT.has(name) ? "" : "n", textContent: text(row) }),
      ),
    );
  const table = new Pages(body, line, "tracks", 25);
  const gallery = new Pages(byId("track-cards"), (group, i) => card(group, () => openViewer(gallery.list, i)), "tracks", 48);
  const show = () => {
    rows = chosenRows();
    const asCards = byId("view-cards").checked;
    byId("track-table").hidden = byId("track-rows-pages").hidden = asCards;
    byId("track-cards").hidden = byId("track-cards-pages").hidden = !asCards;
    for (const cell of head.children) {
      const mine = cell.dataset.name === sorted.by;
      cell.setAttribute("aria-sort", mine ? (sorted.down ? "descending" : "ascending") : "none");
    }
    return asCards ? gallery.show(alone()) : table.show(rows);
  };
  for (const [name, title] of COLUMNS) {
    const sort = make("button", { type: "button", className: "sort", textContent: title });
    sort.addEventListener("click", () => {
      sorted.down = sorted.by === name ? !sorted.down : !TEXT.has(name) && name !== "track" && name !== "animal" && name !== "first";
      sorted.by = name;
      announce(`sorted by ${title}, ${sorted.down ? "largest" : "smallest"} first; ${show()}`);
    });
    const cell = make("th", { scope: "col", className: TEXT.has(name) || name === "track" ? "" : "n" }, sort);
    cell.dataset.name = name;
    head.append(cell);
  }
  const fill = (id, options) => {
    for (const [value, text] of options) byId("filter-" + id)?.append(make("option", { value: String(value), textContent: text }));
  };
  const labels = new Set(R.label);
  fill("class", [...labels].sort((a, b) => a - b).map((l) => [l, FACTS.classes[l] ?? "class " + l]));
  fill("flight", FACTS.flights.map((name, i) => [i, name]));
  for (const field of document.querySelectorAll("#filters input, #filters select")) {
    field.addEventListener("input", () => announce(show()));
  }
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(() => announce(show())));
  show();
}

startViewer();
startProofs();
startMap();
startTracks();
byId("print")?.addEventListener("click", () => window.print());
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  printMap(true);
});
addEventListener("afterprint", () => printMap(false));
document.documentElement.dataset.ready = "yes";
