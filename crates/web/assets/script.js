// Niceties only: every page is whole without this file.
"use strict";

// Draws the page again when the sensor has learned more, without moving the reader.
const REFRESH_MS = 5000;
const where = () => document.getElementById("where");

function isBusy() {
  const focus = document.activeElement;
  const typing = focus && focus.matches("input, select, textarea, button");
  const selecting = !getSelection().isCollapsed;
  const begun = [...document.querySelectorAll("main form[method=post] input")].some((one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked)
    || [...document.querySelectorAll("main form[method=post] option")].some((one) => one.selected !== one.defaultSelected);
  return document.hidden || typing || selecting || begun;
}

async function refresh() {
  if (isBusy()) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const epoch = fresh.getElementById("where")?.dataset.epoch;
  if (!epoch || epoch === where().dataset.epoch || isBusy()) return;
  const opened = [...document.querySelectorAll("details[open][id]")].map((one) => one.id);
  const scrolled = [...document.querySelectorAll(".table, .scroll")].map((one) => one.scrollLeft);
  const focused = document.activeElement?.closest?.("main a[href]")?.getAttribute("href");
  for (const id of ["main", "where", "open-count"]) {
    const now = fresh.getElementById(id);
    if (now) document.getElementById(id)?.replaceWith(document.adoptNode(now));
  }
  document.title = fresh.title;
  opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  document.querySelectorAll(".table, .scroll").forEach((one, i) => { one.scrollLeft = scrolled[i] ?? 0; });
  if (focused) document.querySelector(`main a[href="${CSS.escape(focused)}"]`)?.focus();
  makeSortable();
}

async function keepFresh() {
  // A sensor that is away for a while (a restart) is asked again later.
  try { await refresh(); } catch { /* the page stays as it is */ }
  if (where()?.dataset.ended !== "true") setTimeout(keepFresh, REFRESH_MS);
}

// Sorts a small table where it stands; which column is remembered over a refresh.
const sorted = new Map();

function sortBy(table, column, descending) {
  const value = (row) => {
    const cell = row.cells[column];
    return cell?.dataset.value ?? cell?.textContent.trim() ?? "";
  };
  const rows = [...table.tBodies[0].rows];
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  rows.sort((a, b) => (descending ? compare(value(b), value(a)) : compare(value(a), value(b))));
  table.tBodies[0].append(...rows);
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    head.setAttribute("aria-sort", place !== column ? "none" : descending ? "descending" : "ascending");
  });
  sorted.set(table.dataset.sortable, { column, descending });
}

function makeSortable() {
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if ("fixed" in head.dataset) return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => {
        const before = sorted.get(table.dataset.sortable);
        const again = before?.column === column;
        sortBy(table, column, again ? !before.descending : head.classList.contains("r"));
        button.blur();
      });
      head.replaceChildren(button);
    });
    const before = sorted.get(table.dataset.sortable);
    if (before) sortBy(table, before.column, before.descending);
  }
}

// "/" goes to the search, as people expect.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.activeElement?.matches("input, select, textarea")) return;
  const search = document.querySelector("[data-hotkey='/']");
  if (search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// A menu of a filter takes effect at once.
document.addEventListener("change", (event) => {
  if (event.target.matches(".filters select")) event.target.form.requestSubmit();
});

// A link to a closed section opens it.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.matches("details")) target.open = true;
}

addEventListener("hashchange", openTarget);
makeSortable();
openTarget();
setTimeout(keepFresh, REFRESH_MS);
