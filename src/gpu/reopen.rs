//! A device that was lost, opened again.

use std::sync::{Mutex, PoisonError};

use super::{Device, Extras, Gpu, select};
use crate::error::{Error, Result};

/// How a GPU was opened, to be opened again.
#[derive(Debug)]
pub(super) struct Opened {
    info: wgpu::AdapterInfo,
    asked: Extras,
    /// How often that was done.
    generation: u32,
    /// What took its place when it was lost.
    successor: Mutex<Option<Gpu>>,
}

impl Opened {
    pub(super) fn new(info: wgpu::AdapterInfo, asked: Extras, generation: u32) -> Self {
        Self { info, asked, generation, successor: Mutex::default() }
    }
}

impl Device {
    /// The device; where it was lost, the same adapter opened again, once for all who hold the lost one. Whatever lay in its
    /// memory is gone.
    ///
    /// # Errors
    /// [`Error::Lost`] where the adapter is gone, or cannot be opened again.
    pub fn reopened(&self) -> Result<Self> {
        match self {
            Self::Cpu(_) => Ok(self.clone()),
            Self::Gpu(gpu) => Ok(Self::Gpu(gpu.reopened()?)),
        }
    }

    /// How often it was opened again: memory of one generation is none of the next.
    pub(crate) fn generation(&self) -> u32 {
        match self {
            Self::Cpu(_) => 0,
            Self::Gpu(gpu) => gpu.opened.generation,
        }
    }
}

impl Gpu {
    fn reopened(&self) -> Result<Self> {
        if self.healthy().is_ok() {
            return Ok(self.clone());
        }
        let mut successor = self.opened.successor.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match successor.as_ref() {
            // The next one may be lost too. Those in between are let go.
            Some(next) => next.reopened()?,
            None => self.open_again()?,
        };
        *successor = Some(next.clone());
        Ok(Self { tiling: self.tiling.clone(), ..next })
    }

    fn open_again(&self) -> Result<Self> {
        let lost = |what: &str| Error::Lost(format!("{}: {what}; look to the driver, or use `device` cpu", self.name));
        let adapter = select::same(&self.opened.info).ok_or_else(|| lost("it was lost, and is no longer there"))?;
        let next = Self::open(&adapter, self.checks, self.opened.asked, self.opened.generation + 1);
        next.map_err(|error| lost(&format!("it was lost, and cannot be opened again ({error})")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{ShaderChecks, note};
    use super::*;
    use crate::kernel::Tiling;

    /// On the machine's best GPU; without one there is nothing to lose.
    #[test]
    fn a_lost_device_is_opened_again_once_for_all() {
        let Ok(Device::Gpu(gpu)) = Device::open("gpu", 0, ShaderChecks::On) else { return };
        let is_same = |a: &Gpu, b: &Gpu| Arc::ptr_eq(&a.fault, &b.fault);
        assert!(is_same(&gpu.reopened().unwrap(), &gpu), "what is well is kept");
        let other = gpu.with_tiling(Tiling::of_gpu());
        note(&gpu.fault, "lost by a test".to_owned());
        assert!(matches!(other.healthy(), Err(Error::Lost(what)) if what.contains("lost by a test")));
        let [first, second] = [&gpu, &other].map(|gpu| gpu.reopened().unwrap());
        assert!(is_same(&first, &second) && !is_same(&first, &gpu));
        assert_eq!((first.opened.generation, first.healthy().is_ok()), (1, true));
        assert_eq!(format!("{:?}", second.tiling), format!("{:?}", other.tiling), "each is cut as it was");
        note(&first.fault, "lost again".to_owned());
        assert_eq!(gpu.reopened().unwrap().opened.generation, 2);
    }
}
