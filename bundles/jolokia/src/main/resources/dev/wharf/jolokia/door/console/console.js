// The page: shows the host as it is or was, and hands on what somebody wants of it. Whatever comes from the host is set as text,
// never as markup.

import { Series, bytes, draw, drawing } from "./chart.js";
import * as host from "./host.js";

const $ = id => document.getElementById(id);
const MOST_EVENTS = 400;
const COUNTED = ["Id", "Health", "Restarts", "CpuTotalNanos", "MemoryUsageBytes", "MemoryLimitBytes",
  "NetworkReceivedBytes", "NetworkSentBytes", "Pids"];
const FLEET = ["Kind", "Name", "Implementation", "Rank", "Standing", "Why", "CallsInside"];

let me = { name: "", operator: false };
let leaving = new AbortController();
let shown = null; // the host as it is shown
let past = null; // the position it is shown at, null for now
let origin = 0;
let end = 0;
let seen = 0; // the last event of the timeline
let beans = new Map(); // what was counted last, by a container's id
const series = new Map();
const rows = new Map();
let open = null; // the container whose details are open
let searching = null;

/** An element with properties and children; text stays text. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key.startsWith("aria-") || key === "datetime" || key === "scope") element.setAttribute(key, value);
    else if (key === "click") element.addEventListener("click", value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
const clock = at => new Date(at).toLocaleTimeString([], { hour12: false });
const moment = at => new Date(at).toLocaleString([], { hour12: false });
const time = at => h("time", { datetime: at, title: moment(at) }, clock(at));
const tell = text => setText($("told"), text);

function complain(e) {
  if (e.name === "AbortError") return;
  if (e.status === 401) {
    leave();
  }
  setText($("trouble"), e.message);
}

/** Runs what may go wrong and says so where people look. */
async function attempt(work) {
  try {
    setText($("trouble"), "");
    return await work();
  } catch (e) {
    complain(e);
    return undefined;
  }
}

/** Calls `work` a while after the last of many calls. */
function later(millis, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, millis);
  };
}

/** Calls `work` soon, and not more often than once in so many milliseconds. */
function paced(millis, work) {
  let timer = 0;
  let last = 0;
  return () => {
    if (timer === 0) {
      timer = setTimeout(() => {
        timer = 0;
        last = Date.now();
        work();
      }, Math.max(50, millis - (Date.now() - last)));
    }
  };
}

// ---- coming and going

async function enter(who) {
  me = who;
  leaving = new AbortController();
  $("login").hidden = true;
  $("all").hidden = $("who").hidden = $("ways").hidden = false;
  setText($("me"), `${me.name} (${me.operator ? "operator" : "reader"})`);
  setText($("trouble"), "");
  tell(`Logged in as ${me.name}.`);
  const agent = await host.look("agent", leaving.signal);
  setText($("version"), agent.version);
  await refresh();
  document.title = `Wharf console: ${shown.host.id.slice(0, 8)}`;
  followJournal(leaving.signal);
  measureOnAndOn(leaving.signal);
  attempt(showFleet);
}

function leave() {
  leaving.abort();
  host.logOut();
  $("details").close();
  $("all").hidden = $("who").hidden = $("ways").hidden = true;
  $("login").hidden = false;
  for (const id of ["rows", "timeline", "fleet", "swaps", "glance"]) $(id).replaceChildren();
  rows.clear();
  series.clear();
  beans.clear();
  shown = past = open = searching = null;
  seen = 0;
  $("search").value = $("filter").value = $("password").value = "";
  $("user").focus();
}

$("login").addEventListener("submit", event => {
  event.preventDefault();
  attempt(async () => {
    const who = await host.logIn($("user").value, $("password").value);
    $("password").value = "";
    await enter(who);
    $("title").tabIndex = -1;
    $("title").focus();
  });
});
$("leave").addEventListener("click", () => {
  leave();
  tell("Logged out.");
});

// ---- the host, as it is and was

async function refresh() {
  const asked = past;
  const [facts, now] = await Promise.all([
    host.look("journal/facts", leaving.signal),
    host.look(asked === null ? "host" : `host?at=${asked}`, leaving.signal),
  ]);
  if (asked !== past) return;
  origin = facts.origin;
  end = facts.end;
  shown = now;
  show();
}
const refreshSoon = paced(700, () => {
  if (past === null && !leaving.signal.aborted) attempt(refresh);
});

