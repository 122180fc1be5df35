//! The files of the data set itself.

use std::{collections::BTreeSet, path::Path};

use super::{
    Collector, Frames, Label, Options, TRAIN_IMAGE_SIZE, VNECT_CAMERAS, cameras, matlab, rows, sources, test_image_size,
};
use crate::{
    error::{Error, Result},
    format::{Value, hdf5::Hdf5, mat},
    import::{
        layout::{MPI_INF_3DHP_17, MPI_INF_3DHP_28},
        marks::marks,
    },
};

/// `activity_annotation` 1 to 7.
const ACTIVITIES: [&str; 7] =
    ["Standing/Walking", "Exercising", "Sitting", "Reaching/Crouching", "On The Floor", "Sports", "Miscellaneous"];

const MILLIMETRES: f32 = 1000.0;

/// `TS*/annot_data.mat`: MATLAB 7.3, arrays (frames, 1, 17, 2 or 3).
pub(super) struct Test {
    name: String,
    file: Hdf5,
    /// If absent, all frames are taken.
    valid: Option<Vec<bool>>,
    activity: Vec<f32>,
}

impl Test {
    pub(super) fn open(path: &Path, options: &Options, to: &Collector<'_>) -> Result<Self> {
        let Some(name) = sources::numbered_folder(path, "TS") else {
            let fix = "keep it in its folder, TS1 to TS6";
            return Err(Error::file(path, "path", "its folders do not name the sequence", fix));
        };
        let field = |field: &str| format!("{name}/{field}");
        options.check(path, &["annotation", "all_frames"])?;
        let file = Hdf5::open(path)?;
        let frames = file.shape("annot2")?.first().copied().unwrap_or_default();
        to.room_for(frames.div_ceil(options.stride.max(1)), path, &field("annot2"))?;
        let valid = match options.all_frames {
            true => None,
            false if !file.has("valid_frame") => return Err(unmarked(path, field("valid_frame"))),
            false => Some(marks(path, &field("valid_frame"), &file.f32("valid_frame")?, frames)?),
        };
        let activity = file.f32("activity_annotation")?.values;
        let wrong = |problem: String| Error::file(path, field("activity_annotation"), problem, "download it again");
        if activity.len() != frames {
            return Err(wrong(format!("{} values for {frames} frames", activity.len())));
        }
        // Frames that are not valid need none.
        let counts = |frame: usize| valid.as_ref().is_some_and(|valid| valid[frame]);
        if let Some(frame) = (0..frames).find(|&frame| counts(frame) && !(1.0..8.0).contains(&activity[frame])) {
            return Err(wrong(format!("frame {frame}: {} is no activity", activity[frame])));
        }
        // What was cut short lacks the end.
        if let Some(last) = frames.checked_sub(1) {
            file.rows("annot2", last, 1)?;
            file.rows(options.annotation.field(), last, 1)?;
        }
        Ok(Self { name: name.to_owned(), valid, activity, file })
    }

    /// Adds the frames that are asked for, a sequence.
    pub(super) fn add(&self, path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
        let Self { name, file, valid, activity } = self;
        tell_none(path, &format!("{name}/valid_frame"), valid.as_ref(), to);
        let actions = ACTIVITIES.map(|activity| to.action(activity));
        let label =
            Label { sequence: to.new_sequence(name, path)?, subject: Some(to.subject(name)), ..Label::default() };
        let field = options.annotation.field();
        let frames = Frames {
            path,
            fields: ["annot2", field].map(|field| format!("{name}/{field}")),
            layout: &MPI_INF_3DHP_17,
            shapes: [&file.shape("annot2")?, &file.shape(field)?],
            per_metre: sources::per_metre(options.unit, MILLIMETRES),
            image_size: Some(test_image_size(name)),
            intrinsics: Some(cameras::test(name)),
        };
        let read = |first, count| Ok([file.rows("annot2", first, count)?, file.rows(field, first, count)?]);
        frames.add(to, read, |frame| {
            let is_valid = valid.as_ref().is_none_or(|valid| valid.get(frame) == Some(&true));
            let action = *actions.get((*activity.get(frame)? as usize).checked_sub(1)?)?;
            (is_valid && frame % options.stride.max(1) == 0).then_some(Label { action: Some(action), ..label })
        })
    }
}

