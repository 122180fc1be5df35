//! Faults on purpose, so that tests see what is made of them: an executor that fails where `ISOPOSE_FAULTS` says.
//!
//! The variable names faults with commas between them: `lost@120` loses the device at the process's 120th replay,
//! `oom@prepare` has no memory for the first plan, `oom@prepare:3` for the third.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{Executor, Plan, Readback, SectionId, SharedTensor, TensorId};
use crate::error::{Error, Result};
use crate::gpu::Deadline;
use crate::named::{Named, named_enum};

/// How long a slow replay takes.
const SLOW: Duration = Duration::from_secs(2);

named_enum! {
    /// What goes wrong.
    enum Kind {
        /// The device is lost, and with it all that it held.
        Lost = "lost",
        /// It has no memory left.
        Oom = "oom",
        /// It takes two seconds, or does not answer in time where the deadline is shorter.
        Slow = "slow",
        /// The first tensor that is read afterwards holds no numbers.
        Nan = "nan",
        /// A kernel does not compile.
        Compile = "compile",
    }
}

/// When it goes wrong, counted from 1 over the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Replay(u64),
    Prepare(u64),
}

#[derive(Debug, Default)]
struct Faults {
    all: Vec<(Kind, At)>,
    replays: AtomicU64,
    prepared: AtomicU64,
}

impl Faults {
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let all = text.split(',').map(|fault| parse_one(fault.trim())).collect::<std::result::Result<_, _>>()?;
        Ok(Self { all, ..Self::default() })
    }

    /// What goes wrong with the next replay.
    fn at_replay(&self) -> Option<Kind> {
        self.find(At::Replay(1 + self.replays.fetch_add(1, Ordering::Relaxed)))
    }

    /// What goes wrong with the next plan that is prepared.
    fn at_prepare(&self) -> Option<Kind> {
        self.find(At::Prepare(1 + self.prepared.fetch_add(1, Ordering::Relaxed)))
    }

    fn find(&self, now: At) -> Option<Kind> {
        self.all.iter().find(|(_, at)| *at == now).map(|(kind, _)| *kind)
    }
}

fn parse_one(fault: &str) -> std::result::Result<(Kind, At), String> {
    let wrong =
        |what: &str| format!("'{fault}' {what}; write it as lost@120, nan@40, slow@7, oom@prepare or oom@prepare:2");
    let (kind, at) = fault.split_once('@').ok_or_else(|| wrong("has no @"))?;
    let kind = Kind::named(kind).ok_or_else(|| wrong("names no fault"))?;
    let (at_prepare, number) = match at.strip_prefix("prepare") {
        Some("") => (true, "1"),
        Some(rest) => (true, rest.strip_prefix(':').ok_or_else(|| wrong("has no number"))?),
        None => (false, at),
    };
    let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(|| wrong("counts from 1"))?;
    let can = match kind {
        Kind::Lost | Kind::Oom => true,
        Kind::Slow | Kind::Nan => !at_prepare,
        Kind::Compile => at_prepare,
    };
    let at = if at_prepare { At::Prepare(number) } else { At::Replay(number) };
    if can { Ok((kind, at)) } else { Err(wrong("cannot be there")) }
}

/// The faults of this process, if it is to have any.
fn of_process() -> Result<Option<Arc<Faults>>> {
    static FAULTS: OnceLock<std::result::Result<Option<Arc<Faults>>, String>> = OnceLock::new();
    let parse = || {
        let text = std::env::var_os("ISOPOSE_FAULTS").unwrap_or_default();
        let text = text.to_string_lossy();
        if text.trim().is_empty() { Ok(None) } else { Ok(Some(Arc::new(Faults::parse(&text)?))) }
    };
    FAULTS.get_or_init(parse).clone().map_err(|problem| Error::Usage(format!("ISOPOSE_FAULTS: {problem}")))
}

