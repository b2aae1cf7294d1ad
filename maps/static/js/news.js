// The latest changes, told shortly as they come: what, who if the reader may know, when. The list stays short for days.

import { byId, el } from "./dom.js";
import { lastOf } from "./history.js";
import { nameOf, number, t, titleOf } from "./page.js";
import { feature } from "./writes.js";

const KEPT = 6;
const NAMED_AT_ONCE = 3;
const clock = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export class News {
  lines = [];

  constructor({ layers, open }) {
    Object.assign(this, { layers, open });
    byId("news-close").addEventListener("click", () => this.clear());
  }

  // `touched` maps layers to their changes { id, op }. Few are named one by one, many are counted.
  async tell(touched, at) {
    const changes = [...touched].flatMap(([layer, each]) => [...each].map(([id, op]) => ({ layer, id, op })));
    if (!changes.length) return;
    const time = clock.format(at ? new Date(at) : new Date());
    if (changes.length > NAMED_AT_ONCE) this.put([...touched].map(([layer, each]) => ({ time, what: t("news.many", { layer: this.title(layer), n: number(each.size, 0) }) })));
    else this.put(await Promise.all(changes.map(async (each) => ({ time, ...(await this.told(each)) }))));
  }

  async told({ layer, id, op }) {
    const [now, last] = await Promise.all([op === "delete" ? null : feature(layer, id).catch(() => null), lastOf(layer, id).catch(() => ({}))]);
    const name = now ? nameOf(now.body.properties, id) : id;
    const what = t("news.one", { layer: this.title(layer), name, op: t(`op.${now ? op : "delete"}`) });
    return { what, who: last.who, go: now ? () => this.open(layer, id) : null };
  }

  title(layer) {
    return titleOf(this.layers().get(layer)?.title) || layer;
  }

  put(lines) {
    this.lines = [...lines, ...this.lines].slice(0, KEPT);
    this.draw();
  }

  clear() {
    this.lines = [];
    this.draw();
  }

  draw() {
    byId("news").hidden = !this.lines.length;
    byId("news-list").replaceChildren(...this.lines.map(({ time, what, who, go }) => el("li", {}, el("time", {}, time), " ", go ? el("button", { type: "button", class: "link", on: { click: go } }, what) : what, who ? ` · ${who}` : null)));
  }
}
