#!/usr/bin/env bash
# Full-size training on a GPU, in commands that each end within 8 minutes and continue where the last one stopped: for
# a machine with an NVIDIA driver for CUDA 13 to which you can copy files, but no more.
#
#   training/gpu.sh check              is there a GPU, and does an epoch that is trained and augmented on it end with
#                                      the losses of one on the CPU, and one in the precision of `run` near them?
#                                      (width 16)
#   training/gpu.sh speed              images a second at full width, and how long 200 epochs will take: with images
#                                      augmented by the GPU, then by the processors
#   training/gpu.sh run [TABLE…]       the tables (default: t2): six seeds, width 64, 200 epochs (ImageNet-LT 100) of
#                                      every task and method, more than a hundred runs; options of `reproduce` are
#                                      passed on: run t2 --task cifar10-lt --method rna,oe
#   training/gpu.sh show [TABLE…]      the tables of what is finished so far
#   training/gpu.sh ship [RECIPE]      the model for models/: of a recipe (default: rna; named as runs are:
#                                      rna-aux-weights-1-2-camera-0.5), the seed that is best on held-out training
#                                      images, with its int8 form beside it
#
# Begin with one run of the paper's method:
#   SEEDS=1 training/gpu.sh run t2 --task cifar10-lt --method rna
# `run` ends with status 75 while there is more to do, and 0 when all is done:
#   until training/gpu.sh run; do [ $? = 75 ] || break; done
# A run that failed is tried again by the next command, and says why each time.
# A run is left out if its test sets are missing: each model is evaluated right after training, on the CPU, and that
# has to fit into one command. Checkpoints are written when a command stops and when a run ends, not in between.
#
# What it needs; the variable in front of each changes it:
#   BIN      target/release               normgate and normgate-train, built elsewhere with `make trainer`. A trainer
#                                         built with the CPU's libtorch will do: the GPU's part is loaded beside it
#   LIBTORCH .runtime/libtorch            scripts/fetch-libtorch --cuda fetches it. 6 GB unpacked; to carry it
#                                         in pieces: tar c .runtime/libtorch | zstd | split -b 60M. If PyTorch
#                                         of the same version (2.11.0) is installed, its folder will do instead
#                                         (site-packages/torch): it finds the nvidia folder beside it
#   RUNTIME  .runtime/libonnxruntime.so   ONNX Runtime for the CPU, which evaluates
#   DATA     data                         the image sets, including those to test on (docs/reproduce.md)
#   GPU_OUT  gpu-training                 runs/ (checkpoints, models; 0.23 GB a run at width 64: 30 GB for T2 on CIFAR)
#                                         and results/ (what is kept). To fetch a model of 45 MB in pieces: split -b 15M model.onnx model.onnx.
#   LIMIT    420                          seconds after which a command stops at the next step
#   PRECISION bf16                        or fp32
#   SEEDS    6, WIDTH 64, EPOCHS 200 (ImageNet-LT 100), LOADERS (all processors but two)
# and Python 3.
# It has not been run on a GPU yet. Tested were its commands without one, with DEVICE=cpu WIDTH=8 EPOCHS=1 SEEDS=1
# PRECISION=fp32 (few processors have bf16), and that libtorch's GPU part is loaded.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ $# = 0 ]; then
  sed -n '2,/^set -/p' "$here/gpu.sh" | sed '$d; s/^# \{0,1\}//'
  exit 2
