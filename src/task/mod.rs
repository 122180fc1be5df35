//! Tasks: what the networks learn from, as values that plans iterate over.
//!
//! A [`Task`] looks at what a head lifts and says what is wrong with it: it records its losses, the gradients that they
//! start, and the update of what it owns. Tasks that look at one head share a [`Branch`]. Training records the
//! supervised branch and, for the paper's tasks, the self-supervised one; adaptation records that alone, or for the geometry
//! task a branch of its own on the frozen FSL head.
//!
//! What a task is apart from any plan stands in its [`About`]: the columns that it has in the ring of losses, the
//! networks that it moves, the rows that it needs.

mod adversary;
mod branch;
mod cycle;
mod geometry;
mod losses;
mod random_views;
mod replay;
mod shared;
mod supervised;

pub use branch::{Branch, Place, Seed, SelfSupervision};
pub use losses::{Losses, Term};
pub use replay::ReplaySource;
pub use shared::{LossRing, Shared};

use crate::config::{ModelConfig, Network, Ssl};
use crate::error::Result;
use crate::nn::{Block, Head, Lifted, Pass, Rows, Stack, Update, Weights};
use crate::plan::{Recorder, TensorId};

/// How the rows of activations are divided: `lifted` inputs, then `copies` random views of their lift. Cycle and adversary
/// look at as many views of each input; the geometry task's inputs are a sample, its mirror image and the replayed poses,
/// and its views those of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Inputs.
    pub lifted: usize,
    /// Views of all of them together; 0 where no task looks at views.
    pub copies: usize,
}

impl Batch {
    /// The inputs.
    #[must_use]
    pub fn lift(&self) -> Rows {
        Rows { first: 0, count: self.lifted }
    }

    /// A sample and its mirror image.
    #[must_use]
    pub fn pair(&self) -> Rows {
        Rows { first: 0, count: self.lifted.min(2) }
    }

    /// The replayed poses, behind [`Self::pair`].
    #[must_use]
    pub fn replayed(&self) -> Rows {
        Rows { first: 2, count: self.lifted.saturating_sub(2) }
    }

    /// The views.
    #[must_use]
    pub fn views(&self) -> Rows {
        Rows { first: self.lifted, count: self.copies }
    }

    /// Inputs and views.
    #[must_use]
    pub fn all(&self) -> Rows {
        Rows { first: 0, count: self.lifted + self.copies }
    }
}

/// A loss of a row: a column of the ring of losses, which holds its mean over some rows.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// The rows that it is the mean of.
    pub rows: fn(&Batch) -> Rows,
}

/// What a task is, apart from any plan.
#[derive(Debug)]
pub struct About {
    /// Its name, which tells it from other tasks.
    pub name: &'static str,
    /// Its columns in the ring of losses.
    pub columns: &'static [Column],
    /// Those columns of one step as losses.
    pub terms: fn(&ModelConfig, &[f32]) -> Vec<Term>,
    /// The networks that it moves.
    pub moves: &'static [Network],
    /// The rows whose gradients extractor and head learn from.
    pub learns: fn(&Batch) -> Rows,
    /// Passes of the data through extractor and head, which batch norm keeps apart: 2 where views are lifted again.
    pub passes: usize,
    /// Whether it looks at random views.
    pub views: bool,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Training on labelled poses.
    Training,
    /// Adaptation to unlabelled ones.
    Adaptation,
}

/// The tasks of a model at a stage, in the order of their columns. The paper's are trained beside the supervised one and
/// have the same columns at both stages; geometry and replay are adaptation's alone.
#[must_use]
pub fn tasks(model: &ModelConfig, stage: Stage) -> &'static [&'static About] {
    const PAPER: &[&About] = &[&supervised::ABOUT, &adversary::ABOUT, &cycle::ABOUT];
    const GEOMETRY: &[&About] = &[&geometry::ABOUT, &replay::ABOUT];
    match (model.ssl, stage) {
        (Ssl::None, _) | (Ssl::Geometry, Stage::Training) => &PAPER[..1],
        (Ssl::Adversary, _) => &PAPER[..2],
        (Ssl::Cycle, _) => PAPER,
        (Ssl::Geometry, Stage::Adaptation) => GEOMETRY,
    }
}

/// The columns of a model's tasks at a stage. Those of a task that a plan does not record stay 0.
pub fn columns(model: &ModelConfig, stage: Stage) -> impl Iterator<Item = &'static Column> {
    tasks(model, stage).iter().flat_map(|about| about.columns)
}

