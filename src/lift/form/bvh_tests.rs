//! Tests of BVH files, by forward kinematics of their own and by this crate's importer.

use std::path::Path;

use super::*;
use crate::lift::form::sample_tests::{about, alone, frame, person, wild, write};
use crate::lift::{Form, Up};

type Matrix = [[f64; 3]; 3];

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

fn about_axis(axis: u8, degrees: f64) -> Matrix {
    let (s, c) = degrees.to_radians().sin_cos();
    match axis {
        b'X' => [[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]],
        b'Y' => [[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]],
        _ => [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]],
    }
}

struct Read {
    names: Vec<String>,
    parents: Vec<Option<usize>>,
    offsets: Vec<[f64; 3]>,
    seconds: f64,
    /// (frames, joints)
    places: Vec<Vec<[f64; 3]>>,
    /// (frames, channels)
    numbers: Vec<Vec<f64>>,
}

/// Reads a file by the format's description: words in order, position channels in place of OFFSET.
fn read(path: &Path) -> Read {
    let text = std::fs::read_to_string(path).unwrap();
    let (tree, motion) = text.split_once("MOTION\n").unwrap();
    let mut read =
        Read { names: vec![], parents: vec![], offsets: vec![], seconds: 0.0, places: vec![], numbers: vec![] };
    let (mut open, mut channels): (Vec<Option<usize>>, Vec<(usize, String)>) = (Vec::new(), Vec::new());
    let mut words = tree.split_whitespace().skip(1);
    while let Some(word) = words.next() {
        match word {
            "ROOT" | "JOINT" => {
                read.parents.push(open.last().copied().flatten());
                read.names.push(words.next().unwrap().to_owned());
                read.offsets.push([0.0; 3]);
                open.push(Some(read.names.len() - 1));
            }
            "End" => open.push(words.next().filter(|site| *site != "Site").map(|_| 0)),
            "OFFSET" => {
                let offset = [0; 3].map(|_| words.next().unwrap().parse::<f64>().unwrap());
                if let Some(joint) = open.last().unwrap() {
                    read.offsets[*joint] = offset;
                }
            }
            "CHANNELS" => {
                for _ in 0..words.next().unwrap().parse().unwrap() {
                    channels.push((open.last().unwrap().unwrap(), words.next().unwrap().to_owned()));
                }
            }
            "{" => {}
            "}" => drop(open.pop()),
            other => panic!("{other}"),
        }
    }
    let mut lines = motion.lines();
    let mut value = |key: &str| lines.next().unwrap().strip_prefix(key).unwrap().trim().parse::<f64>().unwrap();
    let frames = value("Frames:");
    read.seconds = value("Frame Time:");
    for line in lines {
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers.len(), channels.len());
        let mut local = read.offsets.clone();
        let mut turns = vec![[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]; local.len()];
        for ((joint, channel), number) in channels.iter().zip(&numbers) {
            let axis = channel.as_bytes()[0];
            match &channel[1..] {
                "position" => local[*joint][usize::from(axis - b'X')] = *number,
                _ => turns[*joint] = times(&turns[*joint], &about_axis(axis, *number)),
            }
        }
        for joint in 0..local.len() {
            if let Some(parent) = read.parents[joint] {
                let (turn, at, own) = (turns[parent], local[parent], local[joint]);
                local[joint] = [0, 1, 2].map(|i| at[i] + (0..3).map(|k| turn[i][k] * own[k]).sum::<f64>());
                turns[joint] = times(&turn, &turns[joint]);
            }
        }
        read.places.push(local);
        read.numbers.push(numbers);
    }
    assert_eq!(read.places.len() as f64, frames);
    read
}

fn written(joints: usize, up: Up, frames: &[Lifted]) -> (tempfile::TempDir, Read) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bvh");
    write(Form::Bvh, about(joints, up), frames, &path).unwrap();
    let read = read(&path);
    (folder, read)
}

/// The farthest that a joint lies from where it was lifted, metres.
fn farthest(read: &Read, up: Up, frames: &[Lifted]) -> f64 {
    let mut farthest = 0.0f64;
    assert_eq!(read.places.len(), frames.len());
    for (places, frame) in read.places.iter().zip(frames) {
        let person = &frame.people[0];
        let root = up.of(person.root.unwrap_or_default());
        for (place, joint) in places.iter().zip(&person.joints) {
            for axis in 0..3 {
                let error = (place[axis] - f64::from(up.of(*joint)[axis]) - f64::from(root[axis])).abs();
                assert!(error.is_finite());
                farthest = farthest.max(error);
            }
        }
    }
    farthest
}

/// Six digits, over a chain of seven joints.
const LIMIT: f64 = 1e-5;