function show() {
  const range = $("moment");
  range.min = origin + 1;
  range.max = end;
  range.value = past ?? end;
  document.body.classList.toggle("past", past !== null);
  const words = past === null
    ? `Now, after event ${end}`
    : `As it was after event ${shown.position} of ${end}, ${moment(shown.at)}`;
  setText($("when"), words);
  range.setAttribute("aria-valuetext", words);
  $("later").disabled = $("now").disabled = past === null;
  $("earlier").disabled = Number(range.value) <= origin + 1;
  showGlance();
  showContainers();
  if (open !== null) showDetails();
}

function showGlance() {
  const states = {};
  for (const c of shown.containers) states[c.state] = (states[c.state] ?? 0) + 1;
  const lines = {
    Running: states.running ?? 0,
    Paused: states.paused ?? 0,
    Stopped: (states.exited ?? 0) + (states.created ?? 0),
    Images: shown.images.length,
    Networks: shown.networks.length,
    Volumes: shown.volumes.length,
    Memory: past === null ? bytes([...beans.values()].reduce((sum, b) => sum + b.MemoryUsageBytes, 0)) : "–",
    Events: past ?? end,
  };
  const list = $("glance");
  if (list.children.length === 0) {
    for (const name of Object.keys(lines)) list.append(h("div", {}, h("dt", {}, name), h("dd", {})));
  }
  Object.values(lines).forEach((value, i) => setText(list.children[i].lastChild, String(value)));
}

/** Shows the host after event `position`; at the end it is now again. */
function travel(position) {
  past = position >= end ? null : Math.max(origin + 1, position);
  return attempt(async () => {
    await refresh();
    tell($("when").textContent);
  });
}
const travelSoon = later(120, () => travel(Number($("moment").value)));
$("moment").addEventListener("input", () => {
  past = Number($("moment").value);
  travelSoon();
});
$("earlier").addEventListener("click", () => travel((past ?? end) - 1));
$("later").addEventListener("click", () => travel((past ?? end) + 1));
$("now").addEventListener("click", () => {
  $("moment").focus();
  travel(Infinity);
});
$("go").addEventListener("click", () => attempt(async () => {
  if ($("at").value === "") throw new host.Trouble(0, "say a date and a time to go to");
  const then = await host.look(`host?at=${encodeURIComponent(new Date($("at").value).toISOString())}`, leaving.signal);
  await travel(then.position);
}));

// ---- containers

const OPERATIONS = [
  ["start", "Start", c => c.state === "created" || c.state === "exited", []],
  ["stop", "Stop", c => c.state === "running" || c.state === "restarting", [-1]],
  ["restart", "Restart", c => c.state === "running", [-1]],
  ["pause", "Pause", c => c.state === "running", []],
  ["unpause", "Resume", c => c.state === "paused", []],
  ["kill", "Kill", c => c.state === "running" || c.state === "paused", ["KILL"]],
];

function operations(name, few) {
  return OPERATIONS.filter(([operation]) => !few || !["kill", "restart"].includes(operation)).map(([operation, word]) => {
    const button = h("button", { type: "button", "aria-label": `${word} ${name}` }, word);
    button.dataset.operation = operation;
    return button;
  });
}

function setOperations(buttons, c) {
  const had = [...buttons].find(b => b === document.activeElement);
  for (const button of buttons) {
    const [, word, fits] = OPERATIONS.find(o => o[0] === button.dataset.operation);
    button.hidden = !fits(c);
    button.disabled = !me.operator || past !== null;
    button.title = past !== null ? "The past cannot be changed" : me.operator ? "" : "For operators";
    button.setAttribute("aria-label", `${word} ${c.name}`);
  }
  // What had the focus may have gone; then the next best has it.
  if (had?.hidden) [...buttons].find(b => !b.hidden && !b.disabled)?.focus();
}

async function operate(id, operation) {
  const c = shown.containers.find(one => one.id === id);
  const [, word, , values] = OPERATIONS.find(o => o[0] === operation);
  tell(`${word} ${c.name} …`);
  await attempt(async () => {
    await host.operate(`dev.wharf:type=Container,name="${c.name}"`, operation, values);
    tell(`${word} ${c.name}: done.`);
    await refresh();
  });
}

/** A click on any button that operates, wherever it stands. */
document.addEventListener("click", event => {
  const button = event.target.closest?.("button[data-operation]");
  const id = button?.closest("[data-container]")?.dataset.container;
  if (id) operate(id, button.dataset.operation);
});

function row(c) {
  const chart = drawing("chart spark", "");
  const cells = {
    name: h("button", { type: "button", class: "link", click: () => openDetails(c.id) }),
    state: h("td"), image: h("td"), cpu: h("span"), chart, memory: h("td"), network: h("td"),
    ops: operations(c.name, true),
  };
  cells.row = h("tr", {},
    h("th", { scope: "row" }, cells.name), cells.state, cells.image, h("td", {}, chart, cells.cpu), cells.memory,
    cells.network, h("td", { class: "ops" }, ...cells.ops));
  cells.row.dataset.container = c.id;
  return cells;
}

