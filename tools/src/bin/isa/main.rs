//! `cargo xtask isa`: what an AMD GPU's compiler makes of the linear kernels, read from Mesa's driver without such a GPU.

mod radv;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use isopose::Named;
use isopose::gpu::ShaderChecks;
use isopose::kernel::{Product, RowClass, Tile, Tiling};
use isopose::kernels::ALL;
use isopose_tools::machine::{Loop, product_loop};
use isopose_tools::translate::Shader;
use serde::Serialize;

use radv::{Compiled, Radv};

const USAGE: &str = "usage: isa [--family NAME] [--all] [--json] [--dump FOLDER]";

/// What to compile, for which chip.
struct Options {
    family: String,
    all: bool,
    json: bool,
    dump: Option<PathBuf>,
}

/// A linear kernel with a tile, compiled.
#[derive(Serialize)]
struct Row {
    kernel: &'static str,
    tile: String,
    vgprs: u64,
    sgprs: u64,
    spills: u64,
    scratch_bytes: u64,
    lds_bytes: u64,
    code_bytes: u64,
    /// Steps of k in one turn of the loop.
    steps: f64,
    instructions_per_step: f64,
    turn: Option<Loop>,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Some(manifest) = radv::manifest() else {
        eprintln!("isa: RADV is not installed; Debian has it in mesa-vulkan-drivers");
        return ExitCode::FAILURE;
    };
    // The driver reads its environment, and aborts where that names no chip: so it runs in a process of its own.
    let environment = [("RADV_FORCE_FAMILY", OsStr::new(&options.family)), ("VK_DRIVER_FILES", manifest.as_os_str())];
    if environment.iter().any(|(name, value)| std::env::var_os(name).is_none_or(|set| set != *value)) {
        return within(&environment, &options.family);
    }
    match Radv::open().and_then(|radv| report(&options, &radv)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("isa: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program again in `environment`.
fn within(environment: &[(&str, &OsStr)], family: &str) -> ExitCode {
    let program = std::env::current_exe();
    let done = program.and_then(|program| {
        Command::new(program).args(std::env::args_os().skip(1)).envs(environment.iter().copied()).status()
    });
    match done.map(|status| status.code()) {
        Ok(Some(code)) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Ok(None) => {
            eprintln!("isa: RADV ended itself; does it know no family `{family}`? try --family navi31\n{USAGE}");
            ExitCode::from(2)
        }
        Err(problem) => {
            eprintln!("isa: cannot be started again: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { family: "navi31".to_owned(), all: false, json: false, dump: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--family" => options.family = args.next().ok_or("--family needs a name, such as navi31")?,
            "--dump" => options.dump = Some(args.next().ok_or("--dump needs a folder")?.into()),
            "--all" => options.all = true,
            "--json" => options.json = true,
            _ => return Err(format!("{arg} is not an option")),
        }
    }
    Ok(options)
}

fn report(options: &Options, radv: &Radv) -> Result<(), String> {
    let mut rows = Vec::new();
    for &kernel in ALL {
        let Some(product) = Product::of(kernel) else { continue };
        for tile in tiles(product, options.all) {
            let shader = Shader::new(kernel, Some(tile))?;
            let compiled = radv.compile(&shader.spirv((1, 6), ShaderChecks::Off)?);
            let compiled = compiled.map_err(|e| format!("{}: {e}", shader.name()))?;
            if let Some(folder) = &options.dump {
                let file = folder.join(format!("{}.txt", shader.name()));
                let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, &compiled.assembly));
                written.map_err(|e| format!("--dump {}: {e}; choose another folder", file.display()))?;
            }
            rows.push(row(kernel.name, tile, &compiled)?);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&rows).map_err(|e| e.to_string())?);
        return Ok(());
    }
    println!("{}\n", radv.name);
    print!("{}", table(&rows));
    Ok(())
}

/// The tiles that a GPU gets without being tuned; `all` that can serve the product.
fn tiles(product: Product, all: bool) -> Vec<&'static Tile> {
    if all {
        return product.tiles().iter().collect();
    }
    let tiling = Tiling::of_gpu();
    let mut tiles: Vec<&Tile> = Vec::new();
    for &class in RowClass::ALL {
        let tile = tiling.get(product, class);
        if !tiles.contains(&tile) {
            tiles.push(tile);
        }
    }
    tiles
}

fn row(kernel: &'static str, tile: &Tile, compiled: &Compiled) -> Result<Row, String> {
    let find = |name: &str| compiled.statistics.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    let get = |name: &str| find(name).ok_or_else(|| format!("this RADV tells no `{name}`"));
    let turn = product_loop(&compiled.assembly);
    // The numbers that an invocation multiplies and adds in one step of k.
    let step = f64::from(tile.rows * tile.columns * 4);
    let steps = turn.map_or(0.0, |turn| turn.multiply_adds as f64 / step);
    Ok(Row {
        kernel,
        tile: tile.name(),
        vgprs: get("VGPRs")?,
        sgprs: get("SGPRs")?,
        spills: get("Spilled VGPRs")? + get("Spilled SGPRs")?,
        scratch_bytes: get("Scratch size")?,
        lds_bytes: get("LDS size")?,
        code_bytes: get("Code size")?,
        steps,
        instructions_per_step: turn.map_or(f64::NAN, |turn| turn.instructions as f64 / steps),
        turn,
    })
}

/// Markdown.
fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| kernel | tile | VGPRs | SGPRs | spills | scratch | LDS | code | k steps a turn | instructions a k step | \
         vector loads a turn | in flight | scalar loads a turn |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let Row { kernel, tile, vgprs, sgprs, spills, scratch_bytes, lds_bytes, code_bytes, steps, .. } = row;
        let turn = row.turn.map_or("no loop | | |".to_owned(), |turn| {
            let each = row.instructions_per_step;
            format!("{each:.1} | {} | {} | {} |", turn.loads, turn.in_flight, turn.scalar_loads)
        });
        text += &format!(
            "| `{kernel}` | `{tile}` | {vgprs} | {sgprs} | {spills} | {scratch_bytes} | {lds_bytes} | {code_bytes} | \
             {steps:.1} | {turn}\n"
        );
    }
    text
}
