//! Every form that `isopose import` reads, through the binary: imported, described, trained on or evaluated.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/");

/// Arguments of `import` without --out, their paths relative to the fixtures; poses; joints missing; whether there is 3D.
type Case = (&'static [&'static str], usize, usize, bool);

const POSE_SETS: &[Case] = &[
    (&["h36m", "datasets/h36m/data_3d_h36m.npz"], 28, 0, true),
    (&["h36m", "datasets/h36m/data_3d_h36m.npz", "datasets/h36m/data_2d_h36m_cpn_ft_h36m_dbb.npz"], 28, 0, true),
    (&["h36m", "datasets/h36m/data_3d_h36m.npz", "--subject", "S9", "--camera", "55011271"], 3, 0, true),
    (&["h36m", "datasets/h36m_zip"], 28, 0, true),
    (&["mpi-inf-3dhp", "datasets/mpi_inf_3dhp/mpi_inf_3dhp_test_set"], 5, 0, true),
    (&["mpi-inf-3dhp", "datasets/mpi_inf_3dhp/S3/Seq2/annot.mat", "--annotation", "true", "--camera", "0"], 2, 0, true),
    (&["mpi-inf-3dhp", "datasets/mpi_inf_3dhp/test_3dhp.npz"], 5, 0, true),
    (&["mpi-inf-3dhp", "datasets/mpi_inf_3dhp/data_test_3dhp.npz"], 3, 0, true),
    (&["3dpw", "datasets/threedpw/sequenceFiles", "--split", "test"], 5, 0, true),
    (&["3dpw", "datasets/threedpw/data_3dpw_14.npz"], 3, 0, true),
    (&["mpii", "datasets/mpii/train.json"], 3, 4, false),
    (&["mpii", "datasets/mpii/mpii_human_pose_v1_u12_1.mat"], 3, 22, false),
    (&["lsp", "datasets/lsp/lsp_dataset/joints.mat"], 20, 6, false),
    (&["coco", "detectors/coco/tracked.json"], 11, 1, false),
    (&["coco", "detectors/coco/tracked.json", "--people", "longest"], 5, 1, false),
    (&["openpose", "detectors/openpose/body_25"], 11, 1, false),
    (&["mmpose", "detectors/mmpose/video.json"], 11, 1, false),
    (&["alphapose", "detectors/alphapose/tracked.json"], 11, 1, false),
    (&["detectron", "detectors/detectron/dance.mp4.npz"], 11, 1, false),
    (&["mediapipe", "detectors/mediapipe/objects.json", "--image-size", "640x480"], 4, 1, false),
    (&["halpe", "detectors/halpe/annotations.json"], 2, 1, false),
];

fn isopose(folder: &Path, arguments: &[&str]) -> Output {
    let is_fixture = |word: &&str| word.contains('/') && !word.starts_with('-');
    let words =
        arguments.iter().map(|word| if is_fixture(word) { format!("{FIXTURES}{word}") } else { (*word).into() });
    Command::new(env!("CARGO_BIN_EXE_isopose")).current_dir(folder).args(words).output().unwrap()
}

#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = isopose(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_form_is_imported_described_and_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // A model of Human3.6M as imported here.
    json(folder, &["import", "h36m", "datasets/h36m/data_3d_h36m.npz", "--out", "h36m.npz"]);
    let train = "train --data h36m.npz --out m.safetensors --width 8 --steps 6 --batch 4 --device cpu --threads 1";
    json(folder, &train.split(' ').collect::<Vec<_>>());
    let model = json(folder, &["info", "m.safetensors"]);
    assert_eq!((&model["kind"], &model["facts"]["width"]), (&"model".into(), &8.into()));
    for (arguments, poses, missing, positions) in POSE_SETS {
        let imported = json(folder, &[&["import"], *arguments, &["--out", "set.npz"]].concat());
        let counts = (&imported["poses"], &imported["missing_joints"], &imported["positions"]);
        assert_eq!(counts, (&(*poses).into(), &(*missing).into(), &(*positions).into()), "{arguments:?}");
        let described = json(folder, &["info", "set.npz"]);
        assert_eq!(described["facts"]["poses"], *poses, "{arguments:?}");
        assert_eq!(described["facts"].get("missing joints").is_some(), *missing > 0, "{arguments:?}");
        assert_eq!(described["facts"]["sequences"], imported["sequences"], "{arguments:?}");
        if *positions {
            let train = "train --data set.npz --out t.safetensors --force --width 8 --steps 2 --batch 2 --device cpu --threads 1";
            assert_eq!(json(folder, &train.split(' ').collect::<Vec<_>>())["poses"], *poses, "{arguments:?}");
        }
        let eval = "eval --checkpoint m.safetensors --data set.npz --predictions p.npz --mode online --copies 4 \
                    --device cpu --threads 1";
        let report = json(folder, &eval.split_whitespace().collect::<Vec<_>>());
        assert_eq!((&report["samples"], &report["guessed_joints"]), (&(*poses).into(), &(*missing).into()));
        assert_eq!(report["results"][0]["mpjpe_mm"].is_number(), *positions, "{arguments:?}");
        let mut predictions = isopose::format::npz::Npz::open(&folder.join("p.npz")).unwrap();
        assert_eq!(predictions.f32("positions").unwrap().shape, [*poses, 16, 3]);
        let guessed = predictions.i32("guessed").unwrap().values;
        assert_eq!(guessed.iter().filter(|guessed| **guessed == 1).count(), *missing, "{arguments:?}");
    }
}

