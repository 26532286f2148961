// A sign of life every 15 s while the page can be seen: keeps the draft on the screen mine, brings the counters, and
// tells what is no longer so. Says when the network or the session is gone, and what can be done then.
"use strict";

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
  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
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
