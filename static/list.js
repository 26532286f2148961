// The queue list: news of it, and a selection by keys. No row moves, appears or vanishes here: what is new waits behind
// a button, what others decided stays, greyed. Which key does what is in the page (data-key), keys.js presses it.
"use strict";

(() => {
  const page = document.getElementById("queue");
  const EVERY = 15_000;
  const { news, query, since, lateWords, selected } = page.dataset;
  const bulk = document.getElementById("bulk");
  const rows = [...document.querySelectorAll("#rows [data-draft]")];
  const say = document.getElementById("say");

  // --- News ---

  async function ask() {
    if (document.visibilityState !== "visible") return;
    const about = new URLSearchParams({ q: query, since, rows: rows.map((row) => row.dataset.draft).join() });
    try {
      const response = await fetch(`${news}?${about}`, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!response.ok) throw new Error(String(response.status));
      show(await response.json());
    } catch {
      page.querySelector("[data-late]").textContent = lateWords;
    }
  }

  function show({ fresh, rows: changed, counts, updated }) {
    const button = page.querySelector("[data-fresh]");
    button.hidden = !fresh;
    if (button.textContent !== fresh) button.textContent = fresh;
    page.querySelectorAll("[data-count]").forEach((place, number) => { place.textContent = counts[number] ?? ""; });
    page.querySelector("[data-updated]").textContent = updated;
    page.querySelector("[data-late]").textContent = "";
    for (const row of rows) if (changed[row.dataset.draft]) change(row, changed[row.dataset.draft]);
  }

  function change(row, { gone, words }) {
    const place = row.querySelector("[data-with]");
    if (row.dataset.words === undefined) row.dataset.words = place.textContent.trim();
    if (words !== row.dataset.words) place.textContent = row.dataset.words = words;
    row.classList.toggle("gone", gone);
    if (!gone) return;
    const box = row.querySelector("[type=checkbox]");
    if (box.checked) { box.checked = false; tell(); }
    box.disabled = true;
  }

  // --- Selection ---

  const boxes = rows.map((row) => row.querySelector("[type=checkbox]"));
  const here = () => rows.indexOf(document.activeElement.closest?.("[data-draft]"));
  let last = 0;
  let telling = 0;

  // One sentence for each change, also where a range changes many.
  function tell() {
    clearTimeout(telling);
    telling = setTimeout(() => {
      const picked = boxes.filter((box) => box.checked).length;
      const words = selected.replace("{n}", picked);
      bulk.querySelector("[data-picked]").textContent = words;
      say.textContent = words;
    }, 150);
  }

  function pick() {
    const at = here();
    if (at < 0 || boxes[at].disabled) return;
    boxes[at].checked = !boxes[at].checked;
    last = at;
    tell();
  }

  function pickRange() {
    const at = here();
    if (at < 0) return;
    for (let n = Math.min(last, at); n <= Math.max(last, at); n += 1) boxes[n].checked = !boxes[n].disabled;
    tell();
  }

  function clear() {
    for (const box of boxes) box.checked = false;
    tell();
  }

  page.addEventListener("change", (event) => {
    const at = boxes.indexOf(event.target);
    if (at >= 0) { last = at; tell(); }
  });

  // "To me" by key with nothing selected means the row that has the focus.
  bulk?.addEventListener("submit", (event) => {
    if (boxes.some((box) => box.checked)) return;
    if (here() >= 0) boxes[here()].checked = true; else event.preventDefault();
  });

  if (bulk) {
    bulk.querySelector("[data-script]").hidden = false;
    bulk.querySelector("[data-select]").addEventListener("click", pick);
    bulk.querySelector("[data-range]").addEventListener("click", pickRange);
    bulk.querySelector("[data-clear]").addEventListener("click", clear);
  }

  ask();
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
})();
