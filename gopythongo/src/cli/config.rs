//! `config`: the pipeline's settings, and where each value comes from.

use clap::Args;
use serde_json::json;

use super::{Error, Exit, Session, print};
use crate::context::settings::Setting;

/// `config`
#[derive(Debug, Args)]
pub(super) struct Config {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        if self.json {
            print::result(json!({ "version": 1, "settings": session.settings }).to_string());
        } else if session.settings.is_empty() {
            print::note(format!("pipeline `{}` takes no settings", session.pipeline.name));
        } else {
            print::result(table(&session.settings));
        }
        Ok(Exit::Done)
    }
}

/// A line each: key, value, origin.
fn table(settings: &[Setting]) -> String {
    let shown: Vec<(&str, String)> = settings.iter().map(|setting| (setting.key.as_str(), value(setting))).collect();
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default() + 2;
    let keys = width(&mut shown.iter().map(|(key, _)| key.chars().count()));
    let values = width(&mut shown.iter().map(|(_, value)| value.chars().count()));
    let line = |((key, value), setting): (&(&str, String), &Setting)| {
        format!("{key:<keys$}{value:<values$}{}", setting.origin)
    };
    shown.iter().zip(settings).map(line).collect::<Vec<_>>().join("\n")
}

fn value(setting: &Setting) -> String {
    match &setting.value {
        serde_json::Value::Null => "not set".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
