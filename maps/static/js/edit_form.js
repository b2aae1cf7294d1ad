// A form made from a layer's declaration: a field a column, by its type, unit, choices and range; why a value is refused stands beside it.

import { el } from "./dom.js";
import { isYear, number, t, titleOf, tOr } from "./page.js";

const LONG_TEXT = 60;

// `columns` as the service declares them, `values` as they are now. Gives { rows, changed(), typed(), faults(), refuse(faults) }.
export function editForm(columns, values) {
  const fields = columns.map((column) => fieldOf(column, values[column.name] ?? null));
  const byName = new Map(fields.map((field) => [field.column.name, field]));
  return {
    rows: fields.map(({ row }) => row),
    typed: () => Object.fromEntries(fields.map((field) => [field.column.name, read(field)])),
    changed: () => Object.fromEntries(fields.filter((field) => !same(read(field), field.before)).map((field) => [field.column.name, read(field)])),
    faults: () => fields.flatMap((field) => faultsOf(field).map((text) => ({ column: field.column.name, text }))),
    // Texts beside their fields; those that belong to no field are given back.
    refuse(faults) {
      for (const { said, input } of fields) {
        said.replaceChildren();
        input.removeAttribute("aria-invalid");
      }
      const others = faults.filter(({ column, text }) => !mark(byName.get(column), text));
      fields.find(({ input }) => input.getAttribute("aria-invalid"))?.input.focus();
      return others;
    },
    put: (name, value) => show(byName.get(name), value),
  };
}

// Shapes are the same where their coordinates are.
export const same = (a, b) => (a ?? null) === (b ?? null) || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

function fieldOf(column, before) {
  const id = `edit-${column.name}`;
  const input = inputOf(column, before, { id, name: column.name, "aria-describedby": `${id}-hint ${id}-said`, required: column.required });
  const said = el("span", { class: "refused", id: `${id}-said`, role: "alert" });
  const unit = column.unit ? ` (${tOr(`unit.${column.unit}`, column.unit)})` : "";
  const head = el("span", {}, `${titleOf(column.title)}${unit}`, column.required ? el("b", { class: "must" }, ` ${t("edit.required")}`) : null);
  const field = { column, before, input, said, row: el("label", { class: "asked", for: id }, head, input, el("small", { id: `${id}-hint` }, rangeText(column)), said) };
  show(field, before);
  return field;
}

function inputOf(column, before, attributes) {
  if (column.choices.length) return el("select", attributes, [option("", t("edit.nothing")), ...column.choices.map((choice) => option(choice.id, titleOf(choice)))]);
  if (column.type === "bool") return el("select", attributes, [option("", t("edit.nothing")), option("true", t("value.yes")), option("false", t("value.no"))]);
  if (column.type === "date") return el("input", { ...attributes, type: "date" });
  if (column.type === "int" || column.type === "float") return el("input", { ...attributes, inputmode: "decimal", autocomplete: "off" });
  return String(before ?? "").length > LONG_TEXT ? el("textarea", { ...attributes, rows: 3 }) : el("input", { ...attributes, autocomplete: "off" });
}

const option = (value, text) => el("option", { value }, text);

function rangeText({ name, unit, minimum, maximum }) {
  const [low, high] = [minimum, maximum].map((each) => (each === null || each === undefined ? null : isYear({ name, unit }) ? String(each) : number(each)));
  if (low !== null && high !== null) return t("edit.range", { low, high });
  return low !== null ? t("edit.at_least", { low }) : high !== null ? t("edit.at_most", { high }) : "";
}

function show({ input }, value) {
  input.value = value === null || value === undefined ? "" : String(value);
}

const NUMBER = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/i;

// A number that cannot be read stays the text that was typed: it is refused beside its field, never changed in silence.
function read({ column, input, before }) {
  const text = input.value;
  if (text.trim() === "") return null;
  if (column.type === "bool") return text === "true";
  if (column.type === "int" || column.type === "float") return NUMBER.test(text.trim()) ? Number(text) : text;
  return before !== null && text === String(before) ? before : text;
}

function faultsOf(field) {
  const { column } = field;
  const value = read(field);
  if (value === null) return column.required ? [t("edit.fault_required")] : [];
  if (column.type !== "int" && column.type !== "float") return [];
  if (typeof value !== "number" || (column.type === "int" && !Number.isInteger(value))) return [t(column.type === "int" ? "edit.fault_whole" : "edit.fault_number")];
  const outside = (column.minimum !== null && value < column.minimum) || (column.maximum !== null && value > column.maximum);
  return outside ? [rangeText(column)] : [];
}

function mark(field, text) {
  if (!field) return false;
  field.said.append(el("span", {}, text));
  field.input.setAttribute("aria-invalid", "true");
  return true;
}
