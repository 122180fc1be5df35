//! The command line; see [`isopose::cli`].

fn main() -> std::process::ExitCode {
    isopose::cli::run()
}
