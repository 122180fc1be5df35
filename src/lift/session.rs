//! People before a camera, frame by frame: adapted to, lifted, placed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::crowd::{Adapters, Crowd, Who};
use super::pace::Pace;
use super::{Frame, Lifted, LiftedPerson, Person, View};
use crate::adapt::{AdaptConfig, Adapter, Lifter, Mended, Policy};
use crate::data::{Findings, PoseCheck};
use crate::error::{Error, Result};
use crate::pose::follow::{Bounds, MAX_GAP};
use crate::pose::{Fill, Intrinsics, Skeleton, locate_root, to_16};

/// Recordings whose names are remembered.
const MOST_NAMES: usize = 10_000;

/// How a [`Session`] lifts.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// When and how to adapt. Samples are taken one by one, whatever its `instances`, `batch` and `capacity`.
    pub adapt: AdaptConfig,
    /// What stands in for missing joints.
    pub fill: Fill,
    /// A joint of less confidence counts as missing.
    pub min_score: f32,
    /// Whether adaptation starts again from the trained model at a cut: another recording, or nobody where somebody was.
    pub reset_on_cut: bool,
    /// Most people who are remembered from frame to frame; the longest unused is forgotten first.
    pub max_tracks: usize,
    /// Whether each person has an adaptation of their own. It takes [`Adapter::bytes`] for each of `max_tracks`.
    pub adapt_per_track: bool,
    /// The time from reading a frame to its poses; adaptation is skipped where it would not be held.
    pub budget: Option<Duration>,
    /// Whether people are lifted without adaptation too, to compare.
    pub as_trained: bool,
}

impl From<Policy> for SessionConfig {
    fn from(policy: Policy) -> Self {
        Self {
            adapt: policy.into(),
            fill: Fill::LastFrame,
            min_score: 0.0,
            reset_on_cut: false,
            max_tracks: 64,
            adapt_per_track: false,
            budget: None,
            as_trained: false,
        }
    }
}

/// What a session did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames.
    pub frames: u64,
    /// People lifted, each once a frame.
    pub people: u64,
    /// Of these, those who were adapted to.
    pub adapted: u64,
    /// And those who would have been, had there been time.
    pub skipped: u64,
    /// Cuts: other recordings, other scenes.
    pub cuts: u64,
    /// Poses that adaptation led astray: they were lifted as adapted before, and nothing was learnt from them, ...
    pub diverged: u64,
    /// ... or, of these, as trained, because as adapted they could not be: then adaptation began anew.
    pub renewed: u64,
    /// People left out because no finite pose could be made of them, not even as trained.
    pub failed: u64,
    /// Frames in which there were more people than are remembered.
    pub crowded: u64,
    /// Frames whose number is far from the one before.
    pub gaps: u64,
}

/// People before a camera, lifted frame by frame.
///
/// ```no_run
/// # fn main() -> isopose::Result<()> {
/// use isopose::adapt::{Lifter, Mode};
/// use isopose::gpu::{Device, ShaderChecks};
/// use isopose::lift::{Frame, Person, Session, View};
/// use isopose::pose::{Intrinsics, Layout};
///
/// let device = Device::open("auto", 0, ShaderChecks::Off)?;
/// let lifter = Lifter::open("model.safetensors".as_ref(), &device)?;
/// let mut session = Session::new(&lifter, Mode::ONLINE.policy(lifter.model()))?;
/// let camera = Some(Intrinsics::of_focal(900.0, [1280, 720]));
/// session.set_view(View { layout: Layout::named("coco17").unwrap(), camera, ..View::default() })?;
/// # let (keypoints, confidence) = (vec![[0.0; 2]; 17], vec![0.0; 17]);
/// let people = vec![Person { keypoints, confidence, ..Person::default() }];
/// for person in session.push(&Frame { people, ..Frame::default() })?.people {
///     println!("{}: {:?}, {:?} from the camera", person.id, person.joints, person.root);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Session {
    config: SessionConfig,
    skeleton: &'static Skeleton,
    view: View,
    crowd: Crowd,
    pace: Option<Pace>,
    last: Option<i32>,
    /// The recording, as the input calls it and as it is told apart from those before that were called so.
    sequence: Option<Arc<str>>,
    told: Option<Arc<str>>,
    /// How often each recording's numbers began.
    takes: HashMap<Option<Arc<str>>, u32>,
    check: PoseCheck,
    counts: Counts,
}

