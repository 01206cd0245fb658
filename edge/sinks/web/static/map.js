// The map: aircraft, heading, what it sees, its way, coverage, and where objects are with their error circles.
import { element, number } from "./format.js";
import { Grid } from "./grid.js";
import { Labels } from "./labels.js";

const INK = "#0b4f8a";
const MOST_MARKS = 2000, MOST_WAY = 900; // as the server keeps them
const TOUCH = 14; // px around a dot that count as the dot: for a finger in a glove
const AIRCRAFT = '<svg viewBox="-20 -20 40 40" width="40" height="40" aria-hidden="true"><path d="M0-17 11 13 0 7-11 13Z" fill="#0b4f8a" stroke="#fff" stroke-width="2.5"/></svg>';

export class FlightMap {
  constructor(at, note) {
    this.note = note;
    this.map = L.map(at, { renderer: L.canvas({ tolerance: TOUCH }), zoomControl: true, attributionControl: false, zoomSnap: 0.5, maxZoom: 24, zoomAnimation: false, fadeAnimation: false });
    this.map.setView([0, 0], 2);
    L.control.scale({ imperial: false, maxWidth: 160 }).addTo(this.map);
    this.grid = new Grid();
    this.way = L.polyline([], { color: "#0b4f8a", weight: 2, opacity: 0.8, interactive: false });
    this.footprint = L.polygon([], { color: "#0b4f8a", weight: 2, fillOpacity: 0.08, interactive: false });
    this.coverage = L.geoJSON(null, { interactive: false, style: (of) => ({ color: of.properties.stroke, weight: 1, fillColor: of.properties.fill, fillOpacity: of.properties["fill-opacity"] }) });
    this.labels = new Labels();
    for (const layer of [this.coverage, this.way, this.footprint, this.labels]) layer.addTo(this.map);
    this.reset();
    this.follows = true;
    this.map.on("dragstart", () => this.follow(false));
    new ResizeObserver(() => this.resize()).observe(this.map.getContainer());
    this.tiles();
  }

  async tiles() {
    let why = "";
    try {
      const told = await (await fetch("/api/tiles")).json();
      why = told.why;
      if (told.path) {
        const archive = new pmtiles.PMTiles(told.path);
        const head = await archive.getHeader();
        pmtiles.leafletRasterLayer(archive, { maxNativeZoom: head.maxZoom, minZoom: head.minZoom, maxZoom: 24 }).addTo(this.map);
        this.tiled = true;
        this.paint();
        return;
      }
    } catch (error) {
      why = `plain grid in metres: the map file cannot be read (${error.message})`;
    }
    this.why = why;
    this.grid.addTo(this.map);
    this.say();
  }

  // The colours of the theme.
  paint() {
    const own = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
    const color = this.tiled ? INK : own; // tiles are bright in both themes
    this.way.setStyle({ color });
    this.footprint.setStyle({ color });
    this.grid.setHome(this.grid._home);
  }

  resize() {
    this.map.invalidateSize({ animate: false });
    if (this.follows && this.aircraft) this.map.panTo(this.aircraft.getLatLng(), { animate: false });
  }

  reset() {
    for (const both of this.marks?.values() ?? []) for (const one of both) one.remove();
    this.marks = new Map();
    this.revision = 0;
    this.leftOut = 0;
    this.way.setLatLngs([]);
    this.footprint.setLatLngs([]);
    this.coverage.clearLayers();
    this.labels.clear();
    this.labels.aircraft = undefined;
    this.aircraft?.remove();
    this.aircraft = undefined;
    this.placed = false;
    this.busy = false;
    this.covered = null;
    this.say();
  }

  follow(on) {
    this.follows = on;
    document.getElementById("follow").setAttribute("aria-pressed", String(on));
    if (on && this.aircraft) this.map.panTo(this.aircraft.getLatLng(), { animate: false });
  }

