//! Which index pip or uv use here, and how they reach it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{
    UpstreamError,
    ask::{self, PipAnswer},
    credentials::Credentials,
    netrc, url,
};

/// pip's own default, in seconds.
const TIMEOUT: u64 = 15;

/// Where the upstream index is and how to talk to it.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Asked in this order; the first that knows a project decides. Additional indexes come before the main one, as in uv,
    /// so that nobody can take a private name by publishing it.
    pub(super) indexes: Vec<Endpoint>,
    /// A file of certificates (PEM) to trust instead of the system's.
    pub(super) certificates: Option<PathBuf>,
    /// A proxy that pip is configured to use; otherwise the environment decides.
    pub(super) proxy: Option<String>,
    /// For one answer.
    pub(super) timeout: Duration,
    /// Hosts whose certificates are not looked at (pip's `trusted-host`), with or without a port.
    pub(super) trusted: Vec<String>,
    /// The text of the user's netrc file.
    pub(super) netrc: String,
    /// Whether nothing may be asked (`UV_OFFLINE`).
    pub(super) offline: bool,
}

/// One index.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// Its simple index without credentials, with a final slash.
    pub(super) url: String,
    pub(super) credentials: Option<Credentials>,
    /// Who said so: `PIP_INDEX_URL`, `pip's configuration`, `uv's default` …
    pub(super) from: &'static str,
}

/// What settings are found from; tests replace it.
pub(super) struct Surroundings {
    pub(super) environment: BTreeMap<String, String>,
    pub(super) pip: PipAnswer,
    /// uv's configuration files, the user's first.
    pub(super) uv: Vec<UvFile>,
    /// uv's default; asked only where pip has none.
    pub(super) uv_default: fn() -> Option<String>,
    pub(super) netrc: String,
}

/// What matters here in a `uv.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct UvFile {
    index: Vec<UvIndex>,
    index_url: Option<String>,
    extra_index_url: Vec<String>,
    pip: UvPip,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct UvPip {
    index_url: Option<String>,
    extra_index_url: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UvIndex {
    url: String,
    default: bool,
    explicit: bool,
}

impl Surroundings {
    /// This process's environment, and what pip and uv say here.
    pub(super) fn here(python: &Path, cache: &Path) -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let home = get("HOME").map(PathBuf::from);
        let config =
            get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(".config")));
        let named = get("PIP_CONFIG_FILE").map(AsRef::as_ref);
        let files = ask::pip_files(python, named, home.as_deref(), config.as_deref());
        let pip = ask::pip(python, &files, cache).unwrap_or_default();
        let uv_files = match get("UV_CONFIG_FILE") {
            Some(file) => vec![PathBuf::from(file)],
            None => config
                .iter()
                .map(|config| config.join("uv/uv.toml"))
                .chain([PathBuf::from("/etc/uv/uv.toml")])
                .collect(),
        };
        let uv = uv_files.iter().filter_map(|file| toml::from_str(&fs::read_to_string(file).ok()?).ok()).collect();
        let netrc = netrc::read(get("NETRC").map(String::as_str), home.as_deref());
        Self { pip, uv, uv_default: ask::uv, netrc, environment }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A setting of pip: its variable, else its configuration files, the command's section before the general one.
    fn pip(&self, key: &str) -> Option<&str> {
        let variable = format!("PIP_{}", key.to_uppercase().replace('-', "_"));
        self.variable(&variable).or_else(|| self.pip_file(key))
    }

    fn pip_file(&self, key: &str) -> Option<&str> {
        ["install", "download", "global"]
            .iter()
            .find_map(|section| self.pip.configuration.get(&format!("{section}.{key}")))
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }
}