/// The first column of the task `about` among those of the model.
fn first_column(model: &ModelConfig, stage: Stage, about: &About) -> usize {
    tasks(model, stage).iter().take_while(|task| task.name != about.name).map(|task| task.columns.len()).sum()
}

/// A task in a plan.
pub trait Task<B> {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Fills the rows of the lift that are the task's own, before an optimisation step.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    fn record_inputs(&self, _: &mut Recorder, _: Step) -> Result<()> {
        Ok(())
    }

    /// From what the head has lifted to the losses and the gradients that they start.
    ///
    /// # Errors
    /// As [`Self::record_inputs`].
    fn record_forward(&self, rec: &mut Recorder, of: Networks<'_, B>, step: Step) -> Result<()>;

    /// From there back to what the branch goes back from, [`Gradients`], where the losses have not written the gradient
    /// at the head's poses.
    ///
    /// # Errors
    /// As [`Self::record_inputs`].
    fn record_backward(&self, _: &mut Recorder, _: Networks<'_, B>, _: Step, _: &mut Gradients) -> Result<()> {
        Ok(())
    }

    /// One Adam step on the parameters that are this task's own, if it has any.
    ///
    /// # Errors
    /// As [`Self::record_inputs`].
    fn record_update(&self, _: &mut Recorder, _: Update) -> Result<()> {
        Ok(())
    }
}

/// The networks that tasks look through.
#[derive(Debug)]
pub struct Networks<'a, B> {
    /// The extractor.
    pub extractor: &'a Stack<B>,
    /// The branch's head.
    pub head: &'a Head<B>,
}

impl<B> Clone for Networks<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Networks<'_, B> {}

impl<B: Block> Networks<'_, B> {
    /// What the head lifts of `keypoints`.
    fn lifted(&self, keypoints: TensorId) -> Lifted {
        Lifted { features: self.extractor.features(), keypoints }
    }
}

/// Which optimisation step is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The parameters that it reads.
    pub weights: Weights,
    /// Its number among those on a sample.
    pub iteration: usize,
}

impl Step {
    /// A pass over the inputs.
    fn lift(self, batch: Batch) -> Pass {
        Pass { rows: batch.lift(), weights: self.weights, group: 0 }
    }
}

/// Gradients at the random views, before the branch goes back through them: a place for each task that has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gradients {
    /// The adversary's at the views, each row to be multiplied by its factor.
    judged: Option<Judged>,
    /// The cycle's at the views; it has begun the gradient at the lifted poses too.
    relifted: Option<TensorId>,
}

/// See [`Gradients`].
#[derive(Clone, Copy, Debug)]
struct Judged {
    dy: TensorId,
    generator_factor: TensorId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named::Named;

    fn model(ssl: Ssl) -> ModelConfig {
        ModelConfig { ssl, ..ModelConfig::default() }
    }

    #[test]
    fn columns_follow_from_the_tasks() {
        let names = |ssl, stage| columns(&model(ssl), stage).map(|column| column.name).collect::<Vec<_>>();
        for stage in [Stage::Training, Stage::Adaptation] {
            assert_eq!(names(Ssl::None, stage), ["fsl"]);
            assert_eq!(names(Ssl::Adversary, stage), ["fsl", "log_d_real", "log_1md_fake", "generator"]);
            assert_eq!(names(Ssl::Cycle, stage), ["fsl", "log_d_real", "log_1md_fake", "generator", "cyc2d", "cyc3d"]);
            assert_eq!(first_column(&model(Ssl::Cycle), stage, &cycle::ABOUT), 4);
        }
        assert_eq!(names(Ssl::Geometry, Stage::Training), ["fsl"]);
        assert_eq!(names(Ssl::Geometry, Stage::Adaptation), ["plane", "bone", "view", "replay"]);
    }

    #[test]
    fn a_model_has_the_networks_that_its_tasks_move() {
        for ssl in Ssl::ALL {
            let tasks = |stage| tasks(&model(*ssl), stage).iter();
            let mut all = tasks(Stage::Training).chain(tasks(Stage::Adaptation));
            let moved = Ssl::Cycle.networks().iter().filter(|network| all.clone().any(|a| a.moves.contains(network)));
            assert!(moved.eq(ssl.networks()), "{ssl:?}");
            assert!(all.all(|about| about.moves.contains(&Network::Extractor)), "{}", ssl.name());
        }
    }
}
