#!/usr/bin/env bash
# Train in several processes, one for each GPU, with torchrun.
#
# usage: dist_train.sh CONFIG GPUS [OPTION of tools/train.py ...]
#
# examples:
#   tools/dist_train.sh configs/albar_hmdb51.py 8 --auto-scale-lr --work-dir work_dirs/albar
#   two machines of 8 GPUs, the first of which is 10.0.0.1:
#     NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 PORT=29500 tools/dist_train.sh CONFIG 8
#     NNODES=2 NODE_RANK=1 MASTER_ADDR=10.0.0.1 PORT=29500 tools/dist_train.sh CONFIG 8
#
# environment:
#   NNODES       machines (1)
#   NODE_RANK    number of this machine, from 0 (0)
#   MASTER_ADDR  address of machine 0 (127.0.0.1; needed for more than one machine)
#   PORT         port on machine 0 (29500; on one machine a free one is found when it is not set)
#   PYTHON       the Python to use (the first on PATH)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

need 2 "$@"
config=$1 gpus=$2
shift 2
need_count GPUS "$gpus"
torchrun_tool "$gpus" train.py "$config" --launcher pytorch "$@"
