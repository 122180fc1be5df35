//! The cases that each kernel is tried on: sizes 1, 2, tile - 1, tile, tile + 1, primes and 1024; rows in the middle of
//! their tensors; several instances, with parameters shared and their own.

use super::pose_cases;
use crate::cpu::State;
use crate::cpu::random::{keep_threshold, pcg4d, unit_float};
use crate::error::Result;
use crate::kernel::{Access, Element, Kernel, Value};
use crate::kernels::*;
use crate::plan::{Init, Plan, Recorder, SectionId};
use crate::pose::Skeleton;

/// One dispatch: a kernel with its symbolic dimensions and its numbers.
pub struct Case {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Every symbolic dimension of its bindings.
    pub dims: Vec<(&'static str, usize)>,
    /// Every uniform that is not one of them.
    pub values: Vec<(&'static str, Value)>,
}

impl Case {
    /// A plan of this one dispatch. What is read is random, what is only written starts as NaN.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when the case does not fit the kernel.
    pub fn plan(&self) -> Result<(Plan, SectionId)> {
        let mut rec = Recorder::new();
        let section = rec.section(self.kernel.name);
        let mut tensors = Vec::new();
        for (index, binding) in self.kernel.bindings.iter().enumerate() {
            let shape: Vec<usize> = binding.shape.iter().map(|symbol| self.size(symbol)).collect();
            let init = self.content(binding.name, binding.element, binding.access, &shape, index as u32);
            tensors.push((binding.name, rec.tensor_with(binding.name, &shape, init)));
        }
        rec.dispatch(self.kernel, "case", &tensors, &self.values)?;
        Ok((rec.finish(), section))
    }

    fn size(&self, symbol: &str) -> usize {
        let (name, plus) = symbol.split_once('+').map_or((symbol, 0), |(name, plus)| (name, plus.parse().unwrap_or(0)));
        let known = self.dims.iter().find(|(dim, _)| *dim == name).map(|(_, size)| *size);
        known.or_else(|| name.parse().ok()).unwrap_or(0) + plus
    }

    fn content(&self, name: &str, element: Element, access: Access, shape: &[usize], index: u32) -> Init {
        let count: usize = shape.iter().product();
        let draw = |k: usize| pcg4d([11, 0, index, k as u32])[0];
        let normal = |k: usize| (0..4).map(|i| unit_float(pcg4d([7, i, index, k as u32])[1]) - 0.5).sum::<f32>();
        match (name, element, access) {
            (_, Element::State, _) => {
                let state = State {
                    seed: 5,
                    step: 3,
                    sample: 9,
                    chunk: 8,
                    correction1: 0.271,
                    correction2: 0.002_997,
                    step_size: 0.37,
                    inverse_sqrt2: 18.3,
                };
                Init::Data(state.words().to_vec())
            }
            ("skeleton", ..) => {
                let skeleton = Skeleton::of(shape[1]);
                let words = skeleton.into_iter().flat_map(|s| s.parents.iter().chain(s.swap)).map(|&j| j as u32);
                Init::Words(words.collect())
            }
            ("limbs", ..) => {
                let limbs = Skeleton::of(self.size("joints")).into_iter().flat_map(|s| s.limbs.as_flattened());
                Init::Words(limbs.map(|&j| j as u32).collect())
            }
            // Rows that a tensor of losses has: a first one, and how many.
            ("columns", ..) => {
                let all = self.size("loss_rows") as u32;
                Init::Words(
                    (0..shape[0] as u32).flat_map(|k| [k % all, (draw(k as usize) % 9).min(all - k % all)]).collect(),
                )
            }
            (_, Element::U32, _) => Init::Words((0..count).map(|k| draw(k) & 1).collect()),
            (_, _, Access::Write) => Init::Fill(f32::NAN),
            ("bones", ..) => Init::Data((0..count).map(|k| 0.02 + 0.03 * unit_float(draw(k))).collect()),
            ("exp_avg_sq" | "running", ..) => Init::Data((0..count).map(|k| 0.1 + normal(k).powi(2)).collect()),
            ("views", ..) => Init::Data((0..count).map(|k| 3.0 * normal(k)).collect()),
            _ => Init::Data((0..count).map(normal).collect()),
        }
    }
}

/// Every case of every kernel, kernel by kernel.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    linear(&mut all);
    updates(&mut all);
    activations(&mut all);
    batch_norm(&mut all);
    pose_cases::all(&mut all);
    state(&mut all);
    all
}

/// (in, out, x rows, y rows, row, rows, instances, shared weights)
const LINEAR: &[[usize; 8]] = &[
    [1, 4, 1, 1, 0, 1, 1, 1],
    [2, 8, 2, 3, 0, 2, 1, 1],
    [32, 252, 7, 7, 0, 7, 1, 1],
    [34, 256, 8, 8, 0, 8, 1, 1],
    [63, 260, 9, 9, 0, 9, 1, 1],
    [30, 36, 15, 15, 0, 15, 1, 1],
    [35, 68, 16, 16, 0, 16, 1, 1],
    [64, 52, 17, 19, 3, 13, 2, 1],
    [65, 48, 11, 7, 2, 5, 3, 3],
    [127, 4, 5, 5, 1, 3, 2, 2],
    [70, 20, 81, 81, 0, 81, 1, 1],
    [257, 8, 25, 25, 0, 25, 1, 1],
    [513, 8, 9, 9, 0, 9, 1, 1],
    [6, 516, 5, 5, 0, 5, 1, 1],
    [1024, 1024, 17, 17, 0, 17, 1, 1],
];

fn linear(all: &mut Vec<Case>) {
    let kernels = [
        &LINEAR_FORWARD,
        &LINEAR_BATCH_NORM_LEAKY_RELU_FORWARD,
        &LINEAR_BATCH_NORM_LEAKY_RELU_RESIDUAL_FORWARD,
        &LINEAR_BACKWARD_INPUT,
        &LINEAR_BACKWARD_INPUT_RESIDUAL,
        &LINEAR_BACKWARD_INPUT_SCALE_SHIFT_LEAKY_RELU,
        &LINEAR_BACKWARD_INPUT_AND_SCALE_SHIFT_LEAKY_RELU,
        &LINEAR_BACKWARD_INPUT_RESIDUAL_AND_SCALE_SHIFT_LEAKY_RELU,
    ];
    for kernel in kernels {
        for &[in_features, out_features, x_rows, y_rows, row, rows, instances, shared] in LINEAR {
            let mut values = vec![("row", row.into()), ("rows", rows.into())];
            if kernel.uniforms.iter().any(|u| u.name() == "slope") {
                values.push(("slope", 0.01.into()));
            }
            let dims = vec![
                ("in_features", in_features),
                ("out_features", out_features),
                ("x_rows", x_rows),
                ("y_rows", y_rows),
                ("instances", instances),
                ("weight_instances", shared),
            ];
            all.push(Case { kernel, dims, values });
        }
    }
}

fn updates(all: &mut Vec<Case>) {
    let kernels = [
        &LINEAR_BACKWARD_WEIGHT_ADAM,
        &LINEAR_BACKWARD_WEIGHT_ADAM_FIRST,
        &LINEAR_BACKWARD_WEIGHT_ADAM_LAST,
        &LINEAR_BACKWARD_WEIGHT_ADAM_ONLY,
    ];
    for kernel in kernels {
        for &[in_features, out_features, x_rows, y_rows, row, rows, instances, shared] in LINEAR {
            let dims = vec![
                ("in_features", in_features),
                ("out_features", out_features),
                ("x_rows", x_rows),
                ("y_rows", y_rows),
                ("instances", instances),
                ("source_instances", shared),
            ];
            let bias_input = if rows % 2 == 1 { 1.0 } else { 0.0 };
            let values = vec![("row", row.into()), ("rows", rows.into()), ("bias_input", bias_input.into())];
            all.push(Case { kernel, dims, values });
        }
    }
    for features in [4, 8, 124, 128, 132, 1024] {
        let dims = vec![("features", features), ("groups", 1 + features % 3)];
        all.push(Case { kernel: &ADAM, dims, values: Vec::new() });
    }
}

/// (features, all rows, row, rows)
const ROWS: &[[usize; 4]] =
    &[[4, 2, 0, 2], [8, 3, 1, 2], [252, 7, 0, 7], [256, 8, 3, 5], [260, 13, 2, 11], [1024, 17, 0, 17]];

fn activations(all: &mut Vec<Case>) {
    for &[features, all_rows, row, rows] in ROWS {
        let values = vec![("row", row.into()), ("rows", rows.into())];
        let dims = vec![("features", features), ("all_rows", all_rows), ("instances", 1 + row)];
        all.push(Case { kernel: &ADD, dims, values });
    }
    for kernel in [&LEAKY_RELU_DROPOUT_FORWARD, &LEAKY_RELU_DROPOUT_BACKWARD] {
        dropout_cases(all, kernel, false);
    }
}

/// Cases of a kernel with dropout: drawn, recorded and none.
fn dropout_cases(all: &mut Vec<Case>, kernel: &'static Kernel, norm: bool) {
    for (&[features, all_rows, row, rows], index) in ROWS.iter().zip(0u32..) {
        let (p, recorded) = ([0.5, 0.1, 0.0][index as usize % 3], index % 2 == 1);
        let [mask_rows, mask_features] = if recorded { [all_rows, features] } else { [1, 1] };
        let mut dims = vec![
            ("features", features),
            ("all_rows", all_rows),
            ("mask_rows", mask_rows),
            ("mask_features", mask_features),
        ];
        let mut values = vec![
            ("row", row.into()),
            ("rows", rows.into()),
            ("slope", 0.01.into()),
            ("keep_threshold", keep_threshold(p).into()),
            ("keep_scale", (1.0 / (1.0 - p)).into()),
            ("stream", (3 + index).into()),
            ("recorded", recorded.into()),
        ];
        if kernel.uniforms.iter().any(|u| u.name() == "add_residual") {
            values.push(("add_residual", (index % 2 == 0).into()));
        }
        if norm {
            dims.push(("groups", 2));
            values.push(("group", (index % 2).into()));
        }
        all.push(Case { kernel, dims, values });
    }
}

fn batch_norm(all: &mut Vec<Case>) {
    for (&[features, all_rows, row, rows], group) in ROWS.iter().zip([0u32, 1].into_iter().cycle()) {
        let dims = vec![("features", features), ("all_rows", all_rows), ("groups", 2)];
        let values = vec![
            ("row", row.into()),
            ("rows", rows.into()),
            ("group", group.into()),
            ("eps", 1e-5.into()),
            ("momentum", 0.1.into()),
        ];
        all.push(Case { kernel: &BATCH_NORM_STATISTICS, dims, values });
    }
    for kernel in [
        &BATCH_NORM_LEAKY_RELU_DROPOUT_FORWARD,
        &BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_REDUCE,
        &BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_INPUT,
    ] {
        dropout_cases(all, kernel, true);
    }
}

fn state(all: &mut Vec<Case>) {
    for (instances, view_rows, by_sample) in [(1, 1, true), (3, 63, true), (2, 65, false)] {
        let dims = vec![("instances", instances), ("view_rows", view_rows)];
        all.push(Case { kernel: &RANDOM_VIEWS, dims, values: vec![("by_sample", by_sample.into())] });
    }
    for restart in [true, false] {
        let values = vec![("lr", 2e-4.into()), ("log2_decay", (-1e-3).into()), ("restart", restart.into())];
        all.push(Case { kernel: &ADVANCE_STEP, dims: Vec::new(), values });
    }
    all.push(Case { kernel: &ADVANCE_SAMPLE, dims: Vec::new(), values: vec![("samples", 7u32.into())] });
}
