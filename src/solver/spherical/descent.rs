//! Steps on the sphere Σ_i W_li² = n of every unit: momentum SGD and Adam in the tangent space.
//!
//! Momentum: V ← T(mV + G), W ← R(W + ηV + λ(c − W)). Adam (Kingma & Ba, arXiv:1412.6980): the
//! running means of T(G) and T(G)² with their bias corrections give V, W as above. T takes away the
//! component along W, X − W(W·X)/n unit by unit; R restores the norm; c is the replicas' mean and λ
//! their elastic constant. Sums run over sixteen lanes and a fixed tree. Cost O(N).

use crate::simd::Work;

/// Lanes of a sum.
const LANES: usize = 16;

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

impl Work for Step<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { n, stride, gradient, weights, velocity, second, center, eta, lambda, .. } = self;
        let inverse = (1.0 / n as f64) as f32;
        let momentum = self.momentum as f32;
        let adam = !second.is_empty();
        let correction = |decay: f64| 1.0 / (1.0 - libm::pow(decay, self.count as f64));
        let (first_scale, second_scale) = if adam {
            ((f64::from(eta) * correction(self.momentum)) as f32, correction(SECOND_DECAY) as f32)
        } else {
            (eta, 1.0)
        };
        let second_decay = SECOND_DECAY as f32;
        for at in (0..weights.len()).step_by(stride) {
            let w = &mut weights[at..at + stride];
            let v = &mut velocity[at..at + stride];
            let g = &gradient[at..at + stride];
            let norm2 = if adam {
                let s = &mut second[at..at + stride];
                let along = dot(g, w) * inverse;
                for (((w, v), g), s) in w.iter_mut().zip(v).zip(g).zip(s) {
                    let g = g - along * *w;
                    *v = momentum * *v + (1.0 - momentum) * g;
                    *s = second_decay * *s + (1.0 - second_decay) * (g * g);
                    *w += first_scale * (*v / ((second_scale * *s).sqrt() + LEAST));
                }
                None
            } else {
                let along = accelerate(v, g, w, momentum) * inverse;
                Some(advance(w, v, along, first_scale))
            };
            let norm2 = match center {
                Some((sums, replicas)) => {
                    let share = lambda / replicas;
                    for (w, &sum) in w.iter_mut().zip(&sums[at..at + stride]) {
                        *w += share * sum - lambda * *w;
                    }
                    dot(w, w)
                }
                None => norm2.unwrap_or_else(|| dot(w, w)),
            };
            rescale(w, n, norm2);
        }
    }
}

/// V ← mV + G of one unit; returns V·W.
#[inline(always)]
fn accelerate(v: &mut [f32], g: &[f32], w: &[f32], momentum: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (v, v_rest) = v.as_chunks_mut::<LANES>();
    let (g, g_rest) = g.as_chunks::<LANES>();
    let (w, w_rest) = w.as_chunks::<LANES>();
    for ((v, g), w) in v.iter_mut().zip(g).zip(w) {
        for lane in 0..LANES {
            v[lane] = momentum * v[lane] + g[lane];
            lanes[lane] += v[lane] * w[lane];
        }
    }
    for (((lane, v), g), w) in lanes.iter_mut().zip(v_rest).zip(g_rest).zip(w_rest) {
        *v = momentum * *v + g;
        *lane += *v * w;
    }
    total(lanes)
}

/// V ← V − `along`·W, W ← W + ηV of one unit; returns W·W.
#[inline(always)]
fn advance(w: &mut [f32], v: &mut [f32], along: f32, eta: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (w, w_rest) = w.as_chunks_mut::<LANES>();
    let (v, v_rest) = v.as_chunks_mut::<LANES>();
    for (w, v) in w.iter_mut().zip(v) {
        for lane in 0..LANES {
            v[lane] -= along * w[lane];
            w[lane] += eta * v[lane];
            lanes[lane] += w[lane] * w[lane];
        }
    }
    for ((lane, w), v) in lanes.iter_mut().zip(w_rest).zip(v_rest) {
        *v -= along * *w;
        *w += eta * *v;
        *lane += *w * *w;
    }
    total(lanes)
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
    rescale(w, n, norm2);
}

/// W of one unit with W·W = `norm2` to W·W = n.
#[inline(always)]
fn rescale(w: &mut [f32], n: usize, norm2: f32) {
    if norm2 > 0.0 {
        let scale = (n as f32 / norm2).sqrt();
        w.iter_mut().for_each(|w| *w *= scale);
    }
}

/// Σ_i a_i b_i; the length is a multiple of eight.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += a * b;
    }
    total(lanes)
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}
