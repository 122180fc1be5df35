//! The files of the data set itself.

use std::{collections::BTreeSet, path::Path};

use super::{
    Collector, Frames, Label, Options, TRAIN_IMAGE_SIZE, VNECT_CAMERAS, cameras, rows, sources, test_image_size,
};
use crate::{
    error::{Error, Result},
    format::{hdf5::Hdf5, mat},
    import::layout::{MPI_INF_3DHP_17, MPI_INF_3DHP_28},
};

/// `activity_annotation` 1 to 7.
const ACTIVITIES: [&str; 7] =
    ["Standing/Walking", "Exercising", "Sitting", "Reaching/Crouching", "On The Floor", "Sports", "Miscellaneous"];

const MILLIMETRES: f32 = 1000.0;

/// `TS*/annot_data.mat`: MATLAB 7.3, arrays (frames, 1, 17, 2 or 3).
pub(super) fn test(path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    let Some(name) = sources::numbered_folder(path, "TS") else {
        let fix = "keep it in its folder, TS1 to TS6";
        return Err(Error::file(path, "path", "its folders do not name the sequence", fix));
    };
    let wrong = |field: &str, problem: String, fix: &str| Error::file(path, format!("{name}/{field}"), problem, fix);
    options.check(path, &["annotation", "all_frames"])?;
    let file = Hdf5::open(path)?;
    let frames = file.shape("annot2")?.first().copied().unwrap_or_default();
    to.room_for(frames.div_ceil(options.stride.max(1)), path, &format!("{name}/annot2"))?;
    let valid = file.f32("valid_frame")?.values;
    let activity = file.f32("activity_annotation")?.values;
    for (field, values) in [("valid_frame", &valid), ("activity_annotation", &activity)] {
        if values.len() != frames {
            return Err(wrong(field, format!("{} values for {frames} frames", values.len()), "download it again"));
        }
    }
    // Frames that are not valid need none.
    let unknown = |(activity, valid): (&f32, &f32)| *valid == 1.0 && !(1.0..8.0).contains(activity);
    if let Some(frame) = activity.iter().zip(&valid).position(unknown) {
        let problem = format!("frame {frame}: {} is no activity", activity[frame]);
        return Err(wrong("activity_annotation", problem, "download it again"));
    }
    let actions = ACTIVITIES.map(|activity| to.action(activity));
    let label = Label { sequence: to.new_sequence(name, path)?, subject: Some(to.subject(name)), ..Label::default() };
    let field = options.annotation.field();
    let frames = Frames {
        path,
        fields: ["annot2", field].map(|field| format!("{name}/{field}")),
        layout: &MPI_INF_3DHP_17,
        shapes: [&file.shape("annot2")?, &file.shape(field)?],
        per_metre: MILLIMETRES,
        image_size: Some(test_image_size(name)),
        intrinsics: Some(cameras::test(name)),
    };
    let read = |first, count| Ok([file.rows("annot2", first, count)?, file.rows(field, first, count)?]);
    frames.add(to, read, |frame| {
        let wanted = (options.all_frames || valid.get(frame) == Some(&1.0)) && frame % options.stride.max(1) == 0;
        let action = *actions.get((*activity.get(frame)? as usize).checked_sub(1)?)?;
        wanted.then_some(Label { action: Some(action), ..label })
    })
}

/// `S*/Seq*/annot.mat`: MATLAB 5, cells of 14 cameras, each (frames, 28 x 2 or 3).
pub(super) fn train(path: &Path, options: &Options, to: &mut Collector<'_>) -> Result<()> {
    let (Some(subject), Some(recording)) = (sources::numbered_folder(path, "S"), sources::numbered_folder(path, "Seq"))
    else {
        let fix = "keep it in its folders, such as S1/Seq1";
        return Err(Error::file(path, "path", "its folders do not name subject and sequence", fix));
    };
    options.check(path, &["annotation", "camera"])?;
    let value = mat::load(path)?;
    let count = value.get("annot2").map_or(0, |cell| cell.items().len());
    if count == 0 {
        return Err(Error::file(path, "annot2", "there is no such cell", "give the annot.mat of the training set"));
    }
    let subject_number = to.subject(subject);
    let wanted = if options.cameras.is_empty() { &VNECT_CAMERAS[..] } else { &options.cameras };
    for camera in wanted.iter().copied().collect::<BTreeSet<usize>>() {
        let cell = |field: &str| {
            let array = value.get(field).and_then(|cell| cell.items().get(camera));
            let problem = "there is no array of this camera";
            let fix = format!("choose cameras from 0 to {}", count - 1);
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
            per_metre: MILLIMETRES,
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
