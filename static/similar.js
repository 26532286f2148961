// What a <details data-load="address"> shows is fetched when it is opened: the part of that page marked data-part.
"use strict";

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
