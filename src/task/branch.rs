//! A head and the tasks that look at what it lifts.

use super::adversary::Adversary;
use super::cycle::Cycle;
use super::random_views::RandomViews;
use super::supervised::Supervised;
use super::{Batch, Gradients, Networks, Shared, Step, Task};
use crate::config::{ModelConfig, Network, Ssl};
use crate::error::Result;
use crate::kernels;
use crate::nn::{Block, Extent, Head, Rows, Stack, Store, Update, UpdateFrom};
use crate::plan::{Recorder, TensorId};

/// A head in a plan, with its tasks. Rows [0, lifted) of every tensor belong to the lift of the inputs, rows
/// [lifted, lifted + copies) to the random views of the lifted poses, so that one weight gradient covers both.
pub struct Branch<B> {
    shared: Shared,
    batch: Batch,
    network: Network,
    /// The head.
    pub head: Head<B>,
    views: Option<RandomViews>,
    tasks: Vec<Box<dyn Task<B>>>,
}

/// What a branch is allocated in.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The model.
    pub model: &'a ModelConfig,
    /// The plan's shared tensors.
    pub shared: Shared,
    /// The plan's extents.
    pub extent: Extent,
    /// How its rows are divided.
    pub batch: Batch,
    /// Weight of the branch's tasks together: λ for self-supervision in training, else 1.
    pub weight: f32,
}

/// How the self-supervised tasks are recorded.
#[derive(Clone, Copy, Debug)]
pub struct SelfSupervision {
    /// Random views that are kept for each instance.
    pub view_rows: usize,
    /// Whether samples may lack joints: no task then looks at them.
    pub masked: bool,
}

fn head<B: Block>(
    rec: &mut Recorder,
    store: &mut Store,
    Place { model, extent, .. }: Place<'_>,
    network: Network,
    options: &B::Options,
) -> Head<B> {
    Head::new(rec, store, (network.prefix(), 3 * model.joints), extent, options)
}

impl<B: Block + 'static> Branch<B> {
    /// The FSL head and the supervised task on a batch whose poses are `truth` (1, batch, pose_size).
    pub fn supervised(
        rec: &mut Recorder,
        store: &mut Store,
        place: Place<'_>,
        truth: TensorId,
        options: &B::Options,
    ) -> Self {
        let task = Supervised::new(place, truth);
        let head = head(rec, store, place, Network::FslHead, options);
        let Place { shared, batch, .. } = place;
        Self { shared, batch, network: Network::FslHead, head, views: None, tasks: vec![Box::new(task)] }
    }

    /// The SSL head and the model's self-supervised tasks; none where the model has none.
    pub fn self_supervised(
        rec: &mut Recorder,
        store: &mut Store,
        place: Place<'_>,
        how: SelfSupervision,
        options: &B::Options,
    ) -> Option<Self> {
        if place.model.ssl == Ssl::None {
            return None;
        }
        let head = head(rec, store, place, Network::SslHead, options);
        let views = RandomViews::new(rec, place, how.view_rows);
        let adversary = Adversary::new(rec, store, place, (options, how.masked));
        let mut tasks: Vec<Box<dyn Task<B>>> = vec![Box::new(adversary)];
        if place.model.ssl == Ssl::Cycle {
            tasks.push(Box::new(Cycle::new(place, &views)));
        }
        let Place { shared, batch, .. } = place;
        Some(Self { shared, batch, network: Network::SslHead, head, views: Some(views), tasks })
    }

    /// The random views (instances, view rows, 2), where tasks look at them.
    #[must_use]
    pub fn views(&self) -> Option<TensorId> {
        self.views.as_ref().map(|views| views.angles)
    }

    /// The rows that extractor and head learn from.
    #[must_use]
    pub fn learnt_rows(&self) -> Rows {
        let rows = self.tasks.iter().map(|task| (task.about().learns)(&self.batch));
        rows.max_by_key(|rows| rows.count).unwrap_or(self.batch.lift())
    }

    /// Draws every random view, keyed by the sample or by the step.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_draw(&self, rec: &mut Recorder, by_sample: bool) -> Result<()> {
        self.views.as_ref().map_or(Ok(()), |views| views.record_draw(rec, by_sample))
    }

    /// From the extractor's features of the lift to every loss and the gradients that start the backward pass.
    ///
    /// # Errors
    /// As [`Self::record_draw`].
    pub fn record_forward(&self, rec: &mut Recorder, extractor: &Stack<B>, step: Step) -> Result<()> {
        self.head.record_forward(rec, extractor.features(), step.lift(self.batch))?;
        if let Some(views) = &self.views {
            views.record_forward(rec, &self.head, step)?;
        }
        let of = Networks { extractor, head: &self.head };
        self.tasks.iter().try_for_each(|task| task.record_forward(rec, of, step))
    }

    /// From there to the gradient at the features of the lift, which joins `seed`. The last task goes back first: what
    /// it looked at, the earlier ones made.
    ///
    /// # Errors
    /// As [`Self::record_draw`].
    pub fn record_backward(&self, rec: &mut Recorder, extractor: &Stack<B>, step: Step, seed: &mut Seed) -> Result<()> {
        let of = Networks { extractor, head: &self.head };
        let mut gradients = Gradients::default();
        self.tasks.iter().rev().try_for_each(|task| task.record_backward(rec, of, step, &mut gradients))?;
        if let Some(views) = &self.views {
            views.record_backward(rec, &self.head, step, &gradients)?;
        }
        let dfeatures = self.head.record_backward(rec, step.lift(self.batch))?;
        seed.add(rec, dfeatures, self.batch.lift())
    }

    /// One Adam step on the head, where a task moves it, and on what the tasks own.
    ///
    /// # Errors
    /// As [`Self::record_draw`].
    pub fn record_update(&self, rec: &mut Recorder, extractor: &Stack<B>, update: Update) -> Result<()> {
        let Shared { ones, state, .. } = self.shared;
        if self.tasks.iter().any(|task| task.about().moves.contains(&self.network)) {
            let from = UpdateFrom { x: extractor.features(), row_scale: ones, state, rows: self.learnt_rows() };
            self.head.record_update(rec, update, from)?;
        }
        self.tasks.iter().try_for_each(|task| task.record_update(rec, update))
    }
}

/// The gradient at the features of the lift, which all branches share: the first gives its own, the others are added.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seed(Option<TensorId>);

impl Seed {
    /// Adds `gradient` in `rows`.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify.
    pub fn add(&mut self, rec: &mut Recorder, gradient: TensorId, rows: Rows) -> Result<()> {
        let sum = *self.0.get_or_insert(gradient);
        if sum == gradient {
            return Ok(());
        }
        rec.dispatch(&kernels::ADD, "features.backward", &[("x", gradient), ("y", sum)], &rows.values())
    }

    /// The sum so far, if a branch has added to it.
    #[must_use]
    pub fn sum(self) -> Option<TensorId> {
        self.0
    }
}
