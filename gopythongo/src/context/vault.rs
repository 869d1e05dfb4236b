//! A client of Vault and OpenBao: logging in, and reading a field of the key-value engine, version 2. Does I/O.
//!
//! <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>, <https://openbao.org/api-docs/auth/approle/>

use std::{fs, path::PathBuf, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::{
    Agent,
    http::{Response, StatusCode},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::{Redactor, Secret, secrets::SecretError};
use crate::ci::Variables;

/// For one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What of a path stands in a URL as it is.
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where Vault is, and who asks.
pub(super) struct VaultAddress {
    url: String,
    namespace: Option<String>,
    certificates: Option<PathBuf>,
    who: Who,
}

enum Who {
    Token(Secret),
    Role { role: String, secret: Secret },
}

impl VaultAddress {
    /// By the variables that Vault's and OpenBao's own commands read, and the token that `vault login` leaves.
    ///
    /// # Errors
    /// When they do not say where it is, or who asks.
    pub(super) fn of(variables: &Variables) -> Result<Self, SecretError> {
        let said = |name: &str| {
            let names = [format!("BAO_{name}"), format!("VAULT_{name}")];
            names.iter().find_map(|name| variables.get(name)).map(ToOwned::to_owned)
        };
        let url = said("ADDR").ok_or_else(|| {
            SecretError::new("a secret is in Vault, and nothing says where Vault is", "set `VAULT_ADDR`")
        })?;
        let token = || {
            let file = PathBuf::from(variables.get("HOME")?).join(".vault-token");
            let text = fs::read_to_string(file).ok()?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let who = match (said("TOKEN"), said("ROLE_ID"), said("SECRET_ID")) {
            (Some(token), ..) => Who::Token(Secret::new(token)),
            (None, Some(role), Some(secret)) => Who::Role { role, secret: Secret::new(secret) },
            _ => Who::Token(Secret::new(token().ok_or_else(|| {
                let hint = "set `VAULT_TOKEN`, or `VAULT_ROLE_ID` and `VAULT_SECRET_ID`, or log in by hand";
                SecretError::new(format!("nothing says who asks `{}` for a secret", shown(&url)), hint)
            })?)),
        };
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, namespace: said("NAMESPACE"), certificates: said("CACERT").map(PathBuf::from), who })
    }
}

/// Somebody who may ask Vault.
pub(super) struct Vault {
    agent: Agent,
    url: String,
    namespace: Option<String>,
    token: Secret,
}

impl Vault {
    /// Takes a token, or one for a role. The redactor learns all that could be used in its place.
    ///
    /// # Errors
    /// When Vault does not answer, or knows no such role.
    pub(super) fn log_in(address: VaultAddress, redactor: &Redactor) -> Result<Self, SecretError> {
        let VaultAddress { url, namespace, certificates, who } = address;
        let agent = agent(certificates)?;
        let token = match who {
            Who::Token(token) => token,
            Who::Role { role, secret } => {
                redactor.learn("the login to Vault", secret.clone());
                let target = format!("{url}/v1/auth/approle/login");
                let mut request = agent.post(&target);
                if let Some(namespace) = &namespace {
                    request = request.header("x-vault-namespace", namespace);
                }
                let answer = {
                    let body = json!({ "role_id": role, "secret_id": secret.expose() });
                    request.header("content-type", "application/json").send(body.to_string())
                };
                let answer = answered(&target, answer)?;
                let token = answer.pointer("/auth/client_token").and_then(Value::as_str);
                Secret::new(token.ok_or_else(|| strange(&target))?)
            }
        };
        redactor.learn("the login to Vault", token.clone());
        Ok(Self { agent, url, namespace, token })
    }

    /// A field of a secret: text as it is, everything else as JSON.
    ///
    /// # Errors
    /// When Vault does not answer, does not let the asker read it, or has no such secret or field.
    pub(super) fn read(&self, mount: Option<&str>, path: &str, field: &str) -> Result<String, SecretError> {
        let path = path.trim_matches('/');
        let (mount, path) = match mount {
            Some(mount) => (mount.trim_matches('/'), path),
            None => path.split_once('/').ok_or_else(|| {
                let message =
                    format!("`{path}` is no secret in Vault: the first part of a path is where its engine is mounted");
                SecretError::new(message, "write `SecretFrom::vault(\"secret/shop\", ..)`, or add `.mount(..)`")
            })?,
        };
        let target =
            format!("{}/v1/{}/data/{}", self.url, utf8_percent_encode(mount, &PATH), utf8_percent_encode(path, &PATH));
        let mut request = self.agent.get(&target).header("x-vault-token", self.token.expose());
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        let answer = answered(&target, request.call())?;
        let data = answer.pointer("/data/data").and_then(Value::as_object).ok_or_else(|| strange(&target))?;
        match data.get(field) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value) => Ok(value.to_string()),
            None => {
                let message = format!("`{}` has no field `{field}`", shown(&target));
                let fields: Vec<String> = data.keys().map(|name| format!("`{name}`")).collect();
                Err(SecretError::new(message, format!("it has {}", crate::support::words::list(&fields))))
            }
        }
    }
}

fn agent(certificates: Option<PathBuf>) -> Result<Agent, SecretError> {
    let roots = match certificates {
        None => RootCerts::PlatformVerifier,
        Some(path) => {
            let unusable = |why: &dyn std::fmt::Display| {
                let message = format!("reading the certificates in `{}`: {why}", path.display());
                SecretError::new(message, "`VAULT_CACERT` names that file")
            };
            let pem = fs::read(&path).map_err(|error| unusable(&error))?;
            let certificates = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            let certificates: Vec<_> = certificates.collect();
            if certificates.is_empty() {
                return Err(unusable(&"there are none"));
            }
            RootCerts::new_with_certs(&certificates)
        }
    };
    let config = Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        // a redirection would take the token along to nobody knows where
        .max_redirects(0)
        .user_agent(concat!("gopythongo/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(PATIENCE));
    Ok(Agent::new_with_config(config.build()))
}

/// What the server says, if it is what was asked for.
fn answered(target: &str, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<Value, SecretError> {
    let mut answer = answer.map_err(|error| {
        let mut error =
            SecretError::new(format!("asking `{}`: {error}", shown(target)), "is Vault there, and unsealed?");
        error.is_passing = true;
        error
    })?;
    let status = answer.status();
    if status == StatusCode::OK {
        return parsed(&mut answer).ok_or_else(|| strange(target));
    }
    let said = parsed(&mut answer);
    let said = said.as_ref().and_then(|said| said.pointer("/errors/0")).and_then(Value::as_str).unwrap_or_default();
    let message = format!("`{}` answered {status}{}{said}", shown(target), if said.is_empty() { "" } else { ": " });
    let hint = match status {
        StatusCode::FORBIDDEN => "the token has ended, or its policies do not let it read this",
        StatusCode::NOT_FOUND => "is the path right, and the engine one of version 2?",
        StatusCode::BAD_REQUEST => "a role's secret id that is used up, or a path that is none",
        _ => "is Vault there, and unsealed?",
    };
    let mut error = SecretError::new(message, hint);
    error.is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    Err(error)
}

fn parsed(answer: &mut Response<ureq::Body>) -> Option<Value> {
    serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
}

fn strange(target: &str) -> SecretError {
    let message = format!("`{}` answered something else than Vault does", shown(target));
    SecretError::new(message, "is `VAULT_ADDR` that of Vault or OpenBao?")
}

/// A URL as people may see it: without a user.
fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}
