use serde_json::Value;

use super::*;
use crate::pose::Skeleton;

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/motion")).join(name)
}

/// What the generator computed, by the name of the file.
fn expected() -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// A file's joints, with what the joint map restored, and all of its frames.
fn read(path: &Path) -> (Tree, JointMap, Vec<Vec<f64>>) {
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    let mut tree = if is_a(path, "bvh") {
        let mut bvh = Bvh::open(path).unwrap();
        while bvh.next_frame(&mut frame).unwrap() {
            frames.push(frame.clone());
        }
        bvh.tree
    } else {
        let asf = Asf::read(&skeleton_of(path, &[], &[]).unwrap()).unwrap();
        let mut amc = Amc::open(path, &asf).unwrap();
        while amc.next_frame(&mut frame).unwrap() {
            frames.push(frame.clone());
        }
        asf.tree
    };
    let map = JointMap::by_names(&mut tree, path).unwrap();
    (tree, map, frames)
}

fn run(paths: &[PathBuf], options: &Options) -> Result<Motion> {
    let mut last = (0, 0);
    let motion = import(paths, options, &mut |done, all| last = (done, all))?;
    assert!(last.0 == last.1 && last.0 == motion.clips().count());
    motion.validate(Path::new("imported")).unwrap();
    Ok(motion)
}

#[test]
fn every_joint_is_where_numpy_puts_it() {
    for (name, expected) in expected() {
        let (tree, _, frames) = read(&fixture(&name));
        let joints = expected["joints"].as_object().unwrap();
        assert_eq!((tree.joints.len(), frames.len()), (joints.len(), 4), "{name}");
        let mut placed = Vec::new();
        for (number, frame) in frames.iter().enumerate() {
            tree.place(frame, &mut placed);
            for (joint, (_, position)) in tree.joints.iter().zip(&placed) {
                let truth = numbers(&joints[&joint.name][number]);
                for axis in 0..3 {
                    // A file's unit is at most 56 mm: this is less than 0.001 mm.
                    let off = (position[axis] - truth[axis]).abs();
                    assert!(off < 1e-5, "{name} {} frame {number}: {off}", joint.name);
                }
            }
        }
    }
}

#[test]
fn every_naming_gives_the_seventeen_joints() {
    for (name, expected) in expected() {
        let (tree, map, _) = read(&fixture(&name));
        for (slot, joint) in Skeleton::of(17).unwrap().names.iter().enumerate() {
            let got: Vec<&str> = map.sources(slot).iter().map(|&joint| tree.joints[joint].name.as_str()).collect();
            match expected["sources"].get(joint) {
                Some(truth) => assert_eq!(Value::from(got), *truth, "{name} {joint}"),
                // Half way from Thorax to Head.
                None => {
                    assert_eq!((*joint, got), ("Neck/Nose", vec!["Neck", "Head_End"]), "{name}")
                }
            }
        }
    }
}

#[test]
fn motion_is_in_millimetres_with_z_up() {
    for (name, expected) in expected() {
        let motion = run(&[fixture(&name)], &Options::default()).unwrap();
        assert_eq!(f64::from(motion.fps), expected["fps"].as_f64().unwrap(), "{name}");
        let truth = numbers(&expected["h36m"]);
        assert_eq!(motion.positions.len(), truth.len());
        for (index, (&got, truth)) in motion.positions.iter().zip(truth).enumerate() {
            assert!((f64::from(got) - truth).abs() < 0.01, "{name} value {index}: {got} {truth}");
        }
        assert_eq!(motion.clip_names, [stem(&fixture(&name))]);
        assert_eq!((motion.subject_names, motion.category_names), (vec!["motion".into()], vec!["motion".into()]));
    }
}

#[test]
fn units_and_axes_can_be_said() {
    let path = [fixture("mixamo.bvh")];
    let centimetres = run(&path, &Options::default()).unwrap();
    let inches = run(&path, &Options { unit: Some(Unit::Inches), up: Up::Z, ..Options::default() }).unwrap();
    for (a, b) in centimetres.positions.chunks_exact(3).zip(inches.positions.chunks_exact(3)) {
        for (a, b) in [a[0], a[2], -a[1]].into_iter().zip(b) {
            assert!((a * 2.54 - b).abs() < 1e-5 * b.abs().max(1.0), "{a} {b}");
        }
    }
    for (length, unit) in [
        (1.6, Unit::Metres),
        (28.7, Unit::Cmu),
        (65.0, Unit::Inches),
        (162.0, Unit::Centimetres),
        (1650.0, Unit::Millimetres),
    ] {
        assert_eq!(Unit::of_person(length), Some(unit));
    }
    assert_eq!((Unit::of_person(10.0), Unit::of_person(f64::NAN)), (None, None));
}

