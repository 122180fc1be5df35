// Functions whose WGSL built-ins may be too coarse (sin: 2^-11, log near 1: 2^-21). The same in src/cpu/math.rs.

// log(1 + e) for -1/2 <= e <= 1, by 2 atanh(e / (2 + e)): |s| <= 1/3, so s^17/17 is below 1e-9.
fn log1p_unit(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let q = s * s;
    let series = 1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0
        + q * (1.0 / 13.0 + q * (1.0 / 15.0)))))));
    return 2.0 * s * series;
}

// log(v) for normal v > 0: v = m 2^k with m in [sqrt(1/2), sqrt(2)), so that nothing cancels near 1.
fn log_positive(v: f32) -> f32 {
    let bits = bitcast<u32>(v);
    let m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
    let upper = m > 1.4142135623730951;
    let k = f32(i32(bits >> 23u) - select(127, 126, upper));
    return k * 0.6931471805599453 + log1p_unit(select(m, 0.5 * m, upper) - 1.0);
}

// log(sigmoid(v)) without overflow.
fn log_sigmoid(v: f32) -> f32 {
    return min(v, 0.0) - log1p_unit(exp(-abs(v)));
}

fn sigmoid(v: f32) -> f32 {
    let e = exp(-abs(v));
    return select(1.0, e, v < 0.0) / (1.0 + e);
}

// (sin a, cos a) for |a| <= pi: reduced to [-pi/4, pi/4], then Taylor to below 1e-8.
fn sin_cos(a: f32) -> vec2<f32> {
    let quadrant = round(a * 0.6366197723675814);
    // pi/2 in two parts: the first is exact times a small integer.
    let r = (a - quadrant * 1.5703125) - quadrant * 4.838267948966e-4;
    let q = r * r;
    let s = r * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))));
    let c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))));
    switch i32(quadrant) & 3 {
        case 0: { return vec2<f32>(s, c); }
        case 1: { return vec2<f32>(c, -s); }
        case 2: { return vec2<f32>(-s, -c); }
        default: { return vec2<f32>(-c, s); }
    }
}
