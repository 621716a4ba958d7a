"use strict";
const body = document.querySelector("#cohort tbody");
document.querySelectorAll("#cohort th").forEach((head, column) => {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    document.querySelectorAll("#cohort th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[column].textContent;
    const order = (a, b) => text(a).localeCompare(text(b), "en", { numeric: true });
    const number = (row) => (head.classList.contains("n") ? Number.parseFloat(text(row)) : NaN);
    const compare = (a, b) => {
      const [x, y] = [number(a), number(b)];
      if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
      return (down ? -1 : 1) * (Number.isNaN(x) ? order(a, b) : x - y);
    };
    body.append(...[...body.rows].sort(compare));
  });
});
