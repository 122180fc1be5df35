//! Work that several processes share, each on its part.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::named::named_enum;

/// Part `index`, from 0, of a work in `count` parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: usize,
    count: usize,
}

named_enum! {
    /// Where samples may be parted.
    pub enum ShardBy {
        /// Anywhere: each is predicted apart, or a stream of its own begins at each part.
        Sample = "sample",
        /// Where a sequence begins.
        Sequence = "sequence",
    }
}

impl Shard {
    /// All of the work.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Part `index`, from 0; none where there is no such part.
    #[must_use]
    pub fn new(index: usize, count: usize) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    /// Which part it is, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// How many parts there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.count
    }

    /// Whether it is all of the work.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Its part of `all`: the parts are as long as each other, to one.
    #[must_use]
    pub fn part(self, all: Range<usize>) -> Range<usize> {
        self.at(&all, self.index)..self.at(&all, self.index + 1)
    }

    /// Its part of `all` where parts begin at `starts` (ascending) only: about as long as the others.
    #[must_use]
    pub fn part_at(self, all: Range<usize>, starts: &[usize]) -> Range<usize> {
        let starts: Vec<usize> = starts.iter().copied().filter(|start| all.contains(start)).collect();
        let nearest = |edge: usize| {
            let wanted = self.at(&all, edge);
            let near = starts.iter().chain([&all.start, &all.end]).min_by_key(|start| start.abs_diff(wanted));
            near.copied().unwrap_or(wanted)
        };
        nearest(self.index)..nearest(self.index + 1)
    }

    /// Where part `index` of `all` begins.
    fn at(self, all: &Range<usize>, index: usize) -> usize {
        // The product of two counts may not fit.
        all.start + (all.len() as u128 * index as u128 / self.count as u128) as usize
    }
}

/// Sorts the parts of a work, by the place that each is at, and sees that all are there once.
///
/// # Errors
/// [`Error::File`] naming the part that is missing, there twice, or of another number of parts.
pub fn all_parts<T>(parts: &mut [T], of: impl Fn(&T) -> (Shard, &Path)) -> Result<()> {
    parts.sort_by_key(|part| of(part).0.index);
    let wrong = |path: &Path, problem: String, fix: &str| Err(Error::file(path, "shard", problem, fix));
    let Some((Shard { count, .. }, first)) = parts.first().map(&of) else {
        return Err(Error::Usage("there is nothing to merge; give all parts of one work".to_owned()));
    };
    if let Some((shard, path)) = parts.iter().map(&of).find(|(shard, _)| shard.count != count) {
        let problem = format!("it is part {shard}, but {} is one of {count}", first.display());
        return wrong(path, problem, "merge parts of one work");
    }
    for pair in parts.windows(2) {
        let [(one, first), (other, path)] = [of(&pair[0]), of(&pair[1])];
        if one == other {
            return wrong(path, format!("part {other} is {} too", first.display()), "give each part once");
        }
    }
    let mut there = parts.iter().map(|part| of(part).0.index).peekable();
    // As many as a line takes: the number of parts is what a file says.
    let missing = (0..count).filter(|index| there.next_if_eq(index).is_none()).take(8);
    let missing: Vec<String> = missing.map(|index| Shard { index, count }.to_string()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let more = if count - parts.len() > missing.len() { ", ..." } else { "" };
    let problem = format!("of {count} parts there is no {}{more}", missing.join(", "));
    wrong(first, problem, "do those too, and give them all")
}

impl fmt::Display for Shard {
    /// As people count: `1/4` is the first of four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(of, count)| Some((of.parse().ok()?, count.parse().ok()?)));
        let shard = numbers.and_then(|(of, count): (usize, usize)| Self::new(of.checked_sub(1)?, count));
        shard.ok_or_else(|| "use I/N with I from 1 to N, such as 3/8".to_owned())
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(count: usize, part: impl Fn(Shard) -> Range<usize>) -> Vec<Range<usize>> {
        (0..count).map(|index| part(Shard::new(index, count).unwrap())).collect()
    }

    #[test]
    fn parts_follow_each_other_and_are_all() {
        for (length, count) in [(10, 1), (10, 3), (3, 5), (0, 2), (1_000_003, 64)] {
            let all = 7..7 + length;
            let parts = parts(count, |shard| shard.part(all.clone()));
            assert_eq!((parts[0].start, parts[count - 1].end), (all.start, all.end));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start), "{parts:?}");
            let lengths = parts.iter().map(Range::len);
            assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1, "{parts:?}");
        }
    }

    #[test]
    fn sequences_are_not_parted() {
        let starts = [0, 10, 50, 60, 90];
        let of = |count| parts(count, |shard| shard.part_at(0..100, &starts));
        assert_eq!(of(2), [0..50, 50..100]);
        assert_eq!(of(3), [0..50, 50..60, 60..100]);
        let many = of(20);
        assert_eq!((many[0].start, many[19].end), (0, 100));
        assert!(many.windows(2).all(|pair| pair[0].end == pair[1].start), "{many:?}");
        assert!(many.iter().all(|part| part.is_empty() || starts.contains(&part.start)), "{many:?}");
        assert_eq!(parts(2, |shard| shard.part_at(10..60, &starts)), [10..50, 50..60], "what begins in the range");
    }

    #[test]
    fn shards_are_written_as_people_count() {
        let shard: Shard = "3/8".parse().unwrap();
        assert_eq!((shard.index(), shard.count(), &*shard.to_string()), (2, 8, "3/8"));
        for wrong in ["0/4", "5/4", "1/0", "1", "a/b", "-1/2", "1/2/3", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
