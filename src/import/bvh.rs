//! Biovision's BVH: a skeleton and its frames, read one by one.
//!
//! A joint's rotations are multiplied in the order of its CHANNELS: R = R first * R second * R third. Position channels
//! are the joint's place in its parent's axes, in place of its OFFSET, as in Blender, MotionBuilder and Mixamo files
//! (`bones.rs` says what counts where the two contradict each other); for the root that is its place in the world.

use std::{collections::VecDeque, path::Path};

use nalgebra::Vector3;

use super::{
    kinematics::{Channel, Joint, MAX_JOINTS, Tree},
    lines::{Lines, shown},
};
use crate::error::{Error, Result};

/// An open file, read up to its first frame.
#[derive(Debug)]
pub(super) struct Bvh {
    /// The joints; the end site of `Head` is named `Head_End`.
    pub tree: Tree,
    /// Frames in a second.
    pub fps: f64,
    claimed: usize,
    read: usize,
    channels: usize,
    lines: Lines,
}

const CHANNELS: [(&str, Channel); 6] = [
    ("xposition", Channel::Position(0)),
    ("yposition", Channel::Position(1)),
    ("zposition", Channel::Position(2)),
    ("xrotation", Channel::Rotation(0)),
    ("yrotation", Channel::Rotation(1)),
    ("zrotation", Channel::Rotation(2)),
];

/// Three positions, and rotations twice over.
const MAX_CHANNELS: usize = 9;

const MEND: &str = "mend the file or export it again";

impl Bvh {
    /// Opens a file and reads its skeleton.
    ///
    /// # Errors
    /// If it is no BVH file of one skeleton; the message names the line.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut words = Words { lines: Lines::open(path)?, waiting: VecDeque::new() };
        let tree = hierarchy(&mut words)?;
        let mut lines = words.lines;
        let claimed = header(&mut lines, "Frames")?;
        let claimed = claimed.parse().map_err(|_| lines.error(format!("'Frames: {}'", shown(&claimed)), MEND))?;
        let seconds = header(&mut lines, "Frame Time")?;
        let seconds = lines.float(&seconds)?;
        if seconds <= 0.0 {
            let fix = "give the seconds from frame to frame, as 0.0333333 for 30 frames in a second";
            return Err(lines.error(format!("'Frame Time: {seconds}'"), fix));
        }
        let channels = tree.channels();
        if channels == 0 {
            return Err(Error::file(path, "CHANNELS", "no joint has any", MEND));
        }
        Ok(Self { tree, fps: frame_rate(seconds), claimed, read: 0, channels, lines })
    }

    /// Reads the next frame: the numbers of all channels, joint by joint. False at the end.
    ///
    /// # Errors
    /// If the line has another count of numbers, or the file has another count of frames than it says.
    pub(super) fn next_frame(&mut self, frame: &mut Vec<f64>) -> Result<bool> {
        let Some(line) = self.lines.next_line()? else {
            if self.read == self.claimed {
                return Ok(false);
            }
            let problem = format!("it says {}, but there are {}", self.claimed, self.read);
            return Err(Error::file(self.lines.path(), "Frames", problem, "get the file again, or correct the count"));
        };
        if self.read == self.claimed {
            let problem = format!("a line after the {} frames that the file says it has", self.claimed);
            return Err(self.lines.error(problem, "correct 'Frames:' or drop the line"));
        }
        frame.clear();
        for word in line.split_whitespace().take(self.channels + 1) {
            frame.push(self.lines.float(word)?);
        }
        if frame.len() != self.channels {
            let count = line.split_whitespace().count();
            let problem = format!("frame {}: {count} numbers for {} channels", self.read, self.channels);
            return Err(self.lines.error(problem, "give every frame one line with a number for each channel"));
        }
        self.read += 1;
        Ok(true)
    }
}

/// Frame times are written with few digits: a rate within 0.05 % of a whole one is that. 29.97 stays.
fn frame_rate(seconds: f64) -> f64 {
    let rate = 1.0 / seconds;
    if (rate - rate.round()).abs() < 5e-4 * rate { rate.round() } else { rate }
}

/// The rest of the line `key: rest`, the next one.
fn header(lines: &mut Lines, key: &str) -> Result<String> {
    let Some(line) = lines.next_line()? else { return Err(lines.cut_short(&format!("before '{key}:'"))) };
    match line.split_once(':') {
        Some((found, rest)) if found.split_whitespace().eq(key.split(' ')) => Ok(rest.trim().to_owned()),
        _ => Err(lines.error(format!("'{}' where '{key}:' belongs", shown(&line)), MEND)),
    }
}

/// Words of the hierarchy, braces apart.
struct Words {
    lines: Lines,
    waiting: VecDeque<String>,
}

impl Words {
    fn word(&mut self) -> Result<String> {
        let next = self.next()?;
        next.ok_or_else(|| self.lines.cut_short("inside of HIERARCHY"))
    }

