//! What PyTorch's wrappers of a model put before the names of its tensors.

use super::Archive;
use crate::error::{Error, Result};

/// Of `torch.nn.DataParallel`, plain or distributed, and of `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// Takes off what wrappers put before every tensor's name, and returns it; empty where they put nothing.
///
/// # Errors
/// If it is not the same before every name. So no two names become one.
pub(super) fn take_off(archive: &mut Archive<'_>) -> Result<String> {
    let Some(first) = archive.tensors.keys().next() else { return Ok(String::new()) };
    let prefix = wrappers(first).to_owned();
    if let Some(other) = archive.tensors.keys().find(|name| wrappers(name) != prefix) {
        let words = |prefix: &str| if prefix.is_empty() { "nothing".to_owned() } else { format!("`{prefix}`") };
        let (before, unlike) = (words(wrappers(other)), words(&prefix));
        let problem = format!("{before} stands before its name, but {unlike} before that of {first}");
        let fix = "save the state_dict of one model: all of its tensors as wrapped, or none";
        return Err(Error::file(archive.path, other, problem, fix));
    }
    if !prefix.is_empty() {
        let tensors = std::mem::take(&mut archive.tensors);
        archive.tensors = tensors.into_iter().map(|(name, info)| (name[prefix.len()..].to_owned(), info)).collect();
    }
    Ok(prefix)
}

/// The wrappers, one in the other, that a name begins with.
fn wrappers(name: &str) -> &str {
    let mut inner = name;
    while let Some(rest) = WRAPPERS.iter().find_map(|wrapper| inner.strip_prefix(wrapper)) {
        inner = rest;
    }
    &name[..name.len() - inner.len()]
}
