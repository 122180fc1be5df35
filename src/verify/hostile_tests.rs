//! The own states, damaged in every tensor: each damage is refused by name, or some group fails.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::View;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::compare::compare;
use super::replay::{Found, run};
use super::{OWN_STATES, Own, RecordedState};
use crate::error::{Error, Result};
use crate::gpu::Device;

/// What `work` makes of each item, in order. Not by rayon: comparing waits for pools of its own, and a worker that waits
/// begins the next item on top of the one that it is in, until its stack is full.
fn on_every_core<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = crate::system::threads(0);
    std::thread::scope(|scope| {
        let chunks = items.chunks(items.len().div_ceil(cores).max(1));
        let threads: Vec<_> = chunks.map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// A tensor as f64, whatever it was.
#[derive(Clone)]
pub(super) struct Stored {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl View for &Stored {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        8 * self.values.len()
    }
}

/// A state's file, to be changed.
#[derive(Clone)]
pub(super) struct Bytes {
    pub(super) config: Value,
    pub(super) tensors: BTreeMap<String, Stored>,
}

impl Bytes {
    pub(super) fn serialize(&self) -> Vec<u8> {
        let metadata = HashMap::from([("config".to_owned(), self.config.to_string())]);
        safetensors::serialize(&self.tensors, Some(metadata)).unwrap()
    }
}

/// An own state as its file has it.
pub(super) fn bytes_of(own: &Own) -> Bytes {
    let (_, metadata) = SafeTensors::read_metadata(own.bytes).unwrap();
    let config = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["config"]).unwrap();
    let state = own.state().unwrap();
    let stored = |key: &String| {
        let (shape, values) = state.tensor(key).unwrap();
        Stored { shape: shape.to_vec(), values: values.to_vec() }
    };
    Bytes { config, tensors: metadata.tensors().keys().map(|key| (key.clone(), stored(key))).collect() }
}

/// Whether the engine reads a tensor; the others are compared with what comes out.
fn is_input(key: &str) -> bool {
    ["param/", "train/mask/", "iso/", "metric/"].iter().any(|prefix| key.starts_with(prefix))
        || ["train/x", "train/X", "train/az", "train/el"].contains(&key)
}

/// What no number depends on, with the recorded value: the truth of the test poses, and gradients that are rounding.
fn says_nothing(key: &str, tensor: &Stored) -> bool {
    let norm = tensor.values.iter().map(|v| v * v).sum::<f64>().sqrt();
    key == "iso/gt" || (key.contains("/grad") && norm < 1e-9) || norm == 0.0
}

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Refused,
    Failed,
    Passed,
}

/// What becomes of a damaged state; `found` is what the sound one gives.
fn outcome(bytes: &Bytes, key: &str, found: &Found) -> Outcome {
    let judge = |state: &RecordedState| -> Result<bool> {
        let checks = if is_input(key) {
            compare("own", state, &run(state, &Device::Cpu(1))?)
        } else {
            compare("own", state, found)
        }?;
        Ok(checks.iter().all(|check| check.pass))
    };
    match RecordedState::from_bytes(Path::new("own"), &bytes.serialize()) {
        Err(error) => {
            assert!(error.to_string().starts_with(&format!("own: {key}: ")), "{key}: {error}");
            Outcome::Refused
        }
        Ok(state) => match judge(&state) {
            Ok(true) => Outcome::Passed,
            // Numbers that no engine takes, or that lead to none.
            Ok(false) | Err(Error::Diverged(_) | Error::Setting { .. }) => Outcome::Failed,
            Err(error) => panic!("{key}: {error}"),
        },
    }
}

