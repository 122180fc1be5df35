//! The residual block as it trains: batch norm over batch statistics (or none, in the discriminator) and dropout.

use super::{Backward, Block, Extent, Forward, Linear, Norm, Pass, Storage, Store, Through, Update, UpdateFrom};
use crate::cpu::random::keep_threshold;
use crate::error::Result;
use crate::kernel::Value;
use crate::kernels;
use crate::plan::{Recorder, TensorId};

/// What training needs besides the parameters.
#[derive(Clone, Debug)]
pub struct TrainingOptions {
    /// Dropout probability.
    pub dropout: f32,
    /// Added to the variance in batch norm.
    pub bn_eps: f32,
    /// Momentum of batch norm's running statistics.
    pub bn_momentum: f32,
    /// Passes over which batch norm keeps separate statistics: 2 where there is a re-lift.
    pub groups: usize,
    /// The program's state.
    pub state: TensorId,
    /// Whether dropout masks are given (recorded states) instead of drawn.
    pub recorded_masks: bool,
    /// One word, bound where no mask is read.
    pub no_mask: TensorId,
}

/// A residual block with everything that its passes leave behind.
#[derive(Clone, Debug)]
pub struct TrainingBlock {
    extent: Extent,
    options: TrainingOptions,
    fc: [Linear; 2],
    norms: Option<[Norm; 2]>,
    /// Numbers of the two dropout streams' first groups.
    streams: [u32; 2],
    masks: [TensorId; 2],
    z: [TensorId; 2],
    h: TensorId,
    dz: [TensorId; 2],
    dh: TensorId,
    y: TensorId,
    dx: TensorId,
}

impl Block for TrainingBlock {
    type Options = TrainingOptions;

    fn new(
        rec: &mut Recorder,
        store: &mut Store,
        name: &str,
        extent: Extent,
        (options, norm): (&TrainingOptions, bool),
    ) -> Self {
        let width = extent.width;
        let fc = [1, 2].map(|i| {
            let layer = Linear::new(rec, store, format!("{name}.fc{i}"), [width, width], Storage::InPlace, 1);
            Linear { bias_cancelled: norm, ..layer }
        });
        let norms = norm.then(|| [1, 2].map(|i| Norm::new(rec, store, format!("{name}.bn{i}"), width, options.groups)));
        let masks = [1, 2].map(|i| {
            if !options.recorded_masks {
                return options.no_mask;
            }
            let mask = rec.tensor(format!("{name}.mask{i}"), &[extent.rows, width]);
            store.masks.push((format!("{name}.mask{i}"), mask));
            mask
        });
        let streams = [store.next_stream(), store.next_stream()];
        let mut all = |what: &str| extent.activations(rec, format!("{name}.{what}"), width);
        Self {
            extent,
            options: options.clone(),
            fc,
            norms,
            streams,
            masks,
            z: [all("z1"), all("z2")],
            h: all("h"),
            dz: [all("dz1"), all("dz2")],
            dh: all("dh"),
            y: all("y"),
            dx: all("dx"),
        }
    }

    fn storage(_: &TrainingOptions) -> Storage {
        Storage::InPlace
    }

    fn y(&self) -> TensorId {
        self.y
    }

    fn dx(&self) -> TensorId {
        self.dx
    }

    fn record_forward(&self, rec: &mut Recorder, x: TensorId, pass: Pass) -> Result<()> {
        self.fc[0].record_forward(rec, pass, Forward { x, y: self.z[0] })?;
        self.record_activation(rec, 0, None, pass)?;
        self.fc[1].record_forward(rec, pass, Forward { x: self.h, y: self.z[1] })?;
        self.record_activation(rec, 1, Some(x), pass)
    }

    /// Batch norm's sums over the batch come before.
    fn through(&self) -> Option<Through> {
        None
    }

    fn record_backward(&self, rec: &mut Recorder, dy: TensorId, pass: Pass, on: Option<Through>) -> Result<()> {
        let [dz1, dz2] = self.dz;
        self.record_activation_backward(rec, 1, dy, pass)?;
        let second = Backward { dy: dz2, residual: None, dx: self.dh, through: None };
        self.fc[1].record_backward_input(rec, pass, second)?;
        self.record_activation_backward(rec, 0, self.dh, pass)?;
        let first = Backward { dy: dz1, residual: Some(dy), dx: self.dx, through: on };
        self.fc[0].record_backward_input(rec, pass, first)
    }

