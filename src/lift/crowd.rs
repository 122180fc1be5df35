//! The people before a camera: who is who, and each one's track.

use super::Person;
use crate::adapt::{Adapter, Track};
use crate::error::Result;
use crate::pose::Fill;
use crate::pose::follow::{Bounds, Follower, MAX_GAP};

/// As who somebody is known.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// By the input's number.
    Given(i64),
    /// By where they are.
    Followed(usize),
}

/// A person's place: when somebody else takes it, what it holds is used again.
struct Seat {
    known: Option<Known>,
    id: i64,
    frame: i32,
    bounds: Bounds,
    /// When it was used last, in people.
    used: u64,
    track: Track,
    /// Lifts without adaptation, where that is asked for too.
    trained: Option<Track>,
}

/// Who a person of a frame is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Who {
    pub(super) id: i64,
    pub(super) seat: usize,
    pub(super) begins: bool,
}

/// Where a seat's tracks come from.
pub(super) enum Adapters {
    /// All share one.
    Shared(Adapter),
    /// Each has its own.
    Each(Box<dyn Fn() -> Result<Adapter> + Send>),
}

/// The people before a camera.
pub(super) struct Crowd {
    adapters: Adapters,
    trained: Option<Adapter>,
    fill: Fill,
    max: usize,
    seats: Vec<Seat>,
    follower: Follower,
    next_id: i64,
    used: u64,
}

impl Crowd {
    pub(super) fn new(adapters: Adapters, trained: Option<Adapter>, fill: Fill, max: usize) -> Self {
        let (seats, follower) = (Vec::new(), Follower::default());
        Self { adapters, trained, fill, max, seats, follower, next_id: 1, used: 0 }
    }

    /// Whether this frame shows another scene than the last one that showed anybody: there is nobody where somebody was.
    pub(super) fn is_cut(&self, frame: i32, boxes: &[Bounds]) -> bool {
        let last = self.seats.iter().filter(|seat| seat.known.is_some()).map(|seat| seat.frame).max();
        let Some(last) = last.filter(|last| i64::from(frame) - i64::from(*last) <= MAX_GAP) else { return false };
        let before = || self.seats.iter().filter(|seat| seat.known.is_some() && seat.frame == last);
        let is_far = |now: &Bounds| before().all(|seat| seat.bounds.is_far(*now));
        !boxes.is_empty() && before().next().is_some() && boxes.iter().all(is_far)
    }

    /// Who is who in a frame, whose people have these boxes. Seats are found for as many as there are at once; then that of
    /// the longest unused is taken.
    pub(super) fn seat(&mut self, frame: i32, people: &[&Person], boxes: &[Bounds]) -> Result<Vec<Who>> {
        // A number that two have is nobody's.
        let is_own = |id: i64| people.iter().filter(|person| person.id == Some(id)).count() == 1;
        let given: Vec<Option<i64>> = people.iter().map(|person| person.id.filter(|id| is_own(*id))).collect();
        let others: Vec<Bounds> =
            given.iter().zip(boxes).filter(|(id, _)| id.is_none()).map(|(_, bounds)| *bounds).collect();
        let taken: Vec<i64> = given.iter().flatten().copied().collect();
        self.make_way(&taken);
        let mut followed = self.follower.assign(i64::from(frame), &others).into_iter();
        let mut all = Vec::with_capacity(people.len());
        for (given, bounds) in given.into_iter().zip(boxes) {
            let known = match given {
                Some(id) => Known::Given(id),
                None => Known::Followed(followed.next().unwrap_or_default()),
            };
            all.push(self.sit(frame, known, *bounds, &taken)?);
        }
        Ok(all)
    }

    /// Who was given one of these numbers by us is called something else, now that the input uses it.
    fn make_way(&mut self, taken: &[i64]) {
        if let Some(most) = taken.iter().max() {
            self.next_id = self.next_id.max(most.saturating_add(1));
        }
        for index in 0..self.seats.len() {
            if matches!(self.seats[index].known, Some(Known::Followed(_))) && taken.contains(&self.seats[index].id) {
                self.seats[index].id = self.new_id(taken);
            }
        }
    }

