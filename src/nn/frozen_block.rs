//! The residual block with frozen batch norm and no dropout: what adapts and predicts (Sec. 3.3, 4.1).
//!
//! A block is `a1 = act(fc1 x)`, `a2 = act(fc2 a1)`, `y = x + a2`, where `act` is the folded batch norm and the leaky
//! ReLU. Without a norm (the discriminator) scale is 1 and shift 0.

use super::{
    ActivatedForward, Backward, Block, Extent, Linear, Pass, ResidualForward, Storage, Store, Through, Update,
    UpdateFrom,
};
use crate::error::{Error, Result};
use crate::plan::{Init, Recorder, TensorId};

/// A residual block with everything that its passes leave behind.
#[derive(Clone, Debug)]
pub struct FrozenBlock {
    extent: Extent,
    fc: [Linear; 2],
    /// Folded norms (2, width).
    scale_shift: [TensorId; 2],
    /// Activations (instances, rows, width).
    a: [TensorId; 2],
    /// Gradients at the linear layers' outputs, kept for the update.
    dz: [TensorId; 2],
    /// Output (instances, rows, width).
    y: TensorId,
    /// Gradient at the input.
    dx: TensorId,
}

impl Block for FrozenBlock {
    type Options = Storage;

    fn new(
        rec: &mut Recorder,
        store: &mut Store,
        name: &str,
        extent: Extent,
        (storage, norm): (&Storage, bool),
    ) -> Self {
        let width = extent.width;
        let fc = [1, 2]
            .map(|i| Linear::new(rec, store, format!("{name}.fc{i}"), [width, width], *storage, extent.instances));
        let scale_shift = [1, 2].map(|i| {
            let identity = [vec![1.0; width], vec![0.0; width]].concat();
            let tensor = rec.tensor_with(format!("{name}.scale_shift{i}"), &[2, width], Init::Data(identity));
            if norm {
                store.frozen_norms.push((format!("{name}.bn{i}"), tensor));
            }
            tensor
        });
        let mut all = |what: &str| extent.activations(rec, format!("{name}.{what}"), width);
        Self {
            extent,
            fc,
            scale_shift,
            a: [all("a1"), all("a2")],
            dz: [all("dz1"), all("dz2")],
            y: all("y"),
            dx: all("dx"),
        }
    }

    fn storage(storage: &Storage) -> Storage {
        *storage
    }

    fn y(&self) -> TensorId {
        self.y
    }

    fn dx(&self) -> TensorId {
        self.dx
    }

    fn record_forward(&self, rec: &mut Recorder, x: TensorId, pass: Pass) -> Result<()> {
        let [norm1, norm2] = self.scale_shift;
        let [a1, a2] = self.a;
        let slope = self.extent.slope;
        self.fc[0].record_activated_forward(rec, pass, ActivatedForward { x, scale_shift: norm1, y: a1 }, slope)?;
        let second = ResidualForward { x: a1, scale_shift: norm2, residual: x, a: a2, y: self.y };
        self.fc[1].record_residual_forward(rec, pass, second, slope)
    }

    fn through(&self) -> Option<Through> {
        Some(self.epilogue(1))
    }

    /// What wrote `dy` has written the second layer's gradient too, see [`Block::through`].
    fn record_backward(&self, rec: &mut Recorder, dy: TensorId, pass: Pass, on: Option<Through>) -> Result<()> {
        if !rec.has_just_written(self.dz[1], &pass.rows.values()) {
            let layer = &self.fc[1].name;
            return Err(Error::Plan(format!("{layer}: the gradient has not gone through the epilogue before it")));
        }
        self.fc[1].record_activated_backward(rec, pass, self.dz[1], self.epilogue(0))?;
        let first = Backward { dy: self.dz[0], residual: Some(dy), dx: self.dx, through: on };
        self.fc[0].record_backward_input(rec, pass, first)
    }

    fn record_update(&self, rec: &mut Recorder, update: Update, from: UpdateFrom) -> Result<()> {
        self.fc[0].record_update(rec, update, self.dz[0], from)?;
        self.fc[1].record_update(rec, update, self.dz[1], UpdateFrom { x: self.a[0], ..from })
    }
}

impl FrozenBlock {
    /// What follows a linear layer, on the way back.
    fn epilogue(&self, layer: usize) -> Through {
        let slope = self.extent.slope;
        Through { a: self.a[layer], scale_shift: self.scale_shift[layer], dz: self.dz[layer], slope }
    }
}
