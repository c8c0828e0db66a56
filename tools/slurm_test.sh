#!/usr/bin/env bash
# Test a checkpoint as a slurm job: srun starts one torchrun on every node.
#
# usage: slurm_test.sh PARTITION JOB CONFIG CHECKPOINT [OPTION of tools/test.py ...]
#
# example:
#   GPUS=4 tools/slurm_test.sh gpu albar configs/albar_hmdb51.py work_dirs/albar/epoch_50.pth
#
# environment (see slurm_train.sh --help): GPUS, GPUS_PER_NODE, CPUS_PER_TASK, SRUN_ARGS, PORT, PYTHON
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

need 4 "$@"
partition=$1 job=$2 config=$3 checkpoint=$4
shift 4
slurm_tool "$partition" "$job" test.py "$config" "$checkpoint" --launcher pytorch "$@"
