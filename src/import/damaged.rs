//! What is left out of an import because it is damaged, while it is little.

use super::sources::counted;
use crate::error::{Error, Result};

/// At most one of so many may be damaged.
const FEW: usize = 10;

/// Files of a folder, or records of a file, of which some may be damaged.
#[derive(Debug)]
pub(super) struct Damaged {
    what: &'static str,
    /// How many there are, if that is known before they are read.
    all: Option<usize>,
    seen: usize,
    strict: bool,
    count: usize,
    first: Option<Error>,
}

impl Damaged {
    /// Among `all` of `what`: "file", "record". If `strict`, none may be.
    pub(super) fn among(all: usize, what: &'static str, strict: bool) -> Self {
        Self { all: Some(all), ..Self::new(what, strict) }
    }

    /// Among as many as will be seen.
    pub(super) fn new(what: &'static str, strict: bool) -> Self {
        Self { what, all: None, seen: 0, strict, count: 0, first: None }
    }

    /// What could be read; `None` for what could not, which is counted.
    ///
    /// # Errors
    /// The first error, as soon as it is known that more than a tenth are damaged, or if none may be.
    pub(super) fn sift<T>(&mut self, read: Result<T>) -> Result<Option<T>> {
        self.seen += 1;
        let error = match read {
            Ok(read) => return Ok(Some(read)),
            Err(error) => error,
        };
        self.count += 1;
        let first = self.first.take().unwrap_or(error);
        if self.strict || self.all.is_some_and(|all| FEW * self.count > all) {
            return Err(first);
        }
        self.first = Some(first);
        Ok(None)
    }

    /// The same for what was read, and only then turns out to be damaged.
    pub(super) fn sift_again<T>(&mut self, read: Result<T>) -> Result<Option<T>> {
        self.seen -= 1;
        self.sift(read)
    }

    /// How many were read, damaged ones too.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Says how many were left out, and why the first.
    ///
    /// # Errors
    /// The first error, if more than a tenth were damaged.
    pub(super) fn tell(self) -> Result<Option<String>> {
        let Self { what, all, seen, count, first, .. } = self;
        let (all, Some(first)) = (all.unwrap_or(seen), first) else { return Ok(None) };
        if FEW * count > all {
            return Err(first);
        }
        Ok(Some(format!("{} left out of {all}, damaged; the first: {first}", counted(count, what))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sifted(all: usize, damaged: usize, strict: bool, is_known: bool) -> Result<Option<String>> {
        let mut sieve = if is_known { Damaged::among(all, "record", strict) } else { Damaged::new("record", strict) };
        for i in 0..all {
            let read = if i < damaged { Err(Error::Usage(format!("error {i}"))) } else { Ok(i) };
            assert_eq!(sieve.sift(read)?, (i >= damaged).then_some(i));
        }
        assert_eq!(sieve.seen(), all);
        sieve.tell()
    }

    #[test]
    fn a_tenth_may_be_damaged() {
        for is_known in [false, true] {
            let told = |all, damaged| sifted(all, damaged, false, is_known).unwrap();
            assert_eq!(sifted(5, 0, true, is_known).unwrap(), None);
            assert_eq!(told(20, 1).unwrap(), "1 record is left out of 20, damaged; the first: error 0");
            assert_eq!(told(20, 2).unwrap(), "2 records are left out of 20, damaged; the first: error 0");
            for (all, damaged, strict) in [(20, 3, false), (20, 1, true), (9, 1, false)] {
                assert_eq!(sifted(all, damaged, strict, is_known).unwrap_err().to_string(), "error 0");
            }
        }
    }

    #[test]
    fn what_was_read_may_turn_out_to_be_damaged() {
        let mut sieve = Damaged::new("record", false);
        (0..10).for_each(|i| drop(sieve.sift(Ok(i))));
        assert!(sieve.sift_again::<()>(Err(Error::Usage("late".into()))).unwrap().is_none());
        assert_eq!(sieve.tell().unwrap().unwrap(), "1 record is left out of 10, damaged; the first: late");
    }
}
