//! The CPU executor: replays a plan on the kernels' twins.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::{Dispatch, Executor, Plan, Readback, SectionId, SharedTensor, TensorId, TensorInfo};
use crate::cpu::Memory;
use crate::error::{Error, Result};
use crate::kernel::{Access, Element, Inputs, MAX_BINDINGS, Outputs, Value};
use crate::system;

/// A tensor in the CPU's memory that several executors read.
#[derive(Clone, Default)]
pub struct CpuTensor(Arc<Memory>);

impl CpuTensor {
    pub(super) fn bytes(&self) -> u64 {
        4 * self.0.stored().len() as u64
    }
}

/// Where a tensor lies.
enum Place {
    Own(Memory),
    Shared(CpuTensor),
}

impl Place {
    fn memory(&self) -> &Memory {
        match self {
            Self::Own(memory) => memory,
            Self::Shared(tensor) => &tensor.0,
        }
    }

    /// The memory, to be written; none where others read it.
    fn own(&mut self) -> Option<&mut Memory> {
        match self {
            Self::Own(memory) => Some(memory),
            Self::Shared(_) => None,
        }
    }
}

/// Runs twins on its own pool of threads.
pub struct CpuExecutor {
    plan: Plan,
    memory: Vec<Place>,
    pool: rayon::ThreadPool,
    device: String,
}

impl CpuExecutor {
    /// Allocates the plan's tensors; `threads` is the size of the pool, 0 as in [`crate::gpu::Device::Cpu`].
    ///
    /// # Errors
    /// [`Error::Device`] when the threads cannot be started, or the plan needs more memory than there is.
    pub fn new(plan: Plan, threads: usize) -> Result<Self> {
        Self::sharing(plan, threads, &[])
    }

    /// As [`Self::new`] with tensors that are there already.
    pub(super) fn sharing(plan: Plan, threads: usize, shared: &[(TensorId, SharedTensor)]) -> Result<Self> {
        check_memory(plan.bytes())?;
        let pool = thread_pool(threads)?;
        let memory = memory(&plan, shared)?;
        let dispatches = plan.sections.iter().flat_map(|section| &section.dispatches);
        let rows = dispatches.flat_map(|dispatch| dispatch.uniforms.iter()).filter_map(|(name, value)| match value {
            Value::U32(rows) if name == "rows" => Some(rows as usize),
            _ => None,
        });
        let most = rows.max().unwrap_or(0);
        pool.broadcast(|_| crate::cpu::reserve(most));
        let device = crate::gpu::cpu_name(pool.current_num_threads());
        Ok(Self { plan, memory, pool, device })
    }
}

/// A pool of so many threads, 0 as in [`crate::gpu::Device::Cpu`].
pub(crate) fn thread_pool(threads: usize) -> Result<rayon::ThreadPool> {
    // Never 0: what rayon would take then is to be what `Device::name` says.
    let threads = system::threads(threads);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|e| Error::Device(format!("cannot start {threads} threads: {e}; ask for fewer")))
}

/// Fails where this machine has not so many bytes.
pub(crate) fn check_memory(bytes: u64) -> Result<()> {
    match system::available_memory().filter(|&available| bytes > available) {
        None => Ok(()),
        Some(available) => Err(Error::Device(format!(
            "cpu: the plan needs {} MiB of memory, but {} MiB are free; lower `width`, `copies`, `instances` or `batch`",
            bytes >> 20,
            available >> 20
        ))),
    }
}

