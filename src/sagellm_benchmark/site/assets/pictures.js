// Three views of rows that measured the same thing; what the filters leave out is left out here too.
const MOST_GROUPS = 200;

function groupsOf(rows) {
  const groups = new Map();
  for (const row of rows) {
    if (!groups.has(row.group)) groups.set(row.group, { name: row.group, rows: [], sound: 0 });
    const group = groups.get(row.group);
    group.rows.push(row);
    group.sound += row.failing ? 0 : 1;
  }
  return [...groups.values()].sort((a, b) => b.sound - a.sound || b.rows.length - a.rows.length || (a.name < b.name ? -1 : 1));
}

function drawPictures(rows) {
  const groups = groupsOf(rows);
  const group = groups.find((one) => one.name === state.group) ?? groups[0] ?? { name: "", rows: [] };
  put("group", ...groups.slice(0, MOST_GROUPS).map((one) => el("option", { value: one.name, selected: one === group }, `${one.name} (${one.rows.length})`)));
  drawPareto(group);
  drawTime(group);
  drawDuel(group);
}

function caption(name, more) {
  return el("figcaption", {}, say(name), el("small", {}, more));
}

// Rows of one engine on one kind of hardware have one colour and shape; what all of them share is not repeated.
function seriesOf(rows) {
  const sound = rows.filter((row) => !row.failing);
  const alike = new Set(sound.map((row) => row.hardware)).size < 2;
  const name = (row) => (alike ? row.engine : `${row.engine} · ${row.hardware}`);
  const names = [...new Set(sound.map(name))].sort(collator.compare);
  return { names, name, kind: (row) => Math.max(0, names.indexOf(name(row))) };
}

// A point is on the frontier when no other one of its series is better in both directions.
function frontierOf(rows) {
  const best = [];
  for (const row of [...rows].sort((a, b) => b.per_user - a.per_user || b.per_chip - a.per_chip)) {
    if (!best.length || row.per_chip > best.at(-1).per_chip) best.push(row);
  }
  return best;
}

function drawPareto(group) {
  const rows = group.rows.filter((row) => row.per_chip > 0 && row.per_user > 0);
  if (!rows.length) return nothingIn("pareto");
  const { names, name: setup, kind } = seriesOf(rows);
  const { width, height, left, right, top, bottom } = FRAME;
  const x = logScale(rows.map((row) => row.per_user), left, width - right);
  const y = logScale(rows.map((row) => row.per_chip), height - bottom, top);
  const marks = [];
  const ahead = new Set();
  names.forEach((name, at) => {
    const best = frontierOf(rows.filter((row) => !row.failing && setup(row) === name));
    best.forEach((row) => ahead.add(row));
    marks.push(svg("polyline", { class: `series s${Math.min(at, 8)}`, points: best.map((row) => `${x.place(row.per_user)},${y.place(row.per_chip)}`).join(" ") }));
  });
  for (const row of [...rows].sort((a, b) => b.failing - a.failing)) {
    const look = row.failing ? "failing" : ahead.has(row) ? "sound" : "behind";
    const where = row.failing ? say("fails") : say(ahead.has(row) ? "frontier" : "behind");
    const about = `${nameOf(row)}, ${row.hardware}, ${say("load")} ${row.load}: ${figure(row.per_chip)} ${say("per_chip")}, ${figure(row.per_user)} ${say("per_user")}; ${where}`;
    marks.push(mark(row, kind(row), x.place(row.per_user), y.place(row.per_chip), look, about));
  }
  put("pareto", caption("pareto", say("pareto_more")),
    frame(x, y, [say("per_user"), say("per_chip")], say("chart_of", say("pareto"), rows.length), marks),
    legend(names, rows.some((row) => row.failing)));
}

function drawTime(group) {
  const rows = group.rows.filter((row) => row.tps > 0 && row.date).map((row) => ({ row, at: Date.parse(row.date.replace(" ", "T") + "Z") }));
  if (!rows.length) return nothingIn("time");
  const { names, name: setup, kind } = seriesOf(rows.map(({ row }) => row));
  const { width, height, left, right, top, bottom } = FRAME;
  const x = timeScale(rows.map(({ at }) => at), left, width - right);
  const y = rateScale(rows.flatMap(({ row }) => [row.low ?? row.tps, row.high ?? row.tps]), height - bottom, top);
  const marks = [];
  const lines = new Map();
  for (const one of rows.filter(({ row }) => !row.failing).sort((a, b) => a.at - b.at)) {
    const key = `${setup(one.row)}\n${one.row.load}`;
    lines.set(key, [...(lines.get(key) ?? []), one]);
  }
  for (const line of lines.values()) {
    marks.push(svg("polyline", { class: `series s${Math.min(kind(line[0].row), 8)}`, points: line.map((one) => `${x.place(one.at)},${y.place(one.row.tps)}`).join(" ") }));
  }
  for (const { row, at } of rows.sort((a, b) => b.row.failing - a.row.failing)) {
    if (row.low !== null) marks.push(svg("line", { class: `whisker s${Math.min(kind(row), 8)}`, x1: x.place(at), x2: x.place(at), y1: y.place(row.low), y2: y.place(row.high) }));
    const about = `${nameOf(row)}, ${row.hardware}, ${say("load")} ${row.load}, ${row.date.slice(0, 10)}: ${figure(row.tps)} ${say("tps")}, ${row.failing ? say("fails") : intervalText(row)}`;
    marks.push(mark(row, kind(row), x.place(at), y.place(row.tps), row.failing ? "failing" : "sound", about));
  }
  if (rows.length <= 12) marks.push(...versionsBeside(rows, x, y));
  put("time", caption("time", say("time_more")),
    frame(x, y, [say("date"), say("tps")], say("chart_of", say("time"), rows.length), marks),
    legend(names, rows.some(({ row }) => row.failing)));
}