function showContainers() {
  const words = $("filter").value.toLowerCase().split(/\s+/);
  const fitting = shown.containers.filter(c => {
    const text = `${c.name} ${c.image} ${c.state}`.toLowerCase();
    return words.every(word => text.includes(word));
  });
  const wanted = new Set(fitting.map(c => c.id));
  for (const [id, cells] of rows) {
    if (!wanted.has(id)) {
      cells.row.remove();
      rows.delete(id);
    }
  }
  fitting.forEach((c, i) => {
    const cells = rows.get(c.id) ?? row(c);
    rows.set(c.id, cells);
    setText(cells.name, c.name);
    setText(cells.state, c.state + (c.state === "exited" && "exitCode" in c ? ` (${c.exitCode})` : ""));
    cells.state.className = c.state;
    setText(cells.image, c.image);
    setOperations(cells.ops, c);
    showNumbers(c);
    if ($("rows").children[i] !== cells.row) $("rows").insertBefore(cells.row, $("rows").children[i] ?? null);
  });
  $("none").hidden = fitting.length > 0;
}
$("filter").addEventListener("input", later(100, showContainers));

function showNumbers(c) {
  const cells = rows.get(c.id);
  if (!cells) return;
  const line = past === null && (c.state === "running" || c.state === "paused") ? series.get(c.id) : undefined;
  const now = line?.now;
  cells.chart.toggleAttribute("hidden", !now);
  setText(cells.cpu, now ? percent(now.cpu) : "–");
  setText(cells.memory, now ? bytes(now.memory) : "–");
  setText(cells.network, now ? `${bytes(now.received)}/s in, ${bytes(now.sent)}/s out` : "–");
  if (now) draw(cells.chart, line.points, ["cpu"], 5, `CPU of ${c.name}: ${percent(now.cpu)}`);
}

const percent = cpu => `${cpu < 10 ? cpu.toFixed(1) : Math.round(cpu)} %`;

// ---- numbers

/** Counts every few seconds while somebody looks and there is something to see. */
async function measureOnAndOn(signal) {
  while (!signal.aborted) {
    if (document.visibilityState === "visible" && past === null && shown.containers.length > 0) {
      try {
        await measure();
      } catch (e) {
        complain(e);
      }
    }
    await new Promise(done => setTimeout(done, shown?.containers.length > 50 ? 5000 : 2000));
  }
}

async function measure() {
  const read = await host.read("dev.wharf:type=Container,*", COUNTED);
  const at = performance.now();
  beans = new Map(Object.values(read).map(bean => [bean.Id, bean]));
  for (const id of series.keys()) {
    if (!beans.has(id)) series.delete(id);
  }
  for (const [id, bean] of beans) {
    if (!series.has(id)) series.set(id, new Series());
    series.get(id).add(bean, at);
  }
  if (past !== null || shown === null) return;
  shown.containers.forEach(showNumbers);
  showGlance();
  if (open !== null) showCharts();
}

// ---- details

const CHARTS = [
  ["CPU", ["cpu"], 5, p => percent(p.cpu)],
  ["Memory", ["memory"], 1 << 20, p => bytes(p.memory)],
  ["Network", ["received", "sent"], 1024, p => `${bytes(p.received)}/s in (solid), ${bytes(p.sent)}/s out (dashed)`],
];

function showModal(title, ...body) {
  setText($("details-title"), title);
  $("details-body").replaceChildren(...body);
  if (!$("details").open) $("details").showModal();
  $("details-title").focus();
}
$("close").addEventListener("click", () => $("details").close());
$("details").addEventListener("close", () => {
  open = null;
});

function openDetails(id) {
  const c = shown.containers.find(one => one.id === id);
  open = { id, ops: operations(c.name, false), facts: h("dl", { class: "facts" }), charts: [], why: h("div") };
  const charts = h("div", { class: "charts" });
  for (const [title] of CHARTS) {
    const svg = drawing("chart", title);
    const words = h("figcaption", {}, title);
    open.charts.push({ svg, words });
    charts.append(h("figure", {}, words, svg));
  }
  open.box = charts;
  const bar = h("p", { class: "row" }, ...open.ops);
  bar.dataset.container = id;
  showModal(c.name, open.facts, bar, charts, h("h3", {}, "Why it stands so"), open.why);
  showDetails();
  attempt(async () => showWhy(open.why, await host.look(`why/${c.id}`, leaving.signal)));
}

