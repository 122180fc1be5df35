//! Each kernel against its twin, plans on both executors, gradients, recorded PyTorch states, bad input.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail and speak as tests do")]

mod ahead;
mod areas;
mod augment;
mod browser;
mod budgets;
mod command_line;
mod costs;
mod damaged;
mod declarations;
mod determinism;
mod device;
mod elsewhere;
mod environment;
mod fallback;
mod faults;
mod folder;
#[cfg(unix)]
mod full_disk;
mod gradients;
mod hostile;
mod imports;
#[cfg(unix)]
mod interrupts;
mod kernels;
mod layers;
mod lift_page;
mod lifting;
mod memory;
mod missing;
mod models;
mod packages;
mod parted_files;
mod pipelines;
mod plan_model;
mod plans;
mod random;
mod recorder;
mod reduced;
mod report_page;
mod sessions;
mod shards;
mod snapshots;
mod states;
mod streams;
mod study;
#[path = "../tools/src/translate.rs"]
#[expect(unreachable_pub, reason = "it is a module of a library too")]
mod translate;
mod translations;
mod tune;