    /// `None` at the end of the file.
    fn next(&mut self) -> Result<Option<String>> {
        loop {
            if let Some(word) = self.waiting.pop_front() {
                return Ok(Some(word));
            }
            let Some(line) = self.lines.next_line()? else { return Ok(None) };
            let spaced = line.replace('{', " { ").replace('}', " } ");
            self.waiting.extend(spaced.split_whitespace().map(str::to_owned));
        }
    }

    /// The words up to the opening brace: a name may have spaces.
    fn name(&mut self) -> Result<String> {
        let mut name = self.word()?;
        while !matches!(name.as_str(), "{" | "}") && name.len() < 200 {
            match self.word()?.as_str() {
                "{" => return Ok(name),
                word => name = format!("{name} {word}"),
            }
        }
        Err(self.lines.error("a joint without a name, or without '{' after it", MEND))
    }

    fn three(&mut self) -> Result<Vector3<f64>> {
        let words = [self.word()?, self.word()?, self.word()?];
        self.lines.three(words.iter().map(String::as_str)).map(Vector3::from)
    }

    fn channels(&mut self) -> Result<Vec<Channel>> {
        let count = self.word()?;
        let Some(count) = count.parse().ok().filter(|&count: &usize| count <= MAX_CHANNELS) else {
            let problem = format!("CHANNELS {}: at most {MAX_CHANNELS} are known", shown(&count));
            return Err(self.lines.error(problem, MEND));
        };
        let mut channels = Vec::with_capacity(count);
        let known = |word: &str| CHANNELS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
        for given in 0..count {
            let word = self.word()?;
            let Some((_, channel)) = known(&word) else {
                if matches!(word.to_ascii_uppercase().as_str(), "JOINT" | "END" | "OFFSET" | "CHANNELS" | "{" | "}") {
                    return Err(self.lines.error(format!("CHANNELS {count}, but {given} follow"), "correct the count"));
                }
                let problem = format!("unknown channel '{}'", shown(&word));
                return Err(self.lines.error(problem, "use Xposition to Zposition and Xrotation to Zrotation only"));
            };
            channels.push(*channel);
        }
        if self.waiting.front().is_some_and(|word| known(word).is_some()) {
            return Err(self.lines.error(format!("CHANNELS {count}, but more follow"), "correct the count"));
        }
        Ok(channels)
    }
}

/// Everything up to and with the word MOTION. Open joints are a list, not calls: depth costs no stack.
fn hierarchy(words: &mut Words) -> Result<Tree> {
    match words.next()? {
        None => return Err(words.lines.empty()),
        Some(word) if word.eq_ignore_ascii_case("HIERARCHY") => {}
        Some(_) => {
            return Err(words.lines.foreign("it does not start with HIERARCHY", "check that this is a BVH file"));
        }
    }
    let mut tree = Tree::default();
    let mut open: Vec<usize> = Vec::new();
    loop {
        let current = open.last().copied();
        let word = match words.next()? {
            Some(word) => word,
            None if current.is_none() && !tree.joints.is_empty() => {
                let problem = "the file ends without MOTION: it is a skeleton alone";
                return Err(words.lines.error(problem, "export its motion too"));
            }
            None => return Err(words.lines.cut_short("inside of HIERARCHY")),
        };
        match (word.to_ascii_uppercase().as_str(), current) {
            ("ROOT", None) => {
                let name = words.name()?;
                if let Some(first) = tree.joints.first() {
                    let problem = format!("a second ROOT, '{name}' after '{}'", first.name);
                    return Err(words.lines.error(problem, "give every skeleton its own file"));
                }
                open.push(0);
                tree.joints.push(Joint::new(&name, None));
            }
            ("JOINT" | "END", Some(parent)) => {
                let name = words.name()?;
                let is_end = word.eq_ignore_ascii_case("END");
                let name = if is_end { format!("{}_End", tree.joints[parent].name) } else { name };
                open.push(tree.joints.len());
                tree.joints.push(Joint::new(&name, current));
                if tree.joints.len() > MAX_JOINTS {
                    return Err(words.lines.error(format!("more than {MAX_JOINTS} joints"), "drop what is no body"));
                }
            }
            ("OFFSET", Some(joint)) => tree.joints[joint].offset = words.three()?,
            ("CHANNELS", Some(joint)) => tree.joints[joint].channels = words.channels()?,
            ("}", Some(_)) => drop(open.pop()),
            ("MOTION", None) if !tree.joints.is_empty() => return Ok(tree),
            _ => {
                let place =
                    current.map_or("outside of a joint".to_owned(), |j| format!("in '{}'", tree.joints[j].name));
                return Err(words.lines.error(format!("'{}' {place}", shown(&word)), MEND));
            }
        }
    }
}

#[cfg(test)]
#[path = "bvh_tests.rs"]
mod tests;
