//! The page of a report in a headless browser, where one is installed: poses turn as rotations do, nothing fails,
//! nothing is fetched, and no window is too narrow.

use isopose::pose::Skeleton;
use isopose::report::{self, Block, Column, Document, Example, Gallery, Role, Row, Section, Table};

use crate::browser;

/// Runs after everything else: uses the viewer and tells the page around it what it shows.
const USE: &str = "<script>
const stage = document.querySelector('.stage');
const states = [];
const keep = () => states.push([...stage.querySelectorAll('[data-bone]')].map((bone) =>
  [bone.dataset.bone, ...['x1', 'y1', 'x2', 'y2'].map((name) => bone.getAttribute(name))].join(' ')).join(';'));
const point = (type, x, y) => stage.dispatchEvent(new PointerEvent(type,
  { pointerId: 1, pointerType: 'mouse', isPrimary: true, clientX: x, clientY: y, bubbles: true }));
const drag = (x, y) => {
  point('pointerdown', 200, 300);
  point('pointermove', 200 + x / 2, 300 + y);
  point('pointermove', 200 + x, 300 + y);
  point('pointerup', 200 + x, 300 + y);
  point('pointermove', 0, 0);
};
const button = (name) => [...document.querySelectorAll('.buttons button')].find((b) => b.textContent === name).click();
keep();
document.querySelectorAll('.card button')[1].click(); keep();
drag(50, 0); keep();
drag(0, 30); keep();
stage.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true })); keep();
button('Side'); keep();
button('Reset'); document.querySelector('.shown input').click(); keep();
const select = document.querySelector('.viewer select');
const chosen = select.value;
select.value = 0; select.dispatchEvent(new Event('change')); keep();
parent.postMessage({
  chosen,
  states: states.join('|'),
  width: innerWidth,
  overflow: document.documentElement.scrollWidth - innerWidth,
  paper: getComputedStyle(document.documentElement).backgroundColor,
  wrong: wrong.join('; ') || 'nothing',
}, '*');
</script>";

/// Two examples of two poses, and a table too wide for a telephone.
fn document() -> Document {
    let pose = |seed: usize| (0..48).map(|i| ((i + 7 * seed) as f32 * 1.7).sin() * 0.9).collect::<Vec<_>>();
    let example = |seed: usize| Example {
        title: format!("A sample with a name_that_has_no_place_to_break_a_line_{seed}"),
        note: "MPJPE: Baseline 80.0 mm, Online 70.0 mm".into(),
        keypoints: pose(seed).iter().take(32).map(|x| 500.0 * x).collect(),
        poses: vec![
            ("Baseline".into(), Role::Baseline, pose(10 * seed + 1)),
            ("Ground truth".into(), Role::Truth, pose(10 * seed + 2)),
        ],
    };
    let skeleton = Skeleton::of(16).unwrap();
    let gallery = Gallery {
        caption: "Poses".into(),
        skeleton,
        groups: vec![("First".into(), vec![example(0)]), ("Second".into(), vec![example(1)])],
    };
    let column = |number| Column { title: format!("Column {number}"), ..Default::default() };
    let row = Row { cells: vec!["83.6 ± 0.2".into(); 12], ..Default::default() };
    let table = Table { columns: (0..12).map(column).collect(), rows: vec![row], ..Default::default() };
    let blocks = vec![Block::Table(table), Block::Gallery(gallery)];
    Document {
        title: "Report".into(),
        commands: vec![format!("isopose study {}", "--option value ".repeat(20))],
        sections: vec![Section { title: "Poses".into(), blocks }],
        ..Default::default()
    }
}

/// A pose in millimetres turned about the vertical axis by `yaw` and then about the horizontal one by `pitch`, as the
/// rotation matrices have it: x and y of each joint.
fn turned(pose: &[f32], yaw: f64, pitch: f64) -> Vec<[f64; 2]> {
    let vertical = nalgebra::Rotation3::from_axis_angle(&nalgebra::Vector3::y_axis(), yaw);
    let horizontal = nalgebra::Rotation3::from_axis_angle(&nalgebra::Vector3::x_axis(), pitch);
    let joints = pose.chunks(3).map(|at| nalgebra::Vector3::from_fn(|axis, _| 1000.0 * f64::from(at[axis])));
    joints.map(|joint| horizontal * vertical * joint).map(|joint| [joint.x, joint.y]).collect()
}

#[test]
fn a_browser_turns_poses_and_fetches_nothing() {
    let Some(browser) = browser::installed("a_browser_turns_poses_and_fetches_nothing") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    report::write_html(&document(), &path).unwrap();
    browser::prepare(folder.path(), &path, USE);

    // As many pixels as a small telephone has, in the dark, and as a desk has, by day.
    let narrow = browser::used(browser, folder.path(), 360, "0");
    let wide = browser::used(browser, folder.path(), 1400, "1");
    for (window, width) in [(&narrow as &dyn Fn(&str) -> String, "360"), (&wide, "1400")] {
        assert_eq!(window("wrong"), "nothing");
        assert_eq!(window("width"), width);
        assert!(window("overflow").parse::<i32>().unwrap() <= 0, "the page scrolls sideways by {}", window("overflow"));
        assert_eq!(window("chosen"), "1");
    }
    assert_eq!((narrow("paper"), wide("paper")), ("rgb(21, 23, 27)".into(), "rgb(255, 255, 255)".into()));
    assert_eq!(narrow("states"), wide("states"));

    // A pixel turns by 0.01 radians and a key by 10 degrees. Near joints (small z) follow the pointer, so that a drag
    // to the right is a negative yaw.
    let key = 10f64.to_radians();
    let expected: &[(usize, f64, f64, &[usize])] = &[
        (0, 0.0, 0.0, &[0, 1]),
        (1, 0.0, 0.0, &[0, 1]),
        (1, -0.5, 0.0, &[0, 1]),
        (1, -0.5, 0.3, &[0, 1]),
        (1, -0.5 + key, 0.3, &[0, 1]),
        (1, 90f64.to_radians(), 0.0, &[0, 1]),
        (1, 0.0, 0.0, &[1]),
        (0, 0.0, 0.0, &[1]),
    ];
    let document = document();
    let Block::Gallery(gallery) = &document.sections[0].blocks[1] else { panic!("the gallery has moved") };
    let states = narrow("states");
    assert_eq!(states.split('|').count(), expected.len());
    for (state, &(example, yaw, pitch, shown)) in states.split('|').zip(expected) {
        let poses = &gallery.groups[example].1[0].poses;
        assert_eq!(state.split(';').count(), 15 * shown.len(), "{state}");
        for bone in state.split(';') {
            let words: Vec<_> = bone.split(' ').collect();
            let pose = shown
                .iter()
                .map(|&number| &poses[number])
                .find(|(_, role, _)| serde_json::to_value(role).unwrap() == words[0]);
            let (name, _, joints) = pose.unwrap_or_else(|| panic!("{bone} should not be shown"));
            let joint: usize = words[1].parse().unwrap();
            let joints = turned(joints, yaw, pitch);
            let ends = [joints[joint], joints[gallery.skeleton.parents[joint]]].concat();
            for (word, expected) in words[2..].iter().zip(ends) {
                // The page keeps whole millimetres: each of three coordinates is off by half of one at most, and the
                // length of that is 0.87.
                let error = (word.parse::<f64>().unwrap() - expected).abs();
                assert!(error < 0.87, "example {example}, {name}, joint {joint}, {yaw}, {pitch}: {word}, {expected}");
            }
        }
    }
}
