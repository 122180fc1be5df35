//! What is known of the cameras.

use std::path::Path;

use crate::{
    error::{Error, Result},
    format::{HAND_WRITTEN, read_text_limited},
    pose::Intrinsics,
};

/// fx, fy, cx, cy of the training set's cameras, as many repositories have them of its `camera.calibration`.
const TRAIN: [[f32; 4]; 14] = [
    [1497.693, 1497.103, 1024.704, 1051.394],
    [1495.217, 1495.52, 1030.519, 1052.626],
    [1495.587, 1497.828, 983.8873, 987.5902],
    [1495.886, 1496.033, 1029.06, 1041.409],
    [1490.952, 1491.108, 987.6075, 1019.069],
    [1500.414, 1499.971, 1012.331, 998.5009],
    [1498.471, 1498.8, 999.7319, 1010.251],
    [1498.831, 1499.674, 987.2716, 976.8773],
    [1500.172, 1500.837, 1017.387, 1043.032],
    [1501.554, 1501.9, 1010.423, 1037.096],
    [1498.423, 1498.585, 1041.614, 997.0433],
    [1495.779, 1493.703, 1009.802, 999.9984],
    [1501.326, 1501.491, 1000.56, 1014.975],
    [1496.961, 1497.378, 1005.702, 1004.214],
];

/// That of TS5 and TS6, by `test_util/camera_calibration/ts5-6cameras.calib`; its distortion is left out.
const OUTDOORS: [f32; 4] = [1683.9835, 1672.5937, 939.85754, 560.14074];

/// The camera of a test sequence: in the studio, the training set's camera 8.
pub(super) fn test(sequence: &str) -> Intrinsics {
    if matches!(sequence, "TS5" | "TS6") { OUTDOORS } else { TRAIN[8] }.into()
}

/// A camera of the training set, if it has so many.
pub(super) fn train(camera: usize) -> Option<Intrinsics> {
    TRAIN.get(camera).copied().map(Intrinsics::from)
}

/// The same of one recording: as the file `camera.calibration` beside its annotation says, if it is there.
pub(super) fn beside(annotation: &Path, camera: usize) -> Result<Option<Intrinsics>> {
    let path = annotation.with_file_name("camera.calibration");
    if !path.exists() {
        return Ok(train(camera));
    }
    let text = read_text_limited(&path, HAND_WRITTEN)?;
    calibrated(&text, camera).map(Some).map_err(|problem| {
        let fix = "download it again, or take it away: cameras as usual are then assumed";
        Error::file(&path, format!("camera {camera}"), problem, fix)
    })
}

/// Finds a camera in a "Skeletool Camera Calibration File": `name 3`, then below it `intrinsic` and a matrix (4, 4).
fn calibrated(text: &str, camera: usize) -> std::result::Result<Intrinsics, String> {
    let mut of_camera = false;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("name") => of_camera = words.next().and_then(|name| name.parse().ok()) == Some(camera),
            Some("intrinsic") if of_camera => {
                let numbers: Vec<f32> = words.map_while(|word| word.parse().ok()).collect();
                let [fx, _, cx, _, _, fy, cy, ..] = numbers[..] else {
                    return Err("`intrinsic` is no matrix of 4 x 4 numbers".to_owned());
                };
                let camera = Intrinsics::from([fx, fy, cx, cy]);
                return camera.validate().map(|()| camera);
            }
            _ => {}
        }
    }
    Err("there is no `intrinsic` of it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Skeletool Camera Calibration File V1.0
name          0
  sensor      10 10
  size        2048 2048
  intrinsic   1497.693 0 1024.704 0 0 1497.103 1051.394 0 0 0 1 0 0 0 0 1 
  extrinsic   1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 
  radial      0
name          7
  intrinsic   1400.5 0 1000.25 0 0 1401.5 990.75 0 0 0 1 0 0 0 0 1 
name          8
  intrinsic   0 0 1000.25 0 0 1401.5 990.75 0 0 0 1 0 0 0 0 1 
name          9
  intrinsic   1400.5 0 x 0 0 1401.5
";

    #[test]
    fn a_calibration_file_is_read() {
        assert_eq!(calibrated(TEXT, 0), Ok(TRAIN[0].into()));
        assert_eq!(calibrated(TEXT, 7), Ok([1400.5, 1401.5, 1000.25, 990.75].into()));
        for (camera, words) in [(8, "0 is not positive"), (9, "4 x 4"), (1, "no `intrinsic`"), (77, "no `intrinsic`")] {
            assert!(calibrated(TEXT, camera).unwrap_err().contains(words));
        }
    }

    #[test]
    fn the_file_beside_an_annotation_goes_before_what_is_usual() {
        let folder = tempfile::tempdir().unwrap();
        let annotation = folder.path().join("annot.mat");
        assert_eq!(beside(&annotation, 7).unwrap(), Some(TRAIN[7].into()));
        assert_eq!(beside(&annotation, 14).unwrap(), None);
        std::fs::write(folder.path().join("camera.calibration"), TEXT).unwrap();
        assert_eq!(beside(&annotation, 7).unwrap().unwrap().focal[0], 1400.5);
        let error = beside(&annotation, 1).unwrap_err().to_string();
        assert!(
            error.contains("camera.calibration: camera 1: there is no") && error.contains("take it away"),
            "{error}"
        );
    }

    #[test]
    fn every_camera_can_be() {
        for camera in 0..14 {
            let known = train(camera).unwrap();
            known.validate().unwrap();
            assert!(known.center.iter().all(|c| (c - 1024.0).abs() < 50.0));
        }
        assert_eq!(test("TS3"), TRAIN[8].into());
        assert!((test("TS6").center[0] - 960.0).abs() < 50.0);
    }
}
