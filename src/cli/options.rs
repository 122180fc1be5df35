//! What several commands share: the device, value parsers, checks of files to be written.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::output;
use super::words::Words;
use crate::adapt::{MODES, Mode, Policy};
use crate::bench::Timed;
use crate::error::{Error, Result};
use crate::gpu::{Device, ShaderChecks};
use crate::named::Named;
use crate::tune;

/// Where to compute.
#[derive(Debug, Args)]
pub(super) struct DeviceOptions {
    /// auto (a hardware GPU, else the CPU), cpu, gpu, gpu:N as numbered by `isopose devices`, or part of a GPU's name
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Threads of the CPU device; 0 for one per core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
}

impl DeviceOptions {
    /// Opens the device with shaders as tested: without checks at run time.
    pub(super) fn open(&self) -> Result<Device> {
        self.open_with(ShaderChecks::Off)
    }

    pub(super) fn open_with(&self, checks: ShaderChecks) -> Result<Device> {
        let device = self.open_untuned(checks)?;
        let (Device::Gpu(gpu), Some(path)) = (&device, tiles_path()) else { return Ok(device) };
        match tune::load(&path, gpu) {
            Ok(Some(tiling)) => Ok(Device::Gpu(gpu.with_tiling(tiling))),
            Ok(None) => Ok(device),
            Err(error) => {
                output::note(&format!("warning: {}", Words::typed().message(&error)));
                Ok(device)
            }
        }
    }

    /// Opens the device with the tiles that it has before `isopose tune`.
    pub(super) fn open_untuned(&self, checks: ShaderChecks) -> Result<Device> {
        Device::open(&self.device, self.threads.into(), checks)
    }
}

/// The file of tuned tiles: in the user's cache folder, or where `ISOPOSE_TILES` says; none where it says `off`.
pub(super) fn tiles_path() -> Option<PathBuf> {
    match std::env::var_os("ISOPOSE_TILES") {
        Some(value) if value == "off" => None,
        Some(value) if !value.is_empty() => Some(value.into()),
        _ => tune::cache_path(),
    }
}

/// One of an enum's values by its name.
pub(super) fn named<T: Named + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let names = T::ALL.iter().map(|value| value.name());
    PossibleValuesParser::new(names).try_map(|name| T::named(&name).ok_or("there is no such value"))
}

/// One of the modes that `keep` holds, by its name; long help says what each does.
pub(super) fn mode(keep: fn(&Mode) -> bool) -> impl TypedValueParser<Value = Mode> {
    let known = |mode: &&Mode| keep(mode);
    let value = |mode: &Mode| PossibleValue::new(mode.name).help(mode.about);
    PossibleValuesParser::new(MODES.iter().filter(known).map(value))
        .try_map(|name| Mode::named(&name).ok_or("there is no such mode"))
}

/// Something to time, by its name.
pub(super) fn timed() -> impl TypedValueParser<Value = Timed> {
    PossibleValuesParser::new(Timed::all().into_iter().map(|timed| timed.name))
        .try_map(|name| Timed::named(&name).ok_or("there is no such row"))
}

/// The help of `--iterations`.
pub(super) fn iterations_help() -> String {
    let default = of_modes(|policy| policy.iterations.to_string());
    format!("T, steps of adaptation on a sample [default: {default}]")
}

/// The help of `--alpha`.
pub(super) fn alpha_help() -> String {
    let default = of_modes(|policy| format!("{:e}", policy.alpha));
    format!("α, the learning rate of adaptation [default: {default}]")
}

/// What `of` says of each mode that adapts, in words, such as a default: `10 for vanilla, else 1`.
fn of_modes(of: fn(&Policy) -> String) -> String {
    let adapting = || MODES.iter().filter(|mode| mode.policy.adapts());
    let count = |value: &String| adapting().filter(|mode| of(&mode.policy) == *value).count();
    let Some(usual) = adapting().map(|mode| of(&mode.policy)).max_by_key(count) else { return String::new() };
    let special = adapting().filter(|mode| of(&mode.policy) != usual);
    let mut words: Vec<String> = special.map(|mode| format!("{} for {mode}", of(&mode.policy))).collect();
    words.push(if words.is_empty() { usual } else { format!("else {usual}") });
    words.join(", ")
}

/// A joint count that there is a skeleton for.
pub(super) fn joints(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|joints| matches!(joints, 16 | 17)).ok_or_else(|| "use 16 or 17".to_owned())
}

/// A whole number of at least 1.
pub(super) fn count<T: FromStr + From<u8> + PartialOrd>(text: &str) -> std::result::Result<T, String> {
    text.parse().ok().filter(|n| *n >= T::from(1)).ok_or_else(|| "use a whole number of at least 1".to_owned())
}

/// A number above 0.
pub(super) fn positive<T: FromStr + Into<f64> + Copy>(text: &str) -> std::result::Result<T, String> {
    let fits = |number: &T| (*number).into().is_finite() && (*number).into() > 0.0;
    text.parse().ok().filter(fits).ok_or_else(|| "use a number above 0".to_owned())
}

/// The program's name and its arguments, as typed.
pub(super) fn command_line() -> String {
    let quoted = |word: String| match word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:@+".contains(c)) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    let arguments = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("isopose".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Fails if `path`, given by `option`, cannot be written or is one of the `inputs`, which it would destroy; to be called
/// before any long work.
pub(super) fn check_writable(path: &Path, option: &str, inputs: &[&Path]) -> Result<()> {
    // A file that is not there yet has no canonical path and is no input.
    if let Ok(target) = path.canonicalize()
        && inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == target))
    {
        return Err(Error::Usage(format!("{option} {}: this is an input too; write to another file", path.display())));
    }
    let wrong = |problem: String, fix: &str| Err(Error::file(path, option, problem, fix));
    if path.is_dir() || path.file_name().is_none() {
        return wrong("this is a folder".to_owned(), "give the name of a file in it");
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return wrong(format!("there is no folder {}", folder.display()), "create it first");
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => wrong(format!("{} cannot be written to ({error})", folder.display()), "choose another folder"),
    }
}
