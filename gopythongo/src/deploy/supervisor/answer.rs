//! The control socket's other side.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::sleep,
};

use super::{Ask, Report, slots::Slots};
use crate::deploy::Slot;

/// After accepting failed: descriptors may have run out.
const BREATH: Duration = Duration::from_millis(50);

/// No question is longer, in bytes.
const LONGEST: u64 = 4096;

/// Answers as long as this program lives.
pub(super) async fn answer(listener: UnixListener, slots: Arc<Slots>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let mut asker = Asker { slots: Arc::clone(&slots), held: BTreeSet::new() };
                tokio::spawn(async move { asker.answer(stream).await });
            }
            Err(_) => sleep(BREATH).await,
        }
    }
}

/// One connection. What it holds is released when it ends, for whatever reason.
struct Asker {
    slots: Arc<Slots>,
    held: BTreeSet<Slot>,
}

impl Asker {
    async fn answer(&mut self, stream: UnixStream) {
        let mut stream = BufReader::new(stream);
        let mut last = Report::default();
        loop {
            let mut line = Vec::new();
            let read = (&mut stream).take(LONGEST).read_until(b'\n', &mut line).await;
            let (Ok(1..), Ok(ask)) = (read, serde_json::from_slice::<Ask>(&line)) else { return };
            self.slots.ask(ask, &mut self.held);
            if let Ask::Change(limit) = ask {
                self.slots.changed(&last, limit).await;
            }
            last = self.slots.report();
            let Ok(mut line) = serde_json::to_vec(&last) else { return };
            line.push(b'\n');
            if stream.get_mut().write_all(&line).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        for slot in &self.held {
            self.slots.release(*slot);
        }
    }
}
