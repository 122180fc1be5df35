//! The text of a plan: what `plan show` prints and what the golden listings in `docs/plans/` hold.

use std::fmt;

use super::{Dispatch, Plan};
use crate::kernel::{Access, Value};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tensors: {}, {:.1} MB", self.tensors.len(), self.bytes() as f64 / 1e6)?;
        for section in &self.sections {
            writeln!(f, "\n{} ({} dispatches)", section.name, section.dispatches.len())?;
            for dispatch in &section.dispatches {
                self.write_dispatch(f, dispatch)?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// One line: `label  kernel  reads -> writes  {numbers}  grid`.
    fn write_dispatch(&self, f: &mut fmt::Formatter<'_>, dispatch: &Dispatch) -> fmt::Result {
        write!(f, "  {:<42} {:<46}", dispatch.label, dispatch.kernel.name)?;
        let bound = |reads: bool| {
            let all = dispatch.kernel.bindings.iter().zip(&dispatch.tensors);
            let chosen = all.filter(|(b, _)| (b.access == Access::Read) == reads);
            chosen.map(|(b, &id)| self.describe(b.access, id)).collect::<Vec<_>>().join(" ")
        };
        write!(f, " {} -> {}", bound(true), bound(false))?;
        let symbols: Vec<&str> = dispatch.kernel.bindings.iter().flat_map(|b| b.shape).copied().collect();
        let is_symbol = |name: &str| symbols.iter().any(|s| s.split('+').next() == Some(name));
        let numbers: Vec<String> = dispatch
            .uniforms
            .iter()
            .filter(|(name, _)| !is_symbol(name))
            .map(|(name, value)| match value {
                Value::U32(n) => format!("{name}={n}"),
                Value::F32(n) => format!("{name}={n}"),
            })
            .collect();
        if !numbers.is_empty() {
            write!(f, " {{{}}}", numbers.join(" "))?;
        }
        let [x, y, z] = dispatch.grid;
        writeln!(f, " grid {x}x{y}x{z}")
    }

    fn describe(&self, access: Access, id: super::TensorId) -> String {
        let info = self.tensor(id);
        let shape: Vec<String> = info.shape.iter().map(usize::to_string).collect();
        let mark = if access == Access::Update { "&" } else { "" };
        format!("{mark}{}[{}]", info.name, shape.join(","))
    }
}
