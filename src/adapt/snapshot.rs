//! What an adaptation has learnt, as numbers: to go on from, in this process or another.

use std::collections::BTreeMap;

use super::Start;
use super::running::Running;
use crate::cpu::State;
use crate::error::{Error, Result};
use crate::plan::TensorId;

/// What an adaptation has learnt and how far it is ([`Adapter::snapshot`](super::Adapter::snapshot)). Its fields are
/// all there is to it: written down and read back bit for bit they are the same snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// By the names of the plan: the losses of the last steps and, of a policy that carries on, working parameters and
    /// Adam's moments, in the order of the device.
    pub tensors: BTreeMap<String, Vec<f32>>,
    /// Samples so far.
    pub samples: u32,
    /// Optimisation steps so far.
    pub steps: u32,
    /// The words of the program's [`State`].
    pub state: [u32; State::WORDS],
}

impl Running {
    /// The tensors that one sample leaves to the next, and those that are read afterwards.
    fn kept(&self) -> Vec<TensorId> {
        let carries = self.config.policy.start == Start::Carry;
        let learnt = if carries { self.program.learnt() } else { Vec::new() };
        learnt.into_iter().chain(self.ids.losses).collect()
    }

    pub(super) fn snapshot(&mut self) -> Result<Snapshot> {
        let ids = self.kept();
        let words = self.program.read_all(&ids)?;
        let names = ids.iter().map(|id| self.program.plan().tensor(*id).name.clone());
        let tensors = names.zip(words).collect();
        let state = self.program.state()?.words().map(f32::to_bits);
        Ok(Snapshot { tensors, samples: self.samples, steps: self.steps, state })
    }

    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.check_snapshot(snapshot, &self.kept())?;
        self.load(snapshot)?;
        self.samples = snapshot.samples;
        self.journal.iter_mut().for_each(|journal| journal.begin(Some(snapshot.clone())));
        Ok(())
    }

    /// What was learnt becomes what a snapshot of this program says.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<()> {
        for id in self.kept() {
            let name = &self.program.plan().tensor(id).name;
            let words = snapshot.tensors.get(name);
            let words = words.ok_or_else(|| Error::Plan(format!("the snapshot has no tensor `{name}`")))?;
            self.program.write(id, 0, words);
        }
        self.program.set_state(State::of(&snapshot.state.map(f32::from_bits)));
        self.steps = snapshot.steps;
        Ok(())
    }

    fn check_snapshot(&self, snapshot: &Snapshot, ids: &[TensorId]) -> Result<()> {
        let fix = "take it from an adapter of the same model and settings";
        let fail = |problem: String| Err(Error::setting("snapshot", format!("{problem}; {fix}")));
        let expected = || ids.iter().map(|id| self.program.plan().tensor(*id));
        for info in expected() {
            match snapshot.tensors.get(&info.name).map(Vec::len) {
                None => return fail(format!("it has no tensor `{}`", info.name)),
                Some(given) if given != info.len() => {
                    return fail(format!("its tensor `{}` has {given} numbers, not {}", info.name, info.len()));
                }
                Some(_) => {}
            }
        }
        let unknown = |name: &&String| expected().all(|info| info.name != **name);
        if let Some(name) = snapshot.tensors.keys().find(unknown) {
            return fail(format!("its tensor `{name}` is none that this adapter has"));
        }
        let [seed, ..] = snapshot.state;
        if seed != self.config.seed {
            return fail(format!("its `seed` is {seed}, not {}", self.config.seed));
        }
        Ok(())
    }

    pub(super) fn seek(&mut self, samples: u32) -> Result<()> {
        if self.config.policy.start == Start::Carry {
            let problem = "a policy that carries on (online) learns from each sample, so that none can be left out; \
                           restore a snapshot";
            return Err(Error::setting("samples", problem));
        }
        // The cursor on the device is set with every chunk.
        self.samples = samples;
        Ok(())
    }
}
