use super::*;

/// A folder with these files, each with a word in it, or empty where its name ends in `=`.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name.trim_end_matches('='));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, if name.ends_with('=') { "" } else { "x" }).unwrap();
    }
    folder
}

fn names(files: &Files, below: &Path) -> Vec<String> {
    files.motion.iter().map(|file| file.path.strip_prefix(below).unwrap().display().to_string()).collect()
}

#[test]
fn folders_in_folders_are_searched() {
    let root =
        folder(&["14/14_07.amc", "14/14.asf", "15/15_01.bvh", "a/b/c/d/e/f/g/h.bvh", "a/b/c/d/e/f/i.bvh", "b.txt"]);
    let files = Files::find(&[root.path().to_owned()]).unwrap();
    assert_eq!(names(&files, root.path()), ["14/14_07.amc", "15/15_01.bvh", "a/b/c/d/e/f/i.bvh"]);
    assert!(files.motion.iter().all(|file| !file.is_named) && files.warning().is_none());
    assert_eq!(files.skeleton_of(&root.path().join("14/14_07.amc")).unwrap(), root.path().join("14/14.asf"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root.path(), root.path().join("14/up")).unwrap();
        assert_eq!(Files::find(&[root.path().to_owned()]).unwrap().motion, files.motion);
    }
}

#[test]
fn the_nearest_skeleton_of_a_name_is_taken() {
    let root =
        folder(&["a/14/14.asf", "a/14/14_01.amc", "b/14/14.asf", "b/14/14_01.amc", "c/asf/2.asf", "c/amc/2_1.amc"]);
    let files = Files::find(&[root.path().to_owned()]).unwrap();
    for (motion, skeleton) in
        [("a/14/14_01.amc", "a/14/14.asf"), ("b/14/14_01.amc", "b/14/14.asf"), ("c/amc/2_1.amc", "c/asf/2.asf")]
    {
        assert_eq!(files.skeleton_of(&root.path().join(motion)).unwrap(), root.path().join(skeleton));
    }
}

#[test]
fn litter_is_passed_over_and_counted() {
    let litter =
        ["._x.bvh", ".DS_Store", ".git/x.bvh", "__MACOSX/x.bvh", "x.bvh~", "#x.bvh#", "x.bvh.bak", "x.swp", "y.bvh="];
    let root = folder(&[&litter[..], &["x.bvh", "notes.txt"]].concat());
    let files = Files::find(&[root.path().to_owned()]).unwrap();
    assert_eq!(names(&files, root.path()), ["x.bvh"]);
    let warning = files.warning().unwrap();
    assert!(warning.contains(": 9 files are passed over (hidden, empty or an editor's copy): "), "{warning}");
    assert!(warning.ends_with(" and 6 more") && warning.contains(".DS_Store"), "{warning}");
    // What is named is meant.
    for name in ["._x.bvh", "y.bvh"] {
        let files = Files::find(&[root.path().join(name)]).unwrap();
        assert!(files.motion[0].is_named && files.warning().is_none());
    }
    std::fs::remove_file(root.path().join("x.bvh")).unwrap();
    let error = Files::find(&[root.path().to_owned()]).unwrap_err().to_string();
    assert!(
        error.contains("no .bvh or .amc file is here, but 9 that are hidden, empty or an editor's copy"),
        "{error}"
    );
}

#[test]
fn the_same_file_twice_is_refused() {
    let root = folder(&["walk/x.bvh", "walk/y.bvh"]);
    let walk = root.path().join("walk");
    for paths in [[walk.clone(), walk.join("x.bvh")], [walk.join("x.bvh"), walk.join("../walk/x.bvh")]] {
        let error = Files::find(&paths).unwrap_err().to_string();
        assert!(error.contains("path: it is the same file as ") && error.ends_with("give it once"), "{error}");
    }
}
