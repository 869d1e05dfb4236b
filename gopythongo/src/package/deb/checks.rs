//! What is wrong with a declared package: what Debian Policy or a host would refuse. Pure.

use std::{
    collections::BTreeSet,
    path::{Component, Path},
};

use super::{Deb, deb::ConfigurationFile};
use crate::package::{
    Directory, Refusal, Service, check_path,
    policy::{check_package, check_plain, check_relation, check_user},
};

impl Deb {
    /// What Debian Policy or a host would refuse, for a job of a name.
    pub(crate) fn mistakes(&self, job: &str) -> Vec<Refusal> {
        let package = self.package_name(job);
        let mut checks = vec![check_package(&package)];
        checks.extend(self.depends.iter().chain(&self.recommends).map(|relation| check_relation(relation)));
        checks.extend(self.user_name(&package).map(|user| check_user(&user)));
        for directory in &self.directories {
            checks.push(check_path(&directory.path));
            checks.push(self.check_directory(directory));
        }
        for file in &self.configuration {
            checks.push(check_path(&file.path));
            checks.push(check_configuration(file));
        }
        checks.extend(self.links.iter().map(|link| check_path(&link.path).and_then(|()| check_plain(&link.to))));
        checks.push(self.check_places());
        checks.push(self.check_words());
        checks.extend(self.copyright.iter().map(|file| check_source(file)));
        let service = self.service.iter().flat_map(Service::mistakes);
        let refusals = checks.into_iter().filter_map(Result::err);
        refusals.chain(service.map(|what| Refusal::new(format!("the service of `{package}` {what}")))).collect()
    }

    /// Each place is for one thing.
    fn check_places(&self) -> Result<(), Refusal> {
        let configuration = self.configuration.iter().map(|file| &file.path);
        let directories = self.directories.iter().map(|directory| &directory.path);
        let mut seen = BTreeSet::new();
        match configuration
            .chain(directories)
            .chain(self.links.iter().map(|link| &link.path))
            .find(|path| !seen.insert(*path))
        {
            Some(path) => Err(Refusal::new(format!("`{path}` is declared twice"))),
            None => Ok(()),
        }
    }

    fn check_directory(&self, directory: &Directory) -> Result<(), Refusal> {
        if directory.mode > 0o7777 {
            let message = format!("`{:o}` is not a mode for `{}`", directory.mode, directory.path);
            return Err(Refusal::new(message).hint("write it in octal: `.mode(0o750)`"));
        }
        match directory.owner.as_str() {
            "" if self.service.is_none() && self.user.is_none() => {
                let message = format!("`{}` has no owner: the package has no service and no user", directory.path);
                Err(Refusal::new(message).hint("add `.user(\"shop\")`, or `.owner(\"root\")` to the directory"))
            }
            "" => Ok(()),
            owner => check_user(owner),
        }
    }

    /// Fields of the control file: one line each, and a maintainer with an address (Policy 5.6.2).
    fn check_words(&self) -> Result<(), Refusal> {
        let line = |what: &str, text: &Option<String>| match text {
            Some(text) if text.trim().is_empty() => Err(Refusal::new(format!("`.{what}` is empty"))),
            Some(text) if text.contains(['\n', '\r']) => Err(Refusal::new(format!("`.{what}` has more than one line"))),
            _ => Ok(()),
        };
        line("maintainer", &self.maintainer)?;
        line("section", &self.section)?;
        line("homepage", &self.homepage)?;
        if let Some(maintainer) = &self.maintainer {
            let address = maintainer.split_once(" <").and_then(|(_, rest)| rest.strip_suffix('>'));
            if !address.is_some_and(|address| address.contains('@') && !address.contains(char::is_whitespace)) {
                let message = format!("`{maintainer}` is not a maintainer (Policy 5.6.2)");
                return Err(Refusal::new(message).hint("write `The Shop Team <shop@example.com>`"));
            }
        }
        let synopsis = self.description.as_deref().map(|text| text.lines().next().unwrap_or_default().trim());
        match synopsis {
            Some("") => Err(Refusal::new("`.description` begins with an empty line")),
            Some(synopsis) if synopsis.chars().count() > 80 => {
                let message = "the first line of `.description` has more than 80 characters (Policy 3.4.1)";
                Err(Refusal::new(message).hint("say it in a line, and the rest in a paragraph after it"))
            }
            _ => Ok(()),
        }
    }
}

