//! Tiles: that results hardly depend on them, and the file that keeps the tuned ones.

use isopose::Named;
use isopose::adapt::Policy;
use isopose::gpu::{Device, ShaderChecks};
use isopose::kernel::{Product, RowClass, Tiling};
use isopose::tune::{load, measure, save, tiling};

use crate::device::gpu;
use crate::models::{adaptation, adapter, keypoints, model};

#[test]
fn the_fastest_tiles_are_kept_and_found_again() {
    let Some(Device::Gpu(gpu)) = gpu(ShaderChecks::Off) else { return };
    let measured = measure(&gpu, 64, |_| {}).unwrap();
    let tiles: usize = Product::ALL.iter().map(|&product| gpu.tiles(product).count()).sum();
    assert_eq!(measured.len(), 3 * tiles, "every tile is timed for every class of rows");
    assert!(measured.iter().all(|m| m.micros.is_finite() && m.micros > 0.0), "{measured:?}");
    let best = tiling(&measured, gpu.tiling());
    let fastest = measured.iter().filter(|m| (m.product, m.class) == (Product::Gradient, RowClass::Many));
    let fastest = fastest.min_by(|a, b| a.micros.total_cmp(&b.micros)).unwrap();
    assert_eq!(best.get(Product::Gradient, RowClass::Many), fastest.tile);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("tiles.json");
    assert_eq!(load(&path, &gpu).unwrap(), None, "nothing was kept yet");
    save(&path, &gpu, &best).unwrap();
    assert_eq!(load(&path, &gpu).unwrap(), Some(best.clone()));

    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(gpu.driver(), "another driver")).unwrap();
    assert_eq!(load(&path, &gpu).unwrap(), None, "another driver has other times");
    std::fs::write(&path, text.replace(env!("CARGO_PKG_VERSION"), "0.0.0")).unwrap();
    assert_eq!(load(&path, &gpu).unwrap(), None, "another version has other shaders");
    std::fs::write(&path, text.replace(&best.get(Product::Forward, RowClass::Few).name(), "3x1-1x1-1")).unwrap();
    let error = load(&path, &gpu).unwrap_err().to_string();
    assert!(error.contains("3x1-1x1-1") && error.contains("`tune` again"), "{error}");
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    let error = load(&path, &gpu).unwrap_err().to_string();
    assert!(error.contains("tiles.json") && error.contains("ignored"), "{error}");
    save(&path, &gpu, &best).unwrap();
    assert_eq!(load(&path, &gpu).unwrap(), Some(best), "a damaged file is written anew");
}

#[test]
fn tiles_change_roundings_only() {
    let Some(Device::Gpu(gpu)) = gpu(ShaderChecks::Off) else { return };
    let predict = |tiling: Tiling| {
        let device = Device::Gpu(gpu.with_tiling(tiling));
        adapter(&model(16, 64), &adaptation(Policy::ONLINE), &device).run(&keypoints(3, 16), None).unwrap()
    };
    let all = [Tiling::of_gpu(), Tiling::of_software(0), Tiling::of_software(gpu.min_subgroup())]
        .map(|tiling| [predict(tiling.clone()), predict(tiling)]);
    for [a, b] in &all {
        assert!(a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()), "one tiling gives the same bits every time");
    }
    // These tiles have no splits: one order of sums, whichever lanes load what.
    assert!(all[1][0] == all[2][0], "tiles without splits give the same numbers");
    let largest = all[0][0].iter().zip(&all[1][0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Metres. Adam's first steps are nearly signs, so that a rounding may move a parameter by a part of its step.
    assert!(largest < 1e-4, "tiles change predictions by {largest} m");
}
