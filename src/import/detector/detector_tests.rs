//! Every form against `kernels-tests/fixtures/generate_detectors.py`, which computes what must come out by names; and
//! what is wrong with files.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::data::PoseSet;
use crate::format::npz::Npz;
use crate::import::collect;

pub(super) type Reader = fn(&[PathBuf], &Options, &mut Collector<'_>, Progress<'_>) -> Result<()>;

/// The folders of the fixtures and who reads them.
const READERS: [(&str, Reader); 7] = [
    ("coco", coco::import),
    ("halpe", halpe::import),
    ("openpose", openpose::import),
    ("mmpose", mmpose::import),
    ("alphapose", alphapose::import),
    ("mediapipe", mediapipe::import),
    ("detectron", detectron::import),
];

#[derive(Deserialize)]
struct Expected {
    sizes: Option<Vec<[i32; 2]>>,
    sequences: Vec<Sequence>,
}

#[derive(Deserialize)]
struct Sequence {
    name: String,
    frames: Vec<i32>,
    poses: Vec<usize>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/kernels-tests/fixtures/detectors")).join(name)
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_reader(std::fs::File::open(fixture("expected.json")).unwrap()).unwrap()
}

fn reader(name: &str) -> Reader {
    READERS.iter().find(|(folder, _)| name.starts_with(folder)).unwrap().1
}

/// MediaPipe's files need the size of the image.
fn options(name: &str) -> Options {
    Options { image_size: name.starts_with("mediapipe").then_some([800, 600]), ..Options::default() }
}

fn import(reader: Reader, paths: &[PathBuf], options: &Options) -> Result<PoseSet> {
    collect(17, |to| reader(paths, options, to, &mut |_, _| Ok(())))
}

fn read(name: &str, options: &Options) -> Result<PoseSet> {
    import(reader(name), &[fixture(name)], options)
}

/// Reads `text` as a file of this name.
pub(super) fn read_text(reader: Reader, name: &str, text: &str) -> Result<PoseSet> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    import(reader, &[path], &Options { image_size: Some([800, 600]), ..Options::default() })
}

/// Name, frames of each sequence.
pub(super) fn sequences(set: &PoseSet) -> Vec<(&str, Vec<i32>)> {
    let (sequence, frame) = (set.sequence.as_ref().unwrap(), set.frame.as_ref().unwrap());
    let runs = sequence.chunk_by(|a, b| a == b).scan(0, |start, run| {
        let frames = frame[*start..*start + run.len()].to_vec();
        *start += run.len();
        Some((set.sequence_names[run[0] as usize].as_str(), frames))
    });
    runs.collect()
}

#[test]
fn every_form_gives_its_people() {
    let poses = Npz::open(&fixture("expected.npz")).unwrap().f32("poses").unwrap().values;
    for (name, expected) in expected() {
        let set = read(&name, &options(&name)).unwrap();
        set.validate(&fixture(&name)).unwrap();
        let named: Vec<_> = expected.sequences.iter().map(|s| (s.name.as_str(), s.frames.clone())).collect();
        assert_eq!(sequences(&set), named, "{name}");
        assert_eq!(set.image_size, expected.sizes, "{name}");
        let rows = expected.sequences.iter().flat_map(|sequence| &sequence.poses);
        for (pose, row) in rows.enumerate() {
            for joint in 0..17 {
                let at = format!("{name}, pose {pose}, joint {joint}");
                let [x, y, sure] = poses[(17 * row + joint) * 3..][..3] else { unreachable!() };
                let got = &set.keypoints[2 * (17 * pose + joint)..][..2];
                assert!((got[0] - x).abs() < 1e-3 && (got[1] - y).abs() < 1e-3, "{at}: {got:?}, not {x}, {y}");
                let got = set.confidence.as_ref().unwrap()[17 * pose + joint];
                assert!((got - sure).abs() < 1e-4, "{at}: confidence {got}, not {sure}");
            }
        }
    }
}

