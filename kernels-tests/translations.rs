//! Every shader, with every tile, in the languages of backends that this machine may not have.

use std::path::Path;
use std::process::Command;

use isopose::gpu::ShaderChecks;
use isopose::kernel::Product;
use naga::back::{glsl, hlsl};
use naga::{Expression, Function, Handle, TypeInner};
use rayon::prelude::*;

use crate::translate::{Shader, shaders};

const CHECKS: [ShaderChecks; 2] = [ShaderChecks::On, ShaderChecks::Off];

/// What every shader, with checks and without, is found to do wrong.
fn wrong(find: impl Fn(&Shader, ShaderChecks) -> Result<(), String> + Sync) -> Vec<String> {
    let all = shaders().unwrap();
    let found = all.par_iter().flat_map_iter(|shader| {
        let name = shader.name();
        CHECKS.map(|checks| find(shader, checks).err().map(|what| format!("{name}, checks {checks:?}: {what}")))
    });
    found.flatten().collect()
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} shaders:\n{}", wrong.len(), wrong.join("\n"));
}

fn require(right: bool, what: impl Fn() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(what()) }
}

/// Whether Khronos' validator is installed. Without it the test is skipped, loudly; where `ISOPOSE_REQUIRE_SPIRV_VAL` is
/// set it fails instead.
fn spirv_val() -> bool {
    let answers = Command::new("spirv-val").arg("--version").output().is_ok_and(|out| out.status.success());
    if !answers {
        let required = std::env::var_os("ISOPOSE_REQUIRE_SPIRV_VAL").is_some_and(|value| !value.is_empty());
        assert!(!required, "ISOPOSE_REQUIRE_SPIRV_VAL is set, but there is no spirv-val; install spirv-tools");
        eprintln!("SKIPPED a part of the SPIR-V test: there is no spirv-val; Debian has it in spirv-tools");
    }
    answers
}

fn validate(file: &Path, words: &[u32], environment: &str) -> Result<(), String> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    std::fs::write(file, bytes).unwrap();
    let out = Command::new("spirv-val").args(["--target-env", environment]).arg(file).output().unwrap();
    require(out.status.success(), || format!("{environment}: {}", String::from_utf8_lossy(&out.stderr).trim()))
}

#[test]
fn spirv_is_valid_and_needs_no_optional_feature() {
    // What wgpu writes for Vulkan 1.1 and 1.3.
    let targets = [((1, 3), "vulkan1.1"), ((1, 6), "vulkan1.3")];
    let folder = tempfile::tempdir().unwrap();
    let validator = spirv_val();
    none(&wrong(|shader, checks| {
        for (version, environment) in targets {
            let words = shader.spirv(version, checks)?;
            if validator {
                let file = folder.path().join(format!("{}-{checks:?}-{environment}.spv", shader.name()));
                validate(&file, &words, environment)?;
            }
        }
        Ok(())
    }));
}

#[test]
fn the_validator_finds_what_is_invalid() {
    if !spirv_val() {
        return;
    }
    let mut words = shaders().unwrap()[0].spirv((1, 3), ShaderChecks::On).unwrap();
    words.pop();
    let folder = tempfile::tempdir().unwrap();
    let error = validate(&folder.path().join("cut.spv"), &words, "vulkan1.1").unwrap_err();
    assert!(error.contains("error"), "{error}");
}

#[test]
fn metal_gets_every_buffer_of_the_declaration() {
    none(&wrong(|shader, checks| {
        let text = shader.msl((2, 4), checks)?;
        let used = (0..=shader.kernel.bindings.len()).filter(|slot| !text.contains(&format!("[[buffer({slot})]]")));
        let missing: Vec<_> = used.collect();
        require(missing.is_empty(), || format!("no parameter of the entry point is buffer {missing:?}"))
    }));
}

#[test]
fn opengl_gets_the_workgroup_of_the_declaration() {
    let versions = [glsl::Version::Embedded { version: 310, is_webgl: false }, glsl::Version::Desktop(430)];
    none(&wrong(|shader, checks| {
        let [x, y, z] = shader.tile.map_or(shader.kernel.workgroup, |tile| tile.workgroup());
        let layout = format!("layout(local_size_x = {x}, local_size_y = {y}, local_size_z = {z}) in;");
        for version in versions {
            let text = shader.glsl(version, checks)?;
            require(text.contains(&layout), || format!("{version} has no `{layout}`"))?;
        }
        Ok(())
    }));
}

