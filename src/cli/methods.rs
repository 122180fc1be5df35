//! The modes of one model as the methods of a report.

use crate::adapt::Mode;
use crate::config::Ssl;
use crate::evaluate::ModeResult;
use crate::report::Role;
use crate::study::{Predicted, Run};

/// What a mode of a model trained with `ssl` made, to be compared with the same model not adapted.
pub(super) fn predicted(result: ModeResult, ssl: Ssl) -> Predicted {
    let mode = result.mode;
    let role = match mode {
        Mode::Baseline if ssl == Ssl::None => Role::Baseline,
        Mode::Baseline => Role::Joint,
        Mode::Vanilla | Mode::VanillaLr => Role::Vanilla,
        Mode::Online | Mode::OnlineSkip => Role::Online,
    };
    let against = if mode == Mode::Baseline { Vec::new() } else { vec![Mode::Baseline.to_string()] };
    let run = Run { poses: result.predictions, ms_per_sample: result.ms_per_sample };
    Predicted { name: mode.to_string(), role, runs: vec![run], against }
}

/// The two methods to look at closely: the first, and the one that adapts most like the paper's ISO.
pub(super) fn pair(predicted: &[Predicted]) -> [&str; 2] {
    let first = predicted.first();
    let online = predicted.iter().find(|method| method.name == Mode::Online.to_string());
    [first, online.or(predicted.last())].map(|method| method.map_or("", |method| &method.name))
}
