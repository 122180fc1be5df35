//! The door to the machine's adapters: an instance of each backend that computes. GL is left out: its compute support is
//! partial, and it would list each GPU twice.

/// An instance that asks for no window system, as this crate shows nothing; `None` where there is no Vulkan.
///
/// wgpu's own would ask for every extension that makes a surface. A layer takes the request for a wish to draw:
/// `VK_LAYER_MESA_device_select` of Mesa 22 then looks for a Wayland compositor whenever adapters are listed, and complains
/// on stderr where `XDG_RUNTIME_DIR` is unset, as it is for services, in containers and for cron.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) fn compute_only() -> Option<wgpu::Instance> {
    use wgpu::hal::{InstanceDescriptor, api, vulkan};

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

/// An instance of every backend that computes: Metal, or DX12 and Vulkan.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) fn compute_only() -> Option<wgpu::Instance> {
    let descriptor = wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12,
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
        let Some(instance) = compute_only() else { return };
        // SAFETY: the extensions are read while the instance lives.
        #[expect(unsafe_code, reason = "what was asked of Vulkan shows in wgpu's unsafe layer only")]
        let extensions = unsafe { instance.as_hal::<wgpu::hal::api::Vulkan>() }.unwrap().shared_instance().extensions();
        assert!(!extensions.iter().any(|name| names_window_system(name)), "{extensions:?}");
    }
}
