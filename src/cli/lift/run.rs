//! Frames through a session to where they go.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::live::{Live, Summary};
use crate::cli::interrupt;
use crate::cli::words::Words;
use crate::data::{PoseSet, Wrong};
use crate::error::{Error, Result};
use crate::evaluate::Shard;
use crate::import::Tolerance;
use crate::lift::input::{self, Line, Malformed, Told};
use crate::lift::{Counts, Frame, Lifted, Recorded, Session, Sink, Smoother, View};
use crate::pose::Intrinsics;

/// So many lines are reported one by one; more are counted.
const REPORTED: usize = 20;

/// So often a stream that is silent is asked whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// After so many poses, and at the end, they are asked whether they can be people.
const ASKED: [u64; 2] = [10, 1000];

/// Frames, and where they go.
pub(super) struct Run {
    session: Session,
    smoother: Smoother,
    sinks: Vec<Box<dyn Sink>>,
    fps: Option<f64>,
    budget: Option<Duration>,
    tolerance: Tolerance,
    live: Live,
    malformed: usize,
    told: Vec<&'static str>,
    words: Words,
}

/// What a run goes by.
pub(super) struct How {
    /// Frames a second, where the user says so.
    pub(super) fps: Option<f64>,
    pub(super) budget: Option<Duration>,
    pub(super) tolerance: Tolerance,
}

/// What is known of a stream before its lines say more.
#[derive(Clone, Copy)]
pub(super) struct Stream {
    pub(super) image_size: Option<[i32; 2]>,
    pub(super) focal: Option<f64>,
    /// Whether the model takes rays.
    pub(super) rays: bool,
}

impl Stream {
    /// What is seen after `view` when a line has told this: intrinsics, if they are known; else those of the focal length,
    /// else for a model of rays a guess.
    fn view(&self, view: &View, told: &Told) -> std::result::Result<View, String> {
        let image_size = told.image_size.or(view.image_size).or(self.image_size);
        // Pixels of an image of another size are others.
        let is_other = view.image_size.is_some() && view.image_size != image_size;
        let kept = view.camera.filter(|_| !view.is_guess && !is_other);
        let of_focal = self.focal.and_then(|focal| Some(Intrinsics::of_focal(focal, image_size?)));
        let guess = image_size.filter(|_| self.rays).map(Intrinsics::guess);
        let known = told.intrinsics.or(kept).or(of_focal);
        let side = image_size.map(|size| f64::from(size[0].max(size[1])));
        if let (Some(camera), Some(side)) = (known, side)
            && let Some(focal) = camera.focal.iter().find(|focal| !(0.1 * side..=100.0 * side).contains(*focal))
        {
            let problem = format!("intrinsics: a focal length of {focal} pixels does not go with an image of {side}");
            return Err(format!("{problem}; give pixels of the image"));
        }
        let layout = told.layout.unwrap_or(view.layout);
        Ok(View { layout, image_size, camera: known.or(guess), is_guess: known.is_none() })
    }
}

impl Run {
    pub(super) fn new(session: Session, smoother: Smoother, sinks: Vec<Box<dyn Sink>>, how: How) -> Self {
        let How { fps, budget, tolerance } = how;
        let (live, words) = (Live::start(None, budget), Words::typed());
        Self { session, smoother, sinks, fps, budget, tolerance, live, malformed: 0, told: Vec::new(), words }
    }

    /// The frames of a set that are this part's.
    pub(super) fn set(&mut self, path: &Path, set: &PoseSet, is_guess: bool, shard: Shard) -> Result<()> {
        let mut recorded = Recorded::new(set, is_guess);
        if !shard.is_whole() {
            let part = shard.part_at(0..recorded.len(), &recorded.starts());
            recorded = recorded.only(part);
        }
        self.live = Live::start(Some(recorded.len()), self.budget);
        for (view, frame) in recorded.frames() {
            interrupt::check()?;
            self.session.set_view(view)?;
            self.frame(path, &frame, Instant::now())?;
        }
        Ok(())
    }