#[test]
fn joints_come_back_where_they_were_lifted() {
    for joints in [16, 17] {
        for up in [Up::World, Up::Camera] {
            let frames = alone(joints, 0..100);
            let (_folder, read) = written(joints, up, &frames);
            let farthest = farthest(&read, up, &frames);
            assert!(farthest < LIMIT, "{joints} joints, {up}: {farthest}");
            assert!((read.seconds - 0.04).abs() < 1e-8);
            assert!(read.names.iter().all(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_')));
        }
    }
}

#[test]
fn wild_poses_come_back_too() {
    for joints in [16, 17] {
        let mut frames = alone(joints, 0..400);
        for frame in &mut frames {
            frame.people[0].joints = wild(joints, frame.frame.unsigned_abs().into());
            frame.people[0].root = None;
        }
        let (_folder, read) = written(joints, Up::World, &frames);
        let farthest = farthest(&read, Up::World, &frames);
        assert!(farthest < LIMIT, "{joints} joints: {farthest}");
        assert!(read.numbers.iter().flatten().all(|number| number.is_finite()));
    }
}

#[test]
fn the_skeleton_at_rest_is_the_median_and_stands_upright() {
    let frames = alone(17, 0..101);
    let (_folder, read) = written(17, Up::World, &frames);
    for (joint, parent) in Skeleton::of(17).unwrap().bones() {
        assert_eq!(read.parents[joint], Some(parent));
        let distance = |frame: &Lifted| {
            let (a, b) = (frame.people[0].joints[joint], frame.people[0].joints[parent]);
            (0..3).map(|axis| f64::from(a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
        };
        let mut lengths: Vec<f64> = frames.iter().map(distance).collect();
        lengths.sort_by(f64::total_cmp);
        let [x, y, z] = read.offsets[joint];
        // f32 differences.
        assert!((x.hypot(y).hypot(z) - lengths[50]).abs() < 2e-6, "{}", read.names[joint]);
    }
    assert!(read.offsets[3][1] < -0.3 && read.offsets[10][1] > 0.05 && read.offsets[13][0] > 0.2);
}

#[test]
fn bones_of_rigid_people_need_no_position() {
    // With bones of one length, and limbs that leave the trunk as at rest, rotations alone give the pose.
    let rig = Rig::new(Skeleton::of(17).unwrap(), Up::Camera);
    let mut frames = alone(17, 0..20);
    for frame in &mut frames {
        let t = f64::from(frame.frame) * 0.1;
        let turns: Vec<Rotation3<f64>> =
            (0..17).map(|joint| Rotation3::from_euler_angles(t.sin(), t + f64::from(joint), 0.3 * t)).collect();
        let mut places = vec![Vector3::zeros(); 17];
        for (joint, parent) in rig.skeleton.bones() {
            places[joint] = places[parent] + turns[parent] * rig.rest[joint] * 0.3;
        }
        frame.people[0].joints = places.iter().map(|place| [0, 1, 2].map(|axis| place[axis] as f32)).collect();
    }
    let (_folder, read) = written(17, Up::Camera, &frames);
    for numbers in &read.numbers {
        for joint in 1..17 {
            for axis in 0..3 {
                let difference = (numbers[6 * joint + axis] - read.offsets[joint][axis]).abs();
                assert!(difference < LIMIT, "{}: {difference}", read.names[joint]);
            }
        }
    }
}

#[test]
fn angles_do_not_jump() {
    // Spins twice about the vertical, while joints wave about.
    let mut frames = alone(17, 0..300);
    for frame in &mut frames {
        let turn = Rotation3::from_axis_angle(&Vector3::y_axis(), f64::from(frame.frame) * 0.042);
        for joint in &mut frame.people[0].joints {
            let turned = turn * Vector3::from(joint.map(f64::from));
            *joint = [0, 1, 2].map(|axis| turned[axis] as f32);
        }
    }
    let (_folder, read) = written(17, Up::World, &frames);
    let mut farthest = 0.0f64;
    for pair in read.numbers.windows(2) {
        for joint in 0..17 {
            for axis in 3..6 {
                farthest = farthest.max((pair[1][6 * joint + axis] - pair[0][6 * joint + axis]).abs());
            }
        }
    }
    // A frame turns by 2.4 degrees, waving adds some; a wrapped or flipped angle would jump by 180 or more.
    assert!(farthest < 30.0, "{farthest}");
    let turned = (read.numbers[299][5] - read.numbers[0][5]).abs();
    assert!(turned > 700.0, "{turned}");
}

#[test]
fn gaps_hold_the_pose() {
    let frames = [alone(17, [0]), alone(17, [3]), vec![frame(4, vec![])], alone(17, [5])].concat();
    let (_folder, read) = written(17, Up::World, &frames);
    assert_eq!(read.numbers.len(), 6);
    assert!(read.numbers[1] == read.numbers[0] && read.numbers[2] == read.numbers[0]);
    assert!(read.numbers[4] == read.numbers[3] && read.numbers[3] != read.numbers[0]);
}

#[test]
fn sides_are_where_they_belong() {
    let pose = frame(0, vec![person(17, 0, 1)]);
    let (_folder, read) = written(17, Up::World, &[pose]);
    let x = |name: &str| read.places[0][read.names.iter().position(|known| known == name).unwrap()][0];
    assert!(x("LeftHand") > x("RightHand") && x("LeftUpLeg") > x("RightUpLeg"));
}

#[cfg(feature = "import")]
#[test]
fn the_importer_reads_the_file_back() {
    use crate::import::motion::{Options, import};
    for joints in [16, 17] {
        let frames = alone(joints, 0..50);
        let (folder, _) = written(joints, Up::World, &frames);
        let (mut warnings, path) = (Vec::new(), folder.path().join("a.bvh"));
        let motion = import(&[path], &Options::default(), &mut warnings, &mut |_, _| Ok(())).unwrap();
        assert_eq!((motion.fps, motion.positions.len()), (25.0, 50 * 17 * 3), "{warnings:?}");
        for (frame, found) in frames.iter().zip(motion.positions.chunks_exact(17 * 3)) {
            let found = if joints == 16 { crate::pose::to_16(found, 3) } else { found.to_vec() };
            let person = &frame.people[0];
            let root = Up::World.of(person.root.unwrap());
            // The importer puts the hip between the legs.
            for joint in 1..joints {
                let [x, y, z] = Up::World.of(person.joints[joint]);
                let expected = [x + root[0], -(z + root[2]), y + root[1]];
                for axis in 0..3 {
                    let error = (found[3 * joint + axis] - 1000.0 * expected[axis]).abs();
                    // Millimetres, in f32, of numbers with six digits after the metre.
                    assert!(error < 0.02, "{joints}: joint {joint}: {error} mm");
                }
            }
        }
    }
}
