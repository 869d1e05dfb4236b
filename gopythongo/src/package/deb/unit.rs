//! The units of a package's service: one for a plain installation, one for each slot of a blue/green deployment.

use super::package::Package;
use crate::package::ServiceDescription;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// The package's tree where the package was installed.
    Installed,
    /// The tree of a slot, seen at the same path.
    Slot,
}

/// The unit: systemd.service(5).
pub(super) fn unit(package: &Package, service: &ServiceDescription, root: Root) -> String {
    let (name, path) = (&package.name, &package.path);
    let slot = format!("/var/lib/{name}/slots/%i{path}");
    let socket = match root {
        Root::Installed => format!("/run/{name}/{name}.sock"),
        Root::Slot => format!("/run/{name}/%i.sock"),
    };
    let synopsis = escape(&package.synopsis());
    let mut text = match root {
        Root::Installed => format!("[Unit]\nDescription={synopsis}\n"),
        Root::Slot => format!("[Unit]\nDescription={synopsis} (%i)\nConditionPathIsDirectory={slot}\n"),
    };
    if let Some(homepage) = &package.declared.homepage {
        text += &format!("Documentation={}\n", escape(homepage));
    }
    text += "After=network.target\n\n[Service]\n";
    let notifies = package.declared.service.as_ref().is_some_and(|service| service.notifies());
    text += if notifies { "Type=notify\n" } else { "Type=exec\n" };
    text += &format!("User={0}\nGroup={0}\n", service.user);
    for (name, value) in &service.environment {
        text += &format!("Environment={}\n", quoted(&format!("{name}={value}")));
    }
    // what an administrator sets without touching the unit
    text += &format!("EnvironmentFile=-/etc/default/{name}\n");
    if root == Root::Slot {
        text += &format!("BindReadOnlyPaths={slot}:{path}\n");
    }
    if !notifies {
        text += &format!("ExecStartPre=/bin/rm -f {socket}\n");
    }
    let words: Vec<String> = service.argv.iter().map(|word| command_word(word, &socket)).collect();
    text += &format!("ExecStart={}\n", words.join(" "));
    if notifies {
        text += "ExecReload=/bin/kill -HUP $MAINPID\n";
    }
    text += "KillMode=mixed\nTimeoutStopSec=30\nRestart=on-failure\nRestartSec=1\n";
    text += "NoNewPrivileges=yes\nPrivateTmp=yes\nProtectHome=yes\nProtectSystem=full\n";
    text + "\n[Install]\nWantedBy=multi-user.target\n"
}

/// `%` begins a specifier.
fn escape(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word of a setting, in quotes (systemd.syntax(7)).
fn quoted(word: &str) -> String {
    format!("\"{}\"", escape(word).replace('\\', "\\\\").replace('"', "\\\""))
}

/// A word of a command line, in which `$` begins a variable.
fn command_word(word: &str, socket: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,{}%$".contains(c);
    let escaped = word.replace('$', "$$");
    let escaped = if word.chars().all(plain) && !word.is_empty() { escape(&escaped) } else { quoted(&escaped) };
    escaped.replace(ServiceDescription::SOCKET, socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Deb, Service, deb::package::shop};

    fn units(service: Service) -> (String, String) {
        let package = shop(Deb::new().description("100 % shop").service(service));
        let service = package.service().expect("a service");
        (unit(&package, &service, Root::Installed), unit(&package, &service, Root::Slot))
    }

    #[test]
    fn a_plain_installation_runs_from_its_own_tree() {
        let (installed, slot) = units(Service::gunicorn("shop:app").environment("GREETING", "a \"b\" 5%"));
        assert_eq!(
            installed,
            "[Unit]\nDescription=100 %% shop\nAfter=network.target\n\n[Service]\nType=notify\nUser=shop\nGroup=shop\n\
             Environment=\"GREETING=a \\\"b\\\" 5%%\"\nEnvironmentFile=-/etc/default/shop\n\
             ExecStart=/opt/shop/bin/gunicorn --bind=unix:/run/shop/shop.sock --workers=2 shop:app\n\
             ExecReload=/bin/kill -HUP $MAINPID\nKillMode=mixed\nTimeoutStopSec=30\nRestart=on-failure\nRestartSec=1\n\
             NoNewPrivileges=yes\nPrivateTmp=yes\nProtectHome=yes\nProtectSystem=full\n\n\
             [Install]\nWantedBy=multi-user.target\n"
        );
        assert!(!installed.contains("%i") && slot.contains("Description=100 %% shop (%i)\n"));
    }

    #[test]
    fn a_slot_sees_its_own_tree_at_the_same_path() {
        let (_, slot) = units(Service::gunicorn("shop:app"));
        for line in [
            "ConditionPathIsDirectory=/var/lib/shop/slots/%i/opt/shop",
            "BindReadOnlyPaths=/var/lib/shop/slots/%i/opt/shop:/opt/shop",
            "ExecStart=/opt/shop/bin/gunicorn --bind=unix:/run/shop/%i.sock --workers=2 shop:app",
        ] {
            assert!(slot.lines().any(|own| own == line), "{line}\n{slot}");
        }
    }

    #[test]
    fn a_command_is_quoted_for_systemd_and_leaves_no_socket_behind() {
        let (installed, _) = units(Service::command(["bin/serve", "--uds={socket}", "--title", "5 $ & 5%"]));
        assert!(installed.contains("Type=exec\n"), "{installed}");
        assert!(installed.contains("ExecStartPre=/bin/rm -f /run/shop/shop.sock\n"), "{installed}");
        let start = "ExecStart=/opt/shop/bin/serve --uds=/run/shop/shop.sock --title \"5 $$ & 5%%\"\n";
        assert!(installed.contains(start), "{installed}");
    }
}