    /// The frames of a stream, as they come.
    pub(super) fn lines(&mut self, path: &Path, lines: Box<dyn Read + Send>, stream: &Stream) -> Result<()> {
        let failed = |error| Error::io(path, "read", error);
        let first = stream.view(&View::default(), &Told::default());
        let mut view = first.map_err(|problem| Error::Usage(format!("`focal`: {problem}")))?;
        self.session.set_view(view)?;
        let lines = super::lines::lines(lines, self.budget.is_some()).map_err(failed)?;
        loop {
            interrupt::check()?;
            // A stream may be silent for long, and its end be asked for all the same.
            let line = match lines.recv_timeout(LOOK) {
                Ok(line) => line.map_err(failed)?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            // Only a budget counts the time that a line waits for others: it may be a file that comes at once.
            let begun = if self.budget.is_some() { line.read } else { Instant::now() };
            let parsed = match &line.bytes {
                None => {
                    let problem = "it is longer than 16 MiB; give one frame a line".to_owned();
                    Err(Malformed { problem, is_view: false, view: None })
                }
                Some(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
                Some(bytes) => input::parse(bytes, view.layout),
            };
            let (told, frame) = match parsed {
                Ok(Line { view, frame }) => (view, frame),
                Err(wrong) => {
                    self.malformed(path, line.number, &wrong)?;
                    (wrong.view, None)
                }
            };
            match told.map_or(Ok(view), |told| stream.view(&view, &told)) {
                Ok(next) if next != view => {
                    view = next;
                    self.session.cut()?;
                    self.session.set_view(view)?;
                }
                Ok(_) => {}
                Err(problem) => {
                    self.malformed(path, line.number, &Malformed { problem, is_view: true, view: None })?;
                }
            }
            let Some(frame) = frame else { continue };
            self.tell_camera(path, &view, stream);
            match self.frame(path, &frame, begun) {
                Err(Error::Setting { setting, problem }) => {
                    let wrong = Malformed { problem: format!("{setting}: {problem}"), is_view: false, view: None };
                    self.malformed(path, line.number, &wrong)?;
                }
                done => done?,
            }
        }
        self.ask(path)?;
        // What is odd with a file is told when it is read.
        for odd in self.session.findings().odd {
            self.live.note(&format!("warning: {}: {odd}", path.display()));
        }
        let nothing = self.session.counts().frames == 0;
        if self.malformed > 0 && nothing {
            let problem = format!("none of its {} lines is a frame", self.malformed);
            return Err(Error::file(path, "lines", problem, "give JSON lines as `lift` documents them"));
        }
        if nothing {
            self.live.note(&format!("note: {}: there is no frame in it", path.display()));
        }
        Ok(())
    }

    fn frame(&mut self, path: &Path, frame: &Frame, begun: Instant) -> Result<()> {
        let before = self.session.counts();
        let mut lifted = self.session.push_read(frame, begun)?;
        if lifted.time.is_none() {
            lifted.time = self.fps.map(|fps| f64::from(lifted.frame) / fps);
        }
        let counts = self.session.counts();
        self.tell(path, &before, &counts, lifted.frame);
        let people = lifted.people.len();
        self.smooth(lifted)?;
        self.live.frame(people, 1e3 * begun.elapsed().as_secs_f64(), &counts);
        if ASKED.iter().any(|asked| (before.people..counts.people).contains(asked)) {
            self.ask(path)?;
        }
        Ok(())
    }

    fn smooth(&mut self, lifted: Lifted) -> Result<()> {
        let (mut done, sinks) = (Ok(()), &mut self.sinks);
        self.smoother.push(lifted, |frame| give(sinks, &frame, &mut done));
        done
    }

    /// Says what is wrong with a line. Fails where frames must not be read without it, or nothing is to be passed over.
    fn malformed(&mut self, path: &Path, number: usize, wrong: &Malformed) -> Result<()> {
        let Malformed { problem, is_view, .. } = wrong;
        self.malformed += 1;
        self.sinks.iter_mut().try_for_each(|sink| sink.unreadable(number, problem))?;
        if *is_view || self.tolerance.strict {
            let (problem, fix) = problem.split_once("; ").unwrap_or((problem, "mend the line"));
            return Err(Error::file(path, format!("line {number}"), problem, fix));
        }
        match self.malformed {
            ..REPORTED => self.live.note(&format!("{}: line {number}: {problem}", path.display())),
            REPORTED => self.live.note(&format!("{}: line {number}: {problem}; more are counted only", path.display())),
            _ => {}
        }
        Ok(())
    }

    /// Says once what camera the frames are taken to be seen by, where the stream does not.
    fn tell_camera(&mut self, path: &Path, view: &View, stream: &Stream) {
        if self.told.contains(&"camera") || !view.is_guess {
            return;
        }
        self.told.push("camera");
        let said = match view.camera {
            _ if stream.focal.is_some() => {
                "`focal` is without effect: the stream does not say its \"image_size\", nor does `image_size`"
                    .to_owned()
            }
            None if !stream.rays => return,
            None => {
                "neither \"intrinsics\" nor \"image_size\" are known: poses are lifted as seen, no camera is turned"
                    .to_owned()
            }
            Some(camera) => format!("a focal length of {:.0} pixels is guessed", camera.focal[0]),
        };
        self.live.note(&format!("note: {}: {}", path.display(), self.words.said(&said)));
    }

    /// Says once what a user should know of the stream.
    fn tell(&mut self, path: &Path, before: &Counts, counts: &Counts, frame: i32) {
        let (told, words, live) = (&mut self.told, &self.words, &self.live);
        let mut once = |what: &'static str, said: String| {
            if !told.contains(&what) {
                told.push(what);
                live.note(&format!("note: {}: frame {frame}: {}", path.display(), words.said(&said)));
            }
        };
        if counts.crowded > before.crowded {
            once("crowded", "there are more people than `max_tracks`: not all are followed".to_owned());
        }
        if counts.renewed > before.renewed {
            let said = "what was learnt led astray and is forgotten: adaptation begins anew. Lower `alpha`";
            once("renewed", said.to_owned());
        }
        if counts.diverged - counts.renewed > before.diverged - before.renewed {
            once("diverged", "adaptation led astray; nothing is learnt from that frame. Lower `alpha`".to_owned());
        }
        if counts.failed > before.failed {
            once("failed", "of somebody no finite pose can be made: they are left out".to_owned());
        }
        if counts.cuts >= 20 && 2 * counts.cuts > counts.frames {
            let said = "most frames begin another recording or another scene, so that nobody is followed: give one line a \
                        frame with all its people, and one recording after the other";
            once("cuts", said.to_owned());
        }
        if counts.gaps >= 10 && 2 * counts.gaps > counts.frames {
            let said = "most frame numbers are more than ten from the one before: nobody can be followed so far; number \
                        frames one by one, and give seconds as \"time\"";
            once("gaps", said.to_owned());
        }
    }

    /// Fails where the poses so far cannot be people.
    fn ask(&mut self, path: &Path) -> Result<()> {
        let Some(Wrong { field, problem, .. }) = self.session.findings().wrong else { return Ok(()) };
        if !self.tolerance.allow_implausible {
            let fix = "give pixels of the image; if it is right, allow it with `allow_implausible`";
            return Err(Error::file(path, field, problem, fix));
        }
        if !self.told.contains(&field) {
            self.told.push(field);
            self.live.note(&format!("warning: {}: {field}: {problem}", path.display()));
        }
        Ok(())
    }

    /// Writes what is left, also after a failure: what was lifted is not lost. That nobody reads any more is none.
    pub(super) fn finish(&mut self, ended: Result<()>) -> Result<()> {
        let (mut done, sinks) = (Ok(()), &mut self.sinks);
        let broken =
            |done: &Result<()>| matches!(done, Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe);
        if !broken(&ended) {
            self.smoother.finish(|frame| give(sinks, &frame, &mut done));
        }
        let mut all = vec![ended, done];
        for sink in std::mem::take(&mut self.sinks) {
            all.push(sink.finish().map(|said| said.iter().for_each(|line| self.live.note(&self.words.said(line)))));
        }
        all.retain(|done| !broken(done));
        // What could not be written goes before that the end was asked for.
        all.sort_by_key(|done| matches!(done, Err(Error::Stopped)));
        all.into_iter().collect()
    }

    pub(super) fn summary(&self) -> Summary {
        self.live.summary(&self.session.counts(), self.malformed)
    }
}

/// Gives a frame to every sink, while none has failed.
fn give(sinks: &mut [Box<dyn Sink>], frame: &Lifted, done: &mut Result<()>) {
    if done.is_ok() {
        *done = sinks.iter_mut().try_for_each(|sink| sink.push(frame));
    }
}
