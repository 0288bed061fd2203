"use strict";
// The page asks for a job, follows it, and shows its report. The address keeps the job, so that a reload goes on with it.

const DETECTORS = ["H1", "L1", "V1", "K1"];
const PAUSE = 700; // ms between two looks at a job
const find = (id) => document.getElementById(id);
let job = null; // id of the job that is shown
let timer = 0;

function chosen() {
  return document.querySelector("input[name=source]:checked").value;
}

function showSource() {
  find("event-part").hidden = chosen() !== "event";
  find("files-part").hidden = chosen() !== "files";
}

function showFault(text) {
  find("fault").textContent = text;
  find("fault").hidden = !text;
}

function addDetectors() {
  for (const name of DETECTORS) {
    const box = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = name;
    box.append(legend);
    for (const [kind, text] of [["strain", "strain"], ["psd", "noise spectrum (optional)"]]) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "file", id: `${kind}_${name}`, multiple: kind === "strain" });
      label.htmlFor = input.id;
      label.textContent = `${name} ${text}`;
      box.append(label, input);
    }
    find("detectors").append(box);
  }
}

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  if (answer.status === 204) return null;
  const document_ = await answer.json().catch(() => ({ message: `The server answered ${answer.status}.` }));
  if (!answer.ok) {
    const error = new Error(document_.message);
    error.status = answer.status;
    throw error;
  }
  return document_;
}

async function loadLists() {
  for (;;) {
    try {
      const [events, models] = await Promise.all([ask("/v1/events"), ask("/v1/models")]);
      find("embedded").textContent = events.map((one) => one.name).join(", ");
      find("events").replaceChildren(...events.map((one) => new Option(one.name, one.name)));
      for (const one of models) {
        const kind = one.quantities.length ? one.quantities.join(", ") : "all parameters";
        find("model").add(new Option(`${one.name}: ${kind}`, one.name));
      }
      return;
    } catch (error) {
      if (error.status !== 503) return;
      await new Promise((done) => setTimeout(done, 1500)); // the workers load their models
    }
  }
}

function makeRequest() {
  const choices = { samples: find("samples").valueAsNumber, seed: find("seed").valueAsNumber };
  for (const name of ["model", "prior"]) if (find(name).value) choices[name] = find(name).value;
  if (!find("certify").checked) choices.certify = false;
  for (const name of ["samples", "seed"]) {
    if (!Number.isInteger(choices[name])) throw new Error(`Please give a whole number of ${name}.`);
  }
  if (chosen() === "event") {
    const event = find("event").value.trim();
    if (!event) throw new Error("Please name an event.");
    return { body: JSON.stringify({ event, ...choices }), headers: { "Content-Type": "application/json" } };
  }
  const form = new FormData();
  form.set("trigger_time", find("trigger").value.trim());
  if (!form.get("trigger_time")) throw new Error("Please give the time of the merger.");
  for (const [name, value] of Object.entries(choices)) form.set(name, value);
  let strain = 0;
  for (const name of DETECTORS) {
    for (const kind of ["strain", "psd"]) {
      for (const file of find(`${kind}_${name}`).files) {
        form.append(`${kind}_${name}`, file);
        strain += kind === "strain";
      }
    }
  }
  if (!strain) throw new Error("Please choose the strain file of at least one detector.");
  return { body: form };
}

async function start(submission) {
  submission.preventDefault();
  showFault("");
  try {
    const request = makeRequest();
    find("start").disabled = true;
    showWork(0, chosen() === "files" ? "sending the files" : "asking the server");
    const found = await ask("/v1/infer", { method: "POST", ...request });
    location.hash = `job=${found.id}`;
  } catch (error) {
    find("start").disabled = false;
    find("work").hidden = true;
    showFault(error.message);
  }
}

function showWork(percent, text) {
  const first = find("work").hidden;
  find("work").hidden = false;
  find("result").hidden = true;
  if (first) find("work").scrollIntoView({ block: "nearest" });
  find("bar").value = percent;
  if (find("stage").textContent !== text) find("stage").textContent = text;
}

function describe(found) {
  if (found.state !== "queued") return found.stage;
  return found.before ? `waiting: ${found.before} before this one` : "waiting for a free worker";
}

async function follow() {
  clearTimeout(timer);
  if (!job) return;
  const own = job;
  try {
    const found = await ask(`/v1/jobs/${own}`);
    if (own !== job) return;
    if (found.state === "done") return showResult(found);
    if (found.state === "failed") return finish(found.error.message);
    find("start").disabled = true;
    find("stop").hidden = false;
    showWork(found.percent, describe(found));
    timer = setTimeout(follow, PAUSE);
  } catch (error) {
    if (own === job) finish(error.status === 404 ? "This job is no longer kept. Start it again." : error.message);
  }
}

function finish(fault) {
  find("start").disabled = false;
  find("stop").hidden = true;
  find("work").hidden = true;
  showFault(fault);
}

function showResult(found) {
  finish("");
  const { summary, links } = found;
  find("result-title").textContent = `${summary.event}: ${summary.verdict}`;
  find("open").href = links.report;
  find("summary").href = links["summary.json"];
  find("samples-file").href = links["posterior.hdf5"];
  find("report").src = links.report;
  find("result").hidden = false;
  find("result").focus({ preventScroll: true });
  find("result").scrollIntoView({ block: "start" });
}

async function stop() {
  const own = job;
  history.replaceState(null, "", location.pathname);
  job = null;
  finish("");
  try {
    await ask(`/v1/jobs/${own}`, { method: "DELETE" });
  } catch (error) {
    if (error.status !== 404) showFault(error.message);
  }
}

function readAddress() {
  const named = /^#job=([0-9a-f]{32})$/.exec(location.hash);
  job = named ? named[1] : null;
  follow();
}

addDetectors();
showSource();
for (const one of document.querySelectorAll("input[name=source]")) one.addEventListener("change", showSource);
find("form").addEventListener("submit", start);
find("stop").addEventListener("click", stop);
window.addEventListener("hashchange", readAddress);
loadLists();
readAddress();