/// What `prepare` makes; where the process is to have faults, with these.
pub(super) fn injected(prepare: impl FnOnce() -> Result<Box<dyn Executor>>) -> Result<Box<dyn Executor>> {
    match of_process()? {
        None => prepare(),
        Some(faults) => faulty(faults, prepare),
    }
}

fn faulty(faults: Arc<Faults>, prepare: impl FnOnce() -> Result<Box<dyn Executor>>) -> Result<Box<dyn Executor>> {
    match faults.at_prepare() {
        Some(Kind::Lost) => return Err(lost()),
        Some(Kind::Compile) => {
            return Err(Error::Device("a kernel does not compile (injected); use `device` cpu".into()));
        }
        Some(_) => return Err(Error::Device(NO_MEMORY.into())),
        None => {}
    }
    let inner = prepare()?;
    let device = format!("{} (with faults injected by ISOPOSE_FAULTS)", inner.device());
    Ok(Box::new(Faulty { inner, device, faults, failed: false, nan: false }))
}

const NO_MEMORY: &str = "no memory is left (injected); lower `width`, `copies`, `instances` or `batch`";

fn lost() -> Error {
    Error::Lost("the device was lost (injected); use `device` cpu".to_owned())
}

/// An executor with faults.
struct Faulty {
    inner: Box<dyn Executor>,
    /// The device's name, by which no result of this process passes for one without faults.
    device: String,
    faults: Arc<Faults>,
    /// What failed once stays so.
    failed: bool,
    nan: bool,
}

impl Faulty {
    fn alive(&self) -> Result<()> {
        if self.failed { Err(lost()) } else { Ok(()) }
    }

    fn count(&mut self) -> Result<()> {
        self.alive()?;
        let failed = match self.faults.at_replay() {
            None => return Ok(()),
            Some(Kind::Nan) => {
                self.nan = true;
                return Ok(());
            }
            Some(Kind::Slow) => {
                let deadline = Deadline::of_environment()?;
                std::thread::sleep(deadline.0.unwrap_or(SLOW).min(SLOW));
                if deadline.0.is_none_or(|limit| limit >= SLOW) {
                    return Ok(());
                }
                deadline.passed(self.inner.device())
            }
            Some(Kind::Oom) => Error::Lost(NO_MEMORY.to_owned()),
            Some(Kind::Lost | Kind::Compile) => lost(),
        };
        self.failed = true;
        Err(failed)
    }

    fn nothing(&mut self, tensor: TensorId) -> Option<Readback> {
        let length = self.plan().tensor(tensor).len();
        std::mem::take(&mut self.nan).then(|| Readback::Ready(vec![f32::NAN; length]))
    }
}

impl Executor for Faulty {
    fn plan(&self) -> &Plan {
        self.inner.plan()
    }

    fn device(&self) -> &str {
        &self.device
    }

    fn replay_range(&mut self, section: SectionId, range: Range<usize>) -> Result<()> {
        self.count()?;
        self.inner.replay_range(section, range)
    }

    fn replay_reading(&mut self, section: SectionId, tensors: &[TensorId]) -> Result<Vec<Readback>> {
        self.count()?;
        let mut reads = self.inner.replay_reading(section, tensors)?;
        if let Some((first, tensor)) = reads.first_mut().zip(tensors.first()) {
            *first = self.nothing(*tensor).unwrap_or_else(|| std::mem::replace(first, Readback::Ready(Vec::new())));
        }
        Ok(reads)
    }

    fn write(&mut self, tensor: TensorId, offset: usize, data: &[f32]) {
        self.inner.write(tensor, offset, data);
    }

    fn begin_read(&mut self, tensor: TensorId) -> Result<Readback> {
        self.alive()?;
        self.nothing(tensor).map_or_else(|| self.inner.begin_read(tensor), Ok)
    }

    fn finish_read(&mut self, readback: Readback) -> Result<Vec<f32>> {
        self.alive()?;
        match readback {
            Readback::Ready(words) => Ok(words),
            pending @ Readback::Pending(_) => self.inner.finish_read(pending),
        }
    }

