//! A GPU program as a value: named tensors and sections of dispatches, recorded once, replayed many times.

mod cost;
mod cpu;
mod executor;
mod faults;
mod gpu;
mod listing;
mod lockstep;
pub mod model;
mod passes;
mod recorder;
mod schedule;

pub use cost::Cost;
pub use cpu::CpuExecutor;
pub(crate) use cpu::{check_memory, thread_pool};
pub use executor::{Executor, Readback, SharedTensor, prepare};
pub(crate) use executor::{check_fits, check_rows, gone, prepare_sharing};
pub use gpu::GpuExecutor;
pub use lockstep::{Difference, lockstep, relative_error};
pub use passes::{Moved, Pass, once, passes};
pub use recorder::Recorder;
pub use schedule::Schedule;

use std::collections::BTreeSet;

use crate::kernel::{Access, Binding, Kernel, Uniforms};

/// A tensor of a [`Plan`]: a name before it is memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub(crate) usize);

/// A section of a [`Plan`]: what one replay runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionId(pub(crate) usize);

/// What a tensor holds when the plan is prepared.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Zeros.
    Zero,
    /// One number everywhere.
    Fill(f32),
    /// These numbers.
    Data(Vec<f32>),
    /// These integers, for a `u32` tensor.
    Words(Vec<u32>),
}

/// Name, shape and first content of a tensor. Every element is one 32-bit word.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    /// Dotted name, as in listings and errors.
    pub name: String,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// Content at `prepare`.
    pub init: Init,
}

impl TensorInfo {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first content, word by word.
    #[must_use]
    pub fn initial(&self) -> Vec<f32> {
        match &self.init {
            Init::Zero => vec![0.0; self.len()],
            Init::Fill(value) => vec![*value; self.len()],
            Init::Data(data) => data.clone(),
            Init::Words(words) => words.iter().map(|&w| f32::from_bits(w)).collect(),
        }
    }
}

/// One kernel over some tensors.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// What runs.
    pub kernel: &'static Kernel,
    /// Dotted scope, such as `adapt.0.extractor.rb1.fc2.forward`.
    pub label: String,
    /// One tensor per binding of the kernel, in its order.
    pub tensors: Vec<TensorId>,
    /// Resolved dimensions and numbers.
    pub uniforms: Uniforms,
    /// Workgroups.
    pub grid: [u32; 3],
}

impl Dispatch {
    /// The kernel's bindings, each with its tensor.
    pub fn bound(&self) -> impl Iterator<Item = (&'static Binding, TensorId)> + '_ {
        self.kernel.bindings.iter().zip(self.tensors.iter().copied())
    }
}

/// Dispatches that one replay runs in order.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name in listings.
    pub name: String,
    /// The dispatches.
    pub dispatches: Vec<Dispatch>,
}

/// A recorded program.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every tensor, by [`TensorId`].
    pub tensors: Vec<TensorInfo>,
    /// Every section, by [`SectionId`].
    pub sections: Vec<Section>,
}

impl Plan {
    /// The tensor behind an id.
    #[must_use]
    pub fn tensor(&self, id: TensorId) -> &TensorInfo {
        &self.tensors[id.0]
    }

    /// The tensor of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<TensorId> {
        self.tensors.iter().position(|t| t.name == name).map(TensorId)
    }

    /// The section behind an id.
    #[must_use]
    pub fn section(&self, id: SectionId) -> &Section {
        &self.sections[id.0]
    }

    /// The tensors that some dispatch reads and none writes.
    #[must_use]
    pub(crate) fn only_read(&self) -> BTreeSet<TensorId> {
        let dispatches = || self.sections.iter().flat_map(|section| &section.dispatches);
        let bound = |read: bool| {
            let all = dispatches().flat_map(|dispatch| dispatch.kernel.bindings.iter().zip(&dispatch.tensors));
            all.filter(move |(binding, _)| (binding.access == Access::Read) == read).map(|(_, id)| *id)
        };
        let written: BTreeSet<TensorId> = bound(false).collect();
        bound(true).filter(|id| !written.contains(id)).collect()
    }

    /// The least work of one replay of a section.
    #[must_use]
    pub fn cost(&self, section: SectionId) -> Cost {
        Cost::of(self, &self.section(section).dispatches)
    }

    /// Bytes of all tensors.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tensors.iter().map(|t| 4 * t.len() as u64).sum()
    }
}
