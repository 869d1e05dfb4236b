//! What of the machine decides an outcome besides programs: architecture and release of the operating system.

use std::{fs, path::Path, sync::LazyLock};

/// `x86_64, debian 12`: the architecture, and `ID` and `VERSION_ID` of `/etc/os-release` (os-release(5)). A system that
/// releases nothing (`sid`) has its code name, one without the file the kernel's name alone.
pub(super) fn machine() -> &'static str {
    static MACHINE: LazyLock<String> = LazyLock::new(|| {
        let places = ["/etc/os-release", "/usr/lib/os-release"];
        let text = places.iter().find_map(|place| fs::read_to_string(Path::new(place)).ok());
        let system = text.map_or_else(|| std::env::consts::OS.to_owned(), |text| named(&text));
        format!("{}, {system}", std::env::consts::ARCH)
    });
    &MACHINE
}

fn named(text: &str) -> String {
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let value = lines.find(|(key, _)| key.trim() == name)?.1.trim();
        Some(value.trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    };
    let id = field("ID").unwrap_or_else(|| "linux".to_owned());
    let version = field("VERSION_ID").or_else(|| field("VERSION_CODENAME"));
    version.map_or_else(|| id.clone(), |version| format!("{id} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_by_its_id_and_version() {
        assert_eq!(
            named("NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"),
            "debian 12"
        );
        assert_eq!(named("ID=debian\nVERSION_CODENAME=trixie\n"), "debian trixie");
        assert_eq!(named("ID='arch'\n"), "arch");
        assert_eq!(named(""), "linux");
        assert!(machine().starts_with(std::env::consts::ARCH));
    }
}
