// One draft leased ahead: after a decision the next draft is painted at once, and the decision is on its way meanwhile.
// What is on the screen is #bench; the next one waits here, outside of the page, so that no id is there twice. Events are
// those of keys.js; the pulse tells by `desk:pulse` what is no longer so, and finds what waits here in #desk's data.
"use strict";

(() => {
  const desk = document.getElementById("desk");
  if (!desk?.dataset.ahead) return;

  const SLOW = 4000; // without an answer for this long (ms), the page says that it is still saving
  const MOST = 3; // decisions without an answer at which the next one waits
  const AGAIN = 3000; // ms until a decision whose answer was lost is sent again, under the same decision_key
  const UNSHOWN = 170_000; // ms for which a draft is kept unseen; its lease ends soon after
  const KEEPALIVE = 60_000; // characters that a browser carries over the end of a page

  const words = desk.dataset;
  const bench = () => document.getElementById("bench");
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const say = (sentence) => tell("desk:say", sentence);
  const unsaved = new Set();
  let next = null; // the element of the draft leased ahead
  let idle = false; // nothing is on the screen but what was just decided
  let then = null; // what waits until all is saved
  let undecided = false; // the session had ended when a draft was decided that is no longer on the screen

  const element = (html) => document.adoptNode(new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
  const watch = (prefix, { draft = "", epoch = "", rev = "" } = {}) =>
    ({ [`${prefix}-draft`]: draft, [`${prefix}-epoch`]: epoch, [`${prefix}-rev`]: rev });

  // --- The draft ahead --------------------------------------------------------------------------------------------

  function keep(html) {
    next = html ? element(html) : null;
    if (next?.dataset.draft === bench()?.dataset.draft) next = null;
    for (const [name, value] of Object.entries(watch("ahead", next?.dataset))) desk.setAttribute(`data-${name}`, value);
    const kept = next;
    if (kept) setTimeout(() => { if (next === kept) keep(null); }, UNSHOWN);
  }

  async function ask() {
    if (next || !bench()) return;
    try {
      const response = await post(words.ahead, new URLSearchParams());
      if (response.status === 200 && !next && !unsaved.size) keep(await response.text());
    } catch { /* offline: the pulse says so */ }
  }

  function post(url, body) {
    return fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
      body,
      keepalive: String(body).length < KEEPALIVE,
    });
  }

  function show(fresh, sentence) {
    idle = false;
    bench().replaceWith(fresh);
    document.title = `${fresh.dataset.title} · reviewqueue`;
    history.replaceState(null, "", words.url);
    scrollTo(0, 0);
    fresh.querySelector("h1").focus({ preventScroll: true });
    if (sentence) say(sentence.replace("{next}", fresh.dataset.name));
    tell("desk:painted");
  }

  // --- A decision -------------------------------------------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || submitter?.hasAttribute("formaction")) return;
    if (form.closest("#held") && unsaved.size) {
      event.preventDefault();
      // A key means the newest decision, which is on its way; a click means that of its own row.
      const whose = submitter.matches(".pressed") ? "[data-key]" : `form[action="${form.getAttribute("action")}"] button`;
      later(() => document.querySelector(`#held ${whose}[value="${submitter.value}"]`)?.click());
    } else if (form.matches("#conflicts form[data-onwards]")) {
      event.preventDefault();
      again(form);
    } else if (form.matches("#bench form:is([data-decision], [data-onwards])")) {
      event.preventDefault();
      if ("offline" in words) refuse(words.offlineKey);
      else if (unsaved.size >= MOST || idle) refuse(words.saving);
      else decide(form, submitter);
    }
  });

  function refuse(sentence) {
    say(sentence);
    tell("desk:unlocked");
  }

  function decide(form, submitter) {
    const body = new URLSearchParams(new FormData(form, submitter));
    const sent = { url: form.action, body, draft: bench().dataset.draft, say: submitter?.dataset.say ?? form.dataset.say ?? "" };
    for (const [name, value] of Object.entries(watch("on", next?.dataset))) body.set(name, value);
    unsaved.add(sent);
    const fresh = next;
    if (fresh) {
      keep(null);
      show(fresh, sent.say);
    } else {
      idle = true;
      bench().setAttribute("aria-busy", "true");
    }
    deliver(sent);
  }

  // A decision that the server could not save, once more and under the same key.
  function again(form) {
    const panel = form.closest("[data-conflict]");
    const sent = { url: form.action, body: new URLSearchParams(new FormData(form)), draft: panel.dataset.conflict, say: "" };
    const here = sent.draft === bench().dataset.draft;
    for (const [name, value] of Object.entries(watch("on", here ? undefined : bench().dataset))) sent.body.set(name, value);
    if (here) idle = true;
    close(panel);
    unsaved.add(sent);
    if (!here) tell("desk:unlocked");
    deliver(sent);
  }

  async function deliver(sent) {
    const slow = setTimeout(() => { document.getElementById("saving").hidden = false; }, SLOW);
    try {
      const response = await post(sent.url, sent.body);
      if (!response.headers.get("Content-Type")?.includes("json")) {
        if (!response.ok) throw new Error(response.status);
        done(sent);
        location.assign(words.url);
      } else if (response.ok) settle(sent, await response.json());
      else refused(sent, response.status, await response.json());
    } catch {
      tell("desk:offline");
      setTimeout(() => deliver(sent), AGAIN);
    } finally {
      clearTimeout(slow);
    }
  }

  function done(sent) {
    unsaved.delete(sent);
    if (unsaved.size) return;
    document.getElementById("saving").hidden = true;
    const waiting = then;
    then = null;
    waiting?.();
  }

  // Answers come in any order: what one of them brings may be decided by then, and what it calls stale, too.
  function settle(sent, { held, bench: html, ahead, stale }) {
    tell("desk:online");
    strip(held);
    unsaved.delete(sent);
    const current = bench().dataset.draft;
    const leaving = (draft) => [...unsaved].some((other) => other.draft === String(draft));
    if (ahead) keep(ahead);
    if (idle) onwards(html && element(html), leaving, sent.say);
    else if (stale && String(stale.draft) === current && !leaving(current)) tell("desk:conflict", stale);
    done(sent);
    if (!next && !idle) ask();
  }

  function onwards(fresh, leaving, sentence) {
    if (fresh && !leaving(fresh.dataset.draft)) {
      if (next?.dataset.draft === fresh.dataset.draft) keep(null);
      show(fresh, sentence);
    } else if (!unsaved.size && next) {
      const waiting = next;
      keep(null);
      show(waiting, sentence);
    } else if (!unsaved.size) leave();
  }

  // The empty desk is a page of its own; its heading gets the focus that this one had.
  function leave() {
    unsaved.clear();
    try { sessionStorage.setItem("onwards", "1"); } catch { /* no storage: the page's own order counts */ }
    location.assign(words.url);
  }

  function strip(html) {
    const old = document.getElementById("held");
    const fresh = element(html);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused?.form && `form[action="${focused.form.getAttribute("action")}"] button[value="${focused.value}"]`;
    old.replaceWith(fresh);
    if (focused) ((place && fresh.querySelector(place)) ?? bench().querySelector("h1")).focus();
    tell("desk:held");
  }

  function later(what) {
    then = what;
    refuse(words.saving);
  }

  // --- What needs the person ----------------------------------------------------------------------------------------

  function refused(sent, status, refusal) {
    unsaved.delete(sent);
    done(sent);
    if (idle && sent.draft === bench().dataset.draft) {
      idle = false;
      bench().removeAttribute("aria-busy");
      tell("desk:unlocked");
    } else if (idle && !unsaved.size) leave();
    if (status === 401) {
      undecided ||= sent.draft !== bench().dataset.draft;
      tell("desk:signed-out");
    }
    tell("desk:conflict", { ...refusal, draft: Number(sent.draft) });
  }

  document.addEventListener("desk:conflict", ({ detail: { draft, panel, title } }) => {
    if (!panel) return;
    const here = String(draft) === bench()?.dataset.draft;
    const place = document.getElementById("conflicts");
    const fresh = element(panel);
    const same = place.querySelector(`[data-conflict="${draft}"]`);
    if (same?.dataset.code === fresh.dataset.code) return;
    if (same) same.replaceWith(fresh); else place.append(fresh);
    document.getElementById("alert").textContent = here ? title : words.needsYou.replace("{draft}", `#${draft}`);
    if (!here) return;
    stop(fresh);
    if (!document.activeElement?.matches("textarea, input")) fresh.querySelector("h2").focus();
  });

  // What could only be refused is not offered; whoever presses its key hears why.
  function stop(panel) {
    if (!panel.hasAttribute("data-ends")) return;
    for (const button of bench().querySelectorAll("[data-decides]")) {
      button.setAttribute("aria-disabled", "true");
      button.dataset.why = panel.querySelector("h2").textContent;
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-closes]");
    if (button) close(button.closest("[data-conflict]"));
    const disabled = event.target.closest("[data-decides][aria-disabled=true]");
    if (disabled) {
      event.preventDefault();
      say(disabled.dataset.why);
    }
    const link = event.target.closest("#bench a[href], .places a");
    if (link && unsaved.size && !link.target) {
      event.preventDefault();
      later(() => location.assign(link.href));
    }
  });

  function close(panel) {
    panel.remove();
    if (!document.querySelector("[data-conflict]")) document.getElementById("alert").textContent = "";
    bench()?.querySelector("h1").focus();
  }

  addEventListener("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); });

  document.addEventListener("desk:pulse", ({ detail: { ahead, stale } }) => {
    if (next && !ahead && !unsaved.size) keep(null);
    if (stale && !unsaved.size) tell("desk:conflict", stale);
  });

  // Whoever signs in again has new tokens, and first what was not decided.
  document.addEventListener("desk:signed-in", ({ detail: token }) => {
    for (const page of [document, next]) for (const field of page?.querySelectorAll("[name=csrfmiddlewaretoken]") ?? []) field.value = token;
    if (undecided) location.assign(words.url);
  });

  requestAnimationFrame(() => setTimeout(ask));
})();