// From zero where that shows the rows; where they lie far apart, by logarithms.
function rateScale(values, from, to) {
  const low = Math.min(...values);
  return low > 0 && Math.max(...values) / low > 8 ? logScale(values, from, to) : linearScale(values, from, to);
}

// A version's name stands beside its point where it covers no other name: above it, else below it, else nowhere. Of
// rows of one version that were measured at one time, it names one.
function versionsBeside(rows, x, y) {
  const letter = 8.3, line = 15;
  const taken = rows.map(({ row, at }) => ({ left: x.place(at) - 6, wide: 12, py: y.place(row.tps) + 5 }));  // the points
  return rows.filter(({ row }) => row.version && !row.failing).flatMap(({ row, at }) => {
    const name = row.version.slice(0, 14), wide = name.length * letter, px = x.place(at);
    if (taken.some((one) => one.name === name && Math.abs(one.px - px) < wide / 2)) return [];
    const left = Math.min(Math.max(px - wide / 2, FRAME.left), FRAME.width - FRAME.right - wide);
    const py = [y.place(row.tps) - 10, y.place(row.tps) + 20].find((top) =>
      top > line && top < FRAME.height - FRAME.bottom &&
      !taken.some((one) => left < one.left + one.wide && one.left < left + wide && Math.abs(one.py - top) < line));
    if (py === undefined) return [];
    taken.push({ left, wide, py, name, px });
    return [svg("text", { class: "version", x: left + wide / 2, y: py, "text-anchor": "middle" }, name)];
  });
}

const HIGHER = ["tps", "per_chip", "per_user"];
const SAME_WORK = ["model", "precision", "weights", "workload", "load", "hardware", "nodes"];

function drawDuel(group) {
  const [a, b] = duelists(group);
  if (!a || !b) return put("duel", caption("duel", say("duel_none")));
  const unlike = a.scope === b.scope ? [] : SAME_WORK.filter((name) => a[name] !== b[name]);
  const names = ["tps", "per_chip", "per_user", "ttft", "tbt", "errors"];
  const ratioOf = (name) => (a[name] > 0 && b[name] !== null ? b[name] / a[name] : null);
  const most = Math.max(Math.log(1.1), ...names.map(ratioOf).filter((one) => one > 0).map((one) => Math.abs(Math.log(one))));
  const line = (name) => {
    const one = a[name], other = b[name], ratio = ratioOf(name);
    const better = ratio === null || ratio === 1 || a.scope !== b.scope ? 0 : (ratio > 1) === HIGHER.includes(name) ? 2 : 1;
    const shown = name === "errors" ? percent : figure;
    return el("tr", {}, el("th", { scope: "row" }, say(name)),
      el("td", { class: better === 1 ? "number better" : "number" }, shown(one)),
      el("td", { class: better === 2 ? "number better" : "number" }, shown(other)),
      el("td", { class: "number ratio" }, ratio === null ? "–" : `${figure(ratio)}×`, ratio === null ? null : ratioBar(ratio, most)));
  };
  const called = (name) => say(name === "nodes" ? "nodes_count" : name);
  const about = (row) => (unlike.length ? unlike.map((name) => `${called(name)} ${row[name] ?? "–"}`).join(", ") : row.hardware);
  const head = (letter, row) => el("th", { scope: "col", class: "number" }, `${letter} · ${row.engine} `, ...breakable(row.version ?? ""), el("br"),
    el("small", { class: "soft" }, row.failing ? say("fails") : about(row)));
  put("duel", caption("duel", a.scope === b.scope ? `${a.model} · ${a.workload} · ${say("load")} ${a.load}` : ""),
    unlike.length ? el("p", { class: "unlike" }, say("unlike", unlike.map(called).join(language === "zh" ? "、" : ", "))) : null,
    el("table", { class: "duel" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, say("figure")), head("A", a), head("B", b), el("th", { scope: "col", class: "number ratio" }, say("ratio")))),
      el("tbody", {}, ...names.map(line))));
}

// The rows that were chosen; without a choice, the best two engines that did the same work.
function duelists(group) {
  const chosen = state.picks.map(rowByKey).filter(Boolean);
  if (chosen.length) return chosen;
  const ranked = group.rows.filter((row) => row.rank);
  for (const a of ranked) {
    const b = ranked.find((row) => row.scope === a.scope && row.engine !== a.engine && row.place > a.place);
    if (b) return [a, b];
  }
  return [];
}

// From the middle, which is equal, to the side that is ahead; the largest of the table's ratios takes all of it.
function ratioBar(ratio, most) {
  const half = 58, share = Math.log(ratio || 1e-9) / most;
  const length = share === 0 ? 0 : Math.sign(share) * Math.min(half, Math.max(2, Math.abs(share) * half));
  return svg("svg", { viewBox: "0 0 120 12", "aria-hidden": "true" },
    svg("line", { class: "axis", x1: 60, x2: 60, y1: 0, y2: 12 }),
    svg("rect", { x: 60 + Math.min(0, length), y: 2, width: Math.abs(length), height: 8, fill: "var(--bar)" }));
}

function nothingIn(name) {
  put(name, caption(name, say("no_points")));
}
