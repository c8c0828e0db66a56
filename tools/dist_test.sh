#!/usr/bin/env bash
# Test a checkpoint in several processes, one for each GPU, with torchrun.
#
# usage: dist_test.sh CONFIG CHECKPOINT GPUS [OPTION of tools/test.py ...]
#
# example:
#   tools/dist_test.sh configs/albar_hmdb51.py work_dirs/albar/epoch_50.pth 8 --dump out.pkl
#
# environment (see dist_train.sh --help): NNODES, NODE_RANK, MASTER_ADDR, PORT, PYTHON
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

need 3 "$@"
config=$1 checkpoint=$2 gpus=$3
shift 3
need_count GPUS "$gpus"
torchrun_tool "$gpus" test.py "$config" "$checkpoint" --launcher pytorch "$@"
