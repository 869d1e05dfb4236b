//! What readers are told of recorded runs: events in, text out.

mod console;
mod ndjson;
mod samples;
