#!/usr/bin/env bash
# The small jobs of every claim, their extrapolations and the theory beside them:
# reproduce.sh RELUSCAPE FOLDER RANKS. Finished files are kept: another call only adds what is missing.
set -euo pipefail
program=$1 folder=$2 ranks=$3

for job in jobs/*_small.toml; do
  name=$(basename "$job" .toml)
  echo "$name"
  mpirun -n "$ranks" "$program" run "$job" -o "$folder/$name.h5" -q
done
for job in jobs/{capacity,threshold,k-sweep}-*_small.toml; do
  name=$(basename "$job" .toml)
  "$program" extrapolate "$folder/$name.h5" >"$folder/$name.txt"
done

theory() { "$program" theory "${@:2}" --json >"$folder/theory-$1.json"; }
theory capacity-perceptron-1 capacity --activation identity
theory capacity-sign-3 capacity --activation sign --hidden 3
theory capacity-relu-2 capacity --activation relu --hidden 2
theory capacity-relu-4 capacity --activation relu --hidden 4
theory capacity-relu-inf capacity --activation relu
theory capacity-spherical-relu capacity --weights spherical --activation relu --rsb 1
for units in 5 9 15 35 63; do
  theory capacity-spherical-sign-$units capacity --weights spherical --activation sign --hidden $units
done
theory overlap-sign entropy --activation sign --hidden 3 --alpha 0.3334
theory overlap-relu entropy --activation relu --hidden 2 --alpha 0.25
theory geometry-sign franz-parisi --activation sign --alpha 0.3334 \
  --distance 0.02,0.05,0.1,0.15,0.2,0.25,0.3,0.35,0.4
theory geometry-relu franz-parisi --activation relu --alpha 0.25 \
  --distance 0.02,0.05,0.1,0.15,0.2,0.25,0.3,0.35,0.4
for activation in relu sign; do
  theory typical-$activation franz-parisi --activation $activation --alpha 0.5 \
    --distance 0.01,0.02,0.03,0.05,0.08,0.1,0.15,0.2,0.25,0.3
  theory densest-$activation local-entropy --activation $activation --alpha 0.5 --replicas inf \
    --distance 0.005,0.01,0.02,0.05,0.1,0.15,0.2,0.25,0.3,0.35
  theory dense-limit-$activation dense-limit --activation $activation
  theory robustness-$activation robustness --activation $activation --solutions typical --alpha 0.3 \
    --rate 0.005,0.01,0.02,0.05,0.1,0.2
done

# The same bytes from one rank and the plain kernels as from all ranks and the widest.
name=robustness-relu-replicated_small
RELUSCAPE_ISA=scalar "$program" run "jobs/$name.toml" -o "$folder/again.h5" -q
"$program" compare "$folder/$name.h5" "$folder/again.h5"
