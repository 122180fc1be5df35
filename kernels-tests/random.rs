//! Random numbers and dropout: the shaders' are the host's, bit for bit, and they are random.

use isopose::cpu::State;
use isopose::cpu::random::{keep_threshold, pcg4d, unit_float};
use isopose::gpu::Device;
use isopose::kernel::{Element, Inputs, Kernel, Outputs, Uniform, Uniforms, read, write};
use isopose::kernels::{LEAKY_RELU_DROPOUT_BACKWARD, LEAKY_RELU_DROPOUT_FORWARD};
use isopose::plan::{Init, Recorder, prepare};

use crate::device::devices;

fn bits_twin(_: &Uniforms, inputs: &Inputs<'_>, outputs: &mut Outputs<'_>) {
    let (bits, units) = (outputs.take("bits"), outputs.take("units"));
    let each = inputs.get_u32("keys").chunks_exact(4).zip(bits.chunks_exact_mut(4)).zip(units.chunks_exact_mut(4));
    for ((key, bits), units) in each {
        let drawn = pcg4d([key[0], key[1], key[2], key[3]]);
        bits.copy_from_slice(&drawn.map(f32::from_bits));
        units.copy_from_slice(&drawn.map(unit_float));
    }
}

static BITS: Kernel = Kernel {
    name: "bits",
    source: "#import shared/random.wgsl
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> bits: array<u32>;
@group(0) @binding(3) var<storage, read_write> units: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
    if gid.x >= dims.count { return; }
    let at = gid.x * 4u;
    let drawn = pcg4d(vec4<u32>(keys[at], keys[at + 1u], keys[at + 2u], keys[at + 3u]));
    for (var lane = 0u; lane < 4u; lane++) {
        bits[at + lane] = drawn[lane];
        units[at + lane] = unit_float(drawn[lane]);
    }
}",
    bindings: &[
        read("keys", Element::U32, &["count", "4"]),
        write("bits", Element::U32, &["count", "4"]),
        write("units", Element::F32, &["count", "4"]),
    ],
    uniforms: &[Uniform::U32("count")],
    workgroup: [64, 1, 1],
    grid: |u| [u.u32("count").div_ceil(64), 1, 1],
    check: |_| Ok(()),
    twin: bits_twin,
    flops: |_| 0,
};

#[test]
fn both_executors_draw_the_hosts_bits() {
    let count = 4099;
    let edge = [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let key = |k: u32| [edge[k as usize % 5], k, k.wrapping_mul(0x9e37_79b9), edge[k as usize / 5 % 5] ^ k];
    let keys: Vec<[u32; 4]> = (0..count as u32).map(key).collect();
    for device in devices() {
        let mut rec = Recorder::new();
        let section = rec.section("bits");
        let input = rec.tensor_with("keys", &[count, 4], Init::Words(keys.concat()));
        let [bits, units] = ["bits", "units"].map(|name| rec.tensor(name, &[count, 4]));
        rec.dispatch(&BITS, "bits", &[("keys", input), ("bits", bits), ("units", units)], &[]).unwrap();
        let mut executor = prepare(rec.finish(), &device).unwrap();
        executor.replay(section).unwrap();
        let (bits, units) = (executor.read(bits).unwrap(), executor.read(units).unwrap());
        for (k, (bits, units)) in keys.iter().zip(bits.chunks_exact(4).zip(units.chunks_exact(4))) {
            let drawn = pcg4d(*k);
            let found: Vec<u32> = bits.iter().map(|b| b.to_bits()).collect();
            assert_eq!(found, drawn, "pcg4d({k:?}) on {}", device.name());
            assert_eq!(units, drawn.map(unit_float), "unit_float of pcg4d({k:?}) on {}", device.name());
        }
    }
}

const ROWS: usize = 61;
const FEATURES: usize = 256;

/// y and dz of ones through dropout, both with slope 1: 0 where dropped.
fn dropped(device: &Device, p: f32, [seed, step, stream]: [u32; 3]) -> [Vec<f32>; 2] {
    let mut rec = Recorder::new();
    let section = rec.section("dropout");
    let shape = [1, ROWS, FEATURES];
    let one = rec.tensor_with("one", &shape, Init::Fill(1.0));
    let residual = rec.tensor("residual", &shape);
    let mask = rec.tensor_with("mask", &[1, 1], Init::Words(vec![1]));
    let state = State { seed, step, ..State::default() }.words().to_vec();
    let state = rec.tensor_with("state", &[State::WORDS], Init::Data(state));
    let [y, dz] = ["y", "dz"].map(|name| rec.tensor_with(name, &shape, Init::Fill(f32::NAN)));
    let mut values = vec![
        ("row", 0u32.into()),
        ("rows", ROWS.into()),
        ("slope", 1.0.into()),
        ("keep_threshold", keep_threshold(p).into()),
        ("keep_scale", (1.0 / (1.0 - p)).into()),
        ("stream", stream.into()),
        ("recorded", false.into()),
    ];
    let tensors = [("dy", one), ("z", one), ("mask", mask), ("state", state), ("dz", dz)];
    rec.dispatch(&LEAKY_RELU_DROPOUT_BACKWARD, "backward", &tensors, &values).unwrap();
    values.push(("add_residual", false.into()));
    let tensors = [("z", one), ("residual", residual), ("mask", mask), ("state", state), ("y", y)];
    rec.dispatch(&LEAKY_RELU_DROPOUT_FORWARD, "forward", &tensors, &values).unwrap();
    let mut executor = prepare(rec.finish(), device).unwrap();
    executor.replay(section).unwrap();
    [y, dz].map(|tensor| executor.read(tensor).unwrap())
}

#[test]
fn dropout_drops_its_share_and_both_passes_agree() {
    let count = (ROWS * FEATURES) as f64;
    for device in devices() {
        for p in [0.0f32, 0.1, 0.5] {
            let [y, dz] = dropped(&device, p, [1, 2, 3]);
            assert_eq!(y, dz, "p = {p} on {}: the backward pass must use the forward's mask", device.name());
            let scale = 1.0 / (1.0 - p);
            assert!(y.iter().all(|&v| v == 0.0 || v == scale), "p = {p}: kept elements are scaled by {scale}");
            let kept = y.iter().filter(|&&v| v != 0.0).count() as f64 / count;
            let expected = 1.0 - f64::from(p);
            // Five standard deviations of a binomial share; none for p = 0.
            let limit = 5.0 * (expected * f64::from(p) / count).sqrt();
            assert!((kept - expected).abs() <= limit, "p = {p} on {}: kept {kept}", device.name());
        }
    }
}

#[test]
fn masks_of_other_keys_are_independent() {
    let sign = |key| dropped(&Device::Cpu(1), 0.5, key)[0].iter().map(|&v| f64::from(v) - 1.0).collect::<Vec<_>>();
    let first = sign([1, 2, 3]);
    for other in [[2, 2, 3], [1, 3, 3], [1, 2, 4], [3, 2, 1]] {
        let correlation: f64 = first.iter().zip(sign(other)).map(|(a, b)| a * b).sum::<f64>() / first.len() as f64;
        // Five standard deviations of the mean of that many signs.
        let limit = 5.0 / (first.len() as f64).sqrt();
        assert!(correlation.abs() < limit, "keys [1, 2, 3] and {other:?}: correlation {correlation}");
    }
}
