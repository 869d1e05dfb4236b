//! `serve`: the packages of this pipeline as an index, until SIGINT or SIGTERM.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{Error, Exit, Session, arguments::Wanted, engine, place, print, session::owned};
use crate::{
    context::Secret,
    index::{Server, ServerOptions},
    store::{Repository, Store},
    support::words,
};

/// How many random bytes a token has.
const TOKEN: usize = 24;

/// `serve`
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The port; 0 picks a free one
    #[arg(long, default_value_t = 8437)]
    port: u16,
    /// The address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    #[command(flatten)]
    wanted: Wanted,
}

impl Serve {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Error::lacking(format!("cannot handle signals: {error}")))?;
        let context = session.context(&self.wanted)?;
        session.place.make_state()?;
        let store = Store::open(&session.place.state.join("store"))?;
        let path = session.place.state.join("token");
        let token =
            token(&path).map_err(|error| Error::lacking(format!("cannot make `{}`: {error}", path.display())))?;
        let upstream = engine::upstream(session, &context)?;
        let channels: Vec<String> = store.current()?.channels.keys().cloned().collect();
        let options = ServerOptions {
            address: SocketAddr::new(self.host, self.port),
            owned: owned(&context),
            token: Some(Secret::new(token)),
            port_file: None,
        };
        let repository = store.repository()?;
        let server = Server::start(store, upstream, options)?;
        let channels = if channels.is_empty() { vec![context.channel] } else { channels };
        let debs =
            repository.iter().flat_map(|repository| sources(&server.apt_url(), &session.pipeline.name, repository));
        let lines = describe(&server, &channels, &path).into_iter().chain(debs);
        lines.chain(["until Ctrl-C".to_owned()]).for_each(print::result);
        signals.forever().next();
        Ok(Exit::Done)
    }
}

/// What to type, in lines.
fn describe(server: &Server, channels: &[String], token: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let token = words::shell(&place::shown(token).to_string_lossy());
    for channel in channels {
        let url = server.channel_url(channel);
        lines.push(format!("channel {channel}: {url}"));
        lines.push(format!("  pip install --index-url {url} NAME"));
        lines.push(format!("  uv pip install --default-index {url} NAME"));
        let upload = url.strip_suffix("simple/").unwrap_or(&url);
        lines.push(format!("  twine upload --repository-url {upload} -u upload -p \"$(cat {token})\" dist/*"));
    }
    lines
}

/// What apt is to be told, in lines: over HTTP with the key fetched first, and on this machine by path.
fn sources(url: &str, pipeline: &str, repository: &Repository) -> Vec<String> {
    let mut lines = vec![format!("apt repository: {url}")];
    let path = repository.path.display();
    let (remote, local) = match &repository.key {
        Some(key) => {
            let keyring = format!("/etc/apt/keyrings/{pipeline}.asc");
            lines.push(format!("  curl --create-dirs -o {keyring} {url}/key.asc"));
            (format!("signed-by={keyring}"), format!("signed-by={}", key.display()))
        }
        None => {
            lines.push("  it is not signed, as there was no gpg when it was promoted".to_owned());
            ("trusted=yes".to_owned(), "trusted=yes".to_owned())
        }
    };
    for suite in &repository.suites {
        lines.push(format!("  deb [{remote}] {url} {suite} main"));
        lines.push(format!("  deb [{local}] file:{path} {suite} main"));
    }
    lines
}

/// The token in a file that only its owner reads; made on first use, whole or not at all.
fn token(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(token) if token.trim().is_empty() => return Err(io::Error::other("it is empty; remove it")),
        Ok(token) => return Ok(token.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut bytes = [0; TOKEN];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    // temporary files are made for their owner only
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(format!("{token}\n").as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(token),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(fs::read_to_string(path)?.trim().to_owned())
        }
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn apt_is_told_where_the_key_is() {
        let mut repository = Repository {
            suites: vec!["develop".to_owned(), "release/1.5.0".to_owned()],
            path: "/s/store/current/apt".into(),
            key: Some("/s/store/current/apt/key.asc".into()),
        };
        let url = "http://127.0.0.1:8437/apt";
        assert_eq!(
            sources(url, "storefront", &repository),
            [
                "apt repository: http://127.0.0.1:8437/apt",
                "  curl --create-dirs -o /etc/apt/keyrings/storefront.asc http://127.0.0.1:8437/apt/key.asc",
                "  deb [signed-by=/etc/apt/keyrings/storefront.asc] http://127.0.0.1:8437/apt develop main",
                "  deb [signed-by=/s/store/current/apt/key.asc] file:/s/store/current/apt develop main",
                "  deb [signed-by=/etc/apt/keyrings/storefront.asc] http://127.0.0.1:8437/apt release/1.5.0 main",
                "  deb [signed-by=/s/store/current/apt/key.asc] file:/s/store/current/apt release/1.5.0 main",
            ]
        );
        repository.key = None;
        let lines = sources(url, "storefront", &repository);
        assert_eq!(lines[1], "  it is not signed, as there was no gpg when it was promoted");
        assert_eq!(lines[2], "  deb [trusted=yes] http://127.0.0.1:8437/apt develop main");
    }

    #[test]
    fn a_token_is_made_once_and_for_its_owner_only() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("token");
        let first = token(&path).expect("made");
        assert_eq!(first.len(), TOKEN * 4 / 3);
        assert_eq!(token(&path).expect("read"), first);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::write(&path, "").expect("written");
        assert!(token(&path).is_err(), "an empty token would let everybody in");
    }
}
