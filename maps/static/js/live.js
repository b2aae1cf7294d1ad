// The stream of changes: opened again with growing waits, given up for asking where it cannot be had, closed while nobody looks.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const GIVEN_UP_AFTER = 3;
const MISSED_AT_MOST = 2;

// States: waiting, live, reconnecting (since), asking (no stream: the page asks every few seconds), paused.
export class Live {
  source = null;
  timer = null;
  tries = 0;
  missed = 0;
  since = null;
  state = "waiting";
  paused = false;

  // `took` gets { revision, changes, recorded_at }; `anew` is called where changes may have been missed; `turned` when the state is another.
  constructor({ took, anew, turned }) {
    Object.assign(this, { took, anew, turned });
  }

  open() {
    this.close();
    if (this.paused) return;
    if (!window.EventSource) {
      this.turn("asking");
      return;
    }
    const source = new EventSource(new URL("events", document.baseURI));
    this.source = source;
    const heard = { open: () => this.opened(), changes: (event) => this.take(event), resync: () => this.resynced(), error: () => this.failed(source) };
    for (const [name, act] of Object.entries(heard)) source.addEventListener(name, act);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    Object.assign(this, { source: null, timer: null });
  }

  opened() {
    Object.assign(this, { tries: 0, missed: 0 });
    this.turn("live");
    this.anew();
  }

  take({ data }) {
    this.missed = 0;
    this.turn("live");
    this.took(JSON.parse(data));
  }

  // The service says that changes were missed: all is asked for anew, then the stream.
  resynced() {
    this.anew();
    this.again();
  }

  // A browser tries again by itself, from where it was, unless the service refused the stream.
  failed(source) {
    this.turn(this.tries >= GIVEN_UP_AFTER ? "asking" : "reconnecting");
    if (source === this.source && source.readyState === EventSource.CLOSED) this.again();
  }

  // Waits grow and differ from screen to screen, so that many screens do not come back in one moment.
  again() {
    this.close();
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries) * (0.5 + Math.random() / 2);
    this.tries += 1;
    this.timer = setTimeout(() => this.open(), wait);
  }

  // The page found by asking what the stream did not tell: something between swallows it.
  overlooked() {
    if (this.state !== "live") return;
    this.missed += 1;
    if (this.missed <= MISSED_AT_MOST) return;
    this.tries = GIVEN_UP_AFTER;
    this.turn("asking");
    this.again();
  }

  pause() {
    this.paused = true;
    this.close();
    this.turn("paused");
  }

  resume() {
    if (!this.paused) return;
    Object.assign(this, { paused: false, tries: 0 });
    this.turn("waiting");
    this.open();
  }

  turn(state) {
    if (this.state === state) return;
    const away = state === "reconnecting" || state === "asking";
    if (!away) this.since = null;
    else this.since ??= Date.now();
    this.state = state;
    this.turned(state);
  }
}
