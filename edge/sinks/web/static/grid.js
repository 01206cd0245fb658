// A plain grid in metres, for a map without tiles: lines every 1, 2 or 5 times a power of ten.
const M_PER_DEGREE = 111195;
const LEAST_PX = 90; // between two lines
const SCALE_PX = 176; // the scale stands there, at the bottom on the left

export const Grid = L.Layer.extend({
  onAdd(map) {
    this._map = map;
    this._canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide", map.getPane("tilePane"));
    this._canvas.setAttribute("aria-hidden", "true");
    map.on("moveend zoomend resize", this._draw, this);
    this._draw();
  },

  onRemove(map) {
    map.off("moveend zoomend resize", this._draw, this);
    this._canvas.remove();
  },

  // Where 0 m is: the first position that came.
  setHome(home) {
    this._home = home;
    if (this._map) this._draw();
  },

  _draw() {
    const map = this._map;
    const size = map.getSize();
    const canvas = this._canvas;
    const dense = window.devicePixelRatio || 1;
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    canvas.width = size.x * dense;
    canvas.height = size.y * dense;
    canvas.style.width = `${size.x}px`;
    canvas.style.height = `${size.y}px`;
    if (!this._home || !size.x) return;
    const pen = canvas.getContext("2d");
    pen.scale(dense, dense);
    const { lat, lng } = this._home;
    const across = M_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
    const bounds = map.getBounds();
    const metres = (bounds.getEast() - bounds.getWest()) * across;
    const step = rounded((metres * LEAST_PX) / size.x);
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--quiet");
    pen.fillStyle = ink;
    pen.font = "600 13px system-ui, sans-serif";
    const behind = getComputedStyle(map.getContainer()).backgroundColor;
    const name = (value) => (step >= 1000 ? `${value / 1000} km` : `${Number(value.toPrecision(6))} m`);
    const words = (text, x, y) => {
      pen.strokeStyle = behind; // readable where it crosses a line
      pen.lineWidth = 4;
      pen.strokeText(text, x, y);
      pen.fillText(text, x, y);
      pen.strokeStyle = ink;
      pen.lineWidth = 1;
    };
    pen.strokeStyle = ink;
    const told = []; // after all lines
    for (let i = Math.ceil(((bounds.getWest() - lng) * across) / step); i <= ((bounds.getEast() - lng) * across) / step; i++) {
      const x = map.latLngToContainerPoint([lat, lng + (i * step) / across]).x;
      line(pen, i, x, 0, x, size.y);
      const text = `${name(Math.abs(i * step))}${i > 0 ? " E" : i < 0 ? " W" : ""}`;
      if (x > SCALE_PX && x + 8 + pen.measureText(text).width < size.x) told.push([text, x + 4, size.y - 8]);
    }
    for (let i = Math.ceil(((bounds.getSouth() - lat) * M_PER_DEGREE) / step); i <= ((bounds.getNorth() - lat) * M_PER_DEGREE) / step; i++) {
      const y = map.latLngToContainerPoint([lat + (i * step) / M_PER_DEGREE, lng]).y;
      line(pen, i, 0, y, size.x, y);
      const text = `${name(Math.abs(i * step))}${i > 0 ? " N" : " S"}`;
      if (i !== 0 && y > 20 && y < size.y - 28) told.push([text, size.x - 6 - pen.measureText(text).width, y - 4]);
    }
    for (const one of told) words(...one);
  },
});

function line(pen, i, x1, y1, x2, y2) {
  pen.globalAlpha = i === 0 ? 0.9 : 0.35;
  pen.beginPath();
  pen.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  pen.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
  pen.stroke();
  pen.globalAlpha = 1;
}

function rounded(metres) {
  const ten = 10 ** Math.floor(Math.log10(metres));
  return ten * ([1, 2, 5].find((times) => times * ten >= metres) ?? 10);
}