    /// A number that nobody has who is remembered, and nobody in the frame.
    fn new_id(&mut self, taken: &[i64]) -> i64 {
        loop {
            let id = self.next_id;
            // After the last number the first ones are free again.
            self.next_id = id.checked_add(1).unwrap_or(1);
            let is_known = |seat: &Seat| seat.known.is_some() && seat.id == id;
            if !taken.contains(&id) && !self.seats.iter().any(is_known) {
                return id;
            }
        }
    }

    fn sit(&mut self, frame: i32, known: Known, bounds: Bounds, taken: &[i64]) -> Result<Who> {
        self.used += 1;
        if let Some(index) = self.seats.iter().position(|seat| seat.known == Some(known)) {
            let seat = &mut self.seats[index];
            let is_away = !(0..=MAX_GAP).contains(&(i64::from(frame) - i64::from(seat.frame)));
            // The camera was cut, or the detector gave the number to another person.
            let begins = is_away || seat.bounds.is_far(bounds);
            (seat.frame, seat.bounds, seat.used) = (frame, bounds, self.used);
            if begins {
                seat.cut();
            }
            return Ok(Who { id: seat.id, seat: index, begins });
        }
        let id = match known {
            Known::Given(id) => id,
            Known::Followed(_) => self.new_id(taken),
        };
        let index = self.free(frame)?;
        // Who has no seat of their own is not remembered.
        let known = (index < self.max).then_some(known);
        let seat = &mut self.seats[index];
        (seat.known, seat.id, seat.frame, seat.bounds, seat.used) = (known, id, frame, bounds, self.used);
        Ok(Who { id, seat: index, begins: true })
    }

    /// A seat that nobody needs in this frame, made ready for somebody else. Where all are taken, those left over share one
    /// more, without memory from frame to frame.
    fn free(&mut self, frame: i32) -> Result<usize> {
        let own = &self.seats[..self.seats.len().min(self.max)];
        let unknown = own.iter().position(|seat| seat.known.is_none());
        let idle = || (0..own.len()).filter(|index| own[*index].frame != frame).min_by_key(|index| own[*index].used);
        let index = match unknown {
            Some(index) => index,
            None if own.len() < self.max => own.len(),
            None => idle().unwrap_or(self.max),
        };
        if index == self.seats.len() {
            let adapter = match &self.adapters {
                Adapters::Shared(adapter) => adapter.clone(),
                Adapters::Each(make) => make()?,
            };
            let bounds = Bounds::around(std::iter::empty());
            let trained = self.trained.as_ref().map(|adapter| adapter.track_filled(self.fill));
            let track = adapter.track_filled(self.fill);
            self.seats.push(Seat { known: None, id: 0, frame: 0, bounds, used: 0, track, trained });
            return Ok(index);
        }
        self.seats[index].cut();
        if matches!(self.adapters, Adapters::Each(_)) {
            self.seats[index].track.adapter().reset()?;
        }
        Ok(index)
    }

    /// The tracks of a seat: what adapts, and what does not.
    pub(super) fn tracks(&mut self, seat: usize) -> (&mut Track, Option<&mut Track>) {
        let Seat { track, trained, .. } = &mut self.seats[seat];
        (track, trained.as_mut())
    }

    /// Everybody is gone; numbers go on.
    pub(super) fn cut(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.known = None);
        self.follower.cut();
    }

    /// All adaptation starts again from the source.
    pub(super) fn reset(&self) -> Result<()> {
        match &self.adapters {
            Adapters::Shared(adapter) => adapter.reset(),
            Adapters::Each(_) => self.seats.iter().try_for_each(|seat| seat.track.adapter().reset()),
        }
    }
}

impl Seat {
    fn cut(&mut self) {
        self.track.cut();
        if let Some(track) = &mut self.trained {
            track.cut();
        }
    }
}
