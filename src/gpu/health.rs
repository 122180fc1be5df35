//! What a GPU says against its work: memory that is not there, kernels that do not compile, a device that was lost.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use super::Gpu;
use crate::error::{Error, Result};

impl Gpu {
    /// Fails with the first error that the driver reported.
    pub(crate) fn healthy(&self) -> Result<()> {
        let fault = self.fault.lock().map_or(None, |fault| fault.clone());
        fault.map_or(Ok(()), |what| Err(self.lost(&what)))
    }

    /// The error of a device that failed at work.
    fn lost(&self, what: &str) -> Error {
        let name = &self.name;
        Error::Lost(format!("{name}: {what}; lower `copies` or `batch`, or update the driver, or use `device` cpu"))
    }

    /// Makes something on the device. What the driver says against it is an error of what was to be made, not of the device.
    pub(crate) fn making<T>(&self, what: &str, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let filters = [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let made = make();
        // The last one pushed is the first to be popped.
        let error = scopes.into_iter().rev().filter_map(|scope| pollster::block_on(scope.pop())).last();
        self.healthy()?;
        match error {
            None => made,
            Some(error) => {
                let fix = "lower `width`, `copies`, `instances` or `batch`, or update the driver, or use `device` cpu";
                Err(Error::Device(format!("{}: {what}: {}; {fix}", self.name, in_words(&error))))
            }
        }
    }

    /// Whether everything that was submitted has finished.
    pub(crate) fn is_idle(&self) -> bool {
        self.poll(wgpu::PollType::Poll).is_ok_and(|status| status.is_queue_empty())
    }

    /// Waits until `submission`, or the last one, has finished.
    pub(crate) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.poll(wgpu::PollType::Wait { submission_index: submission, timeout: self.deadline.0 })?;
        self.healthy()
    }

    fn poll(&self, how: wgpu::PollType) -> Result<wgpu::PollStatus> {
        self.healthy()?;
        // wgpu panics where the driver says, while it waits, that the device was lost.
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.device.poll(how))) {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(wgpu::PollError::Timeout)) => {
                note(&self.fault, "it did not answer in time".to_owned());
                // To let go of a device is to wait for it.
                let _ = Box::leak(Box::new(self.clone()));
                Err(self.deadline.passed(&self.name))
            }
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => {
                note(&self.fault, "the device was lost while it was waited for".to_owned());
                self.healthy().and_then(|()| Err(self.lost("it cannot be waited for")))
            }
        }
    }
}

/// What the driver says, in one line.
pub(super) fn in_words(error: &wgpu::Error) -> String {
    let text = match error {
        wgpu::Error::OutOfMemory { .. } => "the device has no memory left".to_owned(),
        wgpu::Error::Internal { description, .. } => format!("the driver failed: {description}"),
        wgpu::Error::Validation { description, .. } => description.clone(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Keeps the first thing that the driver said against the device.
pub(super) fn note(fault: &Mutex<Option<String>>, what: String) {
    if let Ok(mut fault) = fault.lock() {
        fault.get_or_insert(what);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Device, ShaderChecks};
    use super::*;

    /// On the machine's best GPU; without one nothing can be made.
    #[test]
    fn what_cannot_be_made_is_said_and_the_device_goes_on() {
        let Ok(Device::Gpu(gpu)) = Device::open("gpu", 0, ShaderChecks::On) else { return };
        let buffer = |size| {
            let usage = wgpu::BufferUsages::STORAGE;
            let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            Ok(gpu.device.create_buffer(&descriptor))
        };
        let most = gpu.device.limits().max_buffer_size;
        let error = gpu.making("a large buffer", || buffer(most + 4)).unwrap_err();
        assert!(matches!(error, Error::Device(_)), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("a large buffer: ") && text.contains("; lower `width`") && !text.contains('\n'),
            "{text}"
        );
        assert_eq!(gpu.making("a small buffer", || buffer(64)).unwrap().size(), 64);
        gpu.wait(None).unwrap();
    }
}