/// The parameters of the entry point, and the members of those that are structs, that HLSL gives no meaning to.
fn without_semantic(text: &str) -> Result<Vec<String>, String> {
    let (_, after) = text.split_once("\nvoid main(").ok_or("there is no entry point `void main`")?;
    let (parameters, _) = after.split_once(")\n").ok_or("the entry point has no end")?;
    let mut bare = Vec::new();
    for parameter in parameters.split(", ").filter(|parameter| !parameter.is_empty() && !parameter.contains(" : SV_")) {
        let kind = parameter.trim_start_matches("const ").split(' ').next().unwrap_or_default();
        let members = text.split_once(&format!("struct {kind} {{\n")).and_then(|(_, after)| after.split_once("\n};"));
        let Some((members, _)) = members else {
            bare.push(parameter.to_owned());
            continue;
        };
        bare.extend(members.lines().filter(|member| !member.contains(" : SV_")).map(|m| m.trim().to_owned()));
    }
    Ok(bare)
}

#[test]
fn parameters_without_semantics_are_found() {
    let text = "struct In {\n    uint a : SV_GroupIndex;\n    uint b;\n};\n\nvoid main(In x, uint3 id : SV_GroupID, uint c)\n{";
    assert_eq!(without_semantic(text).unwrap(), ["uint b;", "uint c"]);
    assert!(without_semantic("\nvoid main()\n{").unwrap().is_empty());
}

#[test]
fn direct3d_gives_every_parameter_a_meaning() {
    none(&wrong(|shader, checks| {
        for model in [hlsl::ShaderModel::V5_1, hlsl::ShaderModel::V6_0] {
            // The lanes of subgroups have names since 6.0.
            if shader.subgroups() && model < hlsl::ShaderModel::V6_0 {
                continue;
            }
            let bare = without_semantic(&shader.hlsl(model, checks)?)?;
            require(bare.is_empty(), || format!("{model:?}: without semantic, so DXC refuses them: {bare:?}"))?;
        }
        Ok(())
    }));
}

/// The variables and values of an invocation that `function` indexes by what is known at run time only.
fn indexed(module: &naga::Module, function: &Function) -> Vec<String> {
    let accesses = function.expressions.iter().filter_map(|(_, expression)| match *expression {
        Expression::Access { base, .. } => owner(module, function, base),
        _ => None,
    });
    let mut names: Vec<String> = accesses.collect();
    names.sort();
    names.dedup();
    names
}

/// What an access reaches into, if it belongs to an invocation; buffers and workgroup memory do not.
fn owner(module: &naga::Module, function: &Function, mut base: Handle<Expression>) -> Option<String> {
    loop {
        base = match function.expressions[base] {
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => base,
            Expression::GlobalVariable(_) => return None,
            Expression::LocalVariable(variable) => {
                let variable = &function.local_variables[variable];
                return Some(variable.name.clone().unwrap_or_default());
            }
            Expression::FunctionArgument(index) => {
                let argument = &function.arguments[index as usize];
                let pointer = matches!(module.types[argument.ty].inner, TypeInner::Pointer { .. });
                let name = argument.name.clone().unwrap_or_default();
                return Some(if pointer { format!("*{name}") } else { name });
            }
            _ => return Some("a value".to_owned()),
        }
    }
}

#[test]
fn indexed_variables_are_found() {
    let text = "@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
        const N = 2u;
        fn bad(i: u32, v: vec4<f32>) -> f32 { var sum: array<f32, 4>; sum[i] = 1.0; return sum[2] + v[i] + y[i][0]; }
        fn good(i: u32, v: vec4<f32>) -> f32 { var sum: array<f32, 4>; sum[N / 2u * 1u] = v[2]; return sum[4u - N] + y[i].w; }";
    let module = naga::front::wgsl::parse_str(text).unwrap();
    let found: Vec<_> = module.functions.iter().map(|(_, function)| indexed(&module, function)).collect();
    assert_eq!(found, [vec!["sum".to_owned(), "v".to_owned()], vec![]]);
}

// naga writes every loop as `while (true)`. Neither DXC nor FXC unrolls those, so that what a loop's variable indexes
// has to lie in scratch memory.
#[test]
fn products_keep_their_sums_in_registers() {
    let linear: Vec<Shader> = shaders().unwrap().into_iter().filter(|s| Product::of(s.kernel).is_some()).collect();
    assert!(linear.len() >= 30, "only {} linear shaders", linear.len());
    let failed: Vec<String> = linear
        .iter()
        .filter_map(|shader| {
            let functions = shader.module.functions.iter().map(|(_, function)| function);
            let entries = shader.module.entry_points.iter().map(|entry| &entry.function);
            let found: Vec<String> = functions.chain(entries).flat_map(|f| indexed(&shader.module, f)).collect();
            (!found.is_empty()).then(|| format!("{}: indexed by a variable: {}", shader.name(), found.join(", ")))
        })
        .collect();
    none(&failed);
}
