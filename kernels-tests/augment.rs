//! `augment_batch` against float64 that shares nothing with it but the bits it draws, and what it draws against what it
//! says.

use isopose::cpu::State;
use isopose::cpu::random::{STREAM_LIMBS, STREAM_TURN, pcg4d, unit_float};
use isopose::data::{Scenario, synthetic};
use isopose::gpu::Device;
use isopose::kernels::AUGMENT_BATCH;
use isopose::plan::{Init, Recorder, prepare};
use isopose::pose::{Skeleton, root_centred};

use crate::device::devices;
use crate::models::draws;

const SEED: u32 = 12;
const STEP: u32 = 5;
/// Rows that distributions are measured on: a mean of them is off by 1/64 standard deviations.
const MANY: usize = 4096;

type Vector = [f64; 3];
/// By rows.
type Matrix = [Vector; 3];

/// A batch and what is done to it. Bone lengths in the plane are 0.025.
#[derive(Clone)]
struct Batch {
    joints: usize,
    x: Vec<f32>,
    truth: Vec<f32>,
    /// The data set (N, 3J).
    positions: Vec<f32>,
    turned: usize,
    free: usize,
    flip: bool,
    normalize: bool,
    perspective: bool,
    limb_mixing: f32,
    distances: [f32; 2],
    noise: f32,
}

const LENGTH: f32 = 0.025;

/// `rows` poses of a synthetic data set of 1000, the last rows' first; all are turned.
fn batch(joints: usize, rows: usize) -> Batch {
    let set = synthetic(Scenario::Source, 1000, 1, joints).unwrap();
    let positions = root_centred(&set.positions.unwrap(), joints);
    let truth =
        (0..rows).flat_map(|row| &positions[(999 - row % 1000) * 3 * joints..][..3 * joints]).copied().collect();
    let x = draws(3, rows * 2 * joints).iter().map(|v| 0.1 * v).collect();
    Batch {
        joints,
        x,
        truth,
        positions,
        turned: rows,
        free: 0,
        flip: false,
        normalize: true,
        perspective: true,
        limb_mixing: 0.0,
        distances: [2.5, 6.0],
        noise: 0.0,
    }
}

impl Batch {
    fn rows(&self) -> usize {
        self.x.len() / (2 * self.joints)
    }

    /// Poses padded as on a device.
    fn padded(&self, poses: &[f32]) -> Vec<f32> {
        let pad = (3 * self.joints).next_multiple_of(4) - 3 * self.joints;
        poses.chunks_exact(3 * self.joints).flat_map(|p| p.iter().copied().chain(vec![0.0; pad])).collect()
    }

    fn on(&self, device: &Device) -> Self {
        let (rows, joints, size) = (self.rows(), self.joints, (3 * self.joints).next_multiple_of(4));
        let skeleton = Skeleton::of(joints).unwrap();
        let words = |joints: &[usize]| joints.iter().map(|&j| j as u32).collect::<Vec<_>>();
        let mut rec = Recorder::new();
        let section = rec.section("augment");
        let positions = Init::Data(self.padded(&self.positions));
        let trees = Init::Words(words(&[skeleton.parents, skeleton.swap].concat()));
        let state = State { seed: SEED, step: STEP, ..State::default() }.words().to_vec();
        let x = rec.tensor_with("x", &[1, rows, 2 * joints], Init::Data(self.x.clone()));
        let truth = rec.tensor_with("truth", &[1, rows, size], Init::Data(self.padded(&self.truth)));
        let tensors = [
            ("positions", rec.tensor_with("positions", &[self.positions.len() / (3 * joints), size], positions)),
            ("skeleton", rec.tensor_with("skeleton", &[2, joints], trees)),
            ("limbs", rec.tensor_with("limbs", &[4, 3], Init::Words(words(skeleton.limbs.as_flattened())))),
            ("bones", rec.tensor_with("bones", &[joints], Init::Fill(LENGTH))),
            ("state", rec.tensor_with("state", &[State::WORDS], Init::Data(state))),
            ("x", x),
            ("truth", truth),
        ];
        let values = [
            ("turned", self.turned.into()),
            ("free", self.free.into()),
            ("flip", self.flip.into()),
            ("normalize", self.normalize.into()),
            ("perspective", self.perspective.into()),
            ("limb_mixing", self.limb_mixing.into()),
            ("nearest", self.distances[0].into()),
            ("farthest", self.distances[1].into()),
            ("min_depth", 0.5.into()),
            ("noise", self.noise.into()),
        ];
        rec.dispatch(&AUGMENT_BATCH, "augment", &tensors, &values).unwrap();
        let mut executor = prepare(rec.finish(), device).unwrap();
        executor.replay(section).unwrap();
        let truth = executor.read(truth).unwrap();
        let truth = truth.chunks_exact(size).flat_map(|p| &p[..3 * joints]).copied().collect();
        Self { x: executor.read(x).unwrap(), truth, ..self.clone() }
    }

