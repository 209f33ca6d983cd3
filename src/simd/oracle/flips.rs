//! Single flips.

use super::*;
use proptest::prelude::*;

/// One instance and a configuration, with the definition of everything that a flip changes.
struct Case {
    n: usize,
    units: usize,
    full: bool,
    rows: Vec<u64>,
    labels: Vec<u64>,
    count: usize,
    weights: Vec<u64>,
    form: UnitForm,
    readout: Vec<i8>,
    threshold: i64,
    hinge: i64,
}

/// h_l, x and the energies, entry by entry.
struct Definition {
    h: Vec<Vec<i32>>,
    x: Vec<i64>,
    errors: i64,
    hinge: i64,
}

impl Case {
    fn random(n: usize, units: usize, full: bool, count: usize, form: UnitForm) -> Self {
        let mut stream = stream(&[n as u64, units as u64, full.into(), count as u64, form as u64]);
        let groups = if full { 1 } else { units };
        let rows = random_rows(n, groups, count, &mut stream);
        // One label may be absent.
        let all = [0, u64::MAX];
        let kind = stream.below(4) as usize;
        let words = count.div_ceil(64);
        let labels = (0..words).map(|_| all.get(kind).copied().unwrap_or(stream.bits())).collect();
        let odd = matches!(form, UnitForm::Identity | UnitForm::Sign);
        let readout = (0..units).map(|l| if odd || l < units / 2 { 1 } else { -1 }).collect();
        Self {
            n,
            units,
            full,
            rows,
            labels,
            count,
            weights: random_rows(n, units, 1, &mut stream),
            form,
            readout,
            threshold: stream.below(5) as i64 - 1,
            hinge: stream.below(9) as i64 - 2,
        }
    }

    fn definition(&self) -> Definition {
        let (words, groups) = (self.n.div_ceil(64), if self.full { 1 } else { self.units });
        let unit_h = |mu: usize, l: usize| {
            let group = if self.full { 0 } else { l };
            let row = &self.rows[(mu * groups + group) * words..][..words];
            field(row, &self.weights[l * words..][..words], self.n)
        };
        let h: Vec<Vec<i32>> =
            (0..self.count).map(|mu| (0..self.units).map(|l| unit_h(mu, l)).collect()).collect();
        let x: Vec<i64> = (0..self.count)
            .map(|mu| {
                let total: i64 = (0..self.units)
                    .map(|l| i64::from(self.readout[l]) * i64::from(self.form.value(h[mu][l])))
                    .sum();
                i64::from(sign(&self.labels, mu)) * total
            })
            .collect();
        let errors = x.iter().filter(|&&x| x <= self.threshold).count() as i64;
        let hinge = x.iter().map(|&x| (self.hinge - x).max(0)).sum();
        Definition { h, x, errors, hinge }
    }

    fn columns(&self) -> FlipColumns {
        let groups = if self.full { 1 } else { self.units };
        let columns = FlipColumns::new(&self.rows, &self.labels, groups, self.n);
        assert_eq!(columns.count(), self.count);
        columns
    }

    fn state(&self, isa: Isa, columns: &FlipColumns) -> FlipState {
        let (threshold, hinge) = (self.threshold, self.hinge);
        let mut state =
            FlipState::new(isa, columns, self.form, &self.readout, threshold, hinge).unwrap();
        state.load(isa, columns, &self.weights);
        state
    }

    fn toggle(&mut self, unit: usize, input: usize) {
        self.weights[unit * self.n.div_ceil(64) + input / 64] ^= 1 << (input % 64);
    }

    /// Everything in `state` agrees with the definition.
    fn compare(&self, isa: Isa, state: &FlipState) {
        let (definition, what) = (self.definition(), (isa, self.n, self.count, self.form));
        assert_eq!(state.weights(), self.weights, "{what:?}");
        assert_eq!(state.errors() as i64, definition.errors, "errors of {what:?}");
        assert_eq!(state.hinge(), definition.hinge, "hinge of {what:?}");
        let x: Vec<i64> = state.stabilities().map(i64::from).collect();
        assert_eq!(x, definition.x, "x of {what:?}");
        for l in 0..self.units {
            let h: Vec<i32> = state.preactivations(l).map(i32::from).collect();
            let expected: Vec<i32> = definition.h.iter().map(|h| h[l]).collect();
            assert_eq!(h, expected, "h of {what:?}");
        }
    }

