//! What does not look like a person's motion: per clip what surely is wrong, over all clips what is odd.

use super::{
    Motion,
    findings::{Findings, Wrong},
    motion::JOINTS,
};
use crate::pose::Skeleton;

const BONES: usize = JOINTS - 1;
/// A person's bones add up to about 5.3 m (Human3.6M, 17 joints); outside of this, to nobody's.
const SURE_M: std::ops::Range<f64> = 0.5..50.0;
/// Children and giants.
const USUAL_M: std::ops::Range<f64> = 2.0..9.0;
/// Of the sum: a shorter bone has no length.
const NO_LENGTH: f64 = 1e-3;
/// No person moves so far in a frame.
const JUMP_MM: f64 = 1000.0;
/// Below this rate a runner may.
const JUMP_FPS: f32 = 23.9;
/// Beyond these a rate is a mistake: seconds in place of frames in a second, or milliseconds.
const USUAL_FPS: std::ops::RangeInclusive<f32> = 1.0..=1000.0;
const HEAD: usize = 10;

/// What a look at one clip found.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClipLook {
    /// What cannot be a person's.
    pub wrong: Option<Wrong>,
    frames: usize,
    /// Mean lengths, millimetres, without the frames that have all joints at one place.
    lengths: [f64; BONES],
    /// Frames, with the first of them.
    zero: Count,
    together: Count,
    jumps: Count,
    below: usize,
    lying: usize,
    still: bool,
}

/// How many there are, and the first.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    count: usize,
    first: usize,
}

impl Count {
    fn add(&mut self, frame: usize) {
        if self.count == 0 {
            self.first = frame;
        }
        self.count += 1;
    }
}

impl ClipLook {
    /// Looks at a clip: (frames, 17, 3), millimetres, Z up.
    #[must_use]
    pub(crate) fn of(positions: &[f32], fps: f32) -> Self {
        let mut look = Self { still: true, ..Self::default() };
        let Some(skeleton) = Skeleton::of(JOINTS) else { return look };
        let (mut least, mut most) = ([f64::INFINITY; BONES], [0f64; BONES]);
        let (mut before, mut hips): (Option<&[f32]>, Option<&[f32]>) = (None, None);
        let between = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
        };
        for (number, frame) in positions.chunks_exact(3 * JOINTS).enumerate() {
            look.frames += 1;
            look.still &= before.is_none_or(|before| before == frame);
            before = Some(frame);
            if frame.chunks_exact(3).all(|joint| joint == &frame[..3]) {
                let to = if frame[..3] == [0.0; 3] { &mut look.zero } else { &mut look.together };
                to.add(number);
                hips = None;
                continue;
            }
            if hips.is_some_and(|hips| fps >= JUMP_FPS && between(&frame[..3], hips) > JUMP_MM) {
                look.jumps.add(number);
            }
            hips = Some(&frame[..3]);
            for (bone, (joint, parent)) in skeleton.bones().enumerate() {
                let length = between(&frame[3 * joint..][..3], &frame[3 * parent..][..3]);
                look.lengths[bone] += length;
                (least[bone], most[bone]) = (least[bone].min(length), most[bone].max(length));
            }
            let head = &frame[3 * HEAD..][..3];
            let up = f64::from(head[2]) - f64::from(frame[2]);
            look.below += usize::from(up < 0.0);
            // More than 60 degrees off the vertical, to any side.
            look.lying += usize::from(up.abs() < 0.5 * between(head, &frame[..3]));
        }
        look.still &= look.frames > 1;
        let whole = look.frames - look.zero.count - look.together.count;
        look.lengths.iter_mut().for_each(|length| *length /= whole.max(1) as f64);
        look.wrong = look.judge(skeleton, &least, &most);
        look
    }

    fn metres(&self) -> f64 {
        self.lengths.iter().sum::<f64>() / 1000.0
    }

    fn has_length(&self, bone: usize) -> bool {
        self.lengths[bone] > NO_LENGTH * 1000.0 * self.metres()
    }

    fn judge(&self, skeleton: &Skeleton, least: &[f64; BONES], most: &[f64; BONES]) -> Option<Wrong> {
        let wrong = |field, problem, fix: &str| {
            let fix = format!("{fix}, or take it as it is with `allow_implausible`");
            Some(Wrong { field, problem, fix })
        };
        if self.frames == 0 {
            return None;
        }
        let without = (0..BONES).filter(|&bone| !self.has_length(bone)).count();
        if 2 * without > BONES {
            let problem = format!("{without} of the {BONES} bones have no length: most joints are at one place");
            return wrong("positions", problem, "export it again with the joints' places");
        }
        if !SURE_M.contains(&self.metres()) {
            let problem = format!("the bones add up to {} m, a person's to about 5.3", digits(self.metres()));
            return wrong("unit", problem, "say the unit of its lengths with `unit`");
        }
        let varies = |&bone: &usize| most[bone] > 2.0 * least[bone] && self.has_length(bone);
        let varying: Vec<usize> = (0..BONES).filter(varies).collect();
        if 2 * varying.len() > BONES {
            let example = varying[0];
            let problem = format!(
                "{} of the {BONES} bones change their length by more than a factor 2 (that to {} is {:.0} to {:.0} mm \
                 long): the positions contradict each other",
                varying.len(),
                skeleton.names[example + 1],
                least[example],
                most[example],
            );
            return wrong("positions", problem, "export it again");
        }
        None
    }
}

