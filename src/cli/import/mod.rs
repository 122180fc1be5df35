//! `isopose import`.

mod datasets;
mod detectors;
mod motion;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::shard::{self, Asked};
use super::{Outcome, interrupt, options, output, parts, words::Words};
use crate::data::{Motion, Summary};
use crate::error::{Error, Result};
use crate::evaluate::Shard;
use crate::import::detector::{alphapose, coco, detectron, halpe, mediapipe, mmpose, openpose};
use crate::import::{Collector, Progress, Tolerance, collect_to};
use crate::lift::Form;
use detectors::Detector;
pub(super) use detectors::Kept;

/// Turn the field's files into pose sets and motion: data sets, motion files, detectors' keypoints
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    H36m(datasets::H36m),
    #[command(name = "mpi-inf-3dhp")]
    MpiInf3dhp(datasets::MpiInf3dhp),
    #[command(name = "3dpw")]
    ThreeDpw(datasets::ThreeDpw),
    Mpii(datasets::Mpii),
    Lsp(datasets::Lsp),
    Bvh(motion::Bvh),
    Amc(motion::Amc),
    /// COCO keypoints, 2D: a list of results, or annotations with their images
    Coco(Detector),
    /// OpenPose, 2D: a folder of one JSON a frame, BODY_25 or 18 keypoints
    Openpose(Detector),
    /// MMPose, 2D: the JSON of its demos or of its inferencer
    Mmpose(Detector),
    /// AlphaPose, 2D: its JSON, 17 (COCO), 26 or 136 (Halpe) keypoints
    Alphapose(Detector),
    /// Detectron, 2D: VideoPose3D's .npz files, as inferred or as data_2d_custom_*.npz
    Detectron(Detector),
    /// MediaPipe, 2D: a JSON of 33 landmarks a frame; needs --image-size
    Mediapipe(Detector),
    /// Halpe, 2D: annotations of 26 or 136 keypoints in COCO's form
    Halpe(Detector),
}

/// What every kind has.
#[derive(Debug, Args)]
struct Files {
    /// Files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE.npz")]
    out: PathBuf,
    /// Imports part I of N of the given paths alone, to a file of its own beside --out; `isopose merge` puts all together.
    /// auto takes I and N from a Slurm array, srun or MPI; auto/N the I of a Kubernetes indexed job or of GNU parallel
    #[arg(long, value_name = "I/N", value_parser = shard::asked)]
    shard: Option<Asked>,
    /// Stop at the first damaged record or file, instead of leaving it out with a warning
    #[arg(long)]
    strict: bool,
    /// Take what cannot be a person, with a warning
    #[arg(long)]
    allow_implausible: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What every kind of pose set has besides.
#[derive(Debug, Clone, Copy, Args)]
struct Joints {
    /// Joints of the skeleton: 16 or 17 (Human3.6M order)
    #[arg(long, value_name = "J", default_value = "16", value_parser = options::joints)]
    joints: usize,
}

/// What was written.
#[derive(Serialize)]
struct Report {
    out: PathBuf,
    /// Poses of a pose set, frames of motion.
    #[serde(flatten)]
    summary: Summary,
}

impl Import {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        match &self.kind {
            Kind::H36m(kind) => kind.run(out),
            Kind::MpiInf3dhp(kind) => kind.run(out),
            Kind::ThreeDpw(kind) => kind.run(out),
            Kind::Mpii(kind) => kind.run(out),
            Kind::Lsp(kind) => kind.run(out),
            Kind::Bvh(kind) => kind.run(out),
            Kind::Amc(kind) => kind.run(out),
            Kind::Coco(kind) => kind.run(out, coco::import),
            Kind::Openpose(kind) => kind.run(out, openpose::import),
            Kind::Mmpose(kind) => kind.run(out, mmpose::import),
            Kind::Alphapose(kind) => kind.run(out, alphapose::import),
            Kind::Detectron(kind) => kind.run(out, detectron::import),
            Kind::Mediapipe(kind) => kind.run(out, mediapipe::import),
            Kind::Halpe(kind) => kind.run(out, halpe::import),
        }
    }
}

