use super::*;

/// One of each, with a parameter that is not the default.
pub(crate) const ALL: [Activation; 9] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.2 },
    Activation::Sign,
    Activation::Erf { scale: 0.7 },
    Activation::Tanh,
    Activation::Gelu,
    Activation::Quadratic,
    Activation::Abs,
];

/// Value and slope of the form that real weights learn with, in f64.
pub(crate) fn smoothed(activation: Activation, gain: f64, x: f64) -> (f64, f64) {
    let parabola = |slope: f64| {
        let on = if gain * x < -1.0 { (0.0, 0.0) } else { (x, 1.0) };
        let inside = ((1.0 + gain * x).powi(2) / (4.0 * gain), 0.5 * (1.0 + gain * x));
        let (value, step) = if (gain * x).abs() < 1.0 { inside } else { on };
        (slope * x + (1.0 - slope) * value, slope + (1.0 - slope) * step)
    };
    match activation {
        Activation::Relu => parabola(f64::from(leaky_relu::LEAK)),
        Activation::LeakyRelu { slope } => parabola(slope),
        Activation::Sign => {
            let t = libm::tanh(gain * x);
            (t, gain * (1.0 - t * t))
        }
        other => (other.value(x), other.derivative(x)),
    }
}

struct Compare(Activation);

impl WithUnit for Compare {
    type Output = ();

    fn with<U: HiddenUnit + Copy>(self, unit: U) {
        let name = self.0.name();
        for step in -400..=400 {
            // No kink is hit.
            let x = f64::from(step) / 100.0 + 0.003;
            let (value, slope) = unit.learnt(x as f32, 1.5);
            let judged = f64::from(unit.judged(x as f32));
            assert!((judged - self.0.value(x)).abs() < 4e-6, "{name}({x}) = {judged}");
            let (v, s) = smoothed(self.0, 1.5, x);
            assert!((f64::from(value) - v).abs() < 4e-6, "{name}({x}) = {value}");
            assert!((f64::from(slope) - s).abs() < 1e-5, "{name}'({x}) = {slope}");
        }
    }
}

/// Values and slopes in f32 against the f64 definitions: f32 rounding of numbers up to 16.
#[test]
fn forms_in_f32_agree_with_the_definitions() {
    ALL.iter().for_each(|&activation| activation.with(Compare(activation)));
}

/// What a file says fits the list and itself: name and key are its own, g' is the slope of g, odd
/// functions are odd, an integer form is g at the integers up to its unit.
#[test]
fn files_say_what_the_list_and_the_definition_say() {
    assert_eq!(ALL.len(), ACTIVATION_NAMES.len());
    let mut keys = Vec::new();
    for (activation, &name) in ALL.iter().zip(ACTIVATION_NAMES) {
        assert_eq!(activation.name(), name);
        let json = serde_json::to_value(activation).unwrap();
        assert_eq!(json["name"], name);
        let parameter = activation.parameter();
        assert_eq!(json.as_object().unwrap().len(), 1 + usize::from(parameter.is_some()));
        if let Some((key, value)) = parameter {
            assert_eq!(json[key], value);
        }
        assert_eq!(serde_json::from_value::<Activation>(json).unwrap(), *activation);
        let given = |key| parameter.and_then(|(k, value)| (k == key).then_some(value));
        assert_eq!(Activation::parse(name, given("slope"), given("scale")), Ok(*activation));
        assert!(!keys.contains(&activation.key().0), "{name}: another's key");
        keys.push(activation.key().0);
        for step in -30..30 {
            let (x, h) = (f64::from(step) / 7.0 + 0.01, 1e-5);
            let difference = (activation.value(x + h) - activation.value(x - h)) / (2.0 * h);
            assert!((activation.derivative(x) - difference).abs() < 1e-8, "{name}'({x})");
            if activation.is_odd() {
                assert_eq!(activation.value(-x), -activation.value(x), "{name}({x})");
            }
        }
    }
}

#[test]
fn parameters_belong_to_their_activation() {
    let parse = Activation::parse;
    assert_eq!(parse("leaky_relu", None, None), Ok(Activation::LeakyRelu { slope: 0.01 }));
    assert_eq!(parse("erf", None, None), Ok(Activation::Erf { scale: 1.0 }));
    for (name, slope, scale, words) in [
        ("relu", Some(0.1), None, "`slope` belongs to leaky_relu, not to relu"),
        ("leaky_relu", None, Some(1.0), "`scale` belongs to erf, not to leaky_relu"),
        ("leaky_relu", Some(1.0), None, "slope = 1: expected a number in (-1, 1)"),
        ("erf", None, Some(0.0), "scale = 0: expected a positive number"),
        ("erf", None, Some(f64::NAN), "expected a positive number"),
        ("selu", None, None, "unknown activation \"selu\": expected one of identity, relu"),
    ] {
        let message = parse(name, slope, scale).unwrap_err();
        assert!(message.contains(words), "{message}");
    }
}

/// A unit that a program brings along is asked for everything it says.
#[test]
fn custom_units_are_asked_themselves() {
    #[derive(Clone, Copy, Debug)]
    struct Other;
    #[rustfmt::skip]
    impl HiddenUnit for Other {
        fn name(&self) -> &'static str { "other" }
        fn key(&self) -> u64 { 99 }
        fn is_odd(&self) -> bool { true }
        fn value(&self, x: f64) -> f64 { 3.0 * x }
        fn derivative(&self, _: f64) -> f64 { 3.0 }
        fn parameter(&self) -> Option<(&'static str, f64)> { Some(("slope", 3.0)) }
        fn integer_form(&self) -> Option<UnitForm> { Some(UnitForm::Identity) }
        fn kernel(&self) -> Kernel { Kernel::Square }
        fn learnt(&self, x: f32, gain: f32) -> (f32, f32) { (x, gain) }
        fn judged(&self, x: f32) -> f32 { 2.0 * x }
    }
    struct Ask;
    impl WithUnit for Ask {
        type Output = String;
        fn with<U: HiddenUnit + Copy>(self, u: U) -> String {
            let forms = (u.integer_form(), u.kernel(), u.learnt(5.0, 7.0), u.judged(4.0));
            format!("{} {} {} {:?} ", u.name(), u.key(), u.is_odd(), u.parameter())
                + &format!("{} {} {forms:?}", u.value(2.0), u.derivative(2.0))
        }
    }
    let custom = Activation::Custom(&Other);
    assert_eq!(custom.with(Ask), Ask.with(Other));
    assert_eq!((custom, custom.key()), (Activation::Custom(&Other), (99, 3.0)));
    assert_ne!(custom, Activation::Identity);
    assert!(serde_json::to_value(custom).is_err());
}
