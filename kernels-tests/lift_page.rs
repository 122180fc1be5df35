//! The page that plays a result in a headless browser, where one is installed: it shows what was lifted, obeys its
//! controls and keys, nothing fails, nothing is fetched, and no window is too narrow.

use std::path::Path;
use std::sync::Arc;

use isopose::config::Preset;
use isopose::lift::{About, Lifted, LiftedPerson, Page, Sink, Up};
use isopose::pose::Skeleton;
use isopose::task::{Losses, Stage};
use serde::Deserialize;

use crate::browser;

/// Uses the page and keeps what it shows.
const USE: &str = "<script>
const shown = {};
(async () => {
  await ready;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const keep = async (name) => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const facts = [...document.querySelectorAll('#facts div')].map((div) => [...div.children].map((x) => x.textContent));
    const points = (joints) => (joints ?? []).map((joint) => joint ?? []);
    shown[name] = {
      place: state.place, sequence: state.sequence, yaw: state.yaw, pitch: state.pitch,
      person: document.querySelector('#people [aria-pressed=true]')?.textContent ?? '',
      facts: Object.fromEntries(facts), slider: byId('scrub').value, play: byId('play').title,
      adapted: points(drawn.adapted), trained: points(drawn.trained),
      input: drawn.input.map(({ points: keypoints }) => points(keypoints)),
    };
  };
  const key = (name, more = {}) => document.dispatchEvent(new KeyboardEvent('keydown', { key: name, ...more }));
  const canvas = (panel) => document.querySelector(`[data-panel=${panel}] canvas`);
  const point = (on, type, x, y) => {
    const { left, top } = on.getBoundingClientRect();
    const at = { pointerId: 1, pointerType: 'mouse', isPrimary: true, clientX: left + x, clientY: top + y, bubbles: true };
    on.dispatchEvent(new PointerEvent(type, at));
  };
  const scrub = (place) => { byId('scrub').value = place; byId('scrub').dispatchEvent(new Event('input')); };

  await keep('start');
  scrub(37); await keep('scrubbed');
  key('ArrowRight'); key('ArrowRight'); key('ArrowLeft'); await keep('right');
  key('ArrowLeft', { shiftKey: true }); await keep('second');
  key('End'); await keep('end');
  key('Home'); await keep('home');
  byId('step').click(); await keep('step');
  for (const on of ['trained', 'adapted']) {
    point(canvas(on), 'pointerdown', 60, 60); point(canvas(on), 'pointermove', 85, 75);
    point(canvas(on), 'pointerup', 85, 75); point(canvas(on), 'pointermove', 0, 0);
  }
  await keep('dragged');
  key('a'); key('w'); await keep('turned');
  document.querySelector('[data-turn=side]').click(); await keep('side');
  key('r'); await keep('reset');
  const joint = drawn.input.find(({ points }) => points[3] && Math.abs(points[3][0] - drawn.input.at(-1).points[3][0]) > 9);
  point(canvas('input'), 'click', joint.points[3][0], joint.points[3][1]); await keep('clicked');
  key(']'); await keep('bracket');
  key('ArrowDown'); await keep('down');
  const { width } = byId('plot').getBoundingClientRect();
  point(byId('plot'), 'pointerdown', width / 2, 20); point(byId('plot'), 'pointerup', width / 2, 20); await keep('sought');
  byId('play').click(); await wait(400); await keep('playing');
  key(' '); await keep('paused');
  await wait(300); await keep('still');
  byId('recording').value = 1; byId('recording').dispatchEvent(new Event('change')); await keep('other');
})().catch((error) => wrong.push(error.stack)).finally(() => {
  parent.postMessage({
    shown: JSON.stringify(shown).replaceAll('\"', \"'\"),
    width: innerWidth,
    overflow: document.documentElement.scrollWidth - innerWidth,
    paper: getComputedStyle(document.documentElement).backgroundColor,
    hidden: String(byId('player').hidden),
    wrong: wrong.join('; ') || 'nothing',
  }, '*');
});
</script>";

/// Tells that a long page has been unpacked and drawn.
const OPEN: &str = "<script>
(async () => {
  await ready;
  byId('scrub').value = 8999; byId('scrub').dispatchEvent(new Event('input'));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  parent.postMessage({ place: state.place, frame: document.querySelector('#facts dd').textContent,
    joints: drawn.adapted.length, wrong: wrong.join('; ') || 'nothing' }, '*');
})();
</script>";

/// What the page showed at some moment.
#[derive(Deserialize)]
struct Shown {
    place: usize,
    sequence: usize,
    yaw: f64,
    pitch: f64,
    person: String,
    facts: std::collections::BTreeMap<String, String>,
    slider: String,
    play: String,
    adapted: Vec<Vec<f64>>,
    trained: Vec<Vec<f64>>,
    input: Vec<Vec<Vec<f64>>>,
}

fn about() -> About {
    let hostile = "</script><img src=x onerror=console.error(1)>a_name_that_has_no_place_to_break_a_line";
    About {
        skeleton: Skeleton::of(17).unwrap(),
        up: Up::Camera,
        checkpoint: format!("{hostile}.safetensors"),
        mode: "online".into(),
        fps: Some(25.0),
    }
}

/// Somebody at a moment, beside the others; joint 5 is a guess now and then.
fn person(id: i64, at: usize) -> LiftedPerson {
    let wave = |seed: usize| ((at as f32) * 0.05 + (seed as f32) * 1.7 + id as f32).sin();
    let joints = |by: usize| -> Vec<[f32; 3]> {
        (0..17)
            .map(|joint| [0, 1, 2].map(|axis| if joint == 0 { 0.0 } else { 0.7 * wave(3 * joint + axis + by) }))
            .collect()
    };
    let is_guess = |joint: usize| joint == 5 && at % 10 == 7;
    let keypoint = |joint: usize| match is_guess(joint) {
        true => [0.0; 2],
        false => [400.0 * id as f32 + 150.0 * wave(3 * joint), 500.0 + 300.0 * wave(3 * joint + 1)],
    };
    LiftedPerson {
        id,
        keypoints: (0..17).map(keypoint).collect(),
        confidence: (0..17).map(|joint| if is_guess(joint) { 0.0 } else { 0.9 }).collect(),
        joints: joints(0),
        guessed: (0..17).map(is_guess).collect(),
        root: None,
        begins: false,
        adapted: at.is_multiple_of(2),
        losses: Some(Losses::of_ring(
            &[0.1, 0.2, 0.3, 0.4 + 0.1 * wave(0)],
            &Preset::Geometry.model(),
            Stage::Adaptation,
        )),
        trained: Some(joints(50)),
    }
}

fn write(path: &Path, frames: impl Iterator<Item = Lifted>) {
    let mut view = Page::new(path, about()).unwrap();
    frames.for_each(|frame| view.push(&frame).unwrap());
    Box::new(view).finish().unwrap();
}

/// A hundred frames of two people, without times, and ten of one in another recording.
fn short() -> impl Iterator<Item = Lifted> {
    let frame = |name: &str, frame: usize, people: &[i64]| Lifted {
        frame: frame as i32,
        time: None,
        sequence: Some(Arc::from(name)),
        people: people.iter().map(|&id| person(id, frame)).collect(),
        ms: 8.0,
    };
    let second = "<img src=x onerror=console.error(1)>";
    (0..100).map(move |at| frame("first", at, &[1, 2])).chain((0..10).map(move |at| frame(second, at, &[2])))
}

/// A pose in millimetres turned about the vertical axis and then about the horizontal one, as rotation matrices have it.
fn turned(pose: &[[f32; 3]], yaw: f64, pitch: f64) -> Vec<[f64; 3]> {
    let vertical = nalgebra::Rotation3::from_axis_angle(&nalgebra::Vector3::y_axis(), yaw);
    let horizontal = nalgebra::Rotation3::from_axis_angle(&nalgebra::Vector3::x_axis(), pitch);
    let joints = pose.iter().map(|at| nalgebra::Vector3::from(at.map(|value| 1000.0 * f64::from(value))));
    joints.map(|joint| (horizontal * vertical * joint).into()).collect()
}

/// What the page shows is what was lifted of that person in that frame.
fn check(name: &str, shown: &Shown, id: i64) {
    let expected = person(id, shown.place);
    for (drawn, pose) in [(&shown.adapted, &expected.joints), (&shown.trained, expected.trained.as_ref().unwrap())] {
        for (joint, (point, expected)) in drawn.iter().zip(turned(pose, shown.yaw, shown.pitch)).enumerate() {
            for (value, expected) in point.iter().zip(expected) {
                // The page keeps whole millimetres: each of three coordinates is off by half of one at most, and the
                // length of that is 0.87.
                assert!((value - expected).abs() < 0.87, "{name}, joint {joint}: {value}, {expected}");
            }
        }
        assert_eq!(drawn.len(), 17, "{name}");
    }
    // The chosen person is drawn last. Its keypoints are the input's, moved and scaled.
    let drawn = shown.input.last().unwrap();
    let seen: Vec<usize> = (0..17).filter(|&joint| expected.confidence[joint] > 0.0).collect();
    assert_eq!(seen, (0..17).filter(|&joint| !drawn[joint].is_empty()).collect::<Vec<_>>(), "{name}");
    let input = |joint: usize| expected.keypoints[joint].map(f64::from);
    let (top, bottom) = (seen.iter(), seen.iter());
    let top = *top.min_by(|a, b| input(**a)[1].total_cmp(&input(**b)[1])).unwrap();
    let bottom = *bottom.max_by(|a, b| input(**a)[1].total_cmp(&input(**b)[1])).unwrap();
    let scale = (drawn[bottom][1] - drawn[top][1]) / (input(bottom)[1] - input(top)[1]);
    for joint in seen {
        for axis in [0, 1] {
            let expected = drawn[top][axis] + scale * (input(joint)[axis] - input(top)[axis]);
            // Keypoints reach 512 to 1024 pixels and so are kept in steps of an eighth, to half of one. A difference of
            // two has twice that error, and the scale adds as much.
            let error = (drawn[joint][axis] - expected).abs();
            assert!(error < 0.25 * scale, "{name}, keypoint {joint}: {error}");
        }
    }
}

#[test]
fn a_browser_plays_what_was_lifted() {
    let Some(browser) = browser::installed("a_browser_plays_what_was_lifted") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.html");
    write(&path, short());
    browser::prepare(folder.path(), &path, USE);

    // As many pixels as a small telephone has, in the dark, and as a desk has, by day.
    let narrow = browser::used(browser, folder.path(), 360, "0");
    let wide = browser::used(browser, folder.path(), 1400, "1");
    assert_eq!((narrow("paper"), wide("paper")), ("rgb(21, 23, 27)".into(), "rgb(255, 255, 255)".into()));
    for (window, width) in [(&narrow as &dyn Fn(&str) -> String, "360"), (&wide, "1400")] {
        assert_eq!(window("wrong"), "nothing");
        assert_eq!((window("width").as_str(), window("hidden").as_str()), (width, "false"));
        assert!(window("overflow").parse::<i32>().unwrap() <= 0, "the page scrolls sideways by {}", window("overflow"));
        // Browsers differ in whether they write these as themselves in an attribute.
        let told = window("shown").replace("&lt;", "<").replace("&gt;", ">").replace('\'', "\"");
        let all: std::collections::BTreeMap<String, Shown> = serde_json::from_str(&told).unwrap();
        let at = |name: &str| &all[name];

        // 25 frames are a second. The numbers of frames are places here.
        let places =
            [("start", 0), ("scrubbed", 37), ("right", 38), ("second", 13), ("end", 99), ("home", 0), ("step", 1)];
        for (name, place) in places {
            assert_eq!((at(name).place, at(name).slider.as_str()), (place, place.to_string().as_str()), "{name}");
            assert_eq!(at(name).facts["Frame"], place.to_string());
            check(name, at(name), 1);
        }
        assert_eq!(at("scrubbed").facts["Guessed"], "LKnee");
        assert_eq!((&*at("scrubbed").facts["Adapted to"], &*at("right").facts["Adapted to"]), ("no", "yes"));
        assert_eq!((&*at("start").facts["Latency"], &*at("start").facts["Recording"]), ("8 ms", "first"));

        // A pixel turns by 0.01 radians and a key by 10 degrees; near joints follow the pointer. Both panels turn both.
        let [yaw, pitch] = [at("start").yaw, at("start").pitch];
        let (quarter, key) = (90f64.to_radians(), 10f64.to_radians());
        let views = [
            ("dragged", yaw - 0.5, pitch + 0.3),
            ("turned", yaw - 0.5 + key, pitch + 0.3 - key),
            ("side", quarter, pitch),
            ("reset", yaw, pitch),
        ];
        for (name, yaw, pitch) in views {
            let shown = at(name);
            assert!(
                (shown.yaw - yaw).abs() + (shown.pitch - pitch).abs() < 1e-9,
                "{name}: {} {}",
                shown.yaw,
                shown.pitch
            );
            check(name, shown, 1);
        }

        // A click, a key of its own and an arrow go to the other person.
        for (name, id) in [("clicked", 2), ("bracket", 1), ("down", 2), ("sought", 2), ("playing", 2)] {
            assert_eq!(at(name).person, format!("Person {id}"), "{name}");
            check(name, at(name), id);
        }
        // The middle of 100 frames, to a frame for the rounding of pixels.
        assert!(at("sought").place.abs_diff(49) <= 1, "{}", at("sought").place);
        assert!(at("playing").place > at("sought").place, "playing goes on");
        assert_eq!((&*at("playing").play, &*at("paused").play), ("Pause", "Play"));
        assert_eq!(at("still").place, at("paused").place, "a pause stops");
        assert_eq!((at("other").sequence, at("other").place), (1, 0));
        assert_eq!(at("other").facts["Recording"], "<img src=x onerror=console.error(1)>");
    }
}

#[test]
fn a_browser_opens_five_minutes() {
    let Some(browser) = browser::installed("a_browser_opens_five_minutes") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.html");
    let frame = |at: usize| {
        let (time, people) = (Some(at as f64 / 30.0), vec![person(1, at), person(2, at)]);
        Lifted { frame: at as i32, time, sequence: None, people, ms: 8.0 }
    };
    write(&path, (0..9000).map(frame));
    browser::prepare(folder.path(), &path, OPEN);
    let window = browser::used(browser, folder.path(), 1400, "1");
    assert_eq!(window("wrong"), "nothing");
    assert_eq!((window("place"), window("frame"), window("joints")), ("8999".into(), "8999".into(), "17".into()));
}