impl Files {
    /// Imports, writes and reports a pose set.
    fn poses(
        &self,
        out: &mut dyn Write,
        joints: Joints,
        import: impl FnOnce(&[PathBuf], &mut Collector<'_>, Progress<'_>) -> Result<()>,
    ) -> Outcome {
        let shard = self.shard.map_or(Ok(Shard::WHOLE), shard::told)?;
        let count = self.paths.len();
        if shard.count() > count {
            let problem =
                format!("of {count} given paths {} parts cannot each have one; give more paths", shard.count());
            return Err(Error::setting("shard", problem).into());
        }
        let place = shard::file(&self.out, shard);
        let written = |paths: &[PathBuf], progress: Progress<'_>| {
            collect_to(&place, joints.joints, |to| {
                to.tolerate(self.tolerance());
                import(paths, to, progress)
            })
        };
        let part = (!shard.is_whole()).then(|| parts::begin(&place, shard)).transpose()?;
        let summary = self.import((&self.paths[shard.part(0..count)], None), &place, written)?;
        if let Some(part) = part {
            part.end(Form::Npz, None, &[])?;
        }
        self.report(out, Report { out: place, summary })
    }

    /// Imports, writes and reports motion.
    fn motion(
        &self,
        out: &mut dyn Write,
        joint_map: Option<&Path>,
        import: impl FnOnce(&[PathBuf], &mut Vec<String>, Progress<'_>) -> Result<Motion>,
    ) -> Outcome {
        if self.shard.is_some() {
            return Err(Error::setting("shard", "motion files are imported together; leave it out").into());
        }
        let mut warnings = Vec::new();
        let read = |paths: &[PathBuf], progress: Progress<'_>| import(paths, &mut warnings, progress);
        let motion = self.import((&self.paths, joint_map), &self.out, read)?;
        motion.save(&self.out)?;
        // They name settings, as errors do.
        let summary = Summary {
            poses: motion.len(),
            joints: 17,
            sequences: motion.clips().count(),
            subjects: motion.subject_names.len(),
            actions: motion.category_names.len(),
            missing_joints: 0,
            positions: true,
            warnings,
        };
        self.report(out, Report { out: self.out.clone(), summary })
    }

    /// Imports to `place` what reads the `paths`, and `other`.
    fn import<T>(
        &self,
        (paths, other): (&[PathBuf], Option<&Path>),
        place: &Path,
        import: impl FnOnce(&[PathBuf], Progress<'_>) -> Result<T>,
    ) -> Result<T> {
        let inputs: Vec<&Path> = self.paths.iter().map(PathBuf::as_path).chain(other).collect();
        options::check_writable(place, "--out", &inputs)?;
        let mut progress: Option<output::Progress> = None;
        interrupt::catch();
        let done = import(paths, &mut |done, total| {
            progress.get_or_insert_with(|| output::Progress::start("import", total)).update(done, "");
            interrupt::check()
        });
        drop(progress);
        if matches!(done, Err(Error::Stopped)) {
            output::note(&format!(
                "stopped; {} is as it was. Begin again: {}",
                place.display(),
                options::command_line()
            ));
        }
        done
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance { strict: self.strict, allow_implausible: self.allow_implausible }
    }

    fn report(&self, out: &mut dyn Write, mut report: Report) -> Outcome {
        let words = Words::typed();
        let warnings: Vec<String> = report.summary.warnings.iter().map(|warning| words.said(warning)).collect();
        warnings.iter().for_each(|warning| output::note(&format!("warning: {warning}")));
        if self.json {
            report.summary.warnings = warnings;
            output::json(out, &report)?
        } else {
            report.write(out)?
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Report {
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let Summary { poses, joints, sequences, subjects, actions, missing_joints, positions, .. } = &self.summary;
        let kind = if *positions { "with 3D" } else { "2D only" };
        writeln!(out, "{}: {poses} poses of {joints} joints in {sequences} sequences, {kind}", self.out.display())?;
        if subjects + actions > 0 {
            writeln!(out, "{subjects} subjects, {actions} actions")?;
        }
        if *missing_joints > 0 {
            let share = 100.0 * *missing_joints as f64 / (poses * joints).max(1) as f64;
            writeln!(out, "{missing_joints} joints are missing ({share:.1} %), confidence 0")?;
        }
        Ok(())
    }
}
