//! What stays when the run has ended: one small process an environment, which holds the front's port and runs the slots.
//!
//! It decides nothing: the slot that the `live` link names runs, and those that a [`Control`] connection holds; all others are
//! drained and ended. So whatever dies, and whenever, what is on disk says how to go on. It ends when it is told to, or when the
//! environment's directory is gone.

mod answer;
mod control;
mod holder;
mod launch;
mod log;
mod program;
mod record;
mod service;
mod slots;
mod supervise;

pub(super) use control::{Ask, Control, Report, SlotReport};
pub(super) use launch::{launch, port_is_free};
pub(super) use log::tail;
pub(super) use record::Record;
pub(crate) use supervise::supervise;
