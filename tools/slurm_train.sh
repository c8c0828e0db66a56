#!/usr/bin/env bash
# Train as a slurm job: srun starts one torchrun on every node.
#
# usage: slurm_train.sh PARTITION JOB CONFIG [OPTION of tools/train.py ...]
#
# examples:
#   tools/slurm_train.sh gpu albar configs/albar_hmdb51.py --auto-scale-lr
#   GPUS=16 SRUN_ARGS='--time=12:00:00 --mem=200G' tools/slurm_train.sh gpu albar CONFIG
#
# environment:
#   GPUS           GPUs in all (8)
#   GPUS_PER_NODE  GPUs of a node (8, or GPUS where that is less)
#   CPUS_PER_TASK  CPU cores for each GPU (5); keep it above the config's num_workers
#   SRUN_ARGS      further options of srun, separated by spaces
#   PORT           port on the first node (a random one)
#   PYTHON         the Python to use (the first on PATH)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

need 3 "$@"
partition=$1 job=$2 config=$3
shift 3
slurm_tool "$partition" "$job" train.py "$config" --launcher pytorch "$@"
