//! Parameters, Adam's moments and samples: every mode on one set of them.

use burn::optim::{Adam, AdamConfig, AdamState, Optimizer};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData, activation::log_sigmoid};

use crate::args::{Args, BATCH, Mode};
use crate::net::{Net, Pass, Skeleton, bones, project};

/// The learning rates online and in training.
const ALPHA: f64 = 2e-5;
const LEARNING_RATE: f64 = 2e-4;
/// The weight of self-supervision in training, Eq. 5.
const LAMBDA: f64 = 0.1;
/// Poses that training draws from.
const POSES: usize = 1024;

/// Networks and Adam's moments for each of their parameters.
struct Learner {
    net: Net,
    trains: bool,
    moments: Vec<Option<AdamState<2>>>,
    adam: Adam,
}

impl Learner {
    fn new(args: &Args, trains: bool, device: &Device) -> Self {
        let mut net = Net::new(args.joints, args.width, trains, device);
        let moments = net.parameters(trains).iter().map(|_| None).collect();
        Self { net, trains, moments, adam: AdamConfig::new().with_epsilon(1e-8).build() }
    }

    /// One backward pass for both players, then both steps.
    fn step(&mut self, loss: Tensor<1>, learning_rate: f64) {
        let mut gradients = loss.backward();
        for ((parameter, ascend), moment) in self.net.parameters(self.trains).into_iter().zip(&mut self.moments) {
            let gradient = parameter.grad_remove(&mut gradients).expect("every parameter has a gradient");
            let gradient = if ascend { gradient.neg() } else { gradient };
            let (new, state) = self.adam.step(learning_rate, parameter.clone().inner(), gradient, moment.take());
            *parameter = new.autodiff().require_grad();
            *moment = state;
        }
    }
}

pub struct Session {
    adapting: Learner,
    /// Its parameters before adaptation.
    source: Vec<Tensor<2>>,
    /// What is trained: made when it is first asked for, because it takes as much memory again.
    training: Option<(Learner, Tensor<3>, Tensor<3>)>,
    args: Args,
    skeleton: Skeleton,
    /// The same tables without autodiff, for predictions.
    plain_skeleton: Skeleton,
    poses: Vec<Vec<f32>>,
    device: Device,
    plain: Device,
}

impl Session {
    pub fn new(args: &Args) -> Self {
        let plain = Device::wgpu(args.device.clone());
        let device = plain.clone().autodiff();
        let mut adapting = Learner::new(args, false, &device);
        let source = adapting.net.parameters(false).into_iter().map(|(tensor, _)| tensor.clone().inner()).collect();
        // Any poses will do: speed does not depend on them.
        let pose = |i: usize| (0..2 * args.joints).map(|k| 0.1 * ((7 * i + 13 * k) as f32).sin()).collect();
        Self {
            adapting,
            source,
            training: None,
            args: args.clone(),
            skeleton: Skeleton::new(args.joints, &device),
            plain_skeleton: Skeleton::new(args.joints, &plain),
            poses: (0..64).map(pose).collect(),
            device,
            plain,
        }
    }

    /// One sample, from host memory to its prediction in host memory; or one training step.
    pub fn run(&mut self, mode: Mode, copies: usize, i: usize) {
        match mode {
            Mode::Baseline { .. } => {}
            Mode::OnlineSkip if i % mode.period() != 0 => {}
            Mode::Online | Mode::OnlineSkip => self.adapt(i, copies, ALPHA),
            Mode::Vanilla(steps, alpha) => {
                self.reset();
                (0..steps).for_each(|_| self.adapt(i, copies, alpha));
            }
            Mode::TrainStep => return self.train(i),
        }
        self.predict(i, mode != Mode::Baseline { flip: false });
    }

    fn sample(&self, i: usize, device: &Device) -> Tensor<3> {
        let words = self.poses[i % self.poses.len()].clone();
        Tensor::from_data(TensorData::new(words, [1, self.args.joints, 2]), device)
    }

    /// A sample, and its mirror image averaged in; read back.
    fn predict(&mut self, i: usize, flip: bool) {
        let (x, tables) = (self.sample(i, &self.plain), &self.plain_skeleton);
        let rows = if flip { Tensor::cat(vec![x.clone(), tables.flip(x)], 0) } else { x };
        let net = &self.adapting.net;
        let mut pose = net.fsl(net.features(rows, Pass::Predict), Pass::Predict);
        if flip {
            let [own, mirrored] = [0, 1].map(|k| pose.clone().slice([k..k + 1]));
            pose = (own + tables.flip(mirrored)) * 0.5;
        }
        let words = pose.into_data().try_to_vec::<f32>().expect("predictions are float32");
        assert!(words.iter().all(|v| v.is_finite()), "a prediction is not finite");
    }