#[test]
fn clips_share_a_rate_or_are_thinned() {
    let paths = [fixture("14_07.amc"), fixture("motionbuilder.bvh")];
    let error = run(&paths, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("motionbuilder.bvh: frame rate: 60 frames"), "{error}");
    assert!(error.contains("14_07.amc has 120") && error.contains("`fps`"), "{error}");
    let person = Some("14".to_owned());
    let options = Options { fps: Some(30.0), subject: person, category: Some("walk".to_owned()), ..Options::default() };
    let thinned = run(&paths, &options).unwrap();
    // Four frames at 120 and at 60: frame 0, and frames 0 and 2.
    assert_eq!((thinned.fps, &thinned.clip_start, &thinned.frame), (30.0, &vec![0, 1, 3], &vec![0, 0, 1]));
    assert_eq!((thinned.subject_names.len(), thinned.category_names.len()), (1, 1));
    let whole = run(&paths[1..], &Options::default()).unwrap();
    assert_eq!(thinned.positions[2 * 51..], whole.positions[2 * 51..3 * 51]);
    for fps in [50.0, 240.0, 0.0, f64::NAN, -30.0] {
        let error = run(&paths, &Options { fps: Some(fps), ..Options::default() }).unwrap_err().to_string();
        assert!(error.contains("no whole multiple"), "{fps} {error}");
    }
    let slower = run(&paths[..1], &Options { amc_fps: Some(60.0), ..Options::default() }).unwrap();
    assert_eq!(slower.fps, 60.0);
    for fps in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
        let error = run(&paths[..1], &Options { amc_fps: Some(fps), ..Options::default() }).unwrap_err().to_string();
        assert!(error.contains("14_07.amc: frame rate") && error.contains("`amc_fps`"), "{error}");
    }
}

#[test]
fn folders_are_read_in_order_and_skeletons_are_found() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("walk");
    std::fs::create_dir(&folder).unwrap();
    let copy = |from: &str, to: &str| std::fs::copy(fixture(from), folder.join(to)).unwrap();
    copy("14_07.amc", "b.AMC");
    copy("14_07.amc", "a.amc");
    copy("14.asf", "person.asf");
    std::fs::write(folder.join("notes.txt"), "no motion").unwrap();
    // A skeleton of another name may be another person's, unless it is named itself.
    let error = run(std::slice::from_ref(&folder), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("a.amc: skeleton: ") && error.contains("(person.asf)"), "{error}");
    let error = run(&[folder.join("b.AMC")], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("(person.asf)") && error.contains("give its .asf file among the paths"), "{error}");
    let motion = run(&[folder.clone(), folder.join("person.asf")], &Options::default()).unwrap();
    assert_eq!((motion.clip_names, motion.subject_names), (vec!["a".into(), "b".into()], vec!["walk".into()]));
    // Of more than one that of the motion's name.
    copy("HDM_bd.asf", "other.asf");
    let error = run(&[folder.join("a.amc")], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("a.amc: skeleton: ") && error.contains("(other.asf, person.asf)"), "{error}");
    let both = [folder.join("a.amc"), folder.join("other.asf"), folder.join("person.asf")];
    assert!(run(&both, &Options::default()).is_err());
    run(&[folder.join("a.amc"), fixture("14.asf")], &Options::default()).unwrap();
    copy("14.asf", "a.asf");
    run(&[folder.join("a.amc")], &Options::default()).unwrap();
    std::fs::remove_file(folder.join("a.asf")).unwrap();
    assert!(run(std::slice::from_ref(&folder), &Options::default()).is_err());

    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for (paths, words) in [
        (vec![], "no motion files"),
        (vec![empty], "no .bvh or .amc file is here"),
        (vec![folder.join("notes.txt")], "it does not end in .bvh"),
        (vec![root.path().join("absent.bvh")], "absent.bvh: cannot open"),
        (vec![root.path().join("absent/absent.amc")], "cannot read"),
    ] {
        let error = run(&paths, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn hostile_numbers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bvh");
    let text = std::fs::read_to_string(fixture("cgspeed.bvh")).unwrap();
    let problem = |text: String, options: &Options| {
        std::fs::write(&path, text).unwrap();
        run(std::slice::from_ref(&path), options).unwrap_err().to_string()
    };
    // The first number of the second frame.
    let second = text.lines().rev().nth(2).unwrap();
    let far = second.replacen(second.split(' ').next().unwrap(), "1e300", 1);
    let error = problem(text.replace(second, &far), &Options::default());
    assert!(error.contains("a.bvh: frame 1: a joint is further away"), "{error}");
    let end = text.find("Frames:").unwrap();
    let error = problem(format!("{}Frames: 0\nFrame Time: 0.01\n", &text[..end]), &Options::default());
    assert!(error.contains("frames: there is none"), "{error}");
    let error = problem(text.replace("-7.", "-700."), &Options::default());
    assert!(error.contains("unit: ") && error.contains("from ankle to head") && error.contains("`unit`"), "{error}");
}
