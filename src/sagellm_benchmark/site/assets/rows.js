// The table: which rows, in which order, and the few of them that are drawn.
const ROWS = JSON.parse($("data").textContent);
const CHINESE = new Map(Object.entries(JSON.parse($("chinese").textContent)));
let records = null;

ROWS.forEach((row, place) => {
  row.place = place;
  row.failing = row.against.length > 0;
  row.words = [row.engine, row.version, row.model, row.hardware, row.precision, row.workload, row.load, row.weights,
    row.tier, row.date, row.submitter, row.id].join("\n").toLowerCase();
});
{
  const tied = new Map();
  for (const row of ROWS) if (row.rank) tied.set(row.scope + " " + row.rank, (tied.get(row.scope + " " + row.rank) ?? 0) + 1);
  for (const row of ROWS) row.shared = tied.get(row.scope + " " + row.rank) > 1;
}

// The whole records are as large as everything else together, and needed only where one is opened.
function record(row) {
  records ??= JSON.parse($("records").textContent);
  return records[row.place];
}

function rowByKey(key) {
  return ROWS.find((row) => row.key === key);
}

function matching() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = Object.entries(state.texts);
  const ranges = Object.entries(state.ranges).map(([name, [low, high]]) => (name === "date"
    ? [name, low || "", high ? high + "\uffff" : "\uffff"]
    : [name, low === "" ? -Infinity : Number(low) * scale(name), high === "" ? Infinity : Number(high) * scale(name)]));
  return ROWS.filter((row) => (
    (!state.nodes || (row.nodes !== "1") === (state.nodes === "multi"))
    && texts.every(([name, values]) => values.has(row[name]))
    && ranges.every(([name, low, high]) => row[name] !== null && row[name] >= low && row[name] <= high)
    && words.every((word) => row.words.includes(word))));
}

// People write errors as per cent.
function scale(name) {
  return name === "errors" ? 0.01 : 1;
}

const collator = new Intl.Collator("en", { numeric: true });

// What is not stated stands last in either direction; equal rows keep the board's own order.
function sorted(rows) {
  if (!state.sort) return rows;
  const name = state.sort.replace(/^-/, ""), sign = state.sort.startsWith("-") ? -1 : 1;
  const value = name === "load" ? (row) => row.streams ?? row.load : (row) => row[name];
  const missing = (one) => one === null || one === "";
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b));
  return rows.map((row) => [value(row), row]).sort(([a, one], [b, other]) => (
    missing(a) - missing(b) || (missing(a) ? 0 : sign * compare(a, b)) || one.place - other.place)).map(([, row]) => row);
}

function shownText(name, row) {
  if (name === "errors") return percent(row.errors);
  if (NUMBERS.includes(name)) return figure(row[name]);
  if (name === "date") return (row.date ?? "–").slice(0, 10);
  if (name === "tier" || name === "weights") return valueName(name, row[name]);
  if (name === "hardware" && row.nodes !== "1") return `${row.hardware} · ${say("nodes_count")} ${row.nodes}`;
  return row[name] || "–";
}

function valueName(name, value) {
  return WORDS[language][`${name}_${value}`] && ["tier", "weights"].includes(name) ? say(`${name}_${value}`) : value || say("empty");
}

function intervalText(row) {
  return row.low === null ? say("interval_unknown") : say("interval", figure(row.low), figure(row.high));
}

function nameOf(row) {
  return [row.engine, row.version].filter(Boolean).join(" ");
}

// Where rows are cards, their head is only read aloud: a list sorts there, and Tab stops at nothing that is not seen.
const cards = matchMedia("(max-width: 44rem)");
cards.addEventListener("change", drawHead);

function drawHead() {
  const tabindex = cards.matches ? -1 : null;
  $("head").replaceChildren(
    el("th", { role: "columnheader", scope: "col", class: "pick" }, el("span", { class: "hidden" }, say("pick"))),
    el("th", { role: "columnheader", scope: "col", class: "rank" },
      el("button", { type: "button", tabindex, "data-sort": "", title: say("by_scope") }, say("rank"))),
    ...COLUMNS.map((name) => el("th", { role: "columnheader", scope: "col", class: NUMBERS.includes(name) ? "number" : null },
      el("button", { type: "button", tabindex, "data-sort": name }))));
  markSorted();
}

// The buttons stay what they are: to replace the one that has the focus makes a browser lay out the whole page.
function markSorted() {
  const sort = state.sort.replace(/^-/, ""), down = state.sort.startsWith("-");
  for (const name of COLUMNS) {
    const button = document.querySelector(`#head button[data-sort="${name}"]`), chosen = sort === name;
    button.textContent = say(name) + (chosen ? (down ? " ↓" : " ↑") : "");
    if (chosen) button.parentNode.setAttribute("aria-sort", down ? "descending" : "ascending");
    else button.parentNode.removeAttribute("aria-sort");
  }
  $("order").value = state.sort;
}

// Numbers are first looked at from the good end.
function sortBy(name) {
  const first = ["tps", "date"].includes(name) ? "-" + name : name;
  const second = first.startsWith("-") ? name : "-" + name;
  state.sort = name === "" || state.sort === second ? "" : state.sort === first ? second : first;
  state.page = 1;
}