    fn wait(&mut self) -> Result<()> {
        self.alive()?;
        self.inner.wait()
    }

    fn profile(&mut self, section: SectionId) -> Result<Vec<Duration>> {
        self.alive()?;
        self.inner.profile(section)
    }

    fn share(&mut self, tensor: TensorId) -> SharedTensor {
        self.inner.share(tensor)
    }

    fn take_encoded_ahead(&mut self) -> Duration {
        self.inner.take_encoded_ahead()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::State;
    use crate::kernels;
    use crate::plan::{CpuExecutor, Recorder};

    #[test]
    fn faults_are_read_as_written() {
        let parsed = |text: &str| Faults::parse(text).map(|faults| faults.all);
        assert_eq!(
            parsed("lost@120, nan@40,oom@prepare,compile@prepare:3").unwrap(),
            [
                (Kind::Lost, At::Replay(120)),
                (Kind::Nan, At::Replay(40)),
                (Kind::Oom, At::Prepare(1)),
                (Kind::Compile, At::Prepare(3)),
            ]
        );
        for (text, said) in [
            ("lost", "'lost' has no @"),
            ("last@3", "names no fault"),
            ("lost@0", "counts from 1"),
            ("lost@-1", "counts from 1"),
            ("lost@prepare:", "counts from 1"),
            ("lost@prepared", "has no number"),
            ("nan@prepare", "cannot be there"),
            ("compile@3", "cannot be there"),
            ("lost@3,", "'' has no @"),
        ] {
            let problem = parsed(text).unwrap_err();
            assert!(problem.contains(said) && problem.contains("lost@120"), "{text}: {problem}");
        }
    }

    /// An executor of a plan that counts samples in its only tensor.
    fn counting(faults: &str) -> Result<(Box<dyn Executor>, SectionId, TensorId)> {
        let mut rec = Recorder::new();
        let state = rec.tensor("state", &[State::WORDS]);
        let section = rec.section("count");
        rec.dispatch(&kernels::ADVANCE_SAMPLE, "sample", &[("state", state)], &[("samples", 1u32.into())]).unwrap();
        let faults = Arc::new(Faults::parse(faults).unwrap());
        let executor = faulty(faults, || Ok(Box::new(CpuExecutor::new(rec.finish(), 1)?)))?;
        Ok((executor, section, state))
    }

    #[test]
    fn what_is_lost_stays_lost() {
        let (mut executor, section, state) = counting("lost@2").unwrap();
        executor.replay(section).unwrap();
        assert_eq!(State::of(&executor.read(state).unwrap()).sample, 1);
        for _ in 0..2 {
            assert!(matches!(executor.replay(section), Err(Error::Lost(_))));
            assert!(matches!(executor.read(state), Err(Error::Lost(_))));
        }
    }

    #[test]
    fn one_read_holds_no_numbers() {
        let (mut executor, section, state) = counting("nan@2").unwrap();
        let read = |executor: &mut Box<dyn Executor>| {
            let reads = executor.replay_reading(section, &[state, state]).unwrap();
            reads.into_iter().map(|read| executor.finish_read(read).unwrap()[0].is_nan()).collect::<Vec<_>>()
        };
        let found: Vec<_> = (0..3).flat_map(|_| read(&mut executor)).collect();
        assert_eq!(found, [false, false, true, false, false, false]);
    }

    #[test]
    fn what_cannot_be_prepared_says_so() {
        assert!(matches!(counting("oom@prepare"), Err(Error::Device(what)) if what.contains("no memory")));
        assert!(matches!(counting("compile@prepare"), Err(Error::Device(what)) if what.contains("compile")));
        assert!(matches!(counting("lost@prepare"), Err(Error::Lost(_))));
        let (executor, ..) = counting("oom@prepare:2").unwrap();
        assert!(executor.device().ends_with("(with faults injected by ISOPOSE_FAULTS)"), "{}", executor.device());
    }
}
