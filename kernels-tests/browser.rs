//! Pages in a headless browser, where one is installed.

use std::path::Path;
use std::process::Command;

/// The names that a browser goes by.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Runs before anything else in the page: keeps what goes wrong, and lets animations run by the clock of the timers.
/// That clock is virtual and leaps, while the browser's frames come by the real one, most of them too late.
const WATCH: &str = "<script>
const wrong = [];
addEventListener('error', (event) => wrong.push(event.message));
addEventListener('unhandledrejection', (event) => wrong.push(event.reason));
document.addEventListener('securitypolicyviolation', (event) => wrong.push(event.violatedDirective));
console.error = (...words) => wrong.push(words.join(' '));
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);
window.cancelAnimationFrame = clearTimeout;
</script>";

/// The browser that is installed. Without one `test` says that it is skipped, or fails if one is required.
pub(crate) fn installed(test: &str) -> Option<&'static str> {
    let answers = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let browser = BROWSERS.iter().find(answers).copied();
    if browser.is_none() {
        let required = std::env::var_os("ISOPOSE_REQUIRE_BROWSER").is_some_and(|value| !value.is_empty());
        assert!(!required, "ISOPOSE_REQUIRE_BROWSER is set, but none of {BROWSERS:?} is installed");
        eprintln!("SKIPPED {test}: none of {BROWSERS:?} is installed");
    }
    browser
}

/// The page of `path` in `folder` as `used.html`: watched, and used by the script `usage`, which runs after everything
/// else, finds what went wrong in `wrong` and tells the page around it by `parent.postMessage`.
pub(crate) fn prepare(folder: &Path, path: &Path, usage: &str) {
    let page = std::fs::read_to_string(path).unwrap().replacen("<head>", &format!("<head>{WATCH}"), 1) + usage;
    std::fs::write(folder.join("used.html"), page).unwrap();
}

/// What the script of `used.html` in `folder` tells, by name, in a window of `width`. Browsers do not make windows
/// narrower than 500 pixels, so the window is a frame.
pub(crate) fn used(browser: &str, folder: &Path, width: usize, scheme: &str) -> impl Fn(&str) -> String + use<> {
    let frame = format!(
        "<!DOCTYPE html><html style='color-scheme: light dark'><body><script>
        onmessage = (event) => Object.assign(document.body.dataset, event.data);
        </script><iframe src='used.html' width='{width}' height='800' style='border: 0'></iframe></body></html>"
    );
    let page = folder.join("frame.html");
    std::fs::write(&page, frame).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom"])
        .args(["--virtual-time-budget=5000", "--window-size=1600,900", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    move |name| {
        let value = dom.split_once(&format!(" data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {dom}")).1;
        value.split('"').next().unwrap().to_owned()
    }
}
