//! OpenSim's TRC: a file of markers for each person.

use std::io::{self, Write};

use super::line::number;
use super::recording::{Poses, Recording};
use super::timeline::Timeline;
use super::{Lifted, Sink};
use crate::error::Result;
use crate::pose::Skeleton;

/// Writes files when all frames are there.
pub(super) struct Trc {
    recording: Recording,
}

impl Trc {
    /// Of what is recorded.
    pub(super) fn new(recording: Recording) -> Self {
        Self { recording }
    }
}

impl Sink for Trc {
    fn push(&mut self, frame: &Lifted) -> Result<()> {
        self.recording.push(frame)
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>> {
        let skeleton = self.recording.about().skeleton;
        self.recording
            .write("there their markers are left out", |poses, timeline, file| write(skeleton, poses, timeline, file))
    }
}

fn write(skeleton: &Skeleton, poses: &Poses, timeline: &Timeline, file: &mut impl Write) -> io::Result<()> {
    let decimal = |value: f64, digits: usize| {
        let mut text = Vec::new();
        number(&mut text, value, digits);
        String::from_utf8_lossy(&text).into_owned()
    };
    let (rate, rows, joints) = (decimal(1.0 / timeline.seconds, 4), timeline.slots.len(), skeleton.joints);
    let first = timeline.slots.first().map_or(0, |slot| slot.frame);
    // The file's name, for people: it may have been renamed since.
    writeln!(file, "PathFileType\t4\t(X/Y/Z)\tisopose.trc")?;
    writeln!(
        file,
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    )?;
    writeln!(file, "{rate}\t{rate}\t{rows}\t{joints}\tm\t{rate}\t{first}\t{rows}")?;
    // OpenSim's names have no slash.
    let names: Vec<String> = skeleton.names.iter().map(|name| name.replace('/', "")).collect();
    writeln!(file, "Frame#\tTime\t{}", names.join("\t\t\t"))?;
    let axes: Vec<String> = (1..=joints).map(|marker| format!("X{marker}\tY{marker}\tZ{marker}")).collect();
    writeln!(file, "\t\t{}\n", axes.join("\t"))?;
    for slot in &timeline.slots {
        write!(file, "{}\t{}", slot.frame, decimal(slot.time, 6))?;
        match slot.row {
            None => file.write_all("\t".repeat(3 * joints).as_bytes())?,
            Some(row) => {
                for metres in poses.of(row).iter().flat_map(|joint| [joint.x, joint.y, joint.z]) {
                    write!(file, "\t{}", decimal(metres, 5))?;
                }
            }
        }
        file.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "trc_tests.rs"]
mod tests;
