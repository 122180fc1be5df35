//! The linear layer: one parameter tensor (in + 1, out) whose last row is the bias, `out` padded to a multiple of 4.

use super::{Extent, Pass, Store, UpdateFrom, Weights};
use crate::error::Result;
use crate::kernels;
use crate::plan::{Recorder, TensorId};

/// How a layer's parameters are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Never changed, one for all instances.
    Frozen,
    /// Updated in place, with Adam's moments: training and online adaptation.
    InPlace,
    /// A source that is never changed and working ones for each instance, written by each first step: vanilla
    /// adaptation. Without `moments` there is one step only.
    Fresh {
        /// Whether there are steps after the first.
        moments: bool,
    },
}

/// Which of the fused gradient-and-Adam kernels a step uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// In place.
    InPlace,
    /// From the source to the working parameters; the moments start here.
    First,
    /// In place; the moments end here.
    Last,
    /// From the source to the working parameters, no moments.
    Only,
}

impl Update {
    /// The update at step `step` of `steps` after which everything is discarded.
    #[must_use]
    pub fn of_step(step: usize, steps: usize) -> Self {
        match (step, steps) {
            (0, 1) => Self::Only,
            (0, _) => Self::First,
            (step, steps) if step + 1 == steps => Self::Last,
            _ => Self::InPlace,
        }
    }
}

/// What a layer reads and writes on its way forward.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// Input.
    pub x: TensorId,
    /// Output.
    pub y: TensorId,
}

/// As [`Forward`], through a folded batch norm (2, out) and the leaky ReLU.
#[derive(Clone, Copy, Debug)]
pub struct ActivatedForward {
    /// Input.
    pub x: TensorId,
    /// The folded norm.
    pub scale_shift: TensorId,
    /// Output.
    pub y: TensorId,
}

/// As [`ActivatedForward`], then added to the block's input.
#[derive(Clone, Copy, Debug)]
pub struct ResidualForward {
    /// Input.
    pub x: TensorId,
    /// The folded norm.
    pub scale_shift: TensorId,
    /// The block's input.
    pub residual: TensorId,
    /// The activation, which the backward pass needs.
    pub a: TensorId,
    /// Output: residual + a.
    pub y: TensorId,
}

/// What a layer reads and writes on its way back.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// Gradient at the output.
    pub dy: TensorId,
    /// A gradient that joins at the input, if there is one.
    pub residual: Option<TensorId>,
    /// Gradient at the input.
    pub dx: TensorId,
    /// The frozen epilogue that made the input, which the gradient goes on through.
    pub through: Option<Through>,
}

/// The frozen epilogue of a layer, on the way back: `dz = dx * leaky_relu'(a) * scale`.
#[derive(Clone, Copy, Debug)]
pub struct Through {
    /// Its activation.
    pub a: TensorId,
    /// Its folded norm (2, features).
    pub scale_shift: TensorId,
    /// Gradient at its linear output.
    pub dz: TensorId,
    /// Negative slope of the leaky ReLU.
    pub slope: f32,
}

/// A linear layer in a plan.
#[derive(Clone, Debug)]
pub struct Linear {
    /// Dotted name, as in checkpoints.
    pub name: String,
    /// Input features.
    pub in_features: usize,
    /// Output features, without padding.
    pub out_features: usize,
    /// Parameters as trained (1, in + 1, padded out).
    pub source: TensorId,
    /// Parameters as adapted: the same tensor but in [`Storage::Fresh`] (instances, in + 1, padded out).
    pub working: TensorId,
    /// Adam's exp_avg and exp_avg_sq, of the working parameters.
    pub moments: Option<[TensorId; 2]>,
    /// Whether a batch norm over batch statistics follows: it cancels the bias, which is then not updated.
    pub bias_cancelled: bool,
}

impl Linear {
    /// Allocates the layer's parameters and enters it in the store.
    pub fn new(
        rec: &mut Recorder,
        store: &mut Store,
        name: String,
        [in_features, out_features]: [usize; 2],
        storage: Storage,
        instances: usize,
    ) -> Self {
        let shape = [1, in_features + 1, out_features.next_multiple_of(4)];
        let own = [instances, shape[1], shape[2]];
        let source = rec.tensor(name.clone(), &shape);
        let working = match storage {
            Storage::Fresh { .. } => rec.tensor(format!("{name}.working"), &own),
            _ => source,
        };
        let moments = match storage {
            Storage::Frozen | Storage::Fresh { moments: false } => None,
            _ => Some(["exp_avg", "exp_avg_sq"].map(|moment| rec.tensor(format!("{name}.{moment}"), &own))),
        };
        let bias_cancelled = false;
        let layer = Self { name, in_features, out_features, source, working, moments, bias_cancelled };
        store.linears.push(layer.clone());
        layer
    }

    fn weights(&self, pass: Pass) -> TensorId {
        match pass.weights {
            Weights::Source => self.source,
            Weights::Working => self.working,
        }
    }

