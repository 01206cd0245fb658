// One counted individual, or one track: its pictures to page through, and what is known of it.

const viewer = { groups: [], at: 0, page: 0, pages: [] };

function openViewer(groups, at) {
  viewer.groups = groups;
  showGroup(at);
  const dialog = byId("viewer");
  if (!dialog.open) dialog.showModal();
}

function showGroup(at) {
  if (at < 0 || at >= viewer.groups.length) return;
  viewer.at = at;
  viewer.pages = [];
  for (const row of viewer.groups[at].rows) {
    const found = pictures(row);
    if (found.length) found.forEach((data, i) => viewer.pages.push({ row, data, of: found.length, place: i + 1 }));
    else viewer.pages.push({ row, data: "", of: 0, place: 0 });
  }
  showPage(0);
}

function showPage(page) {
  if (page < 0 || page >= viewer.pages.length) return;
  viewer.page = page;
  const group = viewer.groups[viewer.at];
  const { row, data, of, place: which } = viewer.pages[page];
  byId("viewer-title").textContent = group.animal
    ? `${className(row)}, individual ${group.animal}`
    : nameOf(row);
  byId("viewer-at").textContent = `${viewer.at + 1} of ${viewer.groups.length}`;
  const image = byId("viewer-image");
  image.hidden = !data;
  if (data) image.src = data;
  image.alt = data ? `picture ${which} of ${of} of ${nameOf(row)}` : "";
  byId("viewer-none").hidden = !!data;
  byId("viewer-none").textContent = R.kept[row] ? FACTS.no_picture : "The flight kept no picture of this track.";
  byId("viewer-page").textContent = data
    ? `picture ${page + 1} of ${viewer.pages.length}` + (group.rows.length > 1 ? `, track ${R.track[row]}` : "")
    : "no picture";
  byId("viewer-facts").replaceChildren(...factsOf(row, group).flatMap(([name, value]) => [
    make("dt", { textContent: name }),
    make("dd", { textContent: value }),
  ]));
  byId("viewer-back").disabled = page === 0;
  byId("viewer-next").disabled = page === viewer.pages.length - 1;
  byId("viewer-before").disabled = viewer.at === 0;
  byId("viewer-after").disabled = viewer.at === viewer.groups.length - 1;
  byId("viewer-map").hidden = !known(R.east[row]) || !FACTS.map;
}

function factsOf(row, group) {
  const facts = [["class", className(row)]];
  facts.push([group.rows.length > 1 ? "tracks" : "track", group.rows.map((r) => R.track[r]).join(", ")]);
  if (FACTS.flights.length > 1) {
    facts.push(["flights", [...new Set(group.rows.map((r) => FACTS.flights[R.flight[r]]))].join(", ")]);
  }
  facts.push(["position", place(row) ? `${place(row)} ± ${fixed(R.sigma[row], 1, "m")}` : "not known"]);
  facts.push(["first seen", when(row) + (known(R.epoch[row]) ? " UTC" : " since the first frame")]);
  facts.push(["seen for", fixed(R.lasted[row], 1, "s") + ", " + fixed(R.frames[row], 0) + " frames"]);
  facts.push(["score", fixed(R.score[row], 3)]);
  if (known(R.cmax[row])) {
    facts.push(["apparent", `${fixed(R.cmin[row], 1)} to ${fixed(R.cmax[row], 1)} °C, mean ${fixed(R.cmean[row], 1)} °C`]);
  }
  facts.push(["size", `${fixed(R.w[row], 0)} x ${fixed(R.h[row], 0)} px, best in frame ${R.seq[row]}`]);
  if (FACTS.reviewed) facts.push(["review", WORDS[R.verdict[row]] || "not reviewed"]);
  if (!group.animal) facts.push(["counted", FACTS.counted ? "no: see what is not known" : "nobody counted"]);
  return facts;
}

function viewerKeys(event) {
  const steps = {
    ArrowRight: () => showPage(viewer.page + 1),
    ArrowLeft: () => showPage(viewer.page - 1),
    ArrowDown: () => showGroup(viewer.at + 1),
    ArrowUp: () => showGroup(viewer.at - 1),
    PageDown: () => showGroup(viewer.at + 1),
    PageUp: () => showGroup(viewer.at - 1),
    Home: () => showGroup(0),
    End: () => showGroup(viewer.groups.length - 1),
  };
  if (steps[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) {
    event.preventDefault();
    steps[event.key]();
  }
}

function startViewer() {
  byId("viewer").addEventListener("keydown", viewerKeys);
  byId("viewer-back").addEventListener("click", () => showPage(viewer.page - 1));
  byId("viewer-next").addEventListener("click", () => showPage(viewer.page + 1));
  byId("viewer-before").addEventListener("click", () => showGroup(viewer.at - 1));
  byId("viewer-after").addEventListener("click", () => showGroup(viewer.at + 1));
  byId("viewer-map").addEventListener("click", () => {
    byId("viewer").close();
    showOnMap(viewer.pages[viewer.page].row);
  });
}
