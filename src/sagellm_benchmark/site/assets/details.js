// One row in full: its figures, what speaks for and against it, how to repeat it, and its record.
function drawDetails() {
  const dialog = $("details"), row = rowByKey(state.open);
  if (!row) {
    if (dialog.open) dialog.close();
    return;
  }
  const whole = record(row), metadata = whole?.metadata ?? {};
  const button = (name, text) => el("button", { type: "button", onclick: (event) => copy(text(), event.currentTarget) }, say(name));
  dialog.replaceChildren(
    el("header", {},
      el("h2", { id: "details-title" }, `${nameOf(row)} · ${row.model}`),
      el("div", { class: "actions" },
        button("copy_json", () => JSON.stringify(whole, null, 2)),
        button("copy_markdown", () => markdown(row)),
        button("share", () => location.href),
        el("button", { type: "button", id: "close", onclick: () => dialog.close() }, say("close")))),
    el("div", {},
      el("h3", {}, say("figures")), pairs(figuresOf(row)),
      el("h3", {}, say("command")), commandOf(metadata),
      el("h3", {}, say("checks")), ...checksOf(row, whole),
      el("h3", {}, say("evidence")), evidenceOf(whole),
      el("h3", {}, say("beaten")), beatenBy(row),
      el("h3", {}, say("record")), el("pre", { tabindex: 0, id: "record" }, JSON.stringify(whole, null, 2))));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function pairs(lines) {
  return el("dl", {}, ...lines.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function figuresOf(row) {
  const rank = row.rank ? say("rank_of", row.rank, row.shared, row.peers) : say("rank_none");
  return [
    [say("rank"), rank],
    [say("tps"), `${figure(row.tps)} (${intervalText(row)})`],
    ...["ttft", "tbt", "errors", "hardware", "precision", "workload", "load", "weights", "tier", "date"].map((name) => [say(name), shownText(name, row)]),
    [say("per_chip"), figure(row.per_chip)], [say("per_user"), figure(row.per_user)],
    [say("submitter"), row.submitter || "–"], ["entry_id", row.id || "–"],
  ];
}

function commandOf(metadata) {
  const command = metadata?.reproducible_cmd;
  return typeof command === "string" && command ? el("pre", { class: "command", tabindex: 0 }, command) : el("p", {}, say("no_command"));
}

function checksOf(row, whole) {
  const validity = whole?.validity, list = (items) => el("ul", {}, ...items.map(String).map((item) => el("li", { lang: reasonLanguage(item) }, reason(item))));
  const parts = row.failing ? [el("p", { class: "bad" }, say("checks_bad")), list(row.against)] : [el("p", { class: "good" }, say("checks_good"))];
  const verdict = validity?.valid === true ? "valid" : validity?.valid === false ? "invalid" : "unstated";
  parts.push(el("p", {}, `${say("own_checks")} ${say(verdict)}`));
  if (Array.isArray(validity?.reasons) && validity.reasons.length) parts.push(list(validity.reasons));
  if (Array.isArray(validity?.not_checked) && validity.not_checked.length) parts.push(el("p", {}, say("not_checked")), list(validity.not_checked));
  return parts;
}

function evidenceOf(whole) {
  const evidence = whole?.evidence;
  if (!evidence || typeof evidence !== "object") return el("p", {}, say("no_evidence"));
  return pairs(Object.entries(evidence).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]));
}

function beatenBy(row) {
  if (!row.beaten.length) return el("p", {}, say("no_beaten"));
  const columns = ["tps", "ttft", "errors", "date"];
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, say(name))), el("th", { scope: "col" }, "entry_id"))),
    el("tbody", {}, ...row.beaten.slice(0, 50).map((other) => el("tr", {}, ...columns.map((name) => el("td", {}, shownText(name, other))), el("td", {}, other.id || "–"))))));
}

// Whatever a cell holds, it stays in its cell.
function markdown(row) {
  const cell = (text) => String(text).replace(/[\\`*_{}[\]<>()#+!|~&-]/g, "\\$&").replace(/\s+/g, " ");
  const lines = figuresOf(row).map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`);
  return [`| ${cell(nameOf(row))} | ${cell(row.model)} |`, "|---|---|", ...lines].join("\n") + "\n";
}
