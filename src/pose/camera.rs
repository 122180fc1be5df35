//! Pinhole cameras with radial and tangential distortion: the Human3.6M model of VideoPose3D's `project_to_2d`.
//!
//! World: metres, Z up. Camera: metres, x right, y down, z forward. Image: pixels, origin at the top left.

use nalgebra::{Matrix3, Quaternion, Rotation3, UnitQuaternion, Vector3};
use serde::Deserialize;

use super::Intrinsics;

/// A calibrated camera at a fixed place.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Name, such as Human3.6M's `54138969`.
    pub id: String,
    /// Image width in pixels.
    pub width: u32,
    /// Image height in pixels.
    pub height: u32,
    /// Focal length in pixels, horizontal and vertical.
    pub focal: [f64; 2],
    /// Principal point in pixels.
    pub center: [f64; 2],
    /// Radial distortion: coefficients of r^2, r^4, r^6.
    pub radial: [f64; 3],
    /// Tangential distortion in VideoPose3D's order (Human3.6M's p1 and p2 exchanged; no factor 2 as in OpenCV).
    pub tangential: [f64; 2],
    /// Rotation from camera axes to world axes.
    pub orientation: UnitQuaternion<f64>,
    /// Optical centre in the world, metres.
    pub position: [f64; 3],
}

/// Joints nearer than this (metres, along the optical axis) do not count as seen.
pub(crate) const MIN_DEPTH: f64 = 0.5;

impl Camera {
    /// An undistorted camera at `position` that looks at `target` (metres, world), upright: the image's down is the
    /// world's -Z. The image is `size` x `size` pixels with the principal point in its middle.
    ///
    /// Looking straight up or down, or at its own position, it takes some upright or level direction instead.
    #[must_use]
    pub fn look_at(id: impl Into<String>, position: [f64; 3], target: [f64; 3], focal: f64, size: u32) -> Self {
        let unit = |v: Vector3<f64>| v.try_normalize(1e-9);
        let forward = unit(Vector3::from(target) - Vector3::from(position)).unwrap_or_else(Vector3::y);
        let right = unit(forward.cross(&Vector3::z())).unwrap_or_else(Vector3::x);
        let down = forward.cross(&right);
        let axes = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[right, down, forward]));
        Self {
            id: id.into(),
            width: size,
            height: size,
            focal: [focal; 2],
            center: [f64::from(size) / 2.0; 2],
            radial: [0.0; 3],
            tangential: [0.0; 2],
            orientation: UnitQuaternion::from_rotation_matrix(&axes),
            position,
        }
    }

    /// World to camera axes, metres: R(q)^T (X - t) with q the orientation and t the position.
    #[must_use]
    pub fn to_camera(&self, world: [f64; 3]) -> [f64; 3] {
        let offset = Vector3::from(world) - Vector3::from(self.position);
        self.orientation.inverse_transform_vector(&offset).into()
    }

    /// Projects a point in camera axes (metres, z > 0) to pixels.
    ///
    /// With distortion, x/z and y/z are first clamped to -1..1 as in `project_to_2d`, beyond which the polynomial
    /// means nothing; without, the plain pinhole projection holds at any angle.
    #[must_use]
    pub fn project(&self, point: [f64; 3]) -> [f64; 2] {
        let [x, y, z] = point;
        if !self.is_distorted() {
            return [self.focal[0] * x / z + self.center[0], self.focal[1] * y / z + self.center[1]];
        }
        let (x, y) = ((x / z).clamp(-1.0, 1.0), (y / z).clamp(-1.0, 1.0));
        let [k1, k2, k3] = self.radial;
        let [p1, p2] = self.tangential;
        let r2 = x * x + y * y;
        let scale = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3)) + p1 * x + p2 * y;
        [self.focal[0] * (x * scale + p1 * r2) + self.center[0], self.focal[1] * (y * scale + p2 * r2) + self.center[1]]
    }

    /// Whether [`Camera::project`] is meaningful for a point in camera axes: at least 0.5 m in front and, for a
    /// distorted camera, within 45 degrees of the axis. The point may still lie outside of the image.
    #[must_use]
    pub fn sees(&self, point: [f64; 3]) -> bool {
        let [x, y, z] = point;
        z >= MIN_DEPTH && (!self.is_distorted() || x.abs().max(y.abs()) <= z)
    }

    /// The four Human3.6M cameras as placed for one subject (`S1`, `S5`, `S6`, `S7`, `S8`, `S9`, `S11`), in the order
    /// 54138969, 55011271, 58860488, 60457274; `None` for an unknown subject.
    #[must_use]
    pub fn h36m(subject: &str) -> Option<Vec<Self>> {
        let calibration: Calibration = serde_json::from_str(include_str!("h36m_cameras.json")).ok()?;
        let placed = calibration.extrinsics.get(subject)?;
        placed
            .iter()
            .map(|extrinsics| {
                let lens = calibration.intrinsics.iter().find(|lens| lens.id == extrinsics.id)?;
                let [w, x, y, z] = extrinsics.orientation;
                Some(Self {
                    id: lens.id.clone(),
                    width: lens.res_w,
                    height: lens.res_h,
                    focal: lens.focal_length,
                    center: lens.center,
                    radial: lens.radial_distortion,
                    tangential: lens.tangential_distortion,
                    orientation: UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z)),
                    position: extrinsics.translation.map(|mm| mm / 1000.0),
                })
            })
            .collect()
    }

    /// What the camera is but for its place, without its distortion.
    #[must_use]
    pub fn intrinsics(&self) -> Intrinsics {
        Intrinsics { focal: self.focal, center: self.center }
    }

    fn is_distorted(&self) -> bool {
        self.radial.iter().chain(&self.tangential).any(|&k| k != 0.0)
    }
}

