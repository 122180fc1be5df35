//! How fast matrix products of a shape can be, by the engine's own kernels on data that stays as near as it can.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::ProductRate;
use crate::error::Result;
use crate::gpu::Device;
use crate::kernel::{Kernel, Value};
use crate::kernels;
use crate::plan::{Dispatch, Init, Recorder, SectionId, prepare};

/// A kernel is tried for so many seconds, ...
const SECONDS: f64 = 0.015;
/// ... and so many replays at the least.
const ROUNDS: usize = 3;
/// Operations of a replay: what a replay costs by itself should not show. Limits for the products in it.
const REPLAY_FLOP: u64 = 20_000_000;
const REPLAY_PRODUCTS: [u64; 2] = [4, 256];
/// A GPU repeats replays until they take so long, so that submitting and waiting do not show.
const GPU_SECONDS: f64 = 0.01;

/// Sizes of a product: that of `instances` layers, whatever is summed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shape {
    /// Layers that are computed at once.
    pub instances: usize,
    /// Rows of each.
    pub rows: usize,
    /// Features before the layer.
    pub in_features: usize,
    /// Features after it.
    pub out_features: usize,
}

impl Shape {
    /// Of a dispatch, if it is a product.
    #[must_use]
    pub fn of(dispatch: &Dispatch) -> Option<Self> {
        let size = |wanted: &str| {
            dispatch.uniforms.iter().find_map(|(name, value)| match value {
                Value::U32(size) if name == wanted => Some(size as usize),
                _ => None,
            })
        };
        ((dispatch.kernel.flops)(&dispatch.uniforms) > 0).then_some(())?;
        Some(Self {
            instances: size("instances")?,
            rows: size("rows")?,
            in_features: size("in_features")?,
            out_features: size("out_features")?,
        })
    }

    /// Floating-point operations, two a multiply-add.
    #[must_use]
    pub fn flop(&self) -> u64 {
        2 * [self.instances, self.rows, self.in_features, self.out_features].iter().map(|&n| n as u64).product::<u64>()
    }
}

/// The best products that were seen.
#[derive(Clone, Debug, Default)]
pub struct Rates(BTreeMap<Shape, (f64, &'static str)>);

impl Rates {
    /// Measures products of these shapes: forward, the input's gradient, and the weights' gradient with Adam.
    pub(super) fn measure(&mut self, device: &Device, shapes: impl IntoIterator<Item = Shape>) -> Result<()> {
        for shape in shapes {
            for (kernel, seconds) in times(device, &shape)? {
                self.saw(shape, kernel, seconds);
            }
        }
        Ok(())
    }

    /// Some kernel took so long for a product.
    pub(super) fn saw(&mut self, shape: Shape, kernel: &'static str, seconds: f64) {
        let best = self.0.entry(shape).or_insert((seconds, kernel));
        if seconds < best.0 {
            *best = (seconds, kernel);
        }
    }

    /// The least seconds of a product; 0 for a shape that was not measured.
    pub(super) fn seconds(&self, shape: &Shape) -> f64 {
        self.0.get(shape).map_or(0.0, |best| best.0)
    }

    pub(super) fn of(&self, shape: &Shape, count: usize) -> ProductRate {
        let (seconds, kernel) = self.0.get(shape).copied().unwrap_or((f64::INFINITY, ""));
        ProductRate { shape: *shape, count, gflops: 1e-9 * shape.flop() as f64 / seconds, kernel }
    }
}

/// The least seconds of a product by each kernel, data staying where the last one left it.
fn times(device: &Device, shape: &Shape) -> Result<Vec<(&'static str, f64)>> {
    let &Shape { instances, rows, in_features, out_features } = shape;
    let [least, most] = REPLAY_PRODUCTS;
    let count = (REPLAY_FLOP / shape.flop().max(1)).clamp(least, most);
    let mut rec = Recorder::new();
    let x = rec.tensor("x", &[instances, rows, in_features]);
    let y = rec.tensor("y", &[instances, rows, out_features]);
    let row_scale = rec.tensor_with("row_scale", &[instances, rows], Init::Fill(1.0));
    // All instances share what they read: the less there is to fetch, the better.
    let shared = rec.tensor("shared", &[1, in_features + 1, out_features]);
    let [parameters, exp_avg, exp_avg_sq] = ["parameters", "exp_avg", "exp_avg_sq"]
        .map(|name| rec.tensor(name, &[instances, in_features + 1, out_features]));
    let state = rec.tensor_with("state", &[8], Init::Fill(1.0));
    let from = [("row", Value::U32(0)), ("rows", rows.into())];
    let scaled = [from[0], from[1], ("bias_input", Value::F32(1.0))];
    let forward = [("x", x), ("parameters", shared), ("y", y)];
    let backward = [("dy", y), ("parameters", shared), ("dx", x)];
    let gradient = [
        ("x", x),
        ("dy", y),
        ("row_scale", row_scale),
        ("parameters", parameters),
        ("exp_avg", exp_avg),
        ("exp_avg_sq", exp_avg_sq),
        ("state", state),
    ];
    let mut record = |kernel: &'static Kernel, tensors: &[_], values: &[_]| -> Result<(&'static str, SectionId)> {
        let section = rec.section(kernel.name);
        (0..count).try_for_each(|_| rec.dispatch(kernel, "product", tensors, values))?;
        Ok((kernel.name, section))
    };
    let sections = [
        record(&kernels::LINEAR_FORWARD, &forward, &from)?,
        record(&kernels::LINEAR_BACKWARD_INPUT, &backward, &from)?,
        record(&kernels::LINEAR_BACKWARD_WEIGHT_ADAM, &gradient, &scaled)?,
    ];
    let mut executor = prepare(rec.finish(), device)?;
    let on_gpu = matches!(device, Device::Gpu(_));
    sections
        .into_iter()
        .map(|(kernel, section)| {
            let mut seconds = |replays: usize| -> Result<f64> {
                let begun = Instant::now();
                (0..replays).try_for_each(|_| executor.replay(section))?;
                executor.wait()?;
                Ok(begun.elapsed().as_secs_f64())
            };
            let mut replays = 1;
            seconds(replays)?;
            while on_gpu && seconds(replays)? < GPU_SECONDS && replays < 1 << 16 {
                replays *= 2;
            }
            let (begun, mut best) = (Instant::now(), f64::INFINITY);
            for round in 0.. {
                if round >= ROUNDS && begun.elapsed().as_secs_f64() > SECONDS {
                    break;
                }
                best = best.min(seconds(replays)?);
            }
            Ok((kernel, best / (replays as f64 * count as f64)))
        })
        .collect()
}
