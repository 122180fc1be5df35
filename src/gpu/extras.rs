//! What an adapter may have beyond WebGPU's defaults.

use wgpu::{Features, Limits};

/// Which optional parts of an adapter are used, where it has them. Everything runs without any of them; tests make sure
/// of that on adapters that have them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// Profiles by the GPU's clock; without it, by the host's.
    pub timestamps: bool,
    /// Tiles whose lanes hand numbers to each other. Only software adapters are given them.
    pub subgroups: bool,
    /// Tensors and buffers larger than WebGPU's 128 MiB and 256 MiB.
    pub large_buffers: bool,
}

impl Extras {
    /// Whatever the adapter has.
    pub const ALL: Self = Self { timestamps: true, subgroups: true, large_buffers: true };
    /// WebGPU's defaults.
    pub const NONE: Self = Self { timestamps: false, subgroups: false, large_buffers: false };

    /// The features to ask of an adapter that offers `offered`.
    pub(super) fn features(self, offered: Features, software: bool) -> Features {
        let mut wanted = Features::empty();
        wanted.set(Features::TIMESTAMP_QUERY, self.timestamps);
        // With the feature, wgpu lets the width of all kernels' subgroups vary.
        wanted.set(Features::SUBGROUP, self.subgroups && software);
        wanted & offered
    }

    /// The limits to ask of an adapter that offers `offered`.
    pub(super) fn limits(self, offered: &Limits) -> Limits {
        let defaults = Limits::default();
        if !self.large_buffers {
            return defaults;
        }
        Limits {
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            max_buffer_size: offered.max_buffer_size,
            ..defaults
        }
    }
}
