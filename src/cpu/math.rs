//! The functions of `shaders/shared/math.wgsl`, operation by operation.

/// `log(1 + e)` for `-1/2 <= e <= 1`.
#[must_use]
pub fn log1p_unit(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let q = s * s;
    let tail = 1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0 + q * (1.0 / 15.0)));
    let series = 1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * tail)));
    2.0 * s * series
}

/// `log(v)` for normal `v > 0`.
#[must_use]
pub fn log_positive(v: f32) -> f32 {
    let bits = v.to_bits();
    let m = f32::from_bits((bits & 0x7f_ffff) | 0x3f80_0000);
    let upper = m > std::f32::consts::SQRT_2;
    let k = ((bits >> 23) as i32 - if upper { 126 } else { 127 }) as f32;
    k * std::f32::consts::LN_2 + log1p_unit(if upper { 0.5 * m } else { m } - 1.0)
}

/// `log(sigmoid(v))` without overflow.
#[must_use]
pub fn log_sigmoid(v: f32) -> f32 {
    v.min(0.0) - log1p_unit((-v.abs()).exp())
}

/// `1 / (1 + exp(-v))` without overflow.
#[must_use]
pub fn sigmoid(v: f32) -> f32 {
    let e = (-v.abs()).exp();
    if v < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// `(sin a, cos a)` for `|a| <= π`.
#[must_use]
pub fn sin_cos(a: f32) -> (f32, f32) {
    let quadrant = (a * std::f32::consts::FRAC_2_PI).round_ties_even();
    let r = (a - quadrant * 1.570_312_5) - quadrant * 4.838_268e-4;
    let q = r * r;
    let s = r * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))));
    let c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))));
    match quadrant as i32 & 3 {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

#[cfg(test)]
mod tests {
    use super::{log_positive, log_sigmoid, sigmoid, sin_cos};

    #[test]
    fn agree_with_float64() {
        for k in -2000..=2000 {
            let v = k as f32 * 0.01;
            let exact = -(1.0 + (-f64::from(v)).exp()).ln();
            assert!((f64::from(log_sigmoid(v)) - exact).abs() <= 4e-7 * exact.abs(), "log_sigmoid({v})");
            let exact = 1.0 / (1.0 + (-f64::from(v)).exp());
            assert!((f64::from(sigmoid(v)) - exact).abs() <= 4e-7 * exact, "sigmoid({v})");
            let a = v * std::f32::consts::PI / 20.0;
            let (s, c) = sin_cos(a);
            assert!((f64::from(s) - f64::from(a).sin()).abs() < 2e-7, "sin({a}) is {s}");
            assert!((f64::from(c) - f64::from(a).cos()).abs() < 2e-7, "cos({a}) is {c}");
        }
        // Uniform numbers are multiples of 2^-24: the smallest, and those next to 1.
        for k in (1..=4096).flat_map(|k| [k, 4096 * k, (1 << 24) - k]) {
            let v = k as f32 / 16_777_216.0;
            let exact = f64::from(v).ln();
            assert!((f64::from(log_positive(v)) - exact).abs() <= 2e-7 * exact.abs(), "log_positive({v})");
        }
        assert_eq!(log_sigmoid(-1000.0), -1000.0, "no overflow");
        assert_eq!(sigmoid(-1000.0), 0.0, "no overflow");
    }
}
