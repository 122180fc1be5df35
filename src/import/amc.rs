//! Acclaim's ASF skeletons and AMC motion, as CMU and HDM05 publish them.
//!
//! A bone turns by C M C^-1: C is its `axis`, M has its degrees of freedom, the first applied first. A bone's joint is
//! its end. The root's C is its `orientation`; AMC's TX, TY, TZ are added to its `position`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use nalgebra::{Rotation3, Vector3};

use super::{
    kinematics::{Channel, Joint, MAX_JOINTS, Tree, rotation},
    lines::{Lines, shown},
};
use crate::error::{Error, Result};

/// A skeleton.
#[derive(Debug, Clone)]
pub(super) struct Asf {
    /// The bones; each joint is a bone's end, the first is `root`. A joint's channels are its degrees of freedom from
    /// the last to the first, as [`Tree`] multiplies.
    pub tree: Tree,
    /// Millimetres to a unit, if `:units` gives a length: 25.4 mm over it, as CMU's files mean it.
    pub millimetres: Option<f64>,
    path: PathBuf,
    /// Degrees to a unit of angle.
    degrees: f64,
}

const ROOT: &str = "root";
const MEND: &str = "mend the file or get it again";

fn channel(word: &str) -> Option<Channel> {
    let axis =
        ["x", "y", "z"].iter().position(|axis| word.get(1..).is_some_and(|rest| rest.eq_ignore_ascii_case(axis)));
    match word.get(..1)? {
        "r" | "R" => axis.map(Channel::Rotation),
        "t" | "T" => axis.map(Channel::Position),
        _ => None,
    }
}

/// A skeleton while it is read.
struct Reader {
    lines: Lines,
    bones: Vec<Joint>,
    number_of: HashMap<String, usize>,
    /// Angles and order of each bone's axes; they turn into C when the unit of angles is known.
    axes: Vec<([f64; 3], Vec<usize>)>,
    lengths: Vec<f64>,
    children: Vec<Vec<usize>>,
    length_unit: Option<f64>,
    degrees: f64,
}

impl Asf {
    /// Reads a skeleton.
    ///
    /// # Errors
    /// If it is no ASF file, or its bones are no tree; the message names the line or the bone.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut reader = Reader {
            lines: Lines::open(path)?,
            bones: vec![Joint::new(ROOT, None)],
            number_of: HashMap::from([(ROOT.to_owned(), 0)]),
            axes: vec![([0.0; 3], vec![0, 1, 2])],
            lengths: vec![0.0],
            children: vec![Vec::new()],
            length_unit: None,
            degrees: 1.0,
        };
        let mut section = String::new();
        while let Some(line) = reader.lines.next_line()? {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (words[0].strip_prefix(':'), section.as_str()) {
                (Some(name), _) => name.clone_into(&mut section),
                (None, "units") => reader.unit(&words)?,
                (None, "root") => reader.root(&words)?,
                (None, "bonedata") => reader.bone(&words)?,
                (None, "hierarchy") => reader.children(&words)?,
                (None, "") => return Err(reader.lines.foreign("no ':' section yet", "check that this is an ASF file")),
                // Documentation and skins.
                _ => {}
            }
        }
        reader.finish(path)
    }
}

