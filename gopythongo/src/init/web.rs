//! The object that a web server serves: where it is, and how it is spoken to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::python_source::{statements, strings};

/// Calls that make an application of WSGI (PEP 3333).
const WSGI: [&str; 8] =
    ["App", "Bottle", "Dash", "DispatcherMiddleware", "Eve", "Flask", "get_wsgi_application", "make_wsgi_app"];
/// Calls that make an application of ASGI.
const ASGI: [&str; 8] = [
    "BlackSheep",
    "FastAPI",
    "Litestar",
    "Quart",
    "Sanic",
    "Starlette",
    "get_asgi_application",
    "get_default_application",
];
/// Frameworks whose applications are made by functions of this name, by custom.
const WITH_FACTORIES: [&str; 7] = ["eve", "fastapi", "flask", "litestar", "quart", "sanic", "starlette"];
/// Where health is asked for, the usual ones first.
const HEALTH: [&str; 10] =
    ["/healthz", "/health", "/health/", "/livez", "/readyz", "/-/health", "/_health", "/up", "/ping", "/status"];

/// How a server speaks to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Interface {
    /// PEP 3333.
    Wsgi,
    /// Its asynchronous successor.
    Asgi,
}

/// What a web server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Web {
    /// As servers take it: `shop.wsgi:app`, `flaskr:create_app()`.
    pub(super) object: String,
    /// How a server speaks to it.
    pub(super) interface: Interface,
    /// The path that it seems to answer health checks at.
    pub(super) health: Option<&'static str>,
}

/// Looks for the application in files, which are relative to the source. `needs` are the names of what the source requires.
pub(super) fn find(source: &Path, files: &[PathBuf], needs: &[String]) -> Option<Web> {
    let with_factories = needs.iter().any(|name| WITH_FACTORIES.contains(&name.as_str()));
    let mut found: Vec<(bool, Interface, usize, &PathBuf, String)> = Vec::new();
    let mut health: Option<usize> = None;
    for file in files {
        let Some(module) = module(file) else { continue };
        let Ok(text) = fs::read_to_string(source.join(file)) else { continue };
        for statement in statements(&text) {
            if let Some((name, interface)) = object(statement, &module) {
                found.push((false, interface, file.components().count(), file, format!("{module}:{name}")));
            } else if let Some(name) = factory(statement).filter(|_| with_factories) {
                let interface = if is_asynchronous(needs) { Interface::Asgi } else { Interface::Wsgi };
                found.push((true, interface, file.components().count(), file, format!("{module}:{name}()")));
            }
        }
        let told = strings(&text);
        let here = HEALTH.iter().position(|path| told.contains(path));
        health = [health, here].into_iter().flatten().min();
    }
    let (_, interface, _, _, object) = found.into_iter().min()?;
    Some(Web { object, interface, health: health.map(|place| HEALTH[place]) })
}

/// The module of a file: `shop.wsgi` of `src/shop/wsgi.py`.
fn module(file: &Path) -> Option<String> {
    let file = file.strip_prefix("src").unwrap_or(file);
    let stem = file.with_extension("");
    let path = if stem.ends_with("__init__") { stem.parent()? } else { &stem };
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str().filter(|part| is_identifier(part))).collect();
    parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("."))
}

/// The name that a statement gives to an application, and its interface.
fn object<'a>(statement: &'a str, module: &str) -> Option<(&'a str, Interface)> {
    let (left, right) = statement.split_once('=')?;
    let name = left.split(':').next()?.trim();
    let right = right.trim_start();
    if !is_identifier(name) || right.starts_with('=') {
        return None;
    }
    let callee = right.split_once('(').map(|(callee, _)| callee.trim()).unwrap_or_default();
    let last = callee.rsplit('.').next().unwrap_or_default();
    // `App` is falcon's, and many others': the module must say whose
    let is_falcon = |asynchronous: bool| callee.starts_with("falcon.") && callee.contains("asgi") == asynchronous;
    if ASGI.contains(&last) || (last == "App" && is_falcon(true)) {
        return Some((name, Interface::Asgi));
    }
    if WSGI.contains(&last) && (last != "App" || is_falcon(false)) {
        return Some((name, Interface::Wsgi));
    }
    let is_usual = name == "app" || name == "application";
    match module.rsplit('.').next() {
        Some("wsgi") if is_usual => Some((name, Interface::Wsgi)),
        Some("asgi") if is_usual => Some((name, Interface::Asgi)),
        _ => None,
    }
}

/// The name of a function that makes an application.
fn factory(statement: &str) -> Option<&'static str> {
    let name = statement.strip_prefix("def ")?.split('(').next()?.trim();
    ["create_app", "make_app"].into_iter().find(|usual| *usual == name)
}

fn is_asynchronous(needs: &[String]) -> bool {
    let asynchronous = ["fastapi", "litestar", "quart", "sanic", "starlette"];
    needs.iter().any(|name| asynchronous.contains(&name.as_str())) && !needs.iter().any(|name| name == "flask")
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn found(files: &[(&str, &str)], needs: &[&str]) -> Option<(String, Interface, Option<&'static str>)> {
        let directory = tree(files);
        let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.into()).collect();
        let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
        find(directory.path(), &paths, &needs).map(|web| (web.object, web.interface, web.health))
    }

    #[test]
    fn applications_are_known_by_what_makes_them() {
        let flask = ("src/shop/__init__.py", "app = Flask(__name__)\n@app.route('/health')\ndef x(): pass\n");
        assert_eq!(found(&[flask], &[]), Some(("shop:app".into(), Interface::Wsgi, Some("/health"))));
        let api = ("api/main.py", "from fastapi import FastAPI\n\napi: FastAPI = fastapi.FastAPI(title='x')\n");
        assert_eq!(found(&[api], &[]), Some(("api.main:api".into(), Interface::Asgi, None)));
        assert_eq!(found(&[("x.py", "window = App()\n"), ("y.py", "x = falcon.App()\n")], &[]), {
            Some(("y:x".into(), Interface::Wsgi, None))
        });
    }

    #[test]
    fn a_module_for_servers_says_it_by_its_name() {
        let own = ("src/shop/wsgi.py", "app = Shop(assortment())\nif path == \"/healthz\": pass\n");
        assert_eq!(found(&[own], &[]), Some(("shop.wsgi:app".into(), Interface::Wsgi, Some("/healthz"))));
        let django = [
            ("desk/asgi.py", "application = get_asgi_application()\n"),
            ("desk/wsgi.py", "application = get_wsgi_application()\n"),
        ];
        assert_eq!(found(&django, &[]), Some(("desk.wsgi:application".into(), Interface::Wsgi, None)));
    }

    #[test]
    fn functions_that_make_applications_count_where_a_framework_is_required() {
        let flaskr = ("flaskr/__init__.py", "def create_app(test_config=None):\n    app = Flask(__name__)\n");
        assert_eq!(found(&[flaskr], &["flask"]), Some(("flaskr:create_app()".into(), Interface::Wsgi, None)));
        assert_eq!(found(&[flaskr], &["werkzeug"]), None);
        let both = [flaskr, ("flaskr/run.py", "app = create_app()\n"), ("flaskr/wsgi.py", "app = create_app()\n")];
        assert_eq!(found(&both, &["flask"]).map(|found| found.0).as_deref(), Some("flaskr.wsgi:app"));
    }
}
