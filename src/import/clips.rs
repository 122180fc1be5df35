//! Clips as they are read, one after the other: skeletons to 17 joints in millimetres, and what there is to warn of.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use super::{
    bones::{self, Contradiction},
    joint_names::JointMap,
    kinematics::Tree,
    motion::{Options, Unit, Up},
    motion_files::{stem, text},
};
use crate::{
    data::{ClipLook, Motion, MotionLook, sentences},
    error::{Error, Result},
    format::memory_limit,
};

/// Why a file is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The fault is the file's.
    File(Error),
    /// What was asked for cannot be done: no other file helps.
    Import(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

type Next<'a> = dyn FnMut(&mut Vec<f64>) -> Result<bool> + 'a;

/// An open file.
pub(super) struct Reader<'a> {
    pub tree: Tree,
    /// Frames in a second.
    pub fps: f64,
    /// Millimetres to the unit that the file says.
    pub unit: Option<f64>,
    /// Reads the next frame's numbers; false at the end.
    pub next: Box<Next<'a>>,
}

/// A sentence that is true of several files.
#[derive(Debug, Default)]
struct Told {
    first: Option<String>,
    more: usize,
}

impl Told {
    fn add(&mut self, sentence: impl FnOnce() -> String) {
        self.more += usize::from(self.first.is_some());
        self.first.get_or_insert_with(sentence);
    }

    fn sentence(self) -> Option<String> {
        let more = self.more;
        self.first.map(|first| if more > 0 { format!("{first} (and so in {more} more files)") } else { first })
    }
}

/// The motion so far.
pub(super) struct Clips<'a> {
    pub options: &'a Options,
    motion: Motion,
    /// Of the first file.
    rate: Option<(f64, PathBuf)>,
    limit: usize,
    look: MotionLook,
    /// The numbers of clips by a hash of their frames.
    known: HashMap<u64, Vec<usize>>,
    fixed: Told,
    replaced: Told,
    units: Told,
    zeros: Told,
    same: Told,
}

/// What is known of a file when its first frame is read.
struct Start {
    map: JointMap,
    /// Millimetres to a unit.
    scale: f64,
    /// From an ankle to the head, in the file's unit.
    person: f64,
    /// Joints whose OFFSET counts in place of their position channels.
    fixed: usize,
}

