//! Free memory, as the kernel and the control groups of Linux state it.

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Bytes that can be allocated without swapping, where the system says so: the least of Linux's `MemAvailable` and what
/// the limits of the process's control groups, those of a container too, leave.
pub(crate) fn available_memory() -> Option<u64> {
    available_below(Path::new("/"))
}

/// As [`available_memory`], with `proc` and `sys` in the folder `root`.
fn available_below(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let left = groups.lines().filter_map(|line| left_in_groups(&root.join("sys/fs/cgroup"), line));
    mem_available(root).into_iter().chain(left).min()
}

fn mem_available(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Names of the files of a memory group, by the version of the hierarchy.
struct Files {
    limits: &'static [&'static str],
    used: &'static str,
    /// What `memory.stat` calls the page cache that is reclaimed first, those of the groups within included.
    inactive: &'static str,
}

const V1: Files =
    Files { limits: &["memory.limit_in_bytes"], used: "memory.usage_in_bytes", inactive: "total_inactive_file" };

const V2: Files = Files { limits: &["memory.max", "memory.high"], used: "memory.current", inactive: "inactive_file" };

/// Limits from here on are none: version 1 writes the largest number of whole pages, near 2^63.
const UNLIMITED: u64 = 1 << 62;

/// The least that a group of a line of `/proc/self/cgroup`, `ID:CONTROLLERS:PATH`, and the groups around it leave.
fn left_in_groups(cgroup: &Path, line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':');
    let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let least = |mount: PathBuf, files: &Files| folders(&mount, path).iter().filter_map(|at| left(at, files)).min();
    if controllers.split(',').any(|controller| controller == "memory") {
        return least(cgroup.join("memory"), &V1);
    }
    // Beside hierarchies of version 1, that of version 2 is mounted in a folder of its own.
    let mounts = [cgroup.to_owned(), cgroup.join("unified")];
    (id == "0" && controllers.is_empty()).then(|| mounts.into_iter().filter_map(|mount| least(mount, &V2)).min())?
}

/// The folders of the group at `path` and of those around it, up to the mount. In a container `path` may be the host's:
/// its folders are not there then, and the mount's own is the container's group.
fn folders(mount: &Path, path: &str) -> Vec<PathBuf> {
    let below = Path::new(path.trim_start_matches('/'));
    // A group outside of the container's is shown by `..`, and not mounted.
    let inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    let group = if inside { mount.join(below) } else { mount.to_owned() };
    group.ancestors().take_while(|folder| folder.starts_with(mount)).map(Path::to_owned).collect()
}

/// What the limits of one group leave; none where it has no limit.
fn left(folder: &Path, files: &Files) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let number = |name: &&str| read(name)?.trim().parse::<u64>().ok();
    let limit = files.limits.iter().filter_map(number).filter(|limit| *limit < UNLIMITED).min()?;
    let stat = read("memory.stat").unwrap_or_default();
    let inactive = stat.lines().find_map(|line| line.strip_prefix(files.inactive)?.strip_prefix(' ')?.parse().ok());
    // Cache counts as used until it is reclaimed, which an allocation does; the working set is the rest.
    let working_set = number(&files.used).unwrap_or(0).saturating_sub(inactive.unwrap_or(0));
    Some(limit.saturating_sub(working_set))
}
