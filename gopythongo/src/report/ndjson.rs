//! Events for machines: one JSON object a line, versioned, and read back for a replay.
//!
//! `{"version":1,"time":"2026-11-23T03:01:02.345Z","run":"…","type":"step-finished","step":"money/pytest","outcome":"passed","ms":1234,
//! "tests":{"passed":78,"failed":0,"skipped":0}}`: what an event holds stands at the top; fields without a value are left out.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{
    HELD,
    quick::{Clock, Quick},
};
use crate::{
    context::Redactor,
    event::{Event, Sink, Stamped},
    run::Receipt,
    support::{Digest, Hasher},
};

/// The version of the lines' shape.
pub(super) const VERSION: u32 = 1;

/// The fields that readers look for first stand first.
const HEAD: [&str; 6] = ["version", "time", "run", "type", "step", "outcome"];

/// Writes each event as a line of JSON. Lines that say that nothing was done wait for others, but for no longer than a tick.
pub struct Ndjson {
    redactor: Redactor,
    held: Held,
    clock: Clock,
}

/// Lines that wait to be written, to several places. What does not fit is written as it comes.
struct Held {
    bytes: Vec<u8>,
    to: Vec<Box<dyn Write + Send>>,
}

impl Held {
    fn pass(&mut self, bytes: &[u8]) {
        for to in &mut self.to {
            // Nobody is left to tell when the reader is gone: the run goes on.
            let _ = to.write_all(bytes).and_then(|()| to.flush());
        }
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > HELD {
            self.flush()?;
        }
        match bytes.len() > HELD {
            true => self.pass(bytes),
            false => self.bytes.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        if !bytes.is_empty() {
            self.pass(&bytes);
        }
        bytes.clear();
        self.bytes = bytes;
        Ok(())
    }
}

impl Ndjson {
    /// Lines to a writer, flushed one by one.
    #[must_use]
    pub fn new(redactor: Redactor, to: impl Write + Send + 'static) -> Self {
        let held = Held { bytes: Vec::new(), to: vec![Box::new(to)] };
        Self { redactor, held, clock: Clock::default() }
    }

    /// The same lines to another writer, too.
    #[must_use]
    pub fn and(mut self, to: impl Write + Send + 'static) -> Self {
        self.held.to.push(Box::new(to));
        self
    }
}

impl Sink for Ndjson {
    fn event(&mut self, event: &Stamped) {
        let quick = (!self.redactor.knows_any()).then(|| Quick::of(event, &mut self.clock)).flatten();
        // none of these fails: holding takes everything, and plans and outcomes are JSON
        match quick {
            Some(quick) => {
                let _ = serde_json::to_writer(&mut self.held, &quick);
            }
            None => {
                let Ok(mut fields) = fields(event) else { return };
                if self.redactor.knows_any() {
                    fields.values_mut().for_each(|value| redact(value, &self.redactor));
                }
                let _ = self.held.write_all(line(&fields).as_bytes());
            }
        }
        let _ = self.held.write_all(b"\n");
        if !event.event.is_of_nothing() {
            let _ = self.held.flush();
        }
    }

    fn tick(&mut self, _elapsed: Duration) {
        let _ = self.held.flush();
    }
}

impl Drop for Ndjson {
    fn drop(&mut self) {
        let _ = self.held.flush();
    }
}

/// A record of a run that cannot be read.
#[derive(Debug)]
pub struct RecordError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.line {
            0 => write!(f, "cannot read `{path}`: {}", self.message),
            line => write!(f, "`{path}` line {line}: {}", self.message),
        }
    }
}

impl std::error::Error for RecordError {}

/// Reads a recorded run. A torn last line, of a run that was killed, is left out.
///
/// # Errors
/// When the file cannot be read, or a line other than the last is no event of this version.
pub fn read(path: &Path) -> Result<Vec<Stamped>, RecordError> {
    let error = |line: usize, message: String| RecordError { path: path.to_owned(), line, message };
    let file = File::open(path).map_err(|cause| error(0, cause.to_string()))?;
    let lines: io::Result<Vec<Vec<u8>>> = BufReader::new(file).split(b'\n').collect();
    let lines = lines.map_err(|cause| error(0, cause.to_string()))?;
    let mut events = Vec::with_capacity(lines.len());
    for (index, text) in lines.iter().enumerate() {
        match parse(text) {
            Ok(event) => events.push(event),
            Err(_) if index + 1 == lines.len() => {}
            Err(message) => return Err(error(index + 1, message)),
        }
    }
    Ok(events)
}

fn fields(event: &Stamped) -> serde_json::Result<Map<String, Value>> {
    let mut fields = Map::new();
    fields.insert("version".to_owned(), VERSION.into());
    fields.insert("time".to_owned(), humantime::format_rfc3339_millis(event.time).to_string().into());
    fields.insert("run".to_owned(), event.run.clone().into());
    if let Value::Object(own) = serde_json::to_value(&event.event)? {
        fields.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    }
    match &event.event {
        Event::StepFinished { .. } => {
            let result = fields.get_mut("result").and_then(Value::as_object_mut);
            if let Some(tests) = result.and_then(|result| result.remove("tests")) {
                fields.insert("tests".to_owned(), tests);
            }
        }
        Event::Effect { receipt, .. } => {
            fields.insert("target".to_owned(), receipt.target.clone().into());
            fields.insert("digest".to_owned(), digest(receipt).into());
        }
        _ => {}
    }
    Ok(fields)
}

/// The digest of what an effect left: the one that there is, or one of them all.
fn digest(receipt: &Receipt) -> String {
    let mut digests = receipt.digests.values();
    if let (Some(only), None) = (digests.next(), digests.next()) {
        return only.clone();
    }
    let mut hasher = Hasher::new();
    for (name, digest) in &receipt.digests {
        hasher.part(name).part(digest);
    }
    let digest: Digest = hasher.finish();
    digest.to_string()
}

fn line(fields: &Map<String, Value>) -> String {
    let head = HEAD.iter().filter_map(|name| fields.get(*name).map(|value| (*name, value)));
    let rest = fields.iter().filter(|(name, _)| !HEAD.contains(&name.as_str()));
    let pairs = head.chain(rest.map(|(name, value)| (name.as_str(), value)));
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Takes secrets out of every string, before JSON escapes hide them.
fn redact(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => *text = redactor.redact(text),
        Value::Array(values) => values.iter_mut().for_each(|value| redact(value, redactor)),
        Value::Object(fields) => fields.values_mut().for_each(|value| redact(value, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn parse(line: &[u8]) -> Result<Stamped, String> {
    let mut fields: Map<String, Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match fields.remove("version").and_then(|version| version.as_u64()) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => return Err(format!("version {version}, where {VERSION} is expected")),
        None => return Err("no `version`".to_owned()),
    }
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("no `{name}`")),
    };
    let (time, run) = (text("time")?, text("run")?);
    let time = humantime::parse_rfc3339(&time).map_err(|error| format!("`{time}`: {error}"))?;
    if let Some(tests) = fields.remove("tests")
        && let Some(result) = fields.get_mut("result").and_then(Value::as_object_mut)
    {
        result.insert("tests".to_owned(), tests);
    }
    let event = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    Ok(Stamped { time, run, event })
}
