//! The parameters of a plan by their names, to and from checkpoints.

use super::Linear;
use crate::checkpoint::{Moments, Tensor, Tensors, expected_tensors};
use crate::config::ModelConfig;
use crate::cpu::random::{STREAM_INIT, pcg4d};
use crate::error::{Error, Result};
use crate::kernels;
use crate::plan::{Executor, Recorder, TensorId};

/// Batch norm as it trains.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Dotted name, as in checkpoints.
    pub name: String,
    features: usize,
    /// Weight and bias (2, features).
    pub weight_bias: TensorId,
    /// Running mean and variance (2, features).
    pub running: TensorId,
    /// Mean and reciprocal standard deviation of each pass (groups, 2, features).
    pub statistics: TensorId,
    /// Gradient of weight and bias of each pass (groups, 2, features).
    pub gradient: TensorId,
    /// Adam's exp_avg and exp_avg_sq (2, features).
    pub moments: [TensorId; 2],
}

impl Norm {
    /// Allocates batch norm `name` and enters it in the store.
    pub fn new(rec: &mut Recorder, store: &mut Store, name: String, features: usize, groups: usize) -> Self {
        let mut own = |what: &str| rec.tensor(format!("{name}.{what}"), &[2, features]);
        let (weight_bias, running) = (own("weight_bias"), own("running"));
        let moments = [own("exp_avg"), own("exp_avg_sq")];
        let mut each = |what: &str| rec.tensor(format!("{name}.{what}"), &[groups, 2, features]);
        let (statistics, gradient) = (each("statistics"), each("gradient"));
        let norm = Self { name, features, weight_bias, running, statistics, gradient, moments };
        store.norms.push(norm.clone());
        norm
    }

    /// One Adam step on weight and bias.
    ///
    /// # Errors
    /// [`Error::Plan`] when shapes do not unify.
    pub fn record_update(&self, rec: &mut Recorder, state: TensorId) -> Result<()> {
        let [m, v] = self.moments;
        let tensors = [
            ("gradient", self.gradient),
            ("state", state),
            ("parameters", self.weight_bias),
            ("exp_avg", m),
            ("exp_avg_sq", v),
        ];
        rec.dispatch(&kernels::ADAM, &format!("{}.update", self.name), &tensors, &[])
    }
}

/// Every parameter tensor of a plan.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Linear layers.
    pub linears: Vec<Linear>,
    /// Batch norms as they train.
    pub norms: Vec<Norm>,
    /// Names of frozen batch norms and their folded scale and shift (2, features).
    pub frozen_norms: Vec<(String, TensorId)>,
    /// Recorded dropout masks, by `block.mask1` and `block.mask2`.
    pub masks: Vec<(String, TensorId)>,
    streams: u32,
}

impl Store {
    /// The number of the next layer's dropout stream; two each, one a pass.
    pub(super) fn next_stream(&mut self) -> u32 {
        self.streams += 2;
        self.streams - 2
    }

    /// Writes the source parameters, to the working ones too, the norms, and zeros to the moments. Tensors of `known` have
    /// their content already.
    ///
    /// # Errors
    /// [`Error::Plan`] naming a tensor that is missing.
    pub fn load(
        &self,
        executor: &mut dyn Executor,
        model: &ModelConfig,
        parameters: &Tensors,
        known: &[TensorId],
    ) -> Result<()> {
        for layer in &self.linears {
            if !known.contains(&layer.source) || layer.working != layer.source {
                let packed = pack(layer, parameters)?;
                if !known.contains(&layer.source) {
                    executor.write(layer.source, 0, &packed);
                }
                if layer.working != layer.source {
                    let instances = executor.plan().tensor(layer.working).shape[0];
                    executor.write(layer.working, 0, &packed.repeat(instances));
                }
            }
            for moment in layer.moments.into_iter().flatten() {
                let zeros = vec![0.0; executor.plan().tensor(moment).len()];
                executor.write(moment, 0, &zeros);
            }
        }
        for norm in &self.norms {
            executor.write(norm.weight_bias, 0, &pair(&norm.name, ["weight", "bias"], parameters)?);
            executor.write(norm.running, 0, &pair(&norm.name, ["running_mean", "running_var"], parameters)?);
            norm.moments.into_iter().for_each(|moment| executor.write(moment, 0, &vec![0.0; 2 * norm.features]));
        }
        for (name, tensor) in self.frozen_norms.iter().filter(|(_, tensor)| !known.contains(tensor)) {
            executor.write(*tensor, 0, &fold(name, parameters, model.bn_eps)?);
        }
        Ok(())
    }

