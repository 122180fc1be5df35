//! MATLAB files that were saved again as another version than the data set's own.

use std::path::Path;

use super::sources;
use crate::{
    error::{Error, Result},
    format::{Value, mat},
};

/// The variables of a file of MATLAB 5 to 7.
///
/// # Errors
/// As [`mat::load`]; of a file of MATLAB 7.3, the lines that save it as 7.
pub(super) fn load(path: &Path) -> Result<Value> {
    if mat::is_v73(path)? { Err(is_7_3(path)) } else { mat::load(path) }
}

/// That a file is of 7.3 which should be of 7.
pub(super) fn is_7_3(path: &Path) -> Error {
    saved_again(path, "7.3 (HDF5)", "5 to 7", "-v7")
}

/// That a file is of 5 to 7 which should be of 7.3.
pub(super) fn is_7(path: &Path) -> Error {
    saved_again(path, "5 to 7", "7.3 (HDF5)", "-v7.3")
}

fn saved_again(path: &Path, is: &str, wanted: &str, flag: &str) -> Error {
    let name = sources::name(path);
    let problem = format!("it was saved again as MATLAB {is}; the data set's own file is of {wanted}");
    let fix = format!("in MATLAB: s = load('{name}'); save('{name}', '-struct', 's', '{flag}')");
    Error::file(path, "version", problem, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_to_type_are_exact() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/formats/");
        let error = load(Path::new(&format!("{fixtures}v73.mat"))).unwrap_err().to_string();
        let lines = "in MATLAB: s = load('v73.mat'); save('v73.mat', '-struct', 's', '-v7')";
        assert!(
            error.contains("v73.mat: version: it was saved again as MATLAB 7.3") && error.ends_with(lines),
            "{error}"
        );
        assert!(load(Path::new(&format!("{fixtures}v7.mat"))).is_ok());
        let error = is_7(Path::new("TS1/annot_data.mat")).to_string();
        assert!(
            error.ends_with("s = load('annot_data.mat'); save('annot_data.mat', '-struct', 's', '-v7.3')"),
            "{error}"
        );
    }
}
