//! What stands in a package beside its tree.

use super::{
    overrides,
    package::Package,
    unit::{Root, unit},
};
use crate::{
    package::ServiceDescription,
    support::{Digest, Hasher},
};

/// A file of the package, or a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its path below the root: `usr/share/shop/service.json`.
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) content: Vec<u8>,
    /// Where a symbolic link leads, which has no content.
    pub(super) link: Option<String>,
}

impl Member {
    pub(super) fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o644, content: content.into(), link: None }
    }

    /// What it is, as a part of a payload digest.
    pub(super) fn identify(&self, hasher: &mut Hasher) {
        hasher.part(&self.path).part(self.mode.to_string()).part(Digest::of(&self.content).bytes());
        hasher.part(self.link.as_deref().unwrap_or_default());
    }
}

/// The files that the declaration makes, by path; none of them knows the package's version.
pub(super) fn members(package: &Package, files: &Files) -> Vec<Member> {
    let name = &package.name;
    let mut members: Vec<Member> = files
        .configuration
        .iter()
        .map(|(path, content)| Member::new(path.trim_start_matches('/'), content.clone()))
        .collect();
    if let Some(service) = package.service() {
        let units = format!("usr/lib/systemd/system/{name}");
        members.push(Member::new(format!("{units}.service"), unit(package, &service, Root::Installed)));
        members.push(Member::new(format!("{units}@.service"), unit(package, &service, Root::Slot)));
        let text = serde_json::to_string_pretty(&service).unwrap_or_default() + "\n";
        members.push(Member::new(ServiceDescription::member(name), text));
    }
    if let Some(user) = &package.user {
        let line = format!("u {user} - \"{name}\" /nonexistent\n");
        members.push(Member::new(format!("usr/lib/sysusers.d/{name}.conf"), line));
    }
    members.extend(package.declared.links.iter().map(|link| Member {
        mode: 0o777,
        link: Some(link.to.clone()),
        ..Member::new(link.path.trim_start_matches('/'), "")
    }));
    let directories = tmpfiles(package);
    if !directories.is_empty() {
        members.push(Member::new(format!("usr/lib/tmpfiles.d/{name}.conf"), directories));
    }
    let copyright = files.copyright.clone().unwrap_or_else(|| copyright(package).into());
    members.push(Member::new(format!("usr/share/doc/{name}/copyright"), copyright));
    let overrides = overrides::overrides(package);
    if !overrides.is_empty() {
        members.push(Member::new(format!("usr/share/lintian/overrides/{name}"), overrides));
    }
    members.sort_by(|a, b| a.path.cmp(&b.path));
    members
}

/// Files of the source that go into the package.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    /// By their paths on the host.
    pub(super) configuration: Vec<(String, Vec<u8>)>,
    pub(super) copyright: Option<Vec<u8>>,
}

/// The directory of the service's sockets, and those that are declared (tmpfiles.d(5)).
fn tmpfiles(package: &Package) -> String {
    let (name, user) = (&package.name, package.user.as_deref().unwrap_or("root"));
    let sockets = package.declared.service.iter().map(|_| format!("d /run/{name} 0755 {user} {user} -\n"));
    let declared = package.declared.directories.iter().map(|directory| {
        let owner = if directory.owner.is_empty() { user } else { &directory.owner };
        format!("d {} {:04o} {owner} {owner} -\n", directory.path, directory.mode)
    });
    sockets.chain(declared).collect()
}

fn copyright(package: &Package) -> String {
    format!(
        "{} is a package of {} and of the Python packages that it needs.\n\n\
         Copyright of each of them is its authors'. Whose work it is, and under which\nlicence, stands in its own directory:\n\n    \
         {}/lib/python3*/site-packages/*.dist-info/\n",
        package.name, package.application, package.path
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Deb, Directory, Service, deb::package::shop};

    fn paths(deb: Deb) -> Vec<String> {
        members(&shop(deb), &Files::default()).into_iter().map(|member| member.path).collect()
    }

    fn content(deb: Deb, path: &str) -> String {
        let members = members(&shop(deb), &Files::default());
        let member = members.into_iter().find(|member| member.path == path).expect("the file");
        String::from_utf8(member.content).expect("text")
    }

    #[test]
    fn a_package_has_what_it_declares_and_no_more() {
        let bare = ["usr/share/doc/shop/copyright", "usr/share/lintian/overrides/shop"];
        assert_eq!(paths(Deb::new()), bare);
        assert_eq!(
            paths(Deb::new().service(Service::gunicorn("shop:app"))),
            [
                "usr/lib/systemd/system/shop.service",
                "usr/lib/systemd/system/shop@.service",
                "usr/lib/sysusers.d/shop.conf",
                "usr/lib/tmpfiles.d/shop.conf",
                bare[0],
                bare[1],
                "usr/share/shop/service.json",
            ]
        );
    }

    #[test]
    fn directories_belong_to_the_service_unless_they_say_otherwise() {
        let deb = Deb::new()
            .service(Service::gunicorn("shop:app"))
            .user("web")
            .directory("/var/lib/shop")
            .directory(Directory::new("/var/cache/shop").mode(0o755).owner("root"));
        assert_eq!(
            content(deb, "usr/lib/tmpfiles.d/shop.conf"),
            "d /run/shop 0755 web web -\nd /var/lib/shop 0750 web web -\nd /var/cache/shop 0755 root root -\n"
        );
    }

    #[test]
    fn a_link_leads_out_of_the_tree() {
        let deb = Deb::new().user("shop").directory("/var/lib/shop").link("/opt/shop/var", "/var/lib/shop");
        let members = members(&shop(deb), &Files::default());
        let link = members.iter().find(|member| member.path == "opt/shop/var").expect("the link");
        assert_eq!(link.link.as_deref(), Some("/var/lib/shop"));
    }

    #[test]
    fn a_host_reads_how_to_run_the_service() {
        let deb = Deb::new()
            .service(Service::gunicorn("shop:app"))
            .directory("/var/lib/shop")
            .configuration_file("shop.toml", "/etc/shop/shop.toml");
        let text = content(deb, "usr/share/shop/service.json");
        let service: ServiceDescription = serde_json::from_str(&text).expect("its own format");
        assert_eq!(service.argv("/run/s")[..2], ["/opt/shop/bin/gunicorn", "--bind=unix:/run/s"]);
        assert_eq!(service.directories, [Directory::new("/var/lib/shop").owner("shop")]);
        assert_eq!(service.configuration, ["/etc/shop/shop.toml"]);
        assert!(text.contains("\"mode\": \"0750\"") && text.contains("\"bind\": \"socket\""), "{text}");
    }
}
