//! What a recorded state holds: every key with its shape, for a task and its sizes.

use crate::checkpoint::expected_tensors;
use crate::config::{ModelConfig, Network, Ssl};

/// Sizes that the config does not have.
pub(super) struct Sizes {
    /// n, poses of the training step.
    pub(super) train: usize,
    /// N, test poses.
    pub(super) samples: usize,
    /// Poses whose metrics are recorded; 0 where none are.
    pub(super) scored: usize,
    /// T, iterations of vanilla adaptation.
    pub(super) iterations: usize,
    /// B, copies of a sample.
    pub(super) copies: usize,
    /// R, replayed poses.
    pub(super) replayed: usize,
    /// Whether the training step dropped features, so that there are masks.
    pub(super) dropout: bool,
}

type Keys = Vec<(String, Vec<usize>)>;

/// Every key of a state with its shape; a state has these and no others.
pub(super) fn expected_keys(model: &ModelConfig, sizes: &Sizes) -> Keys {
    let &Sizes { train, samples, scored, iterations, copies, replayed, dropout } = sizes;
    let joints = model.joints;
    let parameters = expected_tensors(model);
    let mut keys = Keys::new();
    let mut put =
        |prefix: &str, part: &Keys| keys.extend(part.iter().map(|(n, s)| (format!("{prefix}{n}"), s.clone())));
    let named = |names: Vec<&str>, shape: &[usize]| -> Keys {
        names.into_iter().map(|name| (name.to_owned(), shape.to_vec())).collect()
    };
    let chosen = |choose: fn(&str) -> bool| -> Keys { parameters.iter().filter(|(n, _)| choose(n)).cloned().collect() };
    put("param/", &parameters);

    put("train/", &named(vec!["x"], &[train, joints, 2]));
    put("train/", &named(vec!["X"], &[train, joints, 3]));
    let geometry = model.ssl == Ssl::Geometry;
    if !geometry {
        put("train/", &named(vec!["az", "el"], &[train]));
    }
    if dropout {
        let masks = mask_calls(model, train).into_iter().enumerate();
        put("train/mask/", &masks.map(|(call, mask)| (format!("{call:02}"), vec![mask.rows, model.width])).collect());
    }
    let trained = if geometry { vec!["fsl"] } else { [loss_terms(model.ssl), vec!["fsl", "total"]].concat() };
    put("train/loss/", &named(trained, &[]));
    put("train/grad/", &chosen(|name| !is_running(name)));
    put("train/param_1/", &parameters);

    put("iso/", &named(vec!["xs"], &[samples, joints, 2]));
    put("iso/", &named(vec!["gt"], &[samples, joints, 3]));
    put("iso/", &named(vec!["az", "el"], &[samples, iterations, copies]));
    if replayed > 0 {
        put("iso/", &named(vec!["rx"], &[samples, iterations, replayed, joints, 2]));
        put("iso/", &named(vec!["rX"], &[samples, iterations, replayed, joints, 3]));
    }
    let poses = [samples, joints, 3];
    put("baseline/", &named(vec!["pred"], &poses));
    for (mode, steps) in [("vanilla", iterations), ("online", 1)] {
        put(&format!("{mode}/loss/"), &named(loss_terms(model.ssl), &[samples, steps]));
        put(&format!("{mode}/grad_1/"), &chosen(is_adapted));
        put(&format!("{mode}/param_1/"), &parameters);
        put(&format!("{mode}/param_T/"), &parameters);
        put(&format!("{mode}/"), &named(vec!["pred", "pred_noflip"], &poses));
    }
    put("skip/", &named(vec!["pred"], &poses));
    if scored > 0 {
        put("metric/", &named(vec!["pred", "gt"], &[scored, joints, 3]));
    }
    for protocol in ["US", "GS", "PA"].into_iter().filter(|_| scored > 0) {
        put(&format!("metric/{protocol}/"), &named(vec!["mpjpe", "pck", "auc"], &[]));
    }
    keys
}

/// Statistics that no gradient moves.
pub(super) fn is_running(name: &str) -> bool {
    name.contains(".running_")
}

/// What adaptation moves: all but batch norm and the supervised head.
fn is_adapted(name: &str) -> bool {
    !name.contains(".bn") && !name.starts_with("fsl.")
}

/// The terms that a step of adaptation has; a training step of the paper's tasks also has `fsl` and `total`.
fn loss_terms(ssl: Ssl) -> Vec<&'static str> {
    let adversary = vec!["log_d_real", "log_1md_fake", "adv", "g_adv", "g_ssl", "d_ssl"];
    match ssl {
        Ssl::None => Vec::new(),
        Ssl::Geometry => vec!["plane", "bone", "view", "replay", "total"],
        Ssl::Adversary => adversary,
        Ssl::Cycle => [adversary, vec!["cyc2d", "cyc3d"]].concat(),
    }
}

/// One dropout mask of a training step.
pub(super) struct MaskCall {
    /// The plan's mask, such as `fsl.rb.mask1`.
    pub(super) tensor: String,
    /// Its first row there.
    pub(super) row: usize,
    /// How many rows.
    pub(super) rows: usize,
}

/// The masks of a training step of `batch` poses, in the order in which the reference calls its layers.
pub(super) fn mask_calls(model: &ModelConfig, batch: usize) -> Vec<MaskCall> {
    let extractor = ["extractor.rb0", "extractor.rb1", "extractor.rb2"];
    let mut blocks: Vec<(&str, usize, usize)> = extractor.map(|block| (block, 0, batch)).to_vec();
    blocks.push(("fsl.rb", 0, batch));
    if model.ssl.networks().contains(&Network::SslHead) {
        blocks.push(("ssl.rb", 0, batch));
        // The discriminator sees the inputs and the random views in one pass.
        blocks.extend(["disc.rb0", "disc.rb1", "disc.rb2"].map(|block| (block, 0, 2 * batch)));
    }
    if model.ssl == Ssl::Cycle {
        blocks.extend(extractor.map(|block| (block, batch, batch)));
        blocks.push(("ssl.rb", batch, batch));
    }
    let halves = |(block, row, rows): (&str, usize, usize)| {
        [1, 2].map(|half| MaskCall { tensor: format!("{block}.mask{half}"), row, rows })
    };
    blocks.into_iter().flat_map(halves).collect()
}
