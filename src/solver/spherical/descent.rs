//! Steps on the sphere Σ_i W_li² = n of every unit: momentum SGD and Adam in the tangent space, and the
//! pull of the replicas.
//!
//! Momentum: V ← T(mV + G), W ← R(W + ηV) ([`crate::simd::momentum_step`]). Adam (Kingma & Ba,
//! arXiv:1412.6980): the running means of T(G) and T(G)² with their bias corrections give V, W as above.
//! T takes away the component along W, X − W(W·X)/(W·W) unit by unit; R restores the norm. Then
//! W ← R(W + λ(c − W)) with the replicas' mean c before the step and their elastic constant λ. Sums run
//! over eight lanes and a fixed tree. Cost O(N).

use crate::simd::{Isa, Momentum, Work, momentum_step};

/// Lanes of a sum; units begin at multiples of it.
const LANES: usize = 8;

/// Adam's decay rate of the second moment.
const SECOND_DECAY: f64 = 0.999;
/// Adam's least denominator.
const LEAST: f32 = 1e-8;

/// One step of one replica; all slices are K × stride with zero padding.
pub struct Step<'a> {
    /// n.
    pub n: usize,
    /// From unit to unit.
    pub stride: usize,
    /// G.
    pub gradient: &'a [f32],
    /// W.
    pub weights: &'a mut [f32],
    /// V, or Adam's first moment.
    pub velocity: &'a mut [f32],
    /// Adam's second moment; empty for momentum.
    pub second: &'a mut [f32],
    /// Sum of the replicas and their number, where they are coupled.
    pub center: Option<(&'a [f32], f32)>,
    /// m, or Adam's first decay rate.
    pub momentum: f64,
    /// η.
    pub eta: f32,
    /// λ.
    pub lambda: f32,
    /// Steps so far, this one included.
    pub count: u64,
}

impl Step<'_> {
    /// Makes it.
    pub fn run(self, isa: Isa) {
        let Self { n, stride, gradient, weights, velocity, second, eta, lambda, .. } = self;
        if second.is_empty() {
            let step = Momentum { n, stride, momentum: self.momentum as f32, eta };
            momentum_step(isa, step, gradient, velocity, weights);
        } else {
            let correction = |decay: f64| 1.0 / (1.0 - libm::pow(decay, self.count as f64));
            isa.run(Adam {
                n,
                stride,
                gradient,
                weights: &mut *weights,
                first: velocity,
                second,
                decay: self.momentum as f32,
                first_scale: (f64::from(eta) * correction(self.momentum)) as f32,
                second_scale: correction(SECOND_DECAY) as f32,
            });
        }
        if let Some((sums, replicas)) = self.center {
            isa.run(Pull { n, stride, weights, sums, share: lambda / replicas, lambda });
        }
    }
}

/// Adam's step.
struct Adam<'a> {
    n: usize,
    stride: usize,
    gradient: &'a [f32],
    weights: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    decay: f32,
    /// η and the second moment's factor with their bias corrections.
    first_scale: f32,
    second_scale: f32,
}

impl Work for Adam<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { decay, first_scale, second_scale, .. } = self;
        let second_decay = SECOND_DECAY as f32;
        for at in (0..self.weights.len()).step_by(self.stride) {
            let unit = at..at + self.stride;
            let w = &mut self.weights[unit.clone()];
            let (v, s) = (&mut self.first[unit.clone()], &mut self.second[unit.clone()]);
            let g = &self.gradient[unit];
            let along = dot(g, w) / dot(w, w);
            for (((w, v), g), s) in w.iter_mut().zip(v).zip(g).zip(s) {
                let g = g - along * *w;
                *v = decay * *v + (1.0 - decay) * g;
                *s = second_decay * *s + (1.0 - second_decay) * (g * g);
                *w += first_scale * (*v / ((second_scale * *s).sqrt() + LEAST));
            }
            normalise_unit(w, self.n);
        }
    }
}

/// W ← R(W + λ(c − W)), c = `sums`·`share`/λ.
struct Pull<'a> {
    n: usize,
    stride: usize,
    weights: &'a mut [f32],
    sums: &'a [f32],
    share: f32,
    lambda: f32,
}

impl Work for Pull<'_> {
    #[inline(always)]
    fn run(self) {
        let units = self.weights.chunks_exact_mut(self.stride);
        for (w, sums) in units.zip(self.sums.chunks_exact(self.stride)) {
            for (w, sum) in w.iter_mut().zip(sums) {
                *w += self.share * sum - self.lambda * *w;
            }
            normalise_unit(w, self.n);
        }
    }
}

/// Restores Σ_i W_li² = n in every unit.
pub struct Normalise<'a> {
    /// n.
    pub n: usize,
    /// From unit to unit.
    pub stride: usize,
    /// W, K × stride with zero padding.
    pub weights: &'a mut [f32],
}

impl Work for Normalise<'_> {
    #[inline(always)]
    fn run(self) {
        self.weights.chunks_exact_mut(self.stride).for_each(|unit| normalise_unit(unit, self.n));
    }
}

/// Restores W·W = n.
#[inline(always)]
pub fn normalise_unit(w: &mut [f32], n: usize) {
    let norm2 = dot(w, w);
    if norm2 > 0.0 {
        let scale = (n as f32 / norm2).sqrt();
        w.iter_mut().for_each(|w| *w *= scale);
    }
}

/// Σ_i a_i b_i; the length is a multiple of eight.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for half in [4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}
