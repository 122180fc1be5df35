//! `isopose bench`.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::{Outcome, options, options::DeviceOptions, output};
use crate::adapt::{Lifter, Start};
use crate::bench::{Floor, KernelTime, Machine, Meter, Rates, Sizes, Subject, Timed, What, Workload, measure};
use crate::config::{ModelConfig, Preset};
use crate::error::{Error, Result};
use crate::gpu::Device;

/// Repeats of the timing by kernel, and from how many milliseconds on one is enough.
const REPEATS: u32 = 5;
const SLOW_MS: f64 = 200.0;
/// Kernels that the text names; the rest is one line.
const KERNELS: usize = 5;

/// Time every mode sample by sample, on random parameters and synthetic poses, beside what the machine itself can do
///
/// A sample's time is that of its steps, its prediction and the read of it. Its floor is what nothing correct can beat on
/// this device, the longer of two times that are measured before and after it: arithmetic, each product of its plan as
/// fast as the best product of that shape whose data is at hand; and traffic, bare passes over as much memory as its
/// tensors, in the plan's order. GFLOP (of matrix products) and MB (weights and moments at each use, everything else
/// once) are counted from the plan. The steadiness, p99 of equal large products in medians, is a guide to how much of a
/// row's p99 is the machine's.
#[derive(Debug, Args)]
pub(super) struct Bench {
    /// What to time; may be given more than once [default: all]
    #[arg(long, value_parser = options::timed())]
    mode: Vec<Timed>,
    /// Features of every hidden layer, a multiple of 4
    #[arg(long, value_name = "W", default_value_t = 1024)]
    width: usize,
    /// Joints of the skeleton: 16 or 17
    #[arg(long, value_name = "J", default_value = "16", value_parser = options::joints)]
    joints: usize,
    /// B, random views of a sample in one step; a row each [default: the mode's own, and 16 with the paper's tasks]
    #[arg(long, value_name = "B", value_delimiter = ',', value_parser = options::count::<usize>)]
    copies: Vec<usize>,
    /// The models that are timed
    #[arg(long, default_value = "geometry", value_parser = options::named::<Preset>())]
    preset: Preset,
    /// Samples that the vanilla modes adapt to at once; with more than 1, other modes are left out
    #[arg(long, value_name = "N", default_value = "1", value_parser = options::count::<usize>)]
    instances: usize,
    #[arg(long, value_name = "T", help = options::iterations_help(), value_parser = options::count::<usize>)]
    iterations: Option<usize>,
    /// Poses of a training step
    #[arg(long, value_name = "N", default_value_t = 64)]
    batch: usize,
    /// Timed samples of a row, rounded up to whole rounds of a mode that leaves samples out [default: at least 20, then up to 3 seconds]
    #[arg(long, value_name = "N", value_parser = options::count::<usize>)]
    samples: Option<usize>,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    device: String,
    preset: Preset,
    width: usize,
    joints: usize,
    /// From an unopened device to the first baseline prediction.
    cold_start_ms: f64,
    machine: Steadiness,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Steadiness {
    gflops: f64,
    /// Equal products, timed one by one.
    products: usize,
    p99_to_median: f64,
}

/// A task at one size; times are per sample.
#[derive(Serialize)]
struct Row {
    mode: Timed,
    width: usize,
    /// B, where the task adapts.
    copies: Option<usize>,
    instances: usize,
    /// T, where the task adapts.
    iterations: Option<usize>,
    /// Poses, where the task trains.
    batch: Option<usize>,
    samples: usize,
    ms_median: f64,
    ms_p90: f64,
    ms_p99: f64,
    ms_mean: f64,
    samples_per_s: f64,
    gflop: f64,
    mbytes: f64,
    floor_ms: f64,
    /// The floor in relation to what is typical, [`Latency::typical`].
    floor_share: f64,
    /// What the floor is made of.
    floor: Floor,
    /// Until the host has submitted a sample, on a GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    submit_ms: Option<f64>,
    /// What it takes to encode the next one while it would wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    ahead_ms: Option<f64>,
    /// The time of one replay by kernel.
    kernels: Vec<KernelTime>,
}

impl Bench {
    pub(super) fn run(&self, out: &mut dyn Write) -> Outcome {
        let model = ModelConfig { joints: self.joints, width: self.width, ..self.preset.model() };
        let subject = Subject::new(&model)?;
        let rows = self.rows(&subject.model)?;
        rows.iter().try_for_each(|sizes| sizes.validate(&subject))?;
        let begun = Instant::now();
        let device = self.device.open()?;
        let opened = begun.elapsed();
        rows.iter().try_for_each(|sizes| sizes.check_fits(&subject, &device))?;
        let lifter = Lifter::new(subject.model.clone(), subject.parameters()?, &device)?;
        let begun = Instant::now();
        let first = Timed::all().into_iter().find(|timed| timed.start().is_none());
        first.map_or(Ok(()), |timed| Workload::new(&subject, &self.sizes(timed, 1), &lifter)?.run().map(|_| ()))?;
        let cold_start_ms = 1e3 * (opened + begun.elapsed()).as_secs_f64();
        let Machine { gflops, products, p99_to_median } = Machine::measure(&device)?;
        let mut report = Report {
            device: device.name(),
            preset: self.preset,
            width: self.width,
            joints: self.joints,
            cold_start_ms,
            machine: Steadiness { gflops, products, p99_to_median },
            rows: Vec::with_capacity(rows.len()),
        };
        let mut rates = Rates::default();
        for sizes in rows {
            report.rows.push(self.row(&sizes, (&subject, &lifter), &mut rates)?);
        }
        if self.json {
            output::json(out, &report)?
        } else {
            report.write(out)?
        }
        Ok(ExitCode::SUCCESS)
    }

