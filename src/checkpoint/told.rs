//! What a user should know of how a checkpoint was read.

use safetensors::Dtype;

/// What a checkpoint was taken for where its file does not say, or says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Whether the model's options were told from the tensors and defaults, because the file has no `config`.
    pub options: bool,
    /// What stood before the name of every tensor and was taken off: `module.`, `_orig_mod.` or several of them; else
    /// empty.
    pub prefix: String,
    /// The types of half precision among the tensors, `F16` and `BF16`; such tensors were widened to f32.
    pub widened: Vec<String>,
}

impl Told {
    /// Adds a tensor's type.
    pub(super) fn add_type(&mut self, dtype: Dtype) {
        let name = dtype.to_string();
        if matches!(dtype, Dtype::F16 | Dtype::BF16) && !self.widened.contains(&name) {
            self.widened.push(name);
        }
    }

    /// The same in words, each a sentence; none where the file says all.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.options {
            let taken = "keypoints are taken to be in the projection's plane already, and all else is told from the \
                         tensors, or has its default";
            notes.push(format!("there is no metadata `config`: {taken}"));
        }
        if !self.prefix.is_empty() {
            notes.push(format!("the names of its tensors are read without the `{}` before them", self.prefix));
        }
        if !self.widened.is_empty() {
            let types = self.widened.join(" and ");
            notes.push(format!("weights of half precision ({types}) were widened to f32: what they lack stays lost"));
        }
        notes
    }
}