impl Reader {
    fn unit(&mut self, words: &[&str]) -> Result<()> {
        let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        match lower.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["length", value] => {
                let value = self.lines.float(value)?;
                if value <= 0.0 {
                    return Err(self.lines.error(format!("length {value}"), "give a positive one"));
                }
                self.length_unit = Some(value);
            }
            ["angle", unit] if unit.starts_with("rad") => self.degrees = 1f64.to_degrees(),
            ["angle", unit] if !unit.starts_with("deg") => {
                return Err(self.lines.error(format!("angle '{}'", shown(unit)), "use deg or rad"));
            }
            _ => {}
        }
        Ok(())
    }

    fn root(&mut self, words: &[&str]) -> Result<()> {
        match words[0] {
            "order" => self.bones[0].channels = self.freedoms(&words[1..])?,
            "axis" => self.axes[0].1 = self.order(words.get(1))?,
            "position" => self.bones[0].offset = Vector3::from(self.lines.three(words[1..].iter().copied())?),
            "orientation" => self.axes[0].0 = self.lines.three(words[1..].iter().copied())?,
            _ => {}
        }
        Ok(())
    }

    fn bone(&mut self, words: &[&str]) -> Result<()> {
        let bone = self.bones.len() - 1;
        let three = |reader: &Self| reader.lines.three(words[1..].iter().copied());
        match words[0] {
            "begin" => {
                if self.bones.len() > MAX_JOINTS {
                    return Err(self.lines.error(format!("more than {MAX_JOINTS} bones"), "drop what is no body"));
                }
                self.bones.push(Joint::new("", None));
                self.axes.push(([0.0; 3], vec![0, 1, 2]));
                self.lengths.push(0.0);
                self.children.push(Vec::new());
            }
            "end" if bone > 0 && self.bones[bone].name.is_empty() => {
                return Err(self.lines.error("a bone without a name", MEND));
            }
            _ if bone == 0 => return Err(self.lines.error("no 'begin' yet", MEND)),
            "name" => {
                let name = words[1..].join(" ");
                if self.number_of.insert(name.clone(), bone).is_some() {
                    return Err(self.lines.error(format!("a second '{}'", shown(&name)), MEND));
                }
                self.bones[bone].name = name;
            }
            "direction" => self.bones[bone].bone = Vector3::from(three(self)?),
            "length" => self.lengths[bone] = self.lines.float(words.get(1).unwrap_or(&""))?,
            "axis" => self.axes[bone] = (three(self)?, self.order(words.get(4))?),
            "dof" => {
                self.bones[bone].channels = self.freedoms(&words[1..])?;
                if self.bones[bone].channels.iter().any(|freedom| matches!(freedom, Channel::Position(_))) {
                    return Err(self.lines.error("a bone that moves", "give bones rotations rx, ry, rz only"));
                }
            }
            // id, limits, masses.
            _ => {}
        }
        Ok(())
    }

    fn children(&mut self, words: &[&str]) -> Result<()> {
        if matches!(words, ["begin" | "end"]) {
            return Ok(());
        }
        let mut numbers = words.iter().map(|&word| {
            let unknown = || self.lines.error(format!("no bone is named '{}'", shown(word)), MEND);
            self.number_of.get(word).copied().ok_or_else(unknown)
        });
        let parent = numbers.next().transpose()?.unwrap_or(0);
        for child in numbers.collect::<Result<Vec<usize>>>()? {
            if child == 0 || self.bones[child].parent.replace(parent).is_some() {
                let problem = format!("'{}' has two parents", self.bones[child].name);
                return Err(self.lines.error(problem, MEND));
            }
            self.children[parent].push(child);
        }
        Ok(())
    }

    /// Degrees of freedom, from the last to the first.
    fn freedoms(&self, words: &[&str]) -> Result<Vec<Channel>> {
        let unknown = |word: &str| self.lines.error(format!("'{}' is not supported", shown(word)), "use tx to rz only");
        if words.len() > 6 {
            return Err(self.lines.error(format!("{} degrees of freedom", words.len()), MEND));
        }
        words.iter().rev().map(|word| channel(word).ok_or_else(|| unknown(word))).collect()
    }

    /// The order of axes: `XYZ` turns about x first.
    fn order(&self, word: Option<&&str>) -> Result<Vec<usize>> {
        let word = word.copied().unwrap_or("XYZ");
        let axes: Option<Vec<usize>> = word.chars().map(|axis| "XYZ".find(axis.to_ascii_uppercase())).collect();
        axes.filter(|axes| axes.len() == 3)
            .ok_or_else(|| self.lines.error(format!("axis order '{}'", shown(word)), "use three of X, Y, Z"))
    }

    /// Sorts the bones, parents first.
    fn finish(mut self, path: &Path) -> Result<Asf> {
        for (bone, (angles, order)) in self.axes.iter().enumerate() {
            let turn = |c: Rotation3<f64>, &axis: &usize| rotation(axis, angles[axis] * self.degrees) * c;
            self.bones[bone].axes = order.iter().fold(Rotation3::identity(), turn);
            self.bones[bone].bone *= self.lengths[bone];
        }
        let mut order = vec![0];
        let mut next = 0;
        while let Some(&bone) = order.get(next) {
            order.extend(&self.children[bone]);
            next += 1;
        }
        let mut place = vec![None; self.bones.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = Some(new);
        }
        if let Some(lost) = place.iter().position(Option::is_none) {
            let problem = format!("'{}' does not hang on the root", self.bones[lost].name);
            return Err(Error::file(path, ":hierarchy", problem, MEND));
        }
        if self.bones.len() == 1 {
            return Err(Error::file(path, ":bonedata", "there is no bone", "check that this is an ASF file"));
        }
        let mut joints = Vec::with_capacity(order.len());
        for &old in &order {
            let mut joint = self.bones[old].clone();
            joint.parent = joint.parent.and_then(|parent| place[parent]);
            joints.push(joint);
        }
        let millimetres = self.length_unit.map(|length| 25.4 / length);
        Ok(Asf { tree: Tree { joints }, millimetres, path: path.to_owned(), degrees: self.degrees })
    }
}

