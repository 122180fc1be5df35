//! RADV, Mesa's driver of AMD's GPUs, without one of them: its null device compiles, and runs nothing.

#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use std::ffi::CStr;
use std::path::PathBuf;

use ash::{khr, vk};
use isopose::kernel::MAX_BINDINGS;

/// What the driver made of a shader.
pub(crate) struct Compiled {
    /// By the driver's names.
    pub(crate) statistics: Vec<(String, u64)>,
    /// The machine code, disassembled.
    pub(crate) assembly: String,
}

/// A device of a GPU that is not here.
pub(crate) struct Radv {
    device: ash::Device,
    executables: khr::pipeline_executable_properties::Device,
    pub(crate) name: String,
    // Above all else that comes from it, and dropped last.
    _instance: ash::Instance,
    _entry: ash::Entry,
}

/// The driver's manifest, where it is installed.
pub(crate) fn manifest() -> Option<PathBuf> {
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    files
        .map(|file| file.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("radeon_icd")))
}

impl Radv {
    /// The null device of the chip that the environment names.
    pub(crate) fn open() -> Result<Self, String> {
        let fail = |what: &'static str| move |e: vk::Result| format!("{what}: {e}");
        // SAFETY: all that is passed lives until the call returns; nothing made here outlives the entry kept with it.
        unsafe {
            let entry =
                ash::Entry::load().map_err(|e| format!("there is no Vulkan loader ({e}); install libvulkan1"))?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let instance = entry
                .create_instance(&vk::InstanceCreateInfo::default().application_info(&application), None)
                .map_err(fail("RADV cannot be started"))?;
            let adapters = instance.enumerate_physical_devices().map_err(fail("RADV has no device"))?;
            let &adapter = adapters.first().ok_or("RADV has no device")?;
            let name = instance.get_physical_device_properties(adapter);
            let name = name.device_name_as_c_str().unwrap_or_default().to_string_lossy().into_owned();

            let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
            let extensions = [khr::pipeline_executable_properties::NAME.as_ptr(), c"VK_EXT_robustness2".as_ptr()];
            let mut statistics =
                vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
            // As wgpu opens a device: reads past a buffer's end give zeros.
            let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true);
            let mut since_1_2 = vk::PhysicalDeviceVulkan12Features::default().vulkan_memory_model(true);
            let mut since_1_3 = vk::PhysicalDeviceVulkan13Features::default()
                .maintenance4(true)
                .shader_zero_initialize_workgroup_memory(true);
            let basic = vk::PhysicalDeviceFeatures::default().robust_buffer_access(true);
            let device = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queues)
                .enabled_extension_names(&extensions)
                .enabled_features(&basic)
                .push_next(&mut statistics)
                .push_next(&mut robust)
                .push_next(&mut since_1_2)
                .push_next(&mut since_1_3);
            let device = instance.create_device(adapter, &device, None).map_err(fail("RADV opens no device"))?;
            let executables = khr::pipeline_executable_properties::Device::new(&instance, &device);
            Ok(Self { device, executables, name, _instance: instance, _entry: entry })
        }
    }

    /// Compiles the entry point `main`, which binds uniforms at 0 and storage buffers behind them. What is made stays
    /// until the process ends.
    pub(crate) fn compile(&self, spirv: &[u32]) -> Result<Compiled, String> {
        let fail = |what: &'static str| move |e: vk::Result| format!("{what}: {e}");
        let bindings: Vec<_> = (0..=MAX_BINDINGS as u32)
            .map(|binding| {
                let kind = match binding {
                    0 => vk::DescriptorType::UNIFORM_BUFFER,
                    _ => vk::DescriptorType::STORAGE_BUFFER,
                };
                let layout = vk::DescriptorSetLayoutBinding::default().binding(binding).descriptor_type(kind);
                layout.descriptor_count(1).stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        // SAFETY: as above; naga validated the module, and its bindings are those of the layout.
        unsafe {
            let module = vk::ShaderModuleCreateInfo::default().code(spirv);
            let module = self.device.create_shader_module(&module, None).map_err(fail("no module"))?;
            let set = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            let sets = [self.device.create_descriptor_set_layout(&set, None).map_err(fail("no set"))?];
            let layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = self.device.create_pipeline_layout(&layout, None).map_err(fail("no layout"))?;
            let stage = vk::PipelineShaderStageCreateInfo::default().stage(vk::ShaderStageFlags::COMPUTE);
            let capture = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let pipeline = vk::ComputePipelineCreateInfo::default()
                .flags(capture)
                .stage(stage.module(module).name(c"main"))
                .layout(layout);
            let made = self.device.create_compute_pipelines(vk::PipelineCache::null(), &[pipeline], None);
            let pipeline = made.map_err(|(_, e)| format!("no pipeline: {e}"))?[0];
            let of = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
            let found = self.executables.get_pipeline_executable_statistics(&of).map_err(fail("no statistics"))?;
            let statistics = found.iter().filter_map(|s| Some((text(s.name_as_c_str().ok()?), number(s)?))).collect();
            let assembly = self.assembly(&of).map_err(fail("no machine code"))?;
            // RADV then gives its own notation instead.
            if assembly.starts_with("Shader disassembly is not supported") {
                return Err(format!("this RADV's LLVM is too old to disassemble for {}; try navi31", self.name));
            }
            Ok(Compiled { statistics, assembly })
        }
    }

    /// # Safety
    /// The pipeline of `of` exists.
    unsafe fn assembly(&self, of: &vk::PipelineExecutableInfoKHR<'_>) -> Result<String, vk::Result> {
        let get = self.executables.fp().get_pipeline_executable_internal_representations_khr;
        let device = self.device.handle();
        let mut count = 0;
        // SAFETY: the first call counts, the second tells sizes, the third fills buffers of those sizes.
        unsafe {
            get(device, of, &mut count, std::ptr::null_mut()).result()?;
            let mut all = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            get(device, of, &mut count, all.as_mut_ptr()).result()?;
            let mut texts: Vec<Vec<u8>> = all.iter().map(|one| vec![0; one.data_size]).collect();
            for (one, text) in all.iter_mut().zip(&mut texts) {
                one.p_data = text.as_mut_ptr().cast();
            }
            get(device, of, &mut count, all.as_mut_ptr()).result()?;
            let named = |one: &&vk::PipelineExecutableInternalRepresentationKHR<'_>| {
                one.name_as_c_str().is_ok_and(|name| text(name).contains("Assembly"))
            };
            let at = all.iter().position(|one| named(&one)).ok_or(vk::Result::ERROR_UNKNOWN)?;
            Ok(String::from_utf8_lossy(&texts[at]).trim_end_matches('\0').to_owned())
        }
    }
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

fn number(statistic: &vk::PipelineExecutableStatisticKHR<'_>) -> Option<u64> {
    // SAFETY: the format says which member of the union is there.
    unsafe {
        match statistic.format {
            vk::PipelineExecutableStatisticFormatKHR::UINT64 => Some(statistic.value.u64),
            vk::PipelineExecutableStatisticFormatKHR::INT64 => u64::try_from(statistic.value.i64).ok(),
            _ => None,
        }
    }
}