    fn record_update(&self, rec: &mut Recorder, update: Update, from: UpdateFrom) -> Result<()> {
        self.fc[0].record_update(rec, update, self.dz[0], from)?;
        self.fc[1].record_update(rec, update, self.dz[1], UpdateFrom { x: self.h, ..from })?;
        self.norms.iter().flatten().try_for_each(|norm| norm.record_update(rec, from.state))
    }
}

impl TrainingBlock {
    /// The uniforms of one half's activation; `group` with a norm only.
    fn values(&self, half: usize, pass: Pass) -> Vec<(&'static str, Value)> {
        let p = self.options.dropout;
        let mut values = pass.rows.values().to_vec();
        values.extend([
            ("slope", self.extent.slope.into()),
            ("keep_threshold", keep_threshold(p).into()),
            ("keep_scale", (1.0 / (1.0 - p)).into()),
            ("stream", (self.streams[half] + pass.group as u32).into()),
            ("recorded", self.options.recorded_masks.into()),
        ]);
        if self.norms.is_some() {
            values.push(("group", pass.group.into()));
        }
        values
    }

    /// `dropout(act(z))`, plus `residual` if there is one: to `h`, and from there to `y`.
    fn record_activation(&self, rec: &mut Recorder, half: usize, residual: Option<TensorId>, pass: Pass) -> Result<()> {
        let (z, y) = (self.z[half], [self.h, self.y][half]);
        let label = format!("{}.activation.forward", self.fc[half].name);
        let mut values = self.values(half, pass);
        values.push(("add_residual", residual.is_some().into()));
        // Where there is none, z stands in for the residual and is not read as such.
        let mut tensors = vec![
            ("z", z),
            ("residual", residual.unwrap_or(z)),
            ("mask", self.masks[half]),
            ("state", self.options.state),
            ("y", y),
        ];
        let Some(norms) = &self.norms else {
            return rec.dispatch(&kernels::LEAKY_RELU_DROPOUT_FORWARD, &label, &tensors, &values);
        };
        let norm = &norms[half];
        let [row, rows] = pass.rows.values();
        let [eps, momentum] = [self.options.bn_eps, self.options.bn_momentum];
        rec.dispatch(
            &kernels::BATCH_NORM_STATISTICS,
            &format!("{}.statistics", norm.name),
            &[("z", z), ("statistics", norm.statistics), ("running", norm.running)],
            &[row, rows, ("group", pass.group.into()), ("eps", eps.into()), ("momentum", momentum.into())],
        )?;
        tensors.extend([("statistics", norm.statistics), ("weight_bias", norm.weight_bias)]);
        rec.dispatch(&kernels::BATCH_NORM_LEAKY_RELU_DROPOUT_FORWARD, &label, &tensors, &values)
    }

    /// From `dy` at one half's output to its `dz`.
    fn record_activation_backward(&self, rec: &mut Recorder, half: usize, dy: TensorId, pass: Pass) -> Result<()> {
        let label = format!("{}.activation.backward", self.fc[half].name);
        let values = self.values(half, pass);
        let mut tensors =
            vec![("dy", dy), ("z", self.z[half]), ("mask", self.masks[half]), ("state", self.options.state)];
        let dz = ("dz", self.dz[half]);
        let Some(norms) = &self.norms else {
            tensors.push(dz);
            return rec.dispatch(&kernels::LEAKY_RELU_DROPOUT_BACKWARD, &label, &tensors, &values);
        };
        let norm = &norms[half];
        tensors.extend([
            ("statistics", norm.statistics),
            ("weight_bias", norm.weight_bias),
            ("dweight_bias", norm.gradient),
        ]);
        let reduce = &kernels::BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_REDUCE;
        rec.dispatch(reduce, &format!("{}.reduce", norm.name), &tensors, &values)?;
        tensors.push(dz);
        rec.dispatch(&kernels::BATCH_NORM_LEAKY_RELU_DROPOUT_BACKWARD_INPUT, &label, &tensors, &values)
    }
}
