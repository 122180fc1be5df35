//! Tasks: what the networks learn from, as values that plans iterate over.
//!
//! A [`Task`] looks at what a head lifts and says what is wrong with it: it records its losses, the gradients that they
//! start, and the update of what it owns. Tasks that look at one head share a [`Branch`]. Training records the
//! supervised branch and, where the model has one, the self-supervised branch; adaptation records the latter alone.
//!
//! What a task is apart from any plan stands in its [`About`]: the columns that it has in the ring of losses, the
//! networks that it moves, the rows that it needs.

mod adversary;
mod branch;
mod cycle;
mod losses;
mod random_views;
mod shared;
mod supervised;

pub use branch::{Branch, Place, Seed, SelfSupervision};
pub use losses::{Losses, Term};
pub use shared::{LossRing, Shared};

use crate::config::{ModelConfig, Network, Ssl};
use crate::error::Result;
use crate::nn::{Head, Pass, Rows, Stack, Update, Weights};
use crate::plan::{Recorder, TensorId};

/// How the rows of activations are divided: `lifted` inputs, then `copies` random views of their lift, as many of each.
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

/// The tasks of a model, in the order of their columns: the supervised one, then those of [`ModelConfig::ssl`].
#[must_use]
pub fn tasks(model: &ModelConfig) -> &'static [&'static About] {
    const ALL: &[&About] = &[&supervised::ABOUT, &adversary::ABOUT, &cycle::ABOUT];
    match model.ssl {
        Ssl::None => &ALL[..1],
        Ssl::Adversary => &ALL[..2],
        Ssl::Cycle => ALL,
    }
}

/// The columns of a model's tasks, in training and in adaptation alike. Those of a task that a plan does not record
/// stay 0.
pub fn columns(model: &ModelConfig) -> impl Iterator<Item = &'static Column> {
    tasks(model).iter().flat_map(|about| about.columns)
}

/// The first column of the task `about` among those of the model.
fn first_column(model: &ModelConfig, about: &About) -> usize {
    tasks(model).iter().take_while(|task| task.name != about.name).map(|task| task.columns.len()).sum()
}

/// A task in a plan.
pub trait Task<B> {
    /// What it is.
    fn about(&self) -> &'static About;

    /// From what the head has lifted to the losses and the gradients that they start.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    fn record_forward(&self, rec: &mut Recorder, of: Networks<'_, B>, step: Step) -> Result<()>;

    /// From there back to what the branch goes back from, [`Gradients`].
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    fn record_backward(
        &self,
        rec: &mut Recorder,
        of: Networks<'_, B>,
        step: Step,
        gradients: &mut Gradients,
    ) -> Result<()>;

    /// One Adam step on the parameters that are this task's own, if it has any.
    ///
    /// # Errors
    /// As [`Self::record_forward`].
    fn record_update(&self, rec: &mut Recorder, update: Update) -> Result<()>;
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

/// Which optimisation step is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The parameters that it reads.
    pub weights: Weights,
    /// The first of the random views that it takes.
    pub first_view: usize,
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

    fn model(ssl: Ssl) -> ModelConfig {
        ModelConfig { ssl, ..ModelConfig::default() }
    }

    #[test]
    fn columns_follow_from_the_tasks() {
        let names = |ssl| columns(&model(ssl)).map(|column| column.name).collect::<Vec<_>>();
        assert_eq!(names(Ssl::None), ["fsl"]);
        assert_eq!(names(Ssl::Adversary), ["fsl", "log_d_real", "log_1md_fake", "generator"]);
        assert_eq!(names(Ssl::Cycle), ["fsl", "log_d_real", "log_1md_fake", "generator", "cyc2d", "cyc3d"]);
        assert_eq!(first_column(&model(Ssl::Cycle), &cycle::ABOUT), 4);
    }

    #[test]
    fn a_model_has_the_networks_that_its_tasks_move() {
        for ssl in [Ssl::None, Ssl::Adversary, Ssl::Cycle] {
            let moved = |network: &Network| tasks(&model(ssl)).iter().any(|about| about.moves.contains(network));
            let all = Ssl::Cycle.networks().iter().filter(|network| moved(network));
            assert!(all.eq(ssl.networks()), "{ssl:?}");
        }
    }
}
