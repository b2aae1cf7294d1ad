// The questions that stay open: asked again whenever roads or data change, and what changed is said in words.

import { byId, el, say } from "./dom.js";
import { t } from "./page.js";
import { openPanel } from "./panel.js";
import { problem, problemWord } from "./said.js";

const TOLD = 2;
const clock = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

// A question has: id, title(), subtitle(), ask(signal), body(), draw(), erase(), changes(before, now); form() above the answer and after() below it if it likes.
export class Watch {
  questions = new Map();

  async put(question) {
    const former = this.questions.get(question.id);
    if (former && former !== question) {
      former.latest.drop();
      former.erase();
    }
    this.questions.set(question.id, question);
    Object.assign(question, { said: former === question ? question.said : [], answer: former === question ? question.answer : null });
    this.drawList();
    await this.run(question);
  }

  // All of them anew. `told`: something happened that the reader wants an answer to, so "unchanged" is said too.
  async again({ told = false } = {}) {
    const questions = [...this.questions.values()].filter((question) => question.answer || question.error);
    const lines = (await Promise.all(questions.map((question) => this.run(question, told)))).flat();
    if (lines.length) say(lines.join(" "));
  }

  // One of them anew, because the reader asks for it.
  async repeat(question) {
    say((await this.run(question, true)).join(" "));
  }

  async run(question, told = false) {
    const before = question.answer;
    try {
      const answer = await question.latest.run((signal) => question.ask(signal, before));
      if (answer === null || this.questions.get(question.id) !== question) return [];
      const changed = before ? question.changes(before, answer) : [];
      Object.assign(question, { answer, error: null });
      this.tell(question, changed.length || !told ? changed : [t("watch.same")]);
      this.show(question);
      return changed.length || told ? question.said.map((line) => `${question.title()}: ${line}`) : [];
    } catch (error) {
      question.error = error;
      this.tell(question, [problemWord(error)]);
      this.show(question);
      return [`${question.title()}: ${problemWord(error)}`];
    }
  }

  tell(question, lines) {
    if (lines.length) Object.assign(question, { said: lines, saidAt: clock.format(new Date()) });
  }

  show(question) {
    if (question.answer) question.draw();
    question.shown = (question.shown ?? 0) + 1;
    document.body.dataset[question.id] = question.error ? "error" : String(question.shown);
    this.drawList();
    this.fill(question);
  }

  stop(question) {
    question.latest.drop();
    question.erase();
    this.questions.delete(question.id);
    this.drawList();
    say(t("watch.stopped", { name: question.title() }));
  }

  // The panel of a question: its form stays the same element, so that what is typed stays; the answer below is drawn anew.
  panel(question) {
    openPanel(question.title(), question.subtitle(), null, question.form?.(), el("div", { id: "access-answer", "data-question": question.id }), question.after?.());
    this.fill(question);
  }

  fill(question) {
    const holder = byId("access-answer");
    if (holder?.dataset.question !== question.id) return;
    const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const opened = [...holder.querySelectorAll("details[open][data-key]")].map((each) => each.dataset.key);
    holder.replaceChildren(...[changesOf(question), question.error ? problem(question.error) : null, question.answer ? question.body() : this.waiting(question)].flat().filter(Boolean));
    for (const each of holder.querySelectorAll("details[data-key]")) if (opened.includes(each.dataset.key)) each.open = true;
    if (focused) [...holder.querySelectorAll("[data-key]")].find((each) => each.dataset.key === focused)?.focus({ preventScroll: true });
  }

  waiting(question) {
    return question.error || !this.questions.has(question.id) ? null : el("p", { class: "note" }, t("access.asking"));
  }

  // The list on the map: a way back to each open question, what changed last, and an end to it.
  drawList() {
    const box = byId("watch");
    const questions = [...this.questions.values()];
    const focused = box.contains(document.activeElement) ? document.activeElement.id : null;
    box.hidden = !questions.length;
    box.replaceChildren(...(questions.length ? [el("h2", {}, t("watch.title")), el("ul", {}, questions.map((question) => this.row(question)))] : []));
    if (focused) byId(focused)?.focus();
  }

  row(question) {
    const open = el("button", { type: "button", id: `watch-${question.id}`, on: { click: () => this.panel(question) } }, question.title());
    const stop = el("button", { type: "button", id: `watch-stop-${question.id}`, class: "stop", "aria-label": t("watch.stop", { name: question.title() }), on: { click: () => this.stop(question) } }, "×");
    return el("li", { "data-question": question.id }, el("span", { class: "head" }, open, stop), this.told(question));
  }

  // On the map the first changes; the panel has them all.
  told(question) {
    const rest = question.said.length - TOLD;
    const more = rest > 0 ? el("li", {}, el("button", { type: "button", class: "link", id: `watch-more-${question.id}`, on: { click: () => this.panel(question) } }, t("watch.more", { n: rest }))) : null;
    return question.said.length ? el("ul", { class: "changes" }, question.said.slice(0, TOLD).map((line) => el("li", {}, line)), more) : null;
  }
}

function changesOf({ said, saidAt }) {
  if (!said?.length) return null;
  return el("section", { class: "changed" }, el("h3", {}, t("watch.changed", { time: saidAt })), el("ul", {}, said.map((line) => el("li", {}, line))));
}
