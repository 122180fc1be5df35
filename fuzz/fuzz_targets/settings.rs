//! Any text as the settings of a model and of a training, in TOML.
#![no_main]

use isopose_fuzz::checkpoint::expected_tensors;
use isopose_fuzz::config::{ModelConfig, TrainConfig};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    model: Option<ModelConfig>,
    train: Option<TrainConfig>,
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(Settings { model, train }) = toml::from_str(text) else { return };
    if let Some(model) = model.filter(|model| model.validate().is_ok()) {
        // What is taken can be written, and is read as the same.
        let json = serde_json::to_string(&model).expect("settings are JSON");
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).expect("it was just written"), model);
        assert!(!expected_tensors(&model).is_empty());
    }
    drop(train.map(|train| train.validate()));
});
