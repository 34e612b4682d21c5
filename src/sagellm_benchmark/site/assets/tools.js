// Elements are made of names, attributes and text nodes; nothing here reads a text as markup.
const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...present(children));
  return node;
}

function present(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== "");
}

// Give a place new content; what is null is left out.
function put(id, ...children) {
  $(id).replaceChildren(...present(children));
}

function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

const formats = new Map();

function format(options) {
  const key = language + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
  return formats.get(key);
}

function figure(value) {
  if (value === null || value === undefined) return "–";
  return format(Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 }).format(value);
}

function percent(value) {
  return value === null || value === undefined ? "–" : format({ style: "percent", maximumFractionDigits: 2 }).format(value);
}

// The clipboard of an embedded page may be closed to it: then the text is shown, selected, to be copied by hand.
async function copy(text, button) {
  const old = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = say("copied");
    setTimeout(() => { button.textContent = old; }, 1500);
  } catch {
    const area = el("textarea", { rows: 4, class: "grow", readonly: true, "aria-label": say("copy_failed") });
    area.value = text;
    button.after(area);
    area.select();
    area.addEventListener("blur", () => area.remove());
  }
}
