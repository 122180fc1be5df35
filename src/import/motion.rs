//! Motion files (BVH; ASF with AMC) to [`Motion`].

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    Progress,
    amc::{Amc, Asf},
    bvh::Bvh,
    joint_names::JointMap,
    kinematics::Tree,
};
use crate::{
    data::Motion,
    error::{Error, Result},
    format::memory_limit,
    named::{Named, named_enum},
};

named_enum! {
    /// The unit of a file's lengths, from the finest: in that order a person's size tells them apart.
    pub enum Unit {
        /// Millimetres.
        Millimetres = "mm",
        /// Centimetres, as Mixamo has them.
        Centimetres = "cm",
        /// Inches, as Biovision had them.
        Inches = "in",
        /// CMU's unit, 1/0.45 inch, also in the BVH conversions of its files.
        Cmu = "cmu",
        /// Metres.
        Metres = "m",
    }
}

named_enum! {
    /// The axis that points up in the file.
    #[derive(Default)]
    pub enum Up {
        /// Y, by convention: (x, y, z) becomes (x, -z, y), a rotation by 90 degrees about x.
        #[default]
        Y = "y",
        /// Z: nothing is turned.
        Z = "z",
    }
}

/// What the files do not say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The unit; without it that of the ASF's `:units`, else the one that gives the skeleton the size of a person.
    pub unit: Option<Unit>,
    /// The axis that points up.
    pub up: Up,
    /// Frames in a second to thin all clips to: the files' own over a whole number.
    pub fps: Option<f64>,
    /// Frames in a second of AMC files, which do not say; CMU's are 120, few are 60.
    pub amc_fps: Option<f64>,
    /// A TOML file that says which joint is which: `Hip = "Hips"`, or `Spine = ["Spine", "Spine1"]` for the
    /// middle of two.
    pub joint_map: Option<PathBuf>,
    /// The person; without it the name of each file's folder.
    pub subject: Option<String>,
    /// The kind of activity; without it the name of each file's folder.
    pub category: Option<String>,
}

impl Unit {
    /// Its length.
    #[must_use]
    pub fn millimetres(self) -> f64 {
        match self {
            Self::Millimetres => 1.0,
            Self::Centimetres => 10.0,
            Self::Metres => 1000.0,
            Self::Inches => 25.4,
            Self::Cmu => 25.4 / 0.45,
        }
    }

    /// The unit in which a length is that of a person from the ankle to the top of the head.
    #[must_use]
    pub fn of_person(length: f64) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| (1000.0..2200.0).contains(&(length * unit.millimetres())))
    }
}

/// Reads files, or folders of them in the order of their names: each becomes a clip with the name of its file. An
/// AMC file's skeleton is among the paths or lies beside it: the one by whose name the motion's starts, as `14.asf` for
/// `14_07.amc`, or the only one that the paths name.
///
/// The first frame of a CMU clip in cgspeed's BVH conversion is a T-pose, which is kept as all others.
///
/// # Errors
/// If a file is wrong, joints cannot be found, the unit cannot be told, or the clips' frame rates differ.
pub fn import(paths: &[PathBuf], options: &Options, progress: Progress<'_>) -> Result<Motion> {
    let (files, skeletons) = find(paths)?;
    let mut clips = Clips { options, motion: Motion::default(), rate: None, limit: memory_limit() };
    clips.motion.clip_start.push(0);
    for (done, path) in files.iter().enumerate() {
        progress(done, files.len());
        if is_a(path, "bvh") {
            let mut bvh = Bvh::open(path)?;
            let tree = std::mem::take(&mut bvh.tree);
            clips.add(path, tree, bvh.fps, None, &mut |frame| bvh.next_frame(frame))?;
        } else {
            let asf = Asf::read(&skeleton_of(path, paths, &skeletons)?)?;
            let fps = options.amc_fps.unwrap_or(120.0);
            let mut amc = Amc::open(path, &asf)?;
            clips.add(path, asf.tree.clone(), fps, asf.millimetres, &mut |frame| amc.next_frame(frame))?;
        }
    }
    progress(files.len(), files.len());
    Ok(clips.motion)
}

struct Clips<'a> {
    options: &'a Options,
    motion: Motion,
    /// Of the first file.
    rate: Option<(f64, PathBuf)>,
    limit: usize,
}