#[test]
fn info_and_import_warn_of_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // `info` looks at folders of detectors and of motion only.
    let is_file = |arguments: &[&str]| arguments.len() == 2 && Path::new(FIXTURES).join(arguments[1]).is_file();
    for (arguments, ..) in POSE_SETS.iter().filter(|(arguments, ..)| is_file(arguments) || arguments[0] == "openpose") {
        let imported = json(folder.path(), &[&["import"], *arguments, &["--out", "set.npz"]].concat());
        let described = json(folder.path(), &["info", arguments[1]]);
        assert_eq!(described["warnings"], imported["warnings"], "{arguments:?}");
    }
}

#[test]
fn poses_that_lack_joints_are_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Stacked hourglass has no Neck/Nose.
    let keypoints = "datasets/h36m/data_2d_h36m_sh_ft_h36m.npz";
    let import = ["import", "h36m", "datasets/h36m/data_3d_h36m.npz", keypoints, "--joints", "17", "--out", "set.npz"];
    assert_eq!(json(folder, &import)["missing_joints"], 28);
    let train = "train --data set.npz --out m.safetensors --width 8 --steps 2 --batch 4 --device cpu";
    let train: Vec<&str> = train.split(' ').collect();
    let output = isopose(folder, &train);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("set.npz: confidence: every pose lacks a joint"), "{message}");
    let mut set = isopose::data::PoseSet::load(&folder.join("set.npz")).unwrap();
    set.confidence = Some((0..28 * 17).map(|k| if k / 17 < 10 { 0.5 } else { (k % 17).min(1) as f32 }).collect());
    set.save(&folder.join("set.npz")).unwrap();
    let output = isopose(folder, &train);
    let (message, report) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(message.contains("18 poses lack a joint and are left out"), "{message}");
    assert!(report.contains("trained on 10 poses"), "{report}");
}

#[test]
fn motion_is_imported_described_and_seen_by_cameras() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (kind, file) in [("bvh", "motion/cgspeed.bvh"), ("bvh", "motion/mixamo.bvh"), ("amc", "motion/14_07.amc")] {
        let imported = json(folder, &["import", kind, file, "--out", "motion.npz"]);
        assert_eq!((&imported["poses"], &imported["joints"]), (&4.into(), &17.into()), "{file}");
        let described = json(folder, &["info", "motion.npz"]);
        assert_eq!((&described["kind"], &described["facts"]["frames"]), (&"motion".into(), &4.into()), "{file}");
        let output = isopose(folder, &["views", "--motion", "motion.npz", "--rig", "wild", "--out", "set.npz"]);
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_fields_files_are_described_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (file, kind) in [
        ("datasets/h36m/data_3d_h36m.npz", "import h36m"),
        ("datasets/h36m_zip/h36m/S1/MyPoses/3D_positions/Walking.h5", "import h36m"),
        ("datasets/mpi_inf_3dhp/mpi_inf_3dhp_test_set/TS1/annot_data.mat", "import mpi-inf-3dhp"),
        ("datasets/mpi_inf_3dhp/S3/Seq2/annot.mat", "import mpi-inf-3dhp"),
        ("datasets/mpi_inf_3dhp/test_3dhp.npz", "import mpi-inf-3dhp"),
        ("datasets/mpi_inf_3dhp/data_test_3dhp.npz", "import mpi-inf-3dhp"),
        ("datasets/threedpw/sequenceFiles/test/downtown_walking_00.pkl", "import 3dpw"),
        ("datasets/mpii/train.json", "import mpii"),
        ("datasets/mpii/mpii_human_pose_v1_u12_1.mat", "import mpii"),
        ("datasets/lsp/lsp_dataset/joints.mat", "import lsp"),
        ("motion/biovision.bvh", "import bvh"),
        ("motion/14_07.amc", "import amc"),
        ("detectors/coco/results.json", "import coco"),
        ("detectors/openpose/body_25", "import openpose"),
        ("detectors/mmpose/results_demo.json", "import mmpose"),
        ("detectors/alphapose/tracked.json", "import alphapose"),
        ("detectors/detectron/dance.mp4.npz", "import detectron"),
        ("detectors/alphapose/named.json", "import alphapose"),
        ("detectors/alphapose/padded.json", "import alphapose"),
        ("detectors/halpe/annotations.json", "import halpe"),
        ("detectors/halpe/results.json", "import halpe"),
        ("detectors/mediapipe/objects.json", "import mediapipe"),
        ("detectors/mediapipe/lists.json", "import mediapipe"),
        ("detectors/mediapipe/rows.json", "import mediapipe"),
        ("datasets/threedpw/data_3dpw_17.npz", "import 3dpw"),
    ] {
        let described = json(folder.path(), &["info", file]);
        let found = described["kind"].as_str().unwrap();
        assert!(found.contains(kind), "{file}: {found}");
        assert!(!described["facts"].as_object().unwrap().is_empty(), "{file}");
    }
    let refused = isopose(folder.path(), &["info", "generate_motion.py/"]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn what_cannot_be_imported_is_an_error_that_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, words) in [
        (&["h36m", "datasets/mpii/train.json"][..], 1, "train.json"),
        (&["coco", "detectors/mmpose/video.json"], 1, "video.json"),
        (&["bvh", "motion/14.asf"], 1, "14.asf"),
        (&["mediapipe", "detectors/mediapipe/objects.json"], 1, "--image-size"),
        (&["h36m", "datasets/h36m/data_3d_h36m.npz", "--subject", "S7"], 1, "S7"),
        (&["h36m", "datasets/h36m/data_3d_h36m.npz", "--stride", "0"], 2, "--stride"),
        (&["h36m"], 2, "PATH"),
    ] {
        let output = isopose(folder.path(), &[&["import"], arguments, &["--out", "set.npz"]].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
        assert!(message.contains(words) && !message.contains("panicked"), "{arguments:?}: {message}");
        assert!(!folder.path().join("set.npz").exists(), "{arguments:?}");
    }
}
