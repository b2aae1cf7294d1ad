// What the server put into the page: language, words, glyphs; and numbers, times and titles in that language.

export const page = JSON.parse(document.getElementById("page").textContent);
export const language = page.language;
const titleKey = language.startsWith("zh") ? "zh" : "en";

export function t(key, values = {}) {
  const text = page.words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

// A word for a code that comes from data, such as a unit; the code itself where there is none.
export const tOr = (key, otherwise) => page.words[key] ?? otherwise;

export const titleOf = (titles) => titles?.[titleKey] ?? titles?.en ?? "";

// Names one after the other, as the language parts them.
export const inRow = (names) => names.join(titleKey === "zh" ? "、" : ", ");

export function number(value, digits = 2) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

const oneDecimal = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

// Cut, not rounded: 6.46 must not read as 6.5, where level I begins.
export const score = (value) => oneDecimal.format(Math.floor(value * 10) / 10);

export function moment(iso) {
  const format = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(language, format).format(new Date(iso));
}

const AGES = [
  ["age.days", 86400],
  ["age.hours", 3600],
  ["age.minutes", 60],
];

export function ago(seconds) {
  const [key, size] = AGES.find(([, size]) => seconds >= size) ?? [];
  return key ? t(key, { n: Math.floor(seconds / size) }) : t("age.now");
}

export function distance(metres) {
  if (metres < 999.5) return `${number(metres, 0)} m`;
  return `${number(metres / 1000, metres < 10000 ? 1 : 0)} km`;
}

// No figure shows more digits than a reader can use.
const DIGITS = [
  [100, 0],
  [10, 1],
  [0, 2],
];

export function withUnit(value, unit) {
  if (unit === "share") return `${number(value * 100, 1)} %`;
  if (unit === "m" && Math.abs(value) >= 1000) return distance(value);
  const digits = DIGITS.find(([least]) => Math.abs(value) >= least)[1];
  const word = tOr(`unit.${unit}`, unit);
  return word ? `${number(value, digits)} ${word}` : number(value, digits);
}

// A year is written as it is said, without a mark at the thousands.
export const isYear = ({ name, unit }) => name.includes("year") && !unit;

// What a feature is called: by its name, what a closure is for, the post of a duty; by its id where it has none of them.
export const nameOf = ({ name, title, post }, id) => name ?? title ?? post ?? id;

// A feature's value as text: choices by title, yes and no as words, numbers with their unit.
export function valueText(column, value) {
  if (value === null || value === undefined || value === "") return t("value.unknown");
  if (typeof value === "boolean") return t(value ? "value.yes" : "value.no");
  if (typeof value === "number") return isYear(column) ? String(value) : withUnit(value, column.unit);
  return choiceText(column, value);
}

function choiceText(column, value) {
  const choice = column.choices.find((each) => each.id === value);
  return choice ? choice[titleKey] : String(value);
}

// What a look of a layer means, in words.
export function lookTitle(layer, look) {
  const column = layer.columns.find((each) => each.name === layer.style.look_by);
  return column && look ? choiceText(column, look) : "";
}
