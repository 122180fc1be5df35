//! What makes a checkpoint sound: its options, its tensors' names, shapes and values.

use std::collections::BTreeSet;

use super::{MOMENTS, Tensors, expected_tensors};
use crate::config::{ModelConfig, Ssl};
use crate::error::{Error, Result};
use crate::named::Named;

/// What is wrong with a checkpoint, and what to do.
pub(crate) struct Wrong {
    pub(super) field: String,
    pub(super) problem: String,
    pub(super) fix: &'static str,
}

impl Wrong {
    /// The error where no file is at fault, but what `setting` gave.
    pub(crate) fn of_setting(self, setting: &'static str) -> Error {
        let Self { field, problem, fix } = self;
        Error::setting(setting, format!("{field}: {problem}; {fix}"))
    }
}

/// Fails where `parameters` are not those of `model`.
pub(crate) fn check_parameters(model: &ModelConfig, parameters: &Tensors) -> Result<()> {
    let wrong = wrong_tensor(&expected_tensors(model), "", parameters);
    wrong.map_or(Ok(()), |wrong| Err(wrong.of_setting("parameters")))
}

/// The first tensor that is missing, wrong, or no part of the model; `prefix` stands before their names in files.
pub(super) fn wrong_tensor(expected: &[(String, Vec<usize>)], prefix: &str, tensors: &Tensors) -> Option<Wrong> {
    let wrong = |name: &str, problem, fix| Some(Wrong { field: format!("{prefix}{name}"), problem, fix });
    let trained = |(name, _): &&(String, Vec<usize>)| {
        prefix.is_empty() || !(name.contains(".running_") || name.starts_with("replay."))
    };
    for (name, shape) in expected.iter().filter(trained) {
        let Some(tensor) = tensors.get(name) else {
            let fix = if name.starts_with("replay.") {
                "set the config's reservoir to 0 where the model keeps no poses, or train it again"
            } else {
                "export the whole state_dict with its batch norm statistics"
            };
            return wrong(name, "this tensor is missing".to_owned(), fix);
        };
        if tensor.shape != *shape || tensor.data.len() != shape.iter().product::<usize>() {
            let problem = format!("expected shape {shape:?}, found {:?} ({} values)", tensor.shape, tensor.data.len());
            return wrong(name, problem, "use a file whose tensors fit its config");
        }
        // Their square roots are taken.
        let non_negative = name.ends_with(".running_var") || prefix == MOMENTS[1];
        if let Some(index) = tensor.data.iter().position(|v| !v.is_finite() || (non_negative && *v < 0.0)) {
            let wanted = if non_negative { "finite (in f32) and at least 0" } else { "finite (in f32)" };
            let problem = format!("value {index} is {}, not {wanted}", tensor.data[index]);
            return wrong(name, problem, "the training diverged: use an earlier checkpoint");
        }
    }
    let known: BTreeSet<_> = expected.iter().filter(trained).map(|(name, _)| name).collect();
    let name = tensors.keys().find(|name| !known.contains(name))?;
    let problem = "this tensor is no part of the model that the config describes".to_owned();
    let fix = if name.starts_with("replay.") {
        "set the config's reservoir to its number of poses, and its ssl to geometry"
    } else {
        "remove it, or correct the config's ssl"
    };
    wrong(name, problem, fix)
}

/// Options that the format has gained: files without one have its default, but for those of the geometry task, which is as
/// old as they are. Every other one was there from the first.
pub(super) const GAINED: [&str; 10] = [
    "lift",
    "plane_scale",
    "rays",
    "noise",
    "lambda_plane",
    "lambda_bone",
    "lambda_view",
    "lambda_replay",
    "reservoir",
    "gate",
];

/// The options in a file of this crate's own.
pub(super) fn own_config(json: &str) -> std::result::Result<ModelConfig, String> {
    let text = |error: serde_json::Error| error.to_string();
    let found: serde_json::Value = serde_json::from_str(json).map_err(text)?;
    let found = found.as_object().ok_or("it is not a JSON object")?;
    let options = serde_json::to_value(ModelConfig::default()).map_err(text)?;
    let mut all = options.as_object().into_iter().flat_map(|options| options.keys());
    let old = found.get("ssl").and_then(|ssl| ssl.as_str()) != Some(Ssl::Geometry.name());
    let has = |option: &String| found.contains_key(option) || old && GAINED.contains(&&**option);
    match all.find(|option| !has(option)) {
        Some(option) => Err(format!("{option} is missing")),
        None => serde_json::from_str(json).map_err(text),
    }
}
