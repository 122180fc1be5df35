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
        "isopose views --motion m.npz --rig wild --seed 1 --stride 5 --joints 16 --out a.npz",
        "isopose train --data a.npz --out m.safetensors --ssl adversary --width 64 --steps 5 --batch 8 --lr 1e-3 \
         --dropout 0.1 --seed 1 --device cpu --threads 2 --config c.toml --json",
        "isopose train --data a.npz --out m --epochs 2.5 --hold-back 0.1 --final-lr-factor 0.05",
        "isopose train --data a.npz --out m --resume m --steps 10",
        "isopose eval --checkpoint m --data a.npz --mode vanilla --mode online-skip --iterations 3 --alpha 1e-5 \
         --copies 16 --limit 5 --seed 1 --device gpu:0 --threads 0 --json",
        "isopose eval --checkpoint m --data a.npz --mode vanilla --instances 8 --no-flip --held-back \
         --reset-at-sequences --predictions p.npz",
        "isopose plan show train --width 64 --device cpu --json",
        "isopose plan profile adapt --mode online --iterations 1 --copies 16",
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
        "isopose synth --scenario source --poses 0 --out a.npz",
        "isopose synth --scenario source --poses 4 --joints 15 --out a.npz",
        "isopose views --motion m.npz --rig studio --out a.npz",
        "isopose train --data a.npz --out m --steps 5 --epochs 1",
        "isopose train --data a.npz --out m --hold-back 1.5",
        "isopose train --data a.npz --out m --lr nan",
        "isopose train --data a.npz --out m --resume m --width 64",
        "isopose train --data a.npz --out m --final-lr-factor 0.1 --decay-gamma 0.9",
        "isopose plan show everything",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn errors_are_one_line_with_each_cause_once() {
    let source = io::Error::other("the disk\nis full");
    let error = Error::io(std::path::Path::new("a.npz"), "write", source);
    assert_eq!(one_line(&error), "a.npz: cannot write: the disk is full");
}
