// Views of poses as rotations, and how they are drawn. The same in src/cpu/state.rs.
#import shared/math.wgsl
#import shared/random.wgsl
const MAX_JOINTS: u32 = 17u;

// Azimuth uniform in [-pi, pi), elevation in [-pi/9, pi/9) (Sec. 3.2.1).
fn random_view(bits: vec4<u32>) -> vec2<f32> {
    return vec2<f32>(random_angle(bits.x), (unit_float(bits.y) * 2.0 - 1.0) * 0.3490658504);
}

fn random_angle(bits: u32) -> f32 {
    return (unit_float(bits) * 2.0 - 1.0) * 3.1415926535;
}

// R = Rx(elevation) Ry(azimuth); a joint p rotates to R p, and back by p * R.
fn rotation(view: vec2<f32>) -> mat3x3<f32> {
    let a = sin_cos(view.x);
    let e = sin_cos(view.y);
    return mat3x3<f32>(
        vec3<f32>(a.y, e.x * a.x, -e.y * a.x),
        vec3<f32>(0.0, e.y, e.x),
        vec3<f32>(a.x, -e.x * a.y, e.y * a.y),
    );
}

// A rotation uniform over all, from a uniform unit quaternion (Shoemake 1992, Graphics Gems III).
fn random_rotation(bits: vec4<u32>) -> mat3x3<f32> {
    let a = sin_cos(random_angle(bits.x));
    let b = sin_cos(random_angle(bits.y));
    let share = unit_float(bits.z);
    let v = vec3<f32>(sqrt(1.0 - share) * a, sqrt(share) * b.x);
    let w = sqrt(share) * b.y;
    let s = 2.0 * v;
    return mat3x3<f32>(
        vec3<f32>(1.0 - s.y * v.y - s.z * v.z, s.x * v.y + s.z * w, s.x * v.z - s.y * w),
        vec3<f32>(s.x * v.y - s.z * w, 1.0 - s.x * v.x - s.z * v.z, s.y * v.z + s.x * w),
        vec3<f32>(s.x * v.z + s.y * w, s.y * v.z - s.x * w, 1.0 - s.x * v.x - s.y * v.y),
    );
}
