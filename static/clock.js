// Two clocks: the time a draft has been on the screen (sent along with the decision), and the seconds that a decision
// is still held. Neither speaks: they are not in a live region.
"use strict";

(() => {
  const KEY = "painted";
  let first = Date.now();

  // First paint of this draft under this claim; opening the editor is a new page but not a new draft. Only numbers are
  // kept, never a text.
  function firstPaint({ draft, epoch }) {
    const here = `${draft}.${epoch}`;
    try {
      const [claim, at] = (sessionStorage.getItem(KEY) ?? "").split("@");
      if (claim === here) return Number(at);
      sessionStorage.setItem(KEY, `${here}@${Date.now()}`);
    } catch { /* no storage: this page's own time counts */ }
    return Date.now();
  }

  function paint() {
    first = Date.now();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const bench = document.getElementById("bench");
      if (bench) first = firstPaint(bench.dataset);
    }));
  }
  paint();
  document.addEventListener("desk:painted", paint);
  document.addEventListener("submit", (event) => {
    const field = event.target.elements.namedItem("viewed_ms");
    if (field) field.value = String(Math.max(0, Date.now() - first));
  });

  // The server says how many seconds are left, not until when: the clocks of two machines differ.
  const MINUTES = 120; // from here on, minutes do
  let start = performance.now();
  let timer = 0;
  const words = ({ dataset }, left) =>
    left < MINUTES ? dataset.in.replace("{n}", left) : dataset.inMinutes.replace("{n}", Math.ceil(left / 60));
  function tick() {
    const gone = (performance.now() - start) / 1000;
    const counters = [...document.querySelectorAll("[data-left]")];
    for (const counter of counters) {
      const left = Math.ceil(Number(counter.dataset.left) - gone);
      counter.textContent = left > 0 ? words(counter, left) : counter.dataset.over;
    }
    if (counters.some((counter) => Number(counter.dataset.left) > gone)) timer = setTimeout(tick, 1000);
  }
  tick();
  document.addEventListener("desk:held", () => {
    clearTimeout(timer);
    start = performance.now();
    tick();
  });
})();
