//! Joints that a detector did not find: what stands in for them where a network needs a number.
//!
//! A joint is missing where its confidence is 0. Masks (J) hold 1 for a joint that is there and 0 for a missing one.

use super::Skeleton;
use crate::named::named_enum;

named_enum! {
    /// What stands in for a missing joint.
    pub enum Fill {
        /// The last frame of the sequence, moved along; its neighbours where that is more than ten frames away.
        LastFrame = "last-frame",
        /// Its neighbours on the body.
        Neighbours = "neighbours",
    }
}

/// Fills the missing joints of one pose from their neighbours on the body.
///
/// `x` is (J, 2), flat, in any unit; `bone_lengths` the J-1 mean bone lengths, which only matter as ratios. Joints are
/// filled outwards from those that are there. Hip and Thorax lie between the hips and the shoulders, a hip or shoulder
/// opposite to the other, any other joint between its known neighbours, the nearer the better. The end of a limb follows
/// the limb of the other side, or goes on straight. A pose without any joint becomes all zero.
pub(crate) fn fill_from_neighbours(x: &mut [f32], seen: &[f32], skeleton: &Skeleton, bone_lengths: &[f32]) {
    let mut points: Vec<[f32; 2]> = x.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    let mut known: Vec<bool> = seen.iter().map(|&seen| seen > 0.0).collect();
    if !known.contains(&true) {
        return x.fill(0.0);
    }
    // A hinge that grows by at least one joint each time.
    while known.contains(&false) {
        let ready: Vec<(usize, [f32; 2])> = (0..skeleton.joints)
            .filter(|&joint| !known[joint])
            .filter_map(|joint| Some((joint, guess(joint, &points, &known, skeleton, bone_lengths)?)))
            .collect();
        for (joint, point) in ready {
            points[joint] = point;
            known[joint] = true;
        }
    }
    x.copy_from_slice(points.as_flattened());
}

/// Where `joint` may be, if a neighbour is known.
fn guess(joint: usize, points: &[[f32; 2]], known: &[bool], skeleton: &Skeleton, lengths: &[f32]) -> Option<[f32; 2]> {
    let length = |child: usize| lengths.get(child - 1).copied().unwrap_or(1.0).max(1e-6);
    // Each neighbour with the length of the bone to it.
    let mut neighbours: Vec<(usize, f32)> = skeleton
        .bones()
        .filter_map(|(child, parent)| match joint {
            _ if child == joint => Some((parent, length(child))),
            _ if parent == joint => Some((child, length(child))),
            _ => None,
        })
        .filter(|&(neighbour, _)| known[neighbour])
        .collect();
    // Between two hips or two shoulders, the others say nothing more.
    let pair = |&(n, _): &(usize, f32)| skeleton.swap[n] != n && known[skeleton.swap[n]];
    if skeleton.swap[joint] == joint && neighbours.iter().any(pair) {
        neighbours.retain(pair);
    }
    let add = |a: [f32; 2], b: [f32; 2], factor: f32| [a[0] + factor * b[0], a[1] + factor * b[1]];
    let minus = |a: [f32; 2], b: [f32; 2]| add(a, b, -1.0);
    let (first, bone) = *neighbours.first()?;
    let (twin, parent) = (skeleton.swap[joint], skeleton.parents[joint]);
    // A hip or a shoulder: opposite to the other.
    if twin != joint && skeleton.swap[parent] == parent && known[twin] && known[parent] {
        return Some(add(points[parent], minus(points[twin], points[parent]), -1.0));
    }
    if neighbours.len() > 1 {
        let total: f32 = neighbours.iter().map(|(_, length)| 1.0 / length).sum();
        let mean = neighbours.iter().fold([0.0; 2], |sum, &(n, length)| add(sum, points[n], 1.0 / length / total));
        return Some(mean);
    }
    let twin_neighbour = skeleton.swap[first];
    if twin != joint && known[twin] && known[twin_neighbour] {
        return Some(add(points[first], minus(points[twin], points[twin_neighbour]), 1.0));
    }
    // On from the neighbour, away from a joint that is known on its other side.
    let beyond = skeleton.bones().find_map(|(child, parent)| match first {
        _ if child == first && parent != joint && known[parent] => Some((parent, length(child))),
        _ if parent == first && child != joint && known[child] => Some((child, length(child))),
        _ => None,
    });
    Some(
        beyond.map_or(points[first], |(other, from)| {
            add(points[first], minus(points[first], points[other]), bone / from)
        }),
    )
}

