//! The orders of data sets, with their sources.

#[cfg(test)]
use super::{BODY_25, COCO_17, H36M_16, H36M_17, HALPE_26, MEDIAPIPE_33, OPENPOSE_18};
use super::Layout;
use super::Slot::{Absent, Joint, Middle, Spine};

/// The 16 joints with the left leg first, as AdaptPose's 3DPW file orders them: SPIN's 17 without the jaw.
pub(crate) static SPIN_16: Layout = Layout {
    name: "SPIN-16",
    joints: &[
        "Hip", "LHip", "LKnee", "LFoot", "RHip", "RKnee", "RFoot", "Spine", "Thorax", "Head", "LShoulder", "LElbow",
        "LWrist", "RShoulder", "RElbow", "RWrist",
    ],
    slots: [
        Joint(0), Joint(4), Joint(5), Joint(6), Joint(1), Joint(2), Joint(3), Joint(7), Joint(8), Absent, Joint(9),
        Joint(10), Joint(11), Joint(12), Joint(13), Joint(14), Joint(15),
    ],
};

/// The 32 joints of Human3.6M's own files (`VideoPose3D:common/h36m_dataset.py`); only those in use are named.
pub(crate) static H36M_32: Layout = Layout {
    name: "H36M-32",
    joints: &[
        "Hip", "RHip", "RKnee", "RFoot", "4", "5", "LHip", "LKnee", "LFoot", "9", "10", "11", "Spine", "Thorax",
        "Neck/Nose", "Head", "16", "LShoulder", "LElbow", "LWrist", "20", "21", "22", "23", "24", "RShoulder", "RElbow",
        "RWrist", "28", "29", "30", "31",
    ],
    slots: [
        Joint(0), Joint(1), Joint(2), Joint(3), Joint(6), Joint(7), Joint(8), Joint(12), Joint(13), Joint(14),
        Joint(15), Joint(17), Joint(18), Joint(19), Joint(25), Joint(26), Joint(27),
    ],
};

/// Stacked hourglass after fine-tuning on Human3.6M (`data_2d_h36m_sh_*.npz`): MPII's order, with its thorax slot as
/// Spine and its upper-neck slot as Thorax (`una-dinosauria/3d-pose-baseline:src/data_utils.py`).
pub(crate) static SH_16: Layout = Layout {
    name: "SH-16",
    joints: &[
        "RFoot", "RKnee", "RHip", "LHip", "LKnee", "LFoot", "Hip", "Spine", "Thorax", "Head", "RWrist", "RElbow",
        "RShoulder", "LShoulder", "LElbow", "LWrist",
    ],
    slots: [
        Joint(6), Joint(2), Joint(1), Joint(0), Joint(3), Joint(4), Joint(5), Joint(7), Joint(8), Absent, Joint(9),
        Joint(13), Joint(14), Joint(15), Joint(12), Joint(11), Joint(10),
    ],
};

/// MPII (`mpii_human_pose_v1_u12_1`): its thorax lies at the height of the shoulders, so the spine is made.
pub(crate) static MPII_16: Layout = Layout {
    name: "MPII-16",
    joints: &[
        "RAnkle", "RKnee", "RHip", "LHip", "LKnee", "LAnkle", "Pelvis", "Thorax", "UpperNeck", "HeadTop", "RWrist",
        "RElbow", "RShoulder", "LShoulder", "LElbow", "LWrist",
    ],
    slots: [
        Joint(6), Joint(2), Joint(1), Joint(0), Joint(3), Joint(4), Joint(5), Middle(6, 7), Joint(8), Absent, Joint(9),
        Joint(13), Joint(14), Joint(15), Joint(12), Joint(11), Joint(10),
    ],
};

/// Leeds Sports Pose; no pelvis and no spine.
pub(crate) static LSP_14: Layout = Layout {
    name: "LSP-14",
    joints: &[
        "RAnkle", "RKnee", "RHip", "LHip", "LKnee", "LAnkle", "RWrist", "RElbow", "RShoulder", "LShoulder", "LElbow",
        "LWrist", "Neck", "HeadTop",
    ],
    slots: [
        Middle(2, 3), Joint(2), Joint(1), Joint(0), Joint(3), Joint(4), Joint(5), Spine([2, 3, 12]), Joint(12), Absent,
        Joint(13), Joint(9), Joint(10), Joint(11), Joint(8), Joint(7), Joint(6),
    ],
};

/// MPI-INF-3DHP's 17 joints of the test set (`mpii_get_joint_set.m`, "relevant"), head as Neck/Nose as SPIN has it.
pub(crate) static MPI_INF_3DHP_17: Layout = Layout {
    name: "MPI-INF-3DHP-17",
    joints: &[
        "HeadTop", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RAnkle",
        "LHip", "LKnee", "LAnkle", "Pelvis", "Spine", "Head",
    ],
    slots: [
        Joint(14), Joint(8), Joint(9), Joint(10), Joint(11), Joint(12), Joint(13), Joint(15), Joint(1), Joint(16),
        Joint(0), Joint(5), Joint(6), Joint(7), Joint(2), Joint(3), Joint(4),
    ],
};

