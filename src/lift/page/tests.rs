use std::sync::Arc;

use super::code::{base64, rounded};
use super::store::{MISSING, Store};
use super::{LIMIT, Page, html, pack};
use crate::config::Preset;
use crate::lift::{About, Lifted, LiftedPerson, Sink, Up};
use crate::pose::Skeleton;
use crate::task::{Losses, Stage};

fn about() -> About {
    About {
        skeleton: Skeleton::of(17).unwrap(),
        up: Up::Camera,
        checkpoint: "model.safetensors".into(),
        mode: "online".into(),
        fps: None,
    }
}

/// Numbers in [-1, 1) that repeat.
fn noise(seed: u64) -> f32 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ mixed >> 32) as u32 >> 8) as f32 / (1 << 23) as f32 - 1.0
}

/// Somebody who moves by up to a metre a second, seen with a noise of 2 pixels and lifted with one of 10 mm.
fn person(id: i64, frame: u64) -> LiftedPerson {
    let about = |joint: usize, axis: usize| (frame as f32 / 30.0 * (1.0 + 0.1 * joint as f32) + axis as f32).sin();
    let shake =
        |joint: usize, axis: usize| noise(frame * 1000 + id.unsigned_abs() * 200 + joint as u64 * 5 + axis as u64);
    let joints = |by: f32| -> Vec<[f32; 3]> {
        (0..17).map(|j| [0, 1, 2].map(|k| about(j, k) * 0.6 + 0.01 * shake(j, k) + by * about(j, k + 1))).collect()
    };
    let model = Preset::Geometry.model();
    let ring: Vec<f32> = (0..4).map(|term| 0.1 + 0.05 * shake(term, 4)).collect();
    LiftedPerson {
        id,
        keypoints: (0..17).map(|j| [0, 1].map(|k| 500.0 + 300.0 * about(j, k) + 2.0 * shake(j, k))).collect(),
        confidence: vec![0.9; 17],
        joints: joints(0.0),
        guessed: vec![false; 17],
        root: None,
        begins: false,
        adapted: !frame.is_multiple_of(3),
        losses: Some(Losses::of_ring(&ring, &model, Stage::Adaptation)),
        trained: Some(joints(0.02)),
    }
}

fn frame(number: u64, people: Vec<LiftedPerson>) -> Lifted {
    let ms = 8.0 + f64::from(noise(number));
    Lifted { frame: number as i32, time: Some(number as f64 / 30.0), sequence: None, people, ms }
}

/// Reads the columns back as the page does.
struct Columns(Vec<u8>);

impl Columns {
    fn of(text: &str) -> Self {
        use std::io::Read;
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let six = |c: u8| letters.iter().position(|&letter| letter == c).map_or(0, |at| at as u32);
        let mut packed = Vec::new();
        for group in text.as_bytes().chunks(4) {
            let all = group.iter().fold(0, |all, &c| all << 6 | six(c));
            let padding = group.iter().filter(|&&c| c == b'=').count();
            packed.extend(&all.to_be_bytes()[1..4 - padding]);
        }
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        Self(bytes)
    }

    fn planes<const N: usize>(&mut self, count: usize) -> Vec<[u8; N]> {
        let own: Vec<u8> = self.0.drain(..count * N).collect();
        (0..count).map(|i| std::array::from_fn(|plane| own[plane * count + i])).collect()
    }

    fn shorts(&mut self, count: usize) -> Vec<i16> {
        let mut value = 0i16;
        let coded = self.planes(count).into_iter().map(u16::from_le_bytes);
        coded
            .map(|coded| {
                value = value.wrapping_add((coded >> 1) as i16 ^ -((coded & 1) as i16));
                value
            })
            .collect()
    }

