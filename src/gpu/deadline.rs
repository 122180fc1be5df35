//! How long a device may take to answer, and what is wrong with one that takes longer.

use std::time::Duration;

use crate::error::{Error, Result};

/// Seconds without the variable: longer than any dispatch, and than drivers take to compile.
const USUAL: Duration = Duration::from_secs(300);

/// The longest wait for a device; `None` for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(pub(crate) Option<Duration>);

impl Deadline {
    /// As `ISOPOSE_DEVICE_TIMEOUT` says, in seconds, 0 for no deadline; 300 seconds without it.
    pub(crate) fn of_environment() -> Result<Self> {
        let value = std::env::var_os("ISOPOSE_DEVICE_TIMEOUT").unwrap_or_default();
        Self::parse(&value.to_string_lossy())
    }

    fn parse(value: &str) -> Result<Self> {
        if value.trim().is_empty() {
            return Ok(Self(Some(USUAL)));
        }
        let seconds: Option<f64> = value.trim().parse().ok();
        let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limit = limit.ok_or_else(|| {
            let problem = format!("ISOPOSE_DEVICE_TIMEOUT is '{value}'; use a number of seconds, or 0 for no limit");
            Error::Usage(problem)
        })?;
        Ok(Self(Some(limit).filter(|limit| !limit.is_zero())))
    }

    /// Why the work of `device` is given up.
    pub(crate) fn passed(self, device: &str) -> Error {
        let seconds = self.0.unwrap_or_default().as_secs_f64();
        Error::Lost(format!(
            "{device}: no answer within {seconds} s: the driver hangs, or a dispatch takes so long; lower `copies` or `batch`, \
             or update the driver, or set ISOPOSE_DEVICE_TIMEOUT to more seconds"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_and_0_is_none() {
        let parsed = |text| Deadline::parse(text).unwrap().0;
        assert_eq!(parsed(""), Some(Duration::from_secs(300)));
        assert_eq!(parsed("0"), None);
        assert_eq!(parsed(" 0.5 "), Some(Duration::from_millis(500)));
        for wrong in ["-1", "nan", "inf", "soon", "1e300"] {
            let error = Deadline::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("ISOPOSE_DEVICE_TIMEOUT") && error.contains(wrong), "{error}");
        }
    }
}
