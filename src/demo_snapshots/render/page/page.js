"use strict";
(() => {
  const bar = document.getElementById("bar");
  if (!bar) return;
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const fold = document.getElementById("fold");
  const kinds = [...bar.querySelectorAll("input[type=checkbox]")];
  const tables = [...document.querySelectorAll(".table")].map((element) => ({
    element,
    name: element.querySelector("h2").textContent.toLowerCase(),
    items: [...element.querySelectorAll(".c")].map((item) => ({ element: item, text: null })),
  }));

  // The text of an item is looked up once, when it is first searched.
  const text = (item) => (item.text ??= item.element.textContent.toLowerCase());

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(kinds.filter((kind) => kind.checked).map((kind) => kind.value));
    const filters = words.length > 0 || wanted.size < kinds.length;
    let total = 0;
    for (const table of tables) {
      const left = words.filter((word) => !table.name.includes(word));
      let shown = 0;
      for (const item of table.items) {
        const fits =
          (!kinds.length || wanted.has(item.element.dataset.kind)) &&
          left.every((word) => text(item).includes(word));
        item.element.hidden = !fits;
        shown += fits;
      }
      table.element.hidden = filters && shown === 0;
      if (words.length && shown) table.element.open = true;
      total += shown;
    }
    found.textContent = filters ? `${total.toLocaleString("en")} found` : "";
  };

  const label = () => {
    fold.textContent = tables.some(({ element }) => element.open) ? "Fold all" : "Unfold all";
  };

  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  kinds.forEach((kind) => kind.addEventListener("change", apply));
  fold.addEventListener("click", () => {
    const open = !tables.some(({ element }) => element.open);
    tables.forEach(({ element }) => (element.open = open));
    label();
  });
  tables.forEach(({ element }) => element.addEventListener("toggle", label));
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  const unfold = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.matches(".table")) target.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  label();
  bar.hidden = false;
  apply();
})();
