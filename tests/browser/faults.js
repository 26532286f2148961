// What a page has to be for everybody. Runs in the page; each string that comes back is a fault, in words.
() => {
  const faults = [];
  const root = document.documentElement;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 1;
  // For screen readers alone: in a box of one pixel.
  const unseen = (element) => element && (element.getBoundingClientRect().width <= 1 || unseen(element.parentElement));
  const name = (element) =>
    (element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent).trim();

  if (all("h1:not(dialog *)").length !== 1) faults.push("not exactly one h1");
  if (!root.lang || !root.dir) faults.push("no language or direction");
  for (const landmark of ["header", "main"]) if (!document.querySelector(landmark)) faults.push(`no ${landmark}`);

  const ids = all("[id]").map((element) => element.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) faults.push(`two elements are called ${id}`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "for", "form"])
    for (const element of all(`[${attribute}]`))
      for (const id of element.getAttribute(attribute).split(" "))
        if (!ids.includes(id)) faults.push(`${attribute} names ${id}, which is not there`);

  for (const element of all("a[href], button, input:not([type=hidden]), select, textarea, summary").filter(shown)) {
    const what = `${element.tagName} ${name(element).slice(0, 30) || element.id || element.name}`;
    if (!name(element)) faults.push(`${what} has no name`);
    const box = (element.closest("label") ?? element).getBoundingClientRect();
    const inText = element.matches("a") && getComputedStyle(element).display === "inline";
    if (!inText && (box.width < 24 || box.height < 24)) faults.push(`${what} is ${box.width} x ${box.height}`);
  }

  for (const element of all(".words, .excerpt"))
    if (!element.hasAttribute("lang") && !element.closest("[lang]:not(html)") && element.id !== "kept")
      faults.push(`no lang on ${element.className}`);
  for (const element of all(".words, .excerpt")) if (element.dir !== "auto") faults.push(`no dir on ${element.className}`);
  for (const element of all("body *").filter(shown)) {
    const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join("");
    if (words.length < 8) continue;
    const box = element.getBoundingClientRect(), letter = parseFloat(getComputedStyle(element).fontSize);
    if (box.width < 2 * letter && box.height > 6 * letter && !unseen(element)) faults.push(`a letter a line: ${words.slice(0, 30)}`);
  }
  for (const table of all("table:has(tr)")) if (!table.querySelector("th[scope]")) faults.push("a table without headings");
  return faults;
}
