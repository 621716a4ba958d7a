"use strict";
// Thousands of rows sort in an instant: what a cell says is read once, and only the first rows are laid out.
const FEW = 100;
const table = document.querySelector("#cohort");
const [shown, more] = table.tBodies;
const note = document.querySelector("#rows");
const all = document.querySelector("#all");
const search = document.querySelector("#search");
const only = document.querySelector("#only-failed");
const rows = [...shown.rows, ...more.rows].map((row) => ({ row, clean: "clean" in row.dataset, text: row.textContent.toLowerCase() }));
const collator = new Intl.Collator("en", { numeric: true });
const columns = new Map();
let order = rows;
let most = FEW;

function values(column, numeric) {
  if (!columns.has(column)) {
    const read = (one) => one.row.cells[column].textContent;
    columns.set(column, new Map(rows.map((one) => [one, numeric ? Number.parseFloat(read(one)) : read(one)])));
  }
  return columns.get(column);
}

function draw() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (one) => (!only.checked || !one.clean) && words.every((word) => one.text.includes(word));
  const found = order.filter(fits).map((one) => one.row);
  shown.replaceChildren(...found.slice(0, most));
  more.replaceChildren(...found.slice(most));
  const first = Math.min(most, found.length);
  const everybody = rows.length === 1 ? "1 patient" : `${rows.length} patients`;
  const count = found.length === rows.length ? everybody : `${found.length} of ${everybody} found`;
  note.textContent = count + (first < found.length ? `, the first ${first} shown` : "");
  all.hidden = first === found.length;
}

function sort(head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  const numeric = head.classList.contains("n");
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = values(column, numeric);
  const turn = down ? -1 : 1;
  order = [...rows].sort((a, b) => {
    const [x, y] = [value.get(a), value.get(b)];
    if (!numeric) return turn * collator.compare(x, y);
    // Without a number: last in both directions.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return turn * (x - y);
  });
  most = FEW;
  draw();
}

[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => sort(head, column));
});
search.addEventListener("input", draw);
only.addEventListener("change", draw);
all.addEventListener("click", () => {
  most = rows.length;
  draw();
});
draw();
