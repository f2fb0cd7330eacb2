
"use strict";
const $ = (id) => document.getElementById(id);
const [drop, file, photo, result] = ["drop", "file", "photo", "result"].map($);

// A share that is neither none nor all is not rounded to either.
function percent(share) {
  if (share > 0 && share < 0.0005) return "<\u00a00.1\u00a0%";
  if (share < 1 && share >= 0.9995) return ">\u00a099.9\u00a0%";
  return (100 * share).toFixed(1) + "\u00a0%";
}

// What is known of the model, and the last answer: the gauge needs both.
let model = null;
let answered = null;
let note = "";
let latest = 0;
let waiting = [];

async function introduce() {
  try {
    const reply = await fetch("model");
    const it = await reply.json();
    $("model").textContent = `${it.name} ${it.version} knows ${list(it.labels)}. `
      + "A photo of anything else should be flagged, but not every one is.";
    model = it;
  } catch {
    // The page does without.
  }
  drawGauge();
}
introduce();

// As many labels as fit into about 120 characters.
function list(labels) {
  const mark = labels.some((label) => label.includes(",")) ? "; " : ", ";
  let count = 1;
  while (count < labels.length && labels.slice(0, count + 1).join(mark).length <= 120) count++;
  const names = labels.slice(0, count);
  const last = count < labels.length ? `${labels.length - count} more` : names.pop();
  return names.length ? `${names.join(mark)} and ${last}` : last;
}

async function classify(files) {
  const [image] = files;
  const turn = ++latest;
  photo.hidden = !image;
  // The name may be written from right to left, and what stands beside it is not.
  note = files.length > 1
    ? `\u2068${image.name}\u2069, the first of ${files.length} files; drop one at a time.` : "";
  if (!image) return showProblem("Nothing to classify", "drop an image file");
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(image);
  // Most answers come sooner, and a word that disappears at once only flickers.
  stopWaiting();
  waiting = [setTimeout(wait, 150), setTimeout(waitLonger, 10_000)];
  let shown;
  try {
    const headers = { "content-type": "application/octet-stream" };
    const signal = AbortSignal.timeout(300_000);
    const reply = await fetch("classify", { method: "POST", body: image, headers, signal });
    if (/json/.test(reply.headers.get("content-type"))) {
      const answer = await reply.json();
      shown = () => (reply.ok ? showAnswer(answer) : showProblem(answer.title, answer.detail));
    } else {
      const what = `something between this page and the server answered ${reply.status} ${reply.statusText}`;
      shown = () => showProblem("The request did not get through", what);
    }
  } catch (error) {
    const [title, what] = await reason(error, image);
    shown = () => showProblem(title, what);
  }
  // A photo dropped meanwhile has its own answer coming.
  if (turn === latest) shown();
}

// Why there is no answer, as a title and a sentence.
async function reason(error, image) {
  if (error.name === "TimeoutError") return ["No answer from the server", "it took longer than five minutes"];
  // What browsers say in a TypeError is about their internals.
  if (!(error instanceof TypeError)) return ["No answer from the server", String(error)];
  const isReadable = await image.slice(0, 1).arrayBuffer().then(() => true, () => false);
  return isReadable
    ? ["No answer from the server", "it cannot be reached; is it still running?"]
    : ["The file cannot be read", "it may be a folder, or was moved or changed; choose it again"];
}

// The old answer is not for the new photo. It keeps its height, so that nothing jumps.
function wait() {
  result.style.minHeight = `${result.offsetHeight}px`;
  result.className = "busy";
  $("note").textContent = note;
  $("verdict").textContent = "Classifying…";
}

function waitLonger() {
  $("verdict").textContent = "Classifying… The server has not answered yet.";
}

function stopWaiting() {
  waiting.forEach(clearTimeout);
}

function show(kind, verdict) {
  stopWaiting();
  result.style.minHeight = "";
  result.className = kind;
  $("note").textContent = note;
  $("verdict").textContent = verdict;
  $("guess").hidden = $("answer").hidden = kind === "problem";
  $("verdict").scrollIntoView({ block: "nearest" });
}

function showProblem(title, detail) {
  show("problem", `${title}: ${detail}`);
}

function showAnswer(answer) {
  const { label, confidence, is_ood: unknown, ood, top } = answer;
  answered = answer;
  show(unknown ? "unknown" : "known", unknown
    ? "Out of distribution: like nothing the model was trained on. Do not trust the label."
    : "Not flagged: it looks like what the model was trained on.");
  $("label").textContent = label;
  $("confidence").textContent = percent(confidence);
  $("top").replaceChildren(...top.map((candidate) => {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = candidate.label;
    const bar = document.createElement("progress");
    bar.setAttribute("aria-hidden", "true");
    bar.value = candidate.probability;
    const share = document.createElement("data");
    share.value = candidate.probability;
    share.textContent = percent(candidate.probability);
    row.append(name, bar, share);
    return row;
  }));
  const rank = ood.p_value === undefined ? ""
    : ` ${percent(ood.p_value)} of the calibration images, with this one counted among them, score at least as high.`;
  $("scale").textContent = `Score ${ood.score.toFixed(2)}, threshold ${ood.threshold.toFixed(2)}.${rank}`;
  drawGauge();
  // It may have been replaced since the page was opened.
  if (!isOf(model)) introduce();
}

// Whether the last answer is this model's, with the threshold that it has now.
function isOf(model) {
  const { threshold, per_class } = model?.calibration ?? {};
  const thresholds = [threshold, ...(per_class ?? []).map((own) => own.threshold)];
  // Answers have them in single precision.
  return ["name", "version"].every((key) => model?.[key] === answered.model[key])
    && thresholds.some((it) => Math.fround(it) === Math.fround(answered.ood.threshold));
}

// The gauge shows where scores usually are: it starts at the calibration's smallest score, and the threshold is at
// three quarters of it.
function drawGauge() {
  if (!answered) return;
  const isKnown = isOf(model);
  $("axis").hidden = $("track").hidden = !isKnown;
  if (!isKnown) return;
  const { score, threshold } = answered.ood;
  const low = model.calibration.scores.min;
  const place = 0.75 * (score - low) / (threshold - low || 1);
  $("fill").style.width = `${100 * Math.min(1, Math.max(0.01, place))}%`;
}

// The server may know an image that the browser cannot show.
photo.addEventListener("error", () => { photo.hidden = true; });
file.addEventListener("change", () => { classify(file.files); file.value = ""; });
for (const event of ["dragenter", "dragover"]) {
  document.addEventListener(event, (e) => {
    e.preventDefault();
    if (e.dataTransfer.types.includes("Files")) drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", (e) => {
  e.preventDefault();
  drop.classList.remove("over");
  // A piece of text, dropped by accident, is no reason to forget an answer.
  if (e.dataTransfer.files.length || latest === 0) classify(e.dataTransfer.files);
});
document.addEventListener("paste", (e) => { if (e.clipboardData.files.length) classify(e.clipboardData.files); });