    fn wholes(&mut self, count: usize) -> Vec<i32> {
        let mut value = 0i32;
        let coded = self.planes(count).into_iter().map(u32::from_le_bytes);
        coded
            .map(|coded| {
                value = value.wrapping_add((coded >> 1) as i32 ^ -((coded & 1) as i32));
                value
            })
            .collect()
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Vec<Vec<i16>> {
        let columns: Vec<_> = (0..columns).map(|_| self.shorts(rows)).collect();
        (0..rows).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        self.planes(count).into_iter().map(f32::from_le_bytes).collect()
    }

    fn bits(&mut self, count: usize) -> Vec<u32> {
        self.planes(count).into_iter().map(u32::from_le_bytes).collect()
    }
}

fn stored(frames: &[Lifted], limit: usize) -> Store {
    let mut store = Store::new(about().skeleton, limit);
    frames.iter().for_each(|frame| store.push(frame));
    store
}

/// Finishes a view of the frames: the page and what is said.
fn finished(frames: &[Lifted]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.html");
    let mut view = Page::new(&path, about()).unwrap();
    frames.iter().for_each(|frame| view.push(frame).unwrap());
    let said = Box::new(view).finish().unwrap();
    let said =
        said.iter().map(|text| text.replace(&*folder.path().to_string_lossy(), "FOLDER").replace('\\', "/")).collect();
    (std::fs::read_to_string(&path).unwrap(), said)
}

#[test]
fn what_is_packed_comes_back_within_half_a_step() {
    let named = |sequence: &str, frame: Lifted| Lifted { sequence: Some(Arc::from(sequence)), ..frame };
    // Recordings and people in turn, so that the page's order is another one.
    let frames: Vec<_> = (0..40u64)
        .map(|i| named(["b", "a"][i as usize % 2], frame(i, vec![person(7, i), person(-3, i + 500)])))
        .collect();
    let packed = pack::pack(&stored(&frames, LIMIT), &about()).unwrap();
    assert_eq!((packed.undrawn, packed.counts.as_str()), (0, "40 frames, 4 people, 2 recordings"));
    let head = &packed.head;
    let step = head["step"].as_f64().unwrap() as f32;
    // All but a hundredth of the coordinates lie within 1024 pixels: 8192 steps of an eighth.
    assert_eq!(step, 0.125);
    let mut columns = Columns::of(&packed.data);
    let order: Vec<&Lifted> = frames.iter().step_by(2).chain(frames.iter().skip(1).step_by(2)).collect();
    assert_eq!(columns.wholes(40), order.iter().map(|frame| frame.frame).collect::<Vec<_>>());
    let times = columns.wholes(40);
    for (place, (time, frame)) in times.iter().zip(&order).enumerate() {
        let base = head["sequences"][place / 20]["base"].as_f64().unwrap();
        // Half of a tenth of a millisecond, and the rounding of float64.
        assert!((base + f64::from(*time) / 1e4 - frame.time.unwrap()).abs() < 0.51e-4);
    }
    for (ms, frame) in columns.floats(40).iter().zip(&order) {
        // 14 bits: half of the last one.
        assert!((f64::from(*ms) / frame.ms - 1.0).abs() < 2f64.powi(-14));
    }
    let rows: Vec<(usize, &LiftedPerson)> = [(0, 0), (0, 1), (20, 0), (20, 1)]
        .into_iter()
        .flat_map(|(start, person)| (start..start + 20).map(move |place| (place, person)))
        .map(|(place, person)| (place, &order[place].people[person]))
        .collect();
    assert_eq!(columns.wholes(80), rows.iter().map(|row| row.0 as i32).collect::<Vec<_>>());
    let flags: Vec<u8> = columns.planes::<1>(80).concat();
    assert_eq!(flags, rows.iter().map(|(_, person)| u8::from(person.adapted)).collect::<Vec<_>>());
    assert_eq!(columns.bits(80), [(1 << 17) - 1; 80]);
    assert_eq!(columns.bits(80), [0; 80]);
    let keypoints = columns.matrix(80, 34);
    let adapted = columns.matrix(80, 51);
    let more = columns.matrix(80, 51);
    for (row, (_, person)) in rows.iter().enumerate() {
        for (value, expected) in keypoints[row].iter().zip(person.keypoints.as_flattened()) {
            assert!((f32::from(*value) * step - expected).abs() <= step / 2.0);
        }
        let trained = person.trained.as_ref().unwrap();
        for at in 0..51 {
            // Half a millimetre, and float32's rounding of a metre.
            let is_near = |value: i16, metres: f32| (f32::from(value) - 1000.0 * metres).abs() < 0.5001;
            assert!(is_near(adapted[row][at], person.joints.as_flattened()[at]));
            assert!(is_near(adapted[row][at].wrapping_add(more[row][at]), trained.as_flattened()[at]));
        }
    }
    for (place, term) in head["terms"].as_array().unwrap().iter().enumerate() {
        let values = columns.floats(80);
        for (value, (_, person)) in values.iter().zip(&rows) {
            let loss = person.losses.as_ref().unwrap().get(term.as_str().unwrap()).unwrap();
            assert_eq!(*value, rounded(loss), "term {place}");
        }
    }
    assert!(columns.0.is_empty());
}

#[test]
fn base64_is_that_of_the_rfc() {
    let texts = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    for (length, text) in texts.into_iter().enumerate() {
        assert_eq!(base64(&b"foobar"[..length]), text);
    }
    assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
}

#[test]
fn floats_keep_four_digits_whatever_their_size() {
    for value in [1.0f32, -3.7e-30, 123_456.7, 9.999_999e20, f32::MIN_POSITIVE] {
        assert!((rounded(value) / value - 1.0).abs() < 1e-4, "{value}");
    }
    assert_eq!(rounded(0.0), 0.0);
    assert!(rounded(f32::INFINITY).is_nan() && rounded(f32::NAN).is_nan());
}

#[test]
fn points_that_cannot_be_kept_are_left_out_alone() {
    let mut wild = person(1, 0);
    wild.joints[3] = [f32::NAN, 0.0, 0.0];
    wild.joints[4] = [0.0, 33.0, 0.0];
    wild.joints[5] = [32.767, -32.767, 0.0];
    wild.trained.as_mut().unwrap()[2] = [0.0, f32::NEG_INFINITY, 0.0];
    wild.keypoints[6] = [f32::NAN, 10.0];
    wild.keypoints[7] = [3e38, 10.0];
    wild.confidence[8] = 0.0;
    wild.guessed[8] = true;
    wild.losses = None;
    // Arrays too short are no reason to fail.
    let short = LiftedPerson { joints: vec![[0.0; 3]; 2], keypoints: Vec::new(), trained: None, ..person(2, 0) };
    let usual: Vec<_> = (1..50).map(|i| frame(i, vec![person(1, i)])).collect();
    let mut frames = vec![Lifted { time: Some(f64::NAN), ms: f64::INFINITY, ..frame(0, vec![wild, short]) }];
    frames.extend(usual);
    frames.push(Lifted { time: Some(1e300), ..frame(50, Vec::new()) });
    let packed = pack::pack(&stored(&frames, LIMIT), &about()).unwrap();
    assert_eq!(packed.undrawn, 2);
    let mut columns = Columns::of(&packed.data);
    columns.wholes(51);
    let times = columns.wholes(51);
    assert_eq!((times[0], times[2], times[50]), (i32::MIN, 667, i32::MIN));
    assert!(columns.floats(51)[0].is_nan());
    columns.wholes(51);
    columns.planes::<1>(51);
    let all = (1 << 17) - 1;
    assert_eq!(columns.bits(51)[0], all & !(1 << 6 | 1 << 7 | 1 << 8));
    assert_eq!(columns.bits(51)[0], 1 << 8);
    columns.matrix(51, 34);
    let (adapted, more) = (columns.matrix(51, 51), columns.matrix(51, 51));
    assert_eq!(adapted[0][9..18], [MISSING, MISSING, MISSING, MISSING, MISSING, MISSING, 32767, -32767, 0]);
    assert_eq!(adapted[0][6].wrapping_add(more[0][6]), MISSING);
    // The second person's row is the last.
    assert_eq!(adapted[50][6..], [MISSING; 45]);
    assert_eq!(adapted[50][0].wrapping_add(more[50][0]), MISSING);
    assert!(columns.floats(51)[0].is_nan());
}

#[test]
fn two_people_of_one_number_are_two() {
    let frames: Vec<_> = (0..5).map(|i| frame(i, vec![person(1, i), person(1, i + 90)])).collect();
    let packed = pack::pack(&stored(&frames, LIMIT), &about()).unwrap();
    let counts: Vec<_> = packed.head["people"].as_array().unwrap().iter().map(|person| &person["count"]).collect();
    assert_eq!(counts, [5, 5]);
}

#[test]
fn frames_after_the_limit_are_counted_and_said() {
    let frames: Vec<_> = (0..10)
        .map(|i| frame(i, (0..if i == 3 { 3 } else { i as i64 % 2 }).map(|id| person(id, i)).collect()))
        .collect();
    // One each, the fourth three: six poses, or frames without any, are taken, and nothing after what did not fit.
    let store = stored(&frames, 5);
    assert_eq!((store.frames.len(), store.rows.len(), store.left_out), (3, 1, 7));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.html");
    let view = Page { path: path.clone(), about: about(), store };
    let said = Box::new(view).finish().unwrap();
    assert_eq!(said[1..], ["7 later frames are not in the page, which takes 5 poses"]);
}

#[test]
fn a_page_without_frames_says_so() {
    let (page, said) = finished(&[]);
    assert!(page.contains("No frame was lifted") && !page.contains("<script"));
    assert_eq!(said, ["FOLDER/view.html: 0 frames, 0 people, 0.0 MB"]);
    let (page, said) = finished(&[frame(0, Vec::new())]);
    assert!(page.contains("<script"));
    assert_eq!(said, ["FOLDER/view.html: 1 frame, 0 people, 0.1 MB"]);
}

#[test]
fn names_cannot_become_markup() {
    let hostile = "</script><script>alert(1)</script><!--<script>";
    let mut frames: Vec<_> = (0..3).map(|i| frame(i, vec![person(1, i)])).collect();
    frames.iter_mut().for_each(|frame| frame.sequence = Some(Arc::from(hostile)));
    let about = About { checkpoint: hostile.into(), mode: hostile.into(), ..about() };
    let packed = pack::pack(&stored(&frames, LIMIT), &about).unwrap();
    let page = html::page(&about, &packed);
    let ours =
        html::page(&self::about(), &pack::pack(&stored(&[frame(0, Vec::new())], LIMIT), &self::about()).unwrap());
    for mark in ["<script", "</script", "<!--", "alert(1)</"] {
        assert_eq!(page.matches(mark).count(), ours.matches(mark).count(), "{mark}");
    }
}

#[test]
fn a_path_that_cannot_be_written_is_refused_before_the_first_frame() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("gone/view.html")] {
        assert!(Page::new(&path, about()).is_err(), "{}", path.display());
    }
}

#[test]
fn five_minutes_are_well_below_ten_megabytes() {
    for people in [1, 3] {
        let frames: Vec<_> = (0..9000).map(|i| frame(i, (0..people).map(|id| person(id, i)).collect())).collect();
        let (page, _) = finished(&frames);
        assert!(page.len() < 10_000_000, "{people} people: {}", page.len());
    }
}