/// Fills the missing joints of one pose from the frame before, `last` (J, 2), moved as the joints move that this frame
/// has.
pub(crate) fn fill_from_last_frame(x: &mut [f32], seen: &[f32], last: &[f32]) {
    let there = || (0..seen.len()).filter(|&joint| seen[joint] > 0.0);
    let moved: [f32; 2] = std::array::from_fn(|axis| {
        there().map(|joint| x[2 * joint + axis] - last[2 * joint + axis]).sum::<f32>() / there().count().max(1) as f32
    });
    for joint in (0..seen.len()).filter(|&joint| seen[joint] <= 0.0) {
        for (axis, moved) in moved.iter().enumerate() {
            x[2 * joint + axis] = last[2 * joint + axis] + moved;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An upright, symmetric person of 16 joints, bones as long as [`lengths`] says.
    fn person() -> Vec<f32> {
        let points: [[f32; 2]; 16] = [
            [0.0, 0.0],
            [-1.0, 0.0],
            [-1.0, 4.0],
            [-1.0, 8.0],
            [1.0, 0.0],
            [1.0, 4.0],
            [1.0, 8.0],
            [0.0, -2.0],
            [0.0, -4.0],
            [0.0, -6.0],
            [2.0, -4.0],
            [2.0, -2.0],
            [2.0, 0.0],
            [-2.0, -4.0],
            [-2.0, -2.0],
            [-2.0, 0.0],
        ];
        points.concat()
    }

    fn lengths() -> Vec<f32> {
        let (x, skeleton) = (person(), Skeleton::of(16).unwrap());
        let length = |(a, b): (usize, usize)| f32::hypot(x[2 * a] - x[2 * b], x[2 * a + 1] - x[2 * b + 1]);
        skeleton.bones().map(length).collect()
    }

    fn without(missing: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let (mut x, mut seen) = (person(), vec![1.0; 16]);
        for &joint in missing {
            seen[joint] = 0.0;
            x[2 * joint..2 * joint + 2].fill(999.0);
        }
        (x, seen)
    }

    #[test]
    fn an_upright_person_is_restored_from_its_neighbours() {
        // Single joints of every kind, and whole limbs whose twin is there.
        for missing in
            [vec![0], vec![2], vec![3], vec![7], vec![9], vec![10], vec![15], vec![13, 14, 15], vec![4, 5, 6]]
        {
            let (mut x, seen) = without(&missing);
            fill_from_neighbours(&mut x, &seen, Skeleton::of(16).unwrap(), &lengths());
            for (got, expected) in x.iter().zip(person()) {
                assert!((got - expected).abs() < 1e-5, "{missing:?}: {x:?}");
            }
        }
    }

    #[test]
    fn any_mask_gives_finite_numbers_that_ignore_what_stood_there() {
        let skeleton = Skeleton::of(16).unwrap();
        for bits in 0..1u32 << 16 {
            if bits % 37 != 0 {
                continue;
            }
            let missing: Vec<usize> = (0..16).filter(|j| bits >> j & 1 == 1).collect();
            let (mut x, seen) = without(&missing);
            fill_from_neighbours(&mut x, &seen, skeleton, &lengths());
            assert!(x.iter().all(|v| v.abs() < 100.0), "{missing:?}");
            for joint in (0..16).filter(|j| seen[*j] > 0.0) {
                assert_eq!(x[2 * joint..2 * joint + 2], person()[2 * joint..2 * joint + 2]);
            }
        }
    }

    #[test]
    fn the_last_frame_moves_along() {
        let (mut x, seen) = without(&[0, 3, 12]);
        let mut last = person();
        last.iter_mut().for_each(|v| *v -= 5.0);
        fill_from_last_frame(&mut x, &seen, &last);
        assert_eq!(x, person());
    }
}
