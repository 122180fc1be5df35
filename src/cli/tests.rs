//! Command lines and how they are taken.

use clap::{CommandFactory, Parser};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_declaration_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_documented_command_lines_parse() {
    for line in [
        "isopose devices --json",
        "isopose verify --state a --state b --device cpu --json",
        "isopose synth --scenario target --poses 10 --seed 3 --joints 17 --out a.npz",
        "isopose import h36m data_3d_h36m.npz --unit mm --strict --out a.npz",
        "isopose import mpi-inf-3dhp data_test_3dhp.npz --unit m --all-frames --out a.npz",
        "isopose import 3dpw sequenceFiles --unit cm --allow-implausible --out a.npz",
        "isopose views --motion m.npz --rig wild --seed 1 --stride 5 --joints 16 --out a.npz",
        "isopose train --data a.npz --out m.safetensors --ssl adversary --width 64 --steps 5 --batch 8 --lr 1e-3 \
         --dropout 0.1 --seed 1 --device cpu --threads 2 --config c.toml --focal 1145 --json",
        "isopose train --data a.npz --out m --epochs 2.5 --hold-back 0.1 --final-lr-factor 0.05",
        "isopose train --data a.npz --out m --random-views 0.5 --free-rotation 0.1 --limb-mixing 0.2 --noise 6 \
         --lift corrected",
        "isopose study --source a.npz --target b.npz --out s --random-views 0.5 --lift free",
        "isopose train --data a.npz --out m --resume m --steps 10",
        "isopose eval --checkpoint m --data a.npz --mode vanilla --mode online-skip --iterations 3 --alpha 1e-5 \
         --copies 16 --limit 5 --seed 1 --device gpu:0 --threads 0 --json",
        "isopose eval --checkpoint m --data a.npz --mode vanilla --instances 8 --no-flip --held-back \
         --reset-at-sequences --predictions p.npz --focal 900.5",
        "isopose plan show train --width 64 --device cpu --json",
        "isopose plan profile adapt --mode online --iterations 1 --copies 16",
        "isopose plan model adapt --preset paper --mode online --gpu rtx4070 --device gpu --repeats 3 --json",
        "isopose demo --device cpu",
        "isopose tune --device gpu --json",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn impossible_command_lines_are_usage_errors() {
    for line in [
        "isopose",
        "isopose eval --data a.npz",
        "isopose eval --checkpoint m --data a.npz --limit 0",
        "isopose eval --checkpoint m --data a.npz --mode vanila",
        "isopose eval --checkpoint m --data a.npz --threads 1025",
        "isopose eval --checkpoint m --data a.npz --focal -3",
        "isopose synth --scenario source --poses 0 --out a.npz",
        "isopose synth --scenario source --poses 4 --joints 15 --out a.npz",
        "isopose views --motion m.npz --rig studio --out a.npz",
        "isopose train --data a.npz --out m --steps 5 --epochs 1",
        "isopose train --data a.npz --out m --hold-back 1.5",
        "isopose train --data a.npz --out m --lr nan",
        "isopose train --data a.npz --out m --resume m --width 64",
        "isopose train --data a.npz --out m --resume m --random-views 0.5",
        "isopose train --data a.npz --out m --resume m --lift free",
        "isopose train --data a.npz --out m --lift fixed",
        "isopose train --data a.npz --out m --final-lr-factor 0.1 --decay-gamma 0.9",
        "isopose plan show everything",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

fn words(line: &str) -> Words {
    Words::of(line.split_whitespace().skip(1).map(Into::into))
}

#[test]
fn errors_are_one_line_with_each_cause_once() {
    let source = io::Error::other("the disk\nis full");
    let error = Error::io(std::path::Path::new("a.npz"), "write", source);
    assert_eq!(one_line(&error, &words("isopose info a.npz")), "a.npz: cannot write: the disk is full");
}

#[test]
fn settings_go_by_the_flags_of_the_command() {
    let path = std::path::Path::new("a.npz");
    let study = "isopose study --source a.npz --out b --ssl none";
    for (line, error, expected) in [
        ("isopose train --width 3", Error::setting("width", "it is 3"), "--width: it is 3"),
        ("isopose plan profile train", Error::setting("decay_steps", "it is 0"), "decay_steps: it is 0"),
        ("isopose train", Error::setting("decay_steps", "it is 0"), "--decay-steps: it is 0"),
        ("isopose train", Error::setting("bn_momentum", "it is 2; use 0 to 1"), "bn_momentum: it is 2; use 0 to 1"),
        // A flag that is not shown is none.
        (study, Error::setting("ssl", "it is none"), "ssl: it is none"),
        (study, Error::setting("out", "it is there; try `resume`"), "--out: it is there; try --resume"),
        ("isopose report b", Error::Usage("try `study.resume`".into()), "try isopose study --resume"),
        ("isopose report b", Error::Usage("try `study.rest`, `resume`, `".into()), "try `study.rest`, `resume`, `"),
        (
            "isopose import 3dpw a.npz",
            Error::file(path, "option `keypoints`", "no `keypoints`", "leave `split` out"),
            "a.npz: option --keypoints: no `keypoints`; leave --split out",
        ),
        (
            "isopose train",
            Error::Diverged("a loss is none; use a smaller `lr`".into()),
            "a loss is none; use a smaller --lr",
        ),
        (
            "isopose eval",
            Error::Diverged("a pose is none; use an `alpha` below 1e0".into()),
            "a pose is none; use an --alpha below 1e0",
        ),
        // A checkpoint has its width, and training has no copies.
        (
            "isopose eval",
            Error::Device("no memory; lower `width`, `copies`, `instances` or `batch`".into()),
            "device: no memory; lower --copies, --instances or --batch",
        ),
        (
            "isopose train",
            Error::Device("no memory; lower `width`, `copies`, `instances` or `batch`, or use `device` cpu".into()),
            "device: no memory; lower --width or --batch, or use --device cpu",
        ),
        (
            "isopose bench --copies 4",
            Error::Device("tensor `samples` is large; use fewer `copies`, a smaller `lambda` or `tune`".into()),
            "device: tensor `samples` is large; use fewer --copies, a smaller `lambda` or `isopose tune`",
        ),
        (
            "isopose import mpi-inf-3dhp",
            Error::file("a".as_ref(), "valid", "missing", "say the `unit`, `all_frames` or `allow_implausible`"),
            "a: valid: missing; say the --unit, --all-frames or --allow-implausible",
        ),
    ] {
        assert_eq!(one_line(&error, &words(line)), expected, "{line}");
    }
}
