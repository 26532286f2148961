// By how much the page scrolls sideways under one more style sheet, and because of what: null where it does not.
(css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet];
  const root = document.documentElement;
  const over = root.scrollWidth - root.clientWidth;
  const out = (element) => {
    const box = element.getBoundingClientRect();
    return box.width && (box.right > root.clientWidth + 0.5 || box.left < -0.5) && !element.closest(".skip") && !element.parentElement.closest(".scroll");
  };
  const widest = [...document.querySelectorAll("body *")].filter((element) => out(element) && ![...element.children].some(out));
  document.adoptedStyleSheets = [];
  return over > 0 ? `scrolls sideways by ${over}: ${widest.map((element) => `${element.tagName}.${element.className}`).slice(0, 3).join(" ")}` : null;
}
