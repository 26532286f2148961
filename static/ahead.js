// One draft leased ahead: after a decision the next draft is painted at once, and the decision is on its way meanwhile.
// What is on the screen is #bench; the next one waits here, outside of the page, so that no id is there twice. Events are
// those of keys.js; pulse.js tells by `desk:pulse` what is no longer so, and finds what waits here in #desk's data.
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
      const newest = submitter?.hasAttribute("data-key");
      later(() => document.querySelector(newest ? "#held [data-key]" : `#held form[action="${form.getAttribute("action")}"] button`)?.click());
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

  function settle(sent, { held, bench: html, ahead, stale }) {
    tell("desk:online");
    strip(held);
    if (idle) {
      const fresh = html ?? ahead;
      if (fresh) show(element(fresh), sent.say);
      else if (unsaved.size === 1) leave();
    } else if (ahead) keep(ahead);
    if (stale) tell("desk:conflict", stale);
    done(sent);
    if (!next && !idle) ask();
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
    if (idle) {
      idle = false;
      bench().removeAttribute("aria-busy");
      tell("desk:unlocked");
    }
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