    fn sizes(&self, timed: Timed, copies: usize) -> Sizes {
        let instances = if timed.start() == Some(Start::Source) { self.instances } else { 1 };
        Sizes { timed, copies, instances, iterations: self.iterations, batch: self.batch }
    }

    /// The rows asked for, without those that would repeat or cannot have so many instances.
    fn rows(&self, model: &ModelConfig) -> Result<Vec<Sizes>> {
        let all = if self.mode.is_empty() { Timed::all() } else { self.mode.clone() };
        let mut rows = Vec::new();
        for timed in all {
            let usual = timed.policy(model).map_or(1, |policy| policy.copies);
            let copies = match (timed.start(), &self.copies[..], model.preset()) {
                (None, ..) => vec![1],
                (_, [], Preset::Paper) => vec![16, usual],
                (_, [], Preset::Geometry) => vec![usual],
                (_, given, _) => given.to_vec(),
            };
            rows.extend(copies.into_iter().map(|copies| self.sizes(timed, copies)));
        }
        rows.retain(|sizes| sizes.instances == self.instances);
        if rows.is_empty() {
            let problem = "it is for the vanilla modes; leave it out, or add --mode vanilla";
            return Err(Error::setting("instances", problem));
        }
        Ok(rows)
    }

    fn row(&self, sizes: &Sizes, (subject, lifter): (&Subject, &Lifter), rates: &mut Rates) -> Result<Row> {
        let mut workload = Workload::new(subject, sizes, lifter)?;
        let (timed, iterations) = (sizes.timed, sizes.steps(&subject.model));
        let copies = iterations.map(|_| sizes.copies);
        let label = copies.map_or_else(|| timed.to_string(), |copies| format!("{timed} B={copies}"));
        let mut meter = Meter::new(workload.work());
        meter.measure(lifter.device(), rates)?;
        let mut progress: Option<output::Progress> = None;
        let latency = measure(&mut workload, self.samples, |done, wanted| {
            progress.get_or_insert_with(|| output::Progress::start(&label, wanted)).update(done, "");
        })?;
        drop(progress);
        let [gflop, mbytes] = workload.cost();
        let gpu = matches!(lifter.device(), Device::Gpu(_));
        let repeats = if latency.median * (sizes.instances as f64) < SLOW_MS { REPEATS } else { 1 };
        let kernels = workload.profile(repeats)?;
        meter.measure(lifter.device(), rates)?;
        let floor = meter.floor(rates, workload.samples_per_round() as f64);
        let beside = |time: KernelTime| {
            let floor_ms = meter.kernel_ms(rates, time.kernel);
            time.beside(floor_ms)
        };
        Ok(Row {
            mode: timed,
            width: self.width,
            copies,
            instances: sizes.instances,
            iterations,
            batch: (timed.what == What::TrainStep).then_some(sizes.batch),
            samples: latency.samples,
            ms_median: latency.median,
            ms_p90: latency.p90,
            ms_p99: latency.p99,
            ms_mean: latency.mean,
            samples_per_s: 1e3 / latency.mean,
            gflop,
            mbytes,
            floor_ms: floor.ms(),
            floor_share: floor.ms() / latency.typical(workload.round()),
            floor,
            submit_ms: gpu.then_some(latency.submit),
            ahead_ms: gpu.then_some(latency.ahead),
            kernels: kernels.into_iter().map(beside).collect(),
        })
    }
}

impl Report {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Steadiness { gflops, products, p99_to_median } = self.machine;
        let Self { device, preset, width, joints, .. } = self;
        writeln!(out, "device: {device}, preset {preset}, width {width}, {joints} joints")?;
        writeln!(out, "machine: {gflops:.1} GFLOP/s in a large matrix product")?;
        writeln!(out, "steadiness: p99 of {products} equal products is {p99_to_median:.2} times their median")?;
        writeln!(out, "cold start: {:.0} ms to the first prediction\n", self.cold_start_ms)?;
        let gpu = self.rows.iter().any(|row| row.submit_ms.is_some());
        let mut header = vec!["mode", "B", "N", "T", "ms median", "p90", "p99", "mean", "samples/s", "GFLOP", "MB"];
        header.extend(["floor ms", "of it"]);
        header.extend(gpu.then_some(["submit ms", "ahead ms"]).into_iter().flatten());
        let mut table = output::Table::new(1, &header);
        self.rows.iter().for_each(|row| table.row(row.cells()));
        table.write(out)?;
        writeln!(
            out,
            "\ntimes, GFLOP and MB are per sample (train-step: per step); B views, N samples at once, T steps"
        )?;
        self.write_floors(out)?;
        self.rows.iter().try_for_each(|row| row.write_kernels(out))
    }

