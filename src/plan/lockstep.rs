//! Two executors side by side: which tensor differs first, and by how much.

use super::{Executor, SectionId};
use crate::error::Result;
use crate::kernel::{Access, Element};

/// How far apart the two contents of a tensor were after a dispatch.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The dispatch.
    pub label: String,
    /// Its kernel.
    pub kernel: &'static str,
    /// The written tensor.
    pub tensor: String,
    /// [`relative_error`], or infinity where integers differ.
    pub error: f64,
}

/// Relative L2 distance of `a` from `reference`; infinite if either holds a NaN or infinity the other does not.
#[must_use]
pub fn relative_error(a: &[f32], reference: &[f32]) -> f64 {
    let mut distance = 0.0f64;
    let mut norm = 0.0f64;
    for (&x, &y) in a.iter().zip(reference) {
        if x.to_bits() == y.to_bits() {
            norm += if y.is_finite() { f64::from(y) * f64::from(y) } else { 0.0 };
            continue;
        }
        if !x.is_finite() || !y.is_finite() {
            return f64::INFINITY;
        }
        distance += (f64::from(x) - f64::from(y)).powi(2);
        norm += f64::from(y).powi(2);
    }
    // Below this the reference is zero for every purpose here and the distance stands for itself.
    distance.sqrt() / norm.sqrt().max(1e-12)
}

/// Replays a section dispatch by dispatch on both executors of one plan and compares every written tensor
/// after each; the reference's content then replaces the other's, so that each kernel is judged alone.
///
/// # Errors
/// A device was lost.
pub fn lockstep(reference: &mut dyn Executor, other: &mut dyn Executor, section: SectionId) -> Result<Vec<Difference>> {
    let dispatches = reference.plan().section(section).dispatches.clone();
    let mut differences = Vec::new();
    for (index, dispatch) in dispatches.iter().enumerate() {
        reference.replay_range(section, index..index + 1)?;
        other.replay_range(section, index..index + 1)?;
        for (binding, &id) in dispatch.kernel.bindings.iter().zip(&dispatch.tensors) {
            if binding.access == Access::Read {
                continue;
            }
            let expected = reference.read(id)?;
            let found = other.read(id)?;
            let error = match binding.element {
                Element::U32 if expected.iter().map(|w| w.to_bits()).ne(found.iter().map(|w| w.to_bits())) => {
                    f64::INFINITY
                }
                Element::U32 => 0.0,
                Element::State => state_error(&found, &expected),
                Element::F32 | Element::Vec4 | Element::Weight => relative_error(&found, &expected),
            };
            differences.push(Difference {
                label: dispatch.label.clone(),
                kernel: dispatch.kernel.name,
                tensor: reference.plan().tensor(id).name.clone(),
                error,
            });
            other.write(id, 0, &expected);
        }
    }
    Ok(differences)
}

fn state_error(found: &[f32], expected: &[f32]) -> f64 {
    let (found, expected) = (crate::cpu::State::of(found), crate::cpu::State::of(expected));
    if found.counters() == expected.counters() {
        relative_error(&found.numbers(), &expected.numbers())
    } else {
        f64::INFINITY
    }
}
