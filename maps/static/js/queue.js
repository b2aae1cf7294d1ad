// Reports that wait for the network: each kept on the phone until the service has taken or refused it, sent in order, one at a
// time, with growing waits. Nothing leaves the phone's memory unseen.

const PREFIX = "geo-risk report ";
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 120000;
const SENT_KEPT_MS = 86400000;
const LATER = new Set([0, 408, 425, 429, 500, 502, 503, 504, 507]);

// `tried` says that a report was on its way once: that no answer came does not say that it did not arrive.
// States: waiting, sent, late (taken, but what was observed later stands), refused (why).
export class Queue {
  reports = [];
  timer = null;
  sending = null;
  tries = 0;
  stopped = null;

  // `send(report)` gives { late, current } or rejects with a status; `whoAsks()` names the caller, or null; `changed` redraws.
  constructor({ storage, send, whoAsks, changed }) {
    Object.assign(this, { storage, send, whoAsks, changed });
    this.load();
  }

  // What other pages of this phone put there is found too.
  load() {
    const keys = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i)).filter((key) => key?.startsWith(PREFIX));
    const stored = keys.map((key) => read(this.storage, key)).filter(Boolean);
    const here = this.reports.filter(({ kept }) => !kept);
    this.reports = [...stored, ...here].sort((a, b) => (a.at + a.key < b.at + b.key ? -1 : 1));
    for (const each of this.reports) if (each.state === "sent" && Date.now() - Date.parse(each.doneAt) > SENT_KEPT_MS) this.drop(each);
    return this;
  }

  // True where the phone keeps it even if the page is closed; false where it lives only as long as the page.
  add(report) {
    const added = { ...report, state: "waiting", at: new Date().toISOString(), by: this.whoAsks() };
    this.reports.push(added);
    this.keep(added);
    this.run();
    return added.kept;
  }

  keep(report) {
    report.kept = true;
    try {
      this.storage.setItem(PREFIX + report.at + report.key, JSON.stringify(report));
    } catch {
      report.kept = false;
    }
    this.changed();
  }

  drop(report) {
    this.storage.removeItem(PREFIX + report.at + report.key);
    this.reports = this.reports.filter((each) => each !== report);
    this.changed();
  }

  get next() {
    return this.reports.find(({ state }) => state === "waiting") ?? null;
  }

  // Sends what waits, from the oldest on; called again by itself, and whenever the network or the caller is back.
  async run({ now = false } = {}) {
    if (now) Object.assign(this, { tries: 0, stopped: null });
    if (this.sending || (this.timer && !now)) return;
    clearTimeout(this.timer);
    this.timer = null;
    while (this.next && !this.timer) {
      this.sending = this.next;
      if (!this.mine(this.sending)) {
        this.stop("report.other");
        break;
      }
      this.keep(Object.assign(this.sending, { tried: true }));
      await this.sent(this.sending);
    }
    this.sending = null;
    this.changed();
  }

  // What one person wrote is not sent in another's name.
  mine({ by }) {
    return by === null || by === this.whoAsks();
  }

  async sent(report) {
    try {
      const { late, current } = await this.send(report);
      Object.assign(report, { state: late ? "late" : "sent", current: current ?? null, doneAt: new Date().toISOString() });
      Object.assign(this, { tries: 0, stopped: null });
      this.keep(report);
    } catch (error) {
      const status = error.status ?? 0;
      if (status === 401) this.stop("report.sign_in");
      else if (LATER.has(status)) this.stop(status ? "report.busy" : "report.offline");
      else {
        Object.assign(report, { state: "refused", status, why: error.detail ?? "", doneAt: new Date().toISOString() });
        this.keep(report);
      }
    }
  }

  // Nothing more now; once more after a while that grows.
  stop(why) {
    this.stopped = why;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries) * (0.5 + Math.random() / 2);
    this.tries += 1;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.run();
    }, wait);
  }
}

// What cannot be read is left where it is, for whoever can.
function read(storage, key) {
  try {
    const found = JSON.parse(storage.getItem(key));
    return found && typeof found.key === "string" && typeof found.at === "string" ? { ...found, kept: true } : null;
  } catch {
    return null;
  }
}
