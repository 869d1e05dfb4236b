//! Whether the `Release` file of an apt repository is signed by a key of a keyring, as `Signed-By` of apt's sources asks for
//! (sources.list(5)): `gpgv` or `sqv` says so.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::UpstreamError;

/// How the armour of a key begins and ends (RFC 9580, 6.2).
const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// Refuses a `Release` file without a good signature by a key of the keyring. `shown` is its URL.
///
/// # Errors
/// When there is no such signature, no such keyring, or no program that verifies.
pub(super) fn verify(release: &[u8], signature: &[u8], keyring: &Path, shown: &str) -> Result<(), UpstreamError> {
    let keys = fs::read(keyring).map_err(|error| {
        let error = UpstreamError::new(format!("cannot read the keyring `{}`: {error}", keyring.display()));
        error.with_hint("`.signed_by(…)` names a file of public keys, relative to the pipeline's root")
    })?;
    let failed = |error: std::io::Error| UpstreamError::new(format!("cannot verify `{shown}`: {error}"));
    let scratch = tempfile::tempdir().map_err(failed)?;
    let place = |name: &str| scratch.path().join(name);
    // gpgv reads no armour here
    for (name, bytes) in [("keyring.gpg", &binary(&keys)[..]), ("Release", release), ("Release.gpg", signature)] {
        fs::write(place(name), bytes).map_err(failed)?;
    }
    let (program, is_gpgv) = match (which::which("gpgv"), which::which("sqv")) {
        (Ok(program), _) => (program, true),
        (Err(_), Ok(program)) => (program, false),
        (Err(_), Err(_)) => {
            let error = UpstreamError::new(format!("cannot verify `{shown}`: neither `gpgv` nor `sqv` is on PATH"));
            return Err(error.with_hint("install gpgv"));
        }
    };
    let mut command = Command::new(program);
    command.env_clear().env("GNUPGHOME", scratch.path()).env("LC_ALL", "C.UTF-8").current_dir(scratch.path());
    if is_gpgv {
        command.args(["--status-fd", "1"]);
    }
    command.arg("--keyring").arg(place("keyring.gpg")).args(["Release.gpg", "Release"]).stdin(Stdio::null());
    let said = command.output().map_err(failed)?;
    let status = String::from_utf8_lossy(&said.stdout);
    let is_good = if is_gpgv { is_good(&status) } else { said.status.success() };
    if is_good {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&said.stderr).lines().last().unwrap_or_default().to_owned();
    let error = UpstreamError::new(format!("`{shown}` is not signed by a key of `{}`: {why}", keyring.display()));
    Err(error
        .with_hint("give the repository's key by `.signed_by(…)`; if it is that, somebody has changed the repository"))
}

/// As apt takes it: one good signature is enough, those by keys that are not here do not count, and a bad one is too much
/// (GnuPG's DETAILS, "General status codes").
fn is_good(status: &str) -> bool {
    let has = |word: &str| status.lines().any(|line| line.split(' ').nth(1) == Some(word));
    has("GOODSIG") && has("VALIDSIG") && !has("BADSIG")
}

/// Keys without their armour.
fn binary(keys: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(keys);
    if !text.contains(BEGIN) {
        return keys.to_vec();
    }
    let blocks = text.split(BEGIN).skip(1).filter_map(|block| block.split(END).next());
    let bodies = blocks.filter_map(|block| {
        // headers end with an empty line, and a checksum begins with `=`
        let body = block.lines().map(str::trim).skip(1).skip_while(|line| !line.is_empty());
        let body: String = body.take_while(|line| !line.starts_with('=')).collect();
        BASE64_STANDARD.decode(body).ok()
    });
    bodies.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_signature_is_enough_and_a_bad_one_too_much() {
        let good = "[GNUPG:] GOODSIG 12AB x\n[GNUPG:] VALIDSIG 12AB\n";
        assert!(is_good(good) && is_good(&format!("[GNUPG:] NO_PUBKEY 34CD\n{good}")));
        assert!(!is_good(&format!("{good}[GNUPG:] BADSIG 34CD y\n")));
        assert!(!is_good("[GNUPG:] EXPKEYSIG 12AB x\n[GNUPG:] VALIDSIG 12AB\n") && !is_good(""));
    }

    #[test]
    fn armour_is_taken_off() {
        let armoured = format!("{BEGIN}\nComment: x\n\nQUJD\nREVG\n=aaaa\n{END}\n");
        assert_eq!(binary(armoured.as_bytes()), b"ABCDEF");
        assert_eq!(binary(format!("{armoured}{BEGIN}\n\nR0hJ\n{END}\n").as_bytes()), b"ABCDEFGHI");
        assert_eq!(binary(b"\x99\x01"), b"\x99\x01");
    }
}