    fn pose(&self, row: usize) -> Vec<Vector> {
        pose_of(&self.truth[row * 3 * self.joints..][..3 * self.joints])
    }

    fn keypoints(&self, row: usize) -> Vec<[f64; 2]> {
        let x = &self.x[row * 2 * self.joints..][..2 * self.joints];
        x.chunks_exact(2).map(|p| [p[0].into(), p[1].into()]).collect()
    }

    /// The bone scale of keypoints.
    fn scale(&self, u: &[[f64; 2]]) -> f64 {
        let bones = Skeleton::of(self.joints).unwrap().bones();
        let ratio =
            |(j, parent): (usize, usize)| (u[j][0] - u[parent][0]).hypot(u[j][1] - u[parent][1]) / f64::from(LENGTH);
        let sum: f64 = bones.map(|bone| ratio(bone).powi(6)).sum();
        (sum / (self.joints - 1) as f64).powf(1.0 / 6.0)
    }
}

fn pose_of(values: &[f32]) -> Vec<Vector> {
    values.chunks_exact(3).map(|p| [p[0].into(), p[1].into(), p[2].into()]).collect()
}

fn sub(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn norm(v: Vector) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// What a row's turn is drawn from, in [0, 1).
fn turn_units(row: usize) -> [f64; 4] {
    pcg4d([SEED, STEP, STREAM_TURN, row as u32]).map(|bits| unit_float(bits).into())
}

/// R^T p of the row's view Rx(elevation) Ry(azimuth).
fn turned_back(row: usize, [x, y, z]: Vector) -> Vector {
    let [azimuth, elevation, ..] = turn_units(row);
    let (se, ce) = ((2.0 * elevation - 1.0) * std::f64::consts::PI / 9.0).sin_cos();
    let (sa, ca) = ((2.0 * azimuth - 1.0) * std::f64::consts::PI).sin_cos();
    let (y, z) = (ce * y + se * z, ce * z - se * y);
    [ca * x - sa * z, y, sa * x + ca * z]
}

#[track_caller]
fn close(what: &str, found: f64, expected: f64, limit: f64) {
    assert!((found - expected).abs() <= limit, "{what}: {found}, not {expected} to {limit}");
}

#[test]
fn bones_keep_their_lengths_and_keypoints_are_the_labels_projected() {
    for device in devices() {
        for (joints, free) in [(16, 0), (17, 65), (17, 20)] {
            let before = Batch { free, limb_mixing: 0.7, flip: true, ..batch(joints, 65) };
            let plane = Batch { normalize: false, distances: [10.0; 2], ..before.clone() };
            let weak = Batch { perspective: false, ..plane.clone() };
            for before in [before, plane, weak] {
                let after = before.on(&device);
                for row in 0..65 {
                    let (x, y) = (before.pose(row), after.pose(row));
                    for (j, parent) in Skeleton::of(joints).unwrap().bones() {
                        let [found, expected] = [&y, &x].map(|pose| norm(sub(pose[j], pose[parent])));
                        // Coordinates of a metre are rounded a few times on the way.
                        close(&format!("row {row}, bone to {j}"), found, expected, 2e-6);
                    }
                    let [nearest, farthest] = before.distances.map(f64::from);
                    let distance = nearest + turn_units(row)[3] * (farthest - nearest);
                    let depth = |p: &Vector| if before.perspective { (p[2] + distance).max(0.5) } else { distance };
                    let mut expected: Vec<_> = y.iter().map(|p| [p[0] / depth(p), p[1] / depth(p)]).collect();
                    if before.normalize {
                        let scale = after.scale(&expected);
                        expected.iter_mut().flatten().for_each(|v| *v /= scale);
                    }
                    let largest = expected.iter().flatten().fold(0.0f64, |a, v| a.max(v.abs()));
                    for (found, expected) in after.keypoints(row).iter().flatten().zip(expected.iter().flatten()) {
                        close(&format!("row {row}"), *found, *expected, 3e-6 * largest);
                    }
                    assert_eq!((y[0], after.keypoints(row)[0]), ([0.0; 3], [0.0; 2]), "the root of row {row}");
                }
            }
        }
    }
}

#[test]
fn only_turned_rows_and_only_inputs_with_noise_are_touched() {
    for device in devices() {
        let before = Batch { turned: 20, free: 3, limb_mixing: 0.5, ..batch(17, 65) };
        let after = before.on(&device);
        assert_eq!(after.x[20 * 34..], before.x[20 * 34..]);
        assert_eq!(after.truth[20 * 51..], before.truth[20 * 51..]);
        let same = (0..20).filter(|&row| after.pose(row) == before.pose(row)).count();
        assert_eq!(same, 0, "rows that are turned change");
        let noisy = Batch { noise: 5.0, ..before.clone() }.on(&device);
        assert_eq!(noisy.truth, after.truth, "noise is on keypoints");
        let same = (0..65).filter(|&row| noisy.keypoints(row) == after.keypoints(row)).count();
        assert_eq!(same, 0, "noise is on every row");
        for row in 0..65 {
            let u = noisy.keypoints(row);
            assert_eq!(u[0], [0.0; 2], "noisy keypoints are root-centred");
            close("and normalised: their bone scale", noisy.scale(&u), 1.0, 1e-5);
        }
    }
}

/// The rotations of many rows: the first joints are the axes.
fn rotations(free: usize, device: &Device) -> Vec<Matrix> {
    let mut before = Batch { free, normalize: false, ..batch(16, MANY) };
    let axes = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    before.truth.chunks_exact_mut(48).for_each(|pose| pose[3..12].copy_from_slice(&axes));
    let after = before.on(device);
    let matrix = |pose: &[Vector]| [0, 1, 2].map(|row| [0, 1, 2].map(|column: usize| pose[1 + column][row]));
    (0..MANY).map(|row| matrix(&after.pose(row))).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    values.sum::<f64>() / MANY as f64
}

/// Five standard deviations of a mean of `MANY`.
fn five(variance: f64) -> f64 {
    5.0 * (variance / MANY as f64).sqrt()
}

#[test]
fn free_rotations_are_uniform() {
    for device in devices() {
        let all = rotations(MANY, &device);
        for r in &all {
            for (i, a) in r.iter().enumerate() {
                for (k, b) in r.iter().enumerate() {
                    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                    close("rows are orthonormal", dot, if i == k { 1.0 } else { 0.0 }, 1e-6);
                }
            }
            let [a, b, c] = *r;
            let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
            close("no mirror image", sub(cross, c).iter().map(|v| v.abs()).sum(), 0.0, 1e-5);
        }
        // A row is a point of the sphere, a coordinate of which is uniform in [-1, 1].
        for (i, k) in (0..9).map(|at| (at / 3, at % 3)) {
            close("the mean of an entry", mean(all.iter().map(|r| r[i][k])), 0.0, five(1.0 / 3.0));
            let square = mean(all.iter().map(|r| r[i][k] * r[i][k]));
            close("the mean square of an entry", square, 1.0 / 3.0, five(1.0 / 5.0 - 1.0 / 9.0));
        }
        // Of the trace, moments 2 and 4 are 1 and 3, by the characters of SO(3): of the angle, which rows do not tell.
        let trace = |r: &Matrix| r[0][0] + r[1][1] + r[2][2];
        close("the trace", mean(all.iter().map(trace)), 0.0, five(1.0));
        close("the trace, squared", mean(all.iter().map(|r| trace(r).powi(2))), 1.0, five(2.0));
    }
}

#[test]
fn views_are_uniform() {
    let most = std::f64::consts::PI / 9.0;
    for device in devices() {
        let all = rotations(0, &device);
        let azimuths: Vec<f64> = all.iter().map(|r| r[0][2].atan2(r[0][0])).collect();
        let elevations: Vec<f64> = all.iter().map(|r| r[2][1].atan2(r[1][1])).collect();
        for (r, (a, e)) in all.iter().zip(azimuths.iter().zip(&elevations)) {
            let ((sa, ca), (se, ce)) = (a.sin_cos(), e.sin_cos());
            let expected = [[ca, 0.0, sa], [se * sa, ce, -se * ca], [-ce * sa, se, ce * ca]];
            let far = r.iter().zip(expected).map(|(r, e)| norm(sub(*r, e))).sum();
            close("Rx(elevation) Ry(azimuth)", far, 0.0, 2e-6);
            assert!(e.abs() <= most + 1e-6, "elevation {e}");
        }
        for quarter in [-2.0, -1.0, 0.0, 1.0] {
            let inside = |a: &f64| f64::from(u8::from((a / std::f64::consts::FRAC_PI_2).floor() == quarter));
            close("a quarter's share", mean(azimuths.iter().map(inside)), 0.25, five(3.0 / 16.0));
        }
        close("the mean elevation", mean(elevations.iter().map(|e| e / most)), 0.0, five(1.0 / 3.0));
        let square = mean(elevations.iter().map(|e| (e / most).powi(2)));
        close("its mean square", square, 1.0 / 3.0, five(1.0 / 5.0 - 1.0 / 9.0));
    }
}

/// The pose whose directions a limb of a row takes.
fn donor(batch: &Batch, row: usize, limb: usize) -> Vec<Vector> {
    let bits = pcg4d([SEED, STEP, STREAM_LIMBS + limb as u32, row as u32]);
    let size = 3 * batch.joints;
    let source = bits[1] as usize % (batch.positions.len() / size);
    let mut values = batch.positions[source * size..][..size].to_vec();
    if batch.flip && bits[2] >= 1 << 31 {
        Skeleton::of(batch.joints).unwrap().flip(&mut values, 3);
    }
    pose_of(&values)
}

/// The angle from x to z of the line from the left hip to the right one.
fn hips(pose: &[Vector], joints: usize) -> f64 {
    let names = Skeleton::of(joints).unwrap().names;
    let at = |name: &str| pose[names.iter().position(|n| *n == name).unwrap()];
    let [x, _, z] = sub(at("RHip"), at("LHip"));
    z.atan2(x)
}

#[test]
fn mixed_limbs_have_the_directions_of_other_poses() {
    for device in devices() {
        for (joints, flip) in [(16, false), (17, true)] {
            let before = Batch { limb_mixing: 1.0, flip, ..batch(joints, 65) };
            let after = before.on(&device);
            let limbs = Skeleton::of(joints).unwrap().limbs;
            for row in 0..65 {
                let x = before.pose(row);
                let y: Vec<Vector> = after.pose(row).into_iter().map(|p| turned_back(row, p)).collect();
                for (limb, chain) in limbs.iter().enumerate() {
                    let other = donor(&before, row, limb);
                    let (sin, cos) = (hips(&x, joints) - hips(&other, joints)).sin_cos();
                    for bone in chain.windows(2) {
                        let [dx, dy, dz] = sub(other[bone[1]], other[bone[0]]);
                        let length = norm(sub(x[bone[1]], x[bone[0]])) / norm([dx, dy, dz]);
                        let expected = [cos * dx - sin * dz, dy, sin * dx + cos * dz].map(|v| length * v);
                        let far = norm(sub(sub(y[bone[1]], y[bone[0]]), expected));
                        close(&format!("row {row}, limb {limb}"), far, 0.0, 5e-6);
                    }
                }
                let moved = |j: usize| limbs.iter().any(|limb| limb[1..].contains(&j));
                for j in (0..joints).filter(|&j| !moved(j)) {
                    close(&format!("row {row}, joint {j}"), norm(sub(y[j], x[j])), 0.0, 3e-6);
                }
            }
        }
        let before = Batch { limb_mixing: 0.3, ..batch(16, MANY) };
        let after = before.on(&device);
        for [_, middle, _] in Skeleton::of(16).unwrap().limbs {
            let mixed =
                |row: usize| norm(sub(turned_back(row, after.pose(row)[middle]), before.pose(row)[middle])) > 1e-4;
            let share = mean((0..MANY).map(|row| f64::from(u8::from(mixed(row)))));
            // One pose of 1000 is the row's own.
            close("the share of mixed limbs", share, 0.3, five(0.21) + 1e-3);
        }
    }
}

#[test]
fn noise_is_normal_with_a_uniform_deviation() {
    let noise = 8.0;
    for device in devices() {
        let before = Batch { noise, turned: 0, normalize: false, ..batch(16, MANY) };
        let after = before.on(&device);
        let rows: Vec<Vec<f64>> = (0..MANY)
            .map(|row| {
                let (x, y) = (before.keypoints(row), after.keypoints(row));
                let side = |k: usize| {
                    let all = || x.iter().map(|p| p[k]);
                    all().fold(f64::MIN, f64::max) - all().fold(f64::MAX, f64::min)
                };
                let largest = f64::from(noise) / 200.0 * side(0).max(side(1));
                // Differences of joints are free of the root's noise. Seven pairs do not share a joint.
                let moved = |j: usize, k: usize| y[j][k] - x[j][k];
                let pair = |p: usize, k: usize| (moved(2 * p + 1, k) - moved(2 * p + 2, k)) / largest;
                (0..14).map(|at| pair(at / 2, at % 2)).collect()
            })
            .collect();
        // d = σ √2 g with g normal and σ uniform in [0, 1]: E σ^2 = 1/3, E σ^4 = 1/5, E σ^8 = 1/9; n = 14 a row.
        let moment = |power: i32| mean(rows.iter().map(|row| row.iter().map(|d| d.powi(power)).sum::<f64>() / 14.0));
        close("the mean", moment(1), 0.0, five(2.0 / 3.0 / 14.0));
        // v, half the mean square of a row, has E v = 1/3, E v^2 = (1 + 2/n)/5; its variance is the difference.
        close("half the mean square", moment(2) / 2.0, 1.0 / 3.0, five(8.0 / 35.0 - 1.0 / 9.0));
        let v = |row: &Vec<f64>| row.iter().map(|d| d * d).sum::<f64>() / 28.0;
        // E v^4 = E (chi-square_n / n)^4 / 9 = 2.1 / 9.
        let variance = 2.1 / 9.0 - (8.0f64 / 35.0).powi(2);
        close("its square", mean(rows.iter().map(|row| v(row).powi(2))), 8.0 / 35.0, five(variance));
        // E d^4 = 12/5; of a row's mean of d^4, E square = 16 (105 + 13 x 9) / 14 / 9.
        close("the fourth moment", moment(4), 2.4, five(16.0 * 222.0 / 126.0 - 5.76));
    }
}
