//! x
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let d = isopose::gpu::Device::open(&a[1], 0, isopose::gpu::ShaderChecks::On).unwrap();
    let states: Vec<_> = a[2..].iter().map(std::path::PathBuf::from).collect();
    let r = isopose::verify::verify(&states, &d, |w| eprintln!("{w}")).unwrap();
    println!("{} pass {}", r.device, r.pass);
    for g in r.groups {
        println!(
            "{:30} {:50} {:12.3e} {:10.1e} {}",
            g.state,
            g.name,
            g.error,
            g.limit,
            if g.pass { "ok" } else { "FAIL" }
        );
    }
}
