//! What a section waits for: barriers as wgpu places them, pipeline switches, and the longest chain of dispatches that
//! truly depend on each other.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Dispatch, Plan, SectionId, TensorId};
use crate::kernel::{Access, Area, Product, Tiling};

/// The waits of one replay of a section.
///
/// **Barriers** are placed as wgpu-core 30 does, in a replay that follows another of the same section: it knows buffers
/// whole, each as last read or last written, and waits before a dispatch for every buffer of it that was written
/// before or is written now. Reads after reads are free.
///
/// **Depth** knows rows and columns ([`crate::kernel::Binding::area`]): a dispatch waits for an earlier one that wrote
/// what it reads or writes, or read what it writes. What lies between depth and dispatches could overlap on a device
/// that tracked rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Dispatches; each has a bind group of its own.
    pub dispatches: usize,
    /// Dispatches with a barrier before them.
    pub barriers: usize,
    /// Buffers that those barriers name.
    pub buffer_barriers: usize,
    /// Changes of the pipeline, the first included: of the kernel or of its tile.
    pub pipeline_switches: usize,
    /// Dispatches of the longest chain in which each waits for the one before.
    pub depth: usize,
}

impl Schedule {
    /// Of a section, whose linear products are cut by `tiling`.
    #[must_use]
    pub fn of(plan: &Plan, section: SectionId, tiling: &Tiling) -> Self {
        let dispatches = &plan.section(section).dispatches;
        let [_, barriers] = barriers(dispatches);
        Self {
            dispatches: dispatches.len(),
            barriers: barriers.iter().filter(|&&buffers| buffers > 0).count(),
            buffer_barriers: barriers.iter().sum(),
            pipeline_switches: pipeline_switches(dispatches, tiling),
            depth: levels(dispatches).into_iter().max().unwrap_or(0),
        }
    }
}

/// Buffers that wgpu waits for before each dispatch, in a first replay and in one that follows.
fn barriers(dispatches: &[Dispatch]) -> [Vec<usize>; 2] {
    let mut written = BTreeMap::<TensorId, bool>::new();
    [(); 2].map(|()| {
        let before = dispatches.iter().map(|dispatch| {
            let uses: BTreeMap<TensorId, bool> =
                dispatch.bound().map(|(b, id)| (id, b.access != Access::Read)).collect();
            let waits =
                uses.iter().filter(|&(id, &writes)| written.get(id).is_some_and(|&wrote| wrote || writes)).count();
            written.extend(uses);
            waits
        });
        before.collect()
    })
}

fn pipeline_switches(dispatches: &[Dispatch], tiling: &Tiling) -> usize {
    let pipeline = |dispatch: &Dispatch| {
        let tile = Product::of(dispatch.kernel).map(|product| tiling.tile(product, &dispatch.uniforms));
        (dispatch.kernel.name, tile)
    };
    let mut last = None;
    let switches = |dispatch: &&Dispatch| {
        let next = Some(pipeline(dispatch));
        std::mem::replace(&mut last, next) != next
    };
    dispatches.iter().filter(switches).count()
}

/// How a dispatch used a tensor, and its level.
struct Use {
    area: Area,
    writes: bool,
    level: usize,
}

/// The length of the longest chain that ends at each dispatch.
fn levels(dispatches: &[Dispatch]) -> Vec<usize> {
    let mut uses = BTreeMap::<TensorId, Vec<Use>>::new();
    let level = |dispatch: &Dispatch| {
        let bound = || dispatch.bound().map(|(b, id)| (id, b.area(&dispatch.uniforms), b.access != Access::Read));
        let mut level = 1;
        for (id, area, writes) in bound() {
            let earlier = uses.get(&id).into_iter().flatten();
            let waits_for = earlier.filter(|earlier| (writes || earlier.writes) && earlier.area.meets(&area));
            level = waits_for.map(|earlier| earlier.level + 1).fold(level, usize::max);
        }
        for (id, area, writes) in bound() {
            let all = uses.entry(id).or_default();
            // Of equal uses the last says it all: its level is the highest.
            match all.iter_mut().find(|known| known.writes == writes && known.area == area) {
                Some(known) => known.level = known.level.max(level),
                None => all.push(Use { area, writes, level }),
            }
        }
        level
    };
    dispatches.iter().map(level).collect()
}
