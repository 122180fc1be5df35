//! The networks of Sec. 3.3 and the tables of the skeleton.

use burn::tensor::{Device, Distribution, Int, Tensor, TensorData, activation::leaky_relu};

const SLOPE: f64 = 0.01;
const DEPTH: f64 = 10.0;
const MIN_DEPTH: f64 = 1.0;

/// What a forward pass is for.
#[derive(Clone, Copy, PartialEq)]
pub enum Pass {
    /// Without autodiff.
    Predict,
    /// With it, batch norms frozen.
    Adapt,
    /// With it, batch norms over the batch, dropout.
    Train,
}

/// Weight (in, out) and bias (1, out).
struct Linear {
    weight: Tensor<2>,
    bias: Tensor<2>,
}

impl Linear {
    fn new(inputs: usize, outputs: usize, gain: f64, device: &Device) -> Self {
        let normal = Distribution::Normal(0.0, gain * (2.0 / inputs as f64).sqrt());
        let weight = Tensor::random([inputs, outputs], normal, device).require_grad();
        Self { weight, bias: Tensor::zeros([1, outputs], device).require_grad() }
    }

    fn forward(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        if pass == Pass::Predict { x.matmul(weight.inner()) + bias.inner() } else { x.matmul(weight) + bias }
    }
}

/// A batch norm: scale and shift (1, features), which hold the running statistics too where it is frozen.
struct Norm {
    scale: Tensor<2>,
    shift: Tensor<2>,
}

impl Norm {
    fn new(features: usize, trains: bool, device: &Device) -> Self {
        let (scale, shift) = (Tensor::ones([1, features], device), Tensor::zeros([1, features], device));
        if trains { Self { scale: scale.require_grad(), shift: shift.require_grad() } } else { Self { scale, shift } }
    }

    fn forward(&self, x: Tensor<2>, pass: Pass) -> Tensor<2> {
        let (scale, shift) = (self.scale.clone(), self.shift.clone());
        match pass {
            Pass::Predict => x * scale.inner() + shift.inner(),
            Pass::Adapt => x * scale + shift,
            // The running statistics, which cost little, are not kept.
            Pass::Train => {
                let centred = x.clone() - x.mean_dim(0);
                let variance = centred.clone().square().mean_dim(0);
                centred / (variance + 1e-5).sqrt() * scale + shift
            }
        }
    }
}

/// Residual blocks between an optional first and an optional last linear layer.
struct Stack {
    stem: Option<Linear>,
    blocks: Vec<[(Linear, Option<Norm>); 2]>,
    out: Option<Linear>,
}

impl Stack {
    /// `norm`: whether there are batch norms, and whether they learn.
    fn new(sizes: [Option<usize>; 2], blocks: usize, norm: Option<bool>, width: usize, device: &Device) -> Self {
        // Heads start small, so that poses are of human size.
        let gain = if norm.is_some() { 0.03 } else { 1.0 };
        let layer = || (Linear::new(width, width, 1.0, device), norm.map(|trains| Norm::new(width, trains, device)));
        Self {
            stem: sizes[0].map(|inputs| Linear::new(inputs, width, 1.0, device)),
            blocks: (0..blocks).map(|_| [layer(), layer()]).collect(),
            out: sizes[1].map(|outputs| Linear::new(width, outputs, gain, device)),
        }
    }

    fn forward(&self, mut x: Tensor<2>, pass: Pass) -> Tensor<2> {
        if let Some(stem) = &self.stem {
            x = stem.forward(x, pass);
        }
        for block in &self.blocks {
            let mut h = x.clone();
            for (linear, norm) in block {
                h = linear.forward(h, pass);
                if let Some(norm) = norm {
                    h = norm.forward(h, pass);
                }
                h = leaky_relu(h, SLOPE);
                if pass == Pass::Train {
                    h = h.clone() * h.random_like(Distribution::Bernoulli(0.5)) * 2.0;
                }
            }
            x = x + h;
        }
        match &self.out {
            Some(out) => out.forward(x, pass),
            None => x,
        }
    }

    /// Weights and biases, those of batch norms last.
    fn parameters(&mut self, norms: bool) -> Vec<&mut Tensor<2>> {
        let (mut all, mut learnt) = (Vec::new(), Vec::new());
        for (linear, norm) in self.blocks.iter_mut().flatten() {
            all.extend([&mut linear.weight, &mut linear.bias]);
            learnt.extend(norm.iter_mut().filter(|_| norms).flat_map(|norm| [&mut norm.scale, &mut norm.shift]));
        }
        all.extend(self.stem.iter_mut().chain(&mut self.out).flat_map(|layer| [&mut layer.weight, &mut layer.bias]));
        all.extend(learnt);
        all
    }
}

/// Extractor, both heads, discriminator.
pub struct Net {
    extractor: Stack,
    fsl: Stack,
    ssl: Stack,
    disc: Stack,
    joints: usize,
}

