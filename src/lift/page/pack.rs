//! What the page carries: a head in JSON and columns of numbers.
//!
//! Frames are in the order of their recordings, rows (a person in a frame) in that of people and then of frames, so that
//! a recording and a person are ranges and a row is near the one before. The columns, of F frames and R rows:
//!
//! 1. F frame numbers; F times in tenths of a millisecond from the recording's `base`, -2^31 for none; F milliseconds
//! 2. R places of frames; R flags; R bits a joint: found; R bits a joint: guessed
//! 3. 2 J columns of R: keypoints in steps of `step` pixels
//! 4. 3 J columns of R: joints in millimetres
//! 5. where `trained`, 3 J columns of R: what to add to those for the pose as trained
//! 6. a column of R for each loss

use serde_json::{Value, json};

use super::code::Coder;
use super::html::number;
use super::store::{ADAPTED, MISSING, Row, Store};
use crate::error::Result;
use crate::lift::About;
use crate::named::Named;
use crate::report::{head, sides};

/// Steps that a usual keypoint's coordinate may have: twice as many as the pixels of a large picture. Ones up to four
/// times as far out fit into 16 bits.
const STEPS: f32 = 8192.0;
/// The share of keypoints on each side that may lie outside of what the 2D panel shows at least.
const STRAYS: f64 = 0.001;
/// A time that is not known.
const NO_TIME: i32 = i32::MIN;

/// Frames and people, ready for the page.
pub(super) struct Packed {
    /// JSON.
    pub(super) head: Value,
    /// The columns.
    pub(super) data: String,
    /// How much it is, in words.
    pub(super) counts: String,
    /// Rows with points that could not be kept.
    pub(super) undrawn: usize,
    /// Whether any pose is given as trained too.
    pub(super) has_trained: bool,
    /// Whether the model was ever adapted.
    pub(super) has_adapted: bool,
}

pub(super) fn pack(store: &Store, about: &About) -> Result<Packed> {
    let joints = store.joints;
    // All sorts are stable: what came first stays first.
    let mut frames: Vec<usize> = (0..store.frames.len()).collect();
    frames.sort_by_key(|&frame| store.frames[frame].sequence);
    let mut place = vec![0; frames.len()];
    frames.iter().enumerate().for_each(|(new, &old)| place[old] = new);
    let mut people: Vec<usize> = (0..store.people.len()).collect();
    people.sort_by_key(|&person| store.people[person].sequence);
    let mut rank = vec![0; people.len()];
    people.iter().enumerate().for_each(|(new, &old)| rank[old] = new);
    let mut order: Vec<usize> = (0..store.rows.len()).collect();
    order.sort_by_key(|&row| (rank[store.rows[row].person], place[store.rows[row].frame]));
    let rows: Vec<(usize, &Row)> = order.iter().map(|&row| (row, &store.rows[row])).collect();

    let has_trained = rows.iter().any(|(_, row)| row.trained.is_some());
    let step = step(&store.keypoints);
    let bases = bases(store, &frames);

    let mut coder = Coder::new();
    let ordered = || frames.iter().map(|&frame| &store.frames[frame]);
    coder.wholes(ordered().map(|frame| frame.number))?;
    coder.wholes(ordered().map(|frame| tenths(frame.time, bases[frame.sequence])))?;
    coder.floats(ordered().map(|frame| frame.ms as f32))?;
    coder.wholes(rows.iter().map(|(_, row)| i32::try_from(place[row.frame]).unwrap_or(i32::MAX)))?;
    coder.bytes(rows.iter().map(|(_, row)| row.flags))?;
    let kept = |row: usize, joint: usize| {
        let at = 2 * (row * joints + joint);
        steps([store.keypoints[at], store.keypoints[at + 1]], step)
    };
    let found = |&(place, row): &(usize, &Row)| {
        (0..joints).filter(|&joint| kept(place, joint).is_some()).fold(0, |bits, joint| bits | row.found & 1 << joint)
    };
    coder.bits(rows.iter().map(found))?;
    coder.bits(rows.iter().map(|(_, row)| row.guessed))?;
    for column in 0..2 * joints {
        // A point that is not there repeats the one before, which costs nothing; `found` says so.
        let mut before = 0;
        coder.shorts(rows.iter().map(|&(row, _)| {
            before = kept(row, column / 2).map_or(before, |point| point[column % 2]);
            before
        }))?;
    }
    let adapted = |row: usize, column: usize| store.adapted[row * 3 * joints + column];
    let trained = |row: &Row, column: usize| row.trained.map_or(MISSING, |start| store.trained[start + column]);
    for column in 0..3 * joints {
        coder.shorts(rows.iter().map(|&(row, _)| adapted(row, column)))?;
    }
    for column in 0..if has_trained { 3 * joints } else { 0 } {
        coder.shorts(rows.iter().map(|&(place, row)| trained(row, column).wrapping_sub(adapted(place, column))))?;
    }
    for term in 0..store.terms.len() {
        let value = |row: &Row| row.losses.map_or(f32::NAN, |start| store.losses[start + term]);
        coder.floats(rows.iter().map(|(_, row)| value(row)))?;
    }

    let sequences: Vec<Value> = store
        .sequences
        .iter()
        .enumerate()
        .map(|(sequence, name)| {
            let start = frames.partition_point(|&frame| store.frames[frame].sequence < sequence);
            let end = frames.partition_point(|&frame| store.frames[frame].sequence <= sequence);
            json!({ "name": name.as_deref(), "start": start, "count": end - start, "base": bases[sequence],
                "extent": extent(store, &rows, sequence, step) })
        })
        .collect();
    let known: Vec<Value> = people
        .iter()
        .enumerate()
        .map(|(new, &old)| {
            let start = rows.partition_point(|(_, row)| rank[row.person] < new);
            let end = rows.partition_point(|(_, row)| rank[row.person] <= new);
            let person = &store.people[old];
            // JSON's readers keep 53 bits of a number; names keep all.
            json!({ "id": person.id.to_string(), "sequence": person.sequence, "start": start, "count": end - start })
        })
        .collect();
    let has_adapted = rows.iter().any(|(_, row)| row.flags & ADAPTED != 0);
    let lost = |&&(place, row): &&(usize, &Row)| {
        let pose = &store.adapted[place * 3 * joints..][..3 * joints];
        let other = row.trained.map_or(&[][..], |start| &store.trained[start..][..3 * joints]);
        pose.contains(&MISSING) || other.contains(&MISSING) || found(&(place, row)) != row.found
    };
    Ok(Packed {
        undrawn: rows.iter().filter(lost).count(),
        head: json!({
            "joints": joints,
            "names": about.skeleton.names,
            "parents": about.skeleton.parents,
            "sides": sides(about.skeleton).into_iter().map(Named::name).collect::<Vec<_>>(),
            "head": head(about.skeleton),
            "fps": about.fps.filter(|fps| fps.is_finite() && *fps > 0.0),
            "frames": frames.len(),
            "rows": rows.len(),
            "step": step,
            "trained": has_trained,
            "terms": store.terms,
            "sequences": sequences,
            "people": known,
        }),
        data: coder.finish()?,
        counts: counts(store),
        has_trained,
        has_adapted,
    })
}

