//! Blocks, stacks, heads and the discriminator, frozen and as they train.

use isopose::config::{ModelConfig, Network};
use isopose::cpu::State;
use isopose::kernels::LINEAR_BACKWARD_INPUT_AND_SCALE_SHIFT_LEAKY_RELU;
use isopose::nn::{
    Block, Discriminator, Extent, FrozenBlock, Head, Lifted, Pass, Rows, Stack, Storage, Store, Through, TrainingBlock,
    TrainingOptions, Update, UpdateFrom, Weights,
};
use isopose::plan::{CpuExecutor, Executor, Init, Recorder, SectionId, TensorId};
use isopose::task::Seed;

use super::{check, dot};
use crate::models::draws;

const ROWS: usize = 16;
const WIDTH: usize = 12;
const EXTENT: Extent = Extent { instances: 1, rows: ROWS, width: WIDTH, slope: 0.01 };
const PASS: Pass = Pass { rows: Rows { first: 0, count: ROWS }, weights: Weights::Working, group: 0 };

/// A recorded network: the sum of `y * weights` is the objective.
struct Graph {
    executor: CpuExecutor,
    store: Store,
    forward: SectionId,
    x: TensorId,
    y: TensorId,
    dx: TensorId,
    weights: Vec<f32>,
}

/// What a network records: it gets the input, the output's gradient and `[ones, state]`; it returns output, the
/// gradient at the input and the section of the forward pass.
fn graph(
    what: &str,
    inputs: usize,
    outputs: usize,
    record: impl FnOnce(&mut Recorder, &mut Store, [TensorId; 4]) -> (TensorId, TensorId, SectionId, Vec<TensorId>),
) -> Graph {
    let (mut rec, mut store) = (Recorder::new(), Store::default());
    let x = rec.tensor_with("x", &[1, ROWS, inputs], Init::Data(draws(1, ROWS * inputs)));
    let weights = draws(2, ROWS * outputs);
    let dy = rec.tensor_with("dy", &[1, ROWS, outputs], Init::Data(weights.clone()));
    let ones = rec.tensor_with("ones", &[1, ROWS], Init::Fill(1.0));
    // A step size of 0: parameters stay, and the first moment is a tenth of the gradient.
    let state = State { seed: 3, step: 4, ..State::default() }.words().to_vec();
    let state = rec.tensor_with("state", &[State::WORDS], Init::Data(state));
    let (y, dx, forward, start) = record(&mut rec, &mut store, [x, dy, ones, state]);
    let mut executor = CpuExecutor::new(rec.finish(), 1).unwrap();
    for (k, layer) in store.linears.iter().enumerate() {
        let count = executor.plan().tensor(layer.working).len();
        let scale = (6.0 / layer.in_features as f32).sqrt();
        let parameters: Vec<f32> = draws(100 + k as u32, count).iter().map(|v| scale * v).collect();
        executor.write(layer.working, 0, &parameters);
    }
    for (k, norm) in store.norms.iter().enumerate() {
        let count = executor.plan().tensor(norm.weight_bias).len();
        let words: Vec<f32> = draws(200 + k as u32, count)
            .iter()
            .enumerate()
            .map(|(i, v)| v + f32::from(u8::from(2 * i < count)))
            .collect();
        executor.write(norm.weight_bias, 0, &words);
    }
    for (k, (_, norm)) in store.frozen_norms.iter().enumerate() {
        let words: Vec<f32> = draws(300 + k as u32, 2 * WIDTH)
            .iter()
            .enumerate()
            .map(|(i, v)| if i < WIDTH { 1.0 + 0.5 * v } else { *v })
            .collect();
        executor.write(*norm, 0, &words);
    }
    for tensor in start {
        executor.write(tensor, 0, &weights);
    }
    for section in 0..executor.plan().sections.len() {
        assert!(!executor.plan().sections[section].dispatches.is_empty(), "{what}: section {section} is empty");
    }
    Graph { executor, store, forward, x, y, dx, weights }
}

impl Graph {
    /// Objective with `words` in place of a tensor's content.
    fn objective(&mut self, tensor: TensorId, words: &[f32]) -> f64 {
        self.executor.write(tensor, 0, words);
        self.executor.replay(self.forward).unwrap();
        dot(&self.executor.read(self.y).unwrap(), &self.weights)
    }

    fn check(&mut self, what: &str, tensor: TensorId, gradient: &[f32]) {
        let at = self.executor.read(tensor).unwrap();
        check(what, &at, gradient, |words| self.objective(tensor, words));
        self.executor.write(tensor, 0, &at);
    }