function facts(list, pairs) {
  list.replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) =>
    [h("dt", {}, name), h("dd", {}, value)]));
}

function showDetails() {
  const c = shown.containers.find(one => one.id === open.id);
  if (!c) {
    facts(open.facts, [["State", past === null ? "gone" : "not there then"]]);
    open.box.hidden = true;
    setOperations(open.ops, { name: "", state: "" });
    return;
  }
  const bean = past === null ? beans.get(c.id) : undefined;
  facts(open.facts, [
    ["State", c.state + (past === null ? "" : `, as it was at ${moment(shown.at)}`)],
    ["Wanted", c.goal], ["Image", c.image], ["Id", c.id.slice(0, 12)], ["Addresses", c.addresses.join(", ")],
    ["Process", c.pid ? String(c.pid) : ""], ["Started", c.startedAt && moment(c.startedAt)],
    ["Ended", c.exitedAt && `${moment(c.exitedAt)} with ${c.exitCode}`],
    ["Health", bean && bean.Health !== "none" ? bean.Health : ""], ["Restarts", bean?.Restarts ? String(bean.Restarts) : ""],
    ["Memory limit", bean?.MemoryLimitBytes ? bytes(bean.MemoryLimitBytes) : ""],
    ["Labels", Object.entries(c.labels).map(([key, value]) => `${key}=${value}`).join(", ")],
  ]);
  setOperations(open.ops, c);
  showCharts();
}

function showCharts() {
  const line = series.get(open.id);
  const now = past === null ? line?.now : undefined;
  open.box.hidden = !now;
  if (!now) return;
  CHARTS.forEach(([title, keys, least, words], i) => {
    const text = `${title}: ${words(now)}`;
    draw(open.charts[i].svg, line.points, keys, least, text);
    setText(open.charts[i].words, text);
  });
}

function showWhy(box, why) {
  const asked = why.asked.slice(-8).reverse().map(ask => h("li", {}, time(ask.at), ` ${ask.by}: ${ask.what}`,
    h("ul", {}, ...ask.then.map(line => h("li", {}, time(line.at), ` ${line.what}`)))));
  box.replaceChildren(
    ...why.end ? [h("p", {}, `It ended at ${moment(why.end.at)}: ${why.end.why}.`)] : [],
    asked.length > 0 ? h("ol", { class: "chain", "aria-label": "Who asked for what, the newest first" }, ...asked)
      : h("p", {}, "Nobody asked for anything, as far as the journal goes back."));
}

// ---- events

function eventLine(e) {
  return h("li", {}, h("button", { type: "button", click: () => openEvent(e) },
    time(e.at), h("b", {}, e.name), h("span", {}, e.story, e.by === "" ? "" : h("span", { class: "soft" }, ` by ${e.by}`))));
}

async function followJournal(signal) {
  let pause = 0;
  while (!signal.aborted) {
    try {
      await host.lines(seen === 0 ? "last=150&follow=1" : `from=${seen}&follow=1`, happened, signal);
      pause = 500;
    } catch (e) {
      pause = 5000;
      if (e.status === 503 && seen > 0) await attempt(() => host.lines(`from=${seen}`, happened, signal));
      else complain(e);
    }
    await new Promise(done => setTimeout(done, pause));
  }
}

function happened(e) {
  seen = e.position;
  if (e.position > end) {
    end = e.position;
    if (past !== null) $("moment").max = end;
  }
  if (searching === null || tells(e, searching)) prepend($("timeline"), e);
  refreshSoon();
  if (e.type.startsWith("driver.")) fleetSoon();
}

function prepend(list, e) {
  list.prepend(eventLine(e));
  if (list.children.length > MOST_EVENTS) list.lastChild.remove();
}

const tells = (e, words) => {
  const text = [e.type, e.subject, e.name, e.story, e.by].join("\n").toLowerCase();
  return words.every(word => text.includes(word));
};

$("search").addEventListener("input", later(250, () => attempt(async () => {
  const text = $("search").value.trim().toLowerCase();
  searching = text === "" ? null : text.split(/\s+/);
  const asked = searching;
  const found = await host.all(`last=150${text === "" ? "" : `&search=${encodeURIComponent(text)}`}`, leaving.signal);
  if (asked !== searching) return;
  $("timeline").replaceChildren(...found.reverse().map(eventLine));
  setText($("found"), text === "" ? "" : `${found.length === 1 ? "1 event tells"
    : found.length === 150 ? "The last 150 events tell" : `${found.length} events tell`} of ${text}.`);
})));

