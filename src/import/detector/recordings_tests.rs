//! Tests of which files are one recording.

use super::*;

/// The name of each group and the numbers of its files.
fn grouped(paths: &[&str], one_image: bool, stills: bool) -> Vec<(String, Vec<Option<i64>>)> {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let numbers = |group: &Group| group.files.iter().map(|file| file.number).collect();
    groups(&paths, one_image, stills).iter().map(|group| (group.name.clone(), numbers(group))).collect()
}

#[test]
fn numbered_files_of_a_folder_are_one_group() {
    let files = ["v/b_2.json", "v/a_0010.json", "v/a_0009.json", "w/a_0011.json", "v/still.json"];
    let expected = [("b", vec![2]), ("a", vec![9, 10]), ("a", vec![11])];
    let expected = expected.map(|(name, numbers)| (name.to_owned(), numbers.into_iter().map(Some).collect()));
    let still = [("still".to_owned(), vec![None])];
    assert_eq!(grouped(&files, false, false), [&expected[..], &still].concat());
    assert_eq!(grouped(&files, false, true).len(), files.len(), "stills are alone");
    assert_eq!(grouped(&files, true, true).len(), 4, "but for images of one video each in a file");
}

#[test]
fn endings_of_detectors_do_not_count() {
    let files = ["v/000001_keypoints.json", "v/000003_keypoints.json"];
    let tree = tempfile::tempdir().unwrap();
    std::fs::create_dir(tree.path().join("v")).unwrap();
    let files = files.map(|name| tree.path().join(name));
    let named: Vec<&str> = files.iter().filter_map(|path| path.to_str()).collect();
    assert_eq!(grouped(&named, true, false), [("v".to_owned(), vec![Some(1), Some(3)])]);
}

#[test]
fn two_numbers_in_a_name_are_told_of() {
    let told = |names: &[String]| {
        numbered_elsewhere(&groups(&names.iter().map(PathBuf::from).collect::<Vec<_>>(), true, false))
    };
    let cameras = |frame: i32| [1, 2].map(|camera| format!("v/w_{frame:012}_cam{camera}_keypoints.json"));
    let files: Vec<String> = (0..5).flat_map(cameras).collect();
    let warning = told(&files).unwrap();
    assert!(warning.contains("5 recordings of about 2 frames, such as w_000000000000_cam"), "{warning}");
    // Five frames of each of two cameras.
    let files: Vec<String> = (0..10).map(|i| format!("v/cam{}_{}_keypoints.json", i % 2, i / 2)).collect();
    assert_eq!(told(&files), None);
}

#[test]
fn time_stamps_become_an_order() {
    let files = ["v/t_1623456789052.json", "v/t_1623456789012.json"];
    assert_eq!(grouped(&files, false, false), [("t".to_owned(), vec![Some(0), Some(1)])]);
    let paths = files.map(PathBuf::from);
    assert!(
        groups(&paths, false, false)[0].note().unwrap().starts_with("v: the numbers of the files are beyond 32 bits")
    );
    assert_eq!(groups(&["v/t_1.json", "v/t_2.json"].map(PathBuf::from), false, false)[0].note(), None);
    // Two of one number are no frames of one video.
    let twice = grouped(&["v/a_1.json", "v/a_01.json"], false, false);
    assert_eq!(twice.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a_1", "a_01"]);
}