#[test]
fn sixteen_joints_are_the_seventeen_without_the_nose() {
    let all = read("coco/results.json", &Options::default()).unwrap();
    let path = [fixture("coco/results.json")];
    let set = collect(16, |to| coco::import(&path, &Options::default(), to, &mut |_, _| Ok(()))).unwrap();
    assert_eq!(set, all.to_16());
}

#[test]
fn options_choose_people_and_joints() {
    let name = "coco/results.json";
    let near = ("results#1", vec![0, 1, 2, 3, 4]);
    let longest = read(name, &Options { people: People::Longest, ..Options::default() }).unwrap();
    assert_eq!(sequences(&longest), std::slice::from_ref(&near));
    let often = read(name, &Options { min_frames: 3, ..Options::default() }).unwrap();
    assert_eq!(sequences(&often), [near, ("results#2", vec![0, 1, 2, 4])]);
    // The confidences begin at 0.4; those of the first frame end below 0.9.
    let all = read(name, &Options::default()).unwrap();
    let sure = read(name, &Options { min_score: 0.6, ..Options::default() }).unwrap();
    for (i, (before, after)) in all.confidence.unwrap().iter().zip(sure.confidence.unwrap()).enumerate() {
        let kept = *before >= 0.6;
        assert_eq!(after, if kept { *before } else { 0.0 });
        let point = &sure.keypoints[2 * i..][..2];
        assert_eq!(point, if kept { &all.keypoints[2 * i..][..2] } else { &[0.0; 2] });
    }
    let error = read(name, &Options { min_score: 0.95, ..Options::default() }).unwrap_err().to_string();
    assert!(error.contains("nobody is left"), "{error}");
    let error = read(name, &Options { min_frames: 6, ..Options::default() }).unwrap_err().to_string();
    assert!(error.contains("nobody is left"), "{error}");
}

#[test]
fn stills_follow_nobody() {
    let set = read("coco/results.json", &Options { stills: true, ..Options::default() }).unwrap();
    let names: Vec<&str> = sequences(&set).iter().map(|(name, _)| *name).collect();
    let frames = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
    let numbers = [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3];
    let expected: Vec<String> = frames.iter().zip(numbers).map(|(f, n)| format!("results/{f}#{n}")).collect();
    assert_eq!(names, expected);
    // The largest of each image.
    let options = Options { stills: true, people: People::Longest, ..Options::default() };
    let near = read("coco/results.json", &Options { people: People::Longest, ..Options::default() }).unwrap();
    assert_eq!(read("coco/results.json", &options).unwrap().keypoints, near.keypoints);
}

#[test]
fn the_size_of_the_image_is_the_files_or_the_option() {
    let options = Options { image_size: Some([1920, 1080]), ..Options::default() };
    let set = read("coco/results.json", &options).unwrap();
    assert_eq!(set.image_size, Some(vec![[1920, 1080]; 11]));
    let set = read("coco/annotations.json", &options).unwrap();
    assert_eq!(set.image_size.unwrap()[0], [640, 480]);
    // Of all or of none: the second file does not say.
    let files = ["coco/annotations.json", "coco/results.json"].map(fixture);
    assert_eq!(import(coco::import, &files, &Options::default()).unwrap().image_size, None);
}