    /// Writes Adam's moments, to go on where a training stopped.
    ///
    /// # Errors
    /// [`Error::Plan`] naming a tensor that is missing.
    pub fn load_moments(&self, executor: &mut dyn Executor, moments: &Moments) -> Result<()> {
        for (index, tensors) in [&moments.exp_avg, &moments.exp_avg_sq].into_iter().enumerate() {
            for (layer, own) in self.linears.iter().filter_map(|layer| Some((layer, layer.moments?))) {
                let instances = executor.plan().tensor(own[index]).shape[0];
                executor.write(own[index], 0, &pack(layer, tensors)?.repeat(instances));
            }
            for norm in &self.norms {
                executor.write(norm.moments[index], 0, &pair(&norm.name, ["weight", "bias"], tensors)?);
            }
        }
        Ok(())
    }

    /// The tensors that hold what was trained and nothing else: source parameters and folded norms, with their names.
    pub fn sources(&self) -> impl Iterator<Item = (&str, TensorId)> {
        let linears = self.linears.iter().map(|layer| (&*layer.name, layer.source));
        linears.chain(self.frozen_norms.iter().map(|(name, tensor)| (&**name, *tensor)))
    }

    /// The tensors that updates in place change: working parameters with their moments, and norms that train.
    pub fn learnt(&self) -> impl Iterator<Item = TensorId> {
        let layer = |layer: &Linear| layer.moments.map(|[m, v]| [layer.working, m, v]);
        let norms = self.norms.iter().flat_map(|norm| [norm.weight_bias, norm.running].into_iter().chain(norm.moments));
        self.linears.iter().filter_map(layer).flatten().chain(norms)
    }

    /// Reads the working parameters of the first instance and the running statistics.
    ///
    /// # Errors
    /// The device was lost.
    pub fn parameters(&self, executor: &mut dyn Executor) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        for layer in &self.linears {
            unpack(layer, &executor.read(layer.working)?, &mut tensors);
        }
        for norm in &self.norms {
            split(norm, ["weight", "bias"], &executor.read(norm.weight_bias)?, &mut tensors);
            split(norm, ["running_mean", "running_var"], &executor.read(norm.running)?, &mut tensors);
        }
        Ok(tensors)
    }

    /// Reads Adam's moments of the first instance.
    ///
    /// # Errors
    /// The device was lost.
    pub fn moments(&self, executor: &mut dyn Executor) -> Result<Moments> {
        let mut moments = Moments::default();
        for (index, tensors) in [&mut moments.exp_avg, &mut moments.exp_avg_sq].into_iter().enumerate() {
            for (layer, own) in self.linears.iter().filter_map(|layer| Some((layer, layer.moments?))) {
                unpack(layer, &executor.read(own[index])?, tensors);
            }
            for norm in &self.norms {
                split(norm, ["weight", "bias"], &executor.read(norm.moments[index])?, tensors);
            }
        }
        Ok(moments)
    }
}

fn find<'a>(tensors: &'a Tensors, name: &str) -> Result<&'a Tensor> {
    tensors.get(name).ok_or_else(|| Error::Plan(format!("the parameters have no tensor `{name}`")))
}

/// `[out, in]` weight and `[out]` bias to (in + 1, padded out).
fn pack(layer: &Linear, tensors: &Tensors) -> Result<Vec<f32>> {
    let weight = &find(tensors, &format!("{}.weight", layer.name))?.data;
    let bias = &find(tensors, &format!("{}.bias", layer.name))?.data;
    let (inputs, outputs) = (layer.in_features, layer.out_features);
    let stride = outputs.next_multiple_of(4);
    let mut packed = vec![0.0; (inputs + 1) * stride];
    for (o, row) in weight.chunks_exact(inputs).enumerate() {
        row.iter().enumerate().for_each(|(i, w)| packed[i * stride + o] = *w);
    }
    packed[inputs * stride..inputs * stride + outputs].copy_from_slice(bias);
    Ok(packed)
}

/// The inverse of [`pack`], of the first instance.
fn unpack(layer: &Linear, packed: &[f32], tensors: &mut Tensors) {
    let (inputs, outputs) = (layer.in_features, layer.out_features);
    let stride = outputs.next_multiple_of(4);
    let data = (0..outputs).flat_map(|o| (0..inputs).map(move |i| packed[i * stride + o])).collect();
    let weight = Tensor { shape: vec![outputs, inputs], data };
    let bias = Tensor { shape: vec![outputs], data: packed[inputs * stride..inputs * stride + outputs].to_vec() };
    tensors.insert(format!("{}.weight", layer.name), weight);
    tensors.insert(format!("{}.bias", layer.name), bias);
}

