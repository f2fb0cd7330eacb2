
"use strict";
const $ = (id) => document.getElementById(id);
const [drop, file, photo, result] = ["drop", "file", "photo", "result"].map($);
const percent = (share) => (100 * share).toFixed(1) + " %";

// Where scores usually lie: the gauge runs from the calibration's smallest score, and the threshold
// stands at three quarters of it.
let smallest = null;
let latest = 0;

fetch("model").then((reply) => reply.json()).then((model) => {
  $("model").textContent = `${model.name} ${model.version} knows ${list(model.labels)}. `
    + "A photo of anything else should be flagged.";
  smallest = model.calibration.scores.min;
}).catch(() => {});

function list(labels) {
  if (labels.length <= 12) return labels.slice(0, -1).join(", ") + " and " + labels.at(-1);
  return `${labels.slice(0, 8).join(", ")} and ${labels.length - 8} more`;
}

async function classify(image) {
  const turn = ++latest;
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(image);
  photo.hidden = false;
  result.classList.add(result.hidden ? "first" : "busy");
  if (result.hidden) $("verdict").textContent = "Classifying…";
  result.hidden = false;
  let shown;
  try {
    const headers = { "content-type": "application/octet-stream" };
    const reply = await fetch("classify", { method: "POST", body: image, headers });
    if (!/json/.test(reply.headers.get("content-type"))) {
      throw `${reply.status} ${reply.statusText}, from something between it and this page`;
    }
    const answer = await reply.json();
    shown = () => (reply.ok ? showAnswer(answer) : showProblem(answer.title, answer.detail));
  } catch (error) {
    shown = () => showProblem("No answer from the server", String(error));
  }
  // A photo dropped meanwhile has its own answer coming.
  if (turn !== latest) return;
  result.className = "";
  shown();
}

function showProblem(title, detail) {
  result.classList.add("problem");
  $("verdict").textContent = `${title}: ${detail}`;
}

function showAnswer({ label, confidence, is_ood: unknown, ood, top }) {
  result.classList.add(unknown ? "unknown" : "known");
  $("verdict").textContent = unknown
    ? "Out of distribution: like nothing the model was trained on. Do not trust the label."
    : "In distribution: like what the model was trained on.";
  $("label").textContent = label;
  $("confidence").textContent = percent(confidence);
  $("top").replaceChildren(...top.map((candidate) => {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = candidate.label;
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", candidate.label);
    bar.value = candidate.probability;
    const share = document.createElement("data");
    share.value = candidate.probability;
    share.textContent = percent(candidate.probability);
    row.append(name, bar, share);
    return row;
  }));
  const low = smallest ?? ood.threshold - 2 * Math.abs(ood.score - ood.threshold);
  const place = 0.75 * (ood.score - low) / (ood.threshold - low || 1);
  $("fill").style.width = percent(Math.min(1, Math.max(0.01, place))).replace(" ", "");
  const rank = ood.p_value === undefined ? ""
    : ` ${percent(ood.p_value)} of known images look at least as foreign.`;
  $("scale").textContent = `Score ${ood.score.toFixed(2)}, threshold ${ood.threshold.toFixed(2)}.${rank}`;
  $("gauge").setAttribute("aria-label", $("scale").textContent);
}

const first = (files) => { if (files?.length) classify(files[0]); };
file.addEventListener("change", () => { first(file.files); file.value = ""; });
for (const event of ["dragenter", "dragover"]) {
  document.addEventListener(event, (e) => { e.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", (e) => {
  e.preventDefault();
  drop.classList.remove("over");
  first(e.dataTransfer.files);
});
document.addEventListener("paste", (e) => first(e.clipboardData.files));
