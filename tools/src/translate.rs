//! Every shader in the languages of other backends, written by naga with the options that wgpu 30 gives it there, and
//! that pipelines here are made with: workgroup memory is not cleared.

use isopose::gpu::ShaderChecks;
use isopose::kernel::{Kernel, Product, Tile, wgsl};
use isopose::kernels::ALL;
use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, ResourceBinding, ShaderStage, StorageAccess};

/// The entry point of every kernel.
const ENTRY: &str = "main";

/// A kernel, cut by a tile if it is a linear one.
pub struct Shader {
    /// Its declaration.
    pub kernel: &'static Kernel,
    /// The tile of a linear kernel.
    pub tile: Option<&'static Tile>,
    /// As naga read it.
    pub module: naga::Module,
    info: ModuleInfo,
}

/// Every kernel, the linear ones with each tile that can serve them.
///
/// # Errors
/// The first kernel that is not valid WGSL.
pub fn shaders() -> Result<Vec<Shader>, String> {
    let mut all = Vec::new();
    for &kernel in ALL {
        match Product::of(kernel) {
            None => all.push(Shader::new(kernel, None)?),
            Some(product) => {
                for tile in product.tiles() {
                    all.push(Shader::new(kernel, Some(tile))?);
                }
            }
        }
    }
    Ok(all)
}

impl Shader {
    /// Reads a kernel, cut by `tile` if it is a linear one.
    ///
    /// # Errors
    /// What makes its WGSL invalid.
    pub fn new(kernel: &'static Kernel, tile: Option<&'static Tile>) -> Result<Self, String> {
        let text = wgsl(kernel, tile)?;
        let fail = |e: String| format!("{}: {e}", kernel.name);
        let module = naga::front::wgsl::parse_str(&text).map_err(|e| fail(e.emit_to_string(&text)))?;
        let subgroups = tile.is_some_and(|tile| tile.subgroup() > 0);
        let capabilities = if subgroups { Capabilities::SUBGROUP } else { Capabilities::empty() };
        let info = Validator::new(ValidationFlags::all(), capabilities).validate(&module);
        let info = info.map_err(|e| fail(e.emit_to_string(&text)))?;
        Ok(Self { kernel, tile, module, info })
    }

    /// The kernel's name, and its tile's behind it.
    #[must_use]
    pub fn name(&self) -> String {
        let tile = self.tile.map_or_else(String::new, |tile| format!("-{}", tile.name()));
        format!("{}{tile}", self.kernel.name)
    }

    /// Whether its lanes hand numbers to each other.
    #[must_use]
    pub fn subgroups(&self) -> bool {
        self.tile.is_some_and(|tile| tile.subgroup() > 0)
    }

