//! A head and the tasks that look at what it lifts.

use super::adversary::Adversary;
use super::cycle::Cycle;
use super::geometry::Geometry;
use super::random_views::{self, RandomViews};
use super::replay::{Replay, ReplaySource};
use super::supervised::Supervised;
use super::{About, Batch, Gradients, Networks, Shared, Stage, Step, Task, first_column};
use crate::config::{ModelConfig, Network, Ssl};
use crate::error::{Error, Result};
use crate::kernels;
use crate::nn::{Block, Extent, Head, Pass, Rows, Stack, Store, Through, Update, UpdateFrom};
use crate::plan::{Recorder, TensorId};

/// A head in a plan, with its tasks. Rows [0, lifted) of every tensor belong to the lift of the inputs, rows
/// [lifted, lifted + copies) to the random views of the lifted poses, so that one weight gradient covers both.
pub struct Branch<B> {
    shared: Shared,
    batch: Batch,
    network: Network,
    /// The head.
    pub head: Head<B>,
    /// The random views that are drawn, azimuth and elevation.
    angles: Option<TensorId>,
    /// Where the tasks' gradients go back through the views.
    views: Option<RandomViews>,
    tasks: Vec<Box<dyn Task<B>>>,
}

/// What a branch is allocated in.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The model.
    pub model: &'a ModelConfig,
    /// What the plan is for.
    pub stage: Stage,
    /// The plan's shared tensors.
    pub shared: Shared,
    /// The plan's extents.
    pub extent: Extent,
    /// How its rows are divided.
    pub batch: Batch,
    /// Weight of the branch's tasks together: λ for self-supervision in training, else 1.
    pub weight: f32,
}

impl Place<'_> {
    /// The first column of a task.
    pub(super) fn column(&self, about: &About) -> usize {
        first_column(self.model, self.stage, about)
    }
}

/// How the self-supervised tasks are recorded.
#[derive(Clone, Copy, Debug)]
pub struct SelfSupervision {
    /// Random views that are kept for each instance.
    pub view_rows: usize,
    /// Whether samples may lack joints: no task then looks at them.
    pub masked: bool,
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
        let Place { shared, batch, model, extent, .. } = place;
        let network = Network::FslHead;
        let head = Head::new(rec, store, (network, model), extent, options);
        Self { shared, batch, network, head, angles: None, views: None, tasks: vec![Box::new(task)] }
    }

    /// The geometry task on what `head`, the FSL head, lifts; and replay of labelled poses where there are any.
    pub fn geometry(
        rec: &mut Recorder,
        place: Place<'_>,
        how: SelfSupervision,
        replay: Option<ReplaySource>,
        head: Head<B>,
    ) -> Self {
        let Place { shared, batch, extent, .. } = place;
        let angles = random_views::angles(rec, extent.instances, how.view_rows);
        let mut tasks: Vec<Box<dyn Task<B>>> = vec![Box::new(Geometry::new(place, angles))];
        if let Some(source) = replay {
            tasks.push(Box::new(Replay::new(rec, place, source)));
        }
        Self { shared, batch, network: Network::FslHead, head, angles: Some(angles), views: None, tasks }
    }

    /// The SSL head and the paper's self-supervised tasks; none where the model has none.
    pub fn self_supervised(
        rec: &mut Recorder,
        store: &mut Store,
        place: Place<'_>,
        how: SelfSupervision,
        options: &B::Options,
    ) -> Option<Self> {
        let Place { shared, batch, model, extent, .. } = place;
        let network = Network::SslHead;
        if !model.ssl.networks().contains(&network) {
            return None;
        }
        let head = Head::new(rec, store, (network, model), extent, options);
        let views = RandomViews::new(rec, place, how.view_rows);
        let adversary = Adversary::new(rec, store, place, (options, how.masked));
        let mut tasks: Vec<Box<dyn Task<B>>> = vec![Box::new(adversary)];
        if place.model.ssl == Ssl::Cycle {
            tasks.push(Box::new(Cycle::new(place, &views)));
        }
        Some(Self { shared, batch, network, head, angles: Some(views.angles), views: Some(views), tasks })
    }

    /// The random views (instances, view rows, 2), where tasks look at them.
    #[must_use]
    pub fn views(&self) -> Option<TensorId> {
        self.angles
    }

    /// The rows that extractor and head learn from.
    #[must_use]
    pub fn learnt_rows(&self) -> Rows {
        let rows = self.tasks.iter().map(|task| (task.about().learns)(&self.batch));
        rows.max_by_key(|rows| rows.count).unwrap_or(self.batch.lift())
    }

    /// The rows that go back through head and extractor together: where tasks go back through the views, these have gone
    /// back before, and the inputs follow; else all that is learnt from.
    #[must_use]
    pub fn backward_rows(&self) -> Rows {
        if self.views.is_some() { self.batch.lift() } else { self.learnt_rows() }
    }

    /// Draws every random view, keyed by the sample or by the step.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] when shapes do not unify; so do all recording functions here.
    pub fn record_draw(&self, rec: &mut Recorder, by_sample: bool) -> Result<()> {
        self.angles.map_or(Ok(()), |angles| random_views::record_draw(rec, self.shared.state, angles, by_sample))
    }

    /// Fills the rows of the lift that are not the sample's, before an optimisation step.
    ///
    /// # Errors
    /// As [`Self::record_draw`].
    pub fn record_inputs(&self, rec: &mut Recorder, step: Step) -> Result<()> {
        self.tasks.iter().try_for_each(|task| task.record_inputs(rec, step))
    }

    /// From the extractor's features of the lift to every loss and the gradients that start the backward pass.
    ///
    /// # Errors
    /// As [`Self::record_draw`].
    pub fn record_forward(&self, rec: &mut Recorder, extractor: &Stack<B>, step: Step) -> Result<()> {
        let of = Networks { extractor, head: &self.head };
        self.head.record_forward(rec, of.lifted(self.shared.x), step.lift(self.batch))?;
        if let Some(views) = &self.views {
            views.record_forward(rec, &self.head, step)?;
        }
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
        let rows = self.backward_rows();
        let pass = Pass { rows, ..step.lift(self.batch) };
        let dfeatures = self.head.record_backward(rec, self.shared.x, pass, extractor.through())?;
        seed.add(rec, dfeatures, rows, extractor.through())
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
    /// [`crate::Error::Plan`] when shapes do not unify, or where the first has gone on `through` an epilogue already.
    pub fn add(&mut self, rec: &mut Recorder, gradient: TensorId, rows: Rows, through: Option<Through>) -> Result<()> {
        let sum = *self.0.get_or_insert(gradient);
        if sum == gradient {
            return Ok(());
        }
        if through.is_some() {
            return Err(Error::Plan(
                "a gradient that has gone through a frozen epilogue cannot be added to".to_owned(),
            ));
        }
        rec.dispatch(&kernels::ADD, "features.backward", &[("x", gradient), ("y", sum)], &rows.values())
    }

    /// The sum so far, if a branch has added to it.
    #[must_use]
    pub fn sum(self) -> Option<TensorId> {
        self.0
    }
}