/// The plan's tensors, weights in the products' order.
fn memory(plan: &Plan, shared: &[(TensorId, SharedTensor)]) -> Result<Vec<Place>> {
    let mut bound: Vec<Option<Element>> = vec![None; plan.tensors.len()];
    for dispatch in plan.sections.iter().flat_map(|section| &section.dispatches) {
        for (binding, id) in dispatch.kernel.bindings.iter().zip(&dispatch.tensors) {
            let is_weight = |element| element == Element::Weight;
            let before = bound[id.0].replace(binding.element);
            if before.is_some_and(|before| is_weight(before) != is_weight(binding.element)) {
                let name = &plan.tensor(*id).name;
                let label = &dispatch.label;
                return Err(Error::Plan(format!(
                    "{label}: tensor `{name}` is a weight to some kernels and not to others"
                )));
            }
        }
    }
    let place = |(index, (info, bound)): (usize, (&TensorInfo, Option<Element>))| {
        if let Some((_, tensor)) = shared.iter().find(|(id, _)| id.0 == index) {
            return match tensor {
                SharedTensor::Cpu(tensor) if tensor.0.elements() == info.len() => Ok(Place::Shared(tensor.clone())),
                _ => Err(Error::Plan(format!("tensor `{}` is shared with another size or device", info.name))),
            };
        }
        Ok(Place::Own(match (&info.shape[..], bound) {
            (&[.., rows, columns], Some(Element::Weight)) => Memory::weights(&info.initial(), rows, columns),
            _ => Memory::plain(&info.initial()),
        }))
    };
    plan.tensors.iter().zip(bound).enumerate().map(place).collect()
}

/// Runs one dispatch on `memory`: written tensors are moved out for the while, so that reads can borrow the rest.
fn run(dispatch: &Dispatch, memory: &mut [Place]) {
    let mut written: ArrayVec<Memory, MAX_BINDINGS> = ArrayVec::new();
    for (binding, id) in dispatch.kernel.bindings.iter().zip(&dispatch.tensors) {
        if binding.access != Access::Read {
            // `prepare_sharing` has found no dispatch that writes what is shared.
            written.push(memory[id.0].own().map(std::mem::take).unwrap_or_default());
        }
    }
    {
        let mut inputs = Inputs::default();
        let mut outputs = Outputs::default();
        let mut next = written.iter_mut();
        for (binding, id) in dispatch.kernel.bindings.iter().zip(&dispatch.tensors) {
            if binding.access == Access::Read {
                inputs.push(binding.name, memory[id.0].memory().stored());
            } else if let Some(words) = next.next() {
                outputs.push(binding.name, words.stored_mut());
            }
        }
        (dispatch.kernel.twin)(&dispatch.uniforms, &inputs, &mut outputs);
    }
    let mut written = written.into_iter();
    for (binding, id) in dispatch.kernel.bindings.iter().zip(&dispatch.tensors) {
        if binding.access != Access::Read {
            memory[id.0] = Place::Own(written.next().unwrap_or_default());
        }
    }
}

impl Executor for CpuExecutor {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn device(&self) -> &str {
        &self.device
    }

    fn replay_range(&mut self, section: SectionId, range: Range<usize>) -> Result<()> {
        let dispatches = &self.plan.section(section).dispatches[range];
        let memory = &mut self.memory;
        self.pool.install(|| dispatches.iter().for_each(|dispatch| run(dispatch, memory)));
        Ok(())
    }

    fn write(&mut self, tensor: TensorId, offset: usize, data: &[f32]) {
        match self.memory[tensor.0].own() {
            Some(memory) => memory.write(offset, data),
            None => debug_assert!(false, "`{}` is shared: it must not be written", self.plan.tensor(tensor).name),
        }
    }

    fn begin_read(&mut self, tensor: TensorId) -> Result<Readback> {
        Ok(Readback::Ready(self.memory[tensor.0].memory().read()))
    }

    fn finish_read(&mut self, readback: Readback) -> Result<Vec<f32>> {
        match readback {
            Readback::Ready(words) => Ok(words),
            Readback::Pending(_) => Err(Error::Device("a GPU's read was given to the CPU executor".to_owned())),
        }
    }

    fn wait(&mut self) -> Result<()> {
        Ok(())
    }

    fn share(&mut self, tensor: TensorId) -> SharedTensor {
        let place = &mut self.memory[tensor.0];
        let shared = match place {
            Place::Own(memory) => CpuTensor(Arc::new(std::mem::take(memory))),
            Place::Shared(shared) => shared.clone(),
        };
        *place = Place::Shared(shared.clone());
        SharedTensor::Cpu(shared)
    }

    fn profile(&mut self, section: SectionId) -> Result<Vec<Duration>> {
        let dispatches = &self.plan.section(section).dispatches;
        let memory = &mut self.memory;
        Ok(self.pool.install(|| {
            let time = |dispatch| {
                let start = Instant::now();
                run(dispatch, memory);
                start.elapsed()
            };
            dispatches.iter().map(time).collect()
        }))
    }
}