impl<'a> Clips<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        let motion = Motion { clip_start: vec![0], ..Motion::default() };
        Self {
            options,
            motion,
            rate: None,
            limit: memory_limit(),
            look: MotionLook::default(),
            known: HashMap::new(),
            fixed: Told::default(),
            replaced: Told::default(),
            units: Told::default(),
            zeros: Told::default(),
            same: Told::default(),
        }
    }

    /// Does `read`; if that fails, nothing is left of its file.
    pub(super) fn keep<T, E>(
        &mut self,
        read: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let (values, rate, fps) = (self.motion.positions.len(), self.rate.clone(), self.motion.fps);
        let outcome = read(self);
        if outcome.is_err() {
            self.motion.positions.truncate(values);
            (self.rate, self.motion.fps) = (rate, fps);
        }
        outcome
    }

    /// Adds a file; `open` may be called twice.
    pub(super) fn add<'r>(
        &mut self,
        path: &Path,
        open: &mut dyn FnMut() -> Result<Reader<'r>>,
    ) -> std::result::Result<(), Refusal> {
        let against = match self.keep(|clips| clips.clip(path, open()?, false)) {
            Ok(()) => return Ok(()),
            Err(Stop::Refused(refused)) => return Err(refused),
            Err(Stop::Against(Contradiction { field, problem })) if !self.options.tolerance.allow_implausible => {
                let fix = "export positions as lengths of the bones or without them, or let them replace OFFSET with \
                     `allow_implausible`";
                return Err(Error::file(path, field, problem, fix).into());
            }
            Err(Stop::Against(against)) => against,
        };
        // What is trusted has no contradictions.
        if let Err(Stop::Refused(refused)) = self.clip(path, open()?, true) {
            return Err(refused);
        }
        let Contradiction { field, problem } = against;
        self.replaced.add(|| format!("{}: {field}: {problem}; positions replace OFFSET", path.display()));
        Ok(())
    }

    fn clip(&mut self, path: &Path, reader: Reader<'_>, trusting: bool) -> std::result::Result<(), Stop> {
        let Reader { mut tree, fps, unit, mut next } = reader;
        let stride = self.stride(path, fps).map_err(Refusal::Import)?;
        let (mut numbers, mut placed) = (Vec::new(), Vec::new());
        let (mut read, mut zeros, mut start) = (0usize, 0usize, None);
        let before = self.motion.len();
        while next(&mut numbers)? {
            let Start { map, scale, .. } = match &mut start {
                Some(start) => start,
                none => none.insert(self.start(path, &mut tree, &numbers, unit, trusting)?),
            };
            if read > 0 && !trusting {
                bones::check(&tree, &numbers, read).map_err(Stop::Against)?;
            }
            zeros += usize::from(read > 0 && numbers.iter().all(|number| *number == 0.0));
            if read.is_multiple_of(stride) {
                tree.place(&numbers, &mut placed);
                for joint in map.apply(|joint| placed[joint].1) {
                    let [x, y, z] = (joint * *scale).into();
                    let turned = if self.options.up == Up::Y { [x, -z, y] } else { [x, y, z] };
                    self.motion.positions.extend(turned.map(|value| value as f32));
                }
                self.check(path, read)?;
            }
            read += 1;
        }
        let Some(start) = start else {
            let fix = "export the motion with it, or drop the file";
            return Err(Error::file(path, "frames", "there is none", fix).into());
        };
        self.close(path, before, &start)?;
        if start.fixed > 0 {
            let text = "joints are 0 in all frames: their OFFSET counts";
            self.fixed.add(|| format!("{}: the position channels of {} {text}", path.display(), start.fixed));
        }
        if zeros > 0 {
            self.zeros.add(|| format!("{}: {zeros} of {read} frames have only zeros", path.display()));
        }
        Ok(())
    }

    /// Finds the 17 joints, the bones and the unit.
    fn start(
        &mut self,
        path: &Path,
        tree: &mut Tree,
        frame: &[f64],
        unit: Option<f64>,
        trusting: bool,
    ) -> std::result::Result<Start, Stop> {
        let map = match &self.options.joint_map {
            Some(map) => JointMap::from_toml(map, tree, path).map_err(Refusal::Import)?,
            None => JointMap::by_names(tree, path)?,
        };
        let length = |map: &JointMap, tree: &Tree| match (map.sources(3).first(), map.sources(10).first()) {
            (Some(&foot), Some(&head)) => tree.path_length(foot, head),
            _ => 0.0,
        };
        let by_offset = length(&map, tree);
        let bones = bones::settle(tree, frame, &map, trusting).map_err(Stop::Against)?;
        let map = map.completed(tree, bones.is_cut);
        let mut person = length(&map, tree);
        if trusting && Unit::of_person(person).is_none() {
            person = by_offset;
        }
        let scale = match self.options.unit.map(Unit::millimetres).or(unit) {
            Some(millimetres) => millimetres,
            None => person_scale(person, path)?,
        };
        Ok(Start { map, scale, person, fixed: bones.fixed })
    }

    /// Every how many frames one is kept.
    fn stride(&mut self, path: &Path, fps: f64) -> Result<usize> {
        if !(fps as f32 > 0.0 && (fps as f32).is_finite()) {
            let fix = "correct the file's Frame Time, or what `amc_fps` says";
            return Err(Error::file(path, "frame rate", format!("{fps} frames in a second"), fix));
        }
        let Some(wanted) = self.options.fps else {
            let (rate, first) = self.rate.get_or_insert_with(|| (fps, path.to_owned()));
            if (*rate - fps).abs() > 1e-4 * *rate {
                let problem = format!("{fps} frames in a second, but {} has {rate}", first.display());
                return Err(Error::file(path, "frame rate", problem, "import them apart, or thin both with `fps`"));
            }
            self.motion.fps = *rate as f32;
            return Ok(1);
        };
        self.motion.fps = wanted as f32;
        let stride = (fps / wanted).round();
        if wanted > 0.0 && stride >= 1.0 && (fps / wanted - stride).abs() < 1e-3 * stride {
            return Ok(stride as usize);
        }
        let problem = format!("{fps} frames in a second are no whole multiple of {wanted}");
        let fix = format!("give `fps` {fps}, {}, {} or the like", fps / 2.0, fps / 3.0);
        Err(Error::file(path, "frame rate", problem, fix))
    }

    /// That the frame just added is finite and there is room for more.
    fn check(&self, path: &Path, frame: usize) -> std::result::Result<(), Refusal> {
        let positions = &self.motion.positions;
        if positions[positions.len() - 3 * 17..].iter().any(|value| !value.is_finite()) {
            let problem = "a joint is further away than numbers go";
            return Err(Error::file(path, format!("frame {frame}"), problem, "check its positions and the unit").into());
        }
        if positions.len() > self.limit / size_of::<f32>() || i32::try_from(self.motion.len()).is_err() {
            let problem = format!("the motion is larger than {} MB", self.limit >> 20);
            let fix = "import in parts, or thin with `fps`";
            return Err(Refusal::Import(Error::file(path, format!("frame {frame}"), problem, fix)));
        }
        Ok(())
    }

    /// Closes the clip that starts at a frame, if it is a person's and new.
    fn close(&mut self, path: &Path, before: usize, start: &Start) -> std::result::Result<(), Stop> {
        let positions = &self.motion.positions[3 * 17 * before..];
        let look = ClipLook::of(positions, self.motion.fps);
        // A unit that was said makes no person, another would.
        let fits = Unit::of_person(start.person).filter(|_| !Unit::is_person(start.person * start.scale));
        if let Some(wrong) = look.wrong.as_ref().filter(|_| !self.options.tolerance.allow_implausible) {
            let fix = match fits.filter(|_| wrong.field == "unit") {
                Some(unit) => format!("`unit` {unit} fits a person; or take it as it is with `allow_implausible`"),
                None => wrong.fix.clone(),
            };
            return Err(Error::file(path, wrong.field, &wrong.problem, fix).into());
        }
        let mut hash = DefaultHasher::new();
        positions.iter().for_each(|value| value.to_bits().hash(&mut hash));
        let alike = self.known.entry(hash.finish()).or_default();
        let clip = |clip: usize| {
            &self.motion.positions[3 * 17 * self.motion.clip_start[clip]..3 * 17 * self.motion.clip_start[clip + 1]]
        };
        if let Some(&other) = alike.iter().find(|&&other| clip(other) == positions) {
            let other = &self.motion.clip_names[other];
            self.same.add(|| format!("{}: it is the same motion as '{other}', which is kept once", path.display()));
            self.motion.positions.truncate(3 * 17 * before);
            return Ok(());
        }
        alike.push(self.motion.clip_names.len());
        if let Some(unit) = fits {
            self.units.add(|| format!("{}: with `unit` {unit} it would have the size of a person", path.display()));
        }
        self.look.add(&stem(path), &look);
        self.label(path, self.motion.len() - before);
        Ok(())
    }

    /// Names a clip of this many frames.
    fn label(&mut self, path: &Path, frames: usize) {
        let motion = &mut self.motion;
        let folder = std::path::absolute(path).ok().and_then(|path| Some(text(path.parent()?.file_name()?)));
        let folder = folder.unwrap_or_else(|| "unknown".to_owned());
        let subject = number(&mut motion.subject_names, self.options.subject.as_ref().unwrap_or(&folder));
        let category = number(&mut motion.category_names, self.options.category.as_ref().unwrap_or(&folder));
        motion.clip_names.push(stem(path));
        motion.clip_start.push(motion.len());
        motion.subject.resize(motion.len(), subject);
        motion.category.resize(motion.len(), category);
        motion.frame.extend(0..frames as i32);
    }

    /// The motion, and what a user should know of it.
    pub(super) fn finish(self, warnings: &mut Vec<String>) -> Motion {
        for told in [self.fixed, self.replaced, self.units, self.zeros, self.same] {
            warnings.extend(told.sentence());
        }
        warnings.extend(sentences(self.look.findings(self.motion.fps)));
        self.motion
    }
}

/// Why a clip is not taken as it is read.
enum Stop {
    Refused(Refusal),
    Against(Contradiction),
}

impl<T: Into<Refusal>> From<T> for Stop {
    fn from(refused: T) -> Self {
        Self::Refused(refused.into())
    }
}

fn number(names: &mut Vec<String>, name: &str) -> i32 {
    let known = names.iter().position(|known| known == name);
    known.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    }) as i32
}

/// Millimetres to a unit, from the bones between ankle and head: no pose changes their length.
fn person_scale(length: f64, path: &Path) -> Result<f64> {
    Unit::of_person(length).map(Unit::millimetres).ok_or_else(|| {
        let problem = format!("{length:.4} from ankle to head: a person in none of mm, cm, inches, CMU's unit and m");
        Error::file(path, "unit", problem, "say it with `unit`")
    })
}
