//! The control paragraph (Debian Policy 5.3, deb-control(5)).

use super::package::Package;

/// Packages that bring what makes users and directories, where the distribution lets one choose.
const SYSUSERS: &str = "systemd | systemd-standalone-sysusers | systemd-sysusers";
const TMPFILES: &str = "systemd | systemd-standalone-tmpfiles | systemd-tmpfiles";

/// The `control` file of a version of a package that takes so many KiB on a disk.
pub(super) fn control(package: &Package, version: &str, kibibytes: u64) -> String {
    let declared = &package.declared;
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("{name}: {value}\n");
        }
    };
    field("Package", &package.name);
    field("Version", version);
    field("Architecture", &package.architecture);
    field("Maintainer", &package.maintainer());
    field("Installed-Size", &kibibytes.to_string());
    field("Depends", &depends(package).join(", "));
    field("Recommends", &declared.recommends.join(", "));
    field("Section", declared.section.as_deref().unwrap_or("python"));
    field("Priority", "optional");
    field("Homepage", declared.homepage.as_deref().unwrap_or_default());
    text + &description(package)
}

fn depends(package: &Package) -> Vec<String> {
    let declared = &package.declared;
    let sysusers = package.user.as_ref().map(|_| SYSUSERS.to_owned());
    let tmpfiles = (declared.service.is_some() || !declared.directories.is_empty()).then(|| TMPFILES.to_owned());
    // a declared relation says more: which version, or what may stand for it
    let has_libc = declared.depends.iter().any(|relation| relation.starts_with("libc6"));
    let libc = (package.is_native() && !has_libc).then(|| "libc6".to_owned());
    let own = package.relations.iter().cloned().chain(libc);
    let all = own.chain(declared.depends.iter().cloned()).chain(sysusers).chain(tmpfiles);
    let mut relations: Vec<String> = Vec::new();
    for relation in all {
        if !relations.contains(&relation) {
            relations.push(relation);
        }
    }
    relations
}

/// The synopsis, then each line of the rest after a blank, an empty one as a dot (Policy 5.6.13).
fn description(package: &Package) -> String {
    let own = package.declared.description.as_deref().map(|text| text.lines().skip(1).collect::<Vec<_>>().join("\n"));
    let own = own.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let rest = own.unwrap_or_else(|| {
        format!(
            "{} and the Python packages that it needs,\nin a virtual environment in {}.",
            package.application, package.path
        )
    });
    let lines = rest.lines().map(|line| match line.trim_end() {
        "" => " .\n".to_owned(),
        line => format!(" {line}\n"),
    });
    format!("Description: {}\n{}", package.synopsis(), lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Deb, Service, deb::package::shop};

    #[test]
    fn a_package_without_options_says_what_it_is() {
        assert_eq!(
            control(&shop(Deb::new()), "0.7.0~dev1", 42),
            "Package: shop\nVersion: 0.7.0~dev1\nArchitecture: all\n\
             Maintainer: shop maintainers <shop@maintainers.invalid>\nInstalled-Size: 42\n\
             Depends: python3 (>= 3.11), python3 (<< 3.12)\nSection: python\nPriority: optional\nDescription: virtual environment of the application shop\n \
             shop and the Python packages that it needs,\n in a virtual environment in /opt/shop.\n"
        );
    }

    #[test]
    fn relations_stand_once_and_a_service_needs_what_makes_its_user() {
        let deb =
            Deb::new().depends("libc6").depends("libc6").recommends("nginx").service(Service::gunicorn("shop:app"));
        let text = control(&shop(deb), "1", 1);
        let depends = text.lines().find_map(|line| line.strip_prefix("Depends: ")).expect("relations");
        assert_eq!(depends, format!("python3 (>= 3.11), python3 (<< 3.12), libc6, {SYSUSERS}, {TMPFILES}"));
        assert!(text.contains("\nRecommends: nginx\n"));
    }

    #[test]
    fn native_code_needs_the_c_library() {
        let depends = |deb: Deb| {
            let package = Package { architecture: "amd64".to_owned(), ..shop(deb) };
            let text = control(&package, "1", 1);
            text.lines().find_map(|line| Some(line.strip_prefix("Depends: ")?.to_owned())).expect("relations")
        };
        assert!(depends(Deb::new()).ends_with(", libc6"));
        assert!(depends(Deb::new().depends("libc6 (>= 2.36)")).ends_with("(<< 3.12), libc6 (>= 2.36)"));
    }

    #[test]
    fn paragraphs_of_a_description_are_kept() {
        let text = control(&shop(Deb::new().description("the storefront\n\nPages.\n\nA till.\n")), "1", 1);
        assert!(text.ends_with("Description: the storefront\n Pages.\n .\n A till.\n"), "{text}");
    }
}