    /// `y = x W + b`.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_forward(&self, rec: &mut Recorder, pass: Pass, Forward { x, y }: Forward) -> Result<()> {
        let tensors = [("x", x), ("parameters", self.weights(pass)), ("y", y)];
        rec.dispatch(&kernels::LINEAR_FORWARD, &format!("{}.forward", self.name), &tensors, &pass.rows.values())
    }

    /// `y = leaky_relu((x W + b) * scale + shift)`.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_activated_forward(
        &self,
        rec: &mut Recorder,
        pass: Pass,
        ActivatedForward { x, scale_shift, y }: ActivatedForward,
        slope: f32,
    ) -> Result<()> {
        let tensors = [("x", x), ("parameters", self.weights(pass)), ("scale_shift", scale_shift), ("y", y)];
        let [row, count] = pass.rows.values();
        let kernel = &kernels::LINEAR_BATCH_NORM_LEAKY_RELU_FORWARD;
        rec.dispatch(kernel, &format!("{}.forward", self.name), &tensors, &[row, count, ("slope", slope.into())])
    }

    /// `a = leaky_relu((x W + b) * scale + shift)`, `y = residual + a`.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_residual_forward(
        &self,
        rec: &mut Recorder,
        pass: Pass,
        ResidualForward { x, scale_shift, residual, a, y }: ResidualForward,
        slope: f32,
    ) -> Result<()> {
        let tensors = [
            ("x", x),
            ("parameters", self.weights(pass)),
            ("scale_shift", scale_shift),
            ("residual", residual),
            ("a", a),
            ("y", y),
        ];
        let [row, count] = pass.rows.values();
        let kernel = &kernels::LINEAR_BATCH_NORM_LEAKY_RELU_RESIDUAL_FORWARD;
        rec.dispatch(kernel, &format!("{}.forward", self.name), &tensors, &[row, count, ("slope", slope.into())])
    }

    /// `dx = dy W^T`, plus `residual` if there is one; and on through an epilogue.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_backward_input(
        &self,
        rec: &mut Recorder,
        pass: Pass,
        Backward { dy, residual, dx, through }: Backward,
    ) -> Result<()> {
        let mut tensors = vec![("dy", dy), ("parameters", self.weights(pass)), ("dx", dx)];
        tensors.extend(residual.map(|residual| ("dresidual", residual)));
        let mut values = pass.rows.values().to_vec();
        if let Some(Through { a, scale_shift, dz, slope }) = through {
            tensors.extend([("a", a), ("scale_shift", scale_shift), ("dz", dz)]);
            values.push(("slope", slope.into()));
        }
        let kernel = match (residual, through) {
            (None, None) => &kernels::LINEAR_BACKWARD_INPUT,
            (Some(_), None) => &kernels::LINEAR_BACKWARD_INPUT_RESIDUAL,
            (None, Some(_)) => &kernels::LINEAR_BACKWARD_INPUT_AND_SCALE_SHIFT_LEAKY_RELU,
            (Some(_), Some(_)) => &kernels::LINEAR_BACKWARD_INPUT_RESIDUAL_AND_SCALE_SHIFT_LEAKY_RELU,
        };
        rec.dispatch(kernel, &format!("{}.backward", self.name), &tensors, &values)
    }

    /// `dz = (dy W^T) * leaky_relu'(a) * scale`: through an epilogue that nothing else needs the gradient before.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    pub fn record_activated_backward(
        &self,
        rec: &mut Recorder,
        pass: Pass,
        dy: TensorId,
        Through { a, scale_shift, dz, slope }: Through,
    ) -> Result<()> {
        let tensors =
            [("dy", dy), ("parameters", self.weights(pass)), ("a", a), ("scale_shift", scale_shift), ("dz", dz)];
        let [row, count] = pass.rows.values();
        let kernel = &kernels::LINEAR_BACKWARD_INPUT_SCALE_SHIFT_LEAKY_RELU;
        rec.dispatch(kernel, &format!("{}.backward", self.name), &tensors, &[row, count, ("slope", slope.into())])
    }

    /// One Adam step on weight and bias from the gradient `dy` at the output.
    ///
    /// # Errors
    /// As [`Self::record_forward`]; also when the layer has no moments and `update` needs them.
    pub fn record_update(
        &self,
        rec: &mut Recorder,
        update: Update,
        dy: TensorId,
        UpdateFrom { x, row_scale, state, rows }: UpdateFrom,
    ) -> Result<()> {
        let label = format!("{}.update", self.name);
        let mut tensors =
            vec![("x", x), ("dy", dy), ("row_scale", row_scale), ("state", state), ("parameters", self.working)];
        if let (Some([m, v]), false) = (self.moments, update == Update::Only) {
            tensors.extend([("exp_avg", m), ("exp_avg_sq", v)]);
        }
        let kernel = match update {
            Update::InPlace => &kernels::LINEAR_BACKWARD_WEIGHT_ADAM,
            Update::First => &kernels::LINEAR_BACKWARD_WEIGHT_ADAM_FIRST,
            Update::Last => &kernels::LINEAR_BACKWARD_WEIGHT_ADAM_LAST,
            Update::Only => &kernels::LINEAR_BACKWARD_WEIGHT_ADAM_ONLY,
        };
        if matches!(update, Update::First | Update::Only) {
            tensors.push(("source", self.source));
        }
        let [row, count] = rows.values();
        let bias_input = if self.bias_cancelled { 0.0 } else { 1.0 };
        rec.dispatch(kernel, &label, &tensors, &[row, count, ("bias_input", bias_input.into())])
    }

    /// Allocates the layer's output (instances, rows, padded out).
    pub fn output(&self, rec: &mut Recorder, extent: &Extent, name: &str) -> TensorId {
        extent.activations(rec, format!("{}.{name}", self.name), self.out_features.next_multiple_of(4))
    }
}
