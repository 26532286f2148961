// What stands beside the decision. Nothing here is needed to decide: the server refuses what must not be, and what is
// fetched here is also a page.
"use strict";

// === Two clocks ======================================================================================================
// The time a draft has been on the screen (sent along with the decision), and the seconds that a decision is still held.
// Neither speaks: they are not in a live region.

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

// === Care ============================================================================================================
// An approval waits until there was time to read, marked words become the reason of a label, and the context folds.

(() => {
  const say = (sentence) => document.dispatchEvent(new CustomEvent("desk:say", { detail: sentence }));
  const all = (selector) => document.querySelectorAll(selector);

  // --- Approve waits --------------------------------------------------------------------------------------------
  // data-hold: so many ms after the first paint of this draft; and, with data-unread, until its end was on the screen.

  const LOOK = 100; // ms
  let start = Infinity;
  let read = false;
  let timer = 0;

  // Above the bar, which lies over the page's end while one scrolls.
  function endSeen() {
    const text = document.querySelector("[data-read]");
    if (!text) return true;
    const bar = text.closest(".reading").querySelector(".bar").getBoundingClientRect().top;
    return text.getBoundingClientRect().bottom <= Math.min(innerHeight, bar) + 1;
  }

  function why({ dataset }) {
    const left = start + Number(dataset.hold) - performance.now();
    if (left > 0) return left === Infinity ? dataset.unread ?? "" : dataset.wait.replace("{n}", Math.ceil(left / 1000));
    return "unread" in dataset && !read ? dataset.unread : "";
  }

  // aria-disabled, so that the button stays where the focus is; keys.js says data-why.
  function look() {
    clearTimeout(timer);
    read ||= endSeen();
    let waiting = false;
    for (const button of all("[data-hold]")) {
      const words = why(button);
      if (words) {
        button.setAttribute("aria-disabled", "true");
        Object.assign(button.dataset, { why: words, held: "" });
      } else if ("held" in button.dataset) {
        button.removeAttribute("aria-disabled");
        delete button.dataset.why;
        delete button.dataset.held;
      }
      waiting ||= Boolean(words);
    }
    if (waiting) timer = setTimeout(look, LOOK);
  }

  function painted() {
    start = Infinity;
    read = false;
    unmark();
    fold();
    look();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      start = performance.now();
      look();
    }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-hold]");
    const words = button && why(button);
    if (!words) return;
    event.preventDefault();
    event.stopPropagation();
    say(words);
  }, true);

  // --- Marked words ---------------------------------------------------------------------------------------------

  let places = []; // [[start, end]] in code points of the text
  let ranges = [];

  // Names of hidden characters are not of the text; they say how many they stand for.
  function codePoints(text, node, offset) {
    const range = document.createRange();
    range.setStart(text, 0);
    range.setEnd(node, offset);
    const before = range.cloneContents();
    let count = 0;
    for (const unseen of before.querySelectorAll("[data-hides]")) {
      count += Number(unseen.dataset.hides);
      unseen.remove();
    }
    return count + [...before.textContent].length;
  }

  function mark(button) {
    const text = document.querySelector("[data-markable]");
    const selection = getSelection();
    const range = selection.rangeCount ? selection.getRangeAt(0) : null;
    if (!range || range.collapsed || !text.contains(range.commonAncestorContainer)) {
      say(button.dataset.none);
      return;
    }
    const place = [
      codePoints(text, range.startContainer, range.startOffset),
      codePoints(text, range.endContainer, range.endOffset),
    ];
    ranges.push(range.cloneRange());
    places = merged([...places, place]);
    selection.removeAllRanges();
    show();
  }

  function merged(found) {
    const sorted = found.filter(([from, to]) => from < to).sort((one, other) => one[0] - other[0]);
    return sorted.reduce((kept, [from, to]) => {
      const last = kept.at(-1);
      if (last && from <= last[1]) last[1] = Math.max(last[1], to); else kept.push([from, to]);
      return kept;
    }, []);
  }

  function unmark() {
    places = [];
    ranges = [];
    show();
  }

  function show() {
    for (const field of all("[name=spans]")) field.value = places.length ? JSON.stringify(places) : "";
    globalThis.CSS?.highlights?.set("reason", new Highlight(...ranges));
    for (const part of all("[data-marks]")) {
      part.hidden = false;
      part.querySelector("[data-unmark]").hidden = !places.length;
      part.querySelector("[data-marked]").textContent = ranges.map((range) => `“${range}”`).join(" ");
    }
  }

  // A press on the button must not end the selection.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest?.("[data-mark]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-mark]");
    if (button) mark(button);
    else if (event.target.closest?.("[data-unmark]")) unmark();
  });

  // --- The context folds ------------------------------------------------------------------------------------------

  const NARROW = matchMedia("(width < 60rem)");
  const KEY = "context";
  const remembered = () => { try { return sessionStorage.getItem(KEY); } catch { return null; } };

  // As it was left in this tab; else folded where it would lie below everything. data-open: what must be looked at.
  function fold() {
    for (const part of all("[data-fold]")) {
      const state = remembered() ?? (NARROW.matches ? "folded" : "open");
      part.open = "open" in part.dataset || state === "open";
    }
  }

  document.addEventListener("click", (event) => {
    const part = event.target.closest?.("summary")?.closest("[data-fold]");
    if (!part) return;
    try { sessionStorage.setItem(KEY, part.open ? "folded" : "open"); } catch { /* this page only */ }
  });

  document.addEventListener("desk:painted", painted);
  addEventListener("scroll", look, { passive: true });
  addEventListener("resize", look);
  painted();
})();

// === Similar past drafts =============================================================================================
// What a <details data-load="address"> shows is fetched when it is opened: the part of that page marked data-part.

document.addEventListener("toggle", async ({ target }) => {
  if (!target.open || !target.dataset?.load) return;
  const { load } = target.dataset;
  delete target.dataset.load;
  try {
    const response = await fetch(load, { redirect: "error" });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    target.append(...page.querySelector("[data-part]").children);
    target.querySelector("[data-loads]")?.remove();
  } catch {
    target.dataset.load = load; // the link inside leads to the page
  }
}, true);
