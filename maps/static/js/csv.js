// A table as a file for a spreadsheet: UTF-8 with its mark, every cell quoted, and no cell that would be taken for a formula.

import { el } from "./dom.js";

const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;

export function csvText(rows) {
  return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value) {
  const text = String(value ?? "");
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return `"${harmless.replaceAll('"', '""')}"`;
}

export function saveCsv(name, rows) {
  const url = URL.createObjectURL(new Blob([csvText(rows)], { type: "text/csv;charset=utf-8" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