    /// Back to the source, with a fresh Adam.
    fn reset(&mut self) {
        for ((parameter, _), source) in self.adapting.net.parameters(false).into_iter().zip(&self.source) {
            *parameter = source.clone().autodiff().require_grad();
        }
        self.adapting.moments.fill_with(|| None);
    }

    /// One step of Algorithm 1.
    fn adapt(&mut self, i: usize, copies: usize, alpha: f64) {
        let (x, net) = (self.sample(i, &self.device), &self.adapting.net);
        let features = net.features(x.clone(), Pass::Adapt);
        let loss = self.self_supervision(net, x, features, copies, Pass::Adapt);
        self.adapting.step(loss, alpha);
    }

    /// One step on Eq. 5, with Eq. 2 for the FSL head, on poses in device memory.
    fn train(&mut self, i: usize) {
        let (mut learner, keypoints, truth) = self.training.take().unwrap_or_else(|| {
            let draw = |axes: usize, scale: f64| {
                let normal = Distribution::Normal(0.0, scale);
                Tensor::<3>::random([POSES, self.args.joints, axes], normal, &self.device)
            };
            (Learner::new(&self.args, true, &self.device), draw(2, 0.1), draw(3, 0.3))
        });
        let drawn: Vec<i32> = (0..BATCH).map(|k| ((97 * i + 31 * k) % POSES) as i32).collect();
        let drawn = Tensor::<1, Int>::from_data(TensorData::new(drawn, [BATCH]), &self.device);
        let coin = || Tensor::<3>::random([BATCH, 1, 1], Distribution::Bernoulli(0.5), &self.device);
        let (x, truth_rows) = (keypoints.clone().select(0, drawn.clone()), truth.clone().select(0, drawn));
        let mirrored = coin();
        let mirror = |rows: Tensor<3>| {
            let image = self.skeleton.flip(rows.clone());
            rows.clone() + (image - rows) * mirrored.clone()
        };
        let (x, truth_rows) = (mirror(x), mirror(truth_rows));
        let net = &learner.net;
        let features = net.features(x.clone(), Pass::Train);
        let pose = net.fsl(features.clone(), Pass::Train);
        let squares = |difference: Tensor<3>| difference.square().sum() / BATCH as f64;
        let parents = &self.skeleton.parents;
        let supervised =
            squares(pose.clone() - truth_rows.clone()) + squares(bones(&pose, parents) - bones(&truth_rows, parents));
        let loss = supervised + self.self_supervision(net, x, features, BATCH, Pass::Train) * LAMBDA;
        learner.step(loss, LEARNING_RATE);
        self.training = Some((learner, keypoints, truth));
        self.plain.sync().expect("the device answers");
    }

    /// Eq. 3 and 4 with sums over joints; `x` (1 or `copies`, J, 2).
    fn self_supervision(&self, net: &Net, x: Tensor<3>, features: Tensor<2>, copies: usize, pass: Pass) -> Tensor<1> {
        let pose = net.ssl(features, pass);
        let rotations = self.random_rotations(copies);
        let rows = x.dims()[0];
        let turned = pose.clone().expand([copies, self.args.joints, 3]).matmul(rotations.clone().transpose());
        let y = self.skeleton.normalise(project(turned));
        let logits = net.discriminate(Tensor::cat(vec![x.clone(), y.clone()], 0), pass);
        let (real, fake) = (logits.clone().slice([0..rows]), logits.slice([rows..rows + copies]));
        let adversary = log_sigmoid(real).mean() + log_sigmoid(fake.neg()).mean();
        let back = net.ssl(net.features(y, pass), pass).matmul(rotations);
        let squares = |difference: Tensor<3>| difference.square().sum() / copies as f64;
        adversary + squares(project(back.clone()) - x) * 10.0 + squares(back - pose) * 0.1
    }

    /// (B, 3, 3): Rx(elevation) Ry(azimuth).
    fn random_rotations(&self, copies: usize) -> Tensor<3> {
        let draw = |limit: f64| Tensor::<1>::random([copies], Distribution::Uniform(-limit, limit), &self.device);
        let (azimuth, elevation) = (draw(std::f64::consts::PI), draw(std::f64::consts::PI / 9.0));
        let (ca, sa) = (azimuth.clone().cos(), azimuth.sin());
        let (ce, se) = (elevation.clone().cos(), elevation.sin());
        let rows = vec![
            ca.clone(),
            ca.clone().zeros_like(),
            sa.clone(),
            se.clone() * sa.clone(),
            ce.clone(),
            (se.clone() * ca.clone()).neg(),
            (ce.clone() * sa).neg(),
            se,
            ce * ca,
        ];
        Tensor::stack::<2>(rows, 1).reshape([copies, 3, 3])
    }
}
