//! Training that loses little when it is cut off: saved by time, and when it is asked to stop.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Trainer;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::system::Pauses;
use crate::task::Losses;

/// Between looks at the clock.
const LEG: Duration = Duration::from_secs(1);
/// Steps between two reports of losses.
const REPORT: u32 = 64;

/// How a training goes.
#[derive(Debug)]
pub enum Training<'a> {
    /// Steps so far, and the mean losses since the last report.
    At(u32, &'a Losses),
    /// A save after so many steps failed. It will be tried again.
    NotSaved(u32, &'a Error),
}

/// Trains until `steps` in all and saves to `path` on the way, at the end, and when `observe` fails with
/// [`Error::Stopped`]. A save on the way that fails is told and tried again; where the last one fails, the model is written
/// to another place, which the error names.
///
/// # Errors
/// Those of [`Trainer::run`] and of `observe`, and that of the last save.
pub fn train_and_keep(
    trainer: &mut Trainer,
    steps: u32,
    (path, held_back): (&Path, &[i32]),
    observe: &mut dyn FnMut(Training<'_>) -> Result<()>,
) -> Result<Losses> {
    let mut last = Losses::default();
    let (mut leg, mut pauses) = (16u32, Pauses::new());
    while trainer.step() < steps {
        let begun = Instant::now();
        let mut told = Ok(());
        trainer.run(steps.min(trainer.step().saturating_add(leg)), REPORT, |step, losses| {
            last.clone_from(losses);
            if told.is_ok() {
                told = observe(Training::At(step, losses));
            }
        })?;
        match told {
            // What was done is kept, also by a run that nobody wants to go on now.
            Err(Error::Stopped) => {
                save_somewhere(&trainer.checkpoint(held_back.to_vec())?, path)?;
                return Err(Error::Stopped);
            }
            told => told?,
        }
        match begun.elapsed() {
            short if short < LEG / 2 => leg = leg.saturating_mul(2),
            long if long > LEG => leg = (leg / 2).max(1),
            _ => {}
        }
        if trainer.step() < steps && pauses.is_over() {
            let begun = Instant::now();
            if let Err(error) = trainer.checkpoint(held_back.to_vec())?.save(path) {
                observe(Training::NotSaved(trainer.step(), &error))?;
            }
            pauses.next(begun);
        }
    }
    save_somewhere(&trainer.checkpoint(held_back.to_vec())?, path)?;
    Ok(last)
}

/// Saves to `path`, or where that fails to a place that no file is at. Then the error says where it is.
fn save_somewhere(checkpoint: &Checkpoint, path: &Path) -> Result<()> {
    let Err(error) = checkpoint.save(path) else { return Ok(()) };
    // What is wrong with the checkpoint itself no other place mends.
    let Error::Io { source, .. } = &error else { return Err(error) };
    let kept = elsewhere(path).into_iter().find(|place| checkpoint.save(place).is_ok());
    let Some(kept) = kept else { return Err(error) };
    let (problem, fix) = (format!("cannot be written: {source}"), format!("it is at {}: move it", kept.display()));
    Err(Error::file(path, "the model", problem, fix))
}

/// Names for a model that cannot be written to `path`: in this folder, in that of temporary files.
fn elsewhere(path: &Path) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}-{}.safetensors", std::process::id());
    let folders = [std::env::current_dir().ok(), Some(std::env::temp_dir())];
    folders.into_iter().flatten().map(|folder| folder.join(&name)).filter(|place| !place.exists()).collect()
}