/// Two tensors of a norm, one behind the other.
fn pair(name: &str, parts: [&str; 2], tensors: &Tensors) -> Result<Vec<f32>> {
    let [first, second] = parts.map(|part| find(tensors, &format!("{name}.{part}")));
    Ok([&first?.data[..], &second?.data].concat())
}

/// The inverse of [`pair`].
fn split(norm: &Norm, parts: [&str; 2], words: &[f32], tensors: &mut Tensors) {
    for (part, half) in parts.into_iter().zip(words.chunks_exact(norm.features)) {
        let tensor = Tensor { shape: vec![norm.features], data: half.to_vec() };
        tensors.insert(format!("{}.{part}", norm.name), tensor);
    }
}

/// Frozen batch norm as `z * scale + shift`, folded in float64.
fn fold(name: &str, tensors: &Tensors, eps: f32) -> Result<Vec<f32>> {
    let [weight, bias, mean, var] = ["weight", "bias", "running_mean", "running_var"].map(|p| format!("{name}.{p}"));
    let (weight, bias) = (find(tensors, &weight)?, find(tensors, &bias)?);
    let (mean, var) = (find(tensors, &mean)?, find(tensors, &var)?);
    let scale = |j: usize| f64::from(weight.data[j]) / (f64::from(var.data[j]) + f64::from(eps)).sqrt();
    let shift = |j: usize| f64::from(bias.data[j]) - f64::from(mean.data[j]) * scale(j);
    let features = 0..weight.data.len();
    Ok(features.clone().map(|j| scale(j) as f32).chain(features.map(|j| shift(j) as f32)).collect())
}

/// What a head's initial output weights are multiplied by, so that training starts from poses of human size: Kaiming's
/// alone give metres of noise, which 3,000 steps then mostly spend on shrinking (see `docs/rejected.md`).
const HEAD_SCALE: f64 = 0.03;

/// Bytes that a model's parameters take in the host's memory, with the largest in the device's order beside them.
pub(crate) fn parameter_bytes(model: &ModelConfig) -> u64 {
    let sizes = || expected_tensors(model).into_iter().map(|(_, shape)| 4 * shape.iter().product::<usize>() as u64);
    sizes().sum::<u64>() + sizes().max().unwrap_or(0)
}

/// Initial parameters of a model, see [`draw_tensors`].
#[must_use]
pub fn initial_tensors(model: &ModelConfig, seed: u32) -> Tensors {
    draw_tensors(&expected_tensors(model), seed)
}

/// Initial parameters by names and shapes: Kaiming-normal weights (fan in, gain sqrt 2), those of the heads' outputs times
/// 0.03, biases uniform in ±1/sqrt(fan in), norms 1 and 0; the same for a seed on every machine.
#[must_use]
pub fn draw_tensors(expected: &[(String, Vec<usize>)], seed: u32) -> Tensors {
    let fan_in = |name: &str| {
        let weight = name.replace(".bias", ".weight");
        expected.iter().find(|(n, shape)| *n == weight && shape.len() == 2).map(|(_, shape)| shape[1] as f64)
    };
    let mut all = Tensors::new();
    for ((name, shape), index) in expected.iter().zip(0u32..) {
        let count: usize = shape.iter().product();
        let unit = |bits: u32| (f64::from(bits) + 0.5) / 4_294_967_296.0;
        let draw = |k: usize| pcg4d([seed, index, STREAM_INIT, k as u32]);
        let data = match (fan_in(name), name.rsplit('.').next()) {
            (Some(fan_in), Some("weight")) => (0..count)
                .map(|k| {
                    let head = if name == "fsl.out.weight" || name == "ssl.out.weight" { HEAD_SCALE } else { 1.0 };
                    let [a, b, ..] = draw(k);
                    // Box and Muller.
                    let normal = (-2.0 * unit(a).ln()).sqrt() * (std::f64::consts::TAU * unit(b)).cos();
                    (head * normal * (2.0 / fan_in).sqrt()) as f32
                })
                .collect(),
            (Some(fan_in), _) => (0..count).map(|k| ((2.0 * unit(draw(k)[0]) - 1.0) / fan_in.sqrt()) as f32).collect(),
            (None, Some("weight" | "running_var")) => vec![1.0; count],
            _ => vec![0.0; count],
        };
        all.insert(name.clone(), Tensor { shape: shape.clone(), data });
    }
    all
}
