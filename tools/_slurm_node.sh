#!/usr/bin/env bash
# What srun starts on every node (slurm_*.sh): PROCESSES TOOL [ARGUMENT...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

export NNODES=${SLURM_NNODES:?is set by srun} NODE_RANK=${SLURM_NODEID:?is set by srun}
if [[ $NNODES -gt 1 ]]; then
    hosts=$(scontrol show hostnames "${SLURM_STEP_NODELIST:-$SLURM_JOB_NODELIST}")
    export MASTER_ADDR=${hosts%%$'\n'*}
else
    export MASTER_ADDR=127.0.0.1
fi
torchrun_tool "$@"
