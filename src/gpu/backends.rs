//! The backends that adapters are sought in, and what to do where none of them has one.

use wgpu::{Backend, Backends};

use super::instance;

/// What a machine without an adapter lacks.
const DRIVER: &str = if cfg!(target_os = "linux") {
    "install the GPU's own driver, or Mesa's software driver: mesa-vulkan-drivers on Debian, Ubuntu and Fedora, \
     vulkan-swrast on Arch"
} else {
    "install the GPU's own driver"
};

/// The value of `WGPU_BACKEND`: names of backends, with commas between them. A blank one is as none.
pub(super) fn variable() -> Option<String> {
    std::env::var("WGPU_BACKEND").ok().filter(|value| !value.trim().is_empty())
}

/// The backends to seek in: those that the environment names, as wgpu reads it; all without it.
pub(super) fn chosen() -> Backends {
    named(variable().as_deref(), instance::backends())
}

/// What to do where no adapter was found, in one line.
pub(crate) fn advice() -> String {
    advice_by(variable().as_deref(), instance::backends())
}

/// Why no adapter can be found, whatever the machine has: the environment names no backend of this build.
#[cfg(feature = "cli")]
pub(crate) fn unusable_variable() -> Option<String> {
    unusable(variable().as_deref()?, instance::backends())
}

fn named(variable: Option<&str>, built: Backends) -> Backends {
    variable.map_or(built, |value| Backends::from_comma_list(value) & built)
}

fn unusable(value: &str, built: Backends) -> Option<String> {
    if !named(Some(value), built).is_empty() {
        return None;
    }
    let here: Vec<_> =
        Backend::ALL.into_iter().filter(|backend| built.contains((*backend).into())).map(Backend::to_str).collect();
    let here = here.join(", ");
    Some(format!(
        "WGPU_BACKEND is set to '{value}', which names none of the backends here ({here}): correct or unset it"
    ))
}

fn advice_by(variable: Option<&str>, built: Backends) -> String {
    let Some(value) = variable else { return DRIVER.to_owned() };
    let limited = || format!("WGPU_BACKEND is set to '{value}': unset it to seek in every backend, or {DRIVER}");
    unusable(value, built).unwrap_or_else(limited)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: Backends = Backends::VULKAN.union(Backends::DX12);

    #[test]
    fn backends_are_those_named_of_those_built() {
        for (variable, expected) in [
            (None, BUILT),
            (Some("vulkan"), Backends::VULKAN),
            (Some("VK, gl"), Backends::VULKAN),
            (Some("dx12,vulkan"), BUILT),
            (Some("gl"), Backends::empty()),
            (Some("vulcan"), Backends::empty()),
            (Some("noop"), Backends::empty()),
        ] {
            assert_eq!(named(variable, BUILT), expected, "{variable:?}");
        }
    }

    #[test]
    fn a_variable_that_leaves_nothing_is_named() {
        for value in ["gl", "vulcan"] {
            let text = unusable(value, BUILT).unwrap();
            assert!(text.contains(&format!("WGPU_BACKEND is set to '{value}'")), "{text}");
            assert!(text.contains("(vulkan, dx12)"), "{text}");
            assert_eq!(advice_by(Some(value), BUILT), text, "no driver helps");
        }
        assert_eq!(unusable("gl,vk", BUILT), None);
    }

    #[test]
    fn advice_names_the_driver_and_what_limits_the_search() {
        assert_eq!(advice_by(None, BUILT), DRIVER);
        let limited = advice_by(Some("vk"), BUILT);
        assert!(limited.starts_with("WGPU_BACKEND is set to 'vk'") && limited.ends_with(DRIVER), "{limited}");
        if cfg!(target_os = "linux") {
            assert!(DRIVER.contains("mesa-vulkan-drivers on Debian") && DRIVER.contains("vulkan-swrast on Arch"));
        }
    }
}
