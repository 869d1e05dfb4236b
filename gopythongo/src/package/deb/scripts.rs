//! Maintainer scripts (Debian Policy 6): nothing but what the user, the directories and the service of a package need, as
//! `dh_installsysusers`, `dh_installtmpfiles` and `dh_installsystemd` have it.

use super::package::Package;

/// The scripts of a package, by name; none for one that is only files.
pub(super) fn scripts(package: &Package) -> Vec<(&'static str, String)> {
    let name = &package.name;
    let unit = format!("{name}.service");
    let serves = package.declared.service.is_some();
    let mut configure = String::new();
    if package.user.is_some() {
        configure += &format!("    systemd-sysusers ${{DPKG_ROOT:+--root=\"$DPKG_ROOT\"}} {name}.conf\n");
    }
    if serves || !package.declared.directories.is_empty() {
        // a directory that cannot be made is no reason to leave the package half configured
        configure +=
            &format!("    systemd-tmpfiles ${{DPKG_ROOT:+--root=\"$DPKG_ROOT\"}} --create {name}.conf || true\n");
    }
    if configure.is_empty() {
        return Vec::new();
    }
    let mut postinst = format!("if [ \"$1\" = configure ]; then\n{configure}fi\n");
    if serves {
        postinst += &format!(
            "
case \"$1\" in
configure|abort-upgrade|abort-deconfigure|abort-remove)
    deb-systemd-helper unmask {unit} >/dev/null || true
    # an administrator who has disabled it is asked nothing again
    if deb-systemd-helper --quiet was-enabled {unit}; then
        deb-systemd-helper enable {unit} >/dev/null || true
    else
        deb-systemd-helper update-state {unit} >/dev/null || true
    fi
    if [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null || true
        if [ -n \"$2\" ]; then action=restart; else action=start; fi
        deb-systemd-invoke $action {unit} >/dev/null || true
    fi
    ;;
esac
"
        );
    }
    let mut all = vec![("postinst", script(&postinst))];
    if serves {
        let stop = format!(
            "if [ \"$1\" = remove ] && [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then\n    \
             deb-systemd-invoke stop {unit} >/dev/null || true\nfi\n"
        );
        let forget = format!(
            "if [ \"$1\" = remove ] && [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then\n    \
             systemctl --system daemon-reload >/dev/null || true\nfi\n\
             if [ \"$1\" = purge ] && command -v deb-systemd-helper >/dev/null; then\n    \
             deb-systemd-helper purge {unit} >/dev/null || true\nfi\n"
        );
        all.extend([("postrm", script(&forget)), ("prerm", script(&stop))]);
    }
    all
}

fn script(body: &str) -> String {
    format!("#!/bin/sh\nset -e\n\n{body}")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::package::{Deb, Directory, Service, deb::package::shop};

    fn names(deb: Deb) -> Vec<&'static str> {
        scripts(&shop(deb)).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_package_has_no_more_scripts_than_it_needs() {
        assert!(names(Deb::new()).is_empty());
        assert_eq!(names(Deb::new().directory(Directory::new("/var/lib/shop").owner("root"))), ["postinst"]);
        assert_eq!(names(Deb::new().user("shop")), ["postinst"]);
        assert_eq!(names(Deb::new().service(Service::gunicorn("shop:app"))), ["postinst", "postrm", "prerm"]);
    }

    /// With programs on `PATH` that say how they were called.
    #[test]
    fn what_scripts_call_is_what_the_service_needs() {
        let tools = tempfile::tempdir().unwrap();
        for tool in ["systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper"] {
            let path = tools.path().join(tool);
            std::fs::write(&path, "#!/bin/sh\necho \"${0##*/} $*\" >&2\n").unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let scripts = scripts(&shop(Deb::new().service(Service::gunicorn("shop:app"))));
        let said = |name: &str, argument: &str| {
            let (_, text) = scripts.iter().find(|(own, _)| *own == name).unwrap();
            let path = format!("{}:/usr/bin:/bin", tools.path().display());
            // a root of another place: nothing of this machine's systemd is asked
            let output = output_of(Command::new("sh").args(["-c", text, name, argument]), &path);
            assert!(output.status.success(), "{name} {argument}");
            String::from_utf8(output.stderr).unwrap()
        };
        assert_eq!(
            said("postinst", "configure"),
            "systemd-sysusers --root=/target shop.conf\nsystemd-tmpfiles --root=/target --create shop.conf\n\
             deb-systemd-helper unmask shop.service\n\
             deb-systemd-helper --quiet was-enabled shop.service\ndeb-systemd-helper enable shop.service\n"
        );
        assert_eq!(said("prerm", "remove"), "");
        assert_eq!(said("postrm", "upgrade"), "");
    }

    fn output_of(command: &mut Command, path: &str) -> std::process::Output {
        command.env_clear().env("PATH", path).env("DPKG_ROOT", "/target").output().unwrap()
    }
}
