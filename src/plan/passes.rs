//! How often replays pass over their weights at the least, and what that moves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Dispatch, Plan, TensorId};
use crate::kernel::{Access, Element};

/// One way over a tensor, for all that can be done on the way.
///
/// Two dispatches that use the same weights are one pass where the later does not depend on the earlier but through the
/// weights themselves: one kernel could do both, as with the gradient of a layer's input, its weights' gradient and
/// Adam. Where it does, as backward on forward, the weights must come to the registers again, from a cache or from
/// memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// What is passed over, whole.
    pub tensor: TensorId,
    /// What all of it does together.
    pub access: Access,
    /// The last dispatch of the pass, counted from the first of those given.
    pub dispatch: usize,
}

/// The passes of `dispatches`, in the order of their last dispatches. A linear layer's parameters and moments
/// ([`Element::Weight`]) count at each pass. Any other tensor counts once, where it is written first: activations stay
/// in a cache. What is only read beside weights does not count, for a kernel may look at a part of it.
#[must_use]
pub fn passes(dispatches: &[&Dispatch]) -> Vec<Pass> {
    let mut weights = BTreeMap::new();
    for (binding, &id) in dispatches.iter().flat_map(|dispatch| bound(dispatch)) {
        let next = weights.len();
        if binding.element == Element::Weight {
            weights.entry(id).or_insert(next);
        }
    }
    // For each tensor, one past the last use of each weight that its content depends on.
    let mut behind: BTreeMap<TensorId, Vec<usize>> = BTreeMap::new();
    // For each weight, the first dispatch of its last pass, and the pass.
    let mut open: Vec<Option<(usize, Pass)>> = vec![None; weights.len()];
    let (mut closed, mut written) = (Vec::new(), BTreeSet::new());
    for (index, dispatch) in dispatches.iter().enumerate() {
        let read = || bound(dispatch).filter(|(binding, _)| binding.access != Access::Write).map(|(_, id)| id);
        for (binding, &id) in bound(dispatch) {
            let new = Pass { tensor: id, access: binding.access, dispatch: index };
            let Some(&weight) = weights.get(&id) else {
                if binding.access == Access::Write && written.insert(id) {
                    closed.push(new);
                }
                continue;
            };
            let others = read().filter(|other| **other != id).filter_map(|other| behind.get(other));
            let after = others.map(|uses| uses[weight]).max().unwrap_or(0);
            open[weight] = match open[weight] {
                Some((first, pass)) if after <= first => {
                    Some((first, Pass { access: both(pass.access, binding.access), ..new }))
                }
                before => {
                    closed.extend(before.map(|(_, pass)| pass));
                    Some((index, new))
                }
            };
        }
        let mut uses = vec![0; weights.len()];
        for known in read().filter_map(|id| behind.get(id)) {
            uses.iter_mut().zip(known).for_each(|(last, &known)| *last = known.max(*last));
        }
        bound(dispatch).filter_map(|(_, id)| weights.get(id)).for_each(|&weight| uses[weight] = index + 1);
        for (_, &id) in bound(dispatch).filter(|(binding, _)| binding.access != Access::Read) {
            behind.insert(id, uses.clone());
        }
    }
    closed.extend(open.into_iter().flatten().map(|(_, pass)| pass));
    closed.sort_by_key(|pass| pass.dispatch);
    closed
}

fn bound(dispatch: &Dispatch) -> impl Iterator<Item = (&'static crate::kernel::Binding, &TensorId)> {
    dispatch.kernel.bindings.iter().zip(&dispatch.tensors)
}

/// One access, then another, in one pass.
fn both(first: Access, then: Access) -> Access {
    match (first, then) {
        (Access::Read, Access::Read) => Access::Read,
        // What is written first need not be read.
        (Access::Write, _) => Access::Write,
        _ => Access::Update,
    }
}

/// Each tensor's passes as one: what is moved where a cache holds everything between the first use and the last.
#[must_use]
pub fn once(passes: &[Pass]) -> Vec<Pass> {
    let mut whole: BTreeMap<TensorId, Pass> = BTreeMap::new();
    for pass in passes {
        let known = whole.entry(pass.tensor).or_insert(*pass);
        *known = Pass { access: both(known.access, pass.access), ..*pass };
    }
    let mut whole: Vec<Pass> = whole.into_values().collect();
    whole.sort_by_key(|pass| pass.dispatch);
    whole
}

/// Bytes that passes move, by what is done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Read only.
    pub read: u64,
    /// Written without being read.
    pub written: u64,
    /// Read, changed and written back, each byte counted once.
    pub updated: u64,
}

impl Moved {
    /// What `passes` over tensors of `plan` move.
    #[must_use]
    pub fn by(plan: &Plan, passes: &[Pass]) -> Self {
        let mut moved = Self::default();
        for pass in passes {
            let sum = match pass.access {
                Access::Read => &mut moved.read,
                Access::Write => &mut moved.written,
                Access::Update => &mut moved.updated,
            };
            *sum += 4 * plan.tensor(pass.tensor).len() as u64;
        }
        moved
    }

    /// Bytes read and bytes written: what is updated counts twice.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.read + self.written + 2 * self.updated
    }
}