/// Three digits or more, as many as the number has before the point.
fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// What looks at all clips found.
#[derive(Debug, Default)]
pub(crate) struct MotionLook {
    clips: usize,
    frames: usize,
    wrong: Option<Wrong>,
    also_wrong: usize,
    /// Clips whose bones add up to an odd sum, the first one's name, and the least and the greatest sum.
    sums: Named,
    range: [f64; 2],
    uneven: Named,
    uneven_bones: [usize; BONES],
    flat: Named,
    flat_bones: [usize; BONES],
    still: Named,
    zero: Named,
    together: Named,
    jumps: Named,
    below: usize,
    lying: usize,
}

/// How many there are, and where the first is.
#[derive(Debug, Default)]
struct Named {
    count: usize,
    first: String,
}

impl Named {
    fn add(&mut self, count: usize, first: impl FnOnce() -> String) {
        if self.count == 0 && count > 0 {
            self.first = first();
        }
        self.count += count;
    }
}

impl MotionLook {
    /// Adds a clip.
    pub(crate) fn add(&mut self, name: &str, look: &ClipLook) {
        let Some(skeleton) = Skeleton::of(JOINTS) else { return };
        self.clips += 1;
        self.frames += look.frames;
        self.still.add(look.still.into(), || format!("'{name}'"));
        for (all, count) in
            [(&mut self.zero, look.zero), (&mut self.together, look.together), (&mut self.jumps, look.jumps)]
        {
            all.add(count.count, || format!("frame {} of '{name}'", count.first));
        }
        self.below += look.below;
        self.lying += look.lying;
        if let Some(wrong) = &look.wrong {
            self.also_wrong += usize::from(self.wrong.is_some());
            self.wrong
                .get_or_insert_with(|| Wrong { problem: format!("clip '{name}': {}", wrong.problem), ..wrong.clone() });
            // What is wrong explains what else is odd of the bones.
            return;
        }
        let metres = look.metres();
        if !USUAL_M.contains(&metres) {
            self.range =
                if self.sums.count == 0 { [metres; 2] } else { [self.range[0].min(metres), self.range[1].max(metres)] };
            self.sums.add(1, || format!("'{name}'"));
        }
        let (mut uneven, mut flat) = (false, false);
        for bone in 0..BONES {
            if !look.has_length(bone) {
                self.flat_bones[bone] += 1;
                flat = true;
            }
            // The bone that ends at joint j is number j - 1.
            let mirror = skeleton.swap[bone + 1] - 1;
            let (a, b) = (look.lengths[bone], look.lengths[mirror]);
            if mirror > bone && (a - b).abs() > 0.1 * a.max(b) {
                self.uneven_bones[bone] += 1;
                uneven = true;
            }
        }
        self.uneven.add(uneven.into(), || format!("'{name}'"));
        self.flat.add(flat.into(), || format!("'{name}'"));
    }

