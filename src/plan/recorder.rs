//! Records a [`Plan`]: unifies symbolic shapes with real ones and names the tensor in every error.

use arrayvec::ArrayVec;

use super::{Dispatch, Init, Plan, Section, SectionId, TensorId, TensorInfo};
use crate::error::{Error, Result};
use crate::kernel::{Access, Element, Kernel, Uniform, Uniforms, Value};

/// Builds a plan, dispatch by dispatch.
#[derive(Default)]
pub struct Recorder {
    plan: Plan,
    scope: Vec<String>,
}

/// A symbolic dimension with its value and the binding that said so.
struct Known {
    symbol: &'static str,
    value: usize,
    said_by: String,
}

impl Recorder {
    /// An empty plan.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor that starts as zeros.
    pub fn tensor(&mut self, name: impl Into<String>, shape: &[usize]) -> TensorId {
        self.tensor_with(name, shape, Init::Zero)
    }

    /// Adds a tensor with a first content.
    ///
    /// # Panics
    /// When `init` has another number of elements than `shape`: a bug of the caller.
    pub fn tensor_with(&mut self, name: impl Into<String>, shape: &[usize], init: Init) -> TensorId {
        let info = TensorInfo { name: name.into(), shape: shape.to_vec(), init };
        let given = match &info.init {
            Init::Zero | Init::Fill(_) => info.len(),
            Init::Data(data) => data.len(),
            Init::Words(words) => words.len(),
        };
        assert_eq!(given, info.len(), "the content of `{}` must fill its shape", info.name);
        self.plan.tensors.push(info);
        TensorId(self.plan.tensors.len() - 1)
    }

    /// Starts a section; dispatches go to the one started last.
    pub fn section(&mut self, name: impl Into<String>) -> SectionId {
        self.plan.sections.push(Section { name: name.into(), dispatches: Vec::new() });
        SectionId(self.plan.sections.len() - 1)
    }

    /// Runs `record` with `scope` before every label.
    ///
    /// # Errors
    /// Those of `record`.
    pub(crate) fn scoped<T>(
        &mut self,
        scope: impl Into<String>,
        record: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.scope.push(scope.into());
        let result = record(self);
        self.scope.pop();
        result
    }

    /// The shape of a tensor.
    #[must_use]
    pub fn shape(&self, tensor: TensorId) -> &[usize] {
        &self.plan.tensor(tensor).shape
    }

    /// Whether the dispatch that was recorded last writes a tensor, with these uniforms.
    pub(crate) fn has_just_written(&self, tensor: TensorId, values: &[(&str, Value)]) -> bool {
        let Some(last) = self.plan.sections.last().and_then(|section| section.dispatches.last()) else { return false };
        let has = |value: &(&str, Value)| last.uniforms.iter().any(|known| known == *value);
        last.bound().any(|(binding, id)| id == tensor && binding.access != Access::Read) && values.iter().all(has)
    }

    /// Adds a dispatch of `kernel` over `tensors` (by binding name) with `values` (by uniform name).
    ///
    /// # Errors
    /// [`Error::Plan`]: a binding or uniform that is missing, unknown or given twice, shapes that do not
    /// unify, a tensor both read and written, a check of the kernel's own.
    pub fn dispatch(
        &mut self,
        kernel: &'static Kernel,
        label: &str,
        tensors: &[(&str, TensorId)],
        values: &[(&str, Value)],
    ) -> Result<()> {
        let label = self.scope.iter().map(String::as_str).chain([label]).collect::<Vec<_>>().join(".");
        let dispatch = self
            .resolve(kernel, &label, tensors, values)
            .map_err(|what| Error::Plan(format!("{label}: {}: {what}", kernel.name)))?;
        let section = self.plan.sections.last_mut();
        let section = section.ok_or_else(|| Error::Plan(format!("{label}: recorded before any section")))?;
        section.dispatches.push(dispatch);
        Ok(())
    }

    /// The finished plan.
    #[must_use]
    pub fn finish(self) -> Plan {
        self.plan
    }