/// MPI-INF-3DHP's 28 joints of the training set (`mpii_get_joint_set.m`, "all"); the same 17 as the test set's.
pub(crate) static MPI_INF_3DHP_28: Layout = Layout {
    name: "MPI-INF-3DHP-28",
    joints: &[
        "Spine3", "Spine4", "Spine2", "Spine", "Pelvis", "Neck", "Head", "HeadTop", "LClavicle", "LShoulder", "LElbow",
        "LWrist", "LHand", "RClavicle", "RShoulder", "RElbow", "RWrist", "RHand", "LHip", "LKnee", "LAnkle", "LFoot",
        "LToe", "RHip", "RKnee", "RAnkle", "RFoot", "RToe",
    ],
    slots: [
        Joint(4), Joint(23), Joint(24), Joint(25), Joint(18), Joint(19), Joint(20), Joint(3), Joint(5), Joint(6),
        Joint(7), Joint(9), Joint(10), Joint(11), Joint(14), Joint(15), Joint(16),
    ],
};

/// SMPL's 24 joints, an approximation: hips, shoulders and head lie inside the body. There is no Neck/Nose between
/// neck and head; it is put half way.
pub(crate) static SMPL_24: Layout = Layout {
    name: "SMPL-24",
    joints: &[
        "Pelvis", "LHip", "RHip", "Spine1", "LKnee", "RKnee", "Spine2", "LAnkle", "RAnkle", "Spine3", "LFoot", "RFoot",
        "Neck", "LCollar", "RCollar", "Head", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist", "LHand",
        "RHand",
    ],
    slots: [
        Joint(0), Joint(2), Joint(5), Joint(8), Joint(1), Joint(4), Joint(7), Joint(6), Joint(12), Middle(12, 15),
        Joint(15), Joint(16), Joint(18), Joint(20), Joint(17), Joint(19), Joint(21),
    ],
};

/// The 17 joints that SPIN's regressor gives on SMPL's mesh, left leg first (`SPIN:constants.py`).
pub(crate) static SPIN_17: Layout = Layout {
    name: "SPIN-17",
    joints: &[
        "Pelvis", "LHip", "LKnee", "LAnkle", "RHip", "RKnee", "RAnkle", "Spine", "Neck", "Jaw", "HeadTop", "LShoulder",
        "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist",
    ],
    slots: [
        Joint(0), Joint(4), Joint(5), Joint(6), Joint(1), Joint(2), Joint(3), Joint(7), Joint(8), Joint(9), Joint(10),
        Joint(11), Joint(12), Joint(13), Joint(14), Joint(15), Joint(16),
    ],
};

/// The 14 joints on which 3DPW is scored (`SPIN:constants.py`, `H36M_TO_J14`); pelvis and spine are made, Neck/Nose is
/// put half way between neck and head top.
pub(crate) static J14: Layout = Layout {
    name: "J14",
    joints: LSP_14.joints,
    slots: [
        Middle(2, 3), Joint(2), Joint(1), Joint(0), Joint(3), Joint(4), Joint(5), Spine([2, 3, 12]), Joint(12),
        Middle(12, 13), Joint(13), Joint(9), Joint(10), Joint(11), Joint(8), Joint(7), Joint(6),
    ],
};

/// PoseTrack18's 17 keypoints, in the order of its annotations. The bottom of the head is MPII's upper neck, and stands for
/// Thorax as there.
pub(crate) static POSETRACK_17: Layout = Layout {
    name: "PoseTrack-17",
    joints: &[
        "Nose", "HeadBottom", "HeadTop", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist",
        "RWrist", "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle",
    ],
    slots: [
        Middle(11, 12), Joint(12), Joint(14), Joint(16), Joint(11), Joint(13), Joint(15), Spine([11, 12, 1]), Joint(1),
        Joint(0), Joint(2), Joint(5), Joint(7), Joint(9), Joint(6), Joint(8), Joint(10),
    ],
};

/// Every layout.
#[cfg(test)]
pub(crate) static ALL: [&Layout; 18] = [
    &H36M_17, &H36M_16, &SPIN_16, &H36M_32, &SH_16, &MPII_16, &LSP_14,
    &MPI_INF_3DHP_17, &MPI_INF_3DHP_28, &SMPL_24, &SPIN_17, &J14, &COCO_17, &POSETRACK_17, &BODY_25, &OPENPOSE_18,
    &HALPE_26, &MEDIAPIPE_33,
];
