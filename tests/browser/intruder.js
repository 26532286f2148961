// What is on the page and was not put there by our templates: each string that comes back is a fault, in words.
() => {
  const faults = [];
  const OURS = new Set(`A ARTICLE ASIDE B BDI BODY BUTTON CAPTION CODE DD DEL DETAILS DIALOG DIV DL DT EM FIELDSET FOOTER FORM H1 H2 H3 HEAD
    HEADER HTML INPUT INS KBD LABEL LEGEND LI LINK MAIN MARK META NAV OL OPTGROUP OPTION OUTPUT P PRE SCRIPT SECTION SELECT SMALL
    SPAN STRONG SUMMARY TABLE TBODY TD TEMPLATE TEXTAREA TH THEAD TIME TITLE TR UL CIRCLE LINE SVG USE`.split(/\s+/));
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (!OURS.has(element.tagName.toUpperCase())) faults.push(`<${element.tagName}>`);
      if (element.tagName === "TEMPLATE") look(element.content);
      if (element.tagName === "SCRIPT" && !new URL(element.src, location).pathname.startsWith("/static/")) faults.push(`script ${element.src}`);
      if (element.tagName === "META" && element.httpEquiv) faults.push(`meta ${element.httpEquiv}`);
      for (const { name, value } of element.attributes) {
        if (name.startsWith("on") || name === "style" || name === "srcdoc" || name.startsWith("x-") || name.startsWith("hx-")) faults.push(`${element.tagName} ${name}`);
        if (!["href", "src", "action", "formaction", "data", "ping", "poster", "background", "srcset"].includes(name)) continue;
        const url = new URL(value, location);
        const leads = element.tagName === "A" && /\bnoreferrer\b/.test(element.rel) && url.protocol.startsWith("http");
        if (url.origin !== location.origin && !leads) faults.push(`${element.tagName} ${name}=${value}`);
      }
    }
  };
  look(document);
  return faults;
}