impl Session {
    /// Brings what adapts to the lifter's device, and runs it once, so that the first frame takes no longer than others.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings that do not fit the model; [`Error::Device`] when the device is too small.
    pub fn new(lifter: &Lifter, config: impl Into<SessionConfig>) -> Result<Self> {
        let mut config = config.into();
        config.adapt = AdaptConfig { instances: 1, batch: 1, capacity: 1, ..config.adapt };
        if config.max_tracks == 0 {
            return Err(Error::setting("max_tracks", "it is 0; use at least 1"));
        }
        if config.budget.is_some_and(|budget| budget.is_zero()) {
            return Err(Error::setting("budget_ms", "it is 0; use a number above 0"));
        }
        let skeleton = Skeleton::of(lifter.model().joints)
            .ok_or_else(|| Error::setting("joints", "there is no skeleton of so many; use 16 or 17"))?;
        let mut pace = config.budget.map(Pace::new);
        let adapter = lifter.adapter(config.adapt.clone())?;
        warm_up(&adapter, pace.as_mut())?;
        let trained = AdaptConfig { flip: config.adapt.flip, capacity: 1, ..Policy::BASELINE.into() };
        let trained = config.as_trained.then(|| lifter.adapter(trained)).transpose()?;
        let adapters = match config.adapt_per_track {
            false => Adapters::Shared(adapter),
            true => {
                let (lifter, adapt) = (lifter.clone(), config.adapt.clone());
                Adapters::Each(Box::new(move || lifter.adapter(adapt.clone())))
            }
        };
        let crowd = Crowd::new(adapters, trained, config.fill, config.max_tracks);
        let (view, check, counts) = (View::default(), PoseCheck::default(), Counts::default());
        Ok(Self {
            config,
            skeleton,
            view,
            crowd,
            pace,
            last: None,
            sequence: None,
            told: None,
            takes: HashMap::new(),
            check,
            counts,
        })
    }

    /// Says what the frames that come are seen by. People are followed on, as from frame to frame of one camera; before
    /// frames of another, [`Self::cut`].
    ///
    /// # Errors
    /// [`Error::Setting`] for a camera that cannot be.
    pub fn set_view(&mut self, view: View) -> Result<()> {
        if let Some(Err(problem)) = view.camera.map(|camera| camera.validate()) {
            return Err(Error::setting("intrinsics", format!("{problem}; give fx, fy, cx, cy in pixels")));
        }
        self.view = view;
        Ok(())
    }

    /// Nobody is followed from the last frame to the next, which shows another scene; numbers of frames go on.
    ///
    /// # Errors
    /// The device was lost.
    pub fn cut(&mut self) -> Result<()> {
        if self.counts.frames == 0 {
            return Ok(());
        }
        self.counts.cuts += 1;
        self.crowd.cut();
        if self.config.reset_on_cut { self.crowd.reset() } else { Ok(()) }
    }

    /// Adapts to the people of the next frame and lifts them. People without any joint are left out.
    ///
    /// # Errors
    /// [`Error::Setting`] for a frame that cannot be, which then changes nothing; [`Error::Diverged`] for a model that
    /// gives no finite pose of the first person even as trained; or the device was lost again and again.
    pub fn push(&mut self, frame: &Frame) -> Result<Lifted> {
        self.push_read(frame, Instant::now())
    }

