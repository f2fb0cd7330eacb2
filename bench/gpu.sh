#!/usr/bin/env bash
# Measures the server on a GPU against the GPU's own limit: one command, less than 8 minutes, no network. It is for a
# machine with an NVIDIA driver for CUDA 13 to which you can copy files, but nothing more.
#
#   bench/gpu.sh [FOLDER]        writes everything that it measures into FOLDER (default: gpu-results)
#
# It needs Python 3 and the following; to use another path, set the variable in front of it:
#   BIN      target/release                      normgate and normgate-bench, built elsewhere with
#                                                cargo build --release -p normgate -p normgate-bench
#   RUNTIME  .runtime/cuda/libonnxruntime.so     and the files beside it: scripts/fetch-onnxruntime --cuda
#                                                fetches them. 2 GB unpacked: to copy them in
#                                                pieces, `tar c .runtime/cuda | zstd | split -b 60M`.
#                                                Where PyTorch for CUDA 13 is installed, the three files
#                                                libonnxruntime* are enough
#   CPU      .runtime/libonnxruntime.so          the same for the CPU, to compare answers with
#   CACHE    target/bench                        random models are made here if they are missing
#   PHOTOS   docs/images                         images whose scores are compared
# Nobody has run it on a GPU so far.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-gpu-results}
bin=${BIN:-target/release} runtime=${RUNTIME:-.runtime/cuda/libonnxruntime.so}
cpu=${CPU:-.runtime/libonnxruntime.so} cache=${CACHE:-target/bench} photos=${PHOTOS:-docs/images}
mkdir -p "$out"
for needed in "$bin/normgate" "$bin/normgate-bench" "$runtime" "$cpu"; do
  [ -e "$needed" ] || { echo "gpu.sh: there is no $needed (the top of this file says what it takes)" >&2; exit 1; }
done

# What one CUDA library asks another for by name alone (NVRTC its builtins, the provider the driver) is found in no
# other way. The driver's folder is last: some containers have it there and tell only their own programs.
beside=$(cd "$(dirname "$runtime")" && pwd)
# Without cuDNN beside ONNX Runtime, that of an installed PyTorch for CUDA 13 is taken, and the libraries beside it.
if [ ! -e "$beside/libcudnn.so.9" ]; then
  installed=$(python3 -c 'import glob, nvidia; print(":".join(f for p in nvidia.__path__ for f in glob.glob(p + "/*/lib")))' || true)
fi
# float32 stays float32, for the raw limit as for the server, which sets this itself.
export NVIDIA_TF32_OVERRIDE=${NVIDIA_TF32_OVERRIDE-0}
export LD_LIBRARY_PATH=$beside${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}${installed:+:$installed}:/usr/local/nvidia/lib64

PATH=$PATH:/usr/local/nvidia/bin
nvidia-smi | tee "$out/machine.txt" || echo "gpu.sh: there is no nvidia-smi to tell the card by" >&2

# Are the answers the same? Labels and verdicts must agree, and scores to within a thousandth. If they do not, the
# speed is measured all the same.
missed=0
echo "comparing the GPU's answers with the CPU's" >&2
ask() { timeout 45 "$bin/normgate" classify "$photos"/*.jpg --json --onnxruntime "$@"; }
ask "$cpu" > "$out/cpu.jsonl"
ask "$runtime" --device cuda > "$out/cuda.jsonl" || missed=1
python3 - "$out/cpu.jsonl" "$out/cuda.jsonl" <<'PY' 2>&1 | tee "$out/numerics.txt" || missed=1
import json, sys
cpu, gpu = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
worst = 0.0
assert len(cpu) == len(gpu), (len(cpu), len(gpu))
for one, other in zip(cpu, gpu):
    a, b = one["ood"]["score"], other["ood"]["score"]
    worst = max(worst, abs(a - b) / max(1.0, abs(a)))
    assert one["label"] == other["label"] and one["is_ood"] == other["is_ood"], (one, other)
assert worst < 1e-3, worst
print(f"{len(cpu)} images: the same labels and verdicts, scores within {worst:.1e}")
PY

# Two models with images of their own size, three numbers of connections, and two layouts: the default of two workers,
# one of which fills and copies a batch while the card computes the other's, and a single one. Each model is measured
# by itself, so that if one takes too long, the figures of the others are not lost. If the share of the raw limit is
# small, the processors may be why: at `decode ms` for each image, on all of them, decoding has a limit of its own. Or
# convolutions are planned anew for each size of batch, which the raw limit never has to: the last row, where every
# batch is one image, has no such plans either.
measure() { # NAME MODEL INPUT SERVE-ARGS
  timeout 75 "$bin/normgate-bench" --onnxruntime "$runtime" --device cuda \
    --models "$2" --inputs "$3" --connections 1,64,512 --seconds 3 --rounds 1 --cache "$cache" \
    --server "$bin/normgate" --serve-args "--queue-capacity 2048 $4" --json "$out/$1.json" | tee "$out/$1.txt" || {
      echo "gpu.sh: $1 was not measured" >&2
      missed=1
    }
}
for workers in 2 1; do
  measure "resnet18-workers-$workers" resnet18 png32 "--workers $workers"
  measure "resnet50-workers-$workers" resnet50 jpeg224 "--workers $workers"
done
measure resnet50-one-image-a-batch resnet50 jpeg224 "--workers 2 --max-batch 1"
echo "what was measured is in $out" >&2
exit "$missed"
