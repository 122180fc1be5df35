// Counter-based random integers: pcg4d of Jarzynski and Olano 2020, JCGT 9(3). The same in src/cpu/random.rs.
fn pcg4d(key: vec4<u32>) -> vec4<u32> {
    var v = key * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4<u32>(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// Uniform in [0, 1) with 24 bits: exact in f32.
fn unit_float(bits: u32) -> f32 {
    return f32(bits >> 8u) * 0x1p-24;
}