fi
cd "$here/.."
bin=${BIN:-target/release} libtorch=${LIBTORCH:-.runtime/libtorch} data=${DATA:-data}
out=${GPU_OUT:-gpu-training} limit=${LIMIT:-420} precision=${PRECISION:-bf16} device=${DEVICE:-cuda}
seeds=${SEEDS:-6} width=${WIDTH:-64} epochs=${EPOCHS:-200}
processors=$(nproc) loaders=${LOADERS:-$((processors > 3 ? processors - 2 : 1))}
export ORT_DYLIB_PATH=${RUNTIME:-.runtime/libonnxruntime.so}
# Copied libraries are not where the binary was linked against them. The driver's folder is last: some containers have
# it there and tell only their own programs.
folders=$({ find "$libtorch/" -name '*.so*' -printf '%h\n' 2>/dev/null || true; } | sort -u | paste -sd:)
export LD_LIBRARY_PATH=${folders:+$folders:}${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64
# cuDNN computes float32 convolutions in TF32, unless it is told otherwise before it is loaded.
export NVIDIA_TF32_OVERRIDE=${NVIDIA_TF32_OVERRIDE-0}
trainer=$bin/normgate-train
[ -x "$trainer" ] || { echo "gpu.sh: there is no $trainer (the top of this file says what it takes)" >&2; exit 1; }
# libtorch does not load its GPU part by itself, and a binary that was built without that part is not linked to it.
train=("$trainer")
[ "$device" = cpu ] || train=(env LD_PRELOAD=libtorch_cuda.so "$trainer")
mkdir -p "$out"

# What `check` and `speed` train on.
sets=(--data "$data/cifar10_train_lt100" --class-names cifar10 --hold-out airplane=300
  --aux "$data/aux_train,$data/aux_train_cifar100" --method rna --seed 1)

# short_run NAME EPOCHS [OPTION…]: trains, and keeps the history as NAME.json and the times of start and end as
# NAME.clock.
short_run() {
  local name=$1 epochs=$2 began
  shift 2
  rm -rf "${out:?}/$name"
  began=$(date +%s.%N)
  "${train[@]}" train "${sets[@]}" --epochs "$epochs" --loaders "$loaders" --out "$out/$name" "$@"
  echo "$began $(date +%s.%N)" > "$out/$name.clock"
  cp "$out/$name/history.json" "$out/$name.json"
}

# Width and epochs only if they are given, since each task has its own. A checkpoint at width 64 takes a second, too
# much on a GPU for every few epochs; `run` writes one when it stops.
recipe=(--precision "$precision" --seeds "$seeds" ${WIDTH:+--width "$WIDTH"} ${EPOCHS:+--epochs "$EPOCHS"}
  --data-root "$data" --out "$out/runs" --results "$out/results" --checkpoint-every 10000)

case ${1:-} in
check)
  [ "$device" = cpu ] || PATH=$PATH:/usr/local/nvidia/bin nvidia-smi | tee "$out/machine.txt" || true
  # One epoch with the same images and initial weights; on the CPU it takes a minute or two. float32 results differ in
  # the last digits, and training amplifies that, so the epoch's losses agree to a percent at best; in bf16, which has
  # three digits, to a few percent.
  small=(--width "${WIDTH:-16}")
  short_run check-cpu 1 "${small[@]}" --device cpu --augment-on loaders
  short_run check-gpu 1 "${small[@]}" --device "$device" --augment-on device
  short_run check-run 1 "${small[@]}" --device "$device" --augment-on device --precision "$precision"
  python3 - "$precision" "$out"/check-{cpu,gpu,run}.json <<'PY'
import json, sys
precision = sys.argv[1]
cpu, gpu, run = (json.load(open(name))[0] for name in sys.argv[2:])
def differ(one, other, tolerance):
    return abs(one - other) > tolerance * max(abs(one), 0.1)
wrong = []
for figure in ("loss", "classification_loss", "norm_loss", "id_norm"):
    a, b, c = (epoch[figure] for epoch in (cpu, gpu, run))
    print(f"{figure:>20}  CPU {a:9.4f}  GPU {b:9.4f}  GPU in {precision} {c:9.4f}")
    if differ(a, b, 0.02) or differ(b, c, 0.05):
        wrong.append(figure)
sys.exit(f"too far apart: {', '.join(wrong)}" if wrong else print("the GPU trains as the CPU does"))
PY
  ;;
speed)
  for where in device loaders; do
    short_run "speed-$where" 3 --width "$width" --device "$device" --precision "$precision" --augment-on "$where"
  done
  python3 - "$epochs" "$out"/speed-{device,loaders} <<'PY'
import json, sys
epochs = int(sys.argv[1])
for name in sys.argv[2:]:
    history = json.load(open(f"{name}.json"))
    began, ended = map(float, open(f"{name}.clock").read().split())
    whole, trained = ended - began, sum(epoch["seconds"] for epoch in history)
    last, where = history[-1], name.rsplit("-", 1)[1]
    print(f"images varied by the {where}: {last['images_per_second']:.0f} images/s; {len(history)} epochs took "
          f"{whole:.1f} s, {whole - trained:.1f} of them beside training (reading, writing)")
    print(f"  {epochs} epochs take {(whole - trained + last['seconds'] * epochs) / 60:.1f} minutes, without "
          "monitoring and evaluation")