    /// The gradient at the input and those of all parameters. `backward` was recorded behind the forward pass.
    fn check_all(mut self, what: &str, backward: SectionId) {
        self.executor.replay(self.forward).unwrap();
        self.executor.replay(backward).unwrap();
        let (x, dx) = (self.x, self.executor.read(self.dx).unwrap());
        let of_moment = |executor: &mut CpuExecutor, moment| -> Vec<f32> {
            executor.read(moment).unwrap().iter().map(|m| m / 0.1).collect()
        };
        let mut gradients = vec![(format!("{what}: input"), x, dx)];
        for layer in &self.store.linears {
            let gradient = of_moment(&mut self.executor, layer.moments.unwrap()[0]);
            if layer.bias_cancelled {
                let bias = &gradient[layer.in_features * layer.out_features..];
                assert!(bias.iter().all(|&g| g == 0.0), "{what}: {}: batch norm cancels the bias", layer.name);
            }
            gradients.push((format!("{what}: {}", layer.name), layer.working, gradient));
        }
        for norm in &self.store.norms {
            let gradient = of_moment(&mut self.executor, norm.moments[0]);
            gradients.push((format!("{what}: {}", norm.name), norm.weight_bias, gradient));
        }
        for (what, tensor, gradient) in gradients {
            self.check(&what, tensor, &gradient);
        }
    }
}

/// Every row.
fn from(x: TensorId, row_scale: TensorId, state: TensorId) -> UpdateFrom {
    UpdateFrom { x, row_scale, state, rows: PASS.rows }
}

fn options(rec: &mut Recorder, state: TensorId) -> TrainingOptions {
    TrainingOptions {
        dropout: 0.25,
        bn_eps: 1e-5,
        bn_momentum: 0.1,
        groups: 1,
        state,
        recorded_masks: false,
        no_mask: rec.tensor_with("no_mask", &[1, 1], Init::Words(vec![1])),
    }
}

/// Takes the gradient `dy` through the frozen epilogue that a network's output comes from, as a layer behind it would:
/// one whose weights are the identity.
fn record_through(rec: &mut Recorder, dy: TensorId, through: Option<Through>) {
    let Some(Through { a, scale_shift, dz, slope }) = through else { return };
    let weights = (0..(WIDTH + 1) * WIDTH).map(|i| if i % (WIDTH + 1) == 0 { 1.0 } else { 0.0 });
    let parameters = rec.tensor_with("identity", &[1, WIDTH + 1, WIDTH], Init::Data(weights.collect()));
    let dx = rec.tensor("identity.dx", &[1, ROWS, WIDTH]);
    let tensors =
        [("dy", dy), ("parameters", parameters), ("a", a), ("scale_shift", scale_shift), ("dx", dx), ("dz", dz)];
    let values = [("row", 0u32.into()), ("rows", ROWS.into()), ("slope", slope.into())];
    rec.dispatch(&LINEAR_BACKWARD_INPUT_AND_SCALE_SHIFT_LEAKY_RELU, "identity", &tensors, &values).unwrap();
}

/// Forward and backward pass with an update of one block, with or without batch norm.
fn block<B: Block>(what: &str, norm: bool, options: impl FnOnce(&mut Recorder, TensorId) -> B::Options) {
    let mut backward = None;
    let graph = graph(what, WIDTH, WIDTH, |rec, store, [x, dy, ones, state]| {
        let options = options(rec, state);
        let block = B::new(rec, store, "rb", EXTENT, (&options, norm));
        let forward = rec.section("forward");
        block.record_forward(rec, x, PASS).unwrap();
        backward = Some(rec.section("backward"));
        record_through(rec, dy, block.through());
        block.record_backward(rec, dy, PASS, None).unwrap();
        block.record_update(rec, Update::InPlace, from(x, ones, state)).unwrap();
        (block.y(), block.dx(), forward, Vec::new())
    });
    graph.check_all(what, backward.unwrap());
}

#[test]
fn a_gradient_that_skips_an_epilogue_is_refused() {
    let (mut rec, mut store) = (Recorder::new(), Store::default());
    let dy = rec.tensor("dy", &[1, ROWS, WIDTH]);
    let block = FrozenBlock::new(&mut rec, &mut store, "rb", EXTENT, (&Storage::InPlace, true));
    rec.section("backward");
    let error = block.record_backward(&mut rec, dy, PASS, None).unwrap_err().to_string();
    assert!(error.contains("rb.fc2") && error.contains("epilogue"), "{error}");
}

#[test]
fn a_gradient_that_has_gone_through_an_epilogue_is_not_added_to() {
    let mut rec = Recorder::new();
    let [first, second, a, dz] = ["first", "second", "a", "dz"].map(|name| rec.tensor(name, &[1, ROWS, WIDTH]));
    let through = Some(Through { a, scale_shift: rec.tensor("norm", &[2, WIDTH]), dz, slope: 0.01 });
    let mut seed = Seed::default();
    seed.add(&mut rec, first, PASS.rows, through).unwrap();
    assert_eq!(seed.sum(), Some(first));
    let error = seed.add(&mut rec, second, PASS.rows, through).unwrap_err().to_string();
    assert!(error.contains("cannot be added to"), "{error}");
}