/// An open motion file, read frame by frame.
#[derive(Debug)]
pub(super) struct Amc<'a> {
    skeleton: &'a Asf,
    lines: Lines,
    /// Each bone's joint and first channel.
    bones: HashMap<&'a str, (usize, usize)>,
    given: Vec<bool>,
    frame: Option<u64>,
    degrees: f64,
}

impl<'a> Amc<'a> {
    /// Opens the motion of a skeleton.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(super) fn open(path: &Path, skeleton: &'a Asf) -> Result<Self> {
        let mut first = 0;
        let mut bones = HashMap::new();
        for (number, joint) in skeleton.tree.joints.iter().enumerate() {
            bones.insert(joint.name.as_str(), (number, first));
            first += joint.channels.len();
        }
        let given = vec![false; skeleton.tree.joints.len()];
        Ok(Self { skeleton, lines: Lines::open(path)?, bones, given, frame: None, degrees: skeleton.degrees })
    }

    /// Reads the next frame, in the order of the skeleton's channels, in degrees. False at the end.
    ///
    /// # Errors
    /// If a bone is unknown, missing or twice in the frame, or has another count of numbers; or frames are missing.
    pub(super) fn next_frame(&mut self, values: &mut Vec<f64>) -> Result<bool> {
        values.clear();
        values.resize(self.skeleton.tree.channels(), 0.0);
        self.given.fill(false);
        while let Some(line) = self.lines.next_line()? {
            if let Some(header) = line.strip_prefix(':') {
                match header.to_ascii_uppercase().as_str() {
                    "DEGREES" => self.degrees = 1.0,
                    "RADIANS" => self.degrees = 1f64.to_degrees(),
                    _ => {}
                }
            } else if let Ok(number) = line.parse::<u64>() {
                let before = self.frame.replace(number);
                if before.is_some_and(|before| before.checked_add(1) != Some(number)) {
                    let problem = format!("frame {number} after frame {}", before.unwrap_or(0));
                    return Err(self.lines.error(problem, "frames are missing: get the file again or split it there"));
                }
                if before.is_some() {
                    return self.whole().map(|()| true);
                }
            } else if self.frame.is_some() {
                self.bone(&line, values)?;
            } else {
                let problem = format!("'{}' before the first frame's number", shown(&line));
                return Err(self.lines.foreign(&problem, "check that this is an AMC file"));
            }
        }
        if self.frame.take().is_none() {
            return Ok(false);
        }
        self.whole().map(|()| true)
    }

    fn bone(&mut self, line: &str, values: &mut [f64]) -> Result<()> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let Some(&(joint, first)) = self.bones.get(name) else {
            let problem = format!("'{}' is no bone of {}", shown(name), self.skeleton.path.display());
            return Err(self.lines.error(problem, "give the skeleton that belongs to this motion"));
        };
        let channels = &self.skeleton.tree.joints[joint].channels;
        let numbers = words.clone().count();
        if numbers != channels.len() {
            let problem = format!("'{name}' has {numbers} numbers for {} degrees of freedom", channels.len());
            return Err(self.lines.error(problem, "give the skeleton that belongs to this motion"));
        }
        if std::mem::replace(&mut self.given[joint], true) {
            return Err(self.lines.error(format!("'{name}' twice in one frame"), MEND));
        }
        // The file has the first degree of freedom first, the tree the last.
        for ((value, channel), word) in values[first..].iter_mut().zip(channels).zip(words.rev()) {
            let unit = if matches!(channel, Channel::Rotation(_)) { self.degrees } else { 1.0 };
            *value = unit * self.lines.float(word)?;
        }
        // Positions of the tree stand in place of the offset; the root's are added to it.
        let joint = &self.skeleton.tree.joints[joint];
        for (value, channel) in values[first..].iter_mut().zip(&joint.channels) {
            if let Channel::Position(axis) = channel {
                *value += joint.offset[*axis];
            }
        }
        Ok(())
    }

    /// That the frame has every bone that moves.
    fn whole(&self) -> Result<()> {
        let bones = self.skeleton.tree.joints.iter().zip(&self.given);
        match bones.into_iter().find(|(joint, given)| !joint.channels.is_empty() && !**given) {
            None => Ok(()),
            Some((joint, _)) => {
                let problem = format!("the frame before it has no '{}'", joint.name);
                Err(self.lines.error(problem, "the file is cut short or its skeleton is another: get them again"))
            }
        }
    }
}

#[cfg(test)]
#[path = "amc_tests.rs"]
mod tests;