    /// As [`Self::push`] of a frame that was read at a time, from which a budget counts.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_read(&mut self, frame: &Frame, read: Instant) -> Result<Lifted> {
        let converted: Vec<(&Person, Converted)> = frame
            .people
            .iter()
            .map(|person| Ok((person, self.convert(person)?)))
            .filter(|converted| !matches!(converted, Ok((_, converted)) if converted.is_nobody()))
            .collect::<Result<_>>()?;
        let is_other = frame.sequence != self.sequence;
        let last = self.last.filter(|_| !is_other);
        // After the last number there is none but the first.
        let number = frame.number.unwrap_or_else(|| last.map_or(0, |last| last.checked_add(1).unwrap_or(0)));
        let boxes: Vec<Bounds> = converted.iter().map(|(_, converted)| converted.bounds()).collect();
        let goes_back = last.is_some_and(|last| number <= last);
        if is_other || goes_back || self.crowd.is_cut(number, &boxes) {
            self.cut()?;
        }
        if is_other || goes_back || self.takes.is_empty() {
            self.sequence.clone_from(&frame.sequence);
            // Names without end must not fill memory; what was called so long ago may be called so again.
            if self.takes.len() >= MOST_NAMES {
                self.takes.clear();
            }
            let take = self.takes.entry(frame.sequence.clone()).or_insert(0);
            *take += 1;
            let name = frame.sequence.as_deref().unwrap_or("take");
            self.told = if *take == 1 { frame.sequence.clone() } else { Some(format!("{name} ({take})").into()) };
        }
        let gap = last.map_or(0, |last| i64::from(number) - i64::from(last));
        self.counts.gaps += u64::from(gap > MAX_GAP);
        self.counts.crowded += u64::from(boxes.len() > self.config.max_tracks);
        self.last = Some(number);
        let people: Vec<&Person> = converted.iter().map(|(person, _)| *person).collect();
        let seats = self.crowd.seat(number, &people, &boxes)?;
        let mut lifted = Vec::with_capacity(seats.len());
        for (place, ((_, converted), who)) in converted.into_iter().zip(seats).enumerate() {
            lifted.extend(self.lift(number, converted, who, (read, people.len() - place - 1))?);
        }
        let elapsed = read.elapsed();
        if let Some(pace) = &mut self.pace {
            pace.frame(elapsed);
        }
        self.counts.frames += 1;
        let (time, sequence, ms) = (frame.time, self.told.clone(), 1e3 * elapsed.as_secs_f64());
        Ok(Lifted { frame: number, time, sequence, people: lifted, ms })
    }

    /// The model's joints.
    #[must_use]
    pub fn skeleton(&self) -> &'static Skeleton {
        self.skeleton
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What is wrong or odd with the keypoints so far.
    #[must_use]
    pub fn findings(&self) -> Findings {
        self.check.findings()
    }

    /// The keypoints in the order of the model's joints; those that are not there are so marked.
    fn convert(&self, person: &Person) -> Result<Converted> {
        let (layout, count) = (self.view.layout, person.keypoints.len());
        let needed = layout.joints.len();
        if count != needed || !person.confidence.is_empty() && person.confidence.len() != count {
            let problem = format!(
                "there are {count} with {} confidences; {} has {needed}, give each one, or none any",
                person.confidence.len(),
                layout.name
            );
            return Err(Error::setting("keypoints", problem));
        }
        let ones = vec![1.0; if person.confidence.is_empty() { count } else { 0 }];
        let given = if person.confidence.is_empty() { &ones } else { &person.confidence };
        let (points, mut confidence) = layout.keypoints(&person.keypoints, given);
        let min_score = self.config.min_score;
        let mut flat = points.as_flattened().to_vec();
        for (point, sure) in flat.as_chunks_mut::<2>().0.iter_mut().zip(&mut confidence) {
            *sure = if *sure >= min_score { sure.min(1.0) } else { 0.0 };
            if *sure == 0.0 {
                *point = [0.0; 2];
            }
        }
        if self.skeleton.joints == 17 {
            return Ok(Converted { keypoints: flat.as_chunks().0.to_vec(), confidence: confidence.to_vec() });
        }
        Ok(Converted { keypoints: to_16(&flat, 2).as_chunks().0.to_vec(), confidence: to_16(&confidence, 1) })
    }

    fn lift(
        &mut self,
        frame: i32,
        Converted { keypoints, confidence }: Converted,
        who: Who,
        (read, others): (Instant, usize),
    ) -> Result<Option<LiftedPerson>> {
        self.check.add_keypoints(&keypoints, Some(&confidence), self.view.image_size);
        let camera = self.view.camera;
        let (track, trained) = self.crowd.tracks(who.seat);
        let adapts = track.adapter().is_due();
        let has_time = !adapts || self.pace.as_ref().is_none_or(|pace| pace.has_time(read.elapsed(), others));
        track.set_intrinsics(camera)?;
        let begun = Instant::now();
        let sure = Some(&confidence[..]);
        let (pose, mended) = match track.lift_somehow(frame, &keypoints, sure, has_time) {
            // The model can lift others: this one is left out.
            Err(Error::Diverged(_)) if self.counts.people > 0 => {
                self.counts.failed += 1;
                return Ok(None);
            }
            lifted => lifted?,
        };
        self.counts.diverged += u64::from(mended.is_some());
        self.counts.renewed += u64::from(mended == Some(Mended::Anew));
        let took = begun.elapsed();
        let trained = trained.map(|track| {
            track.set_intrinsics(camera)?;
            match track.push_frame(frame, &keypoints, sure) {
                Err(Error::Diverged(_)) => Ok(None),
                pose => pose.map(|pose| Some(pose.joints)),
            }
        });
        let trained = trained.transpose()?.flatten();
        if let Some(pace) = &mut self.pace {
            pace.took(took, pose.adapted);
        }
        self.counts.people += 1;
        self.counts.adapted += u64::from(pose.adapted);
        self.counts.skipped += u64::from(!has_time);
        let seen: Vec<bool> = pose.guessed.iter().map(|guessed| !guessed).collect();
        let known: Option<Intrinsics> = camera.filter(|_| !self.view.is_guess);
        let root = known.and_then(|camera| locate_root(&pose.joints, &keypoints, &seen, &camera));
        Ok(Some(LiftedPerson {
            id: who.id,
            keypoints,
            confidence,
            joints: pose.joints,
            guessed: pose.guessed,
            root,
            begins: who.begins,
            adapted: pose.adapted,
            // Of numbers that are none there is nothing to say.
            losses: pose.losses.filter(|losses| losses.terms().iter().all(|term| term.value.is_finite())),
            trained,
        }))
    }
}

