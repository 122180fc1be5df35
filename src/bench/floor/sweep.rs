//! Passes over memory and nothing else, on the CPU: as fast as its threads can read, write and update it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Instant;

use bytemuck::{Pod, Zeroable};
use pulp::Arch;

use super::Traffic;
use crate::cpu::fill_past_caches;
use crate::error::Result;
use crate::kernel::Access;
use crate::plan::{Pass, TensorId, check_memory, thread_pool};

/// Lines of a page: 4 KB, in which one always goes upwards.
const PAGE: usize = 64;
/// Sweeps of each kind at the least; others follow while there is time.
const ROUNDS: usize = 2;
/// Rounds at the most: enough for what is swept in microseconds.
const MOST_ROUNDS: usize = 200;
/// Seconds after which no other round begins.
const SECONDS: f64 = 1.0;

/// A cache line, so that no vector lies across two.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Line([u32; 16]);

/// How a sweep goes. Which way is fastest depends on the machine's caches: all are tried, the best counts.
#[derive(Clone, Copy)]
struct Way {
    /// A tensor is passed over upwards and downwards by turns, so that what was used last is used first.
    turns: bool,
    /// Four quarters of a tensor are passed over side by side, so that more is on its way from memory.
    side_by_side: bool,
    /// What is only written goes past the caches, so that it need not be read first.
    past_caches: bool,
}

fn ways() -> impl Iterator<Item = Way> {
    (0..8).map(|way| Way { turns: way & 1 > 0, side_by_side: way & 2 > 0, past_caches: way & 4 > 0 })
}

/// One pass over one tensor.
#[derive(Clone, Copy)]
struct Step {
    first: usize,
    lines: usize,
    access: Access,
    downwards: bool,
    dispatch: usize,
}

/// Memory as large as the tensors that the passes touch, each cut evenly among the threads, which keep their parts: the
/// best that caches of their own can be given.
pub(super) struct Sweep {
    pool: rayon::ThreadPool,
    parts: Vec<Mutex<Vec<Line>>>,
    steps: Vec<Step>,
    dispatches: usize,
}

impl Sweep {
    /// Allocates it. `bytes_of` is a tensor's size.
    pub(super) fn new(
        threads: usize,
        passes: &[Pass],
        dispatches: usize,
        bytes_of: impl Fn(TensorId) -> u64,
    ) -> Result<Self> {
        let pool = thread_pool(threads)?;
        let threads = pool.current_num_threads();
        let mut places = BTreeMap::new();
        let mut total = 0;
        let mut steps = Vec::with_capacity(passes.len());
        for pass in passes {
            // What does not fill a line of every thread is left out: a bound may be lower.
            let lines = usize::try_from(bytes_of(pass.tensor)).unwrap_or(usize::MAX) / 64 / threads;
            let (first, uses) = places.entry(pass.tensor).or_insert((total, 0));
            if *uses == 0 {
                total += lines;
            }
            *uses += 1;
            let downwards = *uses % 2 == 0;
            steps.push(Step { first: *first, lines, access: pass.access, downwards, dispatch: pass.dispatch });
        }
        check_memory(64 * (total * threads) as u64)?;
        // Each thread touches its part first. Ones: pages of zeros might all be one page.
        let parts = pool.broadcast(|_| Mutex::new(vec![Line([1; 16]); total]));
        Ok(Self { pool, parts, steps, dispatches })
    }

    /// The best of some seconds.
    pub(super) fn measure(&self) -> Traffic {
        let begun = Instant::now();
        let (mut best, mut way) = (f64::INFINITY, Way { turns: false, side_by_side: false, past_caches: false });
        self.run(way, false);
        for round in 0..MOST_ROUNDS {
            for tried in ways() {
                let (seconds, _) = self.run(tried, false);
                if seconds < best {
                    (best, way) = (seconds, tried);
                }
            }
            if round + 1 >= ROUNDS && begun.elapsed().as_secs_f64() > SECONDS {
                break;
            }
        }
        // Looking at the clock takes time, so that these times say only how the best is divided.
        let mut each = vec![f64::INFINITY; self.steps.len()];
        for _ in 0..ROUNDS {
            let (_, times) = self.run(way, true);
            each.iter_mut().zip(times).for_each(|(least, time)| *least = time.min(*least));
        }
        let scale = best / each.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mut traffic = Traffic::none(self.dispatches);
        for (step, seconds) in self.steps.iter().zip(each) {
            traffic.add(step.dispatch, step.access, scale * seconds);
        }
        traffic
    }

