// What happened, the newest first.
import { clock, element } from "./format.js";

const MOST = 300;

export class Log {
  constructor(list, missed) {
    this.list = list;
    this.missed = missed;
    this.leftOut = 0;
  }

  add(event) {
    const line = element("li", undefined, { "data-level": event.level, "data-kind": event.kind, "data-number": event.number });
    line.append(element("time", clock(event.utc), { datetime: event.utc }), element("span", event.text));
    this.list.prepend(line);
    if (this.list.childElementCount > MOST) {
      this.list.lastElementChild.remove();
      this.leave(1);
    }
  }

  leave(count) {
    this.leftOut += count;
    this.missed.textContent = `${this.leftOut} older events are not shown`;
    this.missed.hidden = this.leftOut === 0;
  }

  clear() {
    this.list.replaceChildren();
    this.leftOut = 0;
    this.leave(0);
  }
}
