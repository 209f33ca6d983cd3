//! Momentum steps on the sphere, eight f32 at a time; see [`crate::simd::momentum_step`].

use crate::simd::sphere::Momentum;

/// Eight f32 in one register.
pub(in crate::simd) trait Floats: Copy {
    /// All lanes x.
    fn splat(x: f32) -> Self;
    /// From memory.
    fn load(x: &[f32; 8]) -> Self;
    /// To memory.
    fn store(self, x: &mut [f32; 8]);
    /// Lane-wise sum.
    fn add(self, other: Self) -> Self;
    /// Lane-wise difference.
    fn sub(self, other: Self) -> Self;
    /// Lane-wise product.
    fn mul(self, other: Self) -> Self;
    /// Lane-wise quotient.
    fn div(self, other: Self) -> Self;
    /// Lane-wise square root.
    fn sqrt(self) -> Self;
    /// The sum of all lanes, by halves.
    fn sum(self) -> f32;
}

/// Units whose scalars share a register.
const UNITS: usize = 8;

/// All units.
#[inline(always)]
pub(in crate::simd) fn momentum_step<F: Floats>(
    step: Momentum,
    gradient: &[f32],
    velocity: &mut [f32],
    weights: &mut [f32],
) {
    let (stride, eta) = (step.stride, F::splat(step.eta));
    let groups = weights.chunks_mut(UNITS * stride).zip(velocity.chunks_mut(UNITS * stride));
    for ((w, v), g) in groups.zip(gradient.chunks(UNITS * stride)) {
        // W·V, V·V and W·W; of missing units anything but zero.
        let mut sums = [[1.0; UNITS]; 3];
        let units = w.chunks_exact(stride).zip(v.chunks_exact_mut(stride));
        for (unit, ((w, v), g)) in units.zip(g.chunks_exact(stride)).enumerate() {
            let found = accelerate::<F>(step.momentum, g, v, w);
            sums.iter_mut().zip(found).for_each(|(sums, found)| sums[unit] = found);
        }
        let [wv, vv, ww] = sums.map(|sums| F::load(&sums));
        let along = wv.div(ww);
        let tangent = vv.sub(along.mul(wv));
        let norm2 = ww.add(eta.mul(eta).mul(tangent));
        let scale = F::splat(step.n as f32).div(norm2).sqrt();
        let [mut alongs, mut scales] = [[0.0; UNITS]; 2];
        along.store(&mut alongs);
        scale.store(&mut scales);
        let units = w.chunks_exact_mut(stride).zip(v.chunks_exact_mut(stride));
        for ((w, v), (along, scale)) in units.zip(alongs.into_iter().zip(scales)) {
            advance(F::splat(along), (eta, F::splat(scale)), v, w);
        }
    }
}

/// V ← mV + G of one unit; W·V, V·V, W·W.
#[inline(always)]
fn accelerate<F: Floats>(momentum: f32, g: &[f32], v: &mut [f32], w: &[f32]) -> [f32; 3] {
    let momentum = F::splat(momentum);
    let [mut wv, mut vv, mut ww] = [F::splat(0.0); 3];
    let (g, w) = (g.as_chunks::<8>().0, w.as_chunks::<8>().0);
    for ((lanes, g), w) in v.as_chunks_mut::<8>().0.iter_mut().zip(g).zip(w) {
        let (v, w) = (momentum.mul(F::load(lanes)).add(F::load(g)), F::load(w));
        v.store(lanes);
        wv = wv.add(v.mul(w));
        vv = vv.add(v.mul(v));
        ww = ww.add(w.mul(w));
    }
    [wv.sum(), vv.sum(), ww.sum()]
}

/// V ← V − `along`·W, W ← `scale`·(W + ηV) of one unit.
#[inline(always)]
fn advance<F: Floats>(along: F, (eta, scale): (F, F), v: &mut [f32], w: &mut [f32]) {
    for (v, w) in v.as_chunks_mut::<8>().0.iter_mut().zip(w.as_chunks_mut::<8>().0) {
        let old = F::load(w);
        let new = F::load(v).sub(along.mul(old));
        new.store(v);
        scale.mul(old.add(eta.mul(new))).store(w);
    }
}
