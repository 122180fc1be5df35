//! The page of a report in a headless browser, where one is installed: poses turn as rotations do, nothing fails,
//! nothing is fetched, and no window is too narrow.

use std::path::Path;
use std::process::Command;

use isopose::pose::Skeleton;
use isopose::report::{self, Block, Column, Document, Example, Gallery, Role, Row, Section, Table};

/// The names that a browser goes by.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Runs before anything else in the page: keeps what goes wrong.
const WATCH: &str = "<script>
const wrong = [];
addEventListener('error', (event) => wrong.push(event.message));
addEventListener('unhandledrejection', (event) => wrong.push(event.reason));
document.addEventListener('securitypolicyviolation', (event) => wrong.push(event.violatedDirective));
console.error = (...words) => wrong.push(words.join(' '));
</script>";

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

/// What `USE` tells of `used.html` in `folder`, by name, in a window of `width`. Browsers do not make windows narrower
/// than 500 pixels, so the window is a frame.
fn used(browser: &str, folder: &Path, width: usize, scheme: &str) -> impl Fn(&str) -> String {
    let frame = format!(
        "<!DOCTYPE html><html style='color-scheme: light dark'><body><script>
        onmessage = (event) => Object.assign(document.body.dataset, event.data);
        </script><iframe src='used.html' width='{width}' height='800' style='border: 0'></iframe></body></html>"
    );
    let page = folder.join("frame.html");
    std::fs::write(&page, frame).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom"])
        .args(["--virtual-time-budget=5000", "--window-size=1600,900", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    move |name| {
        let value = dom.split_once(&format!(" data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {dom}")).1;
        value.split('"').next().unwrap().to_owned()
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
    let answers = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let Some(browser) = BROWSERS.iter().find(answers) else {
        let required = std::env::var_os("ISOPOSE_REQUIRE_BROWSER").is_some_and(|value| !value.is_empty());
        assert!(!required, "ISOPOSE_REQUIRE_BROWSER is set, but none of {BROWSERS:?} is installed");
        eprintln!("SKIPPED a_browser_turns_poses_and_fetches_nothing: none of {BROWSERS:?} is installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    report::write_html(&document(), &path).unwrap();
    let page = std::fs::read_to_string(&path).unwrap().replacen("<head>", &format!("<head>{WATCH}"), 1) + USE;
    std::fs::write(folder.path().join("used.html"), page).unwrap();

    // As many pixels as a small telephone has, in the dark, and as a desk has, by day.
    let narrow = used(browser, folder.path(), 360, "0");
    let wide = used(browser, folder.path(), 1400, "1");
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
