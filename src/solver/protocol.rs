//! Protocols: schedules of a control parameter (γ, η, λ, β) over the epochs t = 0, 1, 2, …
//!
//! Constant: x(t) = x₀. Linear: x₀ + t·step, or from x₀ to `end` in `epochs` epochs. Geometric:
//! x₀·stepᵗ, or from x₀ to `end` in `epochs` epochs. With `end` the value stays there afterwards.
//! In a job file: `gamma = 0.5` or `gamma = { start = 0.05, step = 0.001 }` or
//! `beta = { start = 1.0, end = 10.0, epochs = 300, form = "geometric" }`.
//!
//! A value is computed from t alone, never accumulated, so that a restored run has the same bits.
//! Deterministic (pinned `libm`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How a protocol interpolates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Equal differences.
    #[default]
    Linear,
    /// Equal ratios.
    Geometric,
}

/// The course of a protocol after its start.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    Constant,
    Step(f64),
    End { value: f64, epochs: u64 },
}

/// A schedule x(t).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protocol {
    start: f64,
    course: Course,
    form: Form,
}

/// The table form in a job file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    start: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epochs: Option<u64>,
    #[serde(default)]
    form: Form,
}

impl Protocol {
    /// x(t) = `start`.
    pub const fn constant(start: f64) -> Self {
        Self { start, course: Course::Constant, form: Form::Linear }
    }

    /// x(t) = `start` + t·`step`.
    pub const fn linear_step(start: f64, step: f64) -> Self {
        Self { start, course: Course::Step(step), form: Form::Linear }
    }

    /// x(t) = `start`·`ratio`ᵗ.
    pub const fn geometric_step(start: f64, ratio: f64) -> Self {
        Self { start, course: Course::Step(ratio), form: Form::Geometric }
    }

    /// From `start` to `end` in `epochs` epochs, then constant.
    pub const fn to(start: f64, end: f64, epochs: u64, form: Form) -> Self {
        Self { start, course: Course::End { value: end, epochs }, form }
    }

    /// x(`epoch`), `epoch` counted from 0.
    pub fn at(&self, epoch: u64) -> f64 {
        let t = epoch as f64;
        match (self.course, self.form) {
            (Course::Constant, _) => self.start,
            (Course::Step(step), Form::Linear) => self.start + t * step,
            (Course::Step(ratio), Form::Geometric) => self.start * libm::pow(ratio, t),
            (Course::End { value, epochs }, _) if epoch >= epochs => value,
            (Course::End { value, epochs }, Form::Linear) => {
                self.start + (value - self.start) * (t / epochs as f64)
            }
            (Course::End { value, epochs }, Form::Geometric) => {
                self.start * libm::pow(value / self.start, t / epochs as f64)
            }
        }
    }

    /// Checks that every value for t = 0..`epochs` is finite and at least `least`.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn validate(&self, least: f64, epochs: u64) -> Result<(), String> {
        if self.form == Form::Geometric {
            let (Course::End { value: other, .. } | Course::Step(other)) = self.course else {
                return self.range(least, epochs);
            };
            if !(self.start > 0.0 && other > 0.0) {
                return Err("a geometric protocol needs positive start and step or end".into());
            }
        }
        self.range(least, epochs)
    }

    /// [`Self::validate`] of the named protocols of a solver, all of them ≥ 0.
    ///
    /// # Errors
    /// (key, message) of the first that fails.
    pub fn validate_all(named: &[(&str, Self)], epochs: u64) -> Result<(), (String, String)> {
        named.iter().try_for_each(|(key, protocol)| {
            protocol.validate(0.0, epochs).map_err(|message| ((*key).to_owned(), message))
        })
    }

    fn range(&self, least: f64, epochs: u64) -> Result<(), String> {
        // Every form is monotone: the two ends bound all values.
        for epoch in [0, epochs] {
            let value = self.at(epoch);
            if !value.is_finite() || value < least {
                return Err(format!("{value} at epoch {epoch}: expected a finite value ≥ {least}"));
            }
        }
        Ok(())
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (step, end, epochs) = match self.course {
            Course::Constant => return serializer.serialize_f64(self.start),
            Course::Step(step) => (Some(step), None, None),
            Course::End { value, epochs } => (None, Some(value), Some(epochs)),
        };
        Table { start: self.start, step, end, epochs, form: self.form }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Protocol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProtocolVisitor)
    }
}