fn check_configuration(file: &ConfigurationFile) -> Result<(), Refusal> {
    check_source(&file.source)?;
    if file.path.starts_with("/etc/") {
        return Ok(());
    }
    let message = format!("`{}` is not a place for a configuration file (Policy 10.7.2)", file.path);
    Err(Refusal::new(message).hint("configuration files are below `/etc`: `/etc/shop/shop.toml`"))
}

/// A file of the source: below it.
fn check_source(file: &Path) -> Result<(), Refusal> {
    let is_plain = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    if !file.as_os_str().is_empty() && file.components().all(is_plain) {
        return Ok(());
    }
    let message = format!("`{}` is not a file of the source", file.display());
    Err(Refusal::new(message).hint("paths are relative to the job's source, and below it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(deb: Deb) -> Vec<String> {
        deb.mistakes("shop").into_iter().map(|refusal| refusal.message).collect()
    }

    #[test]
    fn a_good_package_is_refused_nothing() {
        let deb = Deb::new()
            .package("shop-web")
            .description("storefront of a small company\nPages, a cart, and a till.")
            .maintainer("The Shop Team <shop@example.org>")
            .depends("libc6 (>= 2.36)")
            .recommends("nginx | apache2")
            .service(Service::gunicorn("shop.web:create_app()"))
            .directory("/var/lib/shop")
            .link("/opt/shop/var", "/var/lib/shop")
            .configuration_file("etc/shop.toml", "/etc/shop/shop.toml")
            .copyright("LICENCE");
        assert_eq!(mistakes(deb), [""; 0]);
        assert_eq!(mistakes(Deb::new()), [""; 0]);
    }

    #[test]
    fn each_mistake_is_said_for_itself() {
        for (deb, expected) in [
            (Deb::new().package("Shop"), "`Shop` is not a name for a Debian package (Policy 5.6.7)"),
            (Deb::new().depends("libc6 >= 2"), "`libc6 >= 2` is not a relation to a package"),
            (Deb::new().user("Shop"), "`Shop` is not a name for a system user"),
            (Deb::new().directory("/var/lib/shop"), "`/var/lib/shop` has no owner"),
            (Deb::new().user("shop").directory("/home/shop"), "`/home/shop` is not a place for a package"),
            (
                Deb::new().directory(Directory::new("/var/lib/shop").owner("root").mode(0o77777)),
                "`77777` is not a mode for `/var/lib/shop`",
            ),
            (Deb::new().link("/opt/shop/var", "../var"), "`../var` is not an absolute path"),
            (
                Deb::new().configuration_file("a", "/opt/shop/a"),
                "`/opt/shop/a` is not a place for a configuration file",
            ),
            (
                Deb::new().configuration_file("a", "/etc/a").configuration_file("b", "/etc/a"),
                "`/etc/a` is declared twice",
            ),
            (Deb::new().configuration_file("../a", "/etc/a"), "`../a` is not a file of the source"),
            (Deb::new().copyright("/etc/passwd"), "`/etc/passwd` is not a file of the source"),
            (Deb::new().maintainer("somebody"), "`somebody` is not a maintainer (Policy 5.6.2)"),
            (Deb::new().maintainer("A <a@b>\nEssential: yes"), "`.maintainer` has more than one line"),
            (Deb::new().section(""), "`.section` is empty"),
            (Deb::new().description("\nmore"), "`.description` begins with an empty line"),
            (Deb::new().description("x".repeat(81)), "the first line of `.description` has more than 80 characters"),
            (
                Deb::new().service(Service::gunicorn("shop app")),
                "the service of `shop` runs `shop app`, which is not `module:application`",
            ),
            (
                Deb::new().service(Service::gunicorn("shop:app").version("new")),
                "the service of `shop` wants gunicorn `new`, which is not a version",
            ),
            (Deb::new().service(Service::command([""; 0])), "the service of `shop` has no program"),
            (
                Deb::new().service(Service::command(["bin/serve", "--port=80"])),
                "the service of `shop` is not told where to listen",
            ),
            (
                Deb::new().service(Service::gunicorn("shop:app").environment("A B", "")),
                "the service of `shop` has a variable `A B`",
            ),
            (
                Deb::new().service(Service::gunicorn("shop:app").argument("a\nExecStart=/bin/sh")),
                "the service of `shop` has a line break",
            ),
        ] {
            let found = mistakes(deb);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn a_job_whose_name_is_no_package_s_still_has_one_if_it_can() {
        assert_eq!(Deb::new().package_name("my_shop"), "my-shop");
        assert_eq!(Deb::new().package("shop").package_name("my_shop"), "shop");
        assert_eq!(Deb::new().mistakes("s").len(), 1);
    }
}