type Damage = (&'static str, fn(&mut BTreeMap<String, Stored>, &str));

const DAMAGES: [Damage; 8] = [
    ("removed", |tensors, key| drop(tensors.remove(key))),
    ("emptied", |tensors, key| {
        let mut shape = tensors[key].shape.clone();
        shape.first_mut().map_or_else(|| (), |extent| *extent = 0);
        let shape = if shape.is_empty() { vec![0] } else { shape };
        tensors.insert(key.to_owned(), Stored { shape, values: Vec::new() });
    }),
    ("reshaped", |tensors, key| tensors.get_mut(key).unwrap().shape.push(1)),
    ("flattened", |tensors, key| {
        let tensor = tensors.get_mut(key).unwrap();
        tensor.shape = if tensor.shape.len() == 1 { vec![1, tensor.values.len()] } else { vec![tensor.values.len()] };
    }),
    ("renamed", |tensors, key| {
        let tensor = tensors[key].clone();
        tensors.insert(format!("{key}.more"), tensor);
    }),
    ("nan", |tensors, key| *tensors.get_mut(key).unwrap().values.last_mut().unwrap() = f64::NAN),
    ("scaled by 1e300", |tensors, key| tensors.get_mut(key).unwrap().values.iter_mut().for_each(|v| *v *= 1e300)),
    ("scaled by 1e30", |tensors, key| tensors.get_mut(key).unwrap().values.iter_mut().for_each(|v| *v *= 1e30)),
];

/// How many damages there are of each own state, and how many of them are refused, at the least: eight of each tensor, of
/// 701 and 409, but for tensors of zeros, which no factor changes.
const DAMAGED: [(usize, usize); 2] = [(5500, 4800), (3200, 2800)];
/// Tensors of each that say something, at the least.
const TELLING: [usize; 2] = [650, 350];

#[test]
fn no_damage_passes() {
    OWN_STATES.iter().zip(DAMAGED).for_each(|(own, least)| no_damage_of_passes(own, least));
}

fn no_damage_of_passes(of: &Own, least: (usize, usize)) {
    let (own, sound) = (bytes_of(of), of.state().unwrap());
    let found = run(&sound, &Device::Cpu(1)).unwrap();
    assert!(compare("own", &sound, &found).unwrap().iter().all(|check| check.pass));
    let keys: Vec<&String> = own.tensors.keys().collect();
    let outcomes = on_every_core(&keys, |&key| {
        let tried = DAMAGES.iter().filter(|(_, damage)| {
            // A damage that changes nothing is none.
            let mut tensors = BTreeMap::from([(key.clone(), own.tensors[key].clone())]);
            damage(&mut tensors, key);
            tensors
                .get(key)
                .is_none_or(|now| now.shape != own.tensors[key].shape || now.values != own.tensors[key].values)
                || tensors.len() > 1
        });
        tried
            .map(|(name, damage)| {
                let mut bytes = own.clone();
                damage(&mut bytes.tensors, key);
                let named = if *name == "renamed" { format!("{key}.more") } else { key.clone() };
                (format!("{key} {name}"), outcome(&bytes, &named, &found))
            })
            .collect::<Vec<_>>()
    })
    .concat();
    // 1e30 of what says nothing may still say nothing.
    let forgiven = |what: &str| {
        let key = what.strip_suffix(" scaled by 1e30");
        key.is_some_and(|key| says_nothing(key, &own.tensors[key]))
    };
    let count = |of: Outcome| outcomes.iter().filter(|(_, outcome)| *outcome == of).count();
    let counts = (outcomes.len(), count(Outcome::Refused), count(Outcome::Failed), count(Outcome::Passed));
    let passed: Vec<_> = outcomes.iter().filter(|(what, o)| *o == Outcome::Passed && !forgiven(what)).collect();
    println!("{}: (all, refused, failed, passed) = {counts:?}", of.name);
    assert!(passed.is_empty(), "{}: of (all, refused, failed, passed) = {counts:?} these passed: {passed:?}", of.name);
    let enough = counts.0 > least.0 && counts.1 > least.1 && counts.3 < 20;
    assert!(enough, "{}: (all, refused, failed, passed) = {counts:?}", of.name);
}

#[test]
fn no_doubling_passes() {
    OWN_STATES.iter().zip(TELLING).for_each(|(own, least)| no_doubling_of_passes(own, least));
}

fn no_doubling_of_passes(of: &Own, least: usize) {
    let (own, sound) = (bytes_of(of), of.state().unwrap());
    let found = run(&sound, &Device::Cpu(1)).unwrap();
    let all: Vec<_> = own.tensors.iter().filter(|(key, tensor)| !says_nothing(key, tensor)).collect();
    assert!(all.len() > least, "{}: {}", of.name, all.len());
    let outcomes = on_every_core(&all, |&(key, _)| {
        let mut bytes = own.clone();
        bytes.tensors.get_mut(key).unwrap().values.iter_mut().for_each(|v| *v *= 2.0);
        outcome(&bytes, key, &found)
    });
    let passed: Vec<_> =
        all.iter().zip(&outcomes).filter(|(_, o)| **o == Outcome::Passed).map(|((key, _), _)| key).collect();
    assert!(passed.is_empty(), "{}: {passed:?}", of.name);
}

/// What a file may not hold does not pass where it gets in another way.
#[test]
fn comparing_refuses_what_loading_does() {
    OWN_STATES.iter().for_each(comparing_refuses_what_loading_of_does);
}

fn comparing_refuses_what_loading_of_does(of: &Own) {
    let (own, sound) = (bytes_of(of), of.state().unwrap());
    let found = run(&sound, &Device::Cpu(1)).unwrap();
    let mut tried = 0;
    for key in own.tensors.keys().filter(|key| !is_input(key)) {
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            let mut state = sound.clone();
            state.set(key, |_| bad);
            let checks = compare("own", &state, &found).unwrap();
            assert!(checks.iter().any(|check| !check.pass), "{}: {key} of {bad}", of.name);
            tried += 1;
        }
    }
    assert!(tried > 1000, "{}: {tried}", of.name);
    let mut state = sound;
    state.set("param/extractor.stem.bias", |_| f64::NAN);
    let error = run(&state, &Device::Cpu(1)).err().unwrap();
    assert!(error.to_string().contains("extractor.stem.bias"), "{error}");
}
