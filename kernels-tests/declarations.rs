//! The declarations agree with the WGSL and with each other.

use isopose::Named;
use isopose::kernel::{self, MAX_BINDINGS, Product};
use isopose::kernels::ALL;

#[test]
fn every_declaration_agrees_with_its_wgsl() {
    let wrong: Vec<String> = ALL.iter().filter_map(|kernel| kernel::check(kernel).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_tile_agrees_with_the_declarations() {
    let mut wrong = Vec::new();
    for &product in Product::ALL {
        let kernels: Vec<_> = ALL.iter().filter(|kernel| Product::of(kernel) == Some(product)).collect();
        assert!(kernels.len() >= 2, "{product:?} has {} kernels", kernels.len());
        for tile in product.tiles() {
            wrong.extend(kernels.iter().filter_map(|kernel| kernel::check_tile(kernel, tile).err()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_shader_is_declared_and_portable() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".wgsl").map(str::to_owned))
        .collect();
    files.sort();
    let mut declared: Vec<&str> = ALL.iter().map(|kernel| kernel.name).collect();
    declared.sort_unstable();
    assert_eq!(files, declared, "one file a kernel, one kernel a file");
    for kernel in ALL {
        assert!(kernel.bindings.len() <= MAX_BINDINGS, "{} binds too much for WebGPU's defaults", kernel.name);
        let [x, y, z] = kernel.workgroup;
        assert!(x * y * z <= 256, "{}'s workgroup is too large for WebGPU's defaults", kernel.name);
    }
}