#[test]
fn several_files_do_not_mix() {
    let (folder, file) = (tempfile::tempdir().unwrap(), fixture("coco/results.json"));
    let other = folder.path().join("results.json");
    // Everybody moves on.
    std::fs::write(&other, std::fs::read_to_string(&file).unwrap().replace("\"keypoints\":[", "\"keypoints\":[1"))
        .unwrap();
    let mut steps = Vec::new();
    let (files, options) = ([file, other], Options::default());
    let set = collect(17, |to| {
        coco::import(&files, &options, to, &mut |done, all| {
            steps.push((done, all));
            Ok(())
        })
    })
    .unwrap();
    let names: Vec<&str> = sequences(&set).iter().map(|(name, _)| *name).collect();
    let again = ["results (2)#1", "results (2)#2", "results (2)#3"];
    assert_eq!(names, [["results#1", "results#2", "results#3"], again].concat());
    assert_eq!(steps, [(0, 2), (1, 2), (2, 2)]);
    assert!(import(coco::import, &[], &Options::default()).is_err());
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    for name in expected().into_keys().filter(|name| fixture(name).is_file()) {
        let whole = std::fs::read(fixture(&name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut");
        for part in 0..16 {
            // Before the last bracket; a line end may follow it.
            std::fs::write(&path, &whole[..(whole.len() - 2) * part / 15]).unwrap();
            let error = import(reader(&name), std::slice::from_ref(&path), &options(&name)).unwrap_err();
            let words =
                ["cut: content: it ends too early", "cut: content: it is empty", "cut: archive: not a readable"];
            assert!(words.iter().any(|words| error.to_string().contains(words)), "{name}: {error}");
        }
    }
}

/// Numbers of one person: `count` values of 1, 2, 3 and so on.
fn numbers(count: usize) -> String {
    let numbers: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    numbers.join(",")
}

#[test]
fn wrong_content_is_named() {
    let results = |keypoints: &str| format!(r#"[{{"image_id":0,"keypoints":[{keypoints}]}}]"#);
    let annotation = |keypoints: &str| {
        format!(
            r#"{{"images":[{{"id":1}}],"annotations":[{{"image_id":1}},{{"image_id":1,"keypoints":[{keypoints}]}}]}}"#
        )
    };
    let person = |keypoints: &str| format!(r#"{{"people":[{{"pose_keypoints_2d":[{keypoints}]}}]}}"#);
    let pairs = |count| vec!["[1,2]"; count].join(",");
    let instance =
        |keypoints: &str, scores: &str| format!(r#"[{{"keypoints":[{keypoints}],"keypoint_scores":[{scores}]}}]"#);
    let small = vec!["0.5,0.5,0.9"; 17].join(",");
    let landmarks = |count| vec![r#"{"x":0.5,"y":0.5}"#; count].join(",");
    let of_crowd = |i: usize| format!(r#"{{"image_id":0,"keypoints":[{}]}}"#, vec![i.to_string(); 51].join(","));
    let crowd = (50..1051).map(of_crowd).collect::<Vec<_>>().join(",");
    let cases: Vec<(Reader, String, &[&str])> = vec![
        (coco::import, String::new(), &["content", "empty"]),
        (coco::import, " \n ".into(), &["content", "empty"]),
        (coco::import, "[]".into(), &["neither frames nor people"]),
        (coco::import, "[null]".into(), &["[0]: `image_id` is missing; it is null"]),
        (coco::import, results("NaN"), &["line 1", "no NaN"]),
        (coco::import, results("1,"), &["expected value at line 1", "no comma after the last"]),
        (coco::import, results("\"1\""), &["[0].keypoints[0]", "it is the text '1', not a number"]),
        (coco::import, results(&numbers(50)), &["[0].keypoints", "50 numbers, no three"]),
        (coco::import, results(&numbers(78)), &["[0].keypoints", "26 keypoints; 17 or 133 are needed"]),
        (
            coco::import,
            r#"[{"image_id":0,"pose":[]}]"#.into(),
            &["none of its 1 records has keypoints; the first is an object of image_id, pose"],
        ),
        (
            coco::import,
            r#"[{"image_id":{},"keypoints":[]}]"#.into(),
            &["[0].image_id", "an object of", "name of an image"],
        ),
        (coco::import, format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)), &["line 1"]),
        (coco::import, annotation(&numbers(50)), &["annotations[1].keypoints", "50 numbers"]),
        (
            coco::import,
            annotation(&numbers(51)).replace("\"id\":1", "\"id\":2"),
            &["annotations[1].image_id", "no image 1"],
        ),
        (coco::import, "{}".into(), &["neither frames nor people"]),
        (coco::import, r#"{"0.jpg":{"bodies":[]}}"#.into(), &["neither frames nor people, but 0.jpg"]),
        (coco::import, results(&small), &["1 of 1 poses", "shares of the image", "pixels"]),
        (coco::import, format!("[{crowd}]"), &["1001 people in one frame"]),
        (coco::import, format!(r#"{{"people":[{}]}}"#, "{}"), &["but people", "it looks like OpenPose"]),
        (halpe::import, results(&numbers(51)), &["[0].keypoints", "17 keypoints; 26 or 136 are needed"]),
        (openpose::import, person(&numbers(45)), &["people[0].pose_keypoints_2d", "15 keypoints; 25 or 18"]),
        (openpose::import, person(&numbers(76)), &["people[0].pose_keypoints_2d", "76 numbers"]),
        (
            openpose::import,
            r#"{"people":[{}]}"#.into(),
            &["people[0]: `pose_keypoints_2d` is missing; it is an object"],
        ),
        (openpose::import, r#"{"people":[]}"#.into(), &["all of its 1 frames are empty"]),
        (openpose::import, r#"{"version":1.3}"#.into(), &["people: there is no such list"]),
        (mmpose::import, instance(&pairs(16), &numbers(16)), &["[0].keypoints", "16 keypoints", "17, 26, 133 or 136"]),
        (mmpose::import, instance(&pairs(17), &numbers(16)), &["[0].keypoints", "16 scores of 17"]),
        (mmpose::import, instance(&pairs(17).replace("1,2", "1,2,3"), &numbers(17)), &["[0].keypoints", "this is 3D"]),
        (mmpose::import, r#"[{"frame_id":0}]"#.into(), &["[0]: it is an object of frame_id, not a frame"]),
        (mmpose::import, r#"{"a":1}"#.into(), &["instance_info: neither this list nor `predictions` is there"]),
        (
            mmpose::import,
            r#"{"meta_info":{"keypoint_id2name":{"0":"nose","1":"head_bottom"}},"instance_info":[]}"#.into(),
            &["meta_info.keypoint_id2name", "no known person", "nose, head_bottom"],
        ),
        (alphapose::import, results(&numbers(45)), &["[0].keypoints", "15 keypoints; 17, 26, 133 or 136"]),
        (
            alphapose::import,
            r#"[{"image_id":[],"keypoints":[]}]"#.into(),
            &["[0].image_id: it is a list of 0, not the"],
        ),
        (mediapipe::import, format!("[[{}]]", landmarks(32)), &["[0]", "32 keypoints; 33 are needed"]),
        (mediapipe::import, "[7]".into(), &["[0]: it is 7, not landmarks"]),
        (mediapipe::import, "[null, []]".into(), &["all of its 2 frames are empty"]),
        (detectron::import, "[]".into(), &["archive", "npz"]),
    ];
    for (reader, text, words) in cases {
        let error = read_text(reader, "given.json", &text).unwrap_err().to_string();
        let start: String = text.chars().take(80).collect();
        assert!(words.iter().all(|word| error.contains(word)) && error.contains("given.json"), "{start}: {error}");
    }
    let error = read("mediapipe/lists.json", &Options::default()).unwrap_err().to_string();
    assert!(error.contains("image size") && error.contains("give width and height"), "{error}");
}

#[test]
fn wrong_arrays_of_detectron_are_named() {
    let cases: [(&str, &[&str]); 7] = [
        ("numbers", &["keypoints", "type '<f8' where Python objects are expected"]),
        ("no_numbers", &["keypoints: all of its 2 frames are empty"]),
        ("shape", &["keypoints[1][1]", "array [1, 3, 17]", "(n, 4, 17)"]),
        ("text", &["keypoints[0][1]", "text"]),
        ("nobody", &["nobody was detected"]),
        ("order", &["metadata.layout_name", "it is 'h36m', but by the form of the file the joints are COCO-17"]),
        ("positions", &["keypoints: 2 of 2 poses have coordinates below 10"]),
    ];
    for (name, words) in cases {
        let error = read(&format!("detectron/wrong/{name}.npz"), &Options::default()).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
    }
}

#[test]
fn folders_of_openpose_may_have_several_videos_but_must_have_frames() {
    let folder = tempfile::tempdir().unwrap();
    let import = || import(openpose::import, &[folder.path().to_owned()], &Options::default());
    assert!(import().unwrap_err().to_string().contains("there is no frame of OpenPose (.json) in it"));
    let frame = fixture("openpose/body_25/my_dance_000000000000_keypoints.json");
    for name in ["b_000000000009", "b_000000000010", "a_b_000000000003", "still"] {
        std::fs::copy(&frame, folder.path().join(format!("{name}_keypoints.json"))).unwrap();
    }
    let set = import().unwrap();
    let expected = [("a_b", vec![3]), ("b", vec![9, 10]), ("still", vec![0])];
    let expected: Vec<_> = expected.iter().flat_map(|(n, f)| [1, 2].map(|k| (format!("{n}#{k}"), f.clone()))).collect();
    let found: Vec<_> = sequences(&set).into_iter().map(|(name, frames)| (name.to_owned(), frames)).collect();
    assert_eq!(found, expected);
}

#[test]
fn frames_of_openpose_are_numbered_at_the_end_of_their_names() {
    let frame = fixture("openpose/body_25/my_dance_000000000000_keypoints.json");
    for (files, video) in [
        (["000000000003", "000000000004"], "waltz"),
        (["3", "4"], "waltz"),
        (["frame0003", "frame0004"], "frame"),
        (["take2-003", "take2-004"], "take2"),
        (["take2_3", "take2_4"], "take2"),
    ] {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("waltz");
        std::fs::create_dir_all(folder.join("deeper")).unwrap();
        for name in files {
            std::fs::copy(&frame, folder.join(format!("{name}_keypoints.json"))).unwrap();
        }
        let names = [1, 2].map(|k| format!("{video}#{k}"));
        for given in [folder.clone(), folder.join("deeper/..")] {
            let set = import(openpose::import, &[given], &Options::default()).unwrap();
            assert_eq!(sequences(&set), [(names[0].as_str(), vec![3, 4]), (&names[1], vec![3, 4])]);
        }
    }
    let person = std::fs::read_to_string(frame).unwrap();
    // Time stamps say the order.
    let set = read_text(openpose::import, "a3000000000_keypoints.json", &person).unwrap();
    assert_eq!(sequences(&set)[0], ("a#1", vec![0]));
    // No number that can be read: a still image of this name.
    let name = "9".repeat(40);
    let set = read_text(openpose::import, &format!("{name}_keypoints.json"), &person).unwrap();
    assert_eq!(sequences(&set)[0], (format!("{name}#1").as_str(), vec![0]));
}

#[test]
fn files_too_large_for_the_memory_are_refused_before_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    let limit = crate::format::memory_limit() as u64;
    // Half and twice the limit: how much memory there is changes all the time.
    {
        let (readers, times) = (&READERS[..6], json::RECORDS as u64);
        for (part, refused) in [(2 * times, false), (times / 2, true)] {
            // A hole in place of content.
            std::fs::File::create(&path).unwrap().set_len(limit / part).unwrap();
            for (name, reader) in readers {
                let error = import(*reader, std::slice::from_ref(&path), &options(name)).unwrap_err();
                let word = if refused { "size: " } else { "content: " };
                assert!(error.to_string().contains(word), "{name}, 1/{part}: {error}");
            }
        }
    }
    assert!(recognise(&path).is_err());
}

#[test]
fn scores_that_are_no_numbers_are_missing() {
    let text =
        format!(r#"[{{"image_id":"0.jpg","keypoints":[1e39,5,1,{}]}}]"#, ["70,80,-1", "90,91,5"].repeat(8).join(","));
    let set = read_text(alphapose::import, "given.json", &text).unwrap();
    // The nose is beyond what a float holds, odd keypoints have a negative score, even ones more than 1.
    let sure = set.confidence.unwrap();
    assert_eq!(sure[9], 0.0, "Neck/Nose");
    assert_eq!((sure[11], sure[14]), (0.0, 1.0), "left and right shoulder");
    set.keypoints.iter().for_each(|v| assert!(v.is_finite()));
}
