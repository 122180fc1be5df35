//! What several commands share: the device, value parsers, checks of files to be written.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::output;
use super::words::Words;
use crate::adapt::{AdaptConfig, MODES, Mode, Policy};
use crate::bench::Timed;
use crate::checkpoint::Checkpoint;
use crate::config::{ModelConfig, Ssl};
use crate::data::{Findings, PoseCheck, PoseSet, Wrong};
use crate::error::{Error, Result};
use crate::gpu::{Device, ShaderChecks, unusable_variable};
use crate::named::Named;
use crate::pose::Fill;
use crate::system::MOST_THREADS;
use crate::tune;

/// Where to compute.
#[derive(Debug, Args)]
pub(super) struct DeviceOptions {
    /// auto (a hardware GPU, else the CPU), cpu, gpu, gpu:N as numbered by `isopose devices`, or part of a GPU's name; eval
    /// takes several, such as gpu:0,gpu:1, which share the samples.
    /// WGPU_BACKEND limits the backends that GPUs are sought in
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Threads of the CPU device; 0 for RAYON_NUM_THREADS where that is set, else one per core
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(..=MOST_THREADS as i64))]
    threads: u16,
}

impl DeviceOptions {
    /// The flags that choose the same device, after a space; none for the usual.
    pub(super) fn flags(&self) -> String {
        let device = if self.device == "auto" {
            String::new()
        } else {
            format!(" --device {}", quoted(Path::new(&self.device)))
        };
        let threads = if self.threads == 0 { String::new() } else { format!(" --threads {}", self.threads) };
        device + &threads
    }

    /// As with `--device` alone.
    pub(super) fn of(device: &str) -> Self {
        Self { device: device.to_owned(), threads: 0 }
    }

    /// Opens the device with shaders as tested: without checks at run time.
    pub(super) fn open(&self) -> Result<Device> {
        self.open_with(ShaderChecks::Off)
    }

    /// As [`Self::open`] of each device of a list, `gpu:0,gpu:1`.
    pub(super) fn open_each(&self) -> Result<Vec<Device>> {
        let Some(names) = self.list() else { return Ok(vec![self.open()?]) };
        if names.iter().any(String::is_empty) {
            let problem = format!("{}: there is an empty name in the list; strike a comma", self.device);
            return Err(Error::setting("device", problem));
        }
        names.into_iter().map(|device| Self { device, threads: self.threads }.open()).collect()
    }

    /// The names of a list. A GPU's name may have a comma too, but none that is `cpu` or a number.
    fn list(&self) -> Option<Vec<String>> {
        let names: Vec<String> = self.device.split(',').map(|name| name.trim().to_lowercase()).collect();
        let is_plain = |name: &String| name.is_empty() || name == "cpu" || name == "gpu" || name.starts_with("gpu:");
        (names.len() > 1 && names.iter().any(is_plain)).then_some(names)
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
        if self.list().is_some() {
            return Err(Error::setting("device", format!("{}: only eval takes several; give one", self.device)));
        }
        if let ("auto", Some(problem)) = (&*self.device, unusable_variable()) {
            output::note(&format!("warning: {problem}; the CPU computes"));
        }
        Device::open(&self.device, self.threads.into(), checks)
    }
}

/// Reads a model, and says what it was taken for.
pub(super) fn load_checkpoint(path: &Path) -> Result<Checkpoint> {
    let (checkpoint, told) = Checkpoint::load_told(path)?;
    for note in told.notes() {
        output::note(&format!("warning: {}: {note}", path.display()));
    }
    Ok(checkpoint)
}

/// Reads a pose set, and says what of it cannot be a person's or is odd.
pub(super) fn pose_set(path: &Path) -> Result<PoseSet> {
    let set = PoseSet::load(path)?;
    let Findings { wrong, odd } = PoseCheck::of(&set).findings();
    let wrong = wrong.map(|Wrong { field, problem, .. }| format!("{field}: {problem}"));
    wrong.into_iter().chain(odd).for_each(|what| output::note(&format!("warning: {}: {what}", path.display())));
    Ok(set)
}

/// The camera of data that do not say theirs.
#[derive(Debug, Default, Args)]
pub(super) struct CameraOptions {
    /// Focal length in pixels of data without `intrinsics`, for models with `rays`; the principal point is the image's
    /// middle [default: the longer side of the image is seen under 55 degrees]
    #[arg(long, value_name = "F", value_parser = positive::<f64>)]
    pub(super) focal: Option<f64>,
}

