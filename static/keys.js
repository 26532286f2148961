// Single keys. An element with data-key="A" is clicked by A, and its badge (app.css) is drawn from the same attribute.
// Loaded without defer, so that the badges are there at the first paint. Without script there are no keys, no badges.
"use strict";

(() => {
  const root = document.documentElement;

  // A decision counts only for a draft that has been on the screen this long (ms): the second press of a double press
  // must not decide the next draft unseen.
  const SEEN = 300;
  // A letter this soon (ms) after a selection belongs to the selection (a screen reader, a dictionary).
  const SELECTING = 300;

  const store = {
    get: () => { try { return localStorage.getItem("keys"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("keys", value); } catch { /* private mode: for this page only */ } },
  };

  // No answer for this long (ms): the same form may be sent again, its decision_key makes the repeat harmless.
  const RETRY = 8000;

  let painted = Infinity;
  let selected = -Infinity;
  let locked = false;
  let sending = null; // the form that is on its way

  const mark = () => { root.dataset.keys = store.get() === "off" ? "off" : "on"; };
  mark();

  // After the first frame is on the screen, not before it.
  requestAnimationFrame(() => requestAnimationFrame(() => { painted = performance.now(); }));

  // The letter on the key if it is Latin, else the place of the key: A works on a Cyrillic or Greek layout too.
  function name(event) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    if (digit) return digit[1];
    if (event.key === "Escape") return "Esc";
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return "Ctrl+Enter";
    const place = /^Key([A-Z])$/.exec(event.code);
    const letter = /^[a-z]$/i.test(event.key) ? event.key.toUpperCase() : place && !/^[ -~]$/.test(event.key) ? place[1] : "";
    return letter && event.shiftKey ? `Shift+${letter}` : letter;
  }

  const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])";

  function ignored(event, key) {
    if (event.isComposing || event.keyCode === 229 || event.repeat || event.defaultPrevented || !key) return true;
    if (key === "Ctrl+Enter") return event.altKey;
    if (event.ctrlKey || event.metaKey || event.altKey || event.getModifierState?.("AltGraph")) return true;
    if (document.querySelector("dialog[open]")) return true;
    if (key !== "Esc" && event.target.closest?.(TYPING)) return true;
    return performance.now() - selected < SELECTING;
  }

  function press(element) {
    element.classList.add("pressed");
    const then = element.dataset.then;
    element.click();
    if (then) follow(document.getElementById(then));
  }

  // A reason's digit goes on to the reject button, or to the note it needs.
  function follow(next) {
    if (next.matches("textarea")) next.focus(); else next.click();
  }

  document.addEventListener("keydown", (event) => {
    const key = name(event);
    if (root.dataset.keys === "off" && key !== "Ctrl+Enter") return;
    if (ignored(event, key)) return;
    if (key === "Esc" && event.target.closest?.(TYPING)) {
      document.querySelector("h1[tabindex]")?.focus();
      return;
    }
    const element = document.querySelector(`[data-key="${key}"]:not(:disabled)`);
    if (!element) return;
    event.preventDefault();
    if (locked || performance.now() - painted < SEEN || painted === Infinity) return;
    press(element);
  });

  document.addEventListener("selectionchange", () => {
    if (!getSelection()?.isCollapsed) selected = performance.now();
  });

  // One decision a page: what was pressed is on its way, and the next key belongs to the next draft.
  document.addEventListener("submit", (event) => {
    if (locked) { event.preventDefault(); return; }
    if (event.target.method !== "post") return;
    locked = true;
    sending = event.target;
    setTimeout(unlock, RETRY);
  });

  function unlock() {
    locked = false;
    sending = null;
  }

  // What was typed is nowhere but on this page: leaving it asks first, unless the text itself is being sent.
  const typed = () => [...document.querySelectorAll("form[data-decision] textarea")]
    .some((field) => field.form !== sending && (field.value !== field.defaultValue || "unsaved" in field.dataset));
  let leaving = false;
  addEventListener("beforeunload", (event) => {
    if (leaving || !typed()) return;
    event.preventDefault();
    setTimeout(unlock); // runs for those who stay
  });

  // A page out of the browser's memory shows a draft that may be decided by now.
  addEventListener("pageshow", (event) => { if (event.persisted) { leaving = true; location.reload(); } });

  document.addEventListener("DOMContentLoaded", () => {
    for (const element of document.querySelectorAll("[data-key]")) {
      element.setAttribute("aria-keyshortcuts", element.dataset.key.replace("Ctrl", "Control").replace("Esc", "Escape"));
    }
    const field = document.querySelector("textarea[autofocus]");
    if (field) field.setSelectionRange(field.value.length, field.value.length);
    document.querySelector("[data-focus]")?.focus();
    const say = document.getElementById("say");
    const words = say.textContent;
    if (words.trim()) { say.textContent = ""; requestAnimationFrame(() => { say.textContent = words; }); }
    switchOff(document.getElementById("keys"));
    const note = document.getElementById("note");
    const needed = () => { note.required = Boolean(document.querySelector(".needs-note :checked")); };
    if (note) { needed(); note.form.addEventListener("change", needed); }
  });

  function switchOff(button) {
    if (!button) return;
    const tell = () => {
      button.textContent = root.dataset.keys === "on" ? button.dataset.on : button.dataset.off;
      button.setAttribute("aria-pressed", String(root.dataset.keys === "on"));
    };
    tell();
    button.addEventListener("click", () => {
      store.set(root.dataset.keys === "on" ? "off" : "on");
      root.dataset.keys = root.dataset.keys === "on" ? "off" : "on";
      tell();
    });
  }
})();