    /// What the floors are made of.
    fn write_floors(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nfloors, per sample: the longer of arithmetic and traffic")?;
        let mut header = vec!["mode", "arithmetic ms", "GFLOP/s", "traffic ms"];
        header.extend(["read MB", "GB/s", "written MB", "GB/s", "updated MB", "GB/s", "working set MB"]);
        let mut table = output::Table::new(1, &header);
        for row in &self.rows {
            let floor = &row.floor;
            let mut cells = vec![row.label(), format!("{:.3}", floor.arithmetic_ms)];
            cells.push(format!("{:.1}", 1e3 * row.gflop / floor.arithmetic_ms));
            cells.push(format!("{:.3}", floor.traffic_ms));
            let [read, written] = [[floor.read_mb, floor.read_gbps], [floor.written_mb, floor.write_gbps]];
            let updated = [floor.updated_mb, floor.update_gbps];
            cells.extend([read, written, updated].concat().into_iter().map(|number| format!("{number:.1}")));
            cells.push(format!("{:.1}", floor.working_set_mb));
            table.row(cells);
        }
        table.write(out)
    }
}

impl Row {
    fn label(&self) -> String {
        self.copies.map_or_else(|| self.mode.to_string(), |copies| format!("{} B={copies}", self.mode))
    }

    fn cells(&self) -> Vec<String> {
        let count = |count: Option<usize>| count.map_or("-".to_owned(), |count| count.to_string());
        let ms = |ms: f64| format!("{ms:.3}");
        let mut cells = vec![self.mode.to_string(), count(self.copies), self.instances.to_string()];
        cells.push(count(self.iterations));
        cells.extend([self.ms_median, self.ms_p90, self.ms_p99, self.ms_mean].map(ms));
        cells.extend([format!("{:.1}", self.samples_per_s), ms(self.gflop), format!("{:.1}", self.mbytes)]);
        cells.extend([ms(self.floor_ms), format!("{:.0} %", 100.0 * self.floor_share)]);
        cells.extend(self.submit_ms.into_iter().chain(self.ahead_ms).map(ms));
        cells
    }

    /// The kernels that take longest.
    fn write_kernels(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{}, one replay by kernel", self.label())?;
        let mut table =
            output::Table::new(1, &["kernel", "count", "ms", "share", "GFLOP/s", "GB/s", "floor ms", "of it"]);
        let floor = |floor: f64, ms: f64| vec![format!("{floor:.3}"), format!("{:.0} %", 100.0 * floor / ms)];
        let (first, rest) = self.kernels.split_at(self.kernels.len().min(KERNELS));
        first.iter().for_each(|time| table.row([time.cells(), floor(time.floor_ms.unwrap_or(0.0), time.ms)].concat()));
        if !rest.is_empty() {
            let sum = |of: fn(&KernelTime) -> f64| rest.iter().map(of).sum::<f64>();
            let (ms, share) = (format!("{:.3}", sum(|t| t.ms)), format!("{:.1} %", 100.0 * sum(|t| t.share)));
            let count: usize = rest.iter().map(|time| time.count).sum();
            let floor = floor(sum(|t| t.floor_ms.unwrap_or(0.0)), sum(|t| t.ms));
            let others = vec![format!("{} others", rest.len()), count.to_string(), ms, share];
            table.row([others, vec!["-".to_owned(), "-".to_owned()], floor].concat());
        }
        table.write(out)
    }
}
