//! Replays encoded ahead: while the host would wait for one, it encodes the next of its kind. The last one of a run lies
//! ready for nothing; so would all where more than [`KEPT`] kinds took turns.

use super::{Ready, encode};
use crate::gpu::{Gpu, StagedRead, Staging};
use crate::plan::{SectionId, TensorId};

/// Dispatches of one command buffer: about a step. A GPU starts on the first while the second is encoded.
const PART: usize = 64;
/// Replays that may lie ready: a mode that leaves samples out has two kinds.
const KEPT: usize = 2;

/// A replay of a section and the reads that follow it, ready to be submitted once.
pub(super) struct Encoded {
    kind: Kind,
    /// In their order.
    pub(super) commands: Vec<wgpu::CommandBuffer>,
    /// In the order of what is read.
    pub(super) staged: Vec<StagedRead>,
}

/// What a replay runs and which tensors are read after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) section: SectionId,
    pub(super) reads: Vec<TensorId>,
}

/// Replays that lie ready, and the kind of the last one.
#[derive(Default)]
pub(super) struct Ahead {
    ready: Vec<Encoded>,
    last: Option<Kind>,
}

impl Ahead {
    /// The replay of that kind, if it lies ready; the kind is remembered.
    pub(super) fn take(&mut self, kind: &Kind) -> Option<Encoded> {
        if self.last.as_ref() != Some(kind) {
            self.last = Some(kind.clone());
        }
        let index = self.ready.iter().position(|encoded| encoded.kind == *kind)?;
        Some(self.ready.swap_remove(index))
    }

    /// The kind of the last replay, where none of it lies ready.
    pub(super) fn wanted(&self) -> Option<Kind> {
        self.last.clone().filter(|kind| self.ready.iter().all(|encoded| encoded.kind != *kind))
    }

    /// Keeps a replay, and gives one too many back: the oldest.
    pub(super) fn keep(&mut self, encoded: Encoded) -> Option<Encoded> {
        self.ready.push(encoded);
        (self.ready.len() > KEPT).then(|| self.ready.remove(0))
    }
}

/// Encodes `dispatches`, and behind them the copies of what is read. `submit` gets all parts but the last, each as soon as
/// it is there; the last comes back with the copies.
pub(super) fn encode_parts(
    gpu: &Gpu,
    dispatches: &[Ready],
    (staging, reads): (&mut Staging, &[(&wgpu::Buffer, u64)]),
    mut submit: impl FnMut(wgpu::CommandBuffer),
) -> (wgpu::CommandBuffer, Vec<StagedRead>) {
    let mut rest = dispatches;
    while rest.len() > PART {
        let (part, others) = rest.split_at(PART);
        submit(encode_pass(gpu, part).finish());
        rest = others;
    }
    let mut last = encode_pass(gpu, rest);
    let staged = reads.iter().map(|(buffer, bytes)| staging.stage(gpu, &mut last, buffer, 0..*bytes)).collect();
    (last.finish(), staged)
}

fn encode_pass(gpu: &Gpu, dispatches: &[Ready]) -> wgpu::CommandEncoder {
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    let mut set = None;
    for ready in dispatches {
        if set.replace(&ready.pipeline) != Some(&ready.pipeline) {
            pass.set_pipeline(&ready.pipeline);
        }
        encode(&mut pass, ready);
    }
    drop(pass);
    encoder
}

impl Encoded {
    pub(super) fn new(kind: Kind, commands: Vec<wgpu::CommandBuffer>, staged: Vec<StagedRead>) -> Self {
        Self { kind, commands, staged }
    }
}
