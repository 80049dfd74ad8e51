"use strict";

// The table sorts by the numbers in data-value; cells without one stay at the end in either order.
const table = document.querySelector("table");
const body = table.tBodies[0];

function sortBy(header) {
  const column = header.cellIndex;
  const first = header.dataset.first; // the order that shows the best on top
  const other = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const text = header.dataset.kind === "text";
  const value = (row) => row.cells[column].dataset.value;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    return sign * (text ? x.localeCompare(y) : Number(x) - Number(y));
  });
  body.append(...rows);
}

for (const header of table.tHead.rows[0].cells) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}

function show(box) {
  if (box.dataset.part === "row") {
    for (const row of body.querySelectorAll("tr." + box.value)) row.hidden = !box.checked;
    return;
  }
  for (const header of table.tHead.rows[0].cells) {
    if (header.dataset.group !== box.value) continue;
    for (const row of table.rows) row.cells[header.cellIndex].hidden = !box.checked;
  }
}

for (const box of document.querySelectorAll(".switches input")) {
  box.addEventListener("change", () => show(box));
  show(box);
}

const zoom = document.getElementById("zoom");
document.addEventListener("click", (event) => {
  const button = event.target.closest(".strip button");
  if (button) {
    zoom.querySelector("img").src = button.querySelector("img").src;
    zoom.querySelector("p").textContent = button.querySelector("img").alt;
    zoom.showModal();
  } else if (event.target === zoom) {
    zoom.close();
  }
});
