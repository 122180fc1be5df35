//! Filling a pose set with what cameras see.

use super::{Label, PoseSet};
use crate::pose::{Camera, Skeleton};

/// An empty pose set whose optional fields are there to be filled by [`observe`]; `confidence` stays absent.
pub(super) fn unobserved(skeleton: &Skeleton) -> PoseSet {
    PoseSet {
        positions: Some(Vec::new()),
        image_size: Some(Vec::new()),
        intrinsics: Some(Vec::new()),
        sequence: Some(Vec::new()),
        frame: Some(Vec::new()),
        subject: Some(Vec::new()),
        action: Some(Vec::new()),
        ..PoseSet::empty(skeleton)
    }
}

/// Adds the joints (metres, world) as `camera` sees them, or does nothing and returns false if it cannot project one.
pub(super) fn observe(set: &mut PoseSet, camera: &Camera, world: &[[f64; 3]], label: Label) -> bool {
    let joints: Vec<[f64; 3]> = world.iter().map(|&joint| camera.to_camera(joint)).collect();
    if !joints.iter().all(|&joint| camera.sees(joint)) {
        return false;
    }
    set.keypoints.extend(joints.iter().flat_map(|&joint| camera.project(joint)).map(|value| value as f32));
    set.positions.get_or_insert_default().extend(joints.iter().flatten().map(|&value| value as f32));
    set.image_size.get_or_insert_default().push([camera.width as i32, camera.height as i32]);
    set.intrinsics.get_or_insert_default().push(camera.intrinsics().into());
    set.push_label(label);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seen_poses_are_added_and_unseen_ones_leave_no_trace() {
        let mut set = unobserved(Skeleton::of(16).unwrap());
        let camera = Camera::look_at("c", [0.0, -4.0, 1.0], [0.0, 0.0, 1.0], 1000.0, 1000);
        let label = Label { sequence: 0, frame: 7, subject: Some(1), action: Some(2) };
        let mut world = [[0.0, 0.0, 1.0]; 16];
        assert!(observe(&mut set, &camera, &world, label));
        world[3][1] = -4.0;
        assert!(!observe(&mut set, &camera, &world, label));
        assert_eq!((set.len(), set.keypoints[31], set.positions.as_ref().unwrap()[47]), (1, 500.0, 4.0));
        assert_eq!((set.frame.as_deref(), set.action.as_deref()), (Some(&[7][..]), Some(&[2][..])));
        assert_eq!(set.intrinsics, Some(vec![[1000.0, 1000.0, 500.0, 500.0]]));
        set.validate(std::path::Path::new("p")).unwrap();
    }
}