PY
  ;;
run)
  shift
  status=0
  # SIGINT ends a run after its current step, with a checkpoint.
  timeout --foreground --signal=INT --kill-after=50 "$limit" "${train[@]}" reproduce "${@:-t2}" "${recipe[@]}" \
    --device "$device" --loaders "$loaders" || status=$?
  # What cannot be interrupted, such as an evaluation, would otherwise be begun again for ever.
  killed=$out/killed
  mkdir -p "$out/results"
  finished=$(find "$out/results" -name report.json | wc -l)
  [ "$status" = 137 ] || rm -f "$killed"
  case $status in
    0) ;;
    124) exit 75 ;;
    137)
      if [ "$(cat "$killed" 2>/dev/null)" = "$finished" ]; then
        rm -f "$killed"
        echo "gpu.sh: killed twice without a run finished in between, by the limit of $limit s or for want of memory:" \
          "the run that the table above shows as running does not fit; raise LIMIT, or leave its table out" >&2
        exit 1
      fi
      echo "$finished" > "$killed"
      exit 75
      ;;
    *) exit "$status" ;;
  esac
  ;;
show)
  shift
  "${train[@]}" reproduce "${@:-t2}" --tables-only "${recipe[@]}"
  ;;
ship)
  # Chosen on held-out training images and on auxiliary ones, so that no test image has a say. The auxiliary images do
  # not enter RNA's loss, but they do enter that of OE and others, whose seeds are thus compared on what they were
  # trained on.
  held_out="$data/cifar10_train_more,$data/cifar10_train_lt100#class=airplane#last=300"
  others="tinyimagenet=$data/aux_train#first=4000,cifar100=$data/aux_train_cifar100#first=80"
  slug=w$width-e$epochs$([ "$precision" = fp32 ] || echo "-$precision")
  kind=${2:-rna}
  mkdir -p "$out/runs"
  mapfile -t models < <(find "$out/runs" -path "*/cifar10-lt-$kind-$slug-s*" -name model.onnx | sort)
  count=${#models[@]}
  [ "$count" -gt 0 ] || { echo "gpu.sh: no run of $kind is finished in $out/runs: training/gpu.sh run TABLE" >&2; exit 1; }
  [ "$count" = "$seeds" ] || echo "gpu.sh: of $seeds seeds $count are finished; the best of those is taken" >&2
  # A model must not be evaluated on what it was calibrated on. The figures compared here do not depend on the
  # threshold, so for this purpose the model gets one from training images.
  for model in "${models[@]}"; do
    folder=$(dirname "$model")
    [ -e "$folder/held-out-all/report.json" ] && continue
    "${train[@]}" calibrate "$model" --data "$data/cifar10_train_lt100#first=50" --out "$out/judged.onnx" >&2
    "${train[@]}" evaluate "$out/judged.onnx" --id "$held_out" --ood "$others" --out "$folder/held-out-all" >&2
  done
  best=$(python3 - "${models[@]}" <<'PY'
import json, pathlib, sys
def quality(model):
    figures = json.loads((pathlib.Path(model).parent / "held-out-all/report.json").read_text())["figures"]
    auroc = next(mean["auroc"] for mean in figures["mean"] if mean["score"] == figures["served_score"])
    print(f"{model}: right {figures['id']['accuracy']['overall']:.4f}, AUROC {auroc:.4f}", file=sys.stderr)
    return figures["id"]["accuracy"]["overall"] + auroc
print(max(sys.argv[1:], key=quality))
PY
)
  echo "the best: $best" >&2
  cp "$best" "$out/fp32.onnx"
  rm -f "$out/int8.onnx"
  "$bin/normgate" quantize "$out/fp32.onnx" --out "$out/int8.onnx" --balance \
    --data "$data/cifar10_train_lt100#first=4700" --calibrate "$held_out" --test "$data/cifar10_test" \
    --ood "$data/ood_tinyimagenet,$data/ood_scenes,$data/ood_textures,$data/ood_characters,$data/ood_fashion"
  ls -l "$out/fp32.onnx" "$out/int8.onnx"
  [ "$(stat -c %s "$out/int8.onnx")" -le 12000000 ] || { echo "gpu.sh: int8.onnx is larger than 12 MB" >&2; exit 1; }
  ;;
*)
  echo "gpu.sh: there is no command $1; without one it says which there are" >&2
  exit 2
  ;;
esac