    /// SPIR-V of `version`.
    ///
    /// # Errors
    /// It needs more of a device than compute shaders, and subgroups where its tile says so.
    pub fn spirv(&self, version: (u8, u8), checks: ShaderChecks) -> Result<Vec<u32>, String> {
        let mut capabilities = vec![spv::Capability::Shader];
        if self.subgroups() {
            capabilities.extend([spv::Capability::GroupNonUniform, spv::Capability::GroupNonUniformShuffle]);
        }
        let options = spv::Options {
            lang_version: version,
            flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
            fake_missing_bindings: false,
            binding_map: self.bindings().map(|(at, _)| (at, spirv_target(at))).collect(),
            capabilities: Some(capabilities.into_iter().collect()),
            bounds_check_policies: policies(checks),
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            force_loop_bounding: checked(checks),
            emit_int_div_checks: checked(checks),
            ..spv::Options::default()
        };
        let pipeline = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: ENTRY.to_owned() };
        let words = spv::write_vec(&self.module, &self.info, &options, Some(&pipeline));
        words.map_err(|e| format!("{}: SPIR-V: {e}", self.name()))
    }

    /// Metal's language of `version`.
    ///
    /// # Errors
    /// What that language cannot say.
    pub fn msl(&self, version: (u8, u8), checks: ShaderChecks) -> Result<String, String> {
        let slots = self.bindings().zip(0u8..);
        let resources: msl::BindingMap = slots
            .map(|((at, mutable), slot)| {
                (at, msl::BindTarget { buffer: Some(slot), mutable, ..msl::BindTarget::default() })
            })
            .collect();
        let sizes_buffer = u8::try_from(resources.len()).ok();
        let resources = msl::EntryPointResources { resources, immediates_buffer: None, sizes_buffer };
        let options = msl::Options {
            lang_version: version,
            per_entry_point_map: [(ENTRY.to_owned(), resources)].into_iter().collect(),
            spirv_cross_compatibility: false,
            fake_missing_bindings: false,
            bounds_check_policies: policies(checks),
            zero_initialize_workgroup_memory: false,
            force_loop_bounding: checked(checks),
            emit_int_div_checks: checked(checks),
            ..msl::Options::default()
        };
        let entry_point = Some((ShaderStage::Compute, ENTRY.to_owned()));
        let pipeline = msl::PipelineOptions { entry_point, ..msl::PipelineOptions::default() };
        let (text, info) = msl::write_string(&self.module, &self.info, &options, &pipeline)
            .map_err(|e| format!("{}: MSL: {e}", self.name()))?;
        info.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| format!("MSL: {e}"))?;
        Ok(text)
    }

    /// Direct3D's language, for shader model `model`.
    ///
    /// # Errors
    /// What that language cannot say.
    pub fn hlsl(&self, model: hlsl::ShaderModel, checks: ShaderChecks) -> Result<String, String> {
        let registers = self.bindings().zip(0u32..);
        let options = hlsl::Options {
            shader_model: model,
            binding_map: registers
                .map(|((at, _), register)| {
                    let restrict_indexing = true;
                    (at, hlsl::BindTarget { register, restrict_indexing, ..hlsl::BindTarget::default() })
                })
                .collect(),
            fake_missing_bindings: false,
            zero_initialize_workgroup_memory: false,
            restrict_indexing: checked(checks),
            force_loop_bounding: checked(checks),
            ..hlsl::Options::default()
        };
        let pipeline = hlsl::PipelineOptions { entry_point: Some((ShaderStage::Compute, ENTRY.to_owned())) };
        let mut text = String::new();
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&self.module, &self.info, None)
            .map_err(|e| format!("{}: HLSL: {e}", self.name()))?;
        Ok(text)
    }

    /// OpenGL's language of `version`.
    ///
    /// # Errors
    /// What that language cannot say.
    pub fn glsl(&self, version: glsl::Version, checks: ShaderChecks) -> Result<String, String> {
        let slots = self.bindings().zip(0u8..);
        let options = glsl::Options {
            version,
            writer_flags: glsl::WriterFlags::empty(),
            binding_map: slots.map(|((at, _), slot)| (at, slot)).collect(),
            zero_initialize_workgroup_memory: false,
        };
        let pipeline = glsl::PipelineOptions {
            shader_stage: ShaderStage::Compute,
            entry_point: ENTRY.to_owned(),
            multiview: None,
        };
        let mut text = String::new();
        glsl::Writer::new(&mut text, &self.module, &self.info, &options, &pipeline, policies(checks))
            .and_then(|mut writer| writer.write())
            .map_err(|e| format!("{}: GLSL: {e}", self.name()))?;
        Ok(text)
    }

    /// Its resources, and whether it writes to them.
    fn bindings(&self) -> impl Iterator<Item = (ResourceBinding, bool)> + '_ {
        self.module.global_variables.iter().filter_map(|(_, variable)| {
            let writes =
                matches!(variable.space, AddressSpace::Storage { access } if access.contains(StorageAccess::STORE));
            Some((variable.binding?, writes))
        })
    }
}

fn checked(checks: ShaderChecks) -> bool {
    checks == ShaderChecks::On
}

fn policies(checks: ShaderChecks) -> BoundsCheckPolicies {
    let policy = if checked(checks) { BoundsCheckPolicy::Restrict } else { BoundsCheckPolicy::Unchecked };
    BoundsCheckPolicies {
        index: policy,
        buffer: policy,
        image_load: policy,
        binding_array: BoundsCheckPolicy::Unchecked,
    }
}

fn spirv_target(at: ResourceBinding) -> spv::BindingInfo {
    spv::BindingInfo { descriptor_set: at.group, binding: at.binding, binding_array_size: None }
}