#[test]
fn blocks() {
    block::<FrozenBlock>("frozen block", true, |_, _| Storage::InPlace);
    block::<FrozenBlock>("frozen block without norm", false, |_, _| Storage::InPlace);
    block::<TrainingBlock>("training block", true, options);
    block::<TrainingBlock>("training block without norm", false, options);
}

/// `slope` is steeper where batch norm over few rows, six times in a row, would make nearly every step meet a kink.
fn stack<B: Block>(what: &str, slope: f32, options: impl FnOnce(&mut Recorder, TensorId) -> B::Options) {
    let mut backward = None;
    let graph = graph(what, 32, WIDTH, |rec, store, [x, dy, ones, state]| {
        let options = options(rec, state);
        let stack = <Stack<B>>::new(rec, store, ("stack", 32), Extent { slope, ..EXTENT }, (&options, true));
        let dx = rec.tensor("dx", &[1, ROWS, 32]);
        let forward = rec.section("forward");
        stack.record_forward(rec, x, PASS).unwrap();
        backward = Some(rec.section("backward"));
        record_through(rec, dy, stack.through());
        stack.record_backward(rec, dy, PASS).unwrap();
        stack.record_backward_input(rec, dx, PASS).unwrap();
        stack.record_update(rec, Update::InPlace, from(x, ones, state)).unwrap();
        (stack.features(), dx, forward, Vec::new())
    });
    graph.check_all(what, backward.unwrap());
}

fn head<B: Block>(what: &str, options: impl FnOnce(&mut Recorder, TensorId) -> B::Options) {
    let mut backward = None;
    let graph = graph(what, WIDTH, 48, |rec, store, [x, _, ones, state]| {
        let options = options(rec, state);
        let model = ModelConfig::default();
        let head = <Head<B>>::new(rec, store, (Network::FslHead, &model), EXTENT, &options);
        let forward = rec.section("forward");
        head.record_forward(rec, Lifted { features: x, keypoints: x }, PASS).unwrap();
        backward = Some(rec.section("backward"));
        let dx = head.record_backward(rec, x, PASS, None).unwrap();
        head.record_update(rec, Update::InPlace, from(x, ones, state)).unwrap();
        (head.pose, dx, forward, vec![head.dpose])
    });
    graph.check_all(what, backward.unwrap());
}

#[test]
fn stacks_and_heads() {
    stack::<FrozenBlock>("frozen stack", 0.01, |_, _| Storage::InPlace);
    stack::<TrainingBlock>("training stack", 0.5, options);
    head::<FrozenBlock>("frozen head", |_, _| Storage::InPlace);
    head::<TrainingBlock>("training head", options);
}

/// The discriminator starts from a unit seed on each row; rows are weighed in the update, and here at the input.
fn discriminator<B: Block>(what: &str, options: impl FnOnce(&mut Recorder, TensorId) -> B::Options) {
    let mut backward = None;
    let factors = draws(5, ROWS);
    let mut graph = graph(what, 32, 4, |rec, store, [x, _, _, state]| {
        let options = options(rec, state);
        let disc = <Discriminator<B>>::new(rec, store, 32, EXTENT, &options);
        let dx = rec.tensor("dx", &[1, ROWS, 32]);
        let scale = rec.tensor_with("row_scale", &[1, ROWS], Init::Data(factors.clone()));
        let forward = rec.section("forward");
        disc.record_forward(rec, x, PASS).unwrap();
        backward = Some(rec.section("backward"));
        disc.record_backward(rec, PASS).unwrap();
        disc.record_backward_input(rec, dx, PASS).unwrap();
        disc.record_update(rec, Update::InPlace, from(x, scale, state)).unwrap();
        // The graph's check of the input wants the weighed gradient: the objective weighs rows by `factors`.
        (disc.logits, dx, forward, Vec::new())
    });
    graph.weights = factors.iter().flat_map(|&f| [f, 0.0, 0.0, 0.0]).collect();
    let backward = backward.unwrap();
    graph.executor.replay(graph.forward).unwrap();
    graph.executor.replay(backward).unwrap();
    let dx = graph.executor.read(graph.dx).unwrap();
    let weighed: Vec<f32> = dx.chunks_exact(32).zip(&factors).flat_map(|(d, f)| d.iter().map(move |d| d * f)).collect();
    let x = graph.x;
    graph.check(&format!("{what}: input"), x, &weighed);
    for layer in graph.store.linears.clone() {
        let moment = graph.executor.read(layer.moments.unwrap()[0]).unwrap();
        let gradient: Vec<f32> = moment.iter().map(|m| m / 0.1).collect();
        graph.check(&format!("{what}: {}", layer.name), layer.working, &gradient);
    }
}

#[test]
fn discriminators() {
    discriminator::<FrozenBlock>("frozen discriminator", |_, _| Storage::InPlace);
    discriminator::<TrainingBlock>("training discriminator", options);
}