/// A person in the order of the model's joints.
struct Converted {
    keypoints: Vec<[f32; 2]>,
    confidence: Vec<f32>,
}

impl Converted {
    fn is_nobody(&self) -> bool {
        self.confidence.iter().all(|sure| *sure == 0.0)
    }

    fn bounds(&self) -> Bounds {
        let known = self.keypoints.iter().zip(&self.confidence).filter(|(_, sure)| **sure > 0.0);
        Bounds::around(known.map(|(point, _)| *point))
    }
}

/// Adapts to a made-up sample a few times and forgets it: memory is touched for the first time, drivers finish what they
/// put off. From then on the pace learns what either way takes.
fn warm_up(adapter: &Adapter, mut pace: Option<&mut Pace>) -> Result<()> {
    let joints = adapter.lifter().model().joints;
    let x: Vec<f32> = (0..2 * joints).map(|i| 0.3 * ((37 * i % 17) as f32 / 17.0 - 0.5)).collect();
    let ones = vec![1.0; joints];
    for round in 0..3 {
        for may_adapt in [true, false] {
            let begun = Instant::now();
            // What it predicts is of no interest, not even that it is not finite.
            let adapted = match adapter.run_one(&x, Some(&ones), may_adapt) {
                Ok((_, losses)) => losses.is_some(),
                Err(Error::Diverged(_)) => may_adapt,
                Err(error) => return Err(error),
            };
            if let Some(pace) = pace.as_mut().filter(|_| round > 0) {
                pace.took(begun.elapsed(), adapted);
            }
        }
    }
    adapter.reset()
}
