//! What a visitor of a deployed application sees.

use std::process::Command;

/// The status and the body of an answer; status 0 if there was none.
pub(crate) fn get(url: &str) -> (u16, String) {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--write-out", "\n%{http_code}", url])
        .output()
        .expect("curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').unwrap_or(("", &text));
    (status.trim().parse().unwrap_or_default(), body.to_owned())
}
