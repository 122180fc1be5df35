use serde_json::Value;

use super::*;
use crate::{
    import::{
        bones::settle,
        joint_names::JointMap,
        kinematics::{Channel, Tree},
        motion_files::stem,
    },
    pose::Skeleton,
};

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

/// A file's joints, with its bones and what the joint map restored, and all of its frames.
fn read_whole(path: &Path) -> (Tree, JointMap, Vec<Vec<f64>>) {
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    let mut tree = if is_a(path, "bvh") {
        let mut bvh = Bvh::open(path).unwrap();
        while bvh.next_frame(&mut frame).unwrap() {
            frames.push(frame.clone());
        }
        bvh.tree
    } else {
        let files = Files::find(&[path.to_owned()]).unwrap();
        let asf = Asf::read(&files.skeleton_of(path).unwrap()).unwrap();
        let mut amc = Amc::open(path, &asf).unwrap();
        while amc.next_frame(&mut frame).unwrap() {
            frames.push(frame.clone());
        }
        asf.tree
    };
    let map = JointMap::by_names(&tree, path).unwrap();
    let bones = settle(&mut tree, &frames[0], &map, false).unwrap();
    let map = map.completed(&mut tree, bones.is_cut);
    (tree, map, frames)
}

/// The motion, and what was warned of.
fn run_told(paths: &[PathBuf], options: &Options) -> Result<(Motion, Vec<String>)> {
    let (mut last, mut warnings) = ((0, 0), Vec::new());
    let motion = import(paths, options, &mut warnings, &mut |done, all| {
        last = (done, all);
        Ok(())
    })?;
    assert!(last.0 == last.1 && last.0 >= motion.clips().count());
    motion.validate(Path::new("imported")).unwrap();
    Ok((motion, warnings))
}

fn run(paths: &[PathBuf], options: &Options) -> Result<Motion> {
    run_told(paths, options).map(|(motion, _)| motion)
}

fn tolerant() -> Options {
    Options { tolerance: Tolerance { allow_implausible: true, ..Tolerance::default() }, ..Options::default() }
}

