//! The HTTP client of the upstream index: certificates, proxy, credentials, retries.

use std::{fs, io, thread, time::Duration};

use ureq::{
    Agent, Body, Proxy,
    http::{Response, StatusCode},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{UpstreamError, credentials::Credentials, netrc, settings::Settings, url};

/// How often a request is tried.
const TRIES: u32 = 3;
/// What is waited before the second try; it doubles.
const BACKOFF: Duration = Duration::from_millis(300);

/// Asks indexes and file servers; cheap requests share connections.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    /// For hosts whose certificates are not looked at.
    trusting: Agent,
    trusted: Vec<String>,
    netrc: String,
    pub(super) offline: bool,
}

impl Client {
    /// A client with these settings.
    ///
    /// # Errors
    /// When the file of certificates or the proxy's URL cannot be used.
    pub(super) fn new(settings: &Settings, offline: bool) -> Result<Self, UpstreamError> {
        // The default of ureq is a list of roots of its own, not the machine's.
        let roots = match &settings.certificates {
            None => RootCerts::PlatformVerifier,
            Some(path) => {
                let unusable = |why: &dyn std::fmt::Display| {
                    UpstreamError::new(format!("reading the certificates in `{}`: {why}", path.display()))
                        .with_hint("pip's `cert`, `REQUESTS_CA_BUNDLE` or `SSL_CERT_FILE` names that file")
                };
                let pem = fs::read(path).map_err(|error| unusable(&error))?;
                let certificates: Vec<_> = parse_pem(&pem)
                    .filter_map(|item| match item {
                        Ok(PemItem::Certificate(certificate)) => Some(certificate),
                        _ => None,
                    })
                    .collect();
                if certificates.is_empty() {
                    return Err(unusable(&"there are none"));
                }
                RootCerts::new_with_certs(&certificates)
            }
        };
        let proxy = settings.proxy.as_deref().map(|proxy| {
            let proxy = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
            let shown = url::split_user(&proxy).0;
            Proxy::new(&proxy).map_err(|_| UpstreamError::new(format!("pip's `proxy` `{shown}` is not a proxy's URL")))
        });
        let proxy = proxy.transpose()?;
        let agent = |trusting: bool| {
            let tls = TlsConfig::builder().root_certs(roots.clone()).disable_verification(trusting).build();
            let mut config = Agent::config_builder()
                .tls_config(tls)
                .http_status_as_error(false)
                .user_agent(concat!("gopythongo/", env!("CARGO_PKG_VERSION")))
                .timeout_connect(Some(settings.timeout))
                .timeout_recv_response(Some(settings.timeout))
                .timeout_per_read(Some(settings.timeout));
            if let Some(proxy) = &proxy {
                config = config.proxy(Some(proxy.clone()));
            }
            Agent::new_with_config(config.build())
        };
        let (trusted, netrc) = (settings.trusted.clone(), settings.netrc.clone());
        Ok(Self { agent: agent(false), trusting: agent(true), trusted, netrc, offline: offline || settings.offline })
    }

    /// Gets a URL; any status but 429 and 5xx is an answer.
    ///
    /// # Errors
    /// When there is no connection, or the server keeps failing.
    pub(super) fn get(
        &self,
        target: &str,
        credentials: Option<&Credentials>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Body>, UpstreamError> {
        if self.offline {
            return Err(UpstreamError::offline(target));
        }
        let trusts = |host: &String| host == url::host(target) || host == url::authority(target);
        let agent = if self.trusted.iter().any(trusts) { &self.trusting } else { &self.agent };
        let from_netrc = credentials.is_none().then(|| netrc::find(&self.netrc, url::host(target))).flatten();
        let (mut attempt, mut wait) = (0, BACKOFF);
        loop {
            attempt += 1;
            let mut request = agent.get(target);
            if is_loopback(url::host(target)) {
                // No proxy reaches this machine's own ports.
                request = request.config().proxy(None).build();
            }
            if let Some(credentials) = credentials.or(from_netrc.as_ref()) {
                request = request.header("authorization", credentials.header());
            }
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = request.call();
            let last = attempt == TRIES;
            match answer {
                Ok(response) if !is_passing(response.status()) => return Ok(response),
                Ok(response) if last => return Err(UpstreamError::status(target, response.status())),
                Err(error) if last || !is_worth_retrying(&error) => {
                    return Err(UpstreamError::connection(target, &error));
                }
                _ => thread::sleep(wait + wait.mul_f64(fastrand::f64() / 2.0)),
            }
            wait *= 2;
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn is_worth_retrying(error: &ureq::Error) -> bool {
    match error {
        // A certificate that is not trusted now will not be in a second.
        ureq::Error::Io(error) => !matches!(error.kind(), io::ErrorKind::InvalidData),
        ureq::Error::Timeout(_)
        | ureq::Error::ConnectionFailed
        | ureq::Error::HostNotFound
        | ureq::Error::Protocol(_) => true,
        _ => false,
    }
}
