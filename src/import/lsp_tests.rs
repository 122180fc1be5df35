use super::super::sources::testing::{close, expected, fails, fixture, quiet, valid};
use super::*;
use crate::{data::PoseSet, import::collect};

fn import(paths: &[PathBuf], split: Option<Split>) -> Result<PoseSet> {
    collect(17, |to| super::import(paths, split, to, &mut quiet))
}

fn of(name: &str, split: Option<Split>) -> Result<PoseSet> {
    import(&[fixture(&format!("lsp/{name}"))], split)
}

/// The first ten images have joints, and the last ten the same.
#[test]
fn both_forms_give_the_annotated_joints() {
    for (name, first, last) in
        [("lsp_dataset", "lsp/im0001", "lsp/im2000"), ("hr-lspet", "lspet/im00001", "lspet/im10000")]
    {
        let set = valid(of(name, None));
        close(&set.keypoints, &expected(&format!("{name}_keypoints")).repeat(2), 1e-3);
        let confidence = expected(&format!("{name}_confidence"));
        close(set.confidence.as_ref().unwrap(), &confidence.repeat(2), 0.0);
        assert!(confidence.contains(&0.0) && confidence.contains(&1.0));
        assert_eq!((set.len(), set.sequence_names.len()), (20, 20));
        assert_eq!([&set.sequence_names[0], &set.sequence_names[19]], [first, last]);
        assert_eq!((set.positions, set.image_size), (None, None));
    }
}

#[test]
fn splits() {
    let train = valid(of("lsp_dataset", Some(Split::Train)));
    assert_eq!((train.len(), train.sequence_names[9].as_str()), (10, "lsp/im0010"));
    let test = valid(of("lsp_dataset", Some(Split::Test)));
    assert_eq!((test.len(), test.sequence_names[0].as_str()), (10, "lsp/im1991"));
    assert_eq!(valid(of("hr-lspet", Some(Split::Train))).len(), 20);
    fails(of("hr-lspet", Some(Split::Test)), &["joints.mat", "no test images"]);
    let both = import(&[fixture("lsp")], Some(Split::Train));
    assert_eq!(valid(both).len(), 30);
}

#[test]
fn files_of_another_form_are_refused() {
    fails(of("../mpii/mpii_human_pose_v1_u12_1.mat", None), &["joints", "there is no such array"]);
    fails(of("../mpii", None), &["mpii", "no joints.mat"]);
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(fixture("lsp/lsp_dataset/joints.mat")).unwrap();
    let copy = folder.path().join("joints.mat");
    std::fs::write(&copy, &whole).unwrap();
    let twice = [fixture("lsp/lsp_dataset"), copy.clone()];
    fails(import(&twice, None), &[&copy.display().to_string(), "lsp/im0001: a sequence of"]);
    for length in [0, 100, 130, 1000, whole.len() / 2] {
        let path = folder.path().join("joints.mat");
        std::fs::write(&path, &whole[..length]).unwrap();
        fails(import(&[path], None), &["joints.mat"]);
    }
}

#[test]
fn images_without_joints_are_counted_and_versions_told_apart() {
    let told = crate::import::collect_told(17, Default::default(), |to| {
        super::import(&[fixture("lsp/lsp_dataset/joints.mat")], None, to, &mut quiet)
    });
    let (set, warnings) = told.unwrap();
    assert_eq!(set.len(), 20);
    let words = "joints.mat: 1980 poses without any joint are left out";
    assert!(warnings.iter().any(|warning| warning.ends_with(words)), "{warnings:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("joints.mat");
    std::fs::copy(fixture("../formats/v73.mat"), &path).unwrap();
    let lines = "s = load('joints.mat'); save('joints.mat', '-struct', 's', '-v7')";
    fails(import(&[path], None), &["joints.mat: version: it was saved again as MATLAB 7.3", lines]);
}
