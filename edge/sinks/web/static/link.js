// The stream of states and events. It comes back by itself, and asks for what it missed.
const SILENT_MS = 5000; // the server says something twice a second
const AGAIN_MS = 2000;

export class Link {
  constructor(hears) {
    this.hears = hears; // {state, log, missed, fresh, over, lost}
    this.last = "";
    this.lostAt = null;
    this.heardAt = performance.now();
    this.open();
    setInterval(() => this.look(), 500);
    addEventListener("online", () => this.open());
    addEventListener("pageshow", (event) => event.persisted && this.open());
  }

  open() {
    clearTimeout(this.again);
    this.again = undefined;
    this.source?.close();
    this.openedAt = performance.now();
    const source = (this.source = new EventSource(`/api/events?last=${encodeURIComponent(this.last)}`));
    for (const kind of ["state", "log", "missed", "fresh", "over"]) {
      source.addEventListener(kind, (event) => {
        if (source !== this.source) return;
        if (event.lastEventId) this.last = event.lastEventId;
        this.heardAt = performance.now();
        if (kind !== "over") this.lostAt = null;
        this.hears[kind](JSON.parse(event.data));
      });
    }
    source.onerror = () => {
      if (source !== this.source) return;
      this.lose();
      source.close(); // it would ask without what it had last where the page was loaded anew
      this.again ??= setTimeout(() => this.open(), AGAIN_MS);
    };
  }

  lose() {
    this.lostAt ??= performance.now();
  }

  look() {
    const now = performance.now();
    if (now - this.heardAt > SILENT_MS) {
      this.lose();
      if (!this.again && now - this.openedAt > SILENT_MS) this.open(); // a network that went away says nothing
    }
    this.hears.lost(this.lostAt === null ? null : (now - this.lostAt) / 1000);
  }
}