    /// A sequence of proposals, each followed by the flip: ΔE is that of the definition, and the
    /// state that of a full recomputation.
    fn check(mut self, isa: Isa, flips: usize) {
        let columns = self.columns();
        let mut state = self.state(isa, &columns);
        self.compare(isa, &state);
        let mut stream = stream(&[self.n as u64, self.count as u64]);
        for _ in 0..flips {
            let unit = stream.below(self.units as u64) as usize;
            let input = stream.below(self.n as u64) as usize;
            let before = state.clone();
            let proposed = [Energy::Errors, Energy::Hinge]
                .map(|e| state.propose(isa, &columns, e, unit, input));
            assert_eq!(
                state.stabilities().collect::<Vec<_>>(),
                before.stabilities().collect::<Vec<_>>()
            );
            state.flip(isa, &columns, unit, input);
            self.toggle(unit, input);
            self.compare(isa, &state);
            let change =
                [Energy::Errors, Energy::Hinge].map(|e| state.energy(e) - before.energy(e));
            assert_eq!(proposed, change, "{isa:?} n {} P {} {:?}", self.n, self.count, self.form);
        }
    }
}

#[test]
fn flips_at_all_pattern_counts() {
    every_isa(|isa| {
        for count in 0..=4 * 32 + 1 {
            let form = UNIT_FORMS[count % UNIT_FORMS.len()];
            Case::random(5, 4, count % 3 == 0, count, form).check(isa, 4);
        }
    });
}

#[test]
fn flips_at_all_lengths() {
    every_isa(|isa| {
        for n in 1..=4 * 64 + 1 {
            if n < 6 || [0, 1, 63].contains(&(n % 64)) {
                for form in UNIT_FORMS {
                    Case::random(n, 2, n % 2 == 0, 37, form).check(isa, 3);
                }
            }
        }
    });
}

/// Stabilities at the ends of 16 bits, thresholds beyond them.
#[test]
fn flips_at_extreme_values() {
    every_isa(|isa| {
        for (count, label) in [(1, 0), (33, u64::MAX)] {
            for (threshold, hinge) in
                [(32_760, 0), (32_765, 0), (32_766, 0), (i64::MAX, 0), (i64::MIN, 0), (-32_767, 0)]
            {
                let mut case = Case::random(32_766, 1, false, count, UnitForm::Identity);
                case.rows.fill(0);
                case.labels.fill(label);
                case.weights.fill(0);
                (case.threshold, case.hinge) = (threshold, hinge);
                case.check(isa, 2);
            }
        }
        let columns = Case::random(32_766, 2, false, 3, UnitForm::Relu).columns();
        let with = |form, readout: &[i8], hinge| {
            FlipState::new(isa, &columns, form, readout, 0, hinge).map(|_| ())
        };
        assert_eq!(with(UnitForm::Relu, &[1, -1], 0), Ok(()));
        assert!(with(UnitForm::Relu, &[1, 1], 0).unwrap_err().contains("65532"));
        assert!(with(UnitForm::Relu, &[1, -1], -1).unwrap_err().contains("16 bits"));
        assert!(with(UnitForm::Quadratic, &[1, -1], 0).is_err());
    });
}

#[test]
fn quadratic_units_count_as_their_squares() {
    // Σ c h² > T ⇔ x > ⌊T/4⌋ when the readout signs cancel, for both parities of n.
    for n in [6, 7] {
        for (a, b) in (0..=n).flat_map(|a| (0..=n).map(move |b| (a, b))) {
            let (a, b) = (n - 2 * a, n - 2 * b);
            let x = UnitForm::Quadratic.value(a) - UnitForm::Quadratic.value(b);
            assert_eq!(4 * x, a * a - b * b);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn many_flips_equal_a_recomputation(
        n in 1usize..90, pairs in 1usize..4, full: bool, count in 1usize..150, form in 0usize..5,
    ) {
        every_isa(|isa| {
            let mut case = Case::random(n, 2 * pairs, full, count, UNIT_FORMS[form]);
            let columns = case.columns();
            let mut state = case.state(isa, &columns);
            let mut stream = stream(&[n as u64]);
            for _ in 0..400 {
                let unit = stream.below(2 * pairs as u64) as usize;
                let input = stream.below(n as u64) as usize;
                state.flip(isa, &columns, unit, input);
                case.toggle(unit, input);
            }
            case.compare(isa, &state);
        });
    }
}
