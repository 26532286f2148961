// Care on the bench: an approval waits until there was time to read, marked words become the reason of a label, and the
// context folds. The server refuses what must not be; this only says so earlier. Nothing here is needed to decide.
"use strict";

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
