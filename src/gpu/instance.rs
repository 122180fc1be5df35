//! The door to the machine's adapters: an instance of each backend that computes. GL is left out: its compute support is
//! partial, and it would list each GPU twice.

/// The backends that compute and are built in: Vulkan.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) const fn backends() -> wgpu::Backends {
    wgpu::Backends::VULKAN
}

/// The backends that compute and are built in: Metal, or DX12 and Vulkan.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) const fn backends() -> wgpu::Backends {
    let compute = wgpu::Backends::VULKAN.union(wgpu::Backends::METAL).union(wgpu::Backends::DX12);
    compute.intersection(wgpu::Instance::enabled_backend_features())
}

/// An instance that asks for no window system, as this crate shows nothing; `None` where there is no Vulkan, or it is not
/// among the backends `sought`.
///
/// wgpu's own would ask for every extension that makes a surface. A layer takes the request for a wish to draw:
/// `VK_LAYER_MESA_device_select` of Mesa 22 then looks for a Wayland compositor whenever adapters are listed, and complains
/// on stderr where `XDG_RUNTIME_DIR` is unset, as it is for services, in containers and for cron.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn compute_only(sought: wgpu::Backends) -> Option<wgpu::Instance> {
    use wgpu::hal::{InstanceDescriptor, api, vulkan};

    if !sought.contains(backends()) {
        return None;
    }
    let descriptor = InstanceDescriptor {
        name: "wgpu",
        flags: wgpu::InstanceFlags::empty(),
        memory_budget_thresholds: wgpu::MemoryBudgetThresholds::default(),
        backend_options: wgpu::BackendOptions::default(),
        telemetry: None,
        display: None,
    };
    let without_windows = |args: vulkan::CreateInstanceCallbackArgs<'_, '_, '_>| {
        args.extensions.retain(|name| !names_window_system(name));
    };
    // SAFETY: the callback must not take what wgpu counts on. wgpu counts on the extensions dropped here in the functions
    // alone that make a surface of a window, and this crate has no window to pass to them. What all swapchains share,
    // `VK_KHR_surface`, stays: devices are opened with the swapchain extension, which builds on it.
    #[expect(unsafe_code, reason = "wgpu offers the choice of extensions in its unsafe layer only")]
    let made = unsafe { vulkan::Instance::init_with_callback(&descriptor, Some(Box::new(without_windows))) };
    // SAFETY: the instance is as Vulkan made it, and nothing else holds it.
    #[expect(unsafe_code, reason = "the instance comes from wgpu's unsafe layer")]
    made.ok().map(|made| unsafe { wgpu::Instance::from_hal::<api::Vulkan>(made) })
}

/// Whether an extension makes surfaces of one window system: `VK_KHR_wayland_surface` and its like.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn names_window_system(extension: &std::ffi::CStr) -> bool {
    extension != c"VK_KHR_surface" && extension.to_bytes().ends_with(b"_surface")
}

/// An instance of the backends `sought`; `None` without any.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn compute_only(sought: wgpu::Backends) -> Option<wgpu::Instance> {
    if sought.is_empty() {
        return None;
    }
    let descriptor = wgpu::InstanceDescriptor {
        backends: sought,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    Some(wgpu::Instance::new(descriptor))
}

#[cfg(all(test, any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
mod tests {
    use super::*;

    #[test]
    fn no_window_system_is_asked_for() {
        for name in [c"VK_KHR_wayland_surface", c"VK_KHR_xcb_surface", c"VK_EXT_metal_surface"] {
            assert!(names_window_system(name), "{name:?}");
        }
        for name in [c"VK_KHR_surface", c"VK_EXT_swapchain_colorspace", c"VK_KHR_get_physical_device_properties2"] {
            assert!(!names_window_system(name), "{name:?}");
        }
        // Without a Vulkan loader there is no instance; the tests of kernels say that GPU tests were skipped.
        assert!(compute_only(wgpu::Backends::GL).is_none());
        let Some(instance) = compute_only(backends()) else { return };
        // SAFETY: the extensions are read while the instance lives.
        #[expect(unsafe_code, reason = "what was asked of Vulkan shows in wgpu's unsafe layer only")]
        let extensions = unsafe { instance.as_hal::<wgpu::hal::api::Vulkan>() }.unwrap().shared_instance().extensions();
        assert!(!extensions.iter().any(|name| names_window_system(name)), "{extensions:?}");
    }
}
