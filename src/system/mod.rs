//! What this machine, or the container that the process runs in, can give.

mod memory;
mod pauses;

pub(crate) use memory::available_memory;
pub(crate) use pauses::Pauses;

/// The most threads that are taken from the environment, and that the command line takes.
pub(crate) const MOST_THREADS: usize = 1024;

/// How many threads `asked` stands for: itself, and 0 for what `RAYON_NUM_THREADS` says, else one for each core that
/// the process may use, by its affinity and its container's quota.
pub(crate) fn threads(asked: usize) -> usize {
    threads_by(asked, std::env::var("RAYON_NUM_THREADS").ok().as_deref())
}

/// As [`threads`], with the variable's value. One that is no number of threads is as none, as rayon has it.
fn threads_by(asked: usize, variable: Option<&str>) -> usize {
    let wanted = || variable.and_then(|value| value.parse().ok()).map(|threads: usize| threads.min(MOST_THREADS));
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    [Some(asked), wanted()].into_iter().flatten().find(|threads| *threads > 0).unwrap_or_else(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_those_asked_for_then_the_variables_then_the_cores() {
        let cores = std::thread::available_parallelism().unwrap().get();
        assert_eq!(threads_by(3, Some("7")), 3);
        assert_eq!(threads_by(3, None), 3);
        assert_eq!(threads_by(0, Some("7")), 7);
        assert_eq!(threads_by(0, Some("70000")), 1024);
        for senseless in [None, Some(""), Some("0"), Some("-2"), Some("1.5"), Some(" 7"), Some("many")] {
            assert_eq!(threads_by(0, senseless), cores, "{senseless:?}");
        }
    }
}
