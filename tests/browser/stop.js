// Where Tab has come to: null at the end of the page, else its name and what is wrong with it, in words.
() => {
  const stop = document.activeElement;
  const seen = (window.__stops ??= []);
  if (!stop || stop === document.body || stop === document.documentElement || seen.includes(stop)) {
    window.__stops = undefined;
    return null;
  }
  const faults = [];
  const last = seen.at(-1);
  seen.push(stop);
  if (last && !(last.compareDocumentPosition(stop) & Node.DOCUMENT_POSITION_FOLLOWING)) faults.push("comes before the stop before it");
  if (stop.tabIndex > 0) faults.push(`tabindex ${stop.tabIndex}`);

  const shown = stop.closest("label") ?? stop;
  const box = shown.getBoundingClientRect();
  const inside = {
    left: Math.max(box.left, 0), right: Math.min(box.right, innerWidth),
    top: Math.max(box.top, 0), bottom: Math.min(box.bottom, innerHeight),
  };
  if (inside.right - inside.left < 1 || inside.bottom - inside.top < 1) faults.push("has the focus and is out of sight");
  else {
    const at = (x, y) => document.elementFromPoint(inside.left + (inside.right - inside.left) * x, inside.top + (inside.bottom - inside.top) * y);
    const spots = [at(0.5, 0.5), at(0.1, 0.5), at(0.9, 0.5), at(0.5, 0.1), at(0.5, 0.9)];
    const free = spots.filter((spot) => spot && (shown.contains(spot) || spot.contains(shown)));
    if (!free.length) faults.push(`has the focus and is covered by ${spots[0]?.tagName}.${spots[0]?.className}`);
  }
  const ring = [stop, shown].map((element) => getComputedStyle(element)).some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
  if (!ring) faults.push("has the focus and no ring");
  const name = (stop.getAttribute("aria-label") ?? stop.labels?.[0]?.textContent ?? stop.textContent).trim().replace(/\s+/g, " ");
  return { name: `${stop.tagName} ${name.slice(0, 40)}`, faults };
}
