// Single keys. What a key presses carries data-key, from the template tag `key` and the one table of keys
// (reviewqueue/desk/keymap.py); what keys walk through carries data-walk, its stops data-stop. They are looked up when a
// key is pressed: a script may change the page as it likes. Not deferred, so that badges are in the first paint.
//
// A key is bound to the draft that was painted. Scripts that exchange drafts say so by events that bubble to document:
//   desk:locked    nothing decides from now on; dispatched here for every form that posts (`detail`)
//   desk:unlocked  an answer came, and the same draft is still there
//   desk:painted   another draft was put into the page
//   desk:say       `detail` is a sentence for the status line
// A script that sends forms itself listens for `submit` on document, bubbling: a form that must wait never gets there.
"use strict";

(() => {
  const root = document.documentElement;

  // A decision counts only for a draft that has been on the screen this long (ms): the second press of a double press
  // must not decide the next draft unseen.
  const SEEN = 300;
  // The same for a mouse: so long after (ms), a click is no longer one half of a double click.
  const DOUBLE = 1000;
  // A letter this soon (ms) after a selection belongs to the selection (a screen reader, a dictionary).
  const SELECTING = 300;
  // How long (ms) the first key of a sequence waits for the second.
  const SEQUENCE = 1500;
  // A repeat of a key this soon (ms) after it counted needs no explanation.
  const REPEAT = 1000;
  // How long (ms) a button looks pressed.
  const PRESSED = 150;
  // No answer for this long (ms): the same form may be sent again, its decision_key makes the repeat harmless.
  const RETRY = 8000;

  const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])";

  let painted = Infinity;
  let selected = -Infinity;
  let locked = false;
  let sending = null; // the form that is on its way
  let retry = 0;
  let prefix = ""; // the first key of a sequence, and until when
  let until = 0;
  let anchor = null; // the box of the row that was selected last
  let last = { key: "", at: -Infinity }; // the key that counted last

  root.dataset.keys = root.dataset.singleKeys ?? "on";

  // After the first frame is on the screen, not before it.
  function paint() {
    painted = Infinity;
    requestAnimationFrame(() => requestAnimationFrame(() => { painted = performance.now(); }));
  }
  paint();

  // --- Which key it was -----------------------------------------------------------------------------------------

  // Signs that Hebrew and Greek write where Latin has a letter; no common Latin layout has them there.
  const SIGNS = { Q: "/;", W: "'" };
  const ascii = (key) => /^[ -~]$/.test(key);

  // The letter on the key where it is Latin, else the place of the key: A works on a Cyrillic or Thai layout too.
  function letter({ key, code }) {
    if (/^[a-z]$/i.test(key)) return key.toUpperCase();
    const place = /^Key([A-Z])$/.exec(code)?.[1];
    return place && key.length < 3 && (!ascii(key) || SIGNS[place]?.includes(key)) ? place : "";
  }

  // By place, as French writes &é"' there and Thai a slash; shifted only where that makes it a digit.
  function digit({ key, code, shiftKey }) {
    const place = /^(Digit|Numpad)([1-9])$/.exec(code);
    return place && (key === place[2] || (place[1] === "Digit" && !shiftKey)) ? place[2] : "";
  }

  function sign({ key, code, shiftKey }) {
    if (/^[./?]$/.test(key)) return key;
    return ascii(key) || key.length > 2 ? "" : { Slash: shiftKey ? "?" : "/", Period: "." }[code] ?? "";
  }

  function name(event) {
    const { key, ctrlKey, metaKey, shiftKey } = event;
    if (ctrlKey || metaKey) {
      if (shiftKey) return "";
      return key === "Enter" ? "Ctrl+Enter" : letter(event) === "K" ? "Ctrl+K" : "";
    }
    if (key === "Escape") return "Esc";
    if (key === "ArrowDown" || key === "ArrowUp") return shiftKey ? "" : key;
    const plain = digit(event);
    const written = plain ? "" : letter(event);
    return plain || (written ? (shiftKey ? `Shift+${written}` : written) : sign(event));
  }

  const typing = (event) => Boolean(event.target.closest?.(TYPING));
  const anywhere = (key) => key.startsWith("Ctrl+") || key === "Esc";

  function ignored(event, key) {
    if (!key || event.isComposing || event.keyCode === 229 || event.repeat || event.defaultPrevented) return true;
    if (event.altKey || event.getModifierState?.("AltGraph")) return true;
    if (document.querySelector("dialog[open]")) return true;
    if (anywhere(key)) return false;
    return typing(event) || performance.now() - selected < SELECTING || off(event, key);
  }

  // Arrows are no character keys: they work whatever the person chose.
  function off(event, key) {
    if (key.startsWith("Arrow")) return false;
    return root.dataset.keys === "off" || (root.dataset.keys === "focus" && !event.target.closest?.("main"));
  }

  // --- What it does ---------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    let key = name(event);
    if (ignored(event, key)) return;
    if (performance.now() < until) key = `${prefix} ${key}`;
    until = 0;
    if (act(key, event)) event.preventDefault();
  });

  function act(key, event) {
    if (key === "Esc" && typing(event)) {
      document.querySelector("main h1")?.focus();
      return true;
    }
    const element = find(key, event);
    if (element) {
      press(element, key);
      return true;
    }
    if (walk(key)) return true;
    const refusal = document.querySelector(`[data-refuses="${key}"]`);
    if (refusal) say(refusal.textContent.trim());
    else if (key.includes(" ")) say(words("unavailable"));
    else if (document.querySelector(`[data-key^="${key} "]`)) {
      prefix = key;
      until = performance.now() + SEQUENCE;
    } else return false;
    return true;
  }

  // The first one that can be seen, a usable one before one that is switched off. What is being typed is sent by a
  // button of its own form only.
  function find(key, event) {
    const all = [...document.querySelectorAll(`[data-key="${key}"]`)].filter((one) => one.checkVisibility());
    const form = typing(event) ? event.target.form : null;
    const mine = form && key === "Ctrl+Enter" ? all.filter((one) => one.form === form) : all;
    return mine.find((one) => !dead(one)) ?? mine[0];
  }

  const dead = (element) => element.matches(":disabled, [aria-disabled=true]");

  function press(element, key) {
    element.classList.add("pressed");
    setTimeout(() => element.classList.remove("pressed"), PRESSED);
    const now = performance.now();
    const why = refusal(element, now);
    if (!why) {
      last = { key, at: now };
      use(element);
    } else if (key !== last.key || now - last.at > REPEAT) say(why);
  }

  function refusal(element, now) {
    if (dead(element)) return element.dataset.why || words("unavailable");
    if (!element.closest("main")) return "";
    return locked ? words("busy") : now - painted < SEEN || painted === Infinity ? words("soon") : "";
  }

  function use(element) {
    if (element.matches(TYPING)) {
      element.focus();
      element.select?.();
      return;
    }
    const then = element.dataset.then;
    element.click();
    if (then) follow(document.getElementById(then));
  }

  // A reason's digit goes on to the reject button, or to the note it needs.
  function follow(next) {
    if (next.matches("textarea")) next.focus(); else next.click();
  }

  // --- Rows and messages ------------------------------------------------------------------------------------------

  const ARROWS = { ArrowDown: "next", ArrowUp: "previous" };
  const row = (stop) => stop.closest("tr, li") ?? stop;
  const box = (stop) => row(stop).querySelector("input[type=checkbox]");

  function walk(key) {
    for (const list of document.querySelectorAll("[data-walk]")) {
      const bound = JSON.parse(list.dataset.walk);
      const arrow = list.contains(document.activeElement) && Object.values(bound).includes(ARROWS[key]);
      const action = arrow ? ARROWS[key] : bound[key];
      if (action) return step(list, action);
    }
    return false;
  }

  function step(list, action) {
    const stops = [...list.querySelectorAll("[data-stop]")];
    const at = stops.findIndex((stop) => row(stop).contains(document.activeElement));
    const to = { next: at + 1, "next-message": at + 1, previous: at - 1, "previous-message": at < 0 ? stops.length - 1 : at - 1 }[action];
    if (to !== undefined) visit(stops[to]);
    else if (at < 0) return false;
    else if (action === "open") stops[at].click();
    else select(stops.map(box), at, action === "select-range");
    return true;
  }

  // One row, or all from the one that was selected last.
  function select(boxes, at, many) {
    const from = many ? Math.max(0, boxes.indexOf(anchor)) : at;
    anchor = boxes[at];
    for (const one of boxes.slice(Math.min(from, at), Math.max(from, at) + 1)) if (one && !(many && one.checked)) one.click();
  }

  function visit(stop) {
    if (!stop) return;
    const folded = stop.closest("details");
    if (folded) folded.open = true;
    stop.focus();
  }

  // --- The status line --------------------------------------------------------------------------------------------

  const words = (what) => document.getElementById("say").dataset[what];

  // Emptied first: the same sentence twice is news, too.
  function say(sentence) {
    const line = document.getElementById("say");
    line.textContent = "";
    requestAnimationFrame(() => { line.textContent = sentence; });
  }
  document.addEventListener("desk:say", (event) => say(event.detail));

  // --- One decision for each draft that was painted -----------------------------------------------------------------

  document.addEventListener("selectionchange", () => {
    if (!getSelection()?.isCollapsed) selected = performance.now();
  });

  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.matches("[data-switch]")) switchKeys(event);
    else if (locked) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else {
      event.target.dispatchEvent(new CustomEvent("desk:locked", { bubbles: true, detail: event.target }));
    }
  });

  // Nor does the second click of a double click, which lands where the next draft has its button.
  document.addEventListener("click", (event) => {
    if (event.detail < 2 || performance.now() - painted > DOUBLE || !event.target.closest?.("[data-decides]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say(words("soon"));
  }, true);

  // Whoever sits here next finds nothing in this tab of what was typed.
  document.addEventListener("submit", ({ target }) => {
    if (target.action.endsWith("/sign-out")) try { sessionStorage.clear(); } catch { /* no storage: nothing in it */ }
  });

  document.addEventListener("desk:locked", (event) => {
    locked = true;
    sending = event.detail;
    clearTimeout(retry);
    retry = setTimeout(unlock, RETRY);
  });
  document.addEventListener("desk:unlocked", unlock);
  document.addEventListener("desk:painted", () => {
    unlock();
    paint();
  });

  function unlock() {
    locked = false;
    sending = null;
    clearTimeout(retry);
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
    const field = document.querySelector("textarea[autofocus]");
    if (field) field.setSelectionRange(field.value.length, field.value.length);
    document.querySelector("[data-focus]")?.focus();
    const said = document.getElementById("say").textContent.trim();
    if (said) say(said);
    for (const chosen of document.querySelectorAll("[data-then] :checked")) needs(chosen.form);
  });

  // Some reasons need a note.
  function needs(form) {
    const note = form?.elements.namedItem("note");
    if (note) note.required = Boolean(form.querySelector(".needs-note :checked"));
  }
  document.addEventListener("change", (event) => needs(event.target.form));

  // --- The switch ---------------------------------------------------------------------------------------------------

  // Sent aside, so that nothing that was typed on the page is left.
  async function switchKeys(event) {
    event.preventDefault();
    const { target: form, submitter } = event;
    const body = new FormData(form, submitter);
    let done = false;
    try {
      done = (await fetch(form.action, { method: "POST", body, redirect: "manual" })).type === "opaqueredirect";
    } catch { /* offline */ }
    if (!done) {
      say(words("unavailable"));
      return;
    }
    root.dataset.keys = submitter.value;
    for (const button of document.querySelectorAll("[data-switch] button")) {
      button.hidden = (button.value === "off") === (submitter.value === "off");
    }
    form.querySelector("button:not([hidden])").focus();
  }
})();
