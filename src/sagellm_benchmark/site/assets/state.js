// Everything that a view depends on stands in the link's fragment, so that a link shows what its sender saw.
const TEXTS = ["engine", "version", "model", "hardware", "precision", "workload", "load", "weights", "tier"];
const NUMBERS = ["tps", "ttft", "tbt", "errors"];
const RANGES = [...NUMBERS, "date"];
const COLUMNS = ["engine", "version", "model", "hardware", "precision", "workload", "load", ...NUMBERS, "weights", "tier", "date"];
const PER_PAGE = 50;

const state = {};

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  const sort = given.get("sort") ?? "";
  Object.assign(state, {
    q: given.get("q") ?? "",
    nodes: ["single", "multi"].includes(given.get("nodes")) ? given.get("nodes") : "",
    sort: COLUMNS.includes(sort.replace(/^-/, "")) ? sort : "",
    page: Math.max(1, Number.parseInt(given.get("page"), 10) || 1),
    group: given.get("group") ?? "",
    open: given.get("open") ?? "",
    picks: given.getAll("pick").slice(0, 2),
    lang: Object.hasOwn(WORDS, given.get("lang") ?? "") ? given.get("lang") : "",
    texts: {},
    ranges: {},
  });
  for (const name of TEXTS) if (given.has(name)) state.texts[name] = new Set(given.getAll(name));
  for (const name of RANGES) {
    const [low = "", high = ""] = (given.get(name) ?? "").split("..");
    if (low || high) state.ranges[name] = [low, high];
  }
}

function writeState() {
  const shown = new URLSearchParams();
  for (const name of ["q", "nodes", "sort", "group", "open", "lang"]) if (state[name]) shown.set(name, state[name]);
  if (state.page > 1) shown.set("page", state.page);
  for (const [name, values] of Object.entries(state.texts)) for (const value of values) shown.append(name, value);
  for (const [name, ends] of Object.entries(state.ranges)) shown.set(name, ends.join(".."));
  for (const id of state.picks) shown.append("pick", id);
  history.replaceState(null, "", "#" + shown);
}

function chooseLanguage() {
  language = state.lang || (/^zh\b/i.test(navigator.language) ? "zh" : "en");
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}