impl CameraOptions {
    /// Says so where --focal is given for data that all have intrinsics.
    pub(super) fn note_without_effect(&self, sets: &[&PoseSet]) {
        if self.focal.is_some() && sets.iter().all(|set| set.intrinsics.is_some()) {
            output::note("--focal is without effect: the data have intrinsics of their own");
        }
    }

    /// The set with intrinsics where it has none of its own: those of --focal, or a guess for a model that takes rays.
    pub(super) fn complete(&self, mut set: PoseSet, path: &Path, rays: bool) -> Result<PoseSet> {
        if set.intrinsics.is_some() || !rays && self.focal.is_none() {
            return Ok(set);
        }
        set.intrinsics = set.assumed_intrinsics(self.focal);
        let path = path.display();
        match (&set.intrinsics, self.focal) {
            (None, Some(_)) => {
                let fix = "give it `image_size` (import --image-size WxH), or `intrinsics`";
                return Err(Error::Usage(format!(
                    "--focal: {path} has no image_size to say where the middle is; {fix}"
                )));
            }
            (None, None) => output::note(&format!(
                "{path} has neither intrinsics nor image_size: its poses are lifted as seen, no camera is turned"
            )),
            (Some(cameras), None) => {
                let focal = cameras.first().map_or(0.0, |camera| camera[0]);
                output::note(&format!("{path} has no intrinsics: a focal length of {focal:.0} pixels is guessed"));
            }
            (Some(_), Some(_)) if !rays => output::note("--focal is without effect: the model takes no rays"),
            (Some(_), Some(focal)) => {
                if let Some(problem) = set.implausible_intrinsics().map(|(_, problem)| problem) {
                    return Err(Error::Usage(format!("--focal {focal}: {path}: {problem}; give pixels")));
                }
            }
        }
        Ok(set)
    }
}

/// How to adapt, where that is not as the mode usually does.
#[derive(Debug, Args)]
pub(super) struct Adaptation {
    #[arg(long, value_name = "T", help = iterations_help())]
    pub(super) iterations: Option<usize>,
    #[arg(long, value_name = "A", help = alpha_help())]
    pub(super) alpha: Option<f32>,
    #[arg(long, value_name = "B", help = copies_help())]
    pub(super) copies: Option<usize>,
    #[arg(long, value_name = "R", help = replay_help())]
    pub(super) replay: Option<usize>,
    /// Predicts each pose once, without averaging with its mirror image
    #[arg(long)]
    pub(super) no_flip: bool,
    /// What stands in for joints that the data lack (confidence 0); they count in no loss and no scale
    #[arg(long, value_name = "FILL", default_value = "last-frame", value_parser = named::<Fill>())]
    pub(super) fill: Fill,
    /// Seed of the random views
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(super) seed: u32,
}

impl Adaptation {
    /// Fails for what the model has no use for.
    pub(super) fn check(&self, model: &ModelConfig) -> Result<()> {
        if self.replay.is_some() && model.ssl != Ssl::Geometry {
            let problem = format!("the model's self-supervision is {}, which replays nothing; leave it out", model.ssl);
            return Err(Error::setting("replay", problem));
        }
        Ok(())
    }