    fn resolve(
        &self,
        kernel: &'static Kernel,
        label: &str,
        tensors: &[(&str, TensorId)],
        values: &[(&str, Value)],
    ) -> std::result::Result<Dispatch, String> {
        if let Some((name, _)) = tensors.iter().find(|(name, _)| kernel.bindings.iter().all(|b| b.name != *name)) {
            return Err(format!("has no binding `{name}`"));
        }
        let mut known: Vec<Known> = Vec::new();
        let mut ids = Vec::with_capacity(kernel.bindings.len());
        for binding in kernel.bindings {
            let mut given = tensors.iter().filter(|(name, _)| *name == binding.name);
            let (_, id) = given.next().ok_or_else(|| format!("`{}` is not given", binding.name))?;
            if given.next().is_some() {
                return Err(format!("`{}` is given twice", binding.name));
            }
            let info = self.plan.tensor(*id);
            let said_by = format!("`{}` (tensor `{}` {:?})", binding.name, info.name, info.shape);
            if info.shape.len() != binding.shape.len() {
                return Err(format!("{said_by} has {} dimensions, not {:?}", info.shape.len(), binding.shape));
            }
            if info.is_empty() {
                return Err(format!("{said_by} is empty"));
            }
            if matches!(binding.element, Element::Vec4 | Element::Weight)
                && !info.shape.last().is_some_and(|n| n.is_multiple_of(4))
            {
                return Err(format!("the last dimension of {said_by} must be a multiple of 4"));
            }
            for (symbol, &size) in binding.shape.iter().zip(&info.shape) {
                unify(&mut known, symbol, size, &said_by)?;
            }
            ids.push(*id);
        }
        for (i, a) in kernel.bindings.iter().enumerate() {
            for (j, b) in kernel.bindings.iter().enumerate().skip(i + 1) {
                if ids[i] == ids[j] && (a.access != Access::Read || b.access != Access::Read) {
                    let name = &self.plan.tensor(ids[i]).name;
                    return Err(format!("tensor `{name}` is both `{}` and `{}`, and one is written", a.name, b.name));
                }
            }
        }
        if let Some((name, _)) = values.iter().find(|(name, _)| kernel.uniforms.iter().all(|u| u.name() != *name)) {
            return Err(format!("has no uniform `{name}`"));
        }
        let mut words = ArrayVec::new();
        for uniform in kernel.uniforms {
            let value = values.iter().find(|(name, _)| *name == uniform.name()).map(|(_, value)| *value);
            let dimension = known.iter().find(|k| k.symbol == uniform.name()).map(|k| k.value);
            words.push(match (uniform, dimension, value) {
                (Uniform::U32(name), Some(size), None) => {
                    u32::try_from(size).map_err(|_| format!("`{name}` = {size} does not fit 32 bits"))?
                }
                (Uniform::U32(_), None, Some(Value::U32(word))) => word,
                (Uniform::F32(_), None, Some(Value::F32(number))) => number.to_bits(),
                (_, Some(_), Some(_)) => return Err(format!("`{}` comes from shapes; do not give it", uniform.name())),
                (_, None, None) => return Err(format!("uniform `{}` is not given", uniform.name())),
                (_, _, _) => return Err(format!("uniform `{}` is given with another type", uniform.name())),
            });
        }
        let uniforms = Uniforms::new(kernel.uniforms, words);
        (kernel.check)(&uniforms)?;
        let grid = (kernel.grid)(&uniforms);
        Ok(Dispatch { kernel, label: label.to_owned(), tensors: ids, uniforms, grid })
    }
}

fn unify(known: &mut Vec<Known>, symbol: &'static str, size: usize, said_by: &str) -> std::result::Result<(), String> {
    if let Ok(number) = symbol.parse::<usize>() {
        return if number == size { Ok(()) } else { Err(format!("{said_by} has {size} where it must have {number}")) };
    }
    let (symbol, plus) = match symbol.split_once('+') {
        Some((name, plus)) => (name, plus.parse::<usize>().map_err(|_| format!("`{symbol}` is not a dimension"))?),
        None => (symbol, 0),
    };
    let value = size.checked_sub(plus).ok_or_else(|| format!("{said_by} is too small for `{symbol}+{plus}`"))?;
    match known.iter().find(|k| k.symbol == symbol) {
        Some(k) if k.value != value => {
            Err(format!("`{symbol}` is {} in {}, but {value} in {said_by}", k.value, k.said_by))
        }
        Some(_) => Ok(()),
        None => {
            known.push(Known { symbol, value, said_by: said_by.to_owned() });
            Ok(())
        }
    }
}