fn counts(store: &Store) -> String {
    let mut counts = number(store.frames.len(), "frame", "frames");
    counts += &format!(", {}", number(store.people.len(), "person", "people"));
    if store.sequences.len() > 1 {
        counts += &format!(", {}", number(store.sequences.len(), "recording", "recordings"));
    }
    counts
}

/// The power of two, in pixels, that gives all but few coordinates at most [`STEPS`] steps.
fn step(keypoints: &[f32]) -> f32 {
    let mut sizes: Vec<f32> = keypoints.iter().filter(|value| value.is_finite()).map(|value| value.abs()).collect();
    if sizes.is_empty() {
        return 1.0;
    }
    let at = (sizes.len() - 1) * 99 / 100;
    let (_, &mut usual, _) = sizes.select_nth_unstable_by(at, f32::total_cmp);
    (usual / STEPS).max(f32::MIN_POSITIVE).log2().ceil().exp2().min(f32::MAX)
}

/// A point in whole steps, if both coordinates fit.
fn steps(point: [f32; 2], step: f32) -> Option<[i16; 2]> {
    let [x, y] = point.map(|value| (value / step).round());
    let fits = |value: f32| value.abs() <= f32::from(i16::MAX);
    (fits(x) && fits(y)).then_some([x as i16, y as i16])
}

/// The first whole second of each recording.
fn bases(store: &Store, frames: &[usize]) -> Vec<f64> {
    let mut bases = vec![None; store.sequences.len()];
    for frame in frames.iter().map(|&frame| &store.frames[frame]) {
        let base = &mut bases[frame.sequence];
        *base = base.or(frame.time.filter(|time| time.is_finite()).map(f64::floor));
    }
    bases.into_iter().map(Option::unwrap_or_default).collect()
}

fn tenths(time: Option<f64>, base: f64) -> i32 {
    let tenths = time.map_or(f64::NAN, |time| (10_000.0 * (time - base)).round());
    if tenths.abs() <= f64::from(i32::MAX) { tenths as i32 } else { NO_TIME }
}

/// What the 2D panel shows of a recording: x and y of two corners, in pixels. A stray keypoint does not widen it much.
fn extent(store: &Store, rows: &[(usize, &Row)], sequence: usize, step: f32) -> [f32; 4] {
    let joints = store.joints;
    let of = |&(_, row): &(usize, &Row)| store.people[row.person].sequence;
    let start = rows.partition_point(|row| of(row) < sequence);
    let end = rows.partition_point(|row| of(row) <= sequence);
    let points: Vec<[f32; 2]> = rows[start..end]
        .iter()
        .flat_map(|&(row, _)| store.keypoints[2 * row * joints..][..2 * joints].as_chunks().0)
        .copied()
        .filter(|&point| steps(point, step).is_some())
        .collect();
    let range = |axis: usize| {
        let mut values: Vec<f32> = points.iter().map(|point| point[axis]).collect();
        values.sort_unstable_by(f32::total_cmp);
        let last = values.len().checked_sub(1)?;
        let strays = (STRAYS * last as f64) as usize;
        let [low, high] = [values[strays], values[last - strays]];
        let room = 0.1 * (high - low);
        Some([values[0].max(low - room), values[last].min(high + room)])
    };
    match (range(0), range(1)) {
        (Some([left, right]), Some([top, bottom])) => [left, top, right, bottom],
        _ => [0.0, 0.0, 1.0, 1.0],
    }
}