/// `h36m_cameras.json`: Human3.6M's published calibration (its note says where from).
#[derive(Deserialize)]
struct Calibration {
    intrinsics: Vec<Lens>,
    extrinsics: std::collections::BTreeMap<String, Vec<Extrinsics>>,
}

#[derive(Deserialize)]
struct Lens {
    id: String,
    center: [f64; 2],
    focal_length: [f64; 2],
    radial_distortion: [f64; 3],
    tangential_distortion: [f64; 2],
    res_w: u32,
    res_h: u32,
}

/// Camera to world: unit quaternion (w, x, y, z) and optical centre in millimetres.
#[derive(Deserialize)]
struct Extrinsics {
    id: String,
    orientation: [f64; 4],
    translation: [f64; 3],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h36m_projection_agrees_with_numpy() {
        // An independent NumPy computation: rotation matrix from the quaternion, then project_to_2d, in float64.
        let points = [[0.3, -0.4, 1.7], [-0.9, 0.8, 0.1]];
        let expected = [
            [
                [-0.737611892, -1.179522785, 5.397905768, 357.9107046, 268.463976],
                [0.801796187, 0.546662093, 5.097059401, 691.2750324, 637.1449733],
            ],
            [
                [0.384836403, -1.136078339, 4.752798775, 600.8080782, 236.5331601],
                [-0.285978429, 0.09154254, 6.61906629, 459.1909863, 523.9239597],
            ],
            [
                [0.289618118, -1.504268316, 5.816697871, 576.4097799, 208.096609],
                [0.976427203, 0.368769934, 4.608384584, 761.007245, 592.3891432],
            ],
            [
                [0.591613314, -1.158405643, 3.708397786, 693.8597314, 151.4124717],
                [-1.085152233, 0.111704315, 4.716007827, 253.9595467, 528.6178746],
            ],
        ];
        let cameras = Camera::h36m("S1").unwrap();
        for (camera, expected) in cameras.iter().zip(expected) {
            for (point, expected) in points.iter().zip(expected) {
                let in_camera = camera.to_camera(*point);
                let [u, v] = camera.project(in_camera);
                let got = [in_camera[0], in_camera[1], in_camera[2], u, v];
                for (k, (got, expected)) in got.iter().zip(expected).enumerate() {
                    let tolerance = if k < 3 { 1e-8 } else { 1e-4 };
                    assert!((got - expected).abs() < tolerance, "{} {got} {expected}", camera.id);
                }
            }
        }
    }

    #[test]
    fn every_subject_has_the_four_cameras() {
        for subject in ["S1", "S5", "S6", "S7", "S8", "S9", "S11"] {
            let cameras = Camera::h36m(subject).unwrap();
            let ids: Vec<&str> = cameras.iter().map(|camera| camera.id.as_str()).collect();
            assert_eq!(ids, ["54138969", "55011271", "58860488", "60457274"]);
            for camera in &cameras {
                assert!((1.4..1.7).contains(&camera.position[2]), "mounted at head height");
                let above = camera.to_camera([0.0, 0.0, 1.7]);
                let below = camera.to_camera([0.0, 0.0, 0.0]);
                assert!(above[1] < below[1] && above[2] > 3.0, "y down, z forward");
            }
        }
        assert!(Camera::h36m("S2").is_none());
    }

    #[test]
    fn look_at_centres_its_target_and_stands_upright() {
        let target = [0.2, -0.3, 0.9];
        for position in [[3.0, 1.0, 1.5], [-2.0, 4.0, -0.5], [0.2, -0.3, 5.0]] {
            let camera = Camera::look_at("c", position, target, 1145.0, 1000);
            let [x, y, z] = camera.to_camera(target);
            assert!(x.abs() < 1e-9 && y.abs() < 1e-9 && z > 2.0);
            let [u, v] = camera.project([x, y, z]);
            assert!((u - 500.0).abs() < 1e-6 && (v - 500.0).abs() < 1e-6);
        }
        let camera = Camera::look_at("c", [0.0, -4.0, 1.0], [0.0, 0.0, 1.0], 1000.0, 1000);
        // Seen along +Y, the world's +X is on the right and +Z is up: 0.4 m at 4 m and f = 1000 are 100 px.
        let [u, v] = camera.project(camera.to_camera([0.4, 0.0, 1.4]));
        assert!((u - 600.0).abs() < 1e-6 && (v - 400.0).abs() < 1e-6);
        let odd = Camera::look_at("c", target, target, 1000.0, 1000);
        assert!(odd.to_camera([1.0, 1.0, 1.0]).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn sees_only_what_it_can_project() {
        let plain = Camera::look_at("c", [0.0; 3], [0.0, 1.0, 0.0], 1000.0, 1000);
        assert!(plain.sees([9.0, 0.0, 1.0]) && !plain.sees([0.0, 0.0, 0.4]) && !plain.sees([0.0, 0.0, -2.0]));
        let distorted = &Camera::h36m("S1").unwrap()[0];
        assert!(distorted.sees([0.9, 0.0, 1.0]) && !distorted.sees([1.1, 0.0, 1.0]));
    }
}