impl Net {
    /// `trains`: for whole training steps, else for adaptation.
    pub fn new(joints: usize, width: usize, trains: bool, device: &Device) -> Self {
        let head = || Stack::new([None, Some(3 * joints)], 1, Some(trains), width, device);
        Self {
            extractor: Stack::new([Some(2 * joints), None], 3, Some(trains), width, device),
            fsl: head(),
            ssl: head(),
            disc: Stack::new([Some(2 * joints), Some(1)], 3, None, width, device),
            joints,
        }
    }

    /// `x` (rows, J, 2).
    pub fn features(&self, x: Tensor<3>, pass: Pass) -> Tensor<2> {
        let rows = x.dims()[0];
        self.extractor.forward(x.reshape([rows, 2 * self.joints]), pass)
    }

    /// (rows, J, 3), root-centred.
    pub fn ssl(&self, features: Tensor<2>, pass: Pass) -> Tensor<3> {
        self.pose(self.ssl.forward(features, pass))
    }

    /// (rows, J, 3), root-centred.
    pub fn fsl(&self, features: Tensor<2>, pass: Pass) -> Tensor<3> {
        self.pose(self.fsl.forward(features, pass))
    }

    /// Logits (rows, 1).
    pub fn discriminate(&self, x: Tensor<3>, pass: Pass) -> Tensor<2> {
        let rows = x.dims()[0];
        self.disc.forward(x.reshape([rows, 2 * self.joints]), pass)
    }

    fn pose(&self, out: Tensor<2>) -> Tensor<3> {
        let rows = out.dims()[0];
        let pose = out.reshape([rows, self.joints, 3]);
        pose.clone() - pose.slice([0..rows, 0..1, 0..3])
    }

    /// Parameters that adaptation moves, or those that training does, and whether they ascend.
    pub fn parameters(&mut self, trains: bool) -> Vec<(&mut Tensor<2>, bool)> {
        let supervised = if trains { self.fsl.parameters(true) } else { Vec::new() };
        let generator = self.extractor.parameters(trains).into_iter().chain(self.ssl.parameters(trains));
        let descends = generator.chain(supervised).map(|tensor| (tensor, false));
        descends.chain(self.disc.parameters(false).into_iter().map(|tensor| (tensor, true))).collect()
    }
}

/// Bones (rows, J - 1, 2 or 3): from each joint's parent to the joint.
pub fn bones(pose: &Tensor<3>, parents: &Tensor<1, Int>) -> Tensor<3> {
    let [rows, joints, axes] = pose.dims();
    pose.clone().slice([0..rows, 1..joints, 0..axes]) - pose.clone().select(1, parents.clone())
}

/// Perspective projection of (rows, J, 3), the root at [`DEPTH`].
pub fn project(pose: Tensor<3>) -> Tensor<3> {
    let [rows, joints, _] = pose.dims();
    let depth = (pose.clone().slice([0..rows, 0..joints, 2..3]) + DEPTH).clamp_min(MIN_DEPTH);
    pose.slice([0..rows, 0..joints, 0..2]) / depth
}

/// Parents, mirror joints and expected bone lengths.
pub struct Skeleton {
    pub parents: Tensor<1, Int>,
    swap: Tensor<1, Int>,
    bones: Tensor<3>,
    device: Device,
}

impl Skeleton {
    pub fn new(joints: usize, device: &Device) -> Self {
        let (parents, swap): (&[i32], &[i32]) = match joints {
            16 => (
                &[0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14],
                &[0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 13, 14, 15, 10, 11, 12],
            ),
            _ => (
                &[0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15],
                &[0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13],
            ),
        };
        let lengths: Vec<f32> = (0..joints - 1).map(|i| (0.25 + 0.01 * i as f32) / DEPTH as f32).collect();
        let ints = |values: &[i32]| Tensor::<1, Int>::from_data(TensorData::from(values), device);
        Self {
            parents: ints(parents),
            swap: ints(swap),
            bones: Tensor::from_data(TensorData::new(lengths, [1, joints - 1, 1]), device),
            device: device.clone(),
        }
    }

    /// The mirror image of (rows, J, 2) or (rows, J, 3).
    pub fn flip(&self, pose: Tensor<3>) -> Tensor<3> {
        let sign: &[f32] = if pose.dims()[2] == 2 { &[-1.0, 1.0] } else { &[-1.0, 1.0, 1.0] };
        let sign = Tensor::<1>::from_data(TensorData::from(sign), &self.device).reshape([1, 1, sign.len()]);
        pose.select(1, self.swap.clone()) * sign
    }

    /// (rows, J, 2), root-centred and divided by the bone scale.
    pub fn normalise(&self, x: Tensor<3>) -> Tensor<3> {
        let rows = x.dims()[0];
        let x = x.clone() - x.slice([0..rows, 0..1, 0..2]);
        let lengths = bones(&x, &self.parents).square().sum_dim(2).clamp_min(1e-14).sqrt();
        let scale = (lengths / self.bones.clone()).powi_scalar(6).mean_dim(1).powf_scalar(1.0 / 6.0).clamp_min(1e-9);
        x / scale
    }
}
