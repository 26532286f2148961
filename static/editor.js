// The editor. The draft turns into a field in its place; what is typed is kept on the server a second later and, until
// then, in this tab; and what it changes is shown below. And notes for colleagues. All of it works as plain forms, too.
// Whatever is put on the page later works as well: every listener sits on the document.
"use strict";

(() => {
  const PREVIEW = 300; // after the last key, ms
  const SAVE = 1000;
  const RETRY = 5000; // after the server or the line failed
  const KEEPALIVE = 20_000; // characters that surely fit in what a closing page may still send
  const TYPED = "typed.", SENT = "sent.", VIEW = "view";

  let saving = 0, showing = 0, flying = false, keeping, asking;

  const editor = () => document.querySelector("#bench form[data-typing]");
  const stored = (work, otherwise = null) => { try { return work(sessionStorage); } catch { return otherwise; } };
  const dirty = (field) => field.value !== field.defaultValue || "unsaved" in field.dataset;
  const tell = (form, words) => { form.querySelector("[data-kept]").textContent = words; };

  function post(form, url, fields, Accept, more) {
    const headers = { Accept, "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    return fetch(url, { method: "POST", headers, body: new URLSearchParams(fields), redirect: "error", ...more });
  }

  // --- Kept ---------------------------------------------------------------------------------------------------

  async function keep(form, last = false) {
    const field = form.elements.text;
    clearTimeout(saving);
    // A text that is on its way as a decision is not kept once more: its draft is decided by then.
    if ("sent" in form.dataset || !form.isConnected || !dirty(field)) return;
    if (flying && !last) { saving = setTimeout(keep, SAVE / 4, form); return; }
    const text = field.value;
    let answer, kept;
    flying = true;
    keeping = new AbortController();
    tell(form, form.dataset.keeping);
    try {
      answer = await post(form, form.dataset.keep, { text }, "application/json", { keepalive: last && text.length < KEEPALIVE, signal: keeping.signal });
      if (answer.ok) kept = await answer.json();
    } catch { /* offline, or overtaken by a decision, perhaps in the middle of its answer */ }
    flying = false;
    if (!kept) {
      tell(form, form.dataset.here);
      if (answer?.status === 401) document.dispatchEvent(new CustomEvent("desk:signed-out"));
      if (!answer || answer.ok || answer.status >= 500) saving = setTimeout(keep, RETRY, form);
      return;
    }
    field.defaultValue = text;
    delete field.dataset.unsaved;
    if (field.value === text) stored((tab) => tab.removeItem(TYPED + form.dataset.typing));
    tell(form, kept.says);
  }

  document.addEventListener("input", ({ target }) => {
    const form = target.closest("form[data-typing]");
    if (!form) return;
    stored((tab) => tab.setItem(TYPED + form.dataset.typing, target.value));
    form.dataset.changed = "";
    clearTimeout(saving);
    clearTimeout(showing);
    saving = setTimeout(keep, SAVE, form);
    showing = setTimeout(show, PREVIEW, form);
  });

  const now = (last) => { const form = editor(); if (form) keep(form, last); };
  document.addEventListener("focusout", ({ target }) => { if (target.closest("form[data-typing]")) now(false); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") now(true); });
  addEventListener("online", () => now(false));

  // What is decided or given back leaves the page: a decision takes the text along, anything else leaves it kept. The
  // text stays in the tab until it is known that the decision was taken.
  document.addEventListener("submit", ({ target, submitter }) => {
    const form = editor();
    if (!form || !document.getElementById("bench").contains(target)) return;
    if (!("decision" in target.dataset) || submitter?.formAction.endsWith("/preview")) { keep(form, true); return; }
    clearTimeout(saving);
    keeping?.abort();
    form.dataset.sent = "";
    stored((tab) => tab.setItem(SENT + form.dataset.typing, ""));
  }, true);

  document.addEventListener("desk:held", () => forget((key, sent) => sent));
  document.addEventListener("desk:unlocked", () => { delete editor()?.dataset.sent; });
  document.addEventListener("desk:conflict", ({ detail: { draft } }) => stored((tab) => {
    for (const key of Object.keys(tab)) if (key.startsWith(SENT) && key.endsWith(`.${draft}`)) tab.removeItem(key);
  }));

  function forget(which) {
    stored((tab) => {
      for (const key of Object.keys(tab)) {
        const sent = key.startsWith(SENT);
        if (!(sent || key.startsWith(TYPED)) || !which(key, sent)) continue;
        tab.removeItem(key);
        if (sent) tab.removeItem(TYPED + key.slice(SENT.length));
      }
    });
  }

  // --- Opened and closed ------------------------------------------------------------------------------------------

  // A template holds what is not shown, beside what is: they change places.
  function exchange() {
    const templates = document.querySelectorAll("#bench template[data-mode]");
    for (const template of templates) {
      const shown = template.previousElementSibling;
      shown.replaceWith(template.content.firstElementChild);
      template.content.replaceChildren(shown);
    }
    return templates.length > 0;
  }

  function begin(form) {
    const field = form.elements.text;
    const here = stored((tab) => tab.getItem(TYPED + form.dataset.typing));
    if (here !== null && here !== field.value) { field.value = here; form.dataset.changed = ""; }
    else if (!dirty(field)) stored((tab) => tab.removeItem(TYPED + form.dataset.typing));
    if (dirty(field)) { tell(form, form.dataset.here); saving = setTimeout(keep, SAVE, form); }
    if ("changed" in form.dataset) show(form);
  }

  function open() {
    if (editor() || !exchange()) return false;
    const form = editor();
    const field = form.elements.text;
    begin(form);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
    return true;
  }

  function close() {
    const form = editor();
    if (!form || !document.querySelector("#bench template[data-mode]")) return false;
    keep(form, true);
    exchange();
    document.querySelector("#bench [data-kept-edit]").hidden = !("changed" in form.dataset);
    document.getElementById("draft").focus();
    return true;
  }

  // --- Its changes -------------------------------------------------------------------------------------------------

  async function show(form) {
    asking?.abort();
    asking = new AbortController();
    const fields = { text: form.elements.text.value, view: stored((tab) => tab.getItem(VIEW)) ?? "" };
    let html;
    try {
      const answer = await post(form, form.dataset.preview, fields, "text/fragment+html", { signal: asking.signal });
      if (!answer.ok) return;
      html = await answer.text();
    } catch { return; } // the next key asks again
    fill(form.closest("[data-mode]").querySelector("[data-changes]"), html, "[data-view]");
  }

  function fill(place, html, again) {
    const focused = place.contains(document.activeElement) && document.activeElement.value;
    place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    if (typeof focused === "string") place.querySelector(`${again}[value="${focused}"]`)?.focus();
  }

  // --- Notes ------------------------------------------------------------------------------------------------------

  async function note(form) {
    if (!form.reportValidity()) return;
    let html;
    try {
      const answer = await post(form, form.action, new FormData(form), "text/fragment+html");
      if (answer.ok) html = await answer.text();
    } catch { /* offline */ }
    if (html === undefined) { tell(form, form.dataset.here); return; }
    const place = form.closest("[data-notes]");
    fill(place, html);
    place.querySelector("summary").focus();
  }

  document.addEventListener("toggle", ({ target }) => {
    if (target.open && target.matches("[data-note]")) target.querySelector("textarea").focus();
  }, true);

  // --- The page -----------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const pressed = event.target.closest?.("[data-edit], [data-back], [data-view], [data-note] button");
    if (!pressed) return;
    if ("view" in pressed.dataset) {
      stored((tab) => tab.setItem(VIEW, pressed.value));
      show(editor());
    } else if (pressed.matches("button")) note(pressed.form);
    else if (!("edit" in pressed.dataset ? open() : close())) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  const folded = () => [...document.querySelectorAll("#bench template[data-mode]")].map((template) => template.content);

  // What was being typed on this draft and reached nobody is in the editor again.
  function painted() {
    const form = editor() ?? folded()[0]?.querySelector("form[data-typing]");
    if (!form) return;
    if (form.isConnected) begin(form);
    else if (stored((tab) => tab.getItem(TYPED + form.dataset.typing)) !== null) open();
  }
  document.addEventListener("desk:painted", painted);
  document.addEventListener("DOMContentLoaded", () => {
    const here = document.getElementById("bench")?.dataset.draft;
    forget((key, sent) => sent && !key.endsWith(`.${here}`));
    painted();
  });

  // Whoever signs in again has new tokens, and what is not shown needs them, too.
  document.addEventListener("desk:signed-in", ({ detail: token }) => {
    for (const part of folded()) for (const field of part.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    now(false);
  });
})();
