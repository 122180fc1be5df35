//! `isopose lift`.

mod input;
mod lines;
mod live;
mod run;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::import::Kept;
use super::options::{self, Adaptation, CameraOptions, DeviceOptions};
use super::shard::{self, Asked};
use super::{Outcome, interrupt, output, parts};
use crate::adapt::{Lifter, Mode};
use crate::checkpoint::Checkpoint;
use crate::config::Ssl;
use crate::error::{Error, Result};
use crate::evaluate::Shard;
use crate::import::Tolerance;
use crate::lift::{
    About, Form, Output, Page, STANDARD_OUTPUT, Session, SessionConfig, Sink, Smooth, Smoother, USUAL_FPS, Up,
};
use input::{Format, Input};
use run::{How, Run};

/// Lift what a detector saw: 2D in, adapted 3D out, from a file, a folder or a live stream
#[derive(Debug, Args)]
pub(super) struct Lift {
    /// The model
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// What to lift: a pose set, a detector's file or folder, JSON lines; - for JSON lines from standard input
    #[arg(long, value_name = "FILE|DIR|-")]
    input: PathBuf,
    /// The input's form
    #[arg(long, value_name = "F", default_value = "auto", value_parser = options::named::<Format>())]
    format: Format,
    /// How to predict [default: online, or baseline for a model that cannot adapt]
    #[arg(long, value_parser = options::mode(|_| true))]
    mode: Option<Mode>,
    /// Adaptation starts again from the trained model at a cut: another recording, or nobody where somebody was
    #[arg(long)]
    reset_on_cut: bool,
    /// Smooths poses over time: one-euro looks back only, savgol four frames ahead, which takes a file
    #[arg(long, value_name = "S", default_value = "none", value_parser = options::named::<Smooth>())]
    smooth: Smooth,
    /// The output's axes: the camera's (x right, y down, z forward), or a world's before a camera that is held level (x
    /// right, y up, z back) [default: world for bvh and trc, else camera]
    #[arg(long, value_name = "U", value_parser = options::named::<Up>())]
    up: Option<Up>,
    /// Frames a second, for times where the input has none [default: 30 where times are needed]
    #[arg(long, value_name = "F", value_parser = rate)]
    fps: Option<f64>,
    /// Most people who are followed at once; the one who was not seen for the longest time is forgotten first
    #[arg(long, value_name = "N", default_value = "64", value_parser = options::count::<usize>)]
    max_tracks: usize,
    /// Adapts to each person apart, with memory for each; else what one person teaches serves the next
    #[arg(long)]
    adapt_per_track: bool,
    /// Skips adaptation, never prediction, where a frame would take longer than the budget
    #[arg(long)]
    real_time: bool,
    /// The time of a frame from its line to its poses [default: that between two frames at --fps]
    #[arg(long, value_name = "MS", value_parser = options::positive::<f64>, requires = "real_time")]
    budget_ms: Option<f64>,
    /// The file to write, - for standard output; of several people bvh and trc are several files
    #[arg(long, value_name = "FILE|-")]
    out: PathBuf,
    /// The output's form [default: by the file's ending; jsonl for standard output]
    #[arg(long, value_name = "F", value_parser = options::named::<Form>())]
    output_format: Option<Form>,
    /// Writes a page too that plays the result, as trained and as adapted
    #[arg(long, value_name = "FILE.html")]
    view: Option<PathBuf>,
    /// Lifts part I of N of the recordings alone, to a file of its own beside --out; `isopose merge` puts all together. auto
    /// takes I and N from a Slurm array, srun or MPI; auto/N the I of a Kubernetes indexed job or of GNU parallel
    #[arg(long, value_name = "I/N", value_parser = shard::asked, conflicts_with_all = ["view", "real_time"])]
    shard: Option<Asked>,
    #[command(flatten)]
    adaptation: Adaptation,
    #[command(flatten)]
    kept: Kept,
    /// Stop at the first damaged record or file, instead of leaving it out with a warning
    #[arg(long)]
    strict: bool,
    /// Take what cannot be a person, with a warning
    #[arg(long)]
    allow_implausible: bool,
    #[command(flatten)]
    camera: CameraOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

impl Lift {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let to_stdout = self.out == Path::new("-");
        let form = Form::of(&self.out, self.output_format)?;
        let shard = self.shard.map_or(Ok(Shard::WHOLE), shard::told)?;
        let to = &shard::file(&self.out, shard);
        self.check(form, to, to_stdout)?;
        let checkpoint = options::load_checkpoint(&self.checkpoint)?;
        let mode = self.mode(&checkpoint);
        self.check_parted(shard, form, mode)?;
        let config = self.config(mode, &checkpoint)?;
        let (kept, tolerance) = (&self.kept, self.tolerance());
        interrupt::catch();
        let input = Input::open(&self.input, self.format, (kept, tolerance), &self.camera, &checkpoint.model)?;
        if matches!(input, Input::Lines(_)) && !shard.is_whole() {
            let problem = "lines are lifted as they come; give a pose set or a detector's files";
            return Err(Error::setting("shard", problem).into());
        }
        let device = self.device.open()?;
        let lifter = Lifter::new(checkpoint.model, checkpoint.parameters, &device)?;
        let budget = config.budget;
        let session = Session::new(&lifter, config)?;
        let part = (!shard.is_whole()).then(|| parts::begin(to, shard)).transpose()?;
        let sinks = self.sinks(form, to, self.about(form, mode, &session))?;
        let how = How { fps: self.fps, budget, tolerance };
        let mut run = Run::new(session, Smoother::new(self.smooth, self.fps), sinks, how);
        let ended = match input {
            Input::Set { set, is_guess } => run.set(&self.input, &set, is_guess, shard),
            Input::Lines(lines) => run.lines(&self.input, lines, &self.stream_camera(&lifter)),
        };
        let ended = run.finish(ended);
        let summary = run.summary();
        drop(run);
        // Its lines are the output.
        if to_stdout {
            let mut text = Vec::new();
            summary.write(&mut text, budget)?;
            String::from_utf8_lossy(&text).lines().for_each(output::note);
        } else if self.json {
            output::json(out, &summary)?;
        } else {
            summary.write(out, budget)?;
        }
        if matches!(ended, Err(Error::Stopped)) {
            output::note(&format!("stopped after {} frames, which are written", summary.frames));
        }
        ended?;
        if let Some(part) = part {
            part.end(form, Some(&device.name()), &[&self.checkpoint, &self.input])?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What needs no file to be known.
    fn check(&self, form: Form, to: &Path, to_stdout: bool) -> Result<()> {
        if to_stdout && self.json {
            return Err(Error::setting("json", "standard output has the poses; leave it out, or write them to a file"));
        }
        let inputs = [&*self.checkpoint, &*self.input];
        if !to_stdout {
            if form.is_whole() {
                options::check_writable(to, "--out", &inputs)?;
            } else {
                options::check_followed(to, "--out", &inputs)?;
            }
            self.check_inside()?;
            self.check_beside(form, &self.checkpoint)?;
            self.check_beside(form, &self.input)?;
            self.view.as_deref().map_or(Ok(()), |view| self.check_beside(form, view))?;
        }
        self.view.as_deref().map_or(Ok(()), |path| check_page(path, &inputs))?;
        options::check_distinct([(&Some(self.out.clone()), "--out"), (&self.view, "--view")])?;
        if self.smooth == Smooth::Savgol && self.input == Path::new("-") {
            let problem = "savgol looks four frames ahead, which a live stream does not have yet; use one-euro";
            return Err(Error::setting("smooth", problem));
        }
        Ok(())
    }

    /// Fails for parts that would not be what they are of the whole, or that cannot be put together.
    fn check_parted(&self, shard: Shard, form: Form, mode: Mode) -> Result<()> {
        let wrong = |problem: String| Err(Error::setting("shard", problem));
        if shard.is_whole() {
            return Ok(());
        }
        if self.out == Path::new(STANDARD_OUTPUT) {
            return wrong("each part has a file; name one in `out`".to_owned());
        }
        if mode.adapts() && !self.reset_on_cut {
            return wrong(format!(
                "{mode} carries on from one recording to the next, so that parts are lifted otherwise than all; give \
                 `reset_on_cut`"
            ));
        }
        if form.is_joined() {
            Ok(())
        } else {
            wrong(format!("parts of {form} are not put together; use jsonl, csv or npz"))
        }
    }

    /// Fails if the output is a file of the folder that is read, of a kind that detectors write.
    fn check_inside(&self) -> Result<()> {
        let of_detector = self.out.extension().is_some_and(|ending| ending == "json" || ending == "npz");
        let [out, input] = [&self.out, &self.input].map(|path| path.canonicalize().ok());
        // Parts have names of their own, beside this one.
        let parent = self.out.parent().and_then(|folder| Path::new(".").join(folder).canonicalize().ok());
        let beside = parent.filter(|_| self.shard.is_some()).map(|folder| folder.join("part"));
        let is_inside = out.or(beside).zip(input).is_some_and(|(out, input)| out != input && out.starts_with(input));
        if of_detector && is_inside {
            let problem = format!("--out {}: this is an input too, for it is in the folder", self.out.display());
            return Err(Error::Usage(format!("{problem}; write to another file")));
        }
        Ok(())
    }

    /// Fails if a file has a name that one of several people's could be given.
    fn check_beside(&self, form: Form, other: &Path) -> Result<()> {
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let of_person = stem(other).starts_with(&format!("{}-", stem(&self.out)));
        let folder = |path: &Path| path.parent().and_then(|folder| Path::new(".").join(folder).canonicalize().ok());
        let is_beside = folder(other) == folder(&self.out) && other.extension() == self.out.extension();
        if form.is_of_people() && of_person && is_beside {
            let problem = format!("--out {}: of several people one may be {}", self.out.display(), other.display());
            return Err(Error::Usage(format!("{problem}; give another name")));
        }
        Ok(())
    }

    fn mode(&self, checkpoint: &Checkpoint) -> Mode {
        let usual = if checkpoint.model.ssl == Ssl::None { Mode::BASELINE } else { Mode::ONLINE };
        self.mode.unwrap_or(usual)
    }

    fn config(&self, mode: Mode, checkpoint: &Checkpoint) -> Result<SessionConfig> {
        self.adaptation.check(&checkpoint.model)?;
        let adapt = self.adaptation.config(mode.policy(&checkpoint.model));
        adapt.validate(&checkpoint.model)?;
        if self.adapt_per_track && !mode.adapts() {
            return Err(Error::setting("adapt_per_track", format!("{mode} does not adapt; leave it out")));
        }
        let budget_ms = self.budget_ms.unwrap_or(1e3 / self.fps.unwrap_or(USUAL_FPS));
        let budget = self.real_time.then(|| Duration::try_from_secs_f64(budget_ms / 1e3)).transpose();
        Ok(SessionConfig {
            fill: self.adaptation.fill,
            min_score: self.kept.min_score,
            reset_on_cut: self.reset_on_cut,
            max_tracks: self.max_tracks,
            adapt_per_track: self.adapt_per_track,
            budget: budget.map_err(|_| Error::setting("budget_ms", "it is too long; use milliseconds"))?,
            as_trained: self.view.is_some() && mode.adapts(),
            adapt,
        })
    }

    fn about(&self, form: Form, mode: Mode, session: &Session) -> About {
        let usual = if matches!(form, Form::Bvh | Form::Trc) { Up::World } else { Up::Camera };
        About {
            skeleton: session.skeleton(),
            up: self.up.unwrap_or(usual),
            checkpoint: self.checkpoint.display().to_string(),
            mode: mode.name.to_owned(),
            fps: self.fps,
        }
    }

    fn sinks(&self, form: Form, to: &Path, about: About) -> Result<Vec<Box<dyn Sink>>> {
        let page = self.view.as_deref().map(|path| Page::new(path, about.clone())).transpose()?;
        let to = if self.out == Path::new("-") {
            Output::Stream(Box::new(io::stdout()))
        } else {
            Output::File(to.to_owned())
        };
        let mut sinks = vec![form.sink(about, to)?];
        sinks.extend(page.map(|page| Box::new(page) as Box<dyn Sink>));
        Ok(sinks)
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance { strict: self.strict, allow_implausible: self.allow_implausible }
    }

    /// What a stream is seen by until its lines say otherwise.
    fn stream_camera(&self, lifter: &Lifter) -> run::Stream {
        run::Stream { image_size: self.kept.image_size, focal: self.camera.focal, rays: lifter.model().rays }
    }
}

/// Frames a second that can be written.
fn rate(text: &str) -> std::result::Result<f64, String> {
    let fits = |rate: &f64| (1e-3..=1e5).contains(rate);
    text.parse().ok().filter(fits).ok_or_else(|| "use a number from 0.001 to 100000".to_owned())
}

fn check_page(path: &Path, inputs: &[&Path]) -> Result<()> {
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html")) {
        let problem = format!("--view {}: a page is .html; give the file such a name", path.display());
        return Err(Error::Usage(problem));
    }
    options::check_writable(path, "--view", inputs)
}
