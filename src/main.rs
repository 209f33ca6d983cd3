//! The `reluscape` program: parse, run the verb, exit with its code.

fn main() -> std::process::ExitCode {
    reluscape::cli::main().into()
}
