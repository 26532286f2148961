// Keeps the draft on the screen mine: renews the lease every third of its time while the page can be seen, and says so
// once it is no longer mine. Deciding is not prevented here; the server refuses it, and its page keeps the text.
"use strict";

(() => {
  const bench = document.getElementById("bench");
  if (!bench) return;
  const { epoch } = bench.dataset;
  const { leaseUrl, leaseSeconds, lost, signedOut, lostWords, lostUrl } = document.getElementById("desk").dataset;
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const LOST = [403, 404, 409, 410];
  let timer = 0;

  async function renew() {
    let response;
    try {
      response = await fetch(leaseUrl, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": token },
        body: new URLSearchParams({ epoch }),
        redirect: "error",
      });
    } catch {
      return; // offline: the next turn tries again, and a late decision of the last holder counts
    }
    if (response.status === 401) say(signedOut);
    if (LOST.includes(response.status)) say(lost);
  }

  function say(words) {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", wake);
    const link = document.createElement("a");
    link.href = lostUrl;
    link.textContent = lostWords;
    document.getElementById("alert").replaceChildren(words, link);
    for (const button of document.querySelectorAll("[data-decides]")) button.disabled = true;
  }

  function wake() {
    if (document.visibilityState === "visible") renew();
  }

  timer = setInterval(wake, Math.max(1, Number(leaseSeconds) / 3) * 1000);
  document.addEventListener("visibilitychange", wake);
})();
