// Axes, marks and legends as plain SVG.
const FRAME = { width: 440, height: 300, left: 54, right: 14, top: 30, bottom: 42 };
const SHAPES = 4;

// Ticks at 1, 2 and 5 times the powers of ten: all of them on a wide axis of logarithms, evenly spaced on a linear one.
function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of [1, 2, 5]) ticks.push(step * 10 ** power);
  }
  const inside = ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  if (inside.length < 3) return linearTicks(low, high);
  if (inside.length <= 7) return inside;
  const powers = inside.filter((tick) => Math.abs(Math.log10(tick) % 1) < 1e-9);
  const every = Math.ceil(powers.length / 6);
  return powers.filter((_, at) => at % every === 0);
}

function linearTicks(low, high) {
  const rough = (high - low) / 4 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high * 1.0001; tick += step) ticks.push(tick);
  return ticks;
}

function logScale(values, from, to) {
  const low = Math.min(...values) / 1.25, high = Math.max(...values) * 1.25;
  const place = (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
  return { place, ticks: logTicks(low, high), text: figure };
}

function linearScale(values, from, to) {
  const high = Math.max(...values) * 1.08 || 1;
  return { place: (value) => from + (value / high) * (to - from), ticks: linearTicks(0, high), text: figure };
}

function timeScale(values, from, to) {
  const day = 86_400_000, low = Math.min(...values) - 2 * day, high = Math.max(...values) + 2 * day;
  const ticks = [0, 1, 2, 3].map((at) => low + ((at + 0.5) / 4) * (high - low));
  return { place: (value) => from + ((value - low) / (high - low)) * (to - from), ticks, text: (tick) => new Date(tick).toISOString().slice(0, 10) };
}

function frame(x, y, names, label, marks) {
  const { width, height, left, right, top, bottom } = FRAME, floor = height - bottom;
  marks.find((one) => one.dataset.open)?.setAttribute("tabindex", "0");  // one stop for Tab; arrows go on from there
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label },
    ...y.ticks.flatMap((tick) => [
      svg("line", { class: "grid", x1: left, x2: width - right, y1: y.place(tick), y2: y.place(tick) }),
      svg("text", { x: left - 6, y: y.place(tick) + 4, "text-anchor": "end" }, y.text(tick))]),
    ...x.ticks.map((tick) => svg("text", { x: x.place(tick), y: floor + 15, "text-anchor": "middle" }, x.text(tick))),
    ...x.ticks.map((tick) => svg("line", { class: "axis", x1: x.place(tick), x2: x.place(tick), y1: floor, y2: floor + 3 })),
    svg("line", { class: "axis", x1: left, x2: width - right, y1: floor, y2: floor }),
    svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, names[0]),
    svg("text", { x: 0, y: 13 }, names[1]),
    ...marks);
}

// Told apart by colour and by shape.
function shape(kind, x, y, size, attributes) {
  const polygon = (points) => svg("polygon", { ...attributes, points: points.map(([dx, dy]) => `${x + dx * size},${y + dy * size}`).join(" ") });
  if (kind % SHAPES === 0) return svg("circle", { ...attributes, cx: x, cy: y, r: size });
  if (kind % SHAPES === 1) return polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]);
  if (kind % SHAPES === 2) return polygon([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]);
  return polygon([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]]);
}

function mark(row, kind, x, y, look, about) {
  const node = shape(kind, x, y, 5, {
    class: `mark ${look} s${Math.min(kind, 8)}`, tabindex: -1, role: "button", "aria-label": about, "data-open": row.key,
  });
  node.append(svg("title", {}, about));
  return node;
}

// The mark that an arrow key leads to, from left to right.
function beside(from, key) {
  const marks = [...from.ownerSVGElement.querySelectorAll("[data-open]")];
  const left = new Map(marks.map((one) => [one, one.getBoundingClientRect().left]));
  marks.sort((a, b) => left.get(a) - left.get(b));
  const at = marks.indexOf(from);
  const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: marks.length - 1 }[key];
  return to === undefined ? null : marks[to] ?? from;
}

function legend(names, failing) {
  const swatch = (kind, look) => svg("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, shape(kind, 0, 0, 5, { class: `${look} mark s${Math.min(kind, 8)}` }));
  return el("ul", { class: "legend" },
    ...names.slice(0, 8).map((name, kind) => el("li", {}, swatch(kind, "sound"), el("span", {}, name))),
    names.length > 8 ? el("li", {}, swatch(8, "sound"), el("span", {}, say("others"))) : null,
    failing ? el("li", {}, swatch(0, "failing"), el("span", {}, say("fails"))) : null);
}