    /// Sweeps once: the seconds of the thread that took longest, and of each step, if they are asked for, the mean.
    fn run(&self, way: Way, by_step: bool) -> (f64, Vec<f64>) {
        let start = Barrier::new(self.parts.len());
        let times = self.pool.broadcast(|thread| {
            let mut part = self.parts[thread.index()].lock().unwrap_or_else(PoisonError::into_inner);
            let mut each = vec![0.0; if by_step { self.steps.len() } else { 0 }];
            start.wait();
            let begun = Instant::now();
            let mut seen = 0;
            if by_step {
                for (step, seconds) in self.steps.iter().zip(&mut each) {
                    let begun = Instant::now();
                    seen |= step.run(&mut part, way);
                    *seconds = begun.elapsed().as_secs_f64();
                }
            } else {
                self.steps.iter().for_each(|step| seen |= step.run(&mut part, way));
            }
            let seconds = begun.elapsed().as_secs_f64();
            std::hint::black_box(seen);
            (seconds, each)
        });
        let longest = times.iter().map(|(seconds, _)| *seconds).fold(0.0, f64::max);
        let mean = |step: usize| times.iter().map(|(_, each)| each[step]).sum::<f64>() / times.len() as f64;
        (longest, (0..if by_step { self.steps.len() } else { 0 }).map(mean).collect())
    }
}

impl Step {
    fn run(&self, part: &mut [Line], way: Way) -> u32 {
        let lines = &mut part[self.first..self.first + self.lines];
        let downwards = way.turns && self.downwards;
        if self.access == Access::Write && way.past_caches {
            fill_past_caches(bytemuck::cast_slice_mut(lines), 1);
            return 0;
        }
        if !way.side_by_side {
            return self.pass([lines], downwards);
        }
        let quarter = lines.len() / 4;
        let (lines, rest) = lines.split_at_mut(4 * quarter);
        let (half, others) = lines.split_at_mut(2 * quarter);
        let (a, b) = half.split_at_mut(quarter);
        let (c, d) = others.split_at_mut(quarter);
        self.pass([a, b, c, d], downwards) | self.pass([rest], downwards)
    }

    /// Passes over pieces of the same size side by side.
    fn pass<const N: usize>(&self, pieces: [&mut [Line]; N], downwards: bool) -> u32 {
        match self.access {
            Access::Read => Arch::new().dispatch(|| read(pieces, downwards)),
            Access::Update => Arch::new().dispatch(|| update(pieces, downwards)),
            Access::Write => Arch::new().dispatch(|| write(pieces, downwards)),
        }
    }
}

/// The lines of page number `page`, from below or from above.
#[inline(always)]
fn range(lines: usize, page: usize, downwards: bool) -> Range<usize> {
    let page = if downwards { lines.div_ceil(PAGE) - 1 - page } else { page };
    page * PAGE..lines.min((page + 1) * PAGE)
}

#[inline(always)]
fn read<const N: usize>(pieces: [&mut [Line]; N], downwards: bool) -> u32 {
    // Four sums, so that they do not wait for each other.
    let mut seen = [[0; 16]; 4];
    let lines = pieces[0].len();
    for page in 0..lines.div_ceil(PAGE) {
        let range = range(lines, page, downwards);
        let pages = pieces.each_ref().map(|piece| piece[range.clone()].as_chunks::<4>());
        for four in 0..range.len() / 4 {
            for (fours, _) in &pages {
                for (seen, line) in seen.iter_mut().zip(&fours[four]) {
                    seen.iter_mut().zip(line.0).for_each(|(seen, word)| *seen |= word);
                }
            }
        }
        for (_, rest) in &pages {
            for (seen, line) in seen.iter_mut().zip(*rest) {
                seen.iter_mut().zip(line.0).for_each(|(seen, word)| *seen |= word);
            }
        }
    }
    seen.iter().flatten().fold(0, |all, lane| all | lane)
}

#[inline(always)]
fn update<const N: usize>(mut pieces: [&mut [Line]; N], downwards: bool) -> u32 {
    let lines = pieces[0].len();
    for page in 0..lines.div_ceil(PAGE) {
        let range = range(lines, page, downwards);
        let mut pages = pieces.each_mut().map(|piece| &mut piece[range.clone()]);
        for at in 0..range.len() {
            for page in &mut pages {
                for lane in 0..16 {
                    page[at].0[lane] = page[at].0[lane].wrapping_add(1);
                }
            }
        }
    }
    0
}

#[inline(always)]
fn write<const N: usize>(mut pieces: [&mut [Line]; N], downwards: bool) -> u32 {
    let lines = pieces[0].len();
    for page in 0..lines.div_ceil(PAGE) {
        let range = range(lines, page, downwards);
        let mut pages = pieces.each_mut().map(|piece| &mut piece[range.clone()]);
        for at in 0..range.len() {
            for page in &mut pages {
                page[at].0 = [1; 16];
            }
        }
    }
    0
}
