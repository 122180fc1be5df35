//! The orders of 2D keypoints that need no data set, with their sources.

use super::Layout;
use super::Slot::{Absent, Joint, Middle, Quarter, Spine};

/// The 17 joints themselves (VideoPose3D, MMPose, MotionBERT).
pub(crate) static H36M_17: Layout = Layout {
    name: "H36M-17",
    joints: &[
        "Hip", "RHip", "RKnee", "RFoot", "LHip", "LKnee", "LFoot", "Spine", "Thorax", "Neck/Nose", "Head", "LShoulder",
        "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist",
    ],
    slots: [
        Joint(0), Joint(1), Joint(2), Joint(3), Joint(4), Joint(5), Joint(6), Joint(7), Joint(8), Joint(9), Joint(10),
        Joint(11), Joint(12), Joint(13), Joint(14), Joint(15), Joint(16),
    ],
};

/// H36M without Neck/Nose (SemGCN, PoseAug).
pub(crate) static H36M_16: Layout = Layout {
    name: "H36M-16",
    joints: &[
        "Hip", "RHip", "RKnee", "RFoot", "LHip", "LKnee", "LFoot", "Spine", "Thorax", "Head", "LShoulder", "LElbow",
        "LWrist", "RShoulder", "RElbow", "RWrist",
    ],
    slots: [
        Joint(0), Joint(1), Joint(2), Joint(3), Joint(4), Joint(5), Joint(6), Joint(7), Joint(8), Absent, Joint(9),
        Joint(10), Joint(11), Joint(12), Joint(13), Joint(14), Joint(15),
    ],
};

/// COCO's 17 keypoints, as MMPose and MotionBERT turn them to Human3.6M's: the nose for Neck/Nose, the eyes' middle
/// for Head, the shoulders' middle for Thorax, half way between it and the hips for Spine.
pub(crate) static COCO_17: Layout = Layout {
    name: "COCO-17",
    joints: &[
        "Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist",
        "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle",
    ],
    slots: [
        Middle(11, 12), Joint(12), Joint(14), Joint(16), Joint(11), Joint(13), Joint(15), Quarter([5, 6, 11, 12]),
        Middle(5, 6), Joint(0), Middle(1, 2), Joint(5), Joint(7), Joint(9), Joint(6), Joint(8), Joint(10),
    ],
};

/// OpenPose's BODY_25.
pub(crate) static BODY_25: Layout = Layout {
    name: "BODY_25",
    joints: &[
        "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "MidHip", "RHip", "RKnee",
        "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar", "LBigToe", "LSmallToe", "LHeel", "RBigToe",
        "RSmallToe", "RHeel",
    ],
    slots: [
        Joint(8), Joint(9), Joint(10), Joint(11), Joint(12), Joint(13), Joint(14), Middle(8, 1), Joint(1), Joint(0),
        Middle(15, 16), Joint(5), Joint(6), Joint(7), Joint(2), Joint(3), Joint(4),
    ],
};

/// OpenPose's 18 keypoints (COCO with a neck), also 3DPW's `poses2d`.
pub(crate) static OPENPOSE_18: Layout = Layout {
    name: "OpenPose-18",
    joints: &[
        "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RAnkle",
        "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar",
    ],
    slots: [
        Middle(8, 11), Joint(8), Joint(9), Joint(10), Joint(11), Joint(12), Joint(13), Spine([8, 11, 1]), Joint(1),
        Joint(0), Middle(14, 15), Joint(5), Joint(6), Joint(7), Joint(2), Joint(3), Joint(4),
    ],
};

/// Halpe's 26 body keypoints (`MotionBERT:lib/data/dataset_wild.py`).
pub(crate) static HALPE_26: Layout = Layout {
    name: "Halpe-26",
    joints: &[
        "Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist",
        "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle", "Head", "Neck", "Hip", "LBigToe", "RBigToe", "LSmallToe",
        "RSmallToe", "LHeel", "RHeel",
    ],
    slots: [
        Joint(19), Joint(12), Joint(14), Joint(16), Joint(11), Joint(13), Joint(15), Middle(18, 19), Joint(18),
        Joint(0), Joint(17), Joint(5), Joint(7), Joint(9), Joint(6), Joint(8), Joint(10),
    ],
};

/// MediaPipe's 33 landmarks.
pub(crate) static MEDIAPIPE_33: Layout = Layout {
    name: "MediaPipe-33",
    joints: &[
        "Nose", "LEyeInner", "LEye", "LEyeOuter", "REyeInner", "REye", "REyeOuter", "LEar", "REar", "MouthL", "MouthR",
        "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist", "LPinky", "RPinky", "LIndex", "RIndex",
        "LThumb", "RThumb", "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle", "LHeel", "RHeel", "LFootIndex",
        "RFootIndex",
    ],
    slots: [
        Middle(23, 24), Joint(24), Joint(26), Joint(28), Joint(23), Joint(25), Joint(27), Quarter([11, 12, 23, 24]),
        Middle(11, 12), Joint(0), Middle(2, 5), Joint(11), Joint(13), Joint(15), Joint(12), Joint(14), Joint(16),
    ],
};