impl Clips<'_> {
    fn add(
        &mut self,
        path: &Path,
        mut tree: Tree,
        fps: f64,
        unit: Option<f64>,
        next: &mut dyn FnMut(&mut Vec<f64>) -> Result<bool>,
    ) -> Result<()> {
        let stride = self.stride(path, fps)?;
        let map = match &self.options.joint_map {
            Some(map) => JointMap::from_toml(map, &tree, path)?,
            None => JointMap::by_names(&mut tree, path)?,
        };
        let scale = match (self.options.unit, unit) {
            (Some(unit), _) => unit.millimetres(),
            (None, Some(millimetres)) => millimetres,
            (None, None) => person_scale(&tree, &map, path)?,
        };
        let (mut numbers, mut placed) = (Vec::new(), Vec::new());
        let (mut read, before) = (0usize, self.motion.len());
        while next(&mut numbers)? {
            if read.is_multiple_of(stride) {
                tree.place(&numbers, &mut placed);
                for joint in map.apply(|joint| placed[joint].1) {
                    let [x, y, z] = (joint * scale).into();
                    let turned = if self.options.up == Up::Y { [x, -z, y] } else { [x, y, z] };
                    self.motion.positions.extend(turned.map(|value| value as f32));
                }
                self.check(path, read)?;
            }
            read += 1;
        }
        if read == 0 {
            return Err(Error::file(path, "frames", "there is none", "drop the file"));
        }
        self.label(path, self.motion.len() - before);
        Ok(())
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
    fn check(&self, path: &Path, frame: usize) -> Result<()> {
        let positions = &self.motion.positions;
        if positions[positions.len() - 3 * 17..].iter().any(|value| !value.is_finite()) {
            let problem = "a joint is further away than numbers go";
            return Err(Error::file(path, format!("frame {frame}"), problem, "check its positions and the unit"));
        }
        if positions.len() > self.limit / size_of::<f32>() || i32::try_from(self.motion.len()).is_err() {
            let problem = format!("the motion is larger than {} MB", self.limit >> 20);
            return Err(Error::file(path, format!("frame {frame}"), problem, "import in parts, or thin with `fps`"));
        }
        Ok(())
    }

    /// Closes a clip of this many frames.
    fn label(&mut self, path: &Path, frames: usize) {
        let motion = &mut self.motion;
        let folder = std::path::absolute(path).ok().and_then(|path| Some(name(path.parent()?.file_name()?)));
        let folder = folder.unwrap_or_else(|| "unknown".to_owned());
        let subject = number(&mut motion.subject_names, self.options.subject.as_ref().unwrap_or(&folder));
        let category = number(&mut motion.category_names, self.options.category.as_ref().unwrap_or(&folder));
        motion.clip_names.push(stem(path));
        motion.clip_start.push(motion.len());
        motion.subject.resize(motion.len(), subject);
        motion.category.resize(motion.len(), category);
        motion.frame.extend(0..frames as i32);
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
fn person_scale(tree: &Tree, map: &JointMap, path: &Path) -> Result<f64> {
    let (Some(&foot), Some(&head)) = (map.sources(3).first(), map.sources(10).first()) else { return Ok(1.0) };
    let length = tree.path_length(foot, head);
    Unit::of_person(length).map(Unit::millimetres).ok_or_else(|| {
        let problem = format!("{length:.4} from ankle to head: a person in none of mm, cm, inches, CMU's unit and m");
        Error::file(path, "unit", problem, "say it with `unit`")
    })
}

fn name(name: &std::ffi::OsStr) -> String {
    name.to_string_lossy().into_owned()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(name).unwrap_or_default()
}

fn is_a(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Motion files and skeletons.
fn find(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut skeletons) = (Vec::new(), Vec::new());
    for path in paths {
        let inside = if path.is_dir() { listed(path)? } else { vec![path.clone()] };
        for file in inside {
            if is_a(&file, "bvh") || is_a(&file, "amc") {
                files.push(file);
            } else if is_a(&file, "asf") {
                skeletons.push(file);
            } else if !path.is_dir() {
                return Err(Error::file(path, "name", "it does not end in .bvh, .amc or .asf", "give motion files"));
            }
        }
    }
    match (files.is_empty(), paths.first()) {
        (false, _) => Ok((files, skeletons)),
        (true, None) => Err(Error::Usage("no motion files; give .bvh or .amc files, or their folder".to_owned())),
        (true, Some(path)) => {
            Err(Error::file(path, "name", "no .bvh or .amc file is here", "give motion files or their folder"))
        }
    }
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::io(folder, "read", source);
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        inside.push(entry.map_err(failed)?.path());
    }
    inside.sort();
    Ok(inside)
}

/// The skeleton of an AMC file: of those found by the name, the only one given itself, or by the name beside it. Any
/// other may be another person's.
fn skeleton_of(path: &Path, given: &[PathBuf], found: &[PathBuf]) -> Result<PathBuf> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let mut beside = listed(folder)?;
    beside.retain(|file| is_a(file, "asf"));
    let motion = stem(path);
    let fits = |file: &&PathBuf| {
        motion.strip_prefix(&stem(file)).is_some_and(|rest| matches!(rest.get(..1), None | Some("_")))
    };
    let named = |skeletons: &[PathBuf]| skeletons.iter().filter(fits).max_by_key(|file| stem(file).len()).cloned();
    let mut given = given.iter().filter(|path| is_a(path, "asf"));
    let only = given.next().filter(|_| given.next().is_none()).cloned();
    named(found).or(only).or_else(|| named(&beside)).ok_or_else(|| {
        const SHOWN: usize = 5;
        let names: BTreeSet<String> =
            found.iter().chain(&beside).filter_map(|file| file.file_name().map(name)).collect();
        let names: Vec<String> = names.into_iter().take(SHOWN).collect();
        let problem = if names.is_empty() {
            "there is no .asf file beside it".to_owned()
        } else {
            format!("by its name, none of the skeletons at hand ({}) is this motion's", names.join(", "))
        };
        Error::file(path, "skeleton", problem, "give its .asf file among the paths")
    })
}

#[cfg(test)]
#[path = "motion_tests.rs"]
mod tests;
