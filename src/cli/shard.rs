//! `--shard`: the part of a work that one process of several does.

use std::env;
use std::path::{Path, PathBuf};

use super::{options, output};
use crate::error::{Error, Result};
use crate::evaluate::Shard;

/// What `--shard` was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Asked {
    /// A part.
    This(Shard),
    /// The part that whoever started the process says; of so many, where that is given.
    Auto(Option<usize>),
}

/// `I/N`, `auto`, `auto/N`.
pub(super) fn asked(text: &str) -> std::result::Result<Asked, String> {
    let wrong = || "use I/N with I from 1 to N, such as 3/8; auto, or auto/N".to_owned();
    match text.strip_prefix("auto") {
        Some("") => Ok(Asked::Auto(None)),
        Some(rest) => {
            let count = rest.strip_prefix('/').and_then(|count| count.parse().ok()).filter(|count| *count > 0);
            count.map(|count| Asked::Auto(Some(count))).ok_or_else(wrong)
        }
        None => text.parse().map(Asked::This).map_err(|_| wrong()),
    }
}

/// Who starts processes by the number, and the variables that it says so by: the number, the first number, the step
/// between numbers, and how many there are.
struct Starter {
    name: &'static str,
    number: &'static str,
    first: First,
    step: Option<&'static str>,
    count: Option<&'static str>,
    /// It counts only where this variable is there too.
    only_with: Option<&'static str>,
}

