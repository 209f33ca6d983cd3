#!/usr/bin/env bash
# The curves of the theory figures: theory.sh RELUSCAPE FILE.h5. Each call of `theory` adds its
# table to the file, under /theory/<quantity>/<machine and options>.
set -euo pipefail
program=$1 file=$2
curve() { "$program" theory "$@" -o "$file" > /dev/null; }

for activation in identity relu leaky_relu sign erf tanh gelu quadratic abs; do
  for kappa in 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1; do
    curve capacity --activation $activation --kappa $kappa --rsb 0
    [ $activation = sign ] && continue
    for steps in 0 1; do
      curve capacity --weights spherical --activation $activation --kappa $kappa --rsb $steps
    done
  done
done

loads() { seq -s, "$@"; }
curve entropy --activation identity --alpha "$(loads 0.03 0.04 0.83),0.833"
curve entropy --activation relu --alpha "$(loads 0.03 0.04 0.87),0.9,0.9039"
curve entropy --activation sign --alpha "$(loads 0.03 0.04 0.91),0.94,0.9469"
curve entropy --weights spherical --activation identity --alpha "$(loads 0.05 0.1 1.95)"
curve entropy --weights spherical --activation relu --alpha "$(loads 0.1 0.1 2.6),2.64"
curve entropy --weights spherical --activation sign --alpha "$(loads 0.1 0.2 3.9)"

distances=0.003,0.005,0.008,0.012,0.017,0.024,0.033,0.04,0.05,0.06,0.07,0.08,0.09,0.1,0.12,0.14,0.16,0.18,0.2,0.22,0.25
for activation in relu sign; do
  machine="--activation $activation --alpha 0.6"
  curve franz-parisi $machine --distance $distances
  curve local-entropy $machine --distance $distances,0.3,0.34 --replicas inf
  rates=0.0003,0.0005,0.0008,0.0012,0.0018,0.0027,0.004,0.006,0.008,0.011,0.015,0.02,0.03,0.05,0.07,0.1,0.14,0.2,0.3,0.4
  curve robustness $machine --rate $rates --solutions typical
  curve robustness $machine --rate $rates --solutions dense-member --distance 0.1
  curve robustness $machine --rate $rates --solutions dense-center --distance 0.1
done