struct ProtocolVisitor;

impl<'de> serde::de::Visitor<'de> for ProtocolVisitor {
    type Value = Protocol;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a number, or a table { start, step } or { start, end, epochs }")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Protocol, E> {
        Ok(Protocol::constant(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Protocol, E> {
        Ok(Protocol::constant(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Protocol, E> {
        Ok(Protocol::constant(value as f64))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Protocol, A::Error> {
        use serde::de::Error;
        let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        let course = match (table.step, table.end, table.epochs) {
            (None, None, None) => Course::Constant,
            (Some(step), None, None) => Course::Step(step),
            (None, Some(value), Some(epochs)) if epochs > 0 => Course::End { value, epochs },
            _ => {
                return Err(A::Error::custom(
                    "expected either `step`, or `end` together with `epochs` ≥ 1",
                ));
            }
        };
        Ok(Protocol { start: table.start, course, form: table.form })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        x: Protocol,
    }

    fn parse(text: &str) -> Result<Protocol, String> {
        toml::from_str::<Holder>(text).map(|h| h.x).map_err(|e| e.to_string())
    }

    #[test]
    fn values_follow_the_formulas() {
        let linear = parse("x = { start = 1, end = 3.0, epochs = 4 }").unwrap();
        assert_eq!([0, 1, 4, 9].map(|t| linear.at(t)), [1.0, 1.5, 3.0, 3.0]);
        let step = parse("x = { start = 0.5, step = 0.25 }").unwrap();
        assert_eq!([0, 1, 4].map(|t| step.at(t)), [0.5, 0.75, 1.5]);
        let ratio = parse("x = { start = 1.0, step = 0.5, form = \"geometric\" }").unwrap();
        assert_eq!([0, 1, 3].map(|t| ratio.at(t)), [1.0, 0.5, 0.125]);
        let end =
            parse("x = { start = 1.0, end = 16.0, epochs = 4, form = \"geometric\" }").unwrap();
        assert!((end.at(2) - 4.0).abs() < 1e-12 && end.at(4) == 16.0);
        assert_eq!(parse("x = 2").unwrap(), Protocol::constant(2.0));
    }

    #[test]
    fn toml_round_trip() {
        for protocol in [
            Protocol::constant(0.25),
            Protocol::linear_step(0.05, 0.001),
            Protocol::geometric_step(2.0, 0.99),
            Protocol::to(1.0, 10.0, 300, Form::Geometric),
        ] {
            let text = toml::to_string(&Holder { x: protocol }).unwrap();
            assert_eq!(parse(&text).unwrap(), protocol, "{text}");
        }
    }

    #[test]
    fn bad_protocols_are_refused() {
        for text in [
            "x = { start = 1.0, end = 2.0 }",
            "x = { start = 1.0, step = 1.0, end = 2.0, epochs = 3 }",
            "x = { start = 1.0, end = 2.0, epochs = 0 }",
            "x = { begin = 1.0 }",
            "x = \"fast\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(Protocol::linear_step(1.0, -0.1).validate(0.0, 100).is_err());
        assert!(Protocol::geometric_step(-1.0, 0.5).validate(f64::MIN, 10).is_err());
        assert!(Protocol::geometric_step(2.0, 1.1).validate(0.0, 100_000).is_err());
        assert!(Protocol::linear_step(1.0, 0.1).validate(0.0, 100).is_ok());
    }
}
