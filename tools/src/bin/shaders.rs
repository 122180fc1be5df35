//! `cargo xtask shaders`: writes every shader in every language, and has Direct3D's compiler read the HLSL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use isopose::gpu::ShaderChecks;
use isopose_tools::translate::{Shader, shaders};
use naga::back::glsl;
use naga::back::hlsl::ShaderModel;

const USAGE: &str = "usage: shaders --out FOLDER [--dxc [PATH]]";
/// By the ends of their files.
const LANGUAGES: [&str; 4] = ["spv", "msl", "hlsl", "glsl"];

fn main() -> ExitCode {
    let (out, dxc) = match options() {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match write_all(&out).and_then(|all| dxc.map_or(Ok(()), |dxc| compile_all(&all, &dxc))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("shaders: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The folder to write to, and DXC: the one on `PATH` where none is named.
fn options() -> Result<(PathBuf, Option<PathBuf>), String> {
    let (mut out, mut dxc) = (None, None);
    let mut args = std::env::args_os().skip(1).peekable();
    while let Some(arg) = args.next() {
        let value = args.next_if(|next| !next.to_string_lossy().starts_with("--")).map(PathBuf::from);
        match arg.to_str() {
            Some("--out") => out = Some(value.ok_or("--out needs a folder")?),
            Some("--dxc") => dxc = Some(value.unwrap_or_else(|| "dxc".into())),
            _ => return Err(format!("{} is not an option", arg.to_string_lossy())),
        }
    }
    Ok((out.ok_or("--out is missing")?, dxc))
}

/// Writes `FOLDER/LANGUAGE/NAME.LANGUAGE`, as this crate's shaders are run, and `NAME.checked.LANGUAGE`, as `verify` runs
/// them.
fn write_all(out: &Path) -> Result<Vec<PathBuf>, String> {
    let all = shaders()?;
    let mut files = Vec::new();
    let fail = |place: &Path, e: std::io::Error| format!("{}: {e}; choose another folder", place.display());
    for language in LANGUAGES {
        let folder = out.join(language);
        fs::create_dir_all(&folder).map_err(|e| fail(&folder, e))?;
        for shader in &all {
            for (checks, end) in [(ShaderChecks::Off, ""), (ShaderChecks::On, ".checked")] {
                let file = folder.join(format!("{}{end}.{language}", shader.name()));
                fs::write(&file, translated(shader, language, checks)?).map_err(|e| fail(&file, e))?;
                files.push(file);
            }
        }
    }
    let languages = LANGUAGES.len();
    println!("{} shaders in {languages} languages, with checks and without: {}", all.len(), out.display());
    Ok(files)
}

fn translated(shader: &Shader, language: &str, checks: ShaderChecks) -> Result<Vec<u8>, String> {
    let es = glsl::Version::Embedded { version: 310, is_webgl: false };
    Ok(match language {
        "spv" => shader.spirv((1, 3), checks)?.iter().flat_map(|word| word.to_le_bytes()).collect(),
        "msl" => shader.msl((2, 4), checks)?.into_bytes(),
        "hlsl" => shader.hlsl(ShaderModel::V6_0, checks)?.into_bytes(),
        _ => shader.glsl(es, checks)?.into_bytes(),
    })
}

/// Compiles every HLSL file for shader model 6.0, and counts those whose numbers do not all fit in registers: DXC prints
/// what it makes of a file, where an `alloca` is memory of one invocation.
fn compile_all(files: &[PathBuf], dxc: &Path) -> Result<(), String> {
    let (mut failed, mut scratch) = (Vec::new(), 0);
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "hlsl")) {
        let done = Command::new(dxc).args(["-nologo", "-T", "cs_6_0", "-E", "main"]).arg(file).output();
        let done = done.map_err(|e| format!("--dxc {}: {e}; name the `dxc` of a DXC release", dxc.display()))?;
        if !done.status.success() {
            failed.push(format!("{}: {}", file.display(), String::from_utf8_lossy(&done.stderr).trim()));
        }
        scratch += usize::from(String::from_utf8_lossy(&done.stdout).contains(" = alloca "));
    }
    println!("compiled by DXC, {scratch} files use scratch memory");
    if failed.is_empty() {
        println!("DXC compiles all of the HLSL for shader model 6.0");
        return Ok(());
    }
    Err(format!("DXC refuses {} files:\n{}", failed.len(), failed.join("\n")))
}
