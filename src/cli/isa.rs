//! `reluscape isa`: which instruction sets the kernels know, which this processor has, which is used.

use crate::simd::{self, Isa};
use crate::{Error, Exit, Result};

/// Arguments of `reluscape isa`.
#[derive(clap::Args)]
#[command(after_help = "EXAMPLES
  reluscape isa                         what this processor has and what is used
  RELUSCAPE_ISA=scalar reluscape isa    the same with portable code asked for
  reluscape isa --json                  for scripts

Results have the same bytes with every instruction set; only the speed differs.")]
pub struct Args {
    /// Print JSON: {\"selected\", \"override\", \"sets\": [{name, available, automatic, tested}]}
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Report {
    selected: &'static str,
    r#override: Option<String>,
    sets: Vec<simd::Listing>,
}

/// Prints the listing.
///
/// # Errors
/// [`Error::Usage`] if `RELUSCAPE_ISA` asks for what is not there.
pub fn run(args: Args) -> Result<Exit> {
    let report = Report {
        selected: Isa::detect()?.name(),
        r#override: std::env::var(simd::OVERRIDE).ok().filter(|name| !name.is_empty()),
        sets: simd::listings(),
    };
    if args.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| Error::Internal(error.to_string()))?;
        println!("{text}");
        return Ok(Exit::Done);
    }
    for set in &report.sets {
        let used = if set.name == report.selected { "*" } else { " " };
        let state = match (set.available, set.tested, set.automatic) {
            (false, ..) => "not on this processor",
            (true, true, _) => "available",
            (true, false, true) => "available, not yet tested on hardware",
            (true, false, false) => {
                "available, not yet tested on hardware: only when RELUSCAPE_ISA asks for it"
            }
        };
        println!("{used} {:<8} {state}", set.name);
    }
    match &report.r#override {
        Some(name) => println!("used: {} (RELUSCAPE_ISA={name})", report.selected),
        None => println!("used: {} (override with {}=NAME)", report.selected, simd::OVERRIDE),
    }
    Ok(Exit::Done)
}