// A long version may go on in the next line after a dot.
function breakable(text) {
  return text.split(/(?<=\.)/).flatMap((part, at) => (at ? [el("wbr"), part] : [part]));
}

function drawRow(row, begins) {
  const cells = COLUMNS.map((name) => {
    const text = shownText(name, row);
    const inside = name === "engine"
      ? el("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, text)
      : name === "version" ? breakable(text)
      : name === "tier" ? el("span", { class: `badge ${TIERS.includes(row.tier) ? row.tier : ""}` }, text) : text;
    return el("td", {
      role: "cell", class: NUMBERS.includes(name) ? `number ${name}` : name, "data-name": say(name),
      title: name === "tps" ? intervalText(row) : null,
    }, inside);
  });
  return el("tr", { role: "row", "data-place": row.place, class: [row.failing && "failing", begins && "begins"].filter(Boolean).join(" ") || null },
    el("td", { role: "cell", class: "pick", "data-name": say("pick") },
      el("input", { type: "checkbox", "aria-label": say("pick_row", nameOf(row)), checked: state.picks.includes(row.key) })),
    el("td", { role: "cell", class: "rank", "data-name": say("rank"), title: row.rank ? intervalText(row) : say("fails") },
      row.rank ? say("rank_of", row.rank, row.shared, row.peers) : say("rank_none")),
    ...cells);
}

// Reasons are written in English, and told in Chinese where the page knows how.
function reason(text) {
  return (language === "zh" && CHINESE.get(text)) || text;
}

function reasonLanguage(text) {
  return reason(text) === text ? "en" : "zh-Hans";
}

// Why a row is grey stands below it, over the table's whole width.
function drawWhy(row) {
  return el("tr", { role: "row", "data-place": row.place, class: "reason" }, el("td", { role: "cell", colspan: 2 }),
    el("td", { role: "cell", colspan: COLUMNS.length, lang: reasonLanguage(row.against[0]) },
      say("why", reason(row.against[0]), figure(row.against.length - 1))));
}

const TIERS = ["claimed", "evidenced", "verified", "attested", "reproduced"];

function drawTable(rows) {
  const pages = Math.max(1, Math.ceil(rows.length / PER_PAGE));
  state.page = Math.min(state.page, pages);
  const first = (state.page - 1) * PER_PAGE;
  const shown = rows.slice(first, first + PER_PAGE);
  $("body").replaceChildren(...shown.flatMap((row, at) => {
    const line = drawRow(row, !state.sort && at > 0 && shown[at - 1].scope !== row.scope);
    return row.failing ? [line, drawWhy(row)] : [line];
  }));
  $("nothing").hidden = rows.length > 0;
  $("count").textContent = say("shown", figure(rows.length), figure(ROWS.length), figure(rows.filter((row) => row.failing).length));
  const step = (by, word, possible) => el("button", { type: "button", "data-step": by, disabled: !possible }, say(word));
  $("pager").hidden = pages < 2;
  $("pager").replaceChildren(step(-1, "before", state.page > 1), el("span", {}, say("page", state.page, pages)), step(1, "after", state.page < pages));
}

function drawOrder() {
  const options = [["", say("by_scope")], ...COLUMNS.flatMap((name) => [[name, say(name) + " ↑"], ["-" + name, say(name) + " ↓"]])];
  $("order").replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
}

// A browser that writes a link into the history keeps the state of every control beside it, but of those that say "off".
function drawFilters() {
  const text = (name) => {
    const counts = new Map();
    for (const row of ROWS) counts.set(row[name], (counts.get(row[name]) ?? 0) + 1);
    const values = [...counts.keys()].sort(collator.compare);
    return el("fieldset", { "data-filter": name }, el("legend", {}, say(name)),
      el("div", { class: "choices" }, ...values.map((value) => {
        const box = el("input", { type: "checkbox", autocomplete: "off", checked: state.texts[name]?.has(value) ?? false });
        box.value = value;
        return el("label", {}, box, el("span", {}, `${valueName(name, value)} (${counts.get(value)})`));
      })));
  };
  const range = (name) => {
    const [low, high] = state.ranges[name] ?? ["", ""];
    const end = (which, value) => {
      const input = el("input", {
        type: name === "date" ? "date" : "number", step: "any", min: name === "date" ? null : 0, placeholder: say(which),
        "aria-label": `${say(name)} ${say(which)}`, "data-end": which,
      });
      input.value = value;
      return input;
    };
    return el("fieldset", { "data-filter": name }, el("legend", {}, say(name) + (name === "errors" ? " %" : "")),
      el("div", { class: "range" }, end("from", low), "–", end("to", high)));
  };
  $("filters").replaceChildren(...COLUMNS.map((name) => (RANGES.includes(name) ? range(name) : text(name))));
}

function readFilter(fieldset) {
  const name = fieldset.dataset.filter;
  if (RANGES.includes(name)) {
    const ends = [...fieldset.querySelectorAll("input")].map((input) => input.value);
    if (ends.some(Boolean)) state.ranges[name] = ends; else delete state.ranges[name];
  } else {
    const chosen = [...fieldset.querySelectorAll("input:checked")].map((input) => input.value);
    if (chosen.length) state.texts[name] = new Set(chosen); else delete state.texts[name];
  }
  state.page = 1;
}
