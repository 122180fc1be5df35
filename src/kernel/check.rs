//! Proves that a declaration and its WGSL agree, so that nothing is kept in step by hand.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ScalarKind, StorageAccess, TypeInner};

use super::{Access, Element, Kernel, Product, Tile, Uniform, wgsl};

/// Parses and validates the WGSL of `kernel`, with the declared tile where it has one, and compares it with the
/// declaration: entry point and workgroup size, every binding's number, name, access and element type, every member of
/// `Dims`.
///
/// # Errors
/// One sentence that names the kernel and the first disagreement.
pub fn check(kernel: &Kernel) -> Result<(), String> {
    compare(kernel, Product::of(kernel).map(Product::declared), kernel.workgroup)
}

/// As [`check`], with another tile, which decides the workgroup.
///
/// # Errors
/// As [`check`].
pub fn check_tile(kernel: &Kernel, tile: &Tile) -> Result<(), String> {
    compare(kernel, Some(tile), tile.workgroup()).map_err(|e| format!("tile {}: {e}", tile.name()))
}

fn compare(kernel: &Kernel, tile: Option<&Tile>, workgroup: [u32; 3]) -> Result<(), String> {
    let fail = |what: String| Err(format!("{}: {what}", kernel.name));
    let text = wgsl(kernel, tile)?;
    let module =
        naga::front::wgsl::parse_str(&text).map_err(|e| format!("{}: {}", kernel.name, e.emit_to_string(&text)))?;
    // No optional feature, but for tiles that are chosen where there are subgroups.
    let subgroup = tile.is_some_and(|tile| tile.subgroup() > 0);
    let capabilities = if subgroup { Capabilities::SUBGROUP } else { Capabilities::empty() };
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.validate(&module).map_err(|e| format!("{}: {}", kernel.name, e.emit_to_string(&text)))?;

    let [entry] = &module.entry_points[..] else {
        return fail(format!("has {} entry points, not one", module.entry_points.len()));
    };
    if entry.name != "main" || entry.workgroup_size != workgroup {
        return fail(format!(
            "entry point `{}` {:?}, declared `main` {:?}",
            entry.name, entry.workgroup_size, workgroup
        ));
    }

    let bound = module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count();
    if bound != kernel.bindings.len() + 1 {
        return fail(format!("binds {bound} resources, declared {} and the uniforms", kernel.bindings.len()));
    }
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = variable.binding else { continue };
        let name = variable.name.as_deref().unwrap_or_default();
        let inner = &module.types[variable.ty].inner;
        if binding.binding == 0 {
            if variable.space != AddressSpace::Uniform {
                return fail("binding 0 must be the uniforms".to_owned());
            }
            check_dims(kernel, &module, inner).or_else(fail)?;
            continue;
        }
        let Some(declared) = kernel.bindings.get(binding.binding as usize - 1) else {
            return fail(format!("`{name}` is at undeclared binding {}", binding.binding));
        };
        if declared.name != name {
            return fail(format!("binding {} is `{name}`, declared `{}`", binding.binding, declared.name));
        }
        let writes = variable.space == AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
        if writes != (declared.access != Access::Read) {
            return fail(format!(
                "`{name}` is declared {:?}, its WGSL access is {:?}",
                declared.access, variable.space
            ));
        }
        if !element(&module, inner).is_some_and(|found| agrees(declared.element, found)) {
            return fail(format!("`{name}` is declared {:?}, its WGSL type is {inner:?}", declared.element));
        }
    }
    Ok(())
}

fn check_dims(kernel: &Kernel, module: &naga::Module, inner: &TypeInner) -> Result<(), String> {
    let TypeInner::Struct { members, .. } = inner else { return Err("the uniforms must be a struct".to_owned()) };
    let found: Vec<Option<(&str, ScalarKind, u32)>> = members
        .iter()
        .map(|member| match module.types[member.ty].inner {
            TypeInner::Scalar(scalar) => Some((member.name.as_deref()?, scalar.kind, member.offset)),
            _ => None,
        })
        .collect();
    let declared: Vec<_> = kernel
        .uniforms
        .iter()
        .zip(0u32..)
        .map(|(member, index)| match member {
            Uniform::U32(name) => Some((*name, ScalarKind::Uint, index * 4)),
            Uniform::F32(name) => Some((*name, ScalarKind::Float, index * 4)),
        })
        .collect();
    if found == declared { Ok(()) } else { Err(format!("Dims is {found:?}, declared {declared:?}")) }
}

/// [`Element::Weight`] is `vec4` or `f32` to WGSL: rows or columns of weights are read.
fn agrees(declared: Element, found: Element) -> bool {
    found == declared || (declared == Element::Weight && matches!(found, Element::Vec4 | Element::F32))
}

fn element(module: &naga::Module, inner: &TypeInner) -> Option<Element> {
    match inner {
        TypeInner::Struct { .. } => Some(Element::State),
        TypeInner::Array { base, .. } => match module.types[*base].inner {
            TypeInner::Scalar(scalar) if scalar.kind == ScalarKind::Float => Some(Element::F32),
            TypeInner::Scalar(scalar) if scalar.kind == ScalarKind::Uint => Some(Element::U32),
            TypeInner::Vector { size: naga::VectorSize::Quad, scalar } if scalar.kind == ScalarKind::Float => {
                Some(Element::Vec4)
            }
            _ => None,
        },
        _ => None,
    }
}
