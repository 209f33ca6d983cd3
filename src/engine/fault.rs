//! Faults on purpose, for the tests of what survives them; compiled into debug builds only.
//!
//! `RELUSCAPE_FAULT=KIND@CELL:SAMPLE` makes that unit panic (`panic`), kill its process with
//! SIGABRT (`abort`) or never end (`hang`).

use crate::record::UnitId;
use std::sync::OnceLock;
use std::time::Duration;

/// Environment variable that names the fault.
pub const FAULT: &str = "RELUSCAPE_FAULT";

/// Does what [`FAULT`] says if it means `unit`.
///
/// # Panics
/// If it is told to, or if the variable is not understood.
pub fn inject(unit: UnitId) {
    static FAULTS: OnceLock<Option<(String, UnitId)>> = OnceLock::new();
    let fault = FAULTS.get_or_init(|| {
        let text = std::env::var(FAULT).ok().filter(|text| !text.is_empty())?;
        let parsed = text.split_once('@').and_then(|(kind, place)| {
            let (cell, sample) = place.split_once(':')?;
            let unit = UnitId { cell: cell.parse().ok()?, sample: sample.parse().ok()? };
            Some((kind.to_owned(), unit))
        });
        Some(parsed.unwrap_or_else(|| panic!("{FAULT}={text}: expected KIND@CELL:SAMPLE")))
    });
    let Some((kind, place)) = fault else { return };
    if *place != unit {
        return;
    }
    match kind.as_str() {
        "panic" => panic!("a fault on purpose"),
        "abort" => std::process::abort(),
        "hang" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        _ => panic!("{FAULT}: expected panic, abort or hang, not {kind}"),
    }
}
