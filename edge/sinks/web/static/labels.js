// The names of positions on the map, placed so that none covers another, a dot, the aircraft or a button. A name for
// which there is no room is left out; its dot tells it when it is touched.
import { element } from "./format.js";

const NAMED = 40; // the newest ones in the picture; more would hide the map
const APART = 3; // px between two names
const DOT = 7; // px, half of a dot with its edge
const AIRCRAFT = 20; // px, half of it
// Where a name may stand: beside its dot, then higher and lower, in heights of a name; side 1: to the right.
const PLACES = [[1, 0], [-1, 0], [1, -1], [1, 1], [-1, -1], [-1, 1], [1, -2], [1, 2], [-1, -2], [-1, 2]];

export const Labels = L.Layer.extend({
  onAdd(map) {
    this._map = map;
    this._names = new Map(); // number of the track: its element, its place, its size
    this._box = L.DomUtil.create("div", "mark-names", map.getPane("tooltipPane"));
    map.on("moveend zoomend resize", this.place, this);
  },

  onRemove(map) {
    map.off("moveend zoomend resize", this.place, this);
    this._box.remove();
  },

  name(track, at, words, color) {
    const old = this._names.get(track);
    if (old?.words !== words) old?.span.remove();
    this._names.delete(track); // the one that changed last stands last
    const one = old?.words === words ? { ...old, at } : { at, words, span: element("span", words, { class: "mark-name" }) };
    one.span.style.borderColor = color;
    this._names.set(track, one);
  },

  forget(track) {
    this._names.get(track)?.span.remove();
    this._names.delete(track);
  },

  clear() {
    this._names.clear();
    this._box.replaceChildren();
  },

  // The newest choose first; a name stays where it is while it can.
  place() {
    const map = this._map;
    const size = map.getSize();
    if (!size.x || !size.y) return;
    const near = [];
    for (const one of [...this._names.values()].reverse()) {
      const at = map.latLngToContainerPoint(one.at);
      if (at.x < 0 || at.y < 0 || at.x > size.x || at.y > size.y || near.length === NAMED) one.span.remove();
      else near.push({ one, at });
    }
    const taken = this._taken();
    for (const { at } of near) taken.push(around(at, DOT));
    for (const { one } of near) if (!one.span.isConnected) this._box.append(one.span);
    for (const { one } of near) one.size ??= { x: one.span.offsetWidth, y: one.span.offsetHeight };
    for (const { one, at } of near) {
      const places = one.chosen ? [one.chosen, ...PLACES] : PLACES;
      one.chosen = places.find((place) => free(box(at, one.size, place), taken, size));
      one.span.hidden = !one.chosen;
      if (!one.chosen) continue;
      const where = box(at, one.size, one.chosen);
      taken.push(where);
      L.DomUtil.setPosition(one.span, map.containerPointToLayerPoint([where.left, where.top]));
    }
  },

  // Room that names must leave: buttons, scale, aircraft.
  _taken() {
    const own = this._map.getContainer().getBoundingClientRect();
    const taken = [];
    for (const one of this._map.getContainer().querySelectorAll(".leaflet-control")) {
      const { left, top, right, bottom } = one.getBoundingClientRect();
      taken.push({ left: left - own.left, top: top - own.top, right: right - own.left, bottom: bottom - own.top });
    }
    if (this.aircraft) taken.push(around(this._map.latLngToContainerPoint(this.aircraft), AIRCRAFT));
    return taken;
  },
});

const around = ({ x, y }, half) => ({ left: x - half, top: y - half, right: x + half, bottom: y + half });

function box(at, size, [side, row]) {
  const left = side > 0 ? at.x + DOT + 2 : at.x - DOT - 2 - size.x;
  const top = at.y - size.y / 2 + row * (size.y + APART);
  return { left, top, right: left + size.x, bottom: top + size.y };
}

function free(one, taken, size) {
  if (one.left < 0 || one.top < 0 || one.right > size.x || one.bottom > size.y) return false;
  return !taken.some((other) => one.left < other.right + APART && other.left < one.right + APART && one.top < other.bottom && other.top < one.bottom);
}
