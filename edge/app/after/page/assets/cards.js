// Cards with pictures, page by page: the proofs of the count, and tracks as a gallery.

function card(group, open) {
  const row = group.rows[0];
  const best = group.rows.find((r) => R.chunk[r]) ?? row;
  const data = pictures(best)[0];
  const image = data
    ? make("img", { src: data, alt: "", decoding: "sync" })
    : make("span", { className: "empty", textContent: "no picture" });
  const sigma = known(R.sigma[row]) ? " · ±" + fixed(R.sigma[row], 1, "m") : "";
  const tracks = group.rows.length > 1 ? ` + ${group.rows.length - 1}` : "";
  const said = WORDS[R.verdict[row]];
  const mark = make("span", { className: "mark" });
  mark.style.backgroundColor = colourOf(row);
  const lines = [
    make("strong", {}, mark, nameOf(row) + tracks),
    make("span", { textContent: "score " + fixed(R.score[row], 2) + sigma }),
    make("span", { textContent: when(row) }),
  ];
  if (said) lines.push(make("span", { className: "verdict " + said, textContent: said }));
  return make(
    "button",
    { type: "button", className: "card", on: { click: open } },
    image,
    make("span", { className: "caption" }, ...lines),
  );
}

// Groups, `size` of them at a time, below `root`; what the controls say stands beside.
class Pages {
  constructor(root, one, what, size) {
    this.root = root;
    this.one = one;
    this.what = what;
    this.size = size;
    this.list = [];
    this.page = 0;
    this.bar = byId(root.id + "-pages");
  }

  show(list, page = 0) {
    this.list = list;
    const size = this.size || Math.max(list.length, 1);
    const last = Math.max(Math.ceil(list.length / size) - 1, 0);
    this.page = Math.min(Math.max(page, 0), last);
    const from = this.page * size;
    const to = Math.min(from + size, list.length);
    const made = [];
    for (let i = from; i < to; i++) made.push(this.one(list[i], i));
    this.root.replaceChildren(...made);
    const step = (text, label, to, off) =>
      make("button", { type: "button", textContent: text, disabled: off, aria: { label }, on: { click: () => this.turn(to) } });
    const said = list.length ? `${fixed(from + 1, 0)} to ${fixed(to, 0)} of ${fixed(list.length, 0)} ${this.what}` : `no ${this.what}`;
    const parts = [make("span", { className: "said", textContent: said })];
    if (last > 0) {
      parts.unshift(step("‹", "page before", this.page - 1, this.page === 0));
      parts.push(step("›", "next page", this.page + 1, this.page === last));
    }
    this.bar.replaceChildren(...parts);
    return said;
  }

  turn(page) {
    announce(this.show(this.list, page));
    this.root.scrollIntoView({ block: "nearest" });
  }
}

function startProofs() {
  if (!byId("proof-cards")) return;
  const pages = new Pages(byId("proof-cards"), (group, i) => card(group, () => openViewer(pages.list, i)), "individuals", 24);
  const wanted = byId("proof-class");
  const shown = () => ANIMALS.filter((one) => wanted.value === "" || R.label[one.rows[0]] === Number(wanted.value));
  const there = new Set(ANIMALS.map((one) => R.label[one.rows[0]]));
  for (const label of [...there].sort((a, b) => a - b)) {
    wanted.append(make("option", { value: String(label), textContent: FACTS.classes[label] ?? "class " + label }));
  }
  wanted.addEventListener("change", () => announce(pages.show(shown())));
  byId("proof-size").addEventListener("change", (event) => {
    pages.size = Number(event.target.value);
    announce(pages.show(shown()));
  });
  pages.show(shown());
}