/** An event, what led to it, and what else the same wish led to. */
async function openEvent(e) {
  const box = h("div", {}, h("p", { class: "soft" }, "Reading the journal …"));
  showModal(`${e.name} ${e.story}`, box);
  await attempt(async () => {
    const causes = [];
    for (let at = e.cause.because; at !== null && causes.length < 20;) {
      const batch = await host.all(`from=${at - 1}&until=${at}`, leaving.signal);
      if (batch.length === 0) break;
      causes.unshift(batch);
      at = batch[0].cause.because;
    }
    const root = causes[0]?.[0] ?? e;
    const all = await host.all(`from=${root.position - 1}&until=${e.position + 300}`, leaving.signal);
    const led = new Set([root.position, e.position]);
    const line = all.filter(one => {
      const belongs = led.has(one.position) || led.has(one.cause.because);
      if (belongs) led.add(one.position);
      return belongs;
    });
    const actor = root.cause.actor;
    const why = h("div");
    box.replaceChildren(
      h("dl", { class: "facts" }),
      h("h3", {}, "What led to it, and what followed"),
      h("ol", { class: "chain", "aria-label": "The chain of causes" }, ...line.map(one => {
        const item = h("li", {}, time(one.at), ` ${one.name} ${one.story}${one.by === "" ? "" : ` by ${one.by}`}`);
        if (one.position === e.position && one.index === e.index) {
          item.setAttribute("aria-current", "true");
          item.classList.add("running");
        }
        return item;
      })),
      why,
      h("p", {}, h("button", { type: "button", class: "first", click: () => {
        $("details").close();
        $("moment").focus();
        travel(e.position);
      } }, "Show the host as it was then")));
    facts(box.firstChild, [
      ["Event", `${e.position}, ${e.type}`], ["At", moment(e.at)],
      ["Asked by", actor.kind === "wharf" ? "nobody: the agent saw to it" : root.by || actor.name],
      ["Came in by", actor.kind], ...Object.entries(actor.details),
    ]);
    if (/^(container|image|network|volume):/.test(e.subject)) {
      const told = await host.look(`why/${encodeURIComponent(e.subject.slice(e.subject.indexOf(":") + 1))}`, leaving.signal);
      const story = h("div");
      showWhy(story, told);
      why.append(h("h3", {}, `Why ${told.name} stands as it does`), story);
    }
  });
}

// ---- drivers

const fleetSoon = paced(1000, () => attempt(showFleet));

async function showFleet() {
  const read = await host.read("dev.wharf:type=Driver,*", FLEET);
  const order = d => `${d.Kind} ${d.Name} ${d.Standing === "serving" ? 0 : 1}`;
  const drivers = Object.entries(read).sort(([, a], [, b]) => order(a).localeCompare(order(b)));
  const focused = document.activeElement?.dataset.way;
  $("fleet").replaceChildren(...drivers.map(([bean, d]) => {
    const name = `${d.Kind} ${d.Name}`;
    const button = (word, operation, usable) => {
      const made = h("button", {
        type: "button", disabled: !me.operator, title: me.operator ? "" : "For operators", hidden: !usable,
        "aria-label": `${word}: ${name}, ${d.Implementation}`,
        click: () => attempt(async () => {
          tell(`${word}: ${name} …`);
          const answer = await host.operate(bean, operation);
          tell(`${name}: ${Array.isArray(answer) ? answer.join("; ") : "done"}.`);
          await showFleet();
        }),
      }, word);
      made.dataset.way = `${bean} ${operation}`;
      return made;
    };
    const serves = d.Standing === "serving";
    return h("tr", {},
      h("th", { scope: "row" }, name), h("td", {}, d.Implementation), h("td", {}, String(d.Rank)),
      h("td", { class: d.Standing }, d.Standing + (d.Why === "" ? "" : `: ${d.Why}`)), h("td", {}, String(d.CallsInside)),
      h("td", { class: "ops" }, button("Probe", "probe", true), button("Make it serve", "swap", !serves),
        button("Roll back", "rollBack", serves)));
  }));
  if (focused) [...$("fleet").querySelectorAll("button")].find(b => b.dataset.way === focused)?.focus();
  const swaps = (await host.all("last=60&search=driver.", leaving.signal))
    .filter(e => e.type.startsWith("driver.swap") || e.type === "driver.handed-over");
  $("swaps").replaceChildren(...swaps.reverse().map(eventLine));
  if (swaps.length === 0) $("swaps").append(h("li", {}, "No driver was swapped of late."));
}

// ---- a certificate may have said already who comes

attempt(async () => {
  const who = await host.logIn("", "");
  if (who.name === "") {
    $("login").hidden = false;
    $("user").focus();
  } else {
    await enter(who);
  }
});
