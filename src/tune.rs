//! Which tile serves a linear layer best on one adapter: measured once, kept in a file, read at every start.
//!
//! The file is a cache. One that is absent, of another version or about another adapter changes nothing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::format::{HAND_WRITTEN, read_limited, write_whole};
use crate::gpu::Gpu;
use crate::kernel::{Kernel, Product, RowClass, Tile, Tiling, Value, expand_imports};
use crate::kernels::{LINEAR_BACKWARD_INPUT, LINEAR_BACKWARD_WEIGHT_ADAM, LINEAR_FORWARD};
use crate::named::Named;
use crate::plan::{Executor, GpuExecutor, Plan, Recorder, SectionId};

/// Layers in a row, each with weights of its own, as in a network: no cache serves them all from the last run.
const LAYERS: usize = 4;
/// Timed runs after one that is not; the fastest counts.
const RUNS: usize = 2;

/// The time of one product in one tile.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The product.
    pub product: Product,
    /// The class of its rows.
    pub class: RowClass,
    /// Its rows.
    pub rows: usize,
    /// The tile.
    pub tile: &'static Tile,
    /// Microseconds.
    pub micros: f64,
}

/// Tile by class by product.
type Names = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Default, Serialize, Deserialize)]
struct File {
    /// Of program and shaders: other ones have other times.
    version: String,
    /// By adapter and driver.
    adapters: BTreeMap<String, Names>,
}

/// Times every tile that the adapter can run, of every product, on square layers of `width`; `progress` hears what
/// begins.
///
/// # Errors
/// The device was lost.
pub fn measure(gpu: &Gpu, width: usize, mut progress: impl FnMut(&str)) -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    for &product in Product::ALL {
        for (&class, rows) in RowClass::ALL.iter().zip([1, 16, 64]) {
            progress(&format!("{} of {rows} rows", product.name()));
            for tile in gpu.tiles(product) {
                let (plan, section) = layers(product, rows, width)?;
                let cut = gpu.with_tiling(gpu.tiling().clone().with(product, RowClass::ALL, tile));
                let mut executor = GpuExecutor::new(plan, &cut)?;
                let mut fastest = f64::INFINITY;
                for run in 0..=RUNS {
                    let times = executor.profile(section)?;
                    let mean = times.iter().map(|time| 1e6 * time.as_secs_f64()).sum::<f64>() / LAYERS as f64;
                    fastest = if run == 0 { fastest } else { fastest.min(mean) };
                }
                all.push(Measured { product, class, rows, tile, micros: fastest });
            }
        }
    }
    Ok(all)
}

fn layers(product: Product, rows: usize, width: usize) -> Result<(Plan, SectionId)> {
    let (kernel, numbers): (&'static Kernel, &[(&'static str, Value)]) = match product {
        Product::Forward => (&LINEAR_FORWARD, &[]),
        Product::BackwardInput => (&LINEAR_BACKWARD_INPUT, &[]),
        Product::Gradient => (&LINEAR_BACKWARD_WEIGHT_ADAM, &[("bias_input", Value::F32(1.0))]),
    };
    let mut rec = Recorder::new();
    let section = rec.section("layers");
    for layer in 0..LAYERS {
        let mut tensors = Vec::new();
        for binding in kernel.bindings {
            let size = |symbol: &&str| match *symbol {
                "instances" | "weight_instances" => 1,
                "x_rows" | "y_rows" => rows,
                "in_features+1" => width + 1,
                "in_features" | "out_features" => width,
                number => number.parse().unwrap_or(1),
            };
            let shape: Vec<usize> = binding.shape.iter().map(size).collect();
            tensors.push((binding.name, rec.tensor(format!("{layer}.{}", binding.name), &shape)));
        }
        let values = [&[("row", 0usize.into()), ("rows", rows.into())], numbers].concat();
        rec.dispatch(kernel, "layer", &tensors, &values)?;
    }
    Ok((rec.finish(), section))
}

/// The fastest tile of each product and class; `otherwise` where none was measured.
#[must_use]
pub fn tiling(measured: &[Measured], otherwise: &Tiling) -> Tiling {
    let mut best = otherwise.clone();
    for &product in Product::ALL {
        for &class in RowClass::ALL {
            let own = measured.iter().filter(|m| (m.product, m.class) == (product, class));
            if let Some(fastest) = own.min_by(|a, b| a.micros.total_cmp(&b.micros)) {
                best = best.with(product, &[class], fastest.tile);
            }
        }
    }
    best
}

/// The file in the user's cache folder; none where there is no home.
#[must_use]
pub fn cache_path() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.cache_dir().join("isopose").join("tiles.json"))
}

/// The tiling that was kept for `gpu`, if one was.
///
/// # Errors
/// A file that cannot be read or that is damaged.
pub fn load(path: &Path, gpu: &Gpu) -> Result<Option<Tiling>> {
    let Some(file) = read(path)? else { return Ok(None) };
    let Some(names) = file.adapters.get(&key(gpu)).filter(|_| file.version == version()) else { return Ok(None) };
    let mut tiling = gpu.tiling().clone();
    for &product in Product::ALL {
        for &class in RowClass::ALL {
            let Some(name) = names.get(product.name()).and_then(|classes| classes.get(class.name())) else { continue };
            let tile = gpu.tiles(product).find(|tile| tile.name() == *name);
            let tile =
                tile.ok_or_else(|| damaged(path, &format!("there is no tile `{name}` of {}", product.name())))?;
            tiling = tiling.with(product, &[class], tile);
        }
    }
    Ok(Some(tiling))
}

/// Keeps a tiling for `gpu`. What the file says of other adapters stays.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, gpu: &Gpu, tiling: &Tiling) -> Result<()> {
    // One that is damaged or of another version is of no use to anyone.
    let kept = read(path).ok().flatten().filter(|file| file.version == version());
    let mut file = kept.unwrap_or_else(|| File { version: version(), ..File::default() });
    let classes = |&product: &Product| {
        let name = |&class: &RowClass| (class.name().to_owned(), tiling.get(product, class).name());
        (product.name().to_owned(), RowClass::ALL.iter().map(name).collect())
    };
    file.adapters.insert(key(gpu), Product::ALL.iter().map(classes).collect());
    let failed = |source| Error::io(path, "write", source);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let json = serde_json::to_vec_pretty(&file).map_err(|e| failed(e.into()))?;
    write_whole(path, &json)
}

fn read(path: &Path) -> Result<Option<File>> {
    match read_limited(path, HAND_WRITTEN) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| damaged(path, &e.to_string())),
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::file(path, "tuned tiles", problem, "they are ignored; `tune` again, or delete the file")
}

fn key(gpu: &Gpu) -> String {
    format!("{}, {}", gpu.name(), gpu.driver())
}

fn version() -> String {
    let mut hasher = DefaultHasher::new();
    for (product, kernel) in
        Product::ALL.iter().zip([&LINEAR_FORWARD, &LINEAR_BACKWARD_INPUT, &LINEAR_BACKWARD_WEIGHT_ADAM])
    {
        product.tiles().iter().for_each(|tile| expand_imports(kernel.source, Some(tile)).hash(&mut hasher));
    }
    format!("{} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
}
