// The command palette, and help with the keys as a dialog. Both only find what is on the page: the palette presses the
// same buttons and links that keys press, help is the page /keys. Closing gives the focus back (native dialogs do).
"use strict";

(() => {
  const palette = document.querySelector("dialog.palette");
  const field = palette.querySelector("input");
  const list = palette.querySelector("ul");
  const nothing = palette.querySelector("p");
  let found = []; // what can be done here: [words, element]

  // Without accents and case, as people type in a hurry.
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const words = (element) => (element.ariaLabel || element.textContent).trim().replace(/\s+/g, " ");

  // --- Palette ----------------------------------------------------------------------------------------------------

  const ACTIONS = "main .button, main [data-key], .places a, .me a, .me button, .foot :is(a, button)";

  function open() {
    if (palette.open) return palette.close();
    found = [...document.querySelectorAll(ACTIONS)]
      .filter((one) => one.checkVisibility() && !one.matches("dialog *, :disabled, [aria-disabled=true], [data-palette]"))
      .map((one) => [words(one), one]);
    field.value = "";
    show();
    palette.showModal();
    field.focus();
  }

  function show() {
    const wanted = plain(field.value).split(/\s+/);
    const fitting = found.filter(([label]) => wanted.every((part) => plain(label).includes(part)));
    list.replaceChildren(...fitting.map(([label, element], at) => option(label, element, at)));
    list.hidden = !fitting.length;
    nothing.hidden = Boolean(fitting.length);
    field.ariaExpanded = String(Boolean(fitting.length));
    select(list.firstElementChild);
  }

  function option(label, element, at) {
    const item = document.createElement("li");
    item.id = `palette-${at}`;
    item.role = "option";
    item.append(label);
    if (element.dataset.key) {
      const key = document.createElement("span");
      key.className = "key";
      key.dir = "ltr";
      key.textContent = element.dataset.key;
      item.append(" ", key);
    }
    item.addEventListener("click", () => choose(element));
    return item;
  }

  function select(item) {
    for (const one of list.children) one.ariaSelected = String(one === item);
    if (item) field.setAttribute("aria-activedescendant", item.id); else field.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  }

  function choose(element) {
    palette.close();
    if (element.matches("input:not([type=radio], [type=checkbox]), select, textarea")) element.focus(); else element.click();
  }

  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const here = list.querySelector("[aria-selected=true]");
    const step = { ArrowDown: "next", ArrowUp: "previous" }[event.key];
    if (step) select(here?.[`${step}ElementSibling`] ?? list[step === "next" ? "firstElementChild" : "lastElementChild"]);
    else if (event.key === "Enter") here?.click();
    else return;
    event.preventDefault();
  });
  palette.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.code !== "KeyK") return;
    event.preventDefault();
    palette.close();
  });

  // --- Help -------------------------------------------------------------------------------------------------------

  async function help(link) {
    const before = document.activeElement;
    const dialog = document.createElement("dialog");
    try {
      const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
      dialog.append(document.adoptNode(page.getElementById("help")));
    } catch {
      location.assign(link.href);
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    arrange(dialog);
    dialog.setAttribute("aria-label", dialog.querySelector("h1").textContent);
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== link.dataset.key || event.target.matches("input")) return;
      event.preventDefault();
      dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("h1").focus();
  }

  // What works on this page comes first.
  function arrange(dialog) {
    const here = dialog.querySelector("[data-here]");
    const table = here.querySelector("tbody");
    for (const row of dialog.querySelectorAll("tr")) {
      const { pressed } = row.dataset;
      if (table.querySelector(`[data-pressed="${pressed}"]`)) row.remove();
      else if (works(pressed)) table.append(row);
    }
    const rows = dialog.querySelectorAll("tr");
    const filter = dialog.querySelector("[data-filter]");
    const narrow = () => {
      const wanted = plain(filter.value.trim());
      for (const row of rows) row.hidden = !plain(row.textContent).includes(wanted);
      for (const section of dialog.querySelectorAll("section")) section.hidden = !section.querySelector("tr:not([hidden])");
    };
    filter.addEventListener("input", narrow);
    narrow();
  }

  function works(key) {
    const pressed = document.querySelector(`[data-key="${key === "1-9" ? "1" : key}"]`);
    return key === "Esc" || pressed?.checkVisibility()
      || [...document.querySelectorAll("[data-walk]")].some((walk) => key in JSON.parse(walk.dataset.walk));
  }

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest?.("a[data-help]");
    if (link) {
      event.preventDefault();
      help(link);
    } else if (event.target.closest?.("[data-palette]")) open();
  });
})();
