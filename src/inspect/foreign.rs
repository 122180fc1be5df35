//! The field's files. Where one is complete in itself, what `import` makes of it is described; else its arrays are listed.

use std::path::{Path, PathBuf};

use super::{Contents, own};
use crate::error::{Error, Result};
use crate::format::{Value, hdf5::Hdf5, mat, npz::Npz, pickle};
use crate::import::detector::{self, Detector, detectron};
use crate::import::{self, Collector, Tolerance, collect_told, h36m, look, lsp, mpi_inf_3dhp, mpii, threedpw};
use crate::named::Named;

/// Entries of a container that are listed.
const LISTED: usize = 40;

pub(super) fn json(path: &Path) -> Result<Contents> {
    if let Some((detector, form)) = Detector::of_file(path)? {
        return detections(path, form, detector);
    }
    // What is left has no name of its own: a list with joints and joints_vis.
    imported("MPII annotations", "mpii", |to| mpii::import(&[path.to_owned()], to, &mut |_, _| Ok(()))).map_err(
        |error| {
            match &error {
                // It is what it says, with a record that is wrong, or of another split.
                Error::File { field, problem, .. } if field.contains("].") || problem.contains("test split") => error,
                _ => {
                    let problem = "this is the JSON of no detector or data set that can be imported";
                    Error::file(path, "kind", problem, "see `import` for those that can")
                }
            }
        },
    )
}

/// Tells what `import` would of a file that is complete in itself, with the joints and options that it has by default.
fn tell(path: &Path, contents: &mut Contents) {
    let (paths, none) = ([path.to_owned()], &mut |_: usize, _: usize| Ok(()));
    let kind = contents.kind.split('`').nth(1).map(str::to_owned);
    let told = look(16, |to| match kind.as_deref() {
        Some("h36m") if contents.kind.starts_with("2D") => h36m::keypoints(path, to),
        Some("h36m") => h36m::import(&paths, &h36m::Options::default(), to, none),
        Some("mpi-inf-3dhp") => mpi_inf_3dhp::import(&paths, &mpi_inf_3dhp::Options::default(), to, none),
        Some("3dpw") => threedpw::import(&paths, &threedpw::Options::default(), to, none),
        Some("mpii") => mpii::import(&paths, to, none),
        Some("lsp") => lsp::import(&paths, None, to, none),
        Some("detectron") => detectron::import(&paths, &detector::Options::default(), to, none),
        _ => Ok(()),
    });
    match told {
        Ok((0, _)) => {}
        Ok((poses, warnings)) => {
            contents.fact("poses, as imported", poses);
            contents.warnings.extend(warnings);
        }
        Err(error) => contents.warnings.push(format!("import would refuse it: {error}")),
    }
}

/// A folder of a detector's files or of motion, by the first of them.
pub(super) fn folder(folder: &Path) -> Result<Contents> {
    let (mut files, mut litter) = (Vec::new(), Vec::new());
    import::search(folder, |_| true, &mut files, &mut litter)?;
    let ends = |file: &&PathBuf, ending: &str| file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    if let Some((detector, form)) = Detector::of_folder(folder)? {
        return detections(folder, form, detector);
    }
    if let Some(kind) = ["bvh", "amc"].into_iter().find(|kind| files.iter().any(|file| ends(&file, kind))) {
        return motion(folder, kind);
    }
    if files.iter().any(|file| ends(&file, "json"))
        && let Ok(contents) =
            imported("MPII annotations", "mpii", |to| mpii::import(&[folder.to_owned()], to, &mut |_, _| Ok(())))
    {
        return Ok(contents);
    }
    let problem = "there is neither JSON of a detector or of MPII nor motion in this folder";
    Err(Error::file(folder, "kind", problem, "name one of its files"))
}

fn detections(path: &Path, form: &str, detector: Detector) -> Result<Contents> {
    // MediaPipe does not say the size; its coordinates are then shares of a thousand.
    let image_size = (detector == Detector::Mediapipe).then_some([1000, 1000]);
    let options = detector::Options { image_size, ..Default::default() };
    let paths = [path.to_owned()];
    let mut contents = imported(form, detector.name(), |to| detector.import(&paths, &options, to, &mut |_, _| Ok(())))?;
    if image_size.is_some() {
        contents.warnings.push("the size of the images is not in the file: 1000x1000 is assumed here".to_owned());
    }
    Ok(contents)
}

/// What an import makes of a file, and all that it tells of it.
fn imported(form: &str, kind: &str, read: impl FnOnce(&mut Collector<'_>) -> Result<()>) -> Result<Contents> {
    let tolerance = Tolerance { allow_implausible: true, ..Tolerance::default() };
    let (set, warnings) = collect_told(16, tolerance, read)?;
    let mut contents = own::facts(&set);
    contents.kind = format!("{form}; import it with `{kind}`; as imported:");
    contents.warnings.extend(warnings);
    Ok(contents)
}

pub(super) fn motion(path: &Path, kind: &str) -> Result<Contents> {
    // What cannot be a person is described all the same.
    let tolerance = Tolerance { allow_implausible: true, ..Tolerance::default() };
    let options = import::motion::Options { tolerance, ..Default::default() };
    let mut warnings = Vec::new();
    let motion = import::motion::import(&[path.to_owned()], &options, &mut warnings, &mut |_, _| Ok(()))?;
    let mut contents = own::motion(&motion, warnings);
    contents.kind = format!("{} motion; import it with `{kind}`; as imported:", kind.to_uppercase());
    Ok(contents)
}

pub(super) fn npz(path: &Path, mut npz: Npz) -> Result<Contents> {
    let is_plain = npz.describe("positions_3d").is_ok_and(|(descr, _)| descr != "|O");
    let kind = [
        ("imgname", "image crops as SPIN and MMPose have them, which cannot be imported"),
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
    // Of other videos, they are Detectron's.
    let mut is_other = false;
    for name in npz.names() {
        match npz.describe(&name)? {
            (descr, _) if descr == "|O" => {
                let value = npz.object(&name)?;
                is_other |= name == "positions_2d" && !value.entries().iter().any(|(subject, _)| is_subject(subject));
                list(&name, &value, 2, &mut contents);
            }
            (descr, shape) => contents.fact(name, format!("{descr} {shape:?}")),
        }
    }
    if is_other {
        contents.kind = "Detectron, of videos of one's own; import it with `detectron`".to_owned();
    }
    tell(path, &mut contents);
    Ok(contents)
}

/// Human3.6M's `S1` to `S11`.
fn is_subject(name: &Value) -> bool {
    name.text().and_then(|name| name.strip_prefix('S')).is_some_and(|number| number.parse::<u32>().is_ok())
}

pub(super) fn pickle(path: &Path) -> Result<Contents> {
    let value = pickle::load(path)?;
    let is_3dpw = value.get("cam_poses").is_some() && value.get("jointPositions").is_some();
    let mut contents = Contents::new(if is_3dpw { "3DPW; import it with `3dpw`" } else { "pickle" });
    list("", &value, 2, &mut contents);
    drop(value);
    tell(path, &mut contents);
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
    drop(value);
    tell(path, &mut contents);
    Ok(contents)
}

pub(super) fn hdf5(path: &Path) -> Result<Contents> {
    let file = Hdf5::open(path)?;
    let kind = if file.has("univ_annot3") || file.has("valid_frame") {
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
    tell(path, &mut contents);
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

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
