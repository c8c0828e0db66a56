# Shared by dist_*.sh and slurm_*.sh, which source it: how to check arguments and start torchrun.

TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SCRIPT=$(basename "$0")

# The usage of a script is its leading comment, after the line of the interpreter.
usage() {
    sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$TOOLS/$SCRIPT"
}

# refuse MESSAGE: one line on stderr, exit 2 (as argparse does).
refuse() {
    echo "$SCRIPT: error: $1; $SCRIPT --help shows examples" >&2
    exit 2
}

# need COUNT "$@": usage for --help or no arguments; refuse fewer than COUNT positional ones.
need() {
    local count=$1 given argument
    shift
    if [[ $# -eq 0 ]]; then
        usage >&2
        exit 2
    fi
    for argument in "${@:1:count}"; do
        if [[ $argument == -h || $argument == --help ]]; then
            usage
            exit 0
        fi
    done
    given=0
    for argument in "${@:1:count}"; do
        [[ -z $argument || $argument == -* ]] && break
        given=$((given + 1))
    done
    if [[ $given -lt $count ]]; then
        refuse "$count arguments come before the options, got $given"
    fi
}

# need_count NAME VALUE: VALUE must be a whole number above 0.
need_count() {
    [[ $2 =~ ^[1-9][0-9]*$ ]] || refuse "$1 must be a whole number above 0, got '$2'"
}

# torchrun_tool PROCESSES TOOL [ARGUMENT...]: become torchrun on this node. PYTHONPATH stays as it
# is, since the tools find the package themselves.
torchrun_tool() {
    local processes=$1 tool=$2 nodes=${NNODES:-1} python=${PYTHON:-} rendezvous
    shift 2
    need_count NNODES "$nodes"
    if [[ -z $python ]]; then
        python=$(command -v python || command -v python3) ||
            refuse 'no python on PATH: activate your environment, or set PYTHON=/path/to/python'
    fi
    if [[ $nodes -eq 1 && -z ${PORT:-} ]]; then
        # a free port, so that two jobs on one machine do not meet
        rendezvous=(--standalone --local_addr=127.0.0.1)
    else
        if [[ $nodes -gt 1 && -z ${MASTER_ADDR:-} ]]; then
            refuse "NNODES=$nodes needs MASTER_ADDR, the address of node 0, on every node"
        fi
        rendezvous=(--nnodes="$nodes" --node_rank="${NODE_RANK:-0}"
            --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}")
    fi
    exec "$python" -m torch.distributed.run "${rendezvous[@]}" --nproc_per_node="$processes" \
        "$TOOLS/$tool" "$@"
}

# slurm_tool PARTITION JOB TOOL [ARGUMENT...]: become srun, with one torchrun on every node.
slurm_tool() {
    local partition=$1 job=$2 tool=$3 gpus=${GPUS:-8} cpus=${CPUS_PER_TASK:-5} per_node extra=()
    shift 3
    need_count GPUS "$gpus"
    need_count CPUS_PER_TASK "$cpus"
    per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
    need_count GPUS_PER_NODE "$per_node"
    if ((gpus % per_node)); then
        refuse "GPUS=$gpus is no multiple of GPUS_PER_NODE=$per_node"
    fi
    command -v srun >/dev/null || refuse 'no srun on PATH: this machine is no slurm login node'
    # words, as in MMAction2: no quotes inside
    read -ra extra <<<"${SRUN_ARGS:-}"
    # one port for all nodes, chosen here; below the range that systems hand out by themselves
    export PORT=${PORT:-$((12000 + RANDOM % 20000))}
    exec srun --partition="$partition" --job-name="$job" --gres="gpu:$per_node" \
        --nodes="$((gpus / per_node))" --ntasks="$((gpus / per_node))" --ntasks-per-node=1 \
        --cpus-per-task="$((cpus * per_node))" --kill-on-bad-exit=1 ${extra[@]+"${extra[@]}"} \
        bash "$TOOLS/_slurm_node.sh" "$per_node" "$tool" "$@"
}