#[test]
fn every_joint_is_where_numpy_puts_it() {
    for (name, expected) in expected() {
        let (tree, _, frames) = read_whole(&fixture(&name));
        let joints = expected["joints"].as_object().unwrap();
        assert_eq!((tree.joints.len(), frames.len()), (joints.len(), 4), "{name}");
        let mut placed = Vec::new();
        for (number, frame) in frames.iter().enumerate() {
            tree.place(frame, &mut placed);
            for (joint, (_, position)) in tree.joints.iter().zip(&placed) {
                // No toe is among the 17, so that it has no say in where its bones are.
                if name == "bones_in_offset.bvh" && joint.name.contains("Toe") {
                    continue;
                }
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
        let (tree, map, _) = read_whole(&fixture(&name));
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
    // Another motion: all of it once more would be kept once.
    let longer = std::fs::read_to_string(folder.join("b.AMC")).unwrap();
    std::fs::write(folder.join("b.AMC"), &longer[..longer.rfind("\n4\n").unwrap()]).unwrap();
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

/// A fixture's text, its position channels of joints but Hips changed by frame, joint and value.
fn moved(name: &str, change: impl Fn(usize, &str, f64) -> f64) -> String {
    let path = fixture(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let tree = Bvh::open(&path).unwrap().tree;
    let end = text.find("Frame Time:").unwrap();
    let end = end + text[end..].find('\n').unwrap() + 1;
    let mut out = text[..end].to_owned();
    for (number, line) in text[end..].lines().enumerate() {
        let mut words = line.split_whitespace().map(|word| word.parse::<f64>().unwrap());
        let mut changed = Vec::new();
        for joint in &tree.joints {
            for channel in &joint.channels {
                let value = words.next().unwrap();
                let is_place = matches!(channel, Channel::Position(_)) && joint.parent.is_some();
                changed.push(if is_place { change(number, &joint.name, value) } else { value }.to_string());
            }
        }
        out += &(changed.join(" ") + "\n");
    }
    out
}

#[test]
fn bones_may_be_in_offsets_or_in_channels() {
    // The positions are those of `motion_is_in_millimetres_with_z_up`; these are the words.
    let told = |name: &str| run_told(&[fixture(name)], &Options::default()).unwrap().1.join("\n");
    let offset = told("bones_in_offset.bvh");
    let words = "bones_in_offset.bvh: the position channels of 19 joints are 0 in all frames: their OFFSET counts";
    assert!(offset.contains(words), "{offset}");
    assert!(!told("bones_in_both.bvh").contains("OFFSET"));
    let cut = told("bones_in_channels.bvh");
    assert!(!cut.contains("OFFSET") && cut.contains("joints lie on each other throughout: Head on Neck/Nose"), "{cut}");
}

#[test]
fn bones_that_contradict_are_refused_or_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = [folder.path().join("a.bvh")];
    let truth = run(&[fixture("bones_in_both.bvh")], &Options::default()).unwrap();
    // Positions in inches beside OFFSETs in centimetres.
    let text = moved("bones_in_both.bvh", |_, _, v| v / 2.54);
    std::fs::write(&path[0], text).unwrap();
    let error = run(&path, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("a.bvh: position channels: in the first frame they differ from OFFSET at "), "{error}");
    assert!(
        error.contains("by a factor of about 0.394, as if in another unit") && error.contains("`allow_implausible`")
    );
    // In their unit the bones are right, though not the end of the head and the hips' place.
    let options = Options { unit: Some(Unit::Inches), ..tolerant() };
    let (motion, warnings) = run_told(&path, &options).unwrap();
    let knee = |motion: &Motion| crate::pose::mean_bone_lengths(&motion.positions, Skeleton::of(17).unwrap())[1];
    assert!((knee(&motion) - knee(&truth)).abs() < 0.1, "{} {}", knee(&motion), knee(&truth));
    assert!(warnings[0].contains("positions replace OFFSET"), "{warnings:?}");
    // Positions that begin in the third frame.
    let late = |frame, name: &str, v| if frame == 2 && name == "LeftForeArm" { 3.0 } else { v };
    std::fs::write(&path[0], moved("bones_in_offset.bvh", late)).unwrap();
    let error = run(&path, &Options::default()).unwrap_err().to_string();
    assert!(
        error.contains("a.bvh: frame 2: 'LeftForeArm' has the position (3, 3, 3), but those of 19 joints"),
        "{error}"
    );
    // Then they replace OFFSET from the start, and most joints are at one place.
    let (motion, warnings) = run_told(&path, &Options { unit: Some(Unit::Centimetres), ..tolerant() }).unwrap();
    assert_eq!(motion.positions[3..6], motion.positions[6..9], "joints lie on each other");
    assert!(warnings[0].contains("positions replace OFFSET"), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("bones have no length")), "{warnings:?}");
}

#[test]
fn a_wrong_unit_is_refused_and_the_right_one_named() {
    let path = [fixture("mixamo.bvh")];
    let metres = Options { unit: Some(Unit::Metres), ..Options::default() };
    let error = run(&path, &metres).unwrap_err().to_string();
    assert!(error.contains("mixamo.bvh: unit: the bones add up to 4"), "{error}");
    assert!(error.ends_with("; `unit` cm fits a person; or take it as it is with `allow_implausible`"), "{error}");
    let (motion, warnings) = run_told(&path, &Options { unit: Some(Unit::Metres), ..tolerant() }).unwrap();
    let right = run(&path, &Options::default()).unwrap();
    assert!((motion.positions[2] / right.positions[2] - 100.0).abs() < 1e-3);
    let words = ["mixamo.bvh: with `unit` cm it would have the size of a person", "a person's to about 5.3"];
    assert!(words.iter().all(|words| warnings.iter().any(|text| text.contains(words))), "{warnings:?}");
    // An ASF's own unit is looked at as well.
    let folder = tempfile::tempdir().unwrap();
    let copy = |name: &str| std::fs::read_to_string(fixture(name)).unwrap();
    std::fs::write(folder.path().join("14.asf"), copy("14.asf").replace("length 0.45", "length 0.0045")).unwrap();
    std::fs::write(folder.path().join("14_07.amc"), copy("14_07.amc")).unwrap();
    let error = run(&[folder.path().join("14_07.amc")], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("14_07.amc: unit: ") && error.contains("`unit` cmu fits a person"), "{error}");
}

#[test]
fn a_damaged_file_among_many_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("walks");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..10 {
        let text = moved("bones_in_both.bvh", |_, _, v| v * (1.0 + 0.001 * f64::from(number)));
        std::fs::write(folder.join(format!("w{number}.bvh")), text).unwrap();
    }
    let whole = run(std::slice::from_ref(&folder), &Options::default()).unwrap();
    // One stops in its third frame, at another rate: nothing of it is left.
    let cut = std::fs::read_to_string(folder.join("w0.bvh")).unwrap();
    let cut = cut[..cut.trim_end().rfind('\n').unwrap() - 20].replace("0.0333333", "0.01");
    std::fs::write(folder.join("w0.bvh"), cut).unwrap();
    let (motion, warnings) = run_told(std::slice::from_ref(&folder), &Options::default()).unwrap();
    assert_eq!(motion.positions, whole.positions[4 * 51..]);
    assert_eq!((motion.clip_names.len(), motion.fps), (9, 30.0));
    assert!(warnings[0].starts_with("1 file is left out of 10, damaged") && warnings[0].contains("w0.bvh: line "));
    // Not if named, if strict, or if they are more than a tenth.
    let strict = Tolerance { strict: true, ..Tolerance::default() };
    assert!(run(std::slice::from_ref(&folder), &Options { tolerance: strict, ..Options::default() }).is_err());
    assert!(run(&[folder.join("w0.bvh")], &Options::default()).unwrap_err().to_string().contains("w0.bvh"));
    std::fs::write(folder.join("w5.bvh"), "HIERARCHY\n").unwrap();
    let error = run(std::slice::from_ref(&folder), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("w0.bvh"), "{error}");
}

#[test]
fn a_motion_under_two_names_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.bvh", "b.bvh"] {
        std::fs::copy(fixture("bones_in_both.bvh"), folder.path().join(name)).unwrap();
    }
    let (motion, warnings) = run_told(&[folder.path().to_owned()], &Options::default()).unwrap();
    assert_eq!((motion.clip_names, motion.positions.len()), (vec!["a".to_owned()], 4 * 51));
    assert!(warnings.iter().any(|text| text.ends_with("b.bvh: it is the same motion as 'a', which is kept once")));
}

#[test]
fn frames_of_zeros_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bvh");
    let text = std::fs::read_to_string(fixture("biovision_old.bvh")).unwrap();
    let last = text.lines().last().unwrap();
    let zeros = last.split_whitespace().map(|_| "0").collect::<Vec<_>>().join(" ");
    std::fs::write(&path, text.replace(last, &zeros)).unwrap();
    let (_, warnings) = run_told(&[path], &Options::default()).unwrap();
    assert!(warnings.iter().any(|text| text.ends_with("a.bvh: 1 of 4 frames have only zeros")), "{warnings:?}");
}
