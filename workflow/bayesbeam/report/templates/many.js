"use strict";
// The table of all measurements: found, sorted and turned page by page from the data in the page.
(() => {
  const data = JSON.parse(document.getElementById("all-data").textContent);
  const table = document.getElementById("all-table");
  const body = table.tBodies[0];
  const total = data.links.length;
  const find = document.getElementById("find");
  const verdict = document.getElementById("by-verdict");
  const model = document.getElementById("by-model");
  const back = document.getElementById("back");
  const on = document.getElementById("on");
  const texts = data.columns.filter((one) => one.kind !== "number");
  let order = Array.from({ length: total }, (_, row) => row);
  let found = order;
  let page = 0;
  let sorted = null;
  let rising = true;
  let lower = null;

  function cell(column, row, first) {
    const element = document.createElement(first ? "th" : "td");
    const text = column.texts[row];
    if (first) {
      element.scope = "row";
      if (data.links[row]) {
        const link = document.createElement("a");
        link.href = data.links[row];
        link.textContent = text;
        element.append(link);
        return element;
      }
    } else {
      element.className = column.kind === "verdict" ? `verdict ${data.kinds[row]}` : column.kind;
    }
    element.textContent = text;
    return element;
  }

  function show() {
    const pages = Math.max(1, Math.ceil(found.length / data.page));
    page = Math.min(Math.max(page, 0), pages - 1);
    const rows = found.slice(page * data.page, (page + 1) * data.page).map((row) => {
      const line = document.createElement("tr");
      line.append(...data.columns.map((column, place) => cell(column, row, place === 0)));
      return line;
    });
    body.replaceChildren(...rows);
    const from = found.length ? page * data.page + 1 : 0;
    const to = Math.min(found.length, (page + 1) * data.page);
    const of = found.length === total ? `${total}` : `${found.length} found among ${total}`;
    document.getElementById("where").textContent = `${from} to ${to} of ${of}`;
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
  }

  function words(row) {
    lower ??= new Array(total);
    return (lower[row] ??= texts.map((one) => one.texts[row]).join("\n").toLowerCase());
  }

  function select() {
    const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = order.filter((row) =>
      (!verdict.value || data.kinds[row] === verdict.value) &&
      (!model || !model.value || data.models[row] === model.value) &&
      wanted.every((word) => words(row).includes(word)));
    page = 0;
    show();
  }

  const natural = new Intl.Collator("en", { numeric: true }).compare;
  function sort(place) {
    rising = sorted === place ? !rising : true;
    sorted = place;
    const column = data.columns[place];
    const sign = rising ? 1 : -1;
    order = Array.from({ length: total }, (_, row) => row);
    if (column.keys.length) {
      const keys = column.keys;
      // What has no number stands last, whichever way.
      order.sort((a, b) => (keys[a] === null) - (keys[b] === null) || sign * (keys[a] - keys[b]) || a - b);
    } else {
      const own = column.texts;
      order.sort((a, b) => (own[a] === "") - (own[b] === "") || sign * natural(own[a], own[b]) || a - b);
    }
    table.tHead.querySelectorAll("th").forEach((head, number) => {
      if (number === place) head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    select();
  }

  table.tHead.querySelectorAll("th").forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sorter";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(place));
    head.replaceChildren(button);
  });
  find.addEventListener("input", select);
  verdict.addEventListener("change", select);
  if (model) model.addEventListener("change", select);
  back.addEventListener("click", () => { page -= 1; show(); });
  on.addEventListener("click", () => { page += 1; show(); });
  document.querySelector(".finder").hidden = false;
  show();
})();