  show(state) {
    const { pose, footprint } = state;
    if (pose && pose.lat !== null && pose.lon !== null) this.fly(L.latLng(pose.lat, pose.lon), pose, footprint);
    if (footprint) this.footprint.setLatLngs(footprint);
    if (state.marks_revision > this.revision) this.fetchMarks();
    if (state.coverage !== null && state.coverage !== this.covered) this.fetchCoverage(state.coverage);
  }

  fly(at, pose, footprint) {
    if (!this.aircraft) {
      const icon = L.divIcon({ className: "aircraft", html: AIRCRAFT, iconSize: [40, 40] });
      this.aircraft = L.marker(at, { icon, interactive: false, keyboard: false, zIndexOffset: 1000 }).addTo(this.map);
      this.grid.setHome(at);
      this.placed = true;
      if (footprint) this.map.fitBounds(L.latLngBounds(footprint).pad(0.4), { animate: false });
      else this.map.setView(at, 18, { animate: false });
    }
    this.aircraft.setLatLng(at);
    this.labels.aircraft = at;
    this.aircraft.getElement().firstChild.style.transform = `rotate(${Number(pose.yaw) || 0}deg)`;
    if (this.follows) this.map.panTo(at, { animate: false });
    else this.labels.place();
    this.say();
  }

  async fetchMarks() {
    if (this.busy) return;
    this.busy = true;
    try {
      const told = await (await fetch(`/api/marks?since=${this.revision}`)).json();
      this.revision = told.revision;
      this.leftOut = told.left_out;
      this.go(told.way);
      for (const mark of told.marks) this.mark(mark);
      this.forget();
      this.labels.place();
      this.say();
    } catch {
      // the next state asks again
    } finally {
      this.busy = false;
    }
  }

  async fetchCoverage(stamp) {
    this.covered = stamp;
    try {
      const answer = await fetch("/api/coverage");
      if (!answer.ok) return;
      const told = await answer.json();
      this.coverage.clearLayers();
      this.coverage.addData(told);
    } catch {
      this.covered = null;
    }
  }

  // Every second point of a way that is too long goes: the whole way stays.
  go(points) {
    if (!points.length) return;
    let way = [...this.way.getLatLngs(), ...points];
    while (way.length > MOST_WAY) way = way.filter((_, i) => i % 2 === 0);
    this.way.setLatLngs(way);
  }

  drop(track) {
    for (const one of this.marks.get(track) ?? []) one.remove();
    this.marks.delete(track);
  }

  // The oldest marks go where they are too many, here as in the server, which counts them.
  forget() {
    for (const track of this.marks.keys()) {
      if (this.marks.size <= MOST_MARKS) break;
      this.drop(track);
      this.labels.forget(track);
    }
  }

  mark(mark) {
    if (mark.lat === null || mark.lon === null) return;
    this.drop(mark.track); // the one that changed last stands last
    const at = [mark.lat, mark.lon];
    const color = mark.colour;
    const circle = L.circle(at, { radius: mark.sigma_m ?? 0, color, weight: 1.5, fillOpacity: 0.15, interactive: false }).addTo(this.map);
    const dot = L.circleMarker(at, { radius: 5, color: "#fff", weight: 2, fillColor: color, fillOpacity: 1 }).addTo(this.map);
    const words = `${mark.class} ${mark.track} ±${number(mark.sigma_m, mark.sigma_m < 10 ? 1 : 0)} m`;
    dot.bindTooltip(element("span", words), { direction: "top", offset: [0, -8], className: "mark-told" });
    this.labels.name(mark.track, at, words, color);
    this.marks.set(mark.track, [circle, dot]);
    if (!this.placed) {
      this.placed = true;
      this.grid.setHome(L.latLng(at));
      this.map.setView(at, 18, { animate: false });
    }
  }

  say() {
    const told = [];
    if (!this.placed) told.push("No position: the source gives no pose");
    else told.push(`${this.marks.size} position${this.marks.size === 1 ? "" : "s"}${this.leftOut ? `, ${this.leftOut} older ones left out` : ""}`);
    if (this.why) told.push(this.why);
    this.note(told.join(" · "));
  }
}
