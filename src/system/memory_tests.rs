//! Machines as folders: what `/proc` and `/sys` hold there, and what is free.

use std::fs;

use super::available_below;

const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n");
const FREE: u64 = 8_000_000 << 10;

/// What is free on a machine with these files.
fn free(files: &[(&str, &str)]) -> Option<u64> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    available_below(root.path())
}

#[test]
fn without_groups_it_is_what_the_kernel_says() {
    assert_eq!(free(&[]), None);
    assert_eq!(free(&[MEMINFO]), Some(FREE));
    assert_eq!(free(&[("proc/meminfo", "MemAvailable: much\n")]), None);
    assert_eq!(free(&[("proc/meminfo", "MemAvailable: 18446744073709551615 kB\n")]), None);
    assert_eq!(free(&[MEMINFO, ("proc/self/cgroup", "0::/\nnonsense\n\n7\n1:name=systemd\n")]), Some(FREE));
}

#[test]
fn the_tightest_group_of_version_2_counts() {
    let nested = [
        MEMINFO,
        ("proc/self/cgroup", "0::/user.slice/app.scope\n"),
        ("sys/fs/cgroup/user.slice/memory.max", "1000000\n"),
        ("sys/fs/cgroup/user.slice/memory.high", "max\n"),
        ("sys/fs/cgroup/user.slice/memory.current", "700000\n"),
        ("sys/fs/cgroup/user.slice/memory.stat", "anon 1\ninactive_file 100000\nworkingset_refault_file 3\n"),
        ("sys/fs/cgroup/user.slice/app.scope/memory.max", "max\n"),
        ("sys/fs/cgroup/user.slice/app.scope/memory.high", "2000000\n"),
        ("sys/fs/cgroup/user.slice/app.scope/memory.current", "500000\n"),
    ];
    // The parent leaves 1000000 - (700000 - 100000), the group itself 1500000.
    assert_eq!(free(&nested), Some(400_000));
    assert_eq!(free(&nested[1..]), Some(400_000), "without MemAvailable");
    // Of a group whose limits are files that nobody can read, or none, nothing is known.
    assert_eq!(free(&[&nested[..2], &nested[5..6], &nested[6..7]].concat()), Some(FREE));
    assert_eq!(free(&[&nested[..2], &[("sys/fs/cgroup/user.slice/memory.max/folder", "")]].concat()), Some(FREE));
    // A path may have colons. What is used is not always told.
    let colon = [
        ("proc/self/cgroup", "0::/a:b\n"),
        ("sys/fs/cgroup/a:b/memory.max", "7000"),
        ("sys/fs/cgroup/a:b/memory.current", "9000"),
    ];
    assert_eq!(free(&colon), Some(0), "more is used than is allowed");
    assert_eq!(free(&colon[..2]), Some(7000));
}

#[test]
fn a_container_of_version_2_is_the_root_of_what_it_sees() {
    let limit = ("sys/fs/cgroup/memory.max", "5000\n");
    for path in ["/", "/system.slice/docker-4f2a.scope", "/../../other", ""] {
        assert_eq!(free(&[MEMINFO, ("proc/self/cgroup", &format!("0::{path}\n")), limit]), Some(5000), "{path}");
    }
}

#[test]
fn groups_of_version_1_count_unless_unlimited() {
    let files = |limit| {
        [
            MEMINFO,
            ("proc/self/cgroup", "9:cpu,cpuacct:/docker/4f2a\n4:memory:/docker/4f2a\n"),
            ("sys/fs/cgroup/memory/docker/4f2a/memory.limit_in_bytes", limit),
            ("sys/fs/cgroup/memory/docker/4f2a/memory.usage_in_bytes", "600000\n"),
            ("sys/fs/cgroup/memory/docker/4f2a/memory.stat", "inactive_file 5\ntotal_inactive_file 50000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]
    };
    assert_eq!(free(&files("800000\n")), Some(250_000));
    assert_eq!(free(&files("9223372036854771712\n")), Some(FREE));
    assert_eq!(free(&files("9223372036854710272\n")[1..]), None, "unlimited in pages of 64 KiB");
    // Around the group, and in a container that the host's path says nothing of.
    let parent = ("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "100000\n");
    assert_eq!(free(&[&files("800000\n")[..], &[parent]].concat()), Some(100_000));
    let own = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "70000\n");
    assert_eq!(free(&[MEMINFO, ("proc/self/cgroup", "4:memory:/docker/4f2a\n"), own]), Some(70_000));
}

#[test]
fn both_versions_side_by_side_count() {
    let hybrid = [
        MEMINFO,
        ("proc/self/cgroup", "4:memory:/a\n1:name=systemd:/a\n0::/b\n"),
        ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "3000\n"),
        ("sys/fs/cgroup/unified/b/memory.max", "2000\n"),
    ];
    assert_eq!(free(&hybrid), Some(2000));
    assert_eq!(free(&hybrid[..3]), Some(3000));
}
