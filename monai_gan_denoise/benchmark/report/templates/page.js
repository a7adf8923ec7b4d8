"use strict";

for (const stage of document.querySelectorAll(".stage")) {
  const range = stage.querySelector("input");
  const show = () => {
    stage.style.setProperty("--at", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % noisy`);
  };
  range.addEventListener("input", show);
  show();

  const choices = stage.closest(".before-after").querySelector("fieldset");
  choices.addEventListener("change", (event) => {
    for (const image of stage.querySelectorAll(".after")) image.hidden = image.dataset.name !== event.target.value;
    stage.querySelector(".tag.right").textContent = event.target.value;
  });
}

const valueOf = (row, column) => {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = text === "inf" ? Infinity : Number(text);
  return text === "" || Number.isNaN(number) ? text : number;
};

const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

for (const button of document.querySelectorAll(".sortable th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const descending = heading.getAttribute("aria-sort") !== "descending";
    for (const other of heading.parentElement.cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = heading.closest("table").querySelector("tbody:not(.pinned)");
    const rows = [...body.rows].sort((a, b) => compare(valueOf(a, heading.cellIndex), valueOf(b, heading.cellIndex)));
    body.append(...(descending ? rows.reverse() : rows));
  });
}
