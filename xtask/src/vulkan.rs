//! Makes sure that the GPU tests find a Vulkan driver. Where there is no GPU, Mesa's lavapipe runs
//! the same shaders on the processor, so that a continuous integration machine tests them too.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PACKAGES: [&str; 2] = ["libvulkan1", "mesa-vulkan-drivers"];
const BACKPORTS: &str = "bookworm-backports";
const BACKPORTS_LIST: &str = "/etc/apt/sources.list.d/isopose-backports.list";
const BACKPORTS_LINE: &str = "deb http://deb.debian.org/debian bookworm-backports main\n";

/// Installs a driver if none is found and this machine lets us; says so loudly if it cannot. Never
/// fails: the GPU tests themselves decide whether doing without is an error.
pub fn ensure_driver() {
    // macOS and Windows bring Metal and Direct3D 12 with them.
    if !cfg!(target_os = "linux") || driver_found() {
        return;
    }
    let outcome = if override_files().is_some() {
        Err("VK_DRIVER_FILES or VK_ICD_FILENAMES names no existing driver; correct or unset it")
    } else {
        install()
    };
    match outcome {
        Ok(()) => println!("xtask: installed {}", PACKAGES.join(" and ")),
        Err(why) => eprintln!(
            "xtask: ================================================================\n\
             xtask: NO VULKAN DRIVER: {why}\n\
             xtask: GPU TESTS WILL NOT RUN. Install a GPU's driver, or mesa-vulkan-drivers\n\
             xtask: ================================================================"
        ),
    }
}

/// The driver manifests the environment prescribes: the Vulkan loader then looks nowhere else.
fn override_files() -> Option<Vec<PathBuf>> {
    // The loader ignores VK_ICD_FILENAMES where the newer variable is set.
    let list = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .into_iter()
        .find_map(|name| env::var_os(name).filter(|value| !value.is_empty()))?;
    Some(env::split_paths(&list).collect())
}

/// Whether the Vulkan loader would find the manifest of at least one driver.
fn driver_found() -> bool {
    if let Some(files) = override_files() {
        // An entry may be a manifest or a folder of manifests.
        return files.iter().any(|entry| entry.is_file() || has_manifest(entry));
    }
    let data_dirs = env::var_os("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
    let roots = env::split_paths(&data_dirs).chain(home).chain(["/etc".into(), "/usr/share".into()]);
    roots.map(|root| root.join("vulkan/icd.d")).any(|folder| has_manifest(&folder))
}

fn has_manifest(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|ext| ext == "json")))
    })
}

fn install() -> Result<(), &'static str> {
    let (debian_like, bookworm) = distribution();
    if !debian_like {
        return Err("only Debian's and Ubuntu's package manager is known here");
    }
    let root = run(Command::new("sh").args(["-c", "test \"$(id -u)\" = 0"]));
    if !root && !run(Command::new("sudo").args(["-n", "true"])) {
        return Err("installing one takes root, or sudo without a password");
    }
    println!("xtask: no Vulkan driver found, installing {}", PACKAGES.join(" and "));

    // Debian 12's own Mesa is years old; the lavapipe of its backports is several times faster.
    let mut backports = bookworm && backports_listed();
    let added = bookworm && !backports && root && fs::write(BACKPORTS_LIST, BACKPORTS_LINE).is_ok();
    backports |= added;
    // A stale or unreachable list elsewhere must not stop us: what counts is whether the install works.
    apt(root, &["update"]);
    if backports && apt(root, &[&["install", "-y", "--no-install-recommends", "-t", BACKPORTS], &PACKAGES[..]].concat())
    {
        return Ok(());
    }
    if added {
        // The list did not help, so it does not stay.
        let _ = fs::remove_file(BACKPORTS_LIST);
        apt(root, &["update"]);
    }
    if apt(root, &[&["install", "-y", "--no-install-recommends"], &PACKAGES[..]].concat()) {
        return Ok(());
    }
    Err("apt-get could not install one, see above")
}

/// Whether this is Debian or made from it, and whether it is Debian 12.
fn distribution() -> (bool, bool) {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    let debian = field("ID") == "debian";
    let like = debian || field("ID") == "ubuntu" || field("ID_LIKE").split(' ').any(|id| id == "debian");
    (like, debian && field("VERSION_ID") == "12")
}

fn backports_listed() -> bool {
    let folder = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path());
    folder.chain(["/etc/apt/sources.list".into()]).any(|path| {
        fs::read_to_string(path)
            .is_ok_and(|text| text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(BACKPORTS)))
    })
}

fn apt(root: bool, args: &[&str]) -> bool {
    let (program, before): (_, &[_]) = if root { ("env", &[]) } else { ("sudo", &["-n", "env"]) };
    run(Command::new(program).args(before).args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args))
}

/// Runs a command without input; true when it succeeds.
fn run(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}