/// That nothing says which frames of a test recording count.
pub(super) fn unmarked(path: &Path, field: String) -> Error {
    let problem = "it is missing: which frames are valid, and count, is not said";
    Error::file(
        path,
        field,
        problem,
        "give a file that has it, or take the frames that are not valid too with `all_frames`",
    )
}

/// Says that no frame counts.
pub(super) fn tell_none(path: &Path, field: &str, valid: Option<&Vec<bool>>, to: &mut Collector<'_>) {
    if valid.is_some_and(|valid| !valid.contains(&true)) {
        to.warn(format!("{}: {field}: no frame is valid", path.display()));
    }
}

/// `S*/Seq*/annot.mat`: MATLAB 5, cells of 14 cameras, each (frames, 28 x 2 or 3).
pub(super) struct Train {
    subject: String,
    recording: String,
    value: Value,
}

impl Train {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self> {
        let folder = |prefix| sources::numbered_folder(path, prefix).map(str::to_owned);
        let (Some(subject), Some(recording)) = (folder("S"), folder("Seq")) else {
            let fix = "keep it in its folders, such as S1/Seq1";
            return Err(Error::file(path, "path", "its folders do not name subject and sequence", fix));
        };
        options.check(path, &["annotation", "camera"])?;
        let value = mat::load(path)?;
        match value.get("annot2") {
            Some(cell) if !cell.items().is_empty() => Ok(Self { subject, recording, value }),
            Some(cell) if cell.shape().is_some() => Err(matlab::is_7(path)),
            _ => Err(Error::file(path, "annot2", "there is no such cell", "give the annot.mat of the training set")),
        }
    }

    /// Adds the cameras that are asked for, a sequence each.
    pub(super) fn add(&self, path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
        let Self { subject, recording, value } = self;
        let count = value.get("annot2").map_or(0, |cell| cell.items().len());
        let subject_number = to.subject(subject);
        let wanted = if options.cameras.is_empty() { &VNECT_CAMERAS[..] } else { &options.cameras };
        for camera in wanted.iter().copied().collect::<BTreeSet<usize>>() {
            let cell = |field: &str| {
                let array = value.get(field).and_then(|cell| cell.items().get(camera));
                let problem = "there is no array of this camera";
                let fix = format!("choose cameras from 0 to {}", count.saturating_sub(1));
                let array = array.and_then(|array| Some((array, array.shape()?)));
                array.ok_or_else(|| Error::file(path, format!("{field}{{{camera}}}"), problem, fix))
            };
            let field = options.annotation.field();
            let ((keypoints, shape_2d), (positions, shape)) = (cell("annot2")?, cell(field)?);
            let frames = Frames {
                path,
                fields: ["annot2", field].map(|field| format!("{subject}/{recording}/{field}{{{camera}}}")),
                layout: &MPI_INF_3DHP_28,
                shapes: [shape_2d, shape],
                per_metre: sources::per_metre(options.unit, MILLIMETRES),
                image_size: Some(TRAIN_IMAGE_SIZE),
                intrinsics: cameras::beside(path, camera)?,
            };
            let label = Label {
                sequence: to.new_sequence(&format!("{subject}/{recording}@{camera}"), path)?,
                subject: Some(subject_number),
                ..Label::default()
            };
            let read = |first, count| rows(path, [keypoints, positions], first, count);
            frames.add(to, read, |frame| (frame % options.stride.max(1) == 0).then_some(label))?;
        }
        Ok(())
    }
}