    /// What was found; the rate is that of all clips.
    #[must_use]
    pub(crate) fn findings(&self, fps: f32) -> Findings {
        let mut findings = Findings { wrong: self.wrong.clone(), odd: Vec::new() };
        if let Some(wrong) = findings.wrong.as_mut().filter(|_| self.also_wrong > 0) {
            wrong.problem += &format!(" (and {} more clips are wrong)", self.also_wrong);
        }
        let Some(skeleton) = Skeleton::of(JOINTS) else { return findings };
        let (clips, frames) = (self.clips, self.frames);
        let listed = |counts: &[usize; BONES], text: &dyn Fn(usize) -> String| {
            let bones =
                (0..BONES).filter(|&bone| counts[bone] > 0).map(|bone| format!("{} ({})", text(bone), counts[bone]));
            bones.collect::<Vec<_>>().join(", ")
        };
        let joint = |bone: usize| skeleton.names[bone + 1];
        let mut say = |count: &Named, text: String| {
            if count.count > 0 {
                findings.odd.push(format!("{text}; the first is {}", count.first));
            }
        };
        let [least, most] = self.range;
        let sums = if least == most { digits(least) } else { format!("{} to {}", digits(least), digits(most)) };
        let of = |count: &Named| format!("{} of {clips} clips", count.count);
        say(
            &self.sums,
            format!("in {} the bones add up to {sums} m, a person's to 2 to 9: check `unit`", of(&self.sums)),
        );
        let pairs = listed(&self.uneven_bones, &|bone| {
            format!("{} and {}", joint(bone), skeleton.names[skeleton.swap[bone + 1]])
        });
        say(&self.uneven, format!("in {} bones of left and right differ by more than 10 %: {pairs}", of(&self.uneven)));
        let pairs = listed(&self.flat_bones, &|bone| {
            format!("{} on {}", joint(bone), skeleton.names[skeleton.parents[bone + 1]])
        });
        say(&self.flat, format!("in {} joints lie on each other throughout: {pairs}", of(&self.flat)));
        say(&self.still, format!("{} do not move: all frames of each are the same", of(&self.still)));
        let of = |count: &Named| format!("{} of {frames} frames", count.count);
        say(&self.zero, format!("{} have all joints at 0", of(&self.zero)));
        say(&self.together, format!("{} have all joints at one place", of(&self.together)));
        let jumps = "the hips jump: they are more than 1 m from where they were a frame before";
        say(&self.jumps, format!("in {} {jumps}", of(&self.jumps)));
        if 2 * self.below > frames {
            findings.odd.push(format!(
                "in {} of {frames} frames the head is below the hips: check which axis is up (`up`)",
                self.below
            ));
        }
        if 2 * self.lying > frames {
            let text = "the trunk is more than 60 degrees off the vertical: unless the person lies, check which \
                        axis is up (`up`)";
            findings.odd.push(format!("in {} of {frames} frames {text}", self.lying));
        }
        if !USUAL_FPS.contains(&fps) && clips > 0 {
            findings.odd.push(format!("{} frames in a second: check the frame rate", digits(fps.into())));
        }
        findings
    }
}

/// All that was found, in sentences.
#[cfg(feature = "import")]
#[must_use]
pub(crate) fn sentences(findings: Findings) -> Vec<String> {
    findings.wrong.map(|wrong| wrong.problem).into_iter().chain(findings.odd).collect()
}

impl Motion {
    /// Looks at all frames: lengths and their changes clip by clip, places that no person takes. The source of the
    /// sums of bones is Human3.6M's mean skeleton; what else counts as wrong or odd says its sentence.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let mut all = MotionLook::default();
        for (clip, name) in self.clips().zip(&self.clip_names) {
            let positions = self.positions.get(3 * JOINTS * clip.start..3 * JOINTS * clip.end).unwrap_or_default();
            all.add(name, &ClipLook::of(positions, self.fps));
        }
        all.findings(self.fps)
    }
}

#[cfg(test)]
#[path = "motion_findings_tests.rs"]
mod tests;
