//! The field's files. Where one is complete in itself, what `import` makes of it is described; else its arrays are listed.

use std::path::{Path, PathBuf};

use super::{Contents, own};
use crate::data::PoseSet;
use crate::error::{Error, Result};
use crate::format::{Value, hdf5::Hdf5, mat, npz::Npz, pickle};
use crate::import::detector::{self, alphapose, coco, halpe, mediapipe, mmpose, openpose};
use crate::import::{Collector, Progress, collect, mpii};

/// Entries of a container that are listed.
const LISTED: usize = 40;

/// The kinds of JSON: their name, the name of the kind for `import`, and its reader.
type Reader = fn(&[PathBuf], &detector::Options, &mut Collector<'_>, Progress<'_>) -> Result<()>;
const READERS: [(&str, &str, Reader); 6] = [
    ("COCO", "coco", coco::import),
    ("Halpe", "halpe", halpe::import),
    ("OpenPose", "openpose", openpose::import),
    ("MMPose", "mmpose", mmpose::import),
    ("AlphaPose", "alphapose", alphapose::import),
    ("MediaPipe", "mediapipe", mediapipe::import),
];

pub(super) fn json(path: &Path) -> Result<Contents> {
    if let Some(form) = detector::recognise(path)?
        && let Some((_, kind, read)) = READERS.iter().find(|(name, ..)| form.starts_with(name))
    {
        return detections(path, form, kind, *read);
    }
    // What is left has no name of its own: a list with joints and joints_vis.
    let set = collect(17, |to| mpii::import(&[path.to_owned()], to, &mut |_, _| {})).map_err(|_| {
        let problem = "this is the JSON of no detector or data set that can be imported";
        Error::file(path, "kind", problem, "see `import` for those that can")
    })?;
    Ok(imported("MPII annotations", "mpii", &set))
}

pub(super) fn openpose_folder(folder: &Path) -> Result<Contents> {
    detections(folder, "OpenPose", "openpose", openpose::import)
}

fn detections(path: &Path, form: &str, kind: &str, read: Reader) -> Result<Contents> {
    // MediaPipe does not say the size; its coordinates are then shares of a thousand.
    let image_size = (kind == "mediapipe").then_some([1000, 1000]);
    let options = detector::Options { image_size, ..Default::default() };
    let set = collect(17, |to| read(&[path.to_owned()], &options, to, &mut |_, _| {}))?;
    let mut contents = imported(form, kind, &set);
    if image_size.is_some() {
        contents.warnings.push("the size of the images is not in the file: 1000x1000 is assumed here".to_owned());
    }
    Ok(contents)
}

fn imported(form: &str, kind: &str, set: &PoseSet) -> Contents {
    let mut contents = own::pose_set(set);
    contents.kind = format!("{form}; import it with `{kind}`; as imported:");
    contents
}

pub(super) fn motion(path: &Path, kind: &str) -> Result<Contents> {
    let options = crate::import::motion::Options::default();
    let motion = crate::import::motion::import(&[path.to_owned()], &options, &mut |_, _| {})?;
    let mut contents = own::motion(&motion);
    contents.kind = format!("{} motion; import it with `{kind}`; as imported:", kind.to_uppercase());
    Ok(contents)
}

pub(super) fn npz(mut npz: Npz) -> Result<Contents> {
    let is_plain = npz.describe("positions_3d").is_ok_and(|(descr, _)| descr != "|O");
    let kind = [
        (
            "positions_3d",
            if is_plain {
                "3DPW, regressed joints; import them with `3dpw`"
            } else {
                "Human3.6M, 3D; import it with `h36m`"
            },
        ),
        ("positions_2d", "2D detections; import them with `h36m` beside the 3D, or `detectron`"),
        ("keypoints", "Detectron; import it with `detectron`"),
        ("pose3d", "MPI-INF-3DHP as PoseAug has it; import it with `mpi-inf-3dhp`"),
        ("data", "MPI-INF-3DHP as P-STMO has it; import it with `mpi-inf-3dhp`"),
    ];
    let mut contents = Contents::new(kind.iter().find(|(name, _)| npz.has(name)).map_or("arrays", |(_, kind)| kind));
    for name in npz.names() {
        match npz.describe(&name)? {
            (descr, _) if descr == "|O" => list(&name, &npz.object(&name)?, 2, &mut contents),
            (descr, shape) => contents.fact(name, format!("{descr} {shape:?}")),
        }
    }
    Ok(contents)
}

pub(super) fn pickle(path: &Path) -> Result<Contents> {
    let value = pickle::load(path)?;
    let is_3dpw = value.get("cam_poses").is_some() && value.get("jointPositions").is_some();
    let mut contents = Contents::new(if is_3dpw { "3DPW; import it with `3dpw`" } else { "pickle" });
    list("", &value, 2, &mut contents);
    Ok(contents)
}

pub(super) fn matlab(path: &Path) -> Result<Contents> {
    if mat::is_v73(path)? {
        return hdf5(path);
    }
    let value = mat::load(path)?;
    let has = |name: &str| value.get(name).is_some();
    let kind = if has("univ_annot3") {
        "MPI-INF-3DHP, training; import it with `mpi-inf-3dhp`"
    } else if has("RELEASE") {
        "MPII; import it with `mpii`"
    } else if has("joints") {
        "LSP; import it with `lsp`"
    } else {
        "MATLAB variables"
    };
    let mut contents = Contents::new(kind);
    list("", &value, 1, &mut contents);
    Ok(contents)
}

pub(super) fn hdf5(path: &Path) -> Result<Contents> {
    let file = Hdf5::open(path)?;
    let kind = if file.has("univ_annot3") {
        "MPI-INF-3DHP, test; import it with `mpi-inf-3dhp`"
    } else if file.has("3D_positions") {
        "Human3.6M, 3D; import it with `h36m`"
    } else {
        "HDF5 datasets"
    };
    let mut contents = Contents::new(kind);
    for (name, shape) in file.datasets()?.into_iter().take(LISTED) {
        contents.fact(name, format!("{shape:?}"));
    }
    Ok(contents)
}

/// A value and, as deep as `depth`, what it contains.
fn list(name: &str, value: &Value, depth: usize, contents: &mut Contents) {
    if contents.facts.len() > LISTED {
        return;
    }
    let entries = value.entries();
    if depth == 0 || entries.is_empty() {
        contents.fact(if name.is_empty() { "content" } else { name }, value.describe());
        return;
    }
    for (key, value) in entries {
        let key = key.text().map_or_else(|| key.describe(), str::to_owned);
        let path = if name.is_empty() { key } else { format!("{name}/{key}") };
        list(&path, value, depth - 1, contents);
    }
}