impl Settings {
    /// Finds the settings.
    ///
    /// # Errors
    /// When neither pip nor uv say an index, or pip is told to use none.
    pub(super) fn find(here: &Surroundings) -> Result<Self, UpstreamError> {
        if here.pip("no-index").is_some_and(|value| !matches!(value, "0" | "false" | "no" | "off")) {
            return Err(UpstreamError::new("pip is told to use no index (`no-index`)")
                .with_hint("unset `PIP_NO_INDEX` or remove `no-index` from pip's configuration"));
        }
        let mut indexes: Vec<Endpoint> = Vec::new();
        for (url, from) in extras(here).chain([main(here)?]) {
            let endpoint = Endpoint::new(&url, from, &here.netrc)?;
            if indexes.iter().all(|index| index.url != endpoint.url) {
                indexes.push(endpoint);
            }
        }
        let certificates = here
            .pip("cert")
            .or_else(|| {
                ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"].iter().find_map(|name| here.variable(name))
            })
            .map(PathBuf::from)
            // requests allows for a directory of hashed names; that is what the system's store is.
            .filter(|path| !path.is_dir());
        let timeout =
            here.pip("timeout").or_else(|| here.pip("default-timeout")).or_else(|| here.variable("UV_HTTP_TIMEOUT"));
        let timeout = timeout.and_then(|text| text.parse::<f64>().ok()).filter(|seconds| *seconds > 0.0);
        Ok(Self {
            indexes,
            certificates,
            proxy: here.pip("proxy").map(str::to_owned),
            timeout: timeout
                .map_or(Duration::from_secs(TIMEOUT), |seconds| Duration::from_secs_f64(seconds.min(3600.0))),
            trusted: here.pip("trusted-host").map(words).unwrap_or_default(),
            netrc: here.netrc.clone(),
            offline: here.variable("UV_OFFLINE").is_some_and(|value| !matches!(value, "0" | "false")),
        })
    }
}

impl Endpoint {
    fn new(url: &str, from: &'static str, netrc: &str) -> Result<Self, UpstreamError> {
        let (bare, user) = url::split_user(url);
        if !url::is_http(&bare) {
            return Err(UpstreamError::new(format!("`{bare}`, the index of {from}, is not an `http` or `https` URL")));
        }
        let credentials = match user {
            Some((user, password)) => Some(Credentials::new(&user, &password)),
            None => netrc::find(netrc, url::host(&bare)),
        };
        Ok(Self { url: format!("{}/", bare.trim_end_matches('/')), credentials, from })
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn main(here: &Surroundings) -> Result<(String, &'static str), UpstreamError> {
    let variable = |name: &'static str| here.variable(name).map(|url| (url.to_owned(), name));
    let named = |url: &str| named_url(url).to_owned();
    variable("PIP_INDEX_URL")
        .or_else(|| variable("UV_DEFAULT_INDEX").map(|(url, from)| (named(&url), from)))
        .or_else(|| variable("UV_INDEX_URL"))
        .or_else(|| here.pip_file("index-url").map(|url| (url.to_owned(), "pip's configuration")))
        .or_else(|| here.uv.iter().find_map(UvFile::main).map(|url| (url, "uv's configuration")))
        .or_else(|| here.pip.default.clone().map(|url| (url, "pip's default")))
        .or_else(|| (here.uv_default)().map(|url| (url, "uv's default")))
        .ok_or_else(|| {
            UpstreamError::new("no package index is known: neither pip nor uv says one")
                .with_hint("install pip or uv, or set `PIP_INDEX_URL`")
        })
}

fn extras(here: &Surroundings) -> impl Iterator<Item = (String, &'static str)> {
    let list = |text: Option<&str>, from: &'static str| {
        text.map(words).unwrap_or_default().into_iter().map(move |url| (named_url(&url).to_owned(), from))
    };
    list(here.variable("UV_INDEX"), "UV_INDEX")
        .chain(list(here.variable("UV_EXTRA_INDEX_URL"), "UV_EXTRA_INDEX_URL"))
        .chain(here.uv.iter().flat_map(UvFile::extras).map(|url| (url, "uv's configuration")))
        .chain(list(here.pip("extra-index-url"), "pip's `extra-index-url`"))
        // uv's own environment may name a directory as an index; it is no business of an index client.
        .filter(|(url, _)| url.contains("://") && !url.starts_with("file:"))
}

/// uv writes an index as `URL` or `NAME=URL`.
fn named_url(text: &str) -> &str {
    match text.split_once('=') {
        Some((name, url)) if !name.contains([':', '/']) => url,
        _ => text,
    }
}

impl UvFile {
    fn main(&self) -> Option<String> {
        let declared = self.index.iter().find(|index| index.default).map(|index| &index.url);
        declared.or(self.index_url.as_ref()).or(self.pip.index_url.as_ref()).cloned()
    }