enum First {
    Is(usize),
    In(&'static str),
}

const STARTERS: [Starter; 8] = [
    Starter {
        name: "a Slurm array",
        number: "SLURM_ARRAY_TASK_ID",
        first: First::In("SLURM_ARRAY_TASK_MIN"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
        only_with: None,
    },
    // A batch script has a rank too, of the one process that it is; srun gives those of a step.
    Starter { only_with: Some("SLURM_STEP_NUM_TASKS"), ..ranks("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS") },
    ranks("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ranks("MVAPICH", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ranks("MPI", "PMI_RANK", "PMI_SIZE"),
    Starter { count: None, ..ranks("a Kubernetes indexed job", "JOB_COMPLETION_INDEX", "") },
    Starter { count: None, first: First::Is(1), ..ranks("GNU parallel", "PARALLEL_SEQ", "") },
    Starter { count: None, ..ranks("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "") },
];

const fn ranks(name: &'static str, number: &'static str, count: &'static str) -> Starter {
    Starter { name, number, first: First::Is(0), step: None, count: Some(count), only_with: None }
}

impl Asked {
    /// The part, and who said so where that was to be found out.
    fn resolve(self) -> Result<(Shard, Option<String>)> {
        match self {
            Self::This(shard) => Ok((shard, None)),
            Self::Auto(count) => {
                let (shard, name) = found(count, |name| env::var(name).ok())?;
                Ok((shard, Some(name)))
            }
        }
    }
}

/// The part that was asked for; who says which, is said.
pub(super) fn told(asked: Asked) -> Result<Shard> {
    let (shard, starter) = asked.resolve()?;
    if let Some(starter) = starter {
        output::note(&format!("part {shard}, as {starter} says"));
    }
    Ok(shard)
}

/// The command line, that says which part it does whoever starts it.
pub(super) fn command_line(shard: Shard) -> String {
    let part = if shard.is_whole() { String::new() } else { format!(" --shard {shard}") };
    options::command_line_without(&["--shard"]) + &part
}

/// Where part `shard` of what goes to `out` goes.
pub(super) fn folder(out: &Path, shard: Shard) -> PathBuf {
    // In the order of their names.
    let digits = shard.count().to_string().len();
    match shard.is_whole() {
        true => out.to_owned(),
        false => out.join(format!("shard-{:0digits$}-of-{}", shard.index() + 1, shard.count())),
    }
}

/// The file of part `shard` of what goes to `out`, such as `poses.shard-2-of-4.npz`.
pub(super) fn file(out: &Path, shard: Shard) -> PathBuf {
    if shard.is_whole() {
        return out.to_owned();
    }
    let name = folder(Path::new(""), shard).to_string_lossy().into_owned();
    let ending = out.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    out.with_extension(format!("{name}{ending}"))
}

/// The part that the variables tell.
fn found(asked: Option<usize>, variable: impl Fn(&str) -> Option<String>) -> Result<(Shard, String)> {
    let mut all: Vec<(Shard, &Starter)> = Vec::new();
    let mut silent = None;
    for starter in &STARTERS {
        if variable(starter.number).is_none() || starter.only_with.is_some_and(|name| variable(name).is_none()) {
            continue;
        }
        let number = |name: &str| -> Result<usize> {
            let unset = || wrong(format!("{} has no {name}; give I/N", starter.name));
            let value = variable(name).ok_or_else(unset)?;
            let wrong = || wrong(format!("{} has {name}={value}, which is no number", starter.name));
            value.parse().map_err(|_| wrong())
        };
        let first = match starter.first {
            First::Is(first) => first,
            First::In(name) => number(name)?,
        };
        let step = starter.step.filter(|name| variable(name).is_some()).map_or(Ok(1), number)?.max(1);
        let told = starter.count.map(number).transpose()?;
        let count = match (told, asked) {
            // Another may say all; the number of this one may be inherited from who started that.
            (None, None) => {
                silent.get_or_insert(starter.name);
                continue;
            }
            (Some(told), Some(asked)) if told != asked => {
                return Err(wrong(format!("{} has {told} parts, not {asked}; leave the number out", starter.name)));
            }
            (told, asked) => told.or(asked).unwrap_or(1),
        };
        let number = number(starter.number)?;
        let past = number.checked_sub(first).filter(|past| past.is_multiple_of(step));
        let Some(shard) = past.and_then(|past| Shard::new(past / step, count)) else {
            let problem = format!(
                "{} has number {number} of {count} from {first} in steps of {step}; number them without gaps, or give I/N",
                starter.name
            );
            return Err(wrong(problem));
        };
        all.push((shard, starter));
    }
    // One process alone is no part: whoever started it may itself have been started by the number.
    let several: Vec<_> = all.iter().filter(|(shard, _)| !shard.is_whole()).collect();
    match (&several[..], &all[..]) {
        ([(shard, starter), rest @ ..], _) if rest.iter().all(|(other, _)| other == shard) => {
            Ok((*shard, starter.name.to_owned()))
        }
        ([(one, first), rest @ ..], _) => {
            let other = rest.iter().find(|(other, _)| other != one).map(|(other, starter)| (other, starter.name));
            let (other, name) = other.unwrap_or((one, first.name));
            Err(wrong(format!("{} says part {one}, {name} says {other}; give I/N", first.name)))
        }
        ([], [(shard, starter), ..]) => Ok((*shard, starter.name.to_owned())),
        ([], []) if silent.is_some() => {
            let name = silent.unwrap_or_default();
            Err(wrong(format!("{name} does not say how many parts there are; give auto/N")))
        }
        ([], []) => {
            let names: Vec<&str> = STARTERS.iter().map(|starter| starter.name).collect();
            Err(wrong(format!("none of {} has started this process; give I/N", names.join(", "))))
        }
    }
}

fn wrong(problem: String) -> Error {
    Error::setting("shard", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: Option<usize>, variables: &[(&str, &str)]) -> std::result::Result<String, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        found(asked, variable).map(|(shard, name)| format!("{shard} of {name}")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_starts_processes_is_understood() {
        let slurm = |id, min, step, count| {
            [
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_STEP", step),
                ("SLURM_ARRAY_TASK_COUNT", count),
                // A batch script's own.
                ("SLURM_PROCID", "0"),
                ("SLURM_NTASKS", "1"),
            ]
        };
        assert_eq!(of(None, &slurm("0", "0", "1", "4")).unwrap(), "1/4 of a Slurm array");
        assert_eq!(of(None, &slurm("7", "5", "1", "4")).unwrap(), "3/4 of a Slurm array");
        assert_eq!(of(Some(4), &slurm("15", "5", "5", "4")).unwrap(), "3/4 of a Slurm array");
        assert_eq!(of(None, &[("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "3")]).unwrap(), "3/3 of srun");
        for (rank, size) in [
            ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
            ("PMI_RANK", "PMI_SIZE"),
            ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
        ] {
            assert!(of(None, &[(rank, "1"), (size, "2")]).unwrap().starts_with("2/2 of "), "{rank}");
        }
        assert_eq!(of(Some(3), &[("JOB_COMPLETION_INDEX", "0")]).unwrap(), "1/3 of a Kubernetes indexed job");
        assert_eq!(of(Some(3), &[("PARALLEL_SEQ", "3")]).unwrap(), "3/3 of GNU parallel");
        assert_eq!(of(Some(3), &[("AWS_BATCH_JOB_ARRAY_INDEX", "1")]).unwrap(), "2/3 of AWS Batch");
        // srun with PMI says the same twice.
        let both = [("SLURM_PROCID", "1"), ("SLURM_STEP_NUM_TASKS", "2"), ("PMI_RANK", "1"), ("PMI_SIZE", "2")];
        assert_eq!(of(None, &both).unwrap(), "2/2 of srun");
        // What a script in a job of GNU parallel starts.
        let inherited = [("PARALLEL_SEQ", "9"), ("PMI_RANK", "0"), ("PMI_SIZE", "2")];
        assert_eq!(of(None, &inherited).unwrap(), "1/2 of MPI");
        // Each task of an array may itself be started by srun, alone.
        let alone = [&slurm("1", "0", "1", "2")[..], &[("SLURM_STEP_NUM_TASKS", "1")]].concat();
        assert_eq!(of(None, &alone).unwrap(), "2/2 of a Slurm array");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (asked, variables, words) in [
            (None, &[][..], "none of a Slurm array"),
            (None, &[("JOB_COMPLETION_INDEX", "0")], "give auto/N"),
            (Some(3), &[("JOB_COMPLETION_INDEX", "3")], "number 3 of 3 from 0"),
            (Some(3), &[("PARALLEL_SEQ", "0")], "number 0 of 3 from 1"),
            (Some(3), &[("PMI_RANK", "0"), ("PMI_SIZE", "2")], "has 2 parts, not 3"),
            (None, &[("PMI_RANK", "x"), ("PMI_SIZE", "2")], "PMI_RANK=x"),
            // --array=1,5,9 has three tasks in no steps of one.
            (
                None,
                &[
                    ("SLURM_ARRAY_TASK_ID", "9"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_STEP", "1"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
                "without gaps",
            ),
            (
                None,
                &[("PMI_RANK", "0"), ("PMI_SIZE", "2"), ("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2")],
                "Open MPI says part 2/2, MPI says 1/2",
            ),
        ] {
            let error = of(asked, variables).unwrap_err();
            assert!(error.contains(words), "{variables:?}: {error}");
        }
    }

    #[test]
    fn the_flag_takes_a_part_or_auto() {
        assert_eq!(asked("2/3"), Ok(Asked::This(Shard::new(1, 3).unwrap())));
        assert_eq!((asked("auto"), asked("auto/5")), (Ok(Asked::Auto(None)), Ok(Asked::Auto(Some(5)))));
        for wrong in ["auto/0", "auto/", "auto5", "0/3", "x"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}
