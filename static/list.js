// The queue list: news of it, and how much is selected. No row moves, appears or vanishes here: what is new waits behind
// a button, what others decided stays, greyed. keys.js walks through the rows.
"use strict";

(() => {
  const page = document.getElementById("queue");
  const EVERY = 15_000;
  const { news, query, since, lateWords, selected } = page.dataset;
  const bulk = document.getElementById("bulk");
  const rows = [...document.querySelectorAll("#rows [data-draft]")];

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
    const now = words ?? place.dataset.waits;
    if (place.textContent.trim() !== now) place.textContent = now;
    row.classList.toggle("gone", gone);
    if (!gone) return;
    const box = row.querySelector("[type=checkbox]");
    if (box.checked) { box.checked = false; tell(); }
    box.disabled = true;
  }

  // --- Selection ---

  const boxes = rows.map((row) => row.querySelector("[type=checkbox]"));
  let telling = 0;

  // One sentence for each change, also where a range changes many.
  function tell() {
    clearTimeout(telling);
    telling = setTimeout(() => {
      const words = selected.replace("{n}", boxes.filter((box) => box.checked).length);
      bulk.querySelector("[data-picked]").textContent = words;
      document.dispatchEvent(new CustomEvent("desk:say", { detail: words }));
    }, 150);
  }

  bulk?.addEventListener("reset", tell);
  page.addEventListener("change", (event) => { if (boxes.includes(event.target)) tell(); });

  // A key that acts upon the selection means the row with the focus where nothing is selected.
  bulk?.addEventListener("submit", () => {
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    if (at >= 0 && !boxes.some((box) => box.checked)) boxes[at].checked = true;
  });

  ask();
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
})();