    fn extras(&self) -> Vec<String> {
        let declared = self.index.iter().filter(|index| !index.default && !index.explicit).map(|index| &index.url);
        declared.chain(&self.extra_index_url).chain(&self.pip.extra_index_url).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(environment: &[(&str, &str)], pip: &[(&str, &str)], uv: &str) -> Surroundings {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Surroundings {
            environment: map(environment),
            pip: PipAnswer { configuration: map(pip), default: Some("https://default.example/simple".into()) },
            uv: vec![toml::from_str(uv).expect("TOML")],
            uv_default: || None,
            netrc: "machine private.example login me password from-netrc\n".into(),
        }
    }

    fn urls(settings: &Settings) -> Vec<&str> {
        settings.indexes.iter().map(|index| index.url.as_str()).collect()
    }

    #[test]
    fn without_settings_it_is_what_pip_says() {
        let settings = Settings::find(&here(&[], &[], "")).expect("settings");
        assert_eq!(urls(&settings), ["https://default.example/simple/"]);
        assert_eq!((settings.indexes[0].from, settings.timeout), ("pip's default", Duration::from_secs(15)));
    }

    #[test]
    fn the_environment_comes_before_files_and_pip_before_uv() {
        let pip = [("global.index-url", "https://global.example"), ("install.index-url", "https://install.example")];
        let uv = "[[index]]\nurl = 'https://uv.example'\ndefault = true\n";
        let one = |environment: &[(&str, &str)], pip: &[(&str, &str)]| {
            urls(&Settings::find(&here(environment, pip, uv)).expect("settings"))[0].to_owned()
        };
        assert_eq!(one(&[], &[]), "https://uv.example/");
        assert_eq!(one(&[], &pip), "https://install.example/");
        assert_eq!(one(&[("UV_DEFAULT_INDEX", "corp=https://u.example/")], &pip), "https://u.example/");
        assert_eq!(
            one(&[("UV_DEFAULT_INDEX", "https://u.example"), ("PIP_INDEX_URL", "https://p.example")], &pip),
            "https://p.example/"
        );
    }

    #[test]
    fn additional_indexes_are_asked_first_and_once() {
        let settings = Settings::find(&here(
            &[("PIP_EXTRA_INDEX_URL", "https://a.example\nhttps://b.example"), ("UV_INDEX", "b=https://b.example/")],
            &[],
            "extra-index-url = ['https://c.example']\n",
        ))
        .expect("settings");
        assert_eq!(
            urls(&settings),
            ["https://b.example/", "https://c.example/", "https://a.example/", "https://default.example/simple/"]
        );
    }

    #[test]
    fn credentials_come_from_the_url_or_netrc_and_are_not_shown() {
        let find = |url: &str| Settings::find(&here(&[("PIP_INDEX_URL", url)], &[], "")).expect("settings");
        let settings = find("https://you:hunter2@private.example/simple");
        assert_eq!(urls(&settings), ["https://private.example/simple/"]);
        let credentials = settings.indexes[0].credentials.as_ref().expect("credentials");
        assert_eq!((credentials.user.as_str(), credentials.password.expose()), ("you", "hunter2"));
        assert!(!format!("{:?}", settings.indexes).contains("hunter2"));
        let settings = find("https://private.example/simple");
        assert_eq!(settings.indexes[0].credentials.as_ref().map(|c| c.password.expose()), Some("from-netrc"));
    }

    #[test]
    fn certificates_timeouts_and_trust_are_pips() {
        let settings = Settings::find(&here(
            &[("SSL_CERT_FILE", "/system.pem"), ("PIP_DEFAULT_TIMEOUT", "180")],
            &[("global.cert", "/corporate.pem"), ("global.trusted-host", "a.example b.example:8443")],
            "",
        ))
        .expect("settings");
        assert_eq!(settings.certificates.as_deref(), Some(Path::new("/corporate.pem")));
        assert_eq!(settings.timeout, Duration::from_secs(180));
        assert_eq!(settings.trusted, ["a.example", "b.example:8443"]);
    }

    #[test]
    fn no_index_is_an_error_that_says_so() {
        let error = Settings::find(&here(&[("PIP_NO_INDEX", "1")], &[], "")).expect_err("no index");
        assert!(error.to_string().contains("`no-index`"), "{error}");
        let error = Settings::find(&here(&[("PIP_INDEX_URL", "/srv/index")], &[], "")).expect_err("a directory");
        assert_eq!(error.to_string(), "`/srv/index`, the index of PIP_INDEX_URL, is not an `http` or `https` URL");
    }
}