// === The pulse =======================================================================================================
// A sign of life every 15 s while the page can be seen: keeps the draft on the screen mine, brings the counters, and
// tells what is no longer so. Says when the network or the session is gone, and what can be done then.

(() => {
  const desk = document.getElementById("desk");
  if (!desk) return;

  const EVERY = 15_000; // ms between two signs
  const HIDDEN = 120_000; // ms after which what is leased ahead of a page that nobody sees goes back
  const WARNING = 60; // seconds before the end of a lease at which the page says so

  const words = desk.dataset;
  const bench = () => document.getElementById("bench");
  const alert = document.getElementById("alert");
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  let active = performance.now();
  let ends = Infinity; // when the lease of the draft on the screen ends
  let hidden = 0;

  async function pulse(over = false) {
    const { draft = "", epoch = "", rev = "" } = bench()?.dataset ?? {};
    const { aheadDraft = "", aheadEpoch = "", aheadRev = "" } = words;
    const typing = document.activeElement?.matches("#bench textarea") ?? false;
    const body = new URLSearchParams({
      "on-draft": draft, "on-epoch": epoch, "on-rev": rev,
      "ahead-draft": aheadDraft, "ahead-epoch": aheadEpoch, "ahead-rev": aheadRev,
      idle: Math.round((performance.now() - active) / 1000), editing: typing ? "1" : "", over: over ? "1" : "",
    });
    let response;
    try {
      response = await fetch(words.pulse, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
        body,
      });
    } catch {
      tell("desk:offline");
      return;
    }
    if (response.status === 401) tell("desk:signed-out");
    if (!response.ok) return;
    tell("desk:online");
    hear(await response.json(), draft);
  }

  function hear(news, draft) {
    const counters = document.getElementById("counters");
    if (counters) counters.textContent = news.counters.trim();
    if (draft !== (bench()?.dataset.draft ?? "")) return; // another draft has come meanwhile
    if (news.left !== null) ends = performance.now() + news.left * 1000;
    tell("desk:pulse", news);
  }

  const every = Math.min(EVERY, Math.max(1, Number(words.leaseSeconds ?? 600) / 3) * 1000);
  setInterval(() => { if (document.visibilityState === "visible") pulse(); }, every);
  setTimeout(pulse, 1000);
  addEventListener("focus", () => pulse());
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.visibilityState === "visible") pulse();
    else hidden = setTimeout(() => pulse(true), HIDDEN);
  });

  // --- Yours for so many seconds --------------------------------------------------------------------------------------

  const ending = document.getElementById("ending");
  if (ending) {
    setInterval(() => {
      const left = Math.ceil((ends - performance.now()) / 1000);
      ending.hidden = !(left > 0 && left <= WARNING);
      if (!ending.hidden) ending.textContent = words.ending.replace("{n}", left);
    }, 1000);
    document.addEventListener("desk:painted", () => { ends = Infinity; });
  }
  for (const kind of ["keydown", "pointerdown", "scroll"]) {
    addEventListener(kind, () => {
      active = performance.now();
      if (ending && !ending.hidden) {
        ending.hidden = true;
        ends = Infinity;
        pulse();
      }
    }, { passive: true, capture: true });
  }

  // --- Offline --------------------------------------------------------------------------------------------------------

  const bar = document.getElementById("offline");
  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { timeStyle: "short", hourCycle: "h23" });
  function offline() {
    if ("offline" in words) return;
    words.offline = "";
    bar.textContent = words.offlineSince.replace("{time}", clock());
    bar.hidden = false;
    alert.textContent = bar.textContent;
  }
  function online() {
    if (!("offline" in words)) return;
    delete words.offline;
    bar.hidden = true;
    alert.textContent = "";
  }
  document.addEventListener("desk:offline", offline);
  document.addEventListener("desk:online", online);
  addEventListener("offline", offline);
  addEventListener("online", () => pulse()); // decisions wait until the draft was looked at again

  // --- The session has ended ------------------------------------------------------------------------------------------

  const dialog = document.getElementById("sign-in");
  document.addEventListener("desk:signed-out", () => { if (!dialog.open) dialog.showModal(); });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const form = event.target;
    const failed = form.querySelector("[data-failed]");
    let answer = null;
    try {
      answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
    } catch { /* offline: as if the password were wrong, to be tried again */ }
    failed.hidden = answer?.type === "opaqueredirect";
    form.elements.password.value = "";
    if (!failed.hidden) return form.elements.password.focus();
    const token = document.cookie.match(/csrftoken=(\w+)/)?.[1];
    if (!token) return location.reload();
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    tell("desk:signed-in", token);
    dialog.close();
    alert.textContent = "";
    bench()?.querySelector("h1").focus();
    pulse();
  });

  try {
    if (sessionStorage.getItem("onwards")) document.querySelector("main h1")?.focus();
    sessionStorage.removeItem("onwards");
  } catch { /* no storage */ }
})();