    /// The settings of a mode whose policy is usually this.
    pub(super) fn config(&self, usual: Policy) -> AdaptConfig {
        let policy = Policy {
            iterations: self.iterations.unwrap_or(usual.iterations),
            alpha: self.alpha.unwrap_or(usual.alpha),
            copies: self.copies.unwrap_or(usual.copies),
            replay: self.replay.unwrap_or(usual.replay),
            ..usual
        };
        AdaptConfig { flip: !self.no_flip, seed: self.seed, ..policy.into() }
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
    format!("α, the learning rate of adaptation [default: at width 256, less at larger ones, {default}]")
}

/// The help of `--copies`.
pub(super) fn copies_help() -> String {
    let default = of_modes(|policy| policy.copies.to_string());
    format!("B, random views of a sample in one step [default: {default}]")
}

/// The help of `--replay`.
pub(super) fn replay_help() -> String {
    let replayed = Mode::ONLINE.geometry.replay;
    format!("R, labelled poses of the source replayed in one step, with the geometry task [default: {replayed}]")
}

/// What `of` says of the modes that adapt, with the geometry task and with the paper's, in words.
fn of_modes(of: fn(&Policy) -> String) -> String {
    let of_preset = |policy: fn(&Mode) -> &Policy| of_table(|mode| of(policy(mode)));
    let (geometry, paper) = (of_preset(|mode| &mode.geometry), of_preset(|mode| &mode.paper));
    if geometry == paper { paper } else { format!("{geometry}; with the paper's tasks {paper}") }
}

/// What `of` says of each mode that adapts, in words, such as a default: `10 for vanilla, else 1`.
fn of_table(of: impl Fn(&Mode) -> String) -> String {
    let adapting = || MODES.iter().filter(|mode| mode.adapts());
    let count = |value: &String| adapting().filter(|mode| of(mode) == *value).count();
    let Some(usual) = adapting().map(&of).max_by_key(count) else { return String::new() };
    let special = adapting().filter(|mode| of(mode) != usual);
    let mut words: Vec<String> = special.map(|mode| format!("{} for {mode}", of(mode))).collect();
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
    command_line_without(&[])
}

/// The same without these flags and their values.
pub(super) fn command_line_without(flags: &[&str]) -> String {
    std::iter::once("isopose".to_owned()).chain(arguments_without(flags)).collect::<Vec<_>>().join(" ")
}

/// The arguments, as a shell takes them, without these flags and their values.
pub(super) fn arguments_without(flags: &[&str]) -> Vec<String> {
    let mut typed = std::env::args_os().skip(1);
    let mut arguments = Vec::new();
    while let Some(word) = typed.next() {
        let word = quoted(Path::new(&word));
        let flag = flags.iter().find_map(|flag| word.strip_prefix(flag));
        match flag {
            Some("") => drop(typed.next()),
            Some(rest) if rest.starts_with('=') => {}
            _ => arguments.push(word),
        }
    }
    arguments
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &Path) -> String {
    let word = word.to_string_lossy();
    match word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:@+".contains(c)) {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Fails if `path`, given by `option`, cannot be written whole or is one of the `inputs`, which it would destroy; to be
/// called before any long work.
pub(super) fn check_writable(path: &Path, option: &str, inputs: &[&Path]) -> Result<()> {
    check_followed(path, option, inputs)?;
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        let fix = "give the name of a file; a device or a pipe takes what is written line by line only";
        return Err(Error::file(path, option, "this is no regular file", fix));
    }
    Ok(())
}

/// As [`check_writable`], of what is written line by line: that may be a pipe or a device.
pub(super) fn check_followed(path: &Path, option: &str, inputs: &[&Path]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if inputs.iter().any(|input| same_file(path, input)) {
        return Err(Error::Usage(format!("{option} {}: this is an input too; write to another file", path.display())));
    }
    let wrong = |problem: String, fix: &str| Err(Error::file(path, option, problem, fix));
    if path.is_dir() || path.file_name().is_none() {
        return wrong("this is a folder".to_owned(), "give the name of a file in it");
    }
    if !folder.is_dir() {
        return wrong(format!("there is no folder {}", folder.display()), "create it first");
    }
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Ok(());
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => wrong(format!("{} cannot be written to ({error})", folder.display()), "choose another folder"),
    }
}

/// Fails if two outputs, each with its option, are one file: the later would destroy the earlier.
pub(super) fn check_distinct(outputs: [(&Option<PathBuf>, &str); 2]) -> Result<()> {
    let [(Some(one), option), (Some(other), of_other)] = outputs else { return Ok(()) };
    if same_file(one, other) {
        let problem = format!("{option} {}: {of_other} writes this file too", one.display());
        return Err(Error::Usage(format!("{problem}; write to another file")));
    }
    Ok(())
}

/// Whether two paths name one file, there or not. `-` is what standard input is.
fn same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        path.canonicalize().ok().or_else(|| Some(folder.canonicalize().ok()?.join(path.file_name()?)))
    };
    place(one).is_some_and(|one| place(other) == Some(one)) || is_one_file(one, other)
}

/// Whether two paths lead to one file on the disk, as hard links do.
#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let standard = |path: &Path| if path == Path::new("-") { "/dev/stdin".into() } else { path.to_owned() };
    let [one, other] = [one, other].map(|path| standard(path).metadata().ok().filter(std::fs::Metadata::is_file));
    one.zip(other).is_some_and(|(one, other)| (one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}
