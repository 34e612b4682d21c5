// What people do, and what is drawn again for it: filters only where they are open and change by other hands than the
// user's, pictures only where their rows may have changed.
function draw({ filters = true, pictures = true } = {}) {
  const rows = matching();
  markSorted();
  drawTable(sorted(rows));
  if (pictures) drawPictures(rows);
  drawPicked();
  if (filters && !$("filters").hidden) drawFilters();
  const active = Object.keys(state.texts).length + Object.keys(state.ranges).length;
  $("filter").textContent = say("filter", active);
  for (const button of $("nodes").children) button.setAttribute("aria-pressed", button.dataset.nodes === state.nodes);
  if ($("search").value !== state.q) $("search").value = state.q;
  writeState();
}

function drawWords() {
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = say(node.dataset.placeholder);
  for (const button of $("languages").children) button.setAttribute("aria-pressed", button.dataset.lang === language);
  $("facts").textContent = say("facts", figure(Number($("facts").dataset.count)), $("facts").dataset.updated);
  drawOrder();
  drawHead();
  document.title = `sagellm-benchmark · ${say("title")}`;
}

function drawPicked() {
  const chosen = state.picks.map(rowByKey).filter(Boolean);
  $("picked").hidden = !chosen.length;
  if (!chosen.length) return;
  $("picked").replaceChildren(el("span", {}, say(chosen.length > 1 ? "picked_two" : "picked_one")),
    chosen.length > 1 ? el("button", { type: "button", onclick: () => $("duel").scrollIntoView({ block: "center" }) }, say("show")) : null,
    el("button", { type: "button", onclick: () => { state.picks = []; draw({ filters: false }); } }, say("clear")));
}

function begin() {
  readState();
  chooseLanguage();
  drawWords();
  draw();
  drawDetails();
}

function openRow(key) {
  state.open = key;
  writeState();
  drawDetails();
}

// What was just used keeps the keyboard's focus though it is drawn anew.
function focusAgain(selector) {
  document.querySelector(selector)?.focus();
}

let waiting = 0;
$("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { state.q = $("search").value; state.page = 1; draw({ filters: false }); }, 60);
});
$("nodes").addEventListener("click", ({ target }) => {
  if (target.dataset.nodes === undefined) return;
  state.nodes = target.dataset.nodes;
  state.page = 1;
  draw({ filters: false });
});
$("filter").addEventListener("click", () => {
  $("filters").hidden = !$("filters").hidden;
  if (!$("filters").hidden) drawFilters();
  $("filter").setAttribute("aria-expanded", !$("filters").hidden);
});
$("filters").addEventListener("change", ({ target }) => {
  readFilter(target.closest("fieldset"));
  draw({ filters: false });
});
$("head").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  sortBy(button.dataset.sort);
  draw({ filters: false, pictures: false });
});
$("order").addEventListener("change", () => {
  state.sort = $("order").value;
  state.page = 1;
  draw({ filters: false, pictures: false });
});
$("pager").addEventListener("click", ({ target }) => {
  if (!target.dataset.step) return;
  state.page += Number(target.dataset.step);
  draw({ filters: false, pictures: false });
  $("table").scrollIntoView();
  focusAgain(`#pager button[data-step="${target.dataset.step}"]:not([disabled])`);
});
$("body").addEventListener("click", ({ target }) => {
  const row = ROWS[target.closest("tr")?.dataset.place];
  if (!row || target.closest(".pick") || String(getSelection())) return;
  openRow(row.key);
});
$("body").addEventListener("change", ({ target }) => {
  const row = ROWS[target.closest("tr").dataset.place];
  state.picks = target.checked ? [...state.picks, row.key].slice(-2) : state.picks.filter((key) => key !== row.key);
  draw({ filters: false });
  focusAgain(`#body tr[data-place="${row.place}"] input`);
});
$("group").addEventListener("change", () => {
  state.group = $("group").value;
  draw({ filters: false });
});
for (const event of ["click", "keydown"]) {
  $("strip").addEventListener(event, (given) => {
    const key = given.target.closest?.("[data-open]")?.dataset.open;
    if (!key || (event === "keydown" && given.key !== "Enter" && given.key !== " ")) return;
    given.preventDefault();
    openRow(key);
  });
}
$("strip").addEventListener("keydown", (given) => {
  const next = given.target.dataset.open && beside(given.target, given.key);
  if (!next) return;
  given.preventDefault();
  given.target.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});
$("languages").addEventListener("click", ({ target }) => {
  if (!target.dataset.lang) return;
  state.lang = target.dataset.lang;
  chooseLanguage();
  drawWords();
  draw();
});
$("reset").addEventListener("click", () => {
  Object.assign(state, { q: "", nodes: "", sort: "", page: 1, group: "", picks: [], texts: {}, ranges: {} });
  draw();
});
$("share").addEventListener("click", ({ currentTarget }) => copy(location.href, currentTarget));
$("details").addEventListener("close", () => {
  if ($("details").open) return;
  state.open = "";
  writeState();
});
$("details").addEventListener("click", ({ target }) => { if (target === $("details")) $("details").close(); });
addEventListener("hashchange", begin);
begin();
