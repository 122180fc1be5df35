//! The loss terms by their names.

use crate::config::{Generator, ModelConfig, Ssl};

/// The terms of one step's losses, averaged over the batch (Eq. 2 to 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct LossTerms {
    /// Eq. 2; 0 in adaptation.
    pub fsl: f32,
    /// `E log D(r)`.
    pub log_d_real: f32,
    /// `E log(1 - D(y))`.
    pub log_1md_fake: f32,
    /// What the generator minimises of the adversary.
    pub g_adv: f32,
    /// `E |x~ - x|²`.
    pub cyc2d: f32,
    /// `E |X~ - X|²`.
    pub cyc3d: f32,
    /// The generator's whole objective: `g_adv` and the weighted cycle terms.
    pub g_ssl: f32,
}

impl LossTerms {
    /// From a slot of the loss ring.
    #[must_use]
    pub fn of_ring(slot: &[f32], model: &ModelConfig) -> Self {
        let [fsl, log_d_real, log_1md_fake, generator, cyc2d, cyc3d] = [0, 1, 2, 3, 4, 5].map(|k| slot[k]);
        // The literal Eq. 3 counts the real term too, though it moves only D.
        let real = if model.generator == Generator::Saturating { log_d_real } else { 0.0 };
        let g_adv = if model.ssl == Ssl::None { 0.0 } else { generator + real };
        let g_ssl = g_adv + model.lambda_2d * cyc2d + model.lambda_3d * cyc3d;
        Self { fsl, log_d_real, log_1md_fake, g_adv, cyc2d, cyc3d, g_ssl }
    }
}
