//! The random numbers of `shaders/shared/{random,streams,dropout}.wgsl`, bit for bit.

/// Stream of the random views.
pub const STREAM_VIEWS: u32 = 1000;
/// Stream of the training flips.
pub const STREAM_FLIP: u32 = 1001;
/// First of the four streams that order an epoch.
pub const STREAM_ORDER: u32 = 1002;
/// Stream of the initial weights (host only).
pub const STREAM_INIT: u32 = 1006;
/// Stream of the views that labelled poses are turned to.
pub const STREAM_TURN: u32 = 1007;
/// First of the four streams of mixed limbs.
pub const STREAM_LIMBS: u32 = 1008;
/// Stream of the noise on keypoints.
pub const STREAM_NOISE: u32 = 1012;

/// Stream of replay: which poses, mirrored or not, and their views.
pub const STREAM_REPLAY: u32 = 1020;
/// Stream of the noise on replayed keypoints.
pub const STREAM_REPLAY_NOISE: u32 = 1021;

/// Counter-based random integers: `pcg4d` of Jarzynski and Olano 2020, JCGT 9(3), keyed by (seed, step, stream, index).
#[must_use]
#[inline(always)]
pub fn pcg4d(key: [u32; 4]) -> [u32; 4] {
    let mut v = key.map(|k| k.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    mix(&mut v);
    v = v.map(|x| x ^ (x >> 16));
    mix(&mut v);
    v
}

#[inline(always)]
fn mix(v: &mut [u32; 4]) {
    v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
    v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
    v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
    v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
}

/// Uniform in [0, 1) with 24 bits.
#[must_use]
pub fn unit_float(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// The threshold at or above which a random integer keeps an element dropped with probability `p`.
#[must_use]
pub fn keep_threshold(p: f32) -> u32 {
    (f64::from(p) * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pcg4d_matches_the_paper() {
        // Worked by hand from the paper's listing with 32-bit wrap-around in Python.
        assert_eq!(pcg4d([0, 0, 0, 0]), EXPECTED_ZERO, "key 0");
        assert_eq!(pcg4d([1, 2, 3, 4]), EXPECTED_1234, "key 1 2 3 4");
    }

    const EXPECTED_ZERO: [u32; 4] = [0x0f02f829, 0x2d568769, 0x32b0c43b, 0xd32548ea];
    const EXPECTED_1234: [u32; 4] = [0x3622cd16, 0xf11471d8, 0xe1109b3f, 0x02b94c2f];

    #[test]
    fn each_output_is_uniform() {
        let n = 1u32 << 16;
        for lane in 0..4 {
            let mean = (0..n).map(|i| f64::from(unit_float(pcg4d([7, 1, 2, i])[lane]))).sum::<f64>() / f64::from(n);
            // Standard deviation of the mean: 1 / sqrt(12 n) = 0.0011; five of them.
            assert!((mean - 0.5).abs() < 0.0057, "lane {lane}: mean {mean}");
        }
    }
}
