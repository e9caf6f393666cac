#!/bin/bash
# Trains a study on the nodes of a Slurm job. In the folder of the study:
#
#     sbatch /path/to/slurm.sh
#
# Fill in the words between < and >. All nodes need the same Python environment and the same folders, as they
# have on a cluster with a shared file system. If the job ends early, submit it again: it continues. To end it:
#
#     scancel --batch --signal=TERM <job id>
#SBATCH --job-name=scaling
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1       # one Ray for each node; Ray starts one worker for each core
#SBATCH --exclusive               # the end of the job ends every Ray of this user on its nodes
#SBATCH --mem=0                   # all memory of the nodes
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@60        # a minute before the end, to this script only; see below
#SBATCH --requeue                 # after the failure of a node
set -euo pipefail

STUDY='<study.yaml>'
STORE='<folder that all nodes share, or s3://bucket/path>'
source '<folder of the environment>/bin/activate'

export RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300   # seconds; Ray starts slowly from a shared file system

# This script runs on the first node of the job, which becomes the head of the Ray cluster.
HEAD="$(hostname -I | cut -d' ' -f1):6379"
PID_FILE=$(mktemp)
trap 'rm -f "$PID_FILE"' EXIT

# SIGTERM goes to `scaling run` only, which lets the workers of all nodes write checkpoints and release their
# packs. SIGTERM to Ray would end the workers at once. If `scaling run` has not started, the job step gets it.
stop() {
  step=$(jobs -p)
  [ -n "$step" ] || exit 143
  kill -TERM "$(cat "$PID_FILE")" 2> /dev/null || kill -TERM "$step"
  code=0
  wait "$step" || code=$?
  exit "$code"
}
trap stop TERM

srun --ntasks="$SLURM_JOB_NUM_NODES" --cpus-per-task="$SLURM_CPUS_ON_NODE" --wait=180 \
  ray symmetric-run --address "$HEAD" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus "$SLURM_CPUS_ON_NODE" --disable-usage-stats \
  -- bash -c 'echo $$ > "$0"; exec "$@"' "$PID_FILE" \
  scaling run "$STUDY" --address "$HEAD" --store "$STORE" &
wait $!
